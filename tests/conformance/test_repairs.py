"""After each repair of a database the real gateway starts, keeps exactly the rows that were left, and its own tools
find nothing wrong with sessions."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.world import run_key

from .damages import AGENT, QUARANTINE, SECOND, STATE, STORE, fill_log, poke, settle, sql
from .gateways import environment, start, write_config
from .install import cache_dir, command
from .record import told
from .stand_in import MODEL, stand_in
from .test_database_classes import jobs_of_files, sessions_of_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.conformance
AGENTS = ("main", "second")
HOUR = 3_600_000
JOB = "11111111-0000-4000-8000-000000000001"
OLDER = ("2026.8.1", "2026.9.3")
PAGE = 4096


@dataclass(frozen=True, slots=True)
class Ground:
    """A directory that the release made and was stopped on; `state` is where it was and where every copy goes."""

    release: str
    command: list[str]
    state: Path
    stopped: Path


@pytest.fixture(scope="module", params=["2026.9.6", *OLDER])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    found = command(cache_dir(), request.param)
    if found is None:
        pytest.skip(f"openclaw {request.param} is not installed (make conformance)")
    folder = tmp_path_factory.mktemp(f"repairs-{request.param}")
    made = Ground(request.param, found, folder / "state", folder / "stopped")
    write_config(made.state, AGENTS)
    if request.param in OLDER:
        first_turns(made)
    else:
        for agent in AGENTS:
            sessions_of_files(made.state, agent)
        jobs_of_files(made.state)
    outcome = start(made.command, made.state)
    assert outcome.up, outcome.log[-2000:]
    for agent in AGENTS:
        fill(made.state, agent)
    assert start(made.command, made.state).up
    shutil.copytree(made.state, made.stopped, symlinks=True)
    return made


def first_turns(made: Ground) -> None:
    """A turn of each agent: these releases import no files, and make no database for an agent without sessions."""
    config = made.state / "openclaw.json"
    with stand_in() as model:
        settings = json.loads(config.read_text()) | model.config
        settings["agents"]["defaults"] = {"model": {"primary": MODEL}}
        config.write_text(json.dumps(settings, indent=2))
        for agent in AGENTS:
            turn = cli(made, "agent", "--local", "--agent", agent, "--message", "hello")
            assert turn.returncode == 0, turn.stderr[-2000:]


def fill(state: Path, agent: str) -> None:
    """What is not there of six conversations, a job row and its runs, three of them stuck."""
    now = int(time.time() * 1000)
    rows = {f"agent:{agent}:telegram:direct:{number}": ("done", now - number * 1000) for number in range(1001, 1007)}
    rows[f"agent:{agent}:cron:{JOB}"] = ("running", now - 3 * HOUR)
    rows |= {
        run_key(JOB, number).replace("main", agent): ("running" if number < 2 else "done", now - (3 + number) * HOUR)
        for number in range(6)
    }
    path = state / "agents" / agent / "agent" / "openclaw-agent.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        there = {str(key) for (key,) in database.execute("SELECT session_key FROM session_nodes")}
        for number, (key, (status, at)) in enumerate(rows.items()):
            if key not in there:
                _row(database, f"{'ab'[agent == 'main'] * 8}-0000-4000-8000-{number:012}", key, status, at)
        # As a gateway leaves rows that it has written; its triggers take it back at every change.
        database.execute("UPDATE session_nodes SET entry_valid = 1 WHERE entry_valid = 0")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(database: sqlite3.Connection, session: str, key: str, status: str, at: int) -> None:
    entry: dict[str, object] = {"sessionId": session, "updatedAt": at, "status": status, "startedAt": at - 1000}
    entry["skillsSnapshot"] = {"prompt": "x" * 500, "skills": []}
    entry |= {} if status == "running" else {"endedAt": at}
    database.execute(
        "INSERT INTO session_nodes (session_key, current_session_id, entry_json, entry_valid, updated_at, status) "
        "VALUES (?, ?, ?, 1, ?, ?)",
        (key, session, json.dumps(entry, separators=(",", ":")), at, status),
    )
    database.execute(
        "INSERT INTO session_windows (session_id, session_key, created_at, updated_at, started_at, ended_at, status) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (session, key, at, at, at - 1000, entry.get("endedAt"), status),
    )
    events = [{"type": "session", "version": 3, "id": session, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/"}]
    events += [
        {
            "type": "message",
            "id": f"{turn:08}",
            "parentId": f"{turn - 1:08}" if turn else None,
            "timestamp": "2026-01-01T00:00:00.000Z",
            "message": {"role": ("user", "assistant")[turn % 2], "content": [{"type": "text", "text": "hello"}]},
        }
        for turn in range(6)
    ]
    columns = {str(row[1]) for row in database.execute("PRAGMA table_info(transcript_events)")}
    for seq, event in enumerate(events):
        text = json.dumps(event, separators=(",", ":"))
        values = {"session_id": session, "seq": seq, "event_json": text, "created_at": at}
        if "event_utf8_bytes" in columns:
            values["event_utf8_bytes"] = len(text)
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        database.execute(f"INSERT INTO transcript_events ({names}) VALUES ({marks})", tuple(values.values()))


def _nothing(_: Path) -> None:
    """The rows are reason enough."""


def _garbage_header(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, 0, random.Random(5).randbytes(16))


def _no_trigger(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT, isolation_level=None)) as database:
        (name,) = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1").fetchone()
        database.execute(f"DROP TRIGGER {name}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _lost_windows(state: Path) -> None:
    sql(
        state / AGENT,
        "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES ('x', 1, '{}', 1)",
    )


def _quarantined(state: Path) -> None:
    with closing(sqlite3.connect(state / QUARANTINE, isolation_level=None)) as database:
        known = [str(row[1]) for row in database.execute("PRAGMA table_info(quarantined_databases)")]
        kinds = {str(row[1]): str(row[2]) for row in database.execute("PRAGMA table_info(quarantined_databases)")}
        values = {name: "x" if kinds[name] == "TEXT" else 1 for name in known}
        values |= {"path": str(state / AGENT), "kind": "agent", "reason": "row 3 missing from index"}
        if "verified_generation" in values:
            values["verified_generation"] = None
        marks = ", ".join("?" * len(values))
        database.execute(
            f"INSERT INTO quarantined_databases ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
        )


def _leftover(state: Path) -> None:
    """One key that the database has newer, one that it lacks, one that no start takes."""
    now = int(time.time() * 1000)
    lacking = {"sessionId": "77777777-0000-4000-8000-000000000077", "updatedAt": now - HOUR, "status": "done"}
    older = {"sessionId": "bbbbbbbb-0000-4000-8000-00000000aaaa", "updatedAt": 5, "status": "done"}
    rows = {"agent:main:telegram:direct:1001": older, "agent:main:telegram:direct:77": lacking, "agent:main:x": None}
    (state / STORE).parent.mkdir(parents=True, exist_ok=True)
    (state / STORE).write_text(json.dumps(rows, indent=2))


def _contained(state: Path) -> None:
    older = {"sessionId": "bbbbbbbb-0000-4000-8000-00000000aaaa", "updatedAt": 5, "status": "done"}
    (state / STORE).parent.mkdir(parents=True, exist_ok=True)
    (state / STORE).write_text(json.dumps({"agent:main:telegram:direct:1001": older}, indent=2))


def _moved(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET store_key = '/home/old/.openclaw/cron/jobs.json'")


def _foreign_log(state: Path) -> None:
    settle(state / AGENT)
    fill_log(state / SECOND)
    shutil.copyfile(state / f"{SECOND}-wal", state / f"{AGENT}-wal")
    settle(state / SECOND)


def _logs(state: Path) -> None:
    fill_log(state / AGENT)


CASES: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = [
    ("trim", _nothing, ()),
    ("expire", _nothing, ()),
    ("slim", _nothing, ()),
    ("compact", _logs, ()),
    ("salvage", _garbage_header, ()),
    ("schema", _no_trigger, ()),
    ("schema", _lost_windows, ()),
    ("quarantine", _quarantined, ()),
    ("leftover", _leftover, ("agent:main:telegram:direct:77",)),
    ("leftover", _contained, ()),
    ("jobs", _moved, ()),
    ("logs", _foreign_log, ()),
]
_OLDER = [("trim", _nothing), ("expire", _nothing), ("leftover", _contained)]


@pytest.mark.parametrize(("repair", "hurt", "added"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_the_gateway_agrees_after(
    repair: str, hurt: Callable[[Path], None], added: tuple[str, ...], ground: Ground
) -> None:
    if ground.release in OLDER and (repair, hurt) not in _OLDER:
        pytest.skip("asked of 2026.9.6")
    shutil.rmtree(ground.state)
    shutil.copytree(ground.stopped, ground.state, symlinks=True)
    hurt(ground.state)
    done = repaired(ground.state, repair)
    assert done["error"] is None, done["error"]
    assert done["details"]["receipt"] is not None, done["details"]["plan"]
    kept = keys(ground.state) | set(added)
    outcome = start(ground.command, ground.state)
    wrong = list(_wrong(ground, kept)) if outcome.up else ["does not start"]
    case = repair if hurt is _nothing else f"{repair} after {hurt.__name__.strip('_').replace('_', ' ')}"
    assert told(ground.release, "repairs", case, _AGREES, "; ".join(wrong) or _AGREES), outcome.log[-2000:]


_AGREES = "starts with the rows that were left, and its doctor finds no fault of sessions"


def _wrong(ground: Ground, kept: set[str]) -> Iterator[str]:
    """What is not as planned after a start."""
    if (there := listed(ground)) != kept:
        yield f"lists {len(there)} sessions instead of {len(kept)}"
    if (there := keys(ground.state)) != kept:
        yield f"holds {len(there)} rows instead of {len(kept)}"
    if left := pending(ground.state):
        yield f"{left} rows are not validated"
    yield from doctor(ground)
    for path in (AGENT, SECOND, STATE):
        if (answer := sound(ground.state / path)) != ["ok"]:
            yield f"{path.name}: {answer[0]}"


def repaired(state: Path, repair: str) -> dict[str, Any]:
    env = {**os.environ, "OPENCLAW_STATE_DIR": str(state), "HOME": str(state.with_name("state-home"))}
    words = ["repair", repair, "--apply", "--yes", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", *words], env=env, capture_output=True, text=True, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cli(ground: Ground, *words: str) -> subprocess.CompletedProcess[str]:
    env = environment(ground.state)
    return subprocess.run(
        [*ground.command, *words], env=env, capture_output=True, text=True, check=False, timeout=300
    )


def listed(ground: Ground) -> set[str]:
    """Keys that the release's own command lists, of all agents."""
    answer = cli(ground, "sessions", "--json", "--all-agents", "--limit", "all")
    document = json.loads(answer.stdout[answer.stdout.index("{") :])
    return {str(row["key"]) for row in document["sessions"]}


