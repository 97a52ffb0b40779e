"""The few counts of a database that telling its era and its running rows needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.era import DatabaseRole, DatabaseRows
from gatewaydoctor.storage.database.select import Tables, integer, text
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.era import Database
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs


def read_rows(fs: ReadFs, database: Database) -> DatabaseRows:
    """Counts in an agent or state database, its log laid over. A newer schema and damage give `not_read`. Never
    raises."""
    if database.newer_schema:
        return DatabaseRows(not_read=f"schema {database.user_version} is newer than any known here")
    match read_database_once(fs, database.path, lambda opened: _counted(opened, database.role)):
        case DatabaseFault() as fault:
            return DatabaseRows(not_read=fault.reason)
        case rows:
            return rows


def _counted(opened: Opened, role: DatabaseRole) -> DatabaseRows:
    tables = Tables(opened)
    # One row holds the release; which one that is, older layouts do not say.
    version = next((text(found) for (found,) in tables.rows("schema_meta", ("app_version",), rest="LIMIT 1")), None)
    if role is DatabaseRole.STATE:
        jobs = next((integer(found) for (found,) in tables.ask("cron_jobs", "SELECT count(*) FROM cron_jobs")), None)
        return DatabaseRows(version, cron_jobs=jobs, not_read=_reason(tables))
    if "session_nodes" not in opened.tables:
        return DatabaseRows(version, not_read="it has no table session_nodes")
    total = next(
        (integer(found) for (found,) in tables.ask("session_nodes", "SELECT count(*) FROM session_nodes")), 0
    )
    # The condition lets SQLite answer from the index on status instead of walking every entry's JSON.
    statement = "SELECT status, count(*) FROM session_nodes WHERE status IS NOT NULL GROUP BY status"
    status = {str(word): integer(count) or 0 for word, count in tables.ask("session_nodes", statement)}
    if reason := _reason(tables):
        return DatabaseRows(version, not_read=reason)
    if total is not None and total > sum(status.values()):
        status["unknown"] = total - sum(status.values())
    return DatabaseRows(version, total, status)


def _reason(tables: Tables) -> str | None:
    return tables.faults[0][1].reason if tables.faults else None
