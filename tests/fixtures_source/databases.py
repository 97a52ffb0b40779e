"""Small SQLite files, with as much of their schema as gatewaydoctor reads (facts.md section 12)."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = tuple[object, ...]

_META = "CREATE TABLE schema_meta (role TEXT PRIMARY KEY, schema_version INTEGER, app_version TEXT)"
_NODES = """CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, current_session_id TEXT, entry_json TEXT,
entry_valid INTEGER, updated_at INTEGER, status TEXT)"""
_JOBS = "CREATE TABLE cron_jobs (store_key TEXT, job_id TEXT PRIMARY KEY, enabled INTEGER, job_json TEXT)"
_VERSION_AT = slice(92, 100)
"""Change counter and library version of the last write: they differ from machine to machine."""


def agent_database(version: int, status: Mapping[str, int]) -> bytes:
    """An agent's database with so many sessions of each status. Tables are not STRICT, which older libraries do not
    know."""
    rows: list[Row] = [
        (f"agent:main:{word}:{index}", word) for word, count in status.items() for index in range(count)
    ]
    return _database(
        version, "agent", [_NODES], [("INSERT INTO session_nodes (session_key, status) VALUES (?, ?)", rows)]
    )


def state_database(version: int, jobs: int) -> bytes:
    rows: list[Row] = [("main", f"job-{index}", 1, "{}") for index in range(jobs)]
    return _database(version, "global", [_JOBS], [("INSERT INTO cron_jobs VALUES (?, ?, ?, ?)", rows)])


def _database(version: int, role: str, tables: list[str], inserts: list[tuple[str, list[Row]]]) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "made.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            # Small pages keep the file small.
            connection.execute("PRAGMA page_size = 512")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA user_version = {version}")
            for statement in (_META, *tables):
                connection.execute(statement)
            connection.execute("INSERT INTO schema_meta VALUES (?, ?, '2026.9.6')", (role, version))
            for statement, rows in inserts:
                connection.executemany(statement, rows)
            connection.commit()
        data = bytearray(path.read_bytes())
    data[_VERSION_AT] = bytes(8)
    return bytes(data)
