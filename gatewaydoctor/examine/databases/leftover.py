"""A sessions.json next to the database of its agent, compared with it key by key: what an import would replace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.health import ComparedLeftover, Replaced
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.soundness import Absent, Damaged, Sound, TooLarge, Unread
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import AgentEra, Eras, LegacyStore
    from gatewaydoctor.storage.files.sessions import FileSessions
    from gatewaydoctor.system.fs import ReadFs

    Known = dict[str, tuple[str | None, int | None]]

_SAFE_ID = regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}")
_NULL = 4
"""Bytes of the word null."""


def compare_leftovers(fs: ReadFs, eras: Eras, stores: Iterable[StoreFacts]) -> Iterator[ComparedLeftover]:
    """One comparison for each leftover store of an agent that has a database."""
    by_path = {store.read.ref.path: store for store in stores}
    for agent in eras.agents:
        legacy = agent.legacy_store
        store = by_path.get(legacy.path) if legacy else None
        if legacy is not None and store is not None and agent.database is not None:
            yield _compare(fs, agent, legacy, store, agent.database.path)


def _compare(fs: ReadFs, agent: AgentEra, legacy: LegacyStore, store: StoreFacts, database: Path) -> ComparedLeftover:
    refusal = _refusal(fs, legacy, store)
    sessions = store.sessions
    rows = _rows(fs, legacy.path, sessions) if sessions is not None else None
    if sessions is None or rows is None:
        return ComparedLeftover(agent.agent_id, legacy.path, None, refusal=refusal, compared=False)
    nulls, unsafe, skipped, kept = _sorted_out(fs, legacy.path, rows)
    known = _rows_of(fs, database, {entry.key for entry in kept})
    if known is None:
        return ComparedLeftover(
            agent.agent_id, legacy.path, len(rows), (), 0, (), nulls, unsafe, skipped, refusal, compared=False
        )
    replaced, same, missing = [], 0, []
    for entry in kept:
        row = known.get(entry.key)
        if row is None:
            missing.append(entry.key)
            continue
        session_id, updated_at = row
        difference = Replaced(entry.key, entry.updated_at, updated_at, other_session=session_id != entry.session_id)
        if difference.other_session or (updated_at is not None and entry.updated_at != updated_at):
            replaced.append(difference)
        else:
            same += 1
    return ComparedLeftover(
        agent.agent_id,
        legacy.path,
        len(rows),
        tuple(replaced),
        same,
        tuple(missing),
        nulls,
        unsafe,
        skipped,
        refusal,
    )


def _refusal(fs: ReadFs, legacy: LegacyStore, store: StoreFacts) -> str | None:
    """What makes 2026.9.6 refuse the whole file."""
    match store.soundness:
        case Absent() | Unread():
            return "it cannot be read"
        case Damaged() | TooLarge():
            return "it is damaged or too large"
        case Sound():
            pass
    if legacy.links > 1:
        return f"it has {legacy.links} hard links"
    try:
        return "it is a symbolic link" if fs.lstat(legacy.path).is_symlink else None
    except OSError:
        return None


def _rows(fs: ReadFs, path: Path, sessions: FileSessions) -> list[Entry] | None:
    """The entries of the file, of a damaged one those that are whole; None where it cannot be read any more."""
    if sessions.reading.fault is None:
        return [entry for _, entry in sessions.rows()]
    from gatewaydoctor.storage.files.salvage import salvage

    try:
        with fs.open(path) as stream:
            found = salvage(stream, sessions, "main").table
    except OSError:
        return None
    return list({entry.key: entry for entry in found}.values())


def _sorted_out(
    fs: ReadFs, path: Path, rows: Iterable[Entry]
) -> tuple[tuple[str, ...], tuple[str, ...], int, tuple[Entry, ...]]:
    """Keys of null entries and of unsafe ids, how many entries an import passes over, and those it takes."""
    nulls, unsafe, skipped, kept = [], [], 0, []
    for entry in rows:
        if not entry.valid:
            if _is_null(fs, path, entry):
                nulls.append(entry.key)
            else:
                skipped += 1
        elif entry.session_id is None:
            skipped += 1
        elif not _SAFE_ID.fullmatch(entry.session_id):
            unsafe.append(entry.key)
        else:
            kept.append(entry)
    return tuple(nulls), tuple(unsafe), skipped, tuple(kept)


def _is_null(fs: ReadFs, path: Path, entry: Entry) -> bool:
    if entry.end - entry.value_start != _NULL:
        return False
    try:
        with fs.open(path) as stream:
            stream.seek(entry.value_start)
            return stream.read(_NULL) == b"null"
    except OSError:
        return False


def _rows_of(fs: ReadFs, path: Path, keys: set[str]) -> Known | None:
    """Session id and updated_at of those keys; None where the database cannot be read."""
    from gatewaydoctor.storage.database.select import Tables
    from gatewaydoctor.storage.sqlite.opened import open_database  # brings in apsw

    match open_database(fs, path):
        case DatabaseFault():
            return None
        case database:
            with database:
                tables = Tables(database)
                if not tables.has("session_nodes", "session_key", "current_session_id"):
                    return None
                rows = tables.rows("session_nodes", ("session_key", "current_session_id", "updated_at"))
                found = {
                    str(key): (None if session is None else str(session), at if isinstance(at, int) else None)
                    for key, session, at in rows
                    if key in keys
                }
                return None if tables.faults else found
