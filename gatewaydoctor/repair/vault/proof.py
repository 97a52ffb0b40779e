"""Proof that the copy of a database is whole: SQLite checks the copy with its log laid over, and as many rows as in
the original are counted in it. Neither is changed by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.repair.snapshot import SnapshotDatabase
from gatewaydoctor.storage.sqlite.opened import Opened, open_database

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

COUNTED = (
    "session_nodes",
    "session_windows",
    "transcript_events",
    "session_transcript_archives",
    "cron_jobs",
    "task_runs",
    "delivery_queue_entries",
    "subagent_runs",
)


def prove(fs: ReadFs, original: Path, copy: Path, path: str) -> SnapshotDatabase:
    """What can be said of the copy of the database `path` (relative to both directories). Nothing is raised."""
    match open_database(fs, copy / path):
        case DatabaseFault() as fault:
            return SnapshotDatabase(path=path, sound=None, problem=fault.reason, rows={}, same=None)
        case database:
            with database:
                problem = _problem(database)
                rows = _counts(database)
    return SnapshotDatabase(
        path=path, sound=problem is None, problem=problem, rows=rows, same=_same(fs, original / path, rows)
    )


def _problem(database: Opened) -> str | None:
    found = database.all("PRAGMA quick_check(1)")
    if isinstance(found, DatabaseFault):
        return found.reason
    first = str(found[0][0]) if found else "nothing was checked"
    return None if first == "ok" else first.partition("\n")[0]


def _counts(database: Opened) -> dict[str, int]:
    counted = {}
    for table in COUNTED:
        if table in database.tables:
            found = database.all(f"SELECT count(*) FROM {table}")
            if not isinstance(found, DatabaseFault) and isinstance(found[0][0], int):
                counted[table] = found[0][0]
    return counted


def _same(fs: ReadFs, original: Path, rows: dict[str, int]) -> bool | None:
    match open_database(fs, original):
        case DatabaseFault():
            return None
        case database:
            with database:
                return True if _counts(database) == rows else None
