"""Each remedy changes the figure its report promised to change; together they survive."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from gatewaydoctor.simulate import SCENARIOS, Comparison, compare, run
from gatewaydoctor.simulate.compare import ALL, BASE
from gatewaydoctor.simulate.remedies import REMEDIES, Better
from gatewaydoctor.simulate.values import Effect

NAMED = {
    "cap-storm": "chunked worker single-flight coalesce append-log persistent-keys smaller-cap",
    "stuck-cron": "reaper-max-age scheduler-guard cap-all-statuses streaming-load",
    "subagent-maps": "archive-session-runs context-ttl pending-error-ttl",
    "chat-buffers": "sweep-stale-buffers",
    "usage-scan": "prices price-cache worker chunked one-refresh cache paginate cancel",
}


HELPLESS = {"single-flight", "cache"}
"""A pass computes for milliseconds, so almost nothing can join it. 2026.5.22 has a usage cache."""


def test_the_remedies_are_those_of_the_reports() -> None:
    assert {name: " ".join(r.name for r in scenario.remedies) for name, scenario in SCENARIOS.items()} == NAMED


@cache
def compared(name: str) -> Comparison:
    """Every remedy of a scenario, run once for all tests."""
    return compare(name, seed=2)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_remedy_keeps_its_promise(name: str) -> None:
    results = compared(name).results
    for remedy in (each for each in REMEDIES if each.scenario == name):
        before, after = results[BASE].value(remedy.promises), results[remedy.name].value(remedy.promises)
        assert before is not None, remedy.name
        if remedy.name in HELPLESS:
            assert after == pytest.approx(before, rel=0.05), remedy.name
            continue
        assert remedy.keeps_promise(before, after), remedy.name
        if after is not None:
            assert abs(after - before) > 0.1 * before, f"{remedy.name}: a change too small to speak of"


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "usage-scan"])
def test_all_remedies_together_survive_a_day_and_the_storm_does_not(name: str) -> None:
    day = run(name, remedies=["all"], duration=86_400)
    assert day.horizon == 86_400
    assert day.value("death") is None
    assert run(name).value("death") is not None


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_comparison_ranks_every_remedy_and_keeps_the_promises(name: str) -> None:
    comparison = compared(name)
    first, *ranked = comparison.verdicts
    assert (first.name, first.rank) == (BASE, None)
    assert [verdict.rank for verdict in ranked] == list(range(1, len(ranked) + 1))
    assert {verdict.name for verdict in ranked} - {ALL} == set(NAMED[name].split())
    assert {verdict.name for verdict in ranked if verdict.promised and not verdict.kept} <= HELPLESS
    assert comparison.answer
    assert all(verdict.sentence for verdict in comparison.verdicts)
    order = [(verdict.lost, verdict.effect is Effect.NOTHING, verdict.death is not None) for verdict in ranked]
    assert order == sorted(order)


def test_what_each_storm_remedy_does_to_the_others_figures() -> None:
    runs = {name: compared("cap-storm").results[name] for name in NAMED["cap-storm"].split()}
    storm = compared("cap-storm").results[BASE]
    assert runs["chunked"].value("death") == pytest.approx(storm.value("death"))
    assert runs["coalesce"].value("worstBlock") == pytest.approx(storm.value("worstBlock"))
    assert (runs["worker"].value("bytesWritten") or 0) > (storm.value("bytesWritten") or 0)
    assert runs["chunked"].value("worstBlock") == storm.value("worstBlock")
    assert (runs["chunked"].value("alone.worstBlock") or 0) < 0.2 * (storm.value("alone.worstBlock") or 0)
    assert (runs["append-log"].value("death") or 0) > 5 * (storm.value("death") or 0)
    assert runs["persistent-keys"].value("sessionsPerDay") == pytest.approx(1, abs=0.1)
    assert runs["smaller-cap"].value("rows") == 25
    assert [name for name, result in runs.items() if result.value("death") is None] == [
        "worker", "persistent-keys",
    ]  # fmt: skip


def test_a_cap_by_recency_evicts_the_conversations() -> None:
    assert run("stuck-cron", remedies=["cap-all-statuses"]).value("conversationsLost") == 10
    assert run("stuck-cron", remedies=["scheduler-guard"]).value("conversationsLost") == 0
    *_, last = compare("stuck-cron").verdicts
    assert (last.name, last.lost, last.effect) == ("cap-all-statuses", 10, Effect.LOSES)


def test_runs_after_a_job_row_was_ended_copy_failed() -> None:
    result = run("stuck-cron", remedies=["reaper-max-age"])
    assert result.value("stuckRuns") == 0
    assert (result.value("git-backup-night.failed") or 0) > 500


def test_remedies_a_release_has_already_are_no_better_than_nothing() -> None:
    comparison = compare("subagent-maps", policy="2026.4.25")
    assert {verdict.effect for verdict in comparison.verdicts[1:]} == {Effect.NOTHING}
    assert comparison.answer.startswith("Do nothing")


def test_remedies_apply_once_and_in_a_fixed_order() -> None:
    twice = run("cap-storm", remedies=["smaller-cap", "chunked", "smaller-cap"], duration=600)
    assert twice.remedies == ("chunked", "smaller-cap")


@pytest.mark.parametrize(
    ("better", "before", "after", "kept"),
    [
        (Better.LESS, 2.0, 1.0, True),
        (Better.LESS, 2.0, 2.0, False),
        (Better.LESS, 2.0, None, False),
        (Better.MORE, 1.0, 2.0, True),
        (Better.LATER, 1.0, 2.0, True),
        (Better.LATER, 1.0, None, True),
        (Better.LATER, None, None, False),
        (Better.LATER, 2.0, 1.0, False),
    ],
)
def test_what_counts_as_kept(better: Better, before: float | None, after: float | None, kept: bool) -> None:
    assert replace(REMEDIES[0], better=better).keeps_promise(before, after) is kept
