"""Damages of content: tables, rows, records about databases, and files that were left beside them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from .damages import (
    AGENT,
    KEY,
    QUARANTINE,
    STATE,
    STORE,
    UNCHECKED,
    columns_of,
    damage,
    entry,
    settle,
    sql,
    write_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Tables


@damage()
def no_meta_row(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM schema_meta")


@damage()
def state_without_meta_row(state: Path) -> None:
    sql(state / STATE, "DELETE FROM schema_meta WHERE meta_key = 'primary'")


@damage()
def state_without_any_meta_row(state: Path) -> None:
    sql(state / STATE, "DELETE FROM schema_meta")


@damage()
def no_meta_table(state: Path) -> None:
    sql(state / AGENT, "DROP TABLE schema_meta")


@damage()
def role_of_the_state_wrong(state: Path) -> None:
    sql(state / STATE, *UNCHECKED, "UPDATE schema_meta SET role = 'agent' WHERE meta_key = 'primary'")


@damage()
def startup_row_missing(state: Path) -> None:
    sql(state / STATE, "DELETE FROM schema_meta WHERE meta_key = 'startup-migrations'")


@damage()
def jobs_table_missing(state: Path) -> None:
    sql(state / STATE, "DROP TABLE cron_jobs")


@damage()
def sessions_table_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", "DROP TABLE session_nodes")


@damage()
def column_added(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_nodes ADD COLUMN mine TEXT")


@damage()
def column_missing(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_nodes DROP COLUMN icon")


@damage()
def trigger_added(state: Path) -> None:
    sql(state / AGENT, "CREATE TRIGGER mine AFTER INSERT ON session_nodes BEGIN SELECT 1; END")


@damage()
def view_added(state: Path) -> None:
    sql(state / AGENT, "CREATE VIEW mine AS SELECT 1")


@damage()
def index_added(state: Path) -> None:
    sql(state / AGENT, "CREATE INDEX mine ON session_nodes (label)")


@damage()
def index_missing(state: Path) -> None:
    sql(state / AGENT, "DROP INDEX idx_agent_session_nodes_updated_at")


@damage()
def unique_index_missing(state: Path) -> None:
    path = state / STATE
    with closing(sqlite3.connect(path)) as database:
        (name,) = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE UNIQUE%' ORDER BY name LIMIT 1"
        ).fetchone()
    sql(path, f'DROP INDEX "{name}"')


@damage()
def state_unique_index_added(state: Path) -> None:
    sql(state / STATE, "CREATE UNIQUE INDEX mine ON cron_jobs (store_key, job_id, name)")


@damage()
def state_event_of_no_parent(state: Path) -> None:
    sql(state / STATE, "PRAGMA foreign_keys = OFF", *_orphan(state / STATE))


def _orphan(path: Path) -> Iterable[str]:
    """A row that refers to none, in the first table of a database that can hold one."""
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            keys = database.execute(f'PRAGMA foreign_key_list("{table}")').fetchall()
            if len(keys) != 1:
                continue
            wanted = {keys[0][3]: "'gone'"}
            for _, name, kind, needed, default, key in database.execute(f'PRAGMA table_info("{table}")'):
                if (needed or key) and default is None and name not in wanted:
                    wanted[name] = "1" if kind == "INTEGER" else "'x'"
            return [f'INSERT INTO "{table}" ({", ".join(wanted)}) VALUES ({", ".join(wanted.values())})']
    return []


# Rows


@damage()
def entry_null(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = 'null' WHERE session_key = '{KEY}'")


@damage()
def entry_an_array(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '[1]' WHERE session_key = '{KEY}'")


@damage()
def entry_without_id(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET entry_json = json_remove(entry_json, '$.sessionId') WHERE session_key = '{KEY}'",
    )


@damage()
def entry_changed_and_not_judged(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET entry_json = json_set(entry_json, '$.label', 'x') WHERE session_key = '{KEY}'",
    )


@damage()
def entry_torn_but_judged_valid(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'",
        f"UPDATE session_nodes SET entry_valid = 1 WHERE session_key = '{KEY}'",
    )


@damage()
def entry_of_another_session(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET current_session_id = 'zzz' WHERE session_key = '{KEY}'")


@damage()
def entry_with_an_unsafe_id(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.sessionId', '../../x'), "
        f"current_session_id = '../../x' WHERE session_key = '{KEY}'",
    )


@damage()
def key_in_capitals(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        f"UPDATE session_nodes SET session_key = upper(session_key) WHERE session_key = '{KEY}'",
        f"UPDATE session_windows SET session_key = upper(session_key) WHERE session_key = '{KEY}'",
    )


@damage()
def key_of_another_agent(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        "UPDATE session_nodes SET session_key = replace(session_key, ':main:', ':ghost:') "
        f"WHERE session_key = '{KEY}'",
        f"UPDATE session_windows SET session_key = replace(session_key, ':main:', ':ghost:') "
        f"WHERE session_key = '{KEY}'",
    )


@damage()
def window_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", f"DELETE FROM session_windows WHERE session_key = '{KEY}'")


@damage()
def status_unknown(state: Path) -> None:
    sql(state / AGENT, *UNCHECKED, f"UPDATE session_nodes SET status = 'weird' WHERE session_key = '{KEY}'")


@damage()
def event_torn(state: Path) -> None:
    sql(state / AGENT, "UPDATE transcript_events SET event_json = '{torn' WHERE seq = 3")


@damage()
def event_with_garbage_for_zstd(state: Path) -> None:
    sql(
        state / AGENT,
        *UNCHECKED,
        "UPDATE transcript_events SET event_json = NULL, event_zstd = x'00112233', event_utf8_bytes = 40, "
        "navigation_json = '{}' WHERE seq = 3",
    )


@damage()
def job_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '{torn' WHERE name = 'job 1'")


@damage()
def job_without_schedule(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET job_json = json_remove(job_json, '$.schedule') WHERE name = 'job 1'")


@damage()
def job_state_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET state_json = '{torn' WHERE name = 'job 1'")


@damage()
def jobs_of_another_path(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET store_key = '/elsewhere/cron/jobs.json'")


@damage()
def maintenance_lease_left(state: Path) -> None:
    now = int(time.time() * 1000)
    sql(
        state / STATE,
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES ('core:agent-database-maintenance', 'global', 'x', ?, ?, '{}', ?, ?)",
        values=(now + 3_600_000, now, now, now),
    )


@damage()
def three_unclean_boots(state: Path) -> None:
    path, now = state / STATE, int(time.time() * 1000)
    columns = columns_of(path, "gateway_boot_lifecycle")
    fresh = {"boot_id": "'fresh' || value", "started_at_ms": f"{now} - value * 1000", "completed_at_ms": "NULL"}
    fresh["outcome"] = "NULL"
    wanted = ", ".join(fresh.get(name, name) for name in columns)
    sql(
        path,
        f"INSERT INTO gateway_boot_lifecycle ({', '.join(columns)}) SELECT {wanted} FROM "
        "(SELECT * FROM gateway_boot_lifecycle LIMIT 1), json_each('[1,2,3,4]')",
    )


@damage()
def registry_of_a_database_that_is_not_there(state: Path) -> None:
    path = state / STATE
    columns = columns_of(path, "agent_databases")
    fresh = {"agent_id": "'ghost'", "path": "'agents/ghost/agent/openclaw-agent.sqlite'"}
    wanted = ", ".join(fresh.get(name, name) for name in columns)
    sql(path, f"INSERT INTO agent_databases ({', '.join(columns)}) SELECT {wanted} FROM agent_databases LIMIT 1")


@damage()
def registry_empty(state: Path) -> None:
    sql(state / STATE, "DELETE FROM agent_databases")


# Quarantine


@damage()
def quarantine_missing(state: Path) -> None:
    settle(state / QUARANTINE)
    (state / QUARANTINE).unlink()


@damage()
def quarantine_of_0_bytes(state: Path) -> None:
    settle(state / QUARANTINE)
    (state / QUARANTINE).write_bytes(b"")


@damage()
def quarantine_garbage(state: Path) -> None:
    settle(state / QUARANTINE)
    (state / QUARANTINE).write_bytes(b"garbage" * 1000)


@damage()
def quarantine_newer(state: Path) -> None:
    sql(state / QUARANTINE, "PRAGMA user_version = 99")


@damage()
def quarantine_version_0(state: Path) -> None:
    sql(state / QUARANTINE, "PRAGMA user_version = 0")


@damage()
def quarantined_state(state: Path) -> None:
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'state', 'Tree 5 page 7', 1, '2026.9.6', NULL)",
        values=(str(state / STATE),),
    )


@damage()
def quarantined_elsewhere(state: Path) -> None:
    """A record of another path: this directory was there before."""
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'agent', 'Tree 5 page 7', 1, '2026.9.6', NULL)",
        values=(f"/elsewhere/{AGENT}",),
    )


# Left-over files


@damage()
def leftover_same_rows(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT)) as database:
        rows = database.execute("SELECT session_key, entry_json FROM session_nodes").fetchall()
    write_store(state, {key: json.loads(text) for key, text in rows})


@damage()
def leftover_braces(state: Path) -> None:
    write_store(state, {})


@damage()
def leftover_array(state: Path) -> None:
    write_store(state, {})
    (state / STORE).write_text("[]")


@damage()
def leftover_of_0_bytes(state: Path) -> None:
    write_store(state, {})
    (state / STORE).write_bytes(b"")


@damage()
def leftover_directory(state: Path) -> None:
    (state / STORE).mkdir(parents=True)


@damage()
def leftover_missing_key(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})


@damage()
def leftover_link(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    shutil.move(state / STORE, state / "elsewhere.json")
    (state / STORE).symlink_to(state / "elsewhere.json")


@damage()
def leftover_of_a_third_agent(state: Path) -> None:
    path = state / "agents" / "third" / "sessions" / "sessions.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"agent:third:main": entry()}))


@damage()
def transcript_beside_the_database(state: Path) -> None:
    path = state / STORE.parent / "cccccccc-bbbb-4ccc-8ddd-000000000001.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"type": "session", "version": 3, "id": path.stem, "timestamp": "2026-01-01T00:00:00.000Z", "cwd": "/"}
    path.write_text(json.dumps(head) + "\n")


@damage()
def jobs_file_torn(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron" / "jobs.json").write_text('{"version": 1, "jobs": [{"id": "a"')


@damage()
def jobs_file_left(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    old = next((state / "cron").glob("jobs.json.migrated*"))
    shutil.copyfile(old, state / "cron" / "jobs.json")


@damage()
def registry_of_subagents_torn(state: Path) -> None:
    (state / "subagents").mkdir(exist_ok=True)
    (state / "subagents" / "runs.json").write_text('{"version": 2, "runs": {')


@damage()
def manifest_torn(state: Path) -> None:
    folder = state / "session-sqlite-migration-runs"
    folder.mkdir(exist_ok=True)
    (folder / "session-sqlite-1-5aafea3b.json").write_text('{"manifestVersion": 3, "runI')


@damage()
def config_missing(state: Path) -> None:
    (state / "openclaw.json").unlink()


@damage()
def config_torn(state: Path) -> None:
    os.truncate(state / "openclaw.json", (state / "openclaw.json").stat().st_size // 2)


@damage()
def config_of_a_newer_release(state: Path) -> None:
    path = state / "openclaw.json"
    config = json.loads(path.read_text())
    config["meta"] = {"lastTouchedVersion": "2027.1.1"}
    path.write_text(json.dumps(config))
