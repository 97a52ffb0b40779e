"""Small databases with the tables and columns of the gateway that matter here, written by SQLite itself."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AGENT = """
CREATE TABLE schema_meta(meta_key TEXT PRIMARY KEY, role TEXT, schema_version INT, agent_id TEXT, app_version TEXT);
CREATE TABLE session_nodes(session_key TEXT PRIMARY KEY, current_session_id TEXT, entry_json TEXT, entry_valid INT,
    updated_at INT, status TEXT, spawned_by TEXT, pinned_at INT);
CREATE TABLE session_windows(session_id TEXT PRIMARY KEY, session_key TEXT, status TEXT, started_at INT, ended_at INT,
    transcript_updated_at INT);
CREATE TABLE transcript_events(session_id TEXT, seq INT, event_json TEXT, event_zstd BLOB, created_at INT,
    PRIMARY KEY(session_id, seq));
CREATE TABLE session_transcript_archives(session_id TEXT, archive_blob BLOB);
CREATE TABLE trajectory_runtime_events(session_id TEXT, seq INT, event_json TEXT);
CREATE TABLE session_pending_inputs(seq INTEGER PRIMARY KEY, state TEXT);
"""
STATE = """
CREATE TABLE schema_meta(meta_key TEXT PRIMARY KEY, role TEXT, schema_version INT, agent_id TEXT, app_version TEXT);
CREATE TABLE cron_jobs(store_key TEXT, job_id TEXT, declaration_key TEXT, name TEXT, enabled INT, job_json TEXT,
    state_json TEXT, sort_order INT);
CREATE TABLE diagnostic_events(scope TEXT, event_key TEXT, payload_json TEXT, created_at INT);
CREATE TABLE cron_run_receipts(receipt_id TEXT, store_key TEXT, job_id TEXT, status TEXT, owner_pid INT,
    owner_start_time INT, started_at_ms INT, finished_at_ms INT);
CREATE TABLE task_runs(task_id TEXT, runtime TEXT, source_id TEXT, status TEXT, created_at INT, detail_json TEXT);
CREATE TABLE delivery_queue_entries(queue_name TEXT, id TEXT, status TEXT, enqueued_at INT);
CREATE TABLE subagent_runs(run_id TEXT, child_session_key TEXT, requester_session_key TEXT, created_at INT,
    payload_json TEXT);
CREATE TABLE state_leases(scope TEXT, lease_key TEXT, owner TEXT, expires_at INT, heartbeat_at INT,
    payload_json TEXT);
CREATE TABLE agent_database_leases(lease_id TEXT, agent_id TEXT, path TEXT, owner_pid INT, owner_start_time INT,
    opened_at INT);
CREATE TABLE worker_session_placements(session_id TEXT, session_key TEXT, turn_claim_id TEXT, turn_claim_owner TEXT,
    updated_at_ms INT);
CREATE TABLE gateway_boot_lifecycle(boot_id TEXT, pid INT, started_at_ms INT, completed_at_ms INT, outcome TEXT,
    startup_reason TEXT, reason TEXT);
CREATE TABLE migration_sources(migration_kind TEXT, source_path TEXT, target_table TEXT, status TEXT,
    source_record_count INT, source_sha256 TEXT, removed_source INT, imported_at INT);
CREATE TABLE agent_databases(agent_id TEXT, path TEXT, schema_version INT, size_bytes INT, last_seen_at INT);
"""


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table}({names}) VALUES({marks})", tuple(values.values()))


def node(
    connection: sqlite3.Connection, key: str, status: str | None, *, at: int, valid: int = 1, **entry: object
) -> None:
    """A session row with its window; `entry` are more fields of its JSON."""
    session_id = f"sid-{key.rpartition(':')[2]}"
    document = {"sessionId": session_id, "updatedAt": at, "status": status, **entry}
    insert(
        connection,
        "session_nodes",
        session_key=key,
        current_session_id=session_id,
        entry_json=json.dumps(document),
        entry_valid=valid,
        updated_at=at,
        status="failed" if status == "interrupted" else status,
    )
    insert(
        connection,
        "session_windows",
        session_id=session_id,
        session_key=key,
        status=status,
        started_at=at - 10,
        transcript_updated_at=at + 10,
    )


class Made:
    """A database that is being written; it is left with its log as a kill would leave it."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(schema)
            connection.execute(f"PRAGMA user_version = {version}")

    def fill(self, *statements: tuple[str, dict[str, object]]) -> Path:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            for table, values in statements:
                insert(connection, table, **values)
        return self.path


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)
