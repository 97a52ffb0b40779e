"""Cron jobs by their runs and by the files of the cron directory."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from tests.cli.harness import run
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.world import DAY, HOUR, MINUTE, NOW, SECOND, StateDir, job, row, run_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.outcome.finding import Finding


def runs(name: str, ages: list[int], start: int = 100) -> dict[str, object]:
    return {run_key(name, start + n): row(start + n, age=age) for n, age in enumerate(ages)}


def bursts(ticks: int, size: int, apart: int) -> list[int]:
    """Ages of runs that come `size` at a time, 100 ms from each other."""
    return [HOUR + tick * apart + n * 100 for tick in range(ticks) for n in range(size)]


def test_bursts_of_one_job_are_rapid_retries(state: StateDir) -> None:
    state.store(runs("hot", bursts(4, 10, 22 * SECOND)) | runs("calm", [n * HOUR for n in range(1, 6)], 900))
    state.jobs([job("hot"), job("calm")])
    found = state.only("cron-rapid-retry")
    assert (found.severity, found.count) == (Severity.ERROR, 1)
    assert found.message == "1 job with 40 run rows, up to 10 at one tick, ticks 22 s apart at the closest."
    evidence = found.evidence["jobs"][0]  # type: ignore[index]
    assert (evidence["jobId"], evidence["ticks"], evidence["runsPerTickMax"]) == ("hot", 4, 10)


def test_bursts_of_jobs_that_were_disabled_are_no_error_and_the_others_are_named_to_type(state: StateDir) -> None:
    state.store(runs("hot", bursts(2, 5, 22 * SECOND)) | runs("warm", bursts(2, 5, 22 * SECOND), 500))
    state.jobs([job("hot"), job("warm", enabled=False)])
    found = state.only("cron-rapid-retry")
    assert found.severity is Severity.ERROR
    assert found.by_command is not None
    assert found.by_command.words == ("repair", "cron", "--disable", "name of hot")
    state.jobs([job("hot", enabled=False), job("warm", enabled=False)])
    found = state.only("cron-rapid-retry")
    assert found.severity < Severity.ERROR
    assert found.by_command is None
    assert found.consequence == "These jobs are disabled: a start runs none of them."
    assert "start these jobs again" not in (found.by_hand or "")


def test_a_job_that_is_due_every_minute_is_not_rapid(state: StateDir) -> None:
    state.store(runs("often", [HOUR + n * 30 * SECOND for n in range(10)]))
    state.jobs([job("often", schedule={"kind": "every", "everyMs": 30 * SECOND})])
    assert not state.findings("cron-rapid-retry")


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("2026.3.28", "clears the mark"),
        ("2026.4.25", "records the run as interrupted"),
        ("2026.9.6", "clears an older mark"),
        (None, "2026.3.28 clears the mark; 2026.4.25 and later"),
    ],
)
def test_a_marked_job_of_a_dead_gateway(tmp_path: Path, release: str | None, text: str) -> None:
    state = StateDir(tmp_path, release)
    state.jobs(
        [
            job("a", state={"runningAtMs": NOW - 3 * HOUR}),
            job("due", state={"nextRunAtMs": NOW - 1}),
            job("off", enabled=False, state={"nextRunAtMs": NOW - 1}),
            job("later", state={"nextRunAtMs": NOW + 1}),
        ]
    )
    found = state.only("cron-zombie-running")
    assert (found.severity, found.count) == (Severity.WARNING, 1)
    assert found.message == "1 job is marked as running, the longest for 3 h; 1 other job is past due."
    assert text in found.consequence
    assert found.consequence.endswith("Jobs past due fire soon after.")


def test_a_mark_of_a_time_to_come_is_said_to_be_one(state: StateDir) -> None:
    state.jobs([job("a", state={"runningAtMs": NOW + 3 * HOUR})])
    assert state.only("cron-zombie-running").message == "1 job is marked as running since 3 h in the future."


@pytest.mark.parametrize(("age", "count"), [(HOUR, 0), (3 * HOUR, 1)])
def test_a_live_gateway_may_run_its_jobs_for_two_hours(state: StateDir, age: int, count: int) -> None:
    state.jobs([job("a", state={"runningAtMs": NOW - age})])
    assert len(state.findings("cron-zombie-running", answers=True)) == count


def test_rows_of_unknown_jobs(state: StateDir) -> None:
    state.jobs([job("known")])
    state.store({"agent:main:cron:gone": row(1)} | runs("known", [HOUR]))
    found = state.only("cron-unknown-job")
    assert (found.severity, found.count) == (Severity.INFO, 1)
    assert "job rows only" in found.message
    state.store(runs("gone", [HOUR]))
    assert state.only("cron-unknown-job").severity is Severity.INFO
    state.store(runs("gone", [2 * DAY]))
    assert state.only("cron-unknown-job").severity is Severity.WARNING


def test_rows_of_jobs_that_had_no_id_are_not_told_as_those_of_a_deleted_job(state: StateDir) -> None:
    """2026.3.28 gives jobs with the old name jobId an id; what ran before stays under undefined."""
    nameless = {"jobId" if key == "id" else key: value for key, value in job("x").items()}
    state.jobs([nameless])
    state.store({"agent:main:cron:undefined": row(1)} | runs("undefined", [HOUR]))
    found = state.only("cron-unknown-job")
    told = "Rows named undefined are of jobs that had no id in an earlier release."
    assert found.message == f"Jobs that had no id, with 1 run row, the newest 1 h old. {told}"
    assert found.brief == "jobs without id, 1 run row left"
    state.store(runs("undefined", [HOUR]) | runs("gone", [HOUR]))
    mixed = state.only("cron-unknown-job")
    assert (
        mixed.message
        == f"1 job not in jobs.json and jobs that had no id, with 2 run rows, the newest 1 h old. {told}"
    )
    assert (mixed.brief, mixed.count) == ("1 deleted job and jobs without id, 2 run rows left", 1)


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25", "2026.5.22"])
@pytest.mark.parametrize("in_place", ["cron", "cron/jobs.json/x"])
def test_what_is_in_place_of_jobs_json_keeps_the_scheduler_from_starting(
    release: str, in_place: str, tmp_path: Path
) -> None:
    state = StateDir(tmp_path, release)
    state.file(in_place, "")
    verdict = state.judge().verdict
    assert verdict.start is Start.AT_RISK
    assert verdict.reason == "It would start without its scheduler: no cron job runs."


def test_no_job_is_unknown_where_jobs_json_cannot_be_read(state: StateDir) -> None:
    state.store(runs("gone", [HOUR]))
    assert not state.findings("cron-unknown-job"), "there is no jobs.json"
    state.file("cron/jobs.json", b"{")
    assert not state.findings("cron-unknown-job")


def test_isolated_runs_against_the_cap(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.4.25")
    state.maintenance(maxEntries=50)
    state.store(runs("j", [n * MINUTE for n in range(1, 25)]))
    state.jobs([job("j")])
    found = state.only("cron-isolated-load")
    assert found.severity is Severity.WARNING
    assert found.evidence["sessionsPerDay"] == round(24 * DAY / (23 * MINUTE))
    assert found.evidence["estimate"] is True
    state.store(runs("j", [n * HOUR for n in range(1, 25)]))
    assert not state.findings("cron-isolated-load")
    state.store(runs("j", [n * MINUTE for n in range(1, 11)]))
    assert not state.findings("cron-isolated-load"), "ten runs tell no rate"


def test_a_rate_is_never_told_from_less_than_ten_minutes(state: StateDir) -> None:
    state.store(runs("j", [HOUR + n for n in range(20)]))
    assert state.only("cron-isolated-load").evidence["sessionsPerDay"] == 20 * 144


BROKEN = [
    ("torn", b'{"jobs": [', "Cron does not run at all"),
    ("another shape", b'{"jobs": 7}', "none of them runs"),
]


@pytest.mark.parametrize(("data", "text"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_jobs_json_that_cannot_be_used(state: StateDir, data: bytes, text: str) -> None:
    state.file("cron/jobs.json", data)
    state.jobs([job("a"), job("b")], "jobs.json.bak")
    judgement = state.judge()
    (found,) = judgement.of("cron-store-unparseable")
    assert found.severity is Severity.ERROR
    assert text in found.consequence
    assert found.evidence["jobsNamedElsewhere"] == 2
    assert not judgement.of("cron-jobs-lost"), "beside a damaged file every job looks lost"


def test_a_broken_state_file_is_a_warning(state: StateDir) -> None:
    state.jobs([job("a")])
    state.file("cron/jobs-state.json", b"[]")
    found = state.only("cron-store-unparseable")
    assert found.severity is Severity.WARNING
    assert "jobs-state.json: No list of jobs in it." in found.message


OLD_NAME = {"kind": "cron", "cron": "20 6 * * *"}


@pytest.mark.parametrize(
    ("version", "severity", "said"),
    [
        ("2026.2.26", Severity.WARNING, "2 jobs of 3: 2 are never due. Cause: schedule.expr"),
        ("2026.3.28", None, ""),
        ("2026.5.22", None, ""),
    ],
)
def test_jobs_are_judged_as_the_release_takes_them(
    tmp_path: Path, version: str, severity: Severity | None, said: str
) -> None:
    state = StateDir(tmp_path, version)
    off = job("c", enabled=False, schedule=OLD_NAME, state={"scheduleErrorCount": 3})
    state.jobs([job("a"), job("b", schedule=OLD_NAME), off])
    found = state.findings("cron-job-cannot-run")
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert not said or found[0].message.startswith(said)
    assert not said or found[0].message.endswith("1 is already disabled by that.")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("2026.4.25", "1 job of 2: 1 stops the scheduler. Cause: schedule (missing)."),
        ("2026.5.22", "1 job of 2: 1 is deleted from jobs.json after start. Cause: schedule (missing)."),
    ],
)
def test_a_job_that_harms_others_or_would_be_removed_is_an_error(tmp_path: Path, version: str, said: str) -> None:
    state = StateDir(tmp_path, version)
    state.jobs([job("a"), job("b", schedule=None, enabled=False)])
    found = state.only("cron-job-cannot-run")
    assert (found.severity, found.message) == (Severity.ERROR, said)
    assert found.fix is not None


@pytest.mark.parametrize(
    ("version", "wrong", "cause"),
    [
        ("2026.3.28", {"state": None}, None),
        ("2026.4.1", {"state": None}, "state (missing or not an object)"),
        ("2026.4.15", {"state": None}, "state (missing or not an object)"),
        ("2026.4.20", {"state": None}, None),
        ("2026.4.25", {"schedule": "0 17 * * *"}, None),
        ("2026.4.27", {"schedule": "0 17 * * *"}, "schedule (text, not an object)"),
        ("2026.4.29", {"schedule": "0 17 * * *"}, "schedule (text, not an object)"),
        ("2026.5.3", {"schedule": "0 17 * * *"}, None),
    ],
)
def test_in_some_releases_one_job_stops_all_even_if_it_is_disabled(
    tmp_path: Path, version: str, wrong: dict[str, object], cause: str | None
) -> None:
    state = StateDir(tmp_path, version)
    state.jobs([job("a"), job("b", enabled=False) | wrong])
    told = [each.message for each in state.findings("cron-job-cannot-run")]
    assert told == ([f"1 job of 2: 1 stops the scheduler. Cause: {cause}."] if cause else [])


def test_a_job_disabled_on_purpose_is_not_missed(state: StateDir) -> None:
    state.jobs([job("a"), job("b", enabled=False, schedule={"kind": "cron", "expr": "bad"})])
    assert not state.findings("cron-job-cannot-run")


def test_where_the_release_is_not_known_nothing_is_claimed(tmp_path: Path) -> None:
    state = StateDir(tmp_path, None)
    state.jobs([job("a"), job("b", schedule="0 2 * * *")])
    found = state.only("cron-job-cannot-run")
    assert (found.severity, found.fix) == (Severity.INFO, None)
    assert "may not run: schedule (text, not an object)." in found.message


def test_jobs_without_id_share_their_state(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.4.20")
    nameless = {key: value for key, value in job("x").items() if key != "id"}
    state.jobs([nameless, nameless | {"name": "second"}, job("own")])
    state.store({"agent:main:cron:undefined": row(1)} | runs("undefined", [HOUR, 2 * HOUR]))
    state.file("cron/jobs-state.json", {"version": 1, "jobs": {"undefined": {"state": {"consecutiveErrors": 23}}}})
    judgement = state.judge()
    (found,) = judgement.of("cron-job-shares-state")
    assert found.message == "2 jobs have no id: state, rows and run log are kept under one id, undefined."
    assert found.evidence["rowsUnderUndefined"] == 2
    assert not judgement.of("cron-unknown-job", "cron-jobs-lost"), "no job of that name was there"


def test_parked_and_disabled_jobs_are_findings(state: StateDir) -> None:
    state.jobs([job("a", enabled=False)])
    state.jobs([job("b")], "jobs-parked.json")
    state.jobs([{"id": "a", "name": "name of a", "disabledAtMs": NOW - HOUR}], "jobs-disabled.json")
    parked, disabled = state.only("cron-job-parked"), state.only("cron-job-disabled")
    assert (parked.message, parked.severity) == ("1 job is parked in jobs-parked.json.", Severity.WARNING)
    assert "--unpark JOB" in (parked.by_hand or "")
    assert disabled.message == "1 job was disabled by a repair, the first 1 h ago."
    state.jobs([job("a")])
    assert not state.findings("cron-job-disabled"), "it is enabled again"


def test_sound_cron_files(state: StateDir) -> None:
    state.jobs([job("a")])
    state.file("cron/jobs-state.json", {"version": 1, "jobs": {"a": {"state": {}}}})
    assert not state.judge().findings


@pytest.mark.parametrize(
    ("left", "before", "severity"),
    [
        ("a", "ab", Severity.INFO),
        ("ab", "abcd", Severity.INFO),
        ("abcd", "abcdefg", Severity.INFO),
        ("abc", "abcdef", Severity.WARNING),
        ("", "a", Severity.WARNING),
    ],
)
def test_jobs_that_only_a_backup_knows(state: StateDir, left: str, before: str, severity: Severity) -> None:
    state.jobs([job(name) for name in left])
    state.jobs([job(name) for name in before], "jobs.json.bak")
    found = state.only("cron-jobs-lost")
    assert (found.severity, found.count) == (severity, len(before) - len(left))
    assert found.evidence["sources"] == {"jobs.json.bak": len(before) - len(left)}


def test_jobs_that_moved_to_sqlite_are_not_lost(state: StateDir) -> None:
    state.jobs([job("a"), job("b")], "jobs.json.migrated")
    assert not state.findings("cron-jobs-lost")


def test_run_logs(state: StateDir) -> None:
    state.jobs([job("a")])
    state.file("cron/runs/a.jsonl", b"x" * 100)
    state.file("cron/runs/gone.jsonl", b"x" * 900)
    found = state.only("cron-runlog-large", Thresholds(run_log_bytes=900))
    assert found.count == 1
    assert "1 of deleted jobs" in found.message
    assert state.only("cron-runlog-large", Thresholds(run_logs_bytes=1000)).count == 2
    assert not state.findings("cron-runlog-large")


def history(state: StateDir, ages: Iterable[int]) -> list[Finding]:
    """What is found where a job of the database era ran so many ms ago."""
    runs = [("job-0", NOW - age) for age in ages]
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",), started="2026.9.6", runs=runs), HOUR)
    return [each for each in state.judge().findings if each.rule == "cron-rapid-retry"]


def test_a_job_of_a_database_that_starts_again_and_again_is_found_in_its_run_history(state: StateDir) -> None:
    (found,) = history(state, range(HOUR, HOUR + 600_000, 20_000))
    assert found.message == "1 job with 20 recent runs in the run history, 20 s apart at the closest."
    assert found.path == str(state.root / STATE)
    assert str(found.by_command) == "gatewaydoctor repair cron --disable job-0"


@pytest.mark.parametrize(
    "ages",
    [
        range(0, 20 * HOUR, HOUR),  # as scheduled
        [*range(0, 21 * HOUR, HOUR), *range(23 * HOUR, 23 * HOUR + 600_000, 20_000)],  # well since its burst
        [HOUR, HOUR + 20_000],  # too few to tell
        [],
    ],
)
def test_a_job_that_runs_as_it_should_is_not_found_there(ages: Iterable[int], state: StateDir) -> None:
    assert history(state, ages) == []


@pytest.mark.parametrize("store_key", ["main", "own"])
def test_disabling_it_as_printed_settles_it(store_key: str, state: StateDir) -> None:
    (found,) = history(state, range(HOUR, HOUR + 600_000, 20_000))
    if store_key == "own":
        with closing(sqlite3.connect(state.root / STATE)) as connection, connection:
            connection.execute("UPDATE cron_jobs SET store_key = ?", (str(state.root / "cron" / "jobs.json"),))
    typed = str(found.by_command).split()[1:]
    assert run(*typed, "--apply", "--yes", "--state-dir", str(state.root)).code == 0
    assert not [each for each in state.judge().findings if each.rule == "cron-rapid-retry"]


def test_the_mixed_era_has_its_run_history_in_run_logs(state: StateDir) -> None:
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",), runs=[("job-0", NOW - DAY)]), HOUR)
    with closing(sqlite3.connect(state.root / STATE)) as connection, connection:
        connection.execute("CREATE TABLE cron_run_logs (job_id TEXT, ts INTEGER, run_at_ms INTEGER, status TEXT)")
        rows = [("job-0", NOW - age, NOW - age - 5, "error") for age in range(HOUR, HOUR + 600_000, 20_000)]
        connection.executemany("INSERT INTO cron_run_logs VALUES (?, ?, ?, ?)", rows)
    (found,) = (each for each in state.judge().findings if each.rule == "cron-rapid-retry")
    assert found.evidence["recentRuns"] == 20
