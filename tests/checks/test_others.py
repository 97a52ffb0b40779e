"""Locks, queues, usage, subagents, config, and what lies under the files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.examine.world import Where
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from tests.state.fakes import ClosedFs, FakeProcess, FakeProcesses
from tests.world import DAY, HOUR, MINUTE, NOW, SECOND, RoomyFs, StateDir, row, session_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.system.fs import FileStat

MAIN = "agent:main:main"
CREATED = "2027-04-25T00:00:00.000Z"


def lock(state: StateDir, name: str, **payload: object) -> None:
    state.beside(name, json.dumps({"createdAt": CREATED} | payload), age=HOUR)


def test_locks_of_the_dead_the_living_and_the_unknown(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    lock(state, f"{session_id(1)}.jsonl.lock", pid=100, starttime=5)
    lock(state, "sessions.json.lock", pid=200, starttime=5_000)
    lock(state, f"{session_id(2)}.jsonl.lock")
    processes = FakeProcesses([FakeProcess(200, ("node", "x.js"), 5_000)], own_uid=os.getuid())
    judgement = state.judge(processes=processes)
    (stale,) = judgement.of("lock-stale")
    assert (stale.severity, stale.count) == (Severity.WARNING, 1)
    assert str(stale.path).endswith(f"{session_id(1)}.jsonl.lock")
    assert stale.evidence["locks"][0]["pid"] == 100  # type: ignore[index]
    (unknown,) = judgement.of("lock-unknown")
    assert unknown.count == 1
    assert str(unknown.path).endswith(f"{session_id(2)}.jsonl.lock")


def test_a_lock_that_is_held_is_no_finding(state: StateDir) -> None:
    state.store({MAIN: row(1)})
    state.transcript(1)
    lock(state, f"{session_id(1)}.jsonl.lock", pid=200, starttime=5_000)
    processes = FakeProcesses([FakeProcess(200, ("node", "x.js"), 5_000)], own_uid=os.getuid())
    assert not state.findings("lock-*", processes=processes)


def deliver(state: StateDir, name: str, age: int) -> None:
    entry = {"enqueuedAt": NOW - age, "channel": "telegram", "to": "1000", "retryCount": 2, "lastError": "400"}
    state.file(f"delivery-queue/{name}.json", entry, age)


def test_waiting_messages(state: StateDir) -> None:
    deliver(state, "a", MINUTE)
    assert state.only("delivery-backlog").severity is Severity.INFO
    deliver(state, "b", 2 * HOUR)
    found = state.only("delivery-backlog")
    assert (found.severity, found.count) == (Severity.WARNING, 2)
    assert found.message == "2 messages wait, the oldest 2 h old."
    assert found.evidence["triedBefore"] == 2
    assert state.only("delivery-backlog", Thresholds(delivery_age_ms=DAY)).severity is Severity.INFO
    assert (
        state.only("delivery-backlog", Thresholds(delivery_age_ms=DAY, delivery_files=2)).severity is Severity.WARNING
    )


def test_messages_that_were_given_up_are_information(state: StateDir) -> None:
    state.file("delivery-queue/failed/a.json", {"channel": "x"})
    found = state.only("delivery-backlog")
    assert (found.severity, found.message) == (Severity.INFO, "1 was given up.")


def test_an_empty_queue_is_no_backlog(state: StateDir) -> None:
    state.file("delivery-queue/a.delivered", b"")
    assert not state.findings("delivery-backlog")


SAID = {"type": "message", "message": {"role": "assistant", "usage": {"input": 1, "output": 2}}}
ASKED = {"type": "message", "message": {"role": "user", "content": "?"}}


def talked(usage_lines: int) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in [ASKED, *[SAID] * usage_lines])


@pytest.mark.parametrize(
    ("release", "lines", "loop_ms"),
    [("2026.3.28", 200, 102), ("2026.4.25", 200, 102), ("2026.5.22", 100, 12_000), ("2026.9.6", None, None)],
)
def test_usage_load_follows_the_release(tmp_path: Path, release: str, lines: int | None, loop_ms: int | None) -> None:
    """Up to 2026.4.25 a call is for every agent, in 2026.5.22 for one, and there a line costs 240 times as much."""
    state = StateDir(tmp_path, release)
    for agent in ("main", "other"):
        state.store({f"agent:{agent}:main": row(1)}, agent=agent)
        state.transcript(1, talked(100), agent)
    found = state.findings("usage-scan-load", Thresholds(usage_loop_ms=100))
    if lines is None or loop_ms is None:
        assert not found
        return
    (finding,) = found
    assert finding.evidence["usageLines"] == lines
    assert finding.evidence["linesEstimated"] is False
    assert finding.evidence["loopMs"] == pytest.approx(loop_ms, rel=0.05)
    assert len(state.findings("usage-scan-load")) == (loop_ms >= 10_000)


def test_only_the_newest_50_transcripts_are_priced(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.5.22")
    state.store({f"agent:main:telegram:direct:{n}": row(n) for n in range(60)})
    for number in range(60):
        state.transcript(number, talked(20 if number < 10 else 1), age=DAY + (100 - number) * MINUTE)
    assert state.only("usage-scan-load", Thresholds(usage_loop_ms=1)).evidence["usageLines"] == 50


def test_a_large_transcript_is_estimated_and_said_to_be(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.5.22")
    state.store({MAIN: row(1)})
    state.transcript(1, talked(5_000))
    found = state.only("usage-scan-load")
    assert found.evidence["linesEstimated"] is True
    assert found.evidence["usageLines"] == pytest.approx(5_000, rel=0.01)
    assert found.message.startswith("About ")


def test_a_usage_cache_spares_what_it_knows(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.5.22")
    state.store({MAIN: row(1)})
    path = state.transcript(1, talked(100))
    size, at = path.stat().st_size, path.stat().st_mtime * 1000
    cached = {"version": 3, "files": {f"/elsewhere/{path.name}": {"size": size, "mtimeMs": at}}}
    state.beside(".usage-cost-cache.json", json.dumps(cached).encode())
    assert not state.findings("usage-scan-load", Thresholds(usage_loop_ms=100))
    # What was appended since is priced, and a cache of another version is none.
    cached["files"][f"/elsewhere/{path.name}"]["size"] = size - len(talked(1)) + len(talked(0))  # type: ignore[index]
    state.beside(".usage-cost-cache.json", json.dumps(cached).encode())
    assert state.only("usage-scan-load", Thresholds(usage_loop_ms=100)).evidence["usageLines"] == 1
    state.beside(".usage-cost-cache.json", json.dumps(cached | {"version": 2}).encode())
    assert state.only("usage-scan-load", Thresholds(usage_loop_ms=100)).evidence["usageLines"] == 100


def run(number: int, **more: object) -> dict[str, object]:
    """An ended run of a kept session, whose child is `agent:main:subagent:<number>`."""
    return {
        "runId": f"run-{number}",
        "childSessionKey": f"agent:main:subagent:{number}",
        "requesterSessionKey": MAIN,
        "spawnMode": "session",
        "cleanup": "keep",
        "createdAt": NOW - DAY,
        "endedAt": NOW - DAY + MINUTE,
    } | more


def children(state: StateDir, count: int) -> None:
    state.store({f"agent:main:subagent:{n}": row(n) for n in range(count)})


@pytest.mark.parametrize(
    ("release", "warning", "error", "severity"),
    [
        ("2026.3.28", 4, 9, Severity.INFO),
        ("2026.3.28", 3, 9, Severity.WARNING),
        ("2026.3.28", 1, 3, Severity.ERROR),
        (None, 1, 3, Severity.WARNING),
        ("2026.4.25", 1, 3, Severity.INFO),
    ],
)
def test_runs_that_are_never_archived(
    tmp_path: Path, release: str | None, warning: int, error: int, severity: Severity
) -> None:
    state = StateDir(tmp_path, release)
    children(state, 4)
    state.subagents([*(run(n) for n in range(3)), run(3, archiveAtMs=NOW + HOUR, cleanup="delete", spawnMode="run")])
    found = state.only("subagent-never-archived", Thresholds(subagents_warning=warning, subagents_error=error))
    assert (found.severity, found.count) == (severity, 3)


def test_a_run_with_a_date_is_swept(state: StateDir) -> None:
    children(state, 1)
    state.subagents([run(0, archiveAtMs=NOW + HOUR)])
    assert not state.findings("subagent-*")


@pytest.mark.parametrize(
    ("more", "severity"),
    [({}, Severity.INFO), ({"endedAt": None}, Severity.WARNING), ({"attachmentsDir": "/x"}, Severity.WARNING)],
    ids=["ended", "not ended", "with attachments"],
)
def test_runs_without_a_session(state: StateDir, more: dict[str, object], severity: Severity) -> None:
    children(state, 1)
    state.subagents([run(0, archiveAtMs=NOW), run(7, archiveAtMs=NOW, **more)])
    found = state.only("subagent-orphaned")
    assert (found.severity, found.count) == (severity, 1)
    assert found.evidence["children"] == ["agent:main:subagent:7"]


def test_no_run_is_called_orphaned_while_sessions_are_out_of_sight(state: StateDir) -> None:
    children(state, 1)
    state.store({MAIN: row(1)}, agent="work")
    state.subagents([run(7, archiveAtMs=NOW)])
    assert state.findings("subagent-orphaned")
    assert not state.findings("subagent-orphaned", where=Where(state_dir=str(state.root), agent="work"))
    state.store(b'{"x', agent="work")
    assert not state.findings("subagent-orphaned")


@pytest.mark.parametrize(("release", "severity"), [("2026.3.28", Severity.ERROR), ("2026.9.6", Severity.INFO)])
def test_a_torn_registry(tmp_path: Path, release: str, severity: Severity) -> None:
    state = StateDir(tmp_path, release)
    whole = state.subagents([run(1), run(2)]).read_bytes()
    state.file("subagents/runs.json", whole[:-60])
    judgement = state.judge()
    (found,) = judgement.of("subagents-unreadable")
    assert found.severity is severity
    assert found.evidence["offset"] == len(whole) - 60
    assert found.message.endswith("1 complete run before the damage.")
    assert not judgement.of("subagent-never-archived", "subagent-orphaned")


def test_a_config_that_does_not_parse(state: StateDir) -> None:
    state.file("openclaw.json.bak", {"meta": {}, "gateway": {"mode": "local"}})
    state.file("openclaw.json", b'{"gateway": {"mode": }}')
    found = state.only("config-unreadable")
    assert found.severity is Severity.ERROR
    assert "in line 1, column 22" in found.message
    assert [copy["name"] for copy in found.evidence["soundCopies"]] == ["openclaw.json.bak"]  # type: ignore[attr-defined]


def test_two_objects_in_one_config(state: StateDir) -> None:
    state.file("openclaw.json", b'{"gateway": {}} {"agents": {}}')
    found = state.only("config-unreadable")
    assert found.evidence["secondObjectAt"] == 16
    assert "A second object follows the first." in found.message


def test_a_variable_that_is_not_set_here_is_a_warning(state: StateDir) -> None:
    state.config({"session": {"mainKey": "${NOT_SET_HERE}"}})
    found = state.only("config-unreadable")
    assert (found.severity, found.count) == (Severity.WARNING, 1)


def test_a_config_that_lost_most_of_itself(state: StateDir) -> None:
    state.config({"env": {"X": "y" * 900}}, "openclaw.json.bak")
    found = state.only("config-shrunk")
    assert found.severity is Severity.ERROR
    assert found.message.startswith("The config is ")
    state.config({"env": {"X": "y" * 600}})
    assert not state.findings("config-*")


@pytest.mark.parametrize(
    ("release", "text", "severity"),
    [
        ("2026.3.28", {}, Severity.ERROR),
        ("2026.3.28", {"gateway": {"mode": "local"}}, Severity.WARNING),
        ("2026.9.6", {"gateway": {"mode": "local"}}, None),
    ],
    ids=["mode", "meta", "meta of a release that does not write it"],
)
def test_a_config_that_lost_a_section(
    tmp_path: Path, release: str, text: dict[str, object], severity: Severity | None
) -> None:
    state = StateDir(tmp_path, release)
    state.config({}, "openclaw.json.bak")
    state.file("openclaw.json", text)
    if release == "2026.9.6":
        state.file("session-sqlite-migration-runs/x.json", b"{}")
    found = state.findings("config-shrunk")
    assert [each.severity for each in found] == ([severity] if severity else [])


@pytest.mark.parametrize("release", ["2026.3.28", "2026.4.25", "2026.5.22", "2026.9.6"])
@pytest.mark.parametrize("left", [None, {}])
def test_a_config_that_lost_its_mode_stops_every_release(
    tmp_path: Path, release: str, left: dict[str, object] | None
) -> None:
    """Each refused to start, as without a copy that has the mode."""
    state = StateDir(tmp_path, release)
    state.store({MAIN: row(1)})
    state.transcript(1)
    state.config({}, "openclaw.json.bak")
    (state.root / "openclaw.json").unlink()
    if left is not None:
        state.file("openclaw.json", {"meta": {"lastTouchedVersion": release}})
    verdict = state.judge().verdict
    assert (verdict.start, verdict.rules) == (Start.NO, ("config-shrunk",))
    assert "without gateway.mode" in verdict.reason


class Altered(RoomyFs):
    """Shows files of one name with another owner or mode."""

    def __init__(self, name: str, **changes: int) -> None:
        super().__init__()
        self.name = name
        self.changes = changes

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        for name, stat in super().entries(directory):
            yield name, replace(stat, **self.changes) if name == self.name else stat


@pytest.mark.parametrize(
    ("name", "changes", "text"),
    [
        ("sessions.json", {"uid": 12_345}, "1 path belongs to a different user"),
        ("sessions.json", {"mode": 0o100_400}, "1 path not readable and writable by the owner"),
        ("openclaw.json", {"mode": 0o100_644}, "1 file with secrets readable by anyone"),
    ],
    ids=["another owner", "read-only", "open to all"],
)
def test_owners_and_modes(state: StateDir, name: str, changes: dict[str, int], text: str) -> None:
    state.healthy()
    found = state.only("permissions", fs=Altered(name, **changes))
    assert found.severity is Severity.WARNING
    assert found.message.startswith(text)
    assert str(found.path).endswith(name)


def test_what_could_not_be_read_is_said(state: StateDir) -> None:
    state.healthy()
    state.file("credentials/oauth.json", b"{}")

    class Closed(ClosedFs, RoomyFs):
        def __init__(self, *closed: Path) -> None:
            RoomyFs.__init__(self)
            self.closed = closed

    transcript = state.root / f"agents/main/sessions/{session_id(1)}.jsonl"
    found = state.only("permissions", fs=Closed(transcript, state.root / "credentials"))
    assert found.count == 2
    assert found.message.startswith("2 directories or transcripts could not be read")


@pytest.mark.parametrize(("release", "severity"), [("2026.3.28", Severity.INFO), ("2026.9.6", Severity.WARNING)])
def test_hard_links(tmp_path: Path, release: str, severity: Severity) -> None:
    state = StateDir(tmp_path, release)
    state.store({MAIN: row(1)})
    os.link(state.transcript(1), tmp_path / "backup")
    if release == "2026.9.6":
        state.file("agents/main/agent/openclaw-agent.sqlite", b"SQLite format 3\0" + b"\0" * 84)
    found = state.only("hardlinked")
    assert (found.severity, found.count) == (severity, 1)


@pytest.mark.parametrize(
    ("available", "inodes", "severity"),
    [
        (10**10, 10**6, None),
        (10**8, 10**6, Severity.WARNING),
        (100, 10**6, Severity.ERROR),
        (10**10, 10, Severity.WARNING),
        (10**10, 0, Severity.ERROR),
        (10**10, None, None),
    ],
)
def test_room_on_the_volume(state: StateDir, available: int, inodes: int | None, severity: Severity | None) -> None:
    state.store({MAIN: row(1, x="y" * 200)})
    found = state.findings("disk-space", fs=RoomyFs(available, inodes))
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all(("fails" in each.consequence) == (severity is Severity.ERROR) for each in found)


@pytest.mark.parametrize(("age", "severity"), [(DAY, Severity.WARNING), (60 * DAY, Severity.INFO)])
def test_another_state_directory_inside_this_one(state: StateDir, age: int, severity: Severity) -> None:
    state.store({MAIN: row(1)}, age=5 * SECOND)
    state.file(".openclaw/agents/main/sessions/sessions.json", {MAIN: row(1)}, age=age)
    found = state.only("multiple-state-dirs")
    assert (found.severity, found.count) == (severity, 1)
    assert str(found.path).endswith(".openclaw/.openclaw")


def test_a_clock_earlier_than_the_newest_file(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1)}, age=-2 * DAY)

    def found(**how: object) -> list[Finding]:
        return [each for each in state.judge(**how).findings if each.rule == "clock-behind"]

    (finding,) = found(machine_clock=True)
    assert finding.message == "This machine's clock is 2 d earlier than the newest file."
    assert finding.evidence["behindMs"] == 2 * DAY
    assert found() == []  # somebody fixed it
    state.store({"agent:main:main": row(1)}, age=-DAY)
    assert found(machine_clock=True) == []
