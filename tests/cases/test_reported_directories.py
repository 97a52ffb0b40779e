"""What is said of directories that operators reported: the cause, and nothing that is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from tests.cases import directories
from tests.cases.directories import CASES
from tests.cli.harness import run
from tests.fixes.directories import Directory, complaints
from tests.world import NOW, job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import StateDir


def said(state: StateDir, *verb: str) -> str:
    ran = run(*(verb or ("scan", "-v")), "--state-dir", str(state.root), "--now", str(NOW))
    return " ".join(ran.out.split())


def rules(state: StateDir) -> set[str]:
    return {each.rule for each in state.judge().findings}


def test_jobs_under_the_old_name_of_the_id(tmp_path: Path) -> None:
    state = directories.jobs_named_by_job_id(tmp_path)
    judgement = state.judge()
    (shared,) = judgement.of("cron-job-shares-state")
    assert shared.count == 3
    assert "only the old name jobId" in shared.message
    assert shared.evidence["rowsUnderUndefined"] == 7
    assert not judgement.of("cron-unknown-job", "cron-jobs-lost"), "no job of that name was there"
    (mark,) = judgement.of("cron-zombie-running")
    assert (mark.severity, mark.fix) == (Severity.INFO, None), "clearing the mark alone does not help"
    assert str(judgement.next.command) == "gatewaydoctor explain cron-job-shares-state --found"
    assert "run rows under undefined: of the jobs without id" in said(state, "cron")


def test_jobs_without_any_id(tmp_path: Path) -> None:
    state = directories.jobs_without_any_id(tmp_path)
    found = state.only("cron-job-shares-state")
    assert (found.count, found.fix) == (4, None)
    assert [each["place"] for each in found.evidence["jobs"]] == [1, 2, 3, 4]  # type: ignore[attr-defined]
    assert "cron-jobs-lost" not in rules(state)
    plan = said(state, "repair", "cron")
    assert "Nothing to repair" in plan
    assert "nothing to do." not in plan, "the ids are to be given by hand"
    assert "explain cron-job-shares-state" in plan


def test_a_schedule_as_text(tmp_path: Path) -> None:
    state = directories.a_schedule_as_text(tmp_path)
    found = state.only("cron-job-cannot-run")
    assert found.message.startswith("1 job of 3: 1 is never due.")
    (told,) = found.evidence["jobs"]  # type: ignore[misc]
    assert told["jobId"] == "copy-files"
    assert {"field": "schedule", "reason": "text, not an object"} in told["problems"]
    assert "copy-files" in said(state)
    assert "schedule stops until the job is corrected" in said(state, "repair", "cron")
    assert "fires its next cron job" not in said(state, "forecast") or "copy-files" in said(state, "forecast")


def test_an_expression_under_its_old_name(tmp_path: Path) -> None:
    state = directories.an_expression_under_its_old_name(tmp_path)
    found = state.only("cron-job-cannot-run")
    assert found.message.startswith("3 jobs of 5: 3 are never due.")
    assert "only the old name cron is there" in found.message
    assert "1 is already disabled by that" in found.message
    assert "never-runs" in said(state, "cron")


def test_runs_more_often_than_scheduled(tmp_path: Path) -> None:
    state = directories.runs_more_often_than_scheduled(tmp_path)
    found = state.only("cron-runs-too-often")
    assert found.message == "300 run rows of one job, one every 9 min; the schedule is every 15 min."
    assert "repair trim" in f"{found.consequence} {found.by_hand}"
    assert "session-stuck-running" not in rules(state)
    plan = said(state, "repair", "trim")
    assert "Conversations lost: none." in plan
    assert "finished runs" in plan or "run" in plan
    assert "repair trim" not in str(state.judge().next.command), "not recommended, only named"


def test_next_runs_days_away(tmp_path: Path) -> None:
    state = directories.next_runs_days_away(tmp_path)
    found = state.only("cron-job-not-run")
    assert "5 jobs did not run at 3 or more times of the schedule, the longest for 4 d" in found.message
    screen = said(state, "cron")
    assert screen.count("4 d ago ok") == 5
    assert "Healthy" not in said(state)


def test_threads_without_session(tmp_path: Path) -> None:
    state = directories.threads_without_session(tmp_path)
    found = state.only("session-missing-transcript")
    assert found.evidence["unlinked"] == 6
    assert found.fix is not None
    assert found.fix.repairs == ("missing",)
    (unindexed,) = state.findings("transcript-unindexed")
    assert unindexed.fix is None, "people's history is moved by nobody"
    plan = said(state, "repair", "missing")
    assert "Conversations lost: none." in plan


def test_a_lost_header_beside_odd_neighbours(tmp_path: Path) -> None:
    state = directories.a_lost_header_beside_odd_neighbours(tmp_path)
    found = state.only("transcript-bad-header")
    assert found.fix is not None
    assert "permissions" not in rules(state), "the neighbours could be told for what they are"
    plan = said(state, "repair", "transcripts")
    assert "header" in plan
    assert "Nothing to repair" not in plan


def test_a_name_of_255_bytes(tmp_path: Path) -> None:
    state = directories.a_name_of_255_bytes(tmp_path)
    directory = Directory(state.root, NOW)
    plan = directory.plan("orphans")
    assert sum(step.count for step in plan.steps) == 2
    assert not plan.refusals


def test_odd_types(tmp_path: Path) -> None:
    state = directories.odd_types(tmp_path)
    found = state.findings("store-invalid-entry")
    assert {each.evidence["fate"]: each.evidence["conversations"] for each in found} == {"dropped": 5, "pruned": 5}
    assert all(each.severity is Severity.ERROR for each in found)
    assert "At risk." in said(state, "scan")


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (
            "2026.4.25",
            "A 2026.4.25 gateway runs no job with this file: its scheduler does not start, or breaks off every pass.",
        ),
        ("2026.5.22", "2026.5.22 would delete 3 cron jobs from jobs.json and its backup."),
    ],
)
def test_what_is_no_job_is_counted_among_the_entries(release: str, reason: str, tmp_path: Path) -> None:
    state = directories.with_a_person(tmp_path, release)
    state.jobs([job("a"), 5, "x", []])
    judgement = state.judge()
    (found,) = judgement.of("cron-job-cannot-run")
    assert found.message.startswith("3 jobs of 4: ")
    assert judgement.verdict.reason == reason
    assert judgement.verdict.start is Start.AT_RISK


def test_a_doubled_id_is_not_called_a_missing_one(tmp_path: Path) -> None:
    state = directories.with_a_person(tmp_path, "2026.4.25")
    state.jobs([job("a"), job("a", name="second")])
    screen = said(state, "cron")
    assert "id used twice" in screen
    assert "no id" not in screen.partition("Findings")[0]


@pytest.mark.parametrize(
    ("release", "value", "runs"),
    [
        ("2026.3.28", "false", True),
        ("2026.4.25", "false", False),
        ("2026.5.22", " FALSE ", False),
        ("2026.5.22", "true", True),
        ("2026.5.22", 0, True),
        ("2026.4.25", None, True),
        ("2026.3.28", False, False),
    ],
)
def test_enabled_as_the_release_takes_it(release: str, value: object, runs: bool, tmp_path: Path) -> None:
    state = directories.with_a_person(tmp_path, release)
    state.jobs([job("a", enabled=value)])
    (found,) = state.examine().cron.jobs
    assert found.enabled is runs


@pytest.mark.parametrize("name", CASES)
def test_every_fix_of_a_reported_directory_does_what_it_says(name: str, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    state = CASES[name](tmp_path / "made")
    assert complaints(Directory(state.root, NOW), tmp_path / "scratch") == []
