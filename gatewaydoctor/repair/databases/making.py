"""From a database and its edits to the new file that shall take its place, with the checks it must pass."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.model.repair.edits import (
    BringSessions,
    DropFields,
    DropSessions,
    EndSessions,
    KeepSessions,
    Rebuild,
)
from gatewaydoctor.repair.databases.edits import perform
from gatewaydoctor.repair.databases.rebuild import rebuild
from gatewaydoctor.repair.databases.sessions import tables_of
from gatewaydoctor.repair.vault.directory import remove_private
from gatewaydoctor.repair.writing.errors import DatabaseUnsound, InputChanged
from gatewaydoctor.repair.writing.guard import is_unchanged
from gatewaydoctor.repair.writing.stream import Content, FileAttributes, copy_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Fingerprint, Plan, Transact
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools


_NODES = "session_nodes"


def kept_entries(connection: apsw.Connection, act: Transact) -> Mapping[str, bytes]:
    """A digest of the entry of each session that the act neither removes nor edits."""
    if _NODES not in tables_of(connection):
        return {}
    concerned = _concerned(act)
    only = next((frozenset(edit.keys) for edit in act.edits if isinstance(edit, KeepSessions)), None)
    # The key is asked for first: the entries of those that leave need not be read.
    keys = [str(key) for (key,) in connection.execute(f"SELECT session_key FROM {_NODES}")]
    return {key: _digest(connection, key) for key in keys if key not in concerned and (only is None or key in only)}


def _concerned(act: Transact) -> frozenset[str]:
    found: set[str] = set()
    for edit in act.edits:
        match edit:
            case DropSessions(keys=keys) | DropFields(keys=keys):
                found.update(keys)
            case EndSessions(sessions=sessions):
                found.update(each.key for each in sessions)
    return frozenset(found)


def _digest(connection: apsw.Connection, key: str) -> bytes:
    found = connection.execute(
        f"SELECT CAST(entry_json AS BLOB) FROM {_NODES} WHERE session_key = ?", (key,)
    ).fetchone()
    return hashlib.sha256(found[0] if found and isinstance(found[0], bytes) else b"").digest()


def check_new(connection: apsw.Connection, act: Transact, kept: Mapping[str, bytes]) -> None:
    """Raises DatabaseUnsound, and apsw.Error where the file cannot be read."""
    faults = [str(word) for (word,) in connection.execute("PRAGMA integrity_check(3)")]
    if faults != ["ok"]:
        raise _unsound(act, f"SQLite's check reports: {faults[0]}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise _unsound(act, f"a row of {broken[0]} belongs to a row of {broken[2]} that is not there")
    if act.sessions is None:
        return
    count = next((int(number) for (number,) in connection.execute(f"SELECT count(*) FROM {_NODES}")), 0)
    if count != act.sessions:
        raise _unsound(act, f"{count:,} session rows would be left, and {act.sessions:,} were planned")
    for key, digest in kept.items():
        if _digest(connection, key) != digest:
            raise _unsound(act, f"the entry of {key} came out changed")


def _unsound(act: Transact, reason: str) -> DatabaseUnsound:
    return DatabaseUnsound(
        f"{act.target} does not come out sound: {reason}.",
        "Nothing was changed. `gatewaydoctor scan` shows what is wrong with the database.",
    )


CACHE_KIB = 2_000
_SUFFIXES = ("-wal", "-journal")


def make(tools: Tools, place: RunPlace, plan: Plan, act: Transact, path: Path, attributes: FileAttributes) -> Content:
    """Write the new database to `path`, synced. What was worked on is gone when this returns. Raises InputChanged,
    DatabaseUnsound and OSError."""
    fs = tools.fs
    remove_private(fs, place)
    fs.mkdir(place.private)
    try:
        copy, new = place.private / "database", place.private / "new"
        first = next((edit for edit in act.edits if isinstance(edit, Rebuild)), None)
        taken_out = any(isinstance(edit, KeepSessions) for edit in act.edits)
        if first is None:
            _take_copy(tools, place, plan, act.sources if taken_out else act.concerned, copy)
        sources = _take_sources(tools, place, plan, act)
        with _told(act.target):
            if first is not None:
                _rebuilt(tools, place, plan, act, first, copy)
            _edited(copy, new, act, sources)
        return copy_file(fs, new, path, attributes, tools.progress.advance)
    finally:
        remove_private(fs, place)


def _rebuilt(tools: Tools, place: RunPlace, plan: Plan, act: Transact, edit: Rebuild, copy: Path) -> None:
    """A sound database in the place of a copy; the damaged one is read where it is."""
    seen = [plan.fingerprints[number] for number in (*act.concerned, *act.sources)]
    sources = [place.at(plan.fingerprints[number].path) for number in act.sources]
    rebuild(tools.fs, place.at(act.target), sources, edit, copy)
    for each in seen:
        if not is_unchanged(tools.fs.lstat(place.at(each.path)), each):
            raise InputChanged(f"{each.path} changed while it was read.", "Make a new plan and apply that.")


def _take_sources(tools: Tools, place: RunPlace, plan: Plan, act: Transact) -> tuple[Path, ...]:
    """Copies of the databases that sessions come from: none is opened where it is."""
    if not any(isinstance(edit, BringSessions) for edit in act.edits):
        return ()
    copies = tuple(place.private / f"source-{at}" for at in range(len(act.sources)))
    for number, copy in zip(act.sources, copies, strict=True):
        _take_copy(tools, place, plan, (number,), copy)
    return copies


def _take_copy(tools: Tools, place: RunPlace, plan: Plan, numbers: Iterable[int], copy: Path) -> None:
    for number in numbers:
        seen = plan.fingerprints[number]
        suffix = next((each for each in _SUFFIXES if seen.path.endswith(each)), "")
        source = place.at(seen.path)
        content = copy_file(
            tools.fs, source, copy.with_name(copy.name + suffix), FileAttributes(), tools.progress.advance
        )
        _check(tools, source, seen, content)


def _check(tools: Tools, source: Path, seen: Fingerprint, content: Content) -> None:
    if not is_unchanged(tools.fs.lstat(source), seen) or content.size != seen.size:
        raise InputChanged(f"{seen.path} changed while it was copied.", "Make a new plan and apply that.")


def _edited(copy: Path, new: Path, act: Transact, sources: Sequence[Path]) -> None:
    with _opened(copy) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The copy is thrown away after any failure: it needs no way back, and no sync.
        for setting in ("synchronous = OFF", "journal_mode = OFF", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")
        connection.authorizer = _no_other_file
        kept = kept_entries(connection, act)
        for edit in act.edits:
            perform(connection, edit, sources)
        connection.authorizer = None
        connection.execute("VACUUM INTO ?", (os.fspath(new),))
    with _opened(new) as connection:
        check_new(connection, act, kept)
        log_ahead(connection)


def log_ahead(connection: apsw.Connection) -> None:
    """In the mode in which the gateway leaves its databases. The file is whole by itself: closing takes the log away.
    Raises apsw.IOError: SQLite answers with the old mode where it could not write the new one."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchall()[0]
    if mode != "wal":
        raise apsw.IOError(f"its journal mode stays {mode}")


