"""The edits of a plan as SQL, tried against starts of 2026.9.6 (docs/database.md).

A gateway judges a session row by entry_valid, which its triggers clear when the row changes: each edit of a row ends
by setting it again, or the next start takes the row for one that needs repair.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from gatewaydoctor.model.repair.edits import (
    BringSessions,
    DropDeliveries,
    DropFields,
    DropIndexes,
    DropMigrations,
    DropOrphans,
    DropRecords,
    DropSessions,
    DropTriggers,
    EndSessions,
    GiveOwners,
    KeepSessions,
    MoveJobs,
    Rebuild,
    SetEnabled,
    SetOwner,
    SetTrigger,
    SetVersion,
)
from gatewaydoctor.repair.databases.owners import Owners
from gatewaydoctor.repair.databases.sessions import bring_sessions, drop_sessions, keep_sessions, quoted, tables_of
from gatewaydoctor.repair.writing.errors import NotAsPlanned
from gatewaydoctor.state.databases.cron import FILED_HERE
from gatewaydoctor.storage.files.edit import edit as edited
from gatewaydoctor.storage.files.edit import field_spans
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import apsw

    from gatewaydoctor.model.repair.edits import Edit


def perform(connection: apsw.Connection, edit: Edit, sources: Sequence[Path] = ()) -> None:
    """Do one edit in a transaction of its own; `sources` are private copies of the act's. Raises apsw.Error."""
    connection.execute("BEGIN IMMEDIATE")
    match edit:
        case Rebuild():
            pass  # done before there was anything to edit
        case DropSessions(keys=keys):
            drop_sessions(connection, keys)
        case EndSessions():
            _end_sessions(connection, edit)
        case DropFields(fields=fields, keys=keys):
            for key in keys:
                _set_fields(connection, key, dict.fromkeys(fields))
        case DropOrphans(count=count):
            drop_orphans(connection, count)
        case GiveOwners(agent_id=agent_id):
            Owners(connection, agent_id).give_back()
        case DropIndexes(names=names):
            for name in names:
                connection.execute(f"DROP INDEX IF EXISTS {quoted(name)}")
        case DropTriggers(names=names):
            for name in names:
                connection.execute(f"DROP TRIGGER IF EXISTS {quoted(name)}")
        case SetTrigger(name=name, sql=sql):
            connection.execute(f"DROP TRIGGER IF EXISTS {quoted(name)}")
            connection.execute(sql)
        case SetVersion(version=version):
            connection.execute(f"PRAGMA user_version = {int(version)}")
            connection.execute("UPDATE schema_meta SET schema_version = ? WHERE meta_key = 'primary'", (version,))
        case SetOwner(agent_id=agent_id, version=version):
            Owners(connection, agent_id).record(version)
        case DropMigrations():
            connection.executemany("DELETE FROM schema_meta WHERE meta_key = ?", ((key,) for key in _MIGRATED))
        case DropRecords(paths=paths):
            connection.executemany("DELETE FROM quarantined_databases WHERE path = ?", ((path,) for path in paths))
        case KeepSessions(keys=keys):
            keep_sessions(connection, keys)
        case BringSessions(source=source):
            bring_sessions(connection, sources[source])
        case DropDeliveries(rows=rows):
            statement = "DELETE FROM delivery_queue_entries WHERE queue_name = ? AND id = ? AND status = 'pending'"
            connection.executemany(statement, rows)
        case MoveJobs():
            _move_jobs(connection, edit)
        case SetEnabled(jobs=jobs):
            for job in jobs:
                _set_enabled(connection, edit, job)
        case _ as never:
            assert_never(never)
    connection.execute("COMMIT")


def _end_sessions(connection: apsw.Connection, edit: EndSessions) -> None:
    word = json.dumps(edit.status).encode()
    windows = "session_windows" in tables_of(connection)
    for ending in edit.sessions:
        changes: dict[str, bytes | None] = {"status": word, "endedAt": str(ending.ended_at).encode()}
        whole = _set_fields(connection, ending.key, changes, settle=True)
        connection.execute("UPDATE session_nodes SET status = ? WHERE session_key = ?", (edit.status, ending.key))
        if windows:
            connection.execute(
                "UPDATE session_windows SET status = ?, ended_at = coalesce(ended_at, ?) WHERE status = 'running' "
                "AND session_id = (SELECT current_session_id FROM session_nodes WHERE session_key = ?)",
                (edit.status, ending.ended_at, ending.key),
            )
        if whole:
            connection.execute("UPDATE session_nodes SET entry_valid = 1 WHERE session_key = ?", (ending.key,))


