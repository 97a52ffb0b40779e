"""What is fuzzed: each target takes bytes for one file, has the program read it, and asserts what must hold."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.repair.plan import Plan
from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.planner.build import build_plan
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import list_runs
from gatewaydoctor.repair.vault.codec import encode, read_plan, with_id
from gatewaydoctor.repair.writing.errors import LeftHalfway
from gatewaydoctor.state.history.content import read_content
from gatewaydoctor.state.history.events import compare
from gatewaydoctor.state.history.readonce import ReadOnce
from gatewaydoctor.state.history.transcripts import check_transcript
from gatewaydoctor.storage.database.rescue import rescue
from gatewaydoctor.storage.files.salvage import salvage
from gatewaydoctor.storage.files.sessions import FileSessions, read_sessions_file
from gatewaydoctor.storage.files.splice import splice
from gatewaydoctor.system.fs import OsReadFs
from tests.cli.harness import run
from tests.repair import agentdb
from tests.repair.scene import DEAD, tools, tree
from tests.repair.test_every_repair import RUNS, Stage
from tests.repair.test_splice import assembled, canonical_sources, rows_of
from tests.world import DAY, HOUR, NOW, StateDir, header, job, row, said, session_id, talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Target:
    """`take` raises what nobody foresaw."""

    take: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


STORE = {"agent:main:main": row(1), "agent:main:telegram:direct:5": row(2, sessionFile="x.jsonl", origin={"a": [1]})}
TEXT = json.dumps(STORE | RUNS, indent=2).encode()


def _read(data: bytes) -> FileSessions:
    return read_sessions_file(io.BytesIO(data), len(data), "main")


def store(_: Path) -> Target:
    """A store that loads gives its rows back byte for byte, and loads again, for Python's json too."""

    def take(data: bytes) -> None:
        found = _read(data)
        if found.reading.readable is not Readable.YES:
            return
        rows = rows_of(found)
        segments, size = splice(rows[::2], canonical_sources(found))
        new = assembled(segments, data)
        assert len(new) == size
        again = _read(new)
        assert again.reading.readable is Readable.YES
        assert [new[e.start : e.end] for e in again.table] == [data[each.start : each.end] for each in rows[::2]]

    odd = b'{"a":{"updatedAt":1e400,"x":"\\ud800\xff"},"a":null,"__proto__":[],"":{"sessionId":5}}'
    return Target(take, (TEXT, json.dumps(STORE).encode(), odd, b"[]", b"\xef\xbb\xbf{}"))


def salvaged(_: Path) -> Target:
    """Rows that are found in a damaged store are whole, and every byte is counted once."""

    def take(data: bytes) -> None:
        read = _read(data)
        if read.reading.readable is Readable.YES:
            return
        found = salvage(io.BytesIO(data), read, "main")
        kept = 0
        for entry in found.table:
            json.loads(data[entry.value_start : entry.end].decode("utf-8", "replace"), strict=False)
            kept += entry.bytes
        assert 0 <= found.lost <= len(data)
        assert kept + found.lost == len(data)

    return Target(take, (TEXT[:-40], TEXT[300:], TEXT[:200] + bytes(40) + TEXT[240:], TEXT + b"}", b"{" + TEXT))


def database(place: Path) -> Target:
    """A database file of any content."""
    state = StateDir(place, "2026.9.6")
    path = agentdb.make(state.root, dict.fromkeys(("agent:main:main", "agent:main:cron:j"), "running"))
    whole = path.read_bytes()
    log = path.with_name(f"{path.name}-wal")
    folded = log.read_bytes()

    def take(data: bytes) -> None:
        path.write_bytes(data)
        _examined(state)
        rescue(OsReadFs(), path)

    return Target(take, (whole, whole[:1_024], whole[:100] + bytes(924), folded))


def log(place: Path) -> Target:
    """A -wal of any content next to a sound database."""
    state = StateDir(place, "2026.9.6")
    path = agentdb.make(state.root, dict.fromkeys(("agent:main:main", "agent:main:cron:j"), "running"))
    beside = path.with_name(f"{path.name}-wal")
    whole = beside.read_bytes()

    def take(data: bytes) -> None:
        beside.write_bytes(data)
        _examined(state)
        rescue(OsReadFs(), path, beside)

    return Target(take, (whole[:8_000], whole[:1_080], whole[:32], bytes(32)))


def transcript(place: Path) -> Target:
    path = place / "x.jsonl"

    def take(data: bytes) -> None:
        path.write_bytes(data)
        reads = ReadOnce(OsReadFs())
        check_transcript(reads, path)
        read_content(reads, path)
        compare(io.BytesIO(data), lambda *_: False)

    boot = header(session_id(1)) + said("[cron:j x] go") + b'{"type":"mess'
    return Target(take, (talk(1), boot, talk(2) + bytes(30), header("x")[:-1], b'{"type":"session"}\r\n\n' * 3))


