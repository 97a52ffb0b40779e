"""Damages of the text of a schema: what differs from the tables that the release makes, and what does not matter."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from .damages import (
    AGENT,
    QUARANTINE,
    STATE,
    damage,
    settle,
    sql,
)

if TYPE_CHECKING:
    from pathlib import Path

OPTIONAL = (
    "memory_entry_origins",
    "memory_session_tombstones",
    "memory_index_chunk_provenance",
    "memory_index_chunk_recall_metadata",
    "context_engine_turn_outbox",
    "message_tool_run_outcomes",
    "session_goal_operations",
    "session_pending_inputs",
    "session_input_completions",
    "session_participants",
    "session_progress_cards",
    "session_transcript_archives",
    "standing_intents",
    "standing_intents_fts",
)
"""Tables of an agent's database that a start makes again."""
OPTIONAL_OF_STATE = (
    "agent_provenance",
    "config_revision_keys",
    "cron_run_receipts",
    "device_pair_setup_completions",
    "device_pairing_join_codes",
    "github_publication_requests",
    "projects",
    "secret_store_entries",
    "skill_workshop_collection_reviews",
    "skill_workshop_proposal_events",
    "skill_workshop_proposal_rollbacks",
    "skill_workshop_proposals",
    "user_preferences",
    "web_push_approval_deliveries",
    "worker_environment_ssh_fallback_ports",
    "worker_session_placement_moves",
    "worker_session_tool_operations",
    "worker_turn_tool_authorities",
    "worktree_templates",
)