def _set_fields(
    connection: apsw.Connection, key: str, changes: Mapping[str, bytes | None], *, settle: bool = False
) -> bool:
    """Change fields of an entry and no other byte of it; with `settle` abortedLastRun becomes false where it is true.
    False where the entry is not a JSON object: it stays as it is, and a start makes it again from the columns."""
    found = connection.execute(
        "SELECT CAST(entry_json AS BLOB) FROM session_nodes WHERE session_key = ?", (key,)
    ).fetchone()
    if found is None or not isinstance(found[0], bytes):
        return False
    value = found[0]
    try:
        fields = field_spans(value)
        if settle and any(_says_aborted(value, each.key_start, each.value_start, each.value_end) for each in fields):
            changes = {**changes, "abortedLastRun": b"false"}
        pieces = edited(value, changes) if value[:1] == b"{" else ()
        parts = (value[piece[0] : piece[1]] if isinstance(piece, tuple) else piece for piece in pieces)
        text = b"".join(parts).decode()
    except (Illegal, UnicodeDecodeError):
        return False
    if not text:
        return False
    connection.execute("UPDATE session_nodes SET entry_json = ? WHERE session_key = ?", (text, key))
    connection.execute("UPDATE session_nodes SET entry_valid = 1 WHERE session_key = ?", (key,))
    return True


def _says_aborted(value: bytes, key_start: int, value_start: int, value_end: int) -> bool:
    name = value[key_start:value_start].rstrip(b" \t\r\n:")
    return name == b'"abortedLastRun"' and value[value_start:value_end] == b"true"


def drop_orphans(connection: apsw.Connection, most: int) -> None:
    """Rows that refer to nothing, and those that refer to nothing once they are gone; no more than `most` times."""
    for _ in range(most):
        rows = [(str(table), row) for table, row, _, _ in connection.execute("PRAGMA foreign_key_check")]
        if not rows:
            return
        for table, row in rows:
            connection.execute(f"DELETE FROM {quoted(table)} WHERE rowid = ?", (row,))


_MIGRATED = ("startup-migrations", "state-migrations")
"""Records by which 2026.9.6 passes over its startup migrations: it imports no file as long as either is there."""
_FILED = ("cron_jobs", "cron_job_scratch", "cron_run_receipts")
"""Tables with a store_key and a job_id."""
_SCOPE = "cron.quarantine:"


def _move_jobs(connection: apsw.Connection, edit: MoveJobs) -> None:
    before, after = edit.before, edit.after
    tables = tables_of(connection)
    columns = {str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info('cron_jobs')")}
    there = "n.job_id = cron_jobs.job_id"
    if "declaration_key" in columns:
        # A job that the gateway makes by itself is not wanted twice.
        there = f"({there} OR n.declaration_key = cron_jobs.declaration_key)"
    stay = f"EXISTS (SELECT 1 FROM cron_jobs n WHERE n.store_key = ?2 AND {there})"
    connection.execute("CREATE TEMP TABLE moving (job_id TEXT PRIMARY KEY) WITHOUT ROWID")
    meant = " AND job_id IN (SELECT value FROM json_each(?3))" if edit.jobs else ""
    connection.execute(
        f"INSERT INTO temp.moving SELECT job_id FROM cron_jobs WHERE store_key = ?1 AND NOT {stay}{meant}",
        (before, after, json.dumps(edit.jobs)) if edit.jobs else (before, after),
    )
    # Rows of one job refer to each other by both columns.
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for table in _FILED:
        if table in tables:
            connection.execute(
                f"UPDATE {table} SET store_key = ? WHERE store_key = ? "
                "AND job_id IN (SELECT job_id FROM temp.moving)",
                (after, before),
            )
    if "diagnostic_events" in tables and not edit.jobs:
        connection.execute(
            "UPDATE diagnostic_events SET scope = ? WHERE scope = ?", (_SCOPE + after, _SCOPE + before)
        )
    connection.execute("DROP TABLE temp.moving")


def _set_enabled(connection: apsw.Connection, edit: SetEnabled, job: str) -> None:
    """The word in the definition, and in what the gateway tells a changed schedule by; the column is made from it."""
    columns = {str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info('cron_jobs')")}
    where = f"{FILED_HERE} AND job_id = ?"
    word = b"true" if edit.enabled else b"false"
    for column in ("job_json", "schedule_identity"):
        if column not in columns:
            continue
        statement = f"SELECT CAST({column} AS BLOB) FROM cron_jobs WHERE {where}"
        found = connection.execute(statement, (edit.store_key, job)).fetchone()
        text = _with(found[0], {"enabled": word}) if found and isinstance(found[0], bytes) else None
        if text is not None:
            connection.execute(f"UPDATE cron_jobs SET {column} = ? WHERE {where}", (text, edit.store_key, job))
    connection.execute(f"UPDATE cron_jobs SET enabled = ? WHERE {where}", (edit.enabled, edit.store_key, job))
    if not connection.changes():
        raise NotAsPlanned(f"The cron job {job} is not in the database.", "Nothing was changed. Make a new plan.")


def _with(value: bytes, changes: Mapping[str, bytes | None]) -> str | None:
    """The JSON object with these fields changed; None where it is none."""
    if value[:1] != b"{":
        return None
    try:
        parts = (value[each[0] : each[1]] if isinstance(each, tuple) else each for each in edited(value, changes))
        return b"".join(parts).decode()
    except (Illegal, UnicodeDecodeError):
        return None
