"""What a new database must pass before it may take the place of the old one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.plan import DropFields, DropSessions, EndSessions, KeepSessions
from gatewaydoctor.repair.databases.sessions import tables_of
from gatewaydoctor.repair.writing.errors import DatabaseUnsound

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from gatewaydoctor.model.repair.plan import Transact

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
