"""The repair a finding names is one that mends that very case; where none does, it says what to do by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.checks.thresholds import Thresholds
from tests.fixtures_source.databases import STATE_VERSION, state_database
from tests.state.fakes import ClosedFs
from tests.world import DAY, HOUR, NOW, RoomyFs, StateDir, header, job, row, run_key, said, session_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatewaydoctor.model.outcome.finding import Finding

MAIN = "agent:main:main"
HEAVY = Thresholds(heap_bytes=1)
SMALL = Thresholds(bloat_bytes=1)
UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"


def test_every_rule_with_a_repair_names_its_command() -> None:
    for rule in all_rules():
        found = rule.finding("Seen.", "Nothing.")
        if rule.repair is None:
            assert (found.fix, found.by_hand) == (None, rule.remedy)
        else:
            assert found.fix is not None
            assert (found.fix.repairs, found.fix.safe) == ((rule.repair,), True)
            assert found.by_hand is None
        by_hand = rule.finding("Seen.", "Nothing.", repair=None)
        assert (by_hand.fix, by_hand.by_hand) == (None, rule.remedy)


def test_a_backup_that_is_not_there_is_not_to_be_copied(state: StateDir) -> None:
    emptied(state)
    by_hand = state.only("store-empty-beside-transcripts").by_hand or ""
    assert "There is no backup or temp file next to" in by_hand
    assert "Copy" not in by_hand


def runs(count: int, **more: object) -> dict[str, object]:
    return {run_key("j", n): row(n, age=HOUR + n * HOUR, **more) for n in range(100, 100 + count)}  # type: ignore[arg-type]


def torn(state: StateDir) -> None:
    state.store(json.dumps({MAIN: row(1), "agent:main:x": row(2)}, indent=2).encode()[:-3])


def emptied(state: StateDir) -> None:
    state.store({})
    state.transcript(1)


def emptied_with_backup(state: StateDir) -> None:
    emptied(state)
    state.beside("sessions.json.bak.1799000000000", {MAIN: row(1)})


def unindexed(*texts: str) -> Callable[[StateDir], None]:
    def write(state: StateDir) -> None:
        state.store({MAIN: row(1)})
        state.transcript(1)
        for number, text in enumerate(texts, 2):
            state.transcript(number, header(session_id(number)) + said(text))

    return write


def temp(store: bytes) -> Callable[[StateDir], None]:
    def write(state: StateDir) -> None:
        state.store(store)
        state.beside(f"sessions.json.{UUID}.tmp", b"{}")

    return write


def capped(state: StateDir, rows: dict[str, object], limit: int) -> None:
    state.maintenance(maxEntries=limit, mode="enforce")
    state.store(rows)


def people(count: int) -> dict[str, object]:
    return {f"agent:main:direct:{n}": row(n) for n in range(count)}


CASES: list[tuple[str, str, Callable[[StateDir], object], str | None]] = [
    ("cut short", "store-unparseable", torn, "salvage"),
    ("emptied", "store-empty-beside-transcripts", emptied, None),
    ("emptied with a backup", "store-empty-beside-transcripts", emptied_with_backup, "salvage"),
    ("heavy by runs", "store-heap-risk", lambda s: s.store(runs(9) | people(1)), "trim"),
    ("heavy by snapshots", "store-heap-risk", lambda s: s.store({MAIN: row(1, skillsSnapshot="x" * 900)}), "slim"),
    ("heavy by people", "store-heap-risk", lambda s: s.store(people(9)), None),
    ("over by runs", "store-over-cap", lambda s: capped(s, runs(9) | people(1), 5), "trim"),
    ("over by people", "store-over-cap", lambda s: capped(s, runs(1) | people(9), 5), None),
    ("full of runs", "store-at-cap", lambda s: capped(s, runs(5), 5), "trim"),
    ("full of people", "store-at-cap", lambda s: capped(s, people(5), 5), None),
    ("stuck runs", "session-stuck-running", lambda s: s.store(runs(2, status="running")), "trim"),
    ("a stuck talk", "session-stuck-running", lambda s: s.store({MAIN: row(1, status="running")}), "expire"),
    ("gone", "session-missing-transcript", lambda s: s.store(people(1)), None),
    ("machines and people", "transcript-unindexed", unindexed("[cron:j x] go", "hello"), "orphans"),
    ("people only", "transcript-unindexed", unindexed("hello"), None),
    ("temp", "temp-leftover", temp(b"{}"), "temps"),
    ("temp beside damage", "temp-leftover", temp(b"{"), None),
    ("base row", "cron-unknown-job", lambda s: (s.jobs([]), s.store({"agent:main:cron:gone": row(1)})), None),
    ("run rows", "cron-unknown-job", lambda s: (s.jobs([]), s.store(runs(1))), "trim"),
    (
        "run row, its transcript younger",
        "cron-unknown-job",
        lambda s: (s.jobs([]), s.store(runs(1)), s.transcript(100, age=2 * HOUR)),
        None,
    ),
    ("torn jobs", "cron-store-unparseable", lambda s: s.file("cron/jobs.json", b"{"), None),
    ("a malformed job", "cron-job-cannot-run", lambda s: s.jobs([job("a", payload=7)]), "cron"),
    ("a torn state", "cron-store-unparseable", lambda s: s.file("cron/jobs-state.json", b"{"), None),
]


@pytest.mark.parametrize(("rule", "write", "repair"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_fix_fits_the_case(
    state: StateDir, rule: str, write: Callable[[StateDir], object], repair: str | None
) -> None:
    write(state)
    assert mended_by(state.only(rule, HEAVY if rule == "store-heap-risk" else SMALL)) == repair


def mended_by(found: Finding) -> str | None:
    """The repair of the finding's fix; a finding without one must say what to do by hand."""
    assert found.fix or found.by_hand
    return " ".join(found.fix.repairs) if found.fix else None