def config(place: Path) -> Target:
    state = StateDir(place)
    state.store(STORE)
    path = state.root / "openclaw.json"

    def take(data: bytes) -> None:
        path.write_bytes(data)
        _examined(state)

    json5 = b"{ // a\n session: {maintenance: {mode: 'warn', pruneAfter: '30d', maxEntries: +5,}}, $include: 'x' }"
    more = {"agents": {"list": [{"id": "a"}]}, "cron": {"store": "~/x"}, "meta": {"lastTouchedVersion": "2026.5.22"}}
    return Target(take, (path.read_bytes(), json5, json.dumps(more | {"session": {"store": "${X}/a"}}).encode()))


def jobs(place: Path) -> Target:
    """jobs.json, and as a registry of subagents, a delivery and a run log too."""
    state = StateDir(place)
    state.store(STORE)
    names = ("cron/jobs.json", "subagents/runs.json", "delivery-queue/a.json", "cron/runs/j.jsonl")
    paths = [state.file(name, b"") for name in names]

    def take(data: bytes) -> None:
        for path in paths:
            path.write_bytes(data)
        _examined(state)

    kinds = [
        job("a", schedule={"kind": "cron", "expr": "*/5 * * * *", "tz": "UTC"}),
        job("b", state={"runningAtMs": 1}),
    ]
    listed = {"version": 1, "jobs": kinds}
    child = {"runId": "r", "childSessionKey": "agent:main:subagent:1", "createdAt": NOW - DAY, "endedAt": NOW - HOUR}
    seeds = (listed, {"version": 2, "runs": {"r": child}}, {"enqueuedAt": NOW, "channel": "x", "retryCount": 2})
    return Target(take, (*(json.dumps(each).encode() for each in seeds), b'{"ts":1,"status":"ok"}\n' * 3))


def plan(place: Path) -> Target:
    """A plan file that somebody wrote, with the id that its content has: it is refused or done, and can be undone;
    nothing outside the directory changes."""
    stage = Stage.of(place, Repair.TRIM)
    path, outside = place / "plan.json", place / "outside"
    outside.write_bytes(b"x")

    def take(data: bytes) -> None:
        try:
            path.write_bytes(encode(with_id(msgspec.convert(json.loads(data), Plan))))
            found = read_plan(OsReadFs(), path)
        except (ValueError, RecursionError, DoctorError):
            return
        if found.state_dir != str(stage.root):
            return  # the verb refuses a plan of another directory
        stage.fresh()
        with suppress(OSError, ValueError):
            found = msgspec.structs.replace(stage, plan=found).fresh()
        old = tree(stage.root)
        try:
            apply(found, tools(), DEAD)
        except LeftHalfway:
            pass
        except DoctorError:
            assert tree(stage.root) == old
        for each in list_runs(tools().fs, tools().processes, stage.root):
            undo(each, tools(), DEAD)
        assert tree(stage.root) == old
        assert outside.read_bytes() == b"x"

    return Target(take, (encode(stage.plan),))


def a_run(place: Path) -> Target:
    """A file of a run's vault with any content: its run is listed, shown, verified and undone, or refused."""
    stage = Stage.of(place, Repair.TRIM)
    apply(stage.fresh(), tools(), DEAD)
    (run_dir,) = (stage.root / ".gatewaydoctor/runs").iterdir()
    names = sorted(each.name for each in run_dir.iterdir() if each.is_file())
    seeds = tuple(bytes([number]) + (run_dir / name).read_bytes() for number, name in enumerate(names))
    done, outside = place / "done", place / "outside"
    shutil.copytree(stage.root, done, symlinks=True)
    outside.write_bytes(b"x")

    def take(data: bytes) -> None:
        if not data:
            return
        shutil.rmtree(stage.root)
        shutil.copytree(done, stage.root, symlinks=True)
        (run_dir / names[data[0] % len(names)]).write_bytes(data[1:])
        for line in (("runs", "list"), ("runs", "show", run_dir.name), ("runs", "verify"), ("undo", "--yes")):
            ran = run(*line, "--state-dir", str(stage.root), "--now", str(NOW))
            assert ran.code in (0, 1, 2, 3, 4, 5), (line, ran)
        assert outside.read_bytes() == b"x"

    return Target(take, seeds)


def _examined(state: StateDir) -> None:
    judgement = state.judge()
    build_plan(judgement.examination, judgement.findings, [], Options(), tools().fs, tools().progress)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "store": store,
    "salvage": salvaged,
    "database": database,
    "log": log,
    "transcript": transcript,
    "config": config,
    "jobs": jobs,
    "plan": plan,
    "run": a_run,
}
