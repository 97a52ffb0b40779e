"""A small agent database with the tables, keys and triggers of the gateway that an edit meets."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import apsw

from tests.world import DAY, NOW, run_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = """
PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2; PRAGMA user_version = 23; PRAGMA journal_mode = WAL;
CREATE TABLE schema_meta (meta_key TEXT PRIMARY KEY, role TEXT, schema_version INTEGER, agent_id TEXT,
    app_version TEXT);
INSERT INTO schema_meta VALUES ('primary', 'agent', 23, 'main', '2026.9.6');
CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, current_session_id TEXT, entry_json TEXT NOT NULL,
    entry_valid INTEGER NOT NULL DEFAULT 0, updated_at INTEGER,
    status TEXT CHECK (status IN ('running', 'done', 'failed', 'killed', 'timeout')), spawned_by TEXT,
    pinned_at INTEGER) STRICT;
CREATE TABLE session_windows (session_id TEXT PRIMARY KEY,
    session_key TEXT NOT NULL REFERENCES session_nodes(session_key) ON DELETE CASCADE ON UPDATE CASCADE,
    status TEXT, started_at INTEGER, ended_at INTEGER, transcript_updated_at INTEGER) STRICT;
CREATE TABLE transcript_events (session_id TEXT NOT NULL REFERENCES session_windows(session_id) ON DELETE CASCADE,
    seq INTEGER NOT NULL, event_json TEXT CHECK (octet_length(event_json) > 0), created_at INTEGER,
    PRIMARY KEY (session_id, seq)) STRICT;
CREATE TABLE session_transcript_fts_rows (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, message_id TEXT) STRICT;
CREATE VIRTUAL TABLE session_transcript_fts USING fts5(text, session_id UNINDEXED);
CREATE TRIGGER session_transcript_fts_rows_after_delete AFTER DELETE ON session_transcript_fts_rows
BEGIN DELETE FROM session_transcript_fts WHERE rowid = OLD.id; END;
CREATE TRIGGER session_nodes_entry_valid_after_entry_update AFTER UPDATE OF entry_json ON session_nodes
BEGIN UPDATE session_nodes SET entry_valid = 0 WHERE session_key = NEW.session_key; END;
CREATE TABLE session_goal_operations (session_key TEXT, goal TEXT);
"""

CONVERSATION = "agent:main:telegram:direct:7"
BASE = "agent:main:cron:job"


def path_in(root: Path, agent: str = "main") -> Path:
    return root / f"agents/{agent}/agent/openclaw-agent.sqlite"


def connected(path: Path) -> apsw.Connection:
    connection = apsw.Connection(os.fspath(path))
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def node(
    connection: apsw.Connection,
    key: str,
    status: str | None,
    *,
    age: int = 2 * DAY,
    session: str | None = None,
    **more: object,
) -> None:
    """A session with its window, two events and their place in the search index."""
    at, sid = NOW - age, session or f"sid-{key.replace(':', '-')}"
    entry = {"sessionId": sid, "updatedAt": at, "status": status, **more}
    text = json.dumps(entry, separators=(",", ":"))
    connection.execute(
        "INSERT INTO session_nodes VALUES (?, ?, ?, 1, ?, ?, NULL, NULL)", (key, sid, text, at, status)
    )
    connection.execute(
        "INSERT OR IGNORE INTO session_windows VALUES (?, ?, ?, ?, NULL, ?)", (sid, key, status, at, at)
    )
    for number in (1, 2):
        connection.execute(
            "INSERT INTO transcript_events VALUES (?, ?, ?, ?)", (sid, number, f'{{"n":{number}}}', at)
        )
        rowid = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM session_transcript_fts_rows").fetchone()[0]
        connection.execute("INSERT INTO session_transcript_fts_rows VALUES (?, ?, NULL)", (rowid, sid))
        connection.execute(
            "INSERT INTO session_transcript_fts (rowid, text, session_id) VALUES (?, ?, ?)", (rowid, "words", sid)
        )
    connection.execute("INSERT INTO session_goal_operations VALUES (?, 'goal')", (key,))


def make(root: Path, rows: Mapping[str, str | None], *, version: int = 23, **more: object) -> Path:
    """The database of a gateway that was killed: its latest rows are in the -wal alone."""
    path = path_in(root)
    path.parent.mkdir(parents=True, mode=0o700)
    scratch = path.with_name("made")
    connection = connected(scratch)
    list(connection.execute(SCHEMA.replace("23", str(version))))
    items = list(rows.items())
    for key, status in items[: len(items) // 2]:
        node(connection, key, status, **more)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for key, status in items[len(items) // 2 :]:
        node(connection, key, status, **more)
    for suffix in ("", "-wal", "-shm"):
        shutil.copyfile(f"{scratch}{suffix}", f"{path}{suffix}")
        path.with_name(path.name + suffix).chmod(0o640)
        os.utime(f"{path}{suffix}", ns=(NOW * 10**6 - 123_456_789, NOW * 10**6 - 987_654_321))
    connection.close()
    scratch.unlink()
    return path


def rows(count: int = 6) -> dict[str, str | None]:
    """A conversation that is over, one that is stuck, a job's row and its runs, half of them stuck."""
    runs = {run_key("job", n): "running" if n % 2 else "done" for n in range(count)}
    return {CONVERSATION: "done", "agent:main:main": "running", BASE: "running", **runs}


def statuses(path: Path) -> dict[str, str | None]:
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return dict(connection.execute("SELECT session_key, status FROM session_nodes"))
    finally:
        connection.close()


def ask(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return list(connection.execute(statement))
    finally:
        connection.close()
