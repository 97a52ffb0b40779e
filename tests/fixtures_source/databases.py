"""Small SQLite files, with as much of their schema as gatewaydoctor reads (docs/database.md). The DDL is our own.

The versions are those of 2026.9.1-beta.1 (agent 17, state 12), whose triggers and indexes are not compared.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = tuple[object, ...]
Insert = tuple[str, "Sequence[Row]"]

AGENT_VERSION, STATE_VERSION = 17, 12
PAGE = 512
"""Small pages keep the file small."""

_META = """CREATE TABLE schema_meta (meta_key TEXT PRIMARY KEY, role TEXT, schema_version INTEGER, agent_id TEXT,
app_version TEXT)"""
_NODES = """CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, current_session_id TEXT, entry_json TEXT,
entry_valid INTEGER, updated_at INTEGER, status TEXT)"""
_WINDOWS = """CREATE TABLE session_windows (session_id TEXT PRIMARY KEY,
session_key TEXT REFERENCES session_nodes (session_key), status TEXT)"""
_EVENTS = """CREATE TABLE transcript_events (session_id TEXT REFERENCES session_windows (session_id), seq INTEGER,
event_json TEXT, created_at INTEGER)"""
_JOBS = "CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT PRIMARY KEY, enabled INTEGER, job_json TEXT)"
_REGISTRY = "CREATE TABLE agent_databases (agent_id TEXT, path TEXT, schema_version INTEGER)"
_LEASES = """CREATE TABLE state_leases (scope TEXT, lease_key TEXT, owner TEXT, expires_at INTEGER,
heartbeat_at INTEGER, payload_json TEXT)"""
_DELIVERIES = """CREATE TABLE delivery_queue_entries (queue_name TEXT, id TEXT, status TEXT, enqueued_at INTEGER,
entry_json TEXT, PRIMARY KEY (queue_name, id))"""
_RUNS = """CREATE TABLE task_runs (task_id TEXT PRIMARY KEY, runtime TEXT, source_id TEXT, status TEXT,
created_at INTEGER, started_at INTEGER, detail_json TEXT)"""
_QUARANTINED = """CREATE TABLE quarantined_databases (path TEXT PRIMARY KEY, kind TEXT, reason TEXT,
quarantined_at INTEGER)"""
_VERIFIED = """CREATE TABLE agent_integrity_verifications (path TEXT PRIMARY KEY, dev TEXT, ino TEXT,
app_version TEXT, verified_at INTEGER, clean_close INTEGER)"""
_SALTS = (0x1234, 0x5678)
_VERSION_AT = slice(92, 100)
"""Change counter and library version of the last write: they differ from machine to machine."""


def agent_database(
    version: int,
    status: Mapping[str, int],
    *,
    agent_id: str = "main",
    rows: Sequence[tuple[str, str, int]] = (),
    more: Sequence[Insert] = (),
) -> bytes:
    """An agent's database with so many sessions of each status, and `rows` of key, session id and updated_at (ms).
    Tables are not STRICT, which older libraries do not know."""
    counted: list[Row] = [
        (f"agent:{agent_id}:{word}:{index}", word) for word, count in status.items() for index in range(count)
    ]
    given: list[Row] = [
        (key, session, json.dumps({"sessionId": session, "updatedAt": at}), 1, at) for key, session, at in rows
    ]
    inserts: list[Insert] = [
        ("INSERT INTO session_nodes (session_key, status) VALUES (?, ?)", counted),
        (
            "INSERT INTO session_nodes (session_key, current_session_id, entry_json, entry_valid, updated_at) "
            "VALUES (?, ?, ?, ?, ?)",
            given,
        ),
        ("INSERT INTO session_windows (session_id, session_key) VALUES (?, ?)", [(row[1], row[0]) for row in rows]),
    ]
    return _database(version, "agent", agent_id, [_NODES, _WINDOWS, _EVENTS], [*inserts, *more])


def state_database(
    version: int,
    jobs: int,
    *,
    store_key: str = "main",
    agents: Sequence[str] = (),
    lease: tuple[str, int] | None = None,
    started: str | None = None,
    deliveries: Sequence[tuple[str, str, int]] = (),
    runs: Sequence[tuple[str, int]] = (),
    migrations: Sequence[tuple[str, str]] = (),
) -> bytes:
    """The state database with so many cron jobs under a store key, a registry of agents, the lease of a gateway
    as (host, expires at ms), the release that last started, deliveries of (id, status, queued at ms), failed runs of
    (job id, started at ms), and migrations of (id, status)."""
    rows: list[Row] = [(store_key, f"job-{index}", 1, "{}") for index in range(jobs)]
    listed: list[Row] = [(each, f"agents/{each}/agent/openclaw-agent.sqlite", AGENT_VERSION) for each in agents]
    held: list[Row] = []
    if lease is not None:
        payload = json.dumps({"owner": {"pid": 4242, "host": lease[0], "startedAt": 5}})
        held.append(("gateway-owner", "global", "x", lease[1], lease[1] - 300_000, payload))
    inserts: list[Insert] = [
        ("INSERT INTO cron_jobs VALUES (?, ?, ?, ?)", rows),
        ("INSERT INTO agent_databases VALUES (?, ?, ?)", listed),
        ("INSERT INTO state_leases VALUES (?, ?, ?, ?, ?, ?)", held),
    ]
    if started:
        row = "INSERT INTO schema_meta (meta_key, app_version) VALUES ('startup-migrations', ?)"
        inserts.append((row, [(f"{started}\n3\n",)]))
    tables = [_JOBS, _REGISTRY, _LEASES]
    if runs:
        tables.append(_RUNS)
        inserts.append(
            (
                "INSERT INTO task_runs VALUES (?, 'cron', ?, 'failed', ?, ?, NULL)",
                [(f"run-{number}", job_id, at, at) for number, (job_id, at) in enumerate(runs)],
            )
        )
    if migrations:
        tables.append("CREATE TABLE migration_runs (id TEXT PRIMARY KEY, status TEXT)")
        inserts.append(("INSERT INTO migration_runs VALUES (?, ?)", migrations))
    if deliveries:
        tables.append(_DELIVERIES)
        row = "INSERT INTO delivery_queue_entries VALUES ('outbound', ?, ?, ?, '{}')"
        inserts.append((row, deliveries))
    return _database(version, "global", None, tables, inserts)


def quarantine_database(
    quarantined: Sequence[tuple[str, str, int]] = (), verified: Sequence[tuple[str, int, int]] = ()
) -> bytes:
    """The quarantine store: paths with reason and time, and checks of (path, verified at ms, closed cleanly)."""
    inserts: list[Insert] = [
        ("INSERT INTO quarantined_databases VALUES (?, 'agent', ?, ?)", quarantined),
        (
            "INSERT INTO agent_integrity_verifications VALUES (?, '1', '1', '2026.9.5', ?, ?)",
            verified,
        ),
    ]
    return _database(2, "quarantine", None, [_QUARANTINED, _VERIFIED], inserts, wal=False)


def zeroed_page(data: bytes, table: str) -> bytes:
    """The same database with the root page of a table zeroed."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "made.sqlite"
        path.write_bytes(data)
        with closing(sqlite3.connect(path)) as connection:
            (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return data[: (root - 1) * PAGE] + bytes(PAGE) + data[root * PAGE :]


def log_of(data: bytes) -> bytes:
    """A -wal that holds one transaction: every page of a database, with salts of our own
    (sqlite.org/fileformat2.html, section 4)."""
    count = len(data) // PAGE
    head = struct.pack(">6I", 0x377F0682, 3_007_000, PAGE, 0, *_SALTS)
    sums = _checksum(head, (0, 0))
    log = bytearray(head + struct.pack(">2I", *sums))
    for number in range(1, count + 1):
        page = data[(number - 1) * PAGE : number * PAGE]
        start = struct.pack(">2I", number, count if number == count else 0)
        sums = _checksum(start + page, sums)
        log += start + struct.pack(">4I", *_SALTS, *sums) + page
    return bytes(log)


def _checksum(data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    """Over little-endian words, as the first of the two magic numbers says."""
    first, second = sums
    words = struct.unpack(f"<{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _database(
    version: int,
    role: str,
    agent_id: str | None,
    tables: list[str],
    inserts: Sequence[Insert],
    *,
    wal: bool = True,
) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "made.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            if wal:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA user_version = {version}")
            for statement in (_META, *tables):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_meta VALUES ('primary', ?, ?, ?, '2026.9.5')", (role, version, agent_id)
            )
            for statement, rows in inserts:
                connection.executemany(statement, rows)
            connection.commit()
        data = bytearray(path.read_bytes())
    data[_VERSION_AT] = bytes(8)
    return bytes(data)