def doctor(ground: Ground) -> list[str]:
    """Lines of the official doctor that name a fault of sessions."""
    words = (
        "corrupt",
        "malformed",
        "quarantine",
        "legacy session",
        "schema is incomplete",
        "integrity_check",
        "integrity verification",
        "noncanonical",
    )
    answer = cli(ground, "doctor", "--non-interactive")
    lines = (answer.stdout + answer.stderr).splitlines()
    return [line for line in lines if any(word in line.lower() for word in words)]


def copied(path: Path) -> sqlite3.Connection:
    copy = path.with_name("copy-of.sqlite")
    for suffix in ("", "-wal", "-shm"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).is_file():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    database = sqlite3.connect(copy)
    database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
    return database


def away(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"copy-of.sqlite{suffix}").unlink(missing_ok=True)


def asked(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(copied(path)) as database:
        found = database.execute(statement).fetchall()
    away(path)
    return found


def keys(state: Path) -> set[str]:
    rows = [row for path in (AGENT, SECOND) for row in asked(state / path, "SELECT session_key FROM session_nodes")]
    return {str(key) for (key,) in rows}


def pending(state: Path) -> int:
    """Rows that the start has not validated, where the release keeps a list."""
    if not asked(state / AGENT, "SELECT 1 FROM sqlite_master WHERE name = 'session_canonical_validation_pending'"):
        return 0
    left = asked(state / AGENT, "SELECT count(*) FROM session_nodes WHERE entry_valid = 0")
    return int(str(left[0][0]))


def sound(path: Path) -> list[str]:
    return [str(word) for (word,) in asked(path, "PRAGMA integrity_check")]
