"""Every scenario's defaults land where the report says, for seeds 1 to 3, and the same seed gives the same bytes."""

from __future__ import annotations

import pytest

from gatewaydoctor.simulate import SCENARIOS, BadOption, Label, UnknownName, run, with_values
from gatewaydoctor.simulate.kernel import timer_delays
from gatewaydoctor.simulate.output.document import to_json

SEEDS = range(1, 4)

TOLERANCES = {
    "cap-storm": {
        "sessionsPerDay": (1725, 0.05),
        "passes": (55, 0.2),
        "medianBlock": (48, 0.25),
        "growth": (11, 0.15),
        "death": (90, 0.15),
        "transcripts": (5176, 0.05),
        "rows": (50, 0.0),
    },
    "stuck-cron": {
        "rows": (6539, 0.02),
        "runs": (6524, 0.02),
        "fileBytes": (185e6, 0.02),
        "boots": (0, 0.0),
        "morning-sleep-report.running": (2016, 0.01),
        "morning-sleep-report.none": (59, 0.01),
        "git-backup-night.running": (2085, 0.03),
        "git-backup-night.failed": (151, 0.01),
        "ssl-price-check.none": (2211, 0.03),
    },
    "subagent-maps": {"sessionsAtDeath": (2800, 0.1), "heapPeak": (8000, 0.1)},
    "chat-buffers": {"death": (19 * 60, 0.1), "heapPeak": (4000, 0.1)},
    "usage-scan": {
        "maxDelay": (17.985, 0.2),
        "p99Delay": (2.561, 0.2),
        "utilisation": (0.8, 0.2),
        "longestCall": (298, 0.2),
    },
}
"""Figure to (the report's value, tolerance)."""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_defaults_reproduce_the_report(name: str, seed: int) -> None:
    result = run(name, seed=seed)
    for key, (reported, tolerance) in TOLERANCES[name].items():
        value = result.value(key)
        assert value is not None, key
        assert abs(value - reported) <= tolerance * reported, f"{key} is {value}"
    assert all(figure.within is not False for figure in result.figures)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name: str) -> None:
    first = run(name, seed=3)
    assert to_json(first) == to_json(run(name, seed=3))
    assert first.series != run(name, seed=4).series


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_number_is_labelled(name: str) -> None:
    result = run(name)
    assert {figure.label for figure in result.figures} <= {Label.DERIVED, Label.GIVEN}
    assert all(figure.given is None for figure in result.figures if figure.label is Label.GIVEN)
    assert {item.label for item in result.inputs} >= {Label.GIVEN}
    assert all(item.source for item in result.inputs)
    assert len(result.inputs) == len(SCENARIOS[name].describe_options())


def test_a_value_of_ones_own_is_not_passed_off_as_the_reports() -> None:
    options = with_values(SCENARIOS["cap-storm"].options(), {"entry-bytes": "56000", "max_entries": 50})
    inputs = {item.name: item for item in run("cap-storm", options, duration=600).inputs}
    assert inputs["entry-bytes"].value == 56_000
    assert inputs["entry-bytes"].label is Label.ASSUMED
    assert inputs["max-entries"].label is Label.GIVEN


def test_more_retained_memory_kills_sooner() -> None:
    options = with_values(SCENARIOS["cap-storm"].options(), {"retained": 44.8e6})
    ordinary, heavy = run("cap-storm").value("death"), run("cap-storm", options).value("death")
    assert ordinary is not None
    assert heavy is not None
    assert heavy < 0.7 * ordinary


@pytest.mark.parametrize(("release", "passes"), [("2026.3.28", False), ("2026.4.25", True), ("2026.5.22", False)])
def test_each_release_has_its_own_policy(release: str, passes: bool) -> None:
    result = run("cap-storm", policy=release, duration=6 * 3600)
    assert bool(result.value("passes")) is passes


def test_unknown_names_and_bad_values_are_refused() -> None:
    with pytest.raises(UnknownName, match="no scenario nope"):
        run("nope")
    with pytest.raises(UnknownName, match="unknown remedy 'nope'"):
        run("cap-storm", remedies=["nope"])
    with pytest.raises(UnknownName, match="no policy"):
        run("cap-storm", policy="2026.1.1")
    defaults = SCENARIOS["cap-storm"].options()
    for values in ({"nope": 1}, {"max-entries": "many"}, {"duration": -1}, {"duration": "nan"}):
        with pytest.raises(BadOption):
            with_values(defaults, values)
    for values in ({"schedule": "often"}, {"schedule": "5x0m"}, {"schedule": "99999x1s"}, {"mode": "maybe"}):
        with pytest.raises(BadOption):
            run("cap-storm", with_values(defaults, values))
    with pytest.raises(BadOption):
        run("stuck-cron", with_values(SCENARIOS["stuck-cron"].options(), {"jobs": "a=0x1s:1:none"}))
    with pytest.raises(BadOption):
        run("usage-scan", with_values(SCENARIOS["usage-scan"].options(), {"calls": "soon"}))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_moment_and_nothing_to_do_are_fine(name: str) -> None:
    scenario = SCENARIOS[name]
    assert run(name, duration=1).horizon == 1
    idle = {"cap-storm": {"schedule": ""}, "stuck-cron": {"jobs": ""}, "subagent-maps": {"tickets": 0}}
    idle |= {"chat-buffers": {"runs-per-hour": 0}, "usage-scan": {"calls": "", "sessions": 0}}
    result = run(name, with_values(scenario.options(), idle[name]), duration=3600)
    assert result.sentence


@pytest.mark.parametrize(
    ("blocks", "late", "on_time"),
    [
        ([], [], 5),
        ([(0.15, 0.2)], [(0.35, 0.15)], 2),
        ([(0.1, 0.05)], [(0.15, 0.05)], 3),
        ([(0.11, 0.05)], [], 5),
        ([(0.05, 0.1), (0.15, 0.1)], [(0.15, 0.05)], 3),
        ([(0.05, 2.0)], [], 0),
    ],
)
def test_how_late_a_timer_fires(
    blocks: list[tuple[float, float]], late: list[tuple[float, float]], on_time: int
) -> None:
    found = timer_delays(blocks, 0.1, 0.54)
    assert [(pytest.approx(at), pytest.approx(seconds)) for at, seconds in late] == found.late
    assert found.on_time == on_time
