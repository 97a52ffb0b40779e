"""Running rows that are not, transcripts that are gone, paths of other hosts, and what a start takes up again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.outcome.finding import Severity
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, job, row, run_key, session_id

if TYPE_CHECKING:
    from pathlib import Path

BASE = "agent:main:cron:j"
MAIN = "agent:main:main"
RELEASES = ("2026.3.28", "2026.4.25", "2026.5.22", "2026.9.6")


def lock(state: StateDir, number: int, pid: int = 4_242) -> None:
    """A transcript lock whose owner is gone."""
    payload = {"pid": pid, "createdAt": "2027-04-25T00:00:00.000Z", "starttime": 77}
    state.beside(f"{session_id(number)}.jsonl.lock", json.dumps(payload), age=HOUR)


def test_silent_running_rows_are_stuck(state: StateDir) -> None:
    rows = {run_key("j", n): row(n, age=2 * HOUR, status="running") for n in range(3)}
    state.store(
        rows | {MAIN: row(9, age=2 * HOUR, status="running"), "agent:main:x": row(8, age=MINUTE, status="running")}
    )
    found = state.only("session-stuck-running")
    assert (found.severity, found.count) == (Severity.ERROR, 4)
    assert found.message == "4 of 5 sessions marked running: no sign of life for 1 h; 3 are cron runs."
    assert found.evidence["kinds"] == {"cron-run": 3, "main": 1}
    assert found.evidence["newestSignOfLife"] == NOW - 2 * HOUR


def test_a_transcript_written_lately_is_a_sign_of_life(state: StateDir) -> None:
    state.store({MAIN: row(1, age=2 * HOUR, status="running")})
    state.transcript(1, age=MINUTE)
    assert not state.findings("session-stuck-running")


def test_nothing_is_stuck_while_the_gateway_is_live(state: StateDir) -> None:
    state.store({MAIN: row(1, status="running"), BASE: row(2, status="running")})
    judgement = state.judge(answers=True)
    assert judgement.examination.gateway.liveness.value == "live"
    assert not judgement.of("session-stuck-running", "cron-phantom-running", "session-resumes-at-boot")


def test_stuck_is_milder_where_liveness_is_unknown(state: StateDir) -> None:
    state.store({MAIN: row(1, status="running"), BASE: row(2, status="running")})
    unknown = FakeProcesses(error=OSError(13, "Permission denied"))
    judgement = state.judge(processes=unknown)
    assert judgement.examination.gateway.liveness.value == "unknown"
    assert [found.severity for found in judgement.of("session-stuck-running", "cron-phantom-running")] == [
        Severity.WARNING
    ] * 2
    assert judgement.of("session-stuck-running")[0].message.endswith("Cannot tell whether a gateway is running.")


def test_every_release_has_its_own_future(tmp_path: Path) -> None:
    said = set()
    for release in (*RELEASES, None):
        (tmp_path / str(release)).mkdir()
        state = StateDir(tmp_path / str(release), release)
        state.store({MAIN: row(1, status="running")})
        said.add(state.only("session-stuck-running").consequence)
    assert len(said) == 5
    assert sum(text.startswith("A 2026.") for text in said) == 4


@pytest.mark.parametrize(
    ("release", "severity"),
    [("2026.3.28", Severity.ERROR), ("2026.4.25", Severity.WARNING), (None, Severity.WARNING)],
)
def test_a_stuck_base_row_is_a_phantom(tmp_path: Path, release: str | None, severity: Severity) -> None:
    state = StateDir(tmp_path, release)
    state.store({BASE: row(1, status="running"), run_key("j", 1): row(1, status="running"), run_key("j", 2): row(2)})
    state.jobs([job("j")])
    found = state.only("cron-phantom-running")
    assert (found.severity, found.count, found.key) == (severity, 1, BASE)
    assert (found.evidence["runRows"], found.evidence["runRowsRunning"]) == (2, 1)


def test_a_base_row_that_just_started_is_no_phantom(state: StateDir) -> None:
    state.store({BASE: row(1, age=MINUTE, status="running"), run_key("j", 1): row(1, age=MINUTE, status="running")})
    assert not state.findings("cron-phantom-running")


def test_missing_transcripts_of_people_and_machines(state: StateDir) -> None:
    state.store(
        {
            MAIN: row(1),
            run_key("j", 2): row(2),
            "agent:main:direct:3": row(3, age=MINUTE),
            "agent:main:direct:4": row(4),
        }
    )
    state.transcript(4)
    found = state.only("session-missing-transcript")
    assert (found.severity, found.count, found.key) == (Severity.WARNING, 2, MAIN)
    assert found.message == "2 sessions have no transcript. 1 conversation affected."


def test_missing_transcripts_of_machines_alone_are_information(state: StateDir) -> None:
    state.store({run_key("j", 2): row(2)})
    found = state.only("session-missing-transcript")
    assert found.severity is Severity.INFO
    assert "No conversation is affected" in found.consequence


def test_a_transcript_under_another_name_is_misplaced(state: StateDir) -> None:
    state.store({MAIN: row(1, sessionFile="gone.jsonl")})
    state.transcript(1)
    found = state.only("session-missing-transcript")
    assert (found.evidence["missing"], found.evidence["misplaced"]) == (0, 1)
    assert found.evidence["entries"] == [{"key": MAIN, "found": f"{session_id(1)}.jsonl"}]
    assert found.message == "1 session has its transcript elsewhere."


def test_paths_of_another_host_and_the_map_they_suggest(state: StateDir) -> None:
    there = "/Users/ann/.openclaw/agents/main/sessions"
    state.store({f"agent:main:direct:{n}": row(n, sessionFile=f"{there}/{session_id(n)}.jsonl") for n in (1, 2, 3)})
    for number in (1, 2, 3):
        state.transcript(number)
    judgement = state.judge()
    (found,) = judgement.of("session-path-foreign")
    assert found.count == 3
    assert found.evidence["matched"] == 3
    assert str(found.evidence["pathMap"]).startswith("/Users/ann/")
    assert "/Users" not in found.message
    assert not judgement.of("session-missing-transcript")


def test_paths_of_this_tree_are_not_foreign(state: StateDir) -> None:
    state.store({MAIN: row(1, sessionFile=str(state.root / f"agents/main/sessions/{session_id(1)}.jsonl"))})
    state.transcript(1)
    assert not state.judge().findings


RUNNING = {"age": 2 * HOUR, "status": "running"}


def interrupted(state: StateDir) -> StateDir:
    """One running row for each way a release may take a session up, with the locks of two of them."""
    state.store(
        {
            MAIN: row(1, **RUNNING, abortedLastRun=True),  # type: ignore[arg-type]
            "agent:main:direct:2": row(2, **RUNNING),  # type: ignore[arg-type]
            "agent:main:direct:3": row(3, **RUNNING),  # type: ignore[arg-type]
            "agent:main:subagent:four": row(4, **RUNNING, abortedLastRun=True),  # type: ignore[arg-type]
            "agent:main:subagent:five": row(5, **RUNNING, abortedLastRun=True),  # type: ignore[arg-type]
            BASE: row(6, **RUNNING, abortedLastRun=True),  # type: ignore[arg-type]
            "agent:main:direct:7": row(7, **RUNNING, abortedLastRun=True, spawnDepth=1),  # type: ignore[arg-type]
            "agent:main:direct:8": row(8, abortedLastRun=True),
        }
    )
    lock(state, 2)
    lock(state, 6)
    state.subagents(
        [
            {
                "runId": "r4",
                "childSessionKey": "agent:main:subagent:four",
                "requesterSessionKey": MAIN,
                "createdAt": NOW - DAY,
            }
        ]
    )
    return state


@pytest.mark.parametrize(
    ("release", "keys"),
    [
        ("2026.3.28", ["agent:main:subagent:four"]),
        ("2026.4.25", [MAIN, "agent:main:direct:2", "agent:main:subagent:four"]),
        ("2026.5.22", [MAIN, "agent:main:direct:2", "agent:main:subagent:four"]),
        (None, [MAIN, "agent:main:direct:2", "agent:main:direct:3", "agent:main:subagent:four"]),
        ("2026.9.6", [MAIN, "agent:main:direct:2", "agent:main:direct:3", "agent:main:subagent:four"]),
    ],
)
def test_what_a_start_takes_up_again(tmp_path: Path, release: str | None, keys: list[str]) -> None:
    found = interrupted(StateDir(tmp_path, release)).only("session-resumes-at-boot")
    assert found.evidence["keys"] == keys
    assert found.severity is Severity.WARNING
    assert ("may be" if release is None else "will be") in found.message


KILLED = {"age": 2 * HOUR, "status": "killed", "abortedLastRun": True}


@pytest.mark.parametrize(
    ("release", "keys"),
    [
        ("2026.3.28", ["agent:main:subagent:killed", "agent:main:acp:killed"]),
        ("2026.4.25", ["agent:main:subagent:killed", "agent:main:acp:killed", "agent:main:subagent:late"]),
    ],
)
def test_a_child_is_taken_up_for_its_run_whatever_its_status(tmp_path: Path, release: str, keys: list[str]) -> None:
    """Seen with the real 2026.3.28; it asks for abortedLastRun and a run without an end, and nothing else."""
    state = StateDir(tmp_path, release)
    children = [f"agent:main:{name}" for name in ("subagent:killed", "acp:killed", "subagent:over", "subagent:late")]
    state.store({key: row(n, **KILLED) for n, key in enumerate(children, 2)} | {MAIN: row(1, **KILLED)})  # type: ignore[arg-type]
    ends: list[dict[str, object]] = [
        {},
        {},
        {"endedAt": 5, "outcome": {"status": "ok"}},
        {"endedAt": 5, "outcome": {"status": "timeout"}},
    ]
    state.subagents([{"runId": key, "childSessionKey": key} | end for key, end in zip(children, ends, strict=True)])
    found = state.only("session-resumes-at-boot")
    assert found.evidence["keys"] == keys
    assert found.fix is not None
    assert found.fix.repairs == ("expire",)


def test_nothing_is_taken_up_where_nothing_was_interrupted(state: StateDir) -> None:
    state.store({MAIN: row(1, status="running"), "agent:main:direct:2": row(2)})
    assert not state.findings("session-resumes-at-boot")


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        ({"pid": 4_242, "createdAt": "2027-04-25T07:50:00.000Z", "starttime": 77}, 1),
        ({"pid": 200, "createdAt": "2027-04-25T07:50:00.000Z", "starttime": 5_000}, 0),
        ({"createdAt": "2027-04-25T07:50:00.000Z"}, 0),
        ({"createdAt": "2027-04-25T07:20:00.000Z"}, 1),
    ],
    ids=["owner dead", "owner alive", "no owner, ten minutes old", "no owner, forty minutes old"],
)
def test_a_lock_resumes_its_session_where_the_start_removes_it(
    tmp_path: Path, payload: dict[str, object], count: int
) -> None:
    state = StateDir(tmp_path, "2026.4.25")
    state.store({MAIN: row(1, age=2 * HOUR, status="running"), BASE: row(2, age=2 * HOUR, status="running")})
    for number in (1, 2):
        state.beside(f"{session_id(number)}.jsonl.lock", json.dumps(payload))
    processes = FakeProcesses([FakeProcess(200, ("node", "x.js"), 5_000)], own_uid=os.getuid())
    found = state.findings("session-resumes-at-boot", processes=processes)
    assert [each.evidence["keys"] for each in found] == [[MAIN]] * count


def test_examples_of_missing_and_foreign_do_not_mix(state: StateDir) -> None:
    there = f"/Users/ann/.openclaw/agents/main/sessions/{session_id(3)}.jsonl"
    state.store(
        {
            MAIN: row(1),
            "agent:main:direct:2": row(2, sessionFile="gone.jsonl"),
            "agent:main:direct:3": row(3, sessionFile=there),
        }
    )
    for number in (2, 3):
        state.transcript(number)
    missing = state.only("session-missing-transcript").evidence["entries"]
    assert [each["key"] for each in missing] == [MAIN, "agent:main:direct:2"]  # type: ignore[attr-defined]
    assert state.only("session-path-foreign").evidence["sessionFiles"] == [there]