def _no_other_file(action: int, *_about: str | None) -> int:
    """No statement of an edit, a trigger of the database included, reaches another file."""
    return apsw.SQLITE_DENY if action in (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH) else apsw.SQLITE_OK


@contextmanager
def _opened(path: Path) -> Iterator[apsw.Connection]:
    # SQLite opens by path, and VACUUM INTO with the same flags: a link that was put on the way ends it.
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
    try:
        # The schema is not to be trusted further than the checks and triggers need it.
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        for setting in ("temp_store = MEMORY", f"cache_size = -{CACHE_KIB}"):
            connection.execute(f"PRAGMA {setting}")
        yield connection
    finally:
        connection.close()


@contextmanager
def _told(target: str) -> Iterator[None]:
    """What SQLite raises, as what it means."""
    try:
        yield
    except apsw.FullError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target) from error
    except (apsw.IOError, apsw.CantOpenError) as error:
        raise OSError(errno.EIO, f"{os.strerror(errno.EIO)} ({error})", target) from error
    except (apsw.Error, UnicodeError) as error:  # damaged text need not be UTF-8
        raise DatabaseUnsound(
            f"{target} cannot be edited: {error}.",
            "`gatewaydoctor scan` shows what is wrong with it. Nothing was changed.",
        ) from error
