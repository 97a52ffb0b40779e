"""A look at the rows of a database that nobody has open for writing, without creating or locking anything."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from gatewaydoctor.model.gateway.era import DatabaseRole, DatabaseRows
from gatewaydoctor.storage.database.header import read_database

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.era import Database
    from gatewaydoctor.system.fs import ReadFs

TIME_LIMIT_S = 2.0
_PROGRESS_STEPS = 10_000


def read_rows(fs: ReadFs, database: Database, time_limit: float = TIME_LIMIT_S) -> DatabaseRows:
    """Counts in an agent or state database. Only a settled one is read, with `immutable=1`, which takes no lock and
    creates no file; anything else, a newer schema, damage and the time limit (s) give `not_read`. Never raises."""
    database = read_database(fs, database.path, database.role) or database
    if database.header is None:
        return DatabaseRows(not_read=database.problem)
    if not database.settled:
        return DatabaseRows(not_read="its -wal or journal holds changes, which only a copy would show")
    if database.newer_schema:
        return DatabaseRows(not_read=f"schema {database.user_version} is newer than any known here")
    uri = f"file:{quote(str(database.path).encode('utf-8', 'surrogateescape'))}?mode=ro&immutable=1"
    deadline = time.monotonic() + time_limit
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_STEPS)
            connection.execute("PRAGMA trusted_schema = OFF")
            return _counted(connection, database.role)
    except (sqlite3.Error, OSError, UnicodeError) as error:
        return DatabaseRows(not_read=f"SQLite refuses it: {error}")


def _counted(connection: sqlite3.Connection, role: DatabaseRole) -> DatabaseRows:
    # Only real tables are asked: a view under a familiar name could run for ever.
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = _one(connection, "SELECT app_version FROM schema_meta LIMIT 1") if "schema_meta" in tables else None
    app_version = version if isinstance(version, str) else None
    if role is DatabaseRole.STATE:
        jobs = _one(connection, "SELECT count(*) FROM cron_jobs") if "cron_jobs" in tables else None
        return DatabaseRows(app_version, cron_jobs=jobs if isinstance(jobs, int) else None)
    if "session_nodes" not in tables:
        return DatabaseRows(app_version, not_read="it has no table session_nodes")
    total = _one(connection, "SELECT count(*) FROM session_nodes")
    # The condition lets SQLite answer from the index on status instead of walking every entry's JSON.
    rows = connection.execute("SELECT status, count(*) FROM session_nodes WHERE status IS NOT NULL GROUP BY status")
    status = {str(word): int(count) for word, count in rows}
    if isinstance(total, int) and total > sum(status.values()):
        status["unknown"] = total - sum(status.values())
    return DatabaseRows(app_version, total if isinstance(total, int) else None, status)


def _one(connection: sqlite3.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
