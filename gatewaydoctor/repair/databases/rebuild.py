"""A new database made of the rows that can be read of a damaged one.

Rows keep their values as they are. What refers to a session row or window that is lost gets one again. Tables the
gateway derives are left to it.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.examine.databases.inventory import EVENTS, NODES, WINDOWS, is_session, is_window, take_inventory
from gatewaydoctor.examine.databases.setaside import open_source
from gatewaydoctor.repair.databases.columns import further_columns, places_of
from gatewaydoctor.repair.databases.edits import drop_orphans
from gatewaydoctor.repair.databases.owners import Owners
from gatewaydoctor.repair.databases.sessions import numbered, quoted, tables_of
from gatewaydoctor.repair.databases.tables import (
    MADE_AGAIN,
    definitions,
    further,
    is_carried,
    is_described,
    is_of_memory,
    is_search,
    only_definitions,
)
from gatewaydoctor.repair.writing.errors import InputChanged

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.model.repair.edits import Rebuild
    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.opened import SchemaItem
    from gatewaydoctor.storage.sqlite.pages import Value
    from gatewaydoctor.system.fs import ReadFs

_IDENTITIES = "transcript_event_identities"
_SEQUENCES = "sqlite_sequence"
_NODE = ("session_key", "current_session_id", "entry_json", "updated_at")
"""The columns without which a row is no session."""
_WINDOW = ("session_id", "session_key")
_OF_ANOTHER = re.compile(r"""[,(]content=['"`\[]?\w""", re.IGNORECASE)
"""In the definition of a search table, without spaces, whose texts another table holds."""
_ROUNDS = 20
"""How often rows that refer to nothing are looked for: a chain of foreign keys is not longer."""


def rebuild(fs: ReadFs, target: Path, sources: Sequence[Path], edit: Rebuild, new: Path) -> None:
    """Write the new database to `new`. Raises InputChanged where less can be read than was planned, apsw.Error and
    OSError."""
    with ExitStack() as stack:
        own = open_source(fs, target)
        opened = [open_source(fs, path) for path in sources]
        for each in (own, *opened):
            if each is not None:
                stack.enter_context(each)
        chosen = own if edit.schema is None else opened[edit.schema]
        if chosen is None:
            raise InputChanged(f"{target} is gone.", "Make a new plan and apply that.")
        if own is not None and edit.schema is not None and not is_described(own):
            own.lend(chosen.schema)
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOFOLLOW
        connection = apsw.Connection(os.fspath(new), flags=flags)
        stack.callback(connection.close)
        builder = _Builder(connection, edit, chosen.page_size, chosen.schema)
        for name, value in zip(("auto_vacuum", "application_id"), (own or chosen).settings, strict=True):
            connection.execute(f"PRAGMA {name} = {value}")
        builder.build(own, opened)


def counted(own: Rescue) -> dict[str, int]:
    """Rows that can be decoded, by table, of the tables that are carried over; those without any are left out."""
    tables = (name for name in own.tables if is_carried(name, own.schema))
    counts = {name: sum(1 for _ in own.records(name)) for name in tables}
    return {name: count for name, count in counts.items() if count}


def refused(own: Rescue, edit: Rebuild, chosen: Sequence[SchemaItem]) -> dict[str, int]:
    """Rows that can be decoded and that a constraint of the chosen schema refuses, by table. Each is tried in a
    database in memory that holds no other."""
    connection = apsw.Connection(":memory:")
    try:
        return _Trial(connection, edit, own.page_size, chosen).refused_of(own)
    except (apsw.Error, ValueError):
        return {}  # what the schema is not good for is told elsewhere
    finally:
        connection.close()


def losses(own: Rescue, rows: Mapping[str, int]) -> tuple[dict[str, int], tuple[str, ...], tuple[str, ...]]:
    """Rows that a table's key index lists and that cannot be read, by table; tables that lost pages and have no
    such index, or a damaged one; and tables with a page of another among their own."""
    missing: dict[str, int] = {}
    unknown: list[str] = []
    carried = [table for table in own.tables if is_carried(table, own.schema)]
    for table in carried:
        listed = own.index_keys(table)
        if listed is not None and len(listed) > rows.get(table, 0):
            missing[table] = len(listed) - rows.get(table, 0)
        elif listed is None and own.damaged(table):
            unknown.append(table)
    return missing, tuple(unknown), tuple(filter(own.misplaced, carried))


class _Builder:
    def __init__(
        self, connection: apsw.Connection, edit: Rebuild, page_size: int, schema: Sequence[SchemaItem]
    ) -> None:
        self.edit = edit
        self.owners = Owners(connection, edit.agent_id)
        self.connection = connection
        self.schema = schema
        for setting in (
            f"page_size = {page_size}",
            "journal_mode = OFF",
            "synchronous = OFF",
            "temp_store = MEMORY",
            "cache_size = -2000",
        ):
            connection.execute(f"PRAGMA {setting}")

    def build(self, own: Rescue | None, sources: Sequence[Rescue | None]) -> None:
        self._make_tables(own)
        self._define("index", unique=True)
        # Rows of memory get into its search index by these alone; other triggers would answer to what is filled in.
        self._define_triggers(of_memory=True)
        self.connection.authorizer = None
        self.connection.execute("BEGIN IMMEDIATE")
        if own is not None:
            if counted(own) != dict(self.edit.rows):
                raise InputChanged(f"{own.path.name} does not read as it was planned.", "Make a new plan.")
            for table in own.tables:
                if is_carried(table, self.schema):
                    self._fill(own, table)
            self._fill_words(own)
        tables = tables_of(self.connection)
        for brought in self.edit.brought:
            source = sources[brought.source]
            assert source is not None
            self._bring(source, frozenset(brought.keys))
        if NODES in tables and own is not None:
            self._own_again(own)
        if _SEQUENCES in tables:
            # SQLite counts what is filled in by itself: of two numbers of a table the higher one stays.
            last = f"SELECT rowid, max(seq) FROM {_SEQUENCES} GROUP BY name"
            self.connection.execute(f"DELETE FROM {_SEQUENCES} WHERE rowid NOT IN (SELECT rowid FROM ({last}))")
        self._record()
        self.connection.execute("COMMIT")
        drop_orphans(self.connection, _ROUNDS)
        self._derive(tables)
        self.connection.authorizer = only_definitions
        self._define("index", unique=False)
        self._define_triggers(of_memory=False)
        self.connection.authorizer = None
        self.connection.execute(f"PRAGMA user_version = {int(self.edit.version)}")

    def _make_tables(self, own: Rescue | None) -> None:
        """The tables of the chosen schema, with the tables and columns that only the damaged one has."""
        self.connection.authorizer = only_definitions
        if own is not None:
            self.schema = (*self.schema, *further(own.schema, self.schema))
        self._define("table")
        for table, columns in (further_columns(own, self.schema, self.edit) if own is not None else {}).items():
            for column in columns:
                self.connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {column}")

    def _define(self, kind: str, *, unique: bool | None = None) -> None:
        for sql in definitions(self.schema, kind):
            if unique is None or ("UNIQUE" in sql.upper().split("ON", 1)[0]) == unique:
                self.connection.execute(sql)

    def _define_triggers(self, *, of_memory: bool) -> None:
        for sql in definitions([item for item in self.schema if is_of_memory(item) == of_memory], "trigger"):
            self.connection.execute(sql)

    # Rows

    def _fill(self, source: Rescue, table: str, keep: Container[Value] | None = None, column: str = "") -> None:
        """Rows of a table that are not there yet; with `keep` those whose `column` is among them."""
        if table not in tables_of(self.connection):
            return
        into = [str(row[1]) for row in self.connection.execute(f"PRAGMA table_info({quoted(table)})")]
        found = places_of(source.columns(table), into)
        rowid = numbered(self.connection, table)
        if not found or (keep is not None and column not in found):
            return
        known, places = list(found), list(found.values())
        columns = ", ".join(map(quoted, known))
        test = found[column] if keep is not None else -1
        for record in source.records(table):
            values = record.values
            if keep is not None and (test >= len(values) or values[test] not in keep):
                continue
            # A column that was added later is not in the records of before: it has its default.
            row = [values[at] if at < len(values) else None for at in places]
            node = dict(zip(known, row, strict=True)) if table == NODES else None
            if node is not None and not is_session(*(node.get(name) for name in _NODE)):
                # Only its key is left: nothing that a start could load.
                continue
            if table == WINDOWS and not is_window(*map(dict(zip(known, row, strict=True)).get, _WINDOW)):
                continue  # its events get a window of their own
            short = [name for name, at in zip(known, places, strict=True) if at >= len(values)]
            if rowid is not None and rowid in known:
                row[known.index(rowid)] = record.rowid
            if short:
                pairs = [(name, value) for name, value in zip(known, row, strict=True) if name not in short]
                self._insert(table, ", ".join(quoted(name) for name, _ in pairs), [value for _, value in pairs])
            else:
                self._insert(table, columns, row)
            if node is not None:
                self._node_at_least(node)

    def _fill_words(self, own: Rescue) -> None:
        """Search tables that hold their texts themselves, and that nothing makes again."""
        for item in filter(is_search, self.schema):
            if item.name in MADE_AGAIN or f"{item.name}_content" not in own.tables:
                continue
            names = [str(row[1]) for row in self.connection.execute(f"PRAGMA table_info({quoted(item.name)})")]
            columns = ", ".join(("rowid", *map(quoted, names)))
            for record in own.records(f"{item.name}_content"):
                row = [record.rowid, *record.values[1 : len(names) + 1]]
                self._insert(item.name, columns, row + [None] * (len(names) + 1 - len(row)))

    def _insert(self, table: str, columns: str, row: Sequence[Value]) -> None:
        marks = ", ".join("?" if _bindable(value) else "CAST(? AS TEXT)" for value in row)
        bound = [value if _bindable(value) else str(value).encode(errors="surrogateescape") for value in row]
        try:
            self.connection.execute(f"INSERT OR IGNORE INTO {quoted(table)} ({columns}) VALUES ({marks})", bound)
        except (apsw.ConstraintError, apsw.MismatchError):
            # A value of a type that the column does not have: damage that still decodes.
            return

    def _node_at_least(self, row: dict[str, Value]) -> None:
        """A session whose other columns are damaged keeps its key, session, entry and time."""
        values = [row.get(name) for name in _NODE]
        if not self._has(NODES, "session_key", values[0]):
            self._insert(NODES, ", ".join(_NODE), values)

    def _bring(self, source: Rescue, keys: frozenset[Value]) -> None:
        """Sessions of another database: rows, windows and events; none that are here already."""
        self._fill(source, NODES, keys, "session_key")
        sessions: set[Value] = {
            session_id
            for session_id, key in source.rows(WINDOWS, ("session_id", "session_key"))
            if key in keys and not self._has(WINDOWS, "session_id", session_id)
        }
        self._fill(source, WINDOWS, sessions, "session_id")
        without = {each for each in sessions if not self._has(EVENTS, "session_id", each)}
        self._fill(source, EVENTS, without, "session_id")

    def _has(self, table: str, column: str, value: Value) -> bool:
        found = self.connection.execute(f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", (value,)).fetchone()
        return found is not None

    # What the rows need of each other

    def _own_again(self, own: Rescue) -> None:
        inventory = take_inventory(own)
        for session_id, window in inventory.windows.items():
            if not self._has(WINDOWS, "session_id", session_id):
                self.owners.window(window.key, session_id, window.at or self._last_event(session_id), None)
        for key, session_id in inventory.remade.items():
            if not self._has(NODES, "session_key", key):
                self.owners.node_of_window(key, session_id)
        self.owners.windows_of_nodes(only_with_events=False)
        self.owners.unowned()
        self.connection.execute(f"UPDATE {NODES} SET entry_valid = 1 WHERE entry_valid = 0")

    def _last_event(self, session_id: str) -> int:
        """When the last event of a session was written (epoch ms); 0 without any."""
        statement = f"SELECT max(created_at) FROM {EVENTS} WHERE session_id = ?"
        found = self.connection.execute(statement, (session_id,)).fetchone()
        return found[0] if found and isinstance(found[0], int) else 0

    # What the gateway looks for

    def _record(self) -> None:
        """Whose it is and of which version, where those rows are lost."""
        tables = tables_of(self.connection)
        if "schema_meta" in tables and not self._has("schema_meta", "meta_key", "primary"):
            self.owners.record(self.edit.version)
        if "session_key_contract" in tables:
            self.connection.execute(
                "INSERT OR IGNORE INTO session_key_contract (id, main_key, updated_at) VALUES (1, ?, 0)",
                (self.edit.main_key,),
            )
        if "memory_index_state" in tables:
            self.connection.execute("INSERT OR IGNORE INTO memory_index_state (id, revision) VALUES (1, 0)")

    def _derive(self, tables: frozenset[str]) -> None:
        if _IDENTITIES in tables:
            self.connection.execute(
                f"INSERT OR IGNORE INTO {_IDENTITIES} (session_id, event_id, seq, event_type, parent_id, created_at) "
                "SELECT session_id, json_extract(event_json, '$.id'), seq, json_extract(event_json, '$.type'), "
                "json_extract(event_json, '$.parentId'), created_at FROM transcript_events "
                "WHERE json_valid(event_json) AND json_type(event_json, '$.id') = 'text' "
                "AND coalesce(json_type(event_json, '$.parentId'), 'null') IN ('text', 'null')"
            )
        if "session_canonical_validation_pending" in tables:
            self.connection.execute(
                "INSERT OR IGNORE INTO session_canonical_validation_pending (session_key) "
                "SELECT session_key FROM session_nodes"
            )
        for item in self.schema:
            words = "".join((item.sql or "").split())
            if item.kind == "table" and is_search(item) and _OF_ANOTHER.search(words):
                self.connection.execute(f"INSERT INTO {quoted(item.name)} ({quoted(item.name)}) VALUES ('rebuild')")


class _Trial(_Builder):
    """Takes one row after the other, and none stays."""

    def refused_of(self, own: Rescue) -> dict[str, int]:
        self.found: dict[str, int] = {}
        self.refused = False
        self._make_tables(own)
        self.connection.authorizer = None
        for table in own.tables:
            if is_carried(table, self.schema):
                self._fill(own, table)
        return {table: count for table, count in self.found.items() if count}

    def _insert(self, table: str, columns: str, row: Sequence[Value]) -> None:
        before = self.connection.total_changes()
        super()._insert(table, columns, row)
        self.refused = self.connection.total_changes() == before
        self.found[table] = self.found.get(table, 0) + self.refused
        if not self.refused:
            self.connection.execute(f"DELETE FROM {quoted(table)}")

    def _node_at_least(self, row: dict[str, Value]) -> None:
        """A row that is refused as it is counts once, and only where what is sound of it is refused too."""
        if self.refused:
            self._insert(NODES, ", ".join(_NODE), [row.get(name) for name in _NODE])
            self.found[NODES] -= 1


def _bindable(value: Value) -> bool:
    if not isinstance(value, str):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