def test_a_file_that_may_not_be_read_is_not_salvaged(state: StateDir) -> None:
    path = state.store({})

    class Closed(ClosedFs, RoomyFs):
        def __init__(self) -> None:
            RoomyFs.__init__(self)
            self.closed = (path,)

    assert mended_by(state.only("permission-denied", fs=Closed())) is None


@pytest.mark.parametrize(("release", "repair"), [("2026.3.28", "locks"), ("2026.4.25", None), ("2026.5.22", None)])
def test_locks_are_left_where_the_start_learns_from_them(tmp_path: Path, release: str, repair: str | None) -> None:
    state = StateDir(tmp_path, release)
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.beside(f"{session_id(1)}.jsonl.lock", {"pid": 77, "starttime": 1, "createdAt": "2027-04-25T00:00:00.000Z"})
    assert mended_by(state.only("lock-stale")) == repair


def test_foreign_paths_are_rewritten_only_by_a_map_that_fits(state: StateDir) -> None:
    there = "/Users/ann/.openclaw/agents/main/sessions"
    state.store({MAIN: row(1, sessionFile=f"{there}/{session_id(1)}.jsonl")})
    assert mended_by(state.only("session-path-foreign")) is None
    state.transcript(1)
    assert mended_by(state.only("session-path-foreign")) == "paths"


def test_a_registry_is_rebuilt_only_from_whole_runs(state: StateDir) -> None:
    state.file("subagents/runs.json", b"")
    assert mended_by(state.only("subagents-unreadable")) is None
    run = {"runId": "r1", "childSessionKey": MAIN, "createdAt": NOW - DAY}
    state.file("subagents/runs.json", json.dumps({"version": 2, "runs": {"r1": run}}).encode()[:-1])
    assert mended_by(state.only("subagents-unreadable")) == "subagents"


@pytest.mark.parametrize(
    ("data", "repair"),
    [
        (json.dumps({MAIN: row(1)}).encode(), None),
        (json.dumps({MAIN: row(1, status="running")}).encode(), "expire"),
        (b'{"x', "salvage"),
    ],
    ids=["sound", "with a running row", "torn"],
)
def test_a_legacy_store_is_made_fit_for_its_import(tmp_path: Path, data: bytes, repair: str | None) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.file("state/openclaw.sqlite", state_database(STATE_VERSION, 0))
    state.store(data)
    assert mended_by(state.only("legacy-store-beside-sqlite")) == repair


@pytest.mark.parametrize(("age", "repair"), [(2 * HOUR, "expire"), (HOUR // 2, None)])
def test_only_stuck_sessions_are_ended_before_a_start(tmp_path: Path, age: int, repair: str | None) -> None:
    state = StateDir(tmp_path, "2026.4.25")
    state.store({MAIN: row(1, age=age, status="running", abortedLastRun=True)})
    assert mended_by(state.only("session-resumes-at-boot")) == repair
