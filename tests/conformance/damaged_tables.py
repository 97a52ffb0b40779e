"""Rows of tables that no class names: of no JSON, of a value that their table forbids, unfinished ones."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from .damaged_files import second_agent_not_in_the_config
from .damages import AGENT, DAMAGES, KEY, SECOND, STATE, UNCHECKED, Damage, damage, sql

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "bbbbbbbb-0000-4000-8000-000000001001"
TORN = "{torn"
HASH = "0" * 64
LATER = '{"version":99,"profiles":{"a":5}}'
_FILLING = {"INTEGER": 1, "INT": 1, "TEXT": "x", "BLOB": b"x", "REAL": 1.0}


def insert(path: Path, table: str, **values: object) -> None:
    """One row. A column that has to have a value and is not named gets one of its type."""
    with closing(sqlite3.connect(path)) as database:
        columns = database.execute(f"PRAGMA table_info({table})").fetchall()
    row = {
        name: _FILLING[kind] for _, name, kind, needed, default, _ in columns if needed and default is None
    } | values
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    sql(
        path,
        "PRAGMA foreign_keys = OFF",
        f"INSERT INTO {table} ({names}) VALUES ({marks})",
        values=tuple(row.values()),
    )


def _torn(name: str, path: Path, table: str, **values: object) -> None:
    """Registers a damage: one more row, with what is no JSON."""

    def hurt(state: Path) -> None:
        insert(state / path, table, **values)

    DAMAGES[name] = Damage(hurt)


_torn("approvals-row-torn", STATE, "exec_approvals_config", config_key="current", raw_json=TORN)
_torn("oauth-row-torn", STATE, "mcp_oauth_stores", store_json=TORN)
_torn("plugin-state-row-torn", STATE, "plugin_state_entries", plugin_id="telegram", value_json=TORN)
_torn("binding-row-torn", STATE, "current_conversation_bindings", status="active", record_json=TORN)
_torn("preference-row-torn", STATE, "user_preferences", value_json=TORN)
_torn("restart-note-torn", STATE, "gateway_restart_sentinel", sentinel_key="current", payload_json=TORN)
_torn("task-row-torn", STATE, "task_runs", runtime="cron", status="running", detail_json=TORN)
_torn("flow-row-torn", STATE, "flow_runs", status="running", state_json=TORN, wait_json=TORN)
_torn("diagnostic-row-torn", STATE, "diagnostic_events", payload_json=TORN)
_torn("web-push-row-torn", STATE, "web_push_subscriptions", preferences_json=TORN)
_torn("deletion-row-torn", STATE, "agent_deletion_journal", agent_id="third", database_paths_json=TORN)
_torn("auth-row-torn", AGENT, "auth_profile_store", store_key="primary", store_json=TORN)
_torn("auth-row-without-profiles", AGENT, "auth_profile_store", store_key="primary", store_json="{}")
_torn("auth-row-of-a-list", AGENT, "auth_profile_store", store_key="primary", store_json="[]")
_torn("auth-row-of-a-later-version", AGENT, "auth_profile_store", store_key="primary", store_json=LATER)
_torn("auth-state-row-torn", AGENT, "auth_profile_state", state_key="primary", state_json=TORN)
_torn("auth-row-of-the-second-torn", SECOND, "auth_profile_store", store_key="primary", store_json=TORN)
_torn("cache-row-torn", AGENT, "cache_entries", value_json=TORN)
_torn("trajectory-row-torn", AGENT, "trajectory_runtime_events", session_id=SESSION, event_json=TORN)
_torn(
    "pending-input-torn",
    AGENT,
    "session_pending_inputs",
    session_key=KEY,
    session_id=SESSION,
    state="queued",
    message_json=TORN,
)
_torn(
    "archive-of-garbage",
    AGENT,
    "session_transcript_archives",
    session_id="gone",
    session_key=KEY,
    reason="deleted",
    encoding="zstd",
    archive_blob=b"no archive",
    archive_sha256=HASH,
)


@damage()
def auth_row_of_an_agent_not_in_the_config_torn(state: Path) -> None:
    insert(state / SECOND, "auth_profile_store", store_key="primary", store_json=TORN)
    second_agent_not_in_the_config(state)


@damage()
def machine_states_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE config_machine_state SET value_json = '{torn'")


@damage()
def last_good_config_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE config_health_entries SET last_known_good_json = '{torn'")


@damage()
def key_of_the_device_garbage(state: Path) -> None:
    sql(state / STATE, "UPDATE device_identities SET private_key_pem = 'garbage'")


@damage()
def key_of_revisions_gone(state: Path) -> None:
    sql(state / STATE, "DELETE FROM config_revision_keys")


@damage()
def key_of_revisions_short(state: Path) -> None:
    sql(state / STATE, *UNCHECKED, "UPDATE config_revision_keys SET hmac_key = x'00'")


@damage()
def window_of_a_wrong_scope(state: Path) -> None:
    sql(state / AGENT, *UNCHECKED, "UPDATE session_windows SET session_scope = 'elsewhere'")


@damage()
def window_of_the_second_of_a_wrong_reason(state: Path) -> None:
    sql(state / SECOND, *UNCHECKED, "UPDATE session_windows SET reason = 'whim'")


@damage()
def boot_of_a_wrong_outcome(state: Path) -> None:
    sql(state / STATE, *UNCHECKED, "UPDATE gateway_boot_lifecycle SET outcome = 'odd'")


@damage()
def receipt_of_a_wrong_status(state: Path) -> None:
    insert(state / STATE, "cron_run_receipts", receipt_id="r1", job_id="gone", status="ok", finished_at_ms=1)
    sql(state / STATE, *UNCHECKED, "UPDATE cron_run_receipts SET status = 'odd'")


@damage()
def windows_running_for_ever(state: Path) -> None:
    sql(state / AGENT, "UPDATE session_windows SET status = 'running', started_at = 1, ended_at = NULL")


@damage()
def identities_of_events_gone(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM transcript_event_identities")


@damage()
def active_events_gone(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM session_transcript_active_events", "DELETE FROM session_transcript_index_state")


@damage()
def search_rows_gone(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM session_transcript_fts_rows")


@damage()
def events_with_a_gap(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM transcript_events WHERE seq IN (2, 3)")


@damage()
def events_before_the_first(state: Path) -> None:
    sql(state / AGENT, f"UPDATE transcript_events SET seq = -seq - 1 WHERE session_id = '{SESSION}'")


@damage()
def agent_that_is_being_deleted(state: Path) -> None:
    """Deleting it was begun, with its files, and not ended."""
    folder = state / "agents" / "second"
    insert(
        state / STATE,
        "agent_deletion_journal",
        agent_id="second",
        operation_id="00000000-0000-4000-8000-000000000009",
        agent_dir=str(folder / "agent"),
        workspace_dir=str(state / "workspace-second"),
        sessions_dir=str(folder / "sessions"),
        database_paths_json=json.dumps([str(state / SECOND)]),
        created_at=int(time.time() * 1000),
    )


@damage()
def agent_that_was_deleted(state: Path) -> None:
    agent_that_is_being_deleted(state)
    sql(state / STATE, "UPDATE agent_deletion_journal SET cleanup_completed = 1")


@damage()
def registry_of_a_newer_schema(state: Path) -> None:
    sql(state / STATE, "UPDATE agent_databases SET schema_version = 99, size_bytes = -1")


@damage()
def job_filed_as_the_gateways_own(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET declaration_key = 'mine' WHERE name = 'job 1'")


@damage()
def job_once_long_ago(state: Path) -> None:
    once = json.dumps({"kind": "at", "at": "2020-01-01T00:00:00.000Z"})
    sql(
        state / STATE,
        f"UPDATE cron_jobs SET job_json = json_set(job_json, '$.schedule', json('{once}')) WHERE name = 'job 1'",
    )


@damage()
def job_with_its_id_twice(state: Path) -> None:
    sql(
        state / STATE,
        """UPDATE cron_jobs SET job_json = '{"id":"other",' || substr(job_json, 2) WHERE name = 'job 1'""",
    )


@damage()
def scratch_of_no_job(state: Path) -> None:
    insert(state / STATE, "cron_job_scratch", store_key=f"{state}/cron/jobs.json", job_id="gone")