def _schema(path: Path, old: str, new: str, name: str) -> None:
    """Replace a part of the text of one schema entry."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        (version,) = database.execute("PRAGMA schema_version").fetchone()
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ?", (old, new, name))
        database.execute(f"PRAGMA schema_version = {version + 1}")
    settle(path)


@damage()
def state_of_a_newer_schema(state: Path) -> None:
    sql(
        state / STATE,
        "PRAGMA user_version = 99",
        "UPDATE schema_meta SET schema_version = 99 WHERE meta_key='primary'",
    )


@damage()
def trigger_text_changed(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT)) as d:
        t = d.execute(
            "SELECT sql FROM sqlite_master WHERE name='session_nodes_canonical_pending_after_update'"
        ).fetchone()[0]
    sql(state / AGENT, "DROP TRIGGER session_nodes_canonical_pending_after_update")
    sql(state / AGENT, t.replace("BEGIN", "BEGIN SELECT 1;"))


@damage()
def trigger_text_with_other_spaces(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT)) as d:
        t = d.execute(
            "SELECT sql FROM sqlite_master WHERE name='session_nodes_canonical_pending_after_update'"
        ).fetchone()[0]
    sql(state / AGENT, "DROP TRIGGER session_nodes_canonical_pending_after_update")
    sql(state / AGENT, t.replace("\n", "\n    "))


@damage()
def state_trigger_added(state: Path) -> None:
    sql(state / STATE, "CREATE TRIGGER mine AFTER INSERT ON cron_jobs BEGIN SELECT 1; END")


@damage()
def table_renamed(state: Path) -> None:
    sql(state / AGENT, "PRAGMA legacy_alter_table = ON", "ALTER TABLE board_tabs RENAME TO board_tabs_old")


@damage()
def column_renamed(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_nodes RENAME COLUMN icon TO icon2")


@damage()
def not_null_gone(state: Path) -> None:
    _schema(state / AGENT, "updated_at INTEGER NOT NULL", "updated_at INTEGER", "session_nodes")


@damage()
def foreign_key_gone(state: Path) -> None:
    _schema(
        state / AGENT,
        "FOREIGN KEY (session_key) REFERENCES session_nodes(session_key) ON DELETE CASCADE,",
        "",
        "session_windows",
    )


@damage()
def table_no_longer_strict(state: Path) -> None:
    _schema(state / AGENT, ") STRICT", ")", "session_nodes")


@damage()
def index_of_other_columns(state: Path) -> None:
    sql(
        state / AGENT,
        "DROP INDEX idx_agent_session_nodes_updated_at",
        "CREATE INDEX idx_agent_session_nodes_updated_at ON session_nodes (label)",
    )


@damage()
def analyzed(state: Path) -> None:
    sql(state / AGENT, "ANALYZE")
    sql(state / STATE, "ANALYZE")


@damage()
def search_table_missing(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT)):
        pass
    sql(state / AGENT, "DROP TABLE session_transcript_fts")


@damage()
def search_data_table_missing(state: Path) -> None:
    p = state / AGENT
    with closing(sqlite3.connect(p, isolation_level=None)) as d:
        (v,) = d.execute("PRAGMA schema_version").fetchone()
        d.execute("PRAGMA writable_schema = ON")
        d.execute("DELETE FROM sqlite_master WHERE name = 'session_transcript_fts_data'")
        d.execute(f"PRAGMA schema_version = {v + 1}")
    settle(p)


@damage()
def state_column_missing(state: Path) -> None:
    sql(state / STATE, "ALTER TABLE cron_jobs DROP COLUMN description")


@damage()
def state_table_missing(state: Path) -> None:
    sql(state / STATE, "PRAGMA foreign_keys = OFF", "DROP TABLE task_runs")


@damage()
def state_column_added(state: Path) -> None:
    sql(state / STATE, "ALTER TABLE cron_jobs ADD COLUMN mine TEXT")


@damage()
def quarantine_table_missing(state: Path) -> None:
    sql(state / QUARANTINE, "DROP TABLE quarantined_databases")


@damage()
def pending_table_missing(state: Path) -> None:
    sql(state / AGENT, "DROP TABLE session_canonical_validation_pending")


@damage()
def events_table_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", "DROP TABLE transcript_events")


@damage()
def every_table_that_is_made_again_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", *(f"DROP TABLE IF EXISTS {t}" for t in OPTIONAL))
    sql(state / STATE, "PRAGMA foreign_keys = OFF", *(f"DROP TABLE {t}" for t in OPTIONAL_OF_STATE))


@damage()
def every_table_that_is_made_again_missing_of_the_agent(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", *(f"DROP TABLE IF EXISTS {t}" for t in OPTIONAL))


@damage()
def conversations_table_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", "DROP TABLE conversations")


@damage()
def column_added_with_a_default(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_nodes ADD COLUMN mine TEXT NOT NULL DEFAULT 'x'")


@damage()
def column_added_to_a_table_that_is_made_again(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_participants ADD COLUMN mine TEXT")


@damage()
def column_missing_that_is_made_again(state: Path) -> None:
    sql(state / AGENT, "ALTER TABLE session_nodes DROP COLUMN legacy_acp_migration_json")


@damage()
def state_not_null_gone(state: Path) -> None:
    _schema(state / STATE, "job_json TEXT NOT NULL", "job_json TEXT", "cron_jobs")


@damage()
def table_text_with_other_spaces(state: Path) -> None:
    _schema(state / AGENT, "label TEXT,\n", "label   TEXT,\n\n", "session_nodes")


@damage()
def table_text_with_a_comment(state: Path) -> None:
    _schema(state / AGENT, "label TEXT,\n", "label TEXT, -- mine\n", "session_nodes")


@damage()
def unique_index_of_other_columns(state: Path) -> None:
    with closing(sqlite3.connect(state / STATE)) as d:
        n, t = d.execute(
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE UNIQUE%' "
            "ORDER BY name LIMIT 1"
        ).fetchone()
        c = d.execute(f"PRAGMA table_info({t})").fetchall()
    sql(state / STATE, f"DROP INDEX {n}", f"CREATE UNIQUE INDEX {n} ON {t} ({c[0][1]}, {c[1][1]}, {c[-1][1]})")


@damage()
def check_gone(state: Path) -> None:
    _schema(state / AGENT, " CHECK (entry_valid IN (-1, 0, 1))", "", "session_nodes")


@damage()
def default_changed(state: Path) -> None:
    _schema(
        state / AGENT,
        "entry_valid INTEGER NOT NULL DEFAULT 0",
        "entry_valid INTEGER NOT NULL DEFAULT 1",
        "session_nodes",
    )
