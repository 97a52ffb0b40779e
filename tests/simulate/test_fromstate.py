"""A workload taken from a directory: its jobs, sizes and cap, and figures that follow from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatewaydoctor.fixtures import make
from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.simulate import Label, UnknownName, compare, run, with_values
from gatewaydoctor.simulate.cronexpr import at_full_hour, runs_per_day
from gatewaydoctor.simulate.fromstate import Workload, against, comparison_against, read_workload
from gatewaydoctor.simulate.scenarios.stuck_cron import jobs_text, parse_jobs
from gatewaydoctor.simulate.schedule import parse_schedule, schedule_text
from gatewaydoctor.simulate.schedule import runs_per_day as jobs_per_day
from gatewaydoctor.system.fs import OsReadFs


@pytest.fixture(scope="module")
def storm_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "storm"
    make("cap-storm", folder, scale=0.1)
    return folder


@pytest.fixture(scope="module")
def stuck_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state") / "stuck"
    make("issue-61633", folder, scale=0.1)
    return folder


def workload(scenario: str, folder: Path) -> Workload:
    return read_workload(scenario, OsReadFs(), {"HOME": str(folder.parent)}, state_dir=str(folder))


def test_a_storm_directory_gives_its_own_schedule_cap_and_sizes(storm_dir: Path) -> None:
    found = workload("cap-storm", storm_dir)
    assert len(parse_schedule(found.options.schedule)) == 50
    assert found.options.max_entries == found.options.start_rows == found.observed["rows"] == 50
    assert 20_000 < found.options.entry_bytes < 40_000
    assert found.policy == "2026.4.25"
    assert jobs_per_day(parse_schedule(found.options.schedule)) == pytest.approx(
        found.observed["sessionsPerDay"], rel=0.1
    )


def test_the_figures_follow_from_the_directory(storm_dir: Path) -> None:
    found = workload("cap-storm", storm_dir)
    result = against(run("cap-storm", found.options, policy=found.policy), found)
    assert result.given_by == "directory"
    assert result.figure("sessionsPerDay").deviation == pytest.approx(0, abs=0.1)
    assert result.figure("death").given is None
    assert result.value("death") is not None
    labels = {item.name: item.label for item in result.inputs}
    assert labels["schedule"] is labels["entry-bytes"] is Label.MEASURED
    assert labels["host-memory"] is Label.GIVEN
    by_hand = with_values(found.options, {"max-entries": 77})
    inputs = against(run("cap-storm", by_hand, policy=found.policy, duration=600), found).inputs
    assert {item.name: item.label for item in inputs}["max-entries"] is Label.ASSUMED
    ranked = comparison_against(compare("cap-storm", found.options, policy=found.policy, duration=6 * 3600), found)
    assert ranked.verdicts[1].death is None
    assert all(each.given_by == "directory" for each in ranked.results.values())


def test_a_directory_in_warn_mode_has_no_passes_but_grows(stuck_dir: Path) -> None:
    found = workload("cap-storm", stuck_dir)
    assert found.options.mode == "warn"
    result = run("cap-storm", found.options, policy=found.policy, duration=86_400)
    assert result.value("passes") == 0
    assert (result.value("rows") or 0) > found.options.start_rows


def test_stuck_runs_are_taken_job_by_job(stuck_dir: Path) -> None:
    found = workload("stuck-cron", stuck_dir)
    jobs = {job.name: job for job in parse_jobs(found.options.jobs)}
    assert {"morning-sleep-report", "git-backup-night", "SSL-price-check"} <= jobs.keys()
    assert jobs["morning-sleep-report"].stuck_status == "running"
    assert jobs["SSL-price-check"].stuck_status == "none"
    result = against(run("stuck-cron", found.options, policy=found.policy), found)
    for key in ("rows", "runs", "fileBytes"):
        assert result.figure(key).deviation == pytest.approx(0, abs=0.02)


def test_job_names_are_tame_and_can_be_numbers(stuck_dir: Path) -> None:
    found = read_workload("stuck-cron", OsReadFs(), {}, state_dir=str(stuck_dir), redact=True)
    assert {job.name for job in parse_jobs(found.options.jobs)} == {f"job-{number}" for number in range(1, 6)}
    assert "SSL-price-check" in workload("stuck-cron", stuck_dir).options.jobs


def test_reading_a_workload_changes_nothing(stuck_dir: Path) -> None:
    def look() -> list[tuple[str, int, int]]:
        return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in stuck_dir.rglob("*"))

    before = look()
    for scenario in ("cap-storm", "stuck-cron", "subagent-maps", "usage-scan"):
        workload(scenario, stuck_dir)
    assert look() == before


def test_a_scenario_without_traces_and_a_missing_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnknownName, match="leaves nothing on disk"):
        workload("chat-buffers", tmp_path / "empty")
    with pytest.raises(CannotExamine):
        workload("cap-storm", tmp_path / "gone")


@pytest.mark.parametrize("scenario", ["cap-storm", "stuck-cron", "subagent-maps", "usage-scan"])
def test_an_empty_or_broken_directory_gives_an_idle_run(scenario: str, tmp_path: Path) -> None:
    sessions = tmp_path / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "sessions.json").write_bytes(b'{"agent:main:main": {"upda')
    (tmp_path / "cron").mkdir()
    (tmp_path / "cron" / "jobs.json").write_bytes(b"not json")
    found = workload(scenario, tmp_path)
    assert run(scenario, found.options, policy=found.policy, duration=600).sentence


@pytest.mark.parametrize(
    ("expression", "rate"),
    [
        ("* * * * *", 1440),
        ("*/5 * * * *", 288),
        ("0 * * * *", 24),
        ("0 7,19 * * *", 2),
        ("0 9-17 * * mon-fri", 9 * 5 / 7),
        ("30 6 1 * *", 1 / 30.44),
        ("0 0 * jan *", 1 / 12),
        ("*/10 * * * * *", 6 * 1440),
        ("0 0 * * 0,7", 1 / 7),
        ("61 * * * *", None),
        ("x * * * *", None),
        ("* * *", None),
        ("", None),
        ("0-60/0 * * * *", None),
    ],
)
def test_how_often_an_expression_fires(expression: str, rate: float | None) -> None:
    assert runs_per_day(expression) == (None if rate is None else pytest.approx(rate))


def test_full_hours_are_recognised() -> None:
    assert [at_full_hour(e) for e in ("0 * * * *", "0 0 7 * * *", "5 * * * *", "*/5 * * * *")] == [
        True,
        True,
        False,
        False,
    ]


def test_texts_of_schedules_and_jobs_are_read_back() -> None:
    text = "2x5m 1x90s~ 14x12h~ 17x1d~"
    assert parse_schedule(schedule_text(parse_schedule(text))) == parse_schedule(text)
    jobs = "a=68x22.5s:2075:none>running@59 b=1x86400s:1:done"
    assert jobs_text(parse_jobs(jobs)) == jobs


FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("scenario", ["cap-storm", "stuck-cron", "subagent-maps", "usage-scan"])
@pytest.mark.parametrize("name", ["healthy", "era-sqlite"])
def test_both_eras_give_a_workload(scenario: str, name: str) -> None:
    found = workload(scenario, FIXTURES / name / "state")
    assert found.policy == ("2026.3.28" if name == "healthy" else "2026.9.6")
    assert not [note for note in found.notes if "not known" in note]
    if scenario == "cap-storm":
        assert found.options.start_rows > 0
    if scenario == "usage-scan" and name == "healthy":
        assert found.options.sessions > 0
    assert run(scenario, found.options, policy=found.policy, duration=600).sentence


def test_usage_lines_are_counted_in_files(tmp_path: Path) -> None:
    sessions = tmp_path / "agents/main/sessions"
    sessions.mkdir(parents=True)
    (sessions / "sessions.json").write_text("{}")
    used = '{"message": {"role": "assistant", "usage": {"input": 1}}}\n'
    for number, count in enumerate((3, 5)):
        (sessions / f"0000000{number}-0000-4000-8000-000000000000.jsonl").write_text("{}\n" + used * count)
    found = workload("usage-scan", tmp_path)
    assert (found.options.sessions, found.options.stores, found.options.lines) == (2, 1, 8)
    assert found.options.line_bytes == pytest.approx(len(used) + 6 / 8)


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "era-sqlite/state", tmp_path / "state")
    database = tmp_path / "state/agents/main/agent/openclaw-agent.sqlite"
    data = database.read_bytes()
    database.write_bytes(data[:100] + bytes(len(data) - 100))
    found = workload("cap-storm", tmp_path / "state")
    assert any("sessions of a database are not known" in note for note in found.notes)
