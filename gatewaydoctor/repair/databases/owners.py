"""Rows again that other rows refer to: a session row from its window, a window from its session row, and both for a
transcript of which neither is left, under the key that 2026.9.6 gives a transcript of unknown owner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewaydoctor.examine.databases.inventory import EVENTS, NODES, WINDOWS
from gatewaydoctor.repair.databases.sessions import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from gatewaydoctor.storage.sqlite.pages import Value

_STATUS = ("running", "done", "failed", "killed", "timeout")
LOST_ROWS = (
    f"SELECT session_key, session_id, status FROM (SELECT session_key, session_id, status, max(rowid) FROM {WINDOWS} "
    f"WHERE session_key NOT IN (SELECT session_key FROM {NODES}) GROUP BY session_key)"
)
"""Keys of session rows that only a window still names, with session and status of the one made last."""
LOST_WINDOWS = (
    f"SELECT session_key, current_session_id, status FROM {NODES} WHERE current_session_id IN "
    f"(SELECT session_id FROM {EVENTS}) AND current_session_id NOT IN (SELECT session_id FROM {WINDOWS})"
)
"""Sessions with a transcript that no window leads to."""
UNOWNED = (
    f"SELECT session_id FROM {EVENTS} WHERE session_id NOT IN (SELECT session_id FROM {WINDOWS}) "
    f"AND session_id NOT IN (SELECT coalesce(current_session_id, '') FROM {NODES}) GROUP BY session_id"
)
"""Transcripts of which neither a window nor a session row is left."""


def _raw(column: str) -> str:
    """A column of text as its bytes: what is damaged need not be UTF-8."""
    return f"CAST({column} AS BLOB)"


def _name(raw: Value) -> str:
    """The text of such a column; none where it is damaged, for then it names nothing."""
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else ""
    return "" if {"\ufffd", "\0"} & set(text) else text


def recovered_key(agent_id: str | None, session_id: str) -> str:
    """The key of a session of which only the transcript is known."""
    return f"agent:{agent_id or 'main'}:recovered:{session_id.lower()}"


class Owners:
    """The session rows and windows of a database that is being edited. Every method raises apsw.Error."""

    def __init__(self, connection: apsw.Connection, agent_id: str | None) -> None:
        self._connection = connection
        self._agent_id = agent_id

    def give_back(self) -> None:
        """All that transcripts and windows need."""
        for key, session_id in self._pairs(LOST_ROWS):
            self.node_of_window(key, session_id)
        self.windows_of_nodes(only_with_events=True)
        self.unowned()

    def windows_of_nodes(self, *, only_with_events: bool) -> None:
        """A window for the current session of each row that has none."""
        some = f"AND current_session_id IN (SELECT session_id FROM {EVENTS})" if only_with_events else ""
        rows = self._connection.execute(
            f"SELECT {_raw('current_session_id')}, {_raw('session_key')}, updated_at, {_raw('status')} FROM {NODES} "
            f"WHERE current_session_id NOT IN (SELECT session_id FROM {WINDOWS}) {some}"
        ).fetchall()
        for current, key, at, status in rows:
            names = _name(current), _name(key)
            if all(names):
                self.window(names[1], names[0], at, _name(status) or None)

    def unowned(self) -> None:
        """A row and a window for each transcript that has neither."""
        rows = self._connection.execute(
            f"SELECT {_raw('session_id')}, max(created_at) FROM {EVENTS} "
            f"WHERE session_id NOT IN (SELECT session_id FROM {WINDOWS}) GROUP BY session_id"
        ).fetchall()
        for current, at in rows:
            if session_id := _name(current):
                key = recovered_key(self._agent_id, session_id)
                self._node(key, session_id, at if isinstance(at, int) else 0, {})
                self.window(key, session_id, at, None)

    def node_of_window(self, key: str, session_id: str) -> None:
        """The session row of a window, with what that knows of it."""
        wanted = ("updated_at", "status", "chat_type", "display_name")
        columns = self._columns(WINDOWS)
        chosen = ", ".join(name if name == "updated_at" else _raw(name) for name in wanted if name in columns)
        found = self._connection.execute(
            f"SELECT {chosen} FROM {WINDOWS} WHERE session_id = ?", (session_id,)
        ).fetchone()
        if found is None:
            return
        told = dict(zip((name for name in wanted if name in columns), found, strict=True))
        status, chat, name = (_name(told.get(each)) for each in wanted[1:])
        known = {"status": status if status in _STATUS else None, "chatType": chat, "displayName": name}
        at = told["updated_at"] if isinstance(told.get("updated_at"), int) else 0
        self._node(key, session_id, at, {field: value for field, value in known.items() if value})

    def window(self, key: str, session_id: str, at: Value, status: Value) -> None:
        """A window where there is none of this session."""
        values = {"session_id": session_id, "session_key": key, "created_at": at, "updated_at": at, "status": status}
        self.put(WINDOWS, values)

    def record(self, version: int) -> None:
        """Whose the database is and of which version; when it was made stays as it is."""
        role = "global" if self._agent_id is None else "agent"
        told: dict[str, Value] = {"role": role, "schema_version": version, "agent_id": self._agent_id}
        self.put("schema_meta", {"meta_key": "primary", **told, "created_at": 0, "updated_at": 0})
        known = {name: value for name, value in told.items() if name in self._columns("schema_meta")}
        changes = ", ".join(f"{name} = ?" for name in known)
        self._connection.execute(
            f"UPDATE schema_meta SET {changes} WHERE meta_key = 'primary'", tuple(known.values())
        )

    def put(self, table: str, values: dict[str, Value]) -> None:
        """A row with those of the values that this schema has a column for, unless it is there."""
        there = {name: value for name, value in values.items() if name in self._columns(table)}
        marks = ", ".join("?" * len(there))
        self._connection.execute(
            f"INSERT OR IGNORE INTO {table} ({', '.join(there)}) VALUES ({marks})", tuple(there.values())
        )

    def _node(self, key: str, session_id: str, at: int, known: dict[str, Value]) -> None:
        entry = {"sessionId": session_id, "updatedAt": at, "delivery": {"kind": "none"}, **known}
        values: dict[str, Value] = {
            "session_key": key,
            "current_session_id": session_id,
            "entry_json": json.dumps(entry, separators=(",", ":")),
            "entry_valid": 1,
            "updated_at": at,
            "status": known.get("status"),
            "display_name": known.get("displayName"),
        }
        self.put(NODES, values)
        # The gateway's triggers, where they are there, clear it for any row that is new.
        if "entry_valid" in self._columns(NODES):
            self._connection.execute(f"UPDATE {NODES} SET entry_valid = 1 WHERE session_key = ?", (key,))

    def _pairs(self, statement: str) -> Iterator[tuple[str, str]]:
        columns = f"{_raw('session_key')}, {_raw('session_id')}"
        for first, second in self._connection.execute(f"SELECT {columns} FROM ({statement})").fetchall():
            if (key := _name(first)) and (session_id := _name(second)):
                yield key, session_id

    def _columns(self, table: str) -> frozenset[str]:
        rows = self._connection.execute(f"PRAGMA table_info({quoted(table)})")
        return frozenset(str(row[1]) for row in rows)
