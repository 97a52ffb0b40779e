"""SELECTs that take a database of any release: a column or table that is not there reads as NULL, or as no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.model.database.reading import DatabaseFault
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.storage.sqlite.pages import Value

Row = tuple["Value", ...]


class Tables:
    """Reads the tables of one database one after the other and keeps why one could not be read to its end."""

    def __init__(self, database: Opened) -> None:
        self.database = database
        self.faults: list[tuple[str, DatabaseFault]] = []

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table is there, with all these columns."""
        return table in self.database.tables and set(columns) <= set(self.database.columns(table))

    def rows(
        self, table: str, columns: Sequence[str], *, rest: str = "", values: Sequence[Value] = ()
    ) -> Iterator[Row]:
        """These columns of each row. `rest` follows the table's name in the statement (WHERE, ORDER BY, LIMIT)."""
        if table not in self.database.tables:
            return
        there = set(self.database.columns(table))
        wanted = ", ".join(f'"{name}"' if name in there else "NULL" for name in columns)
        rows = self.database.rows(f'SELECT {wanted} FROM "{table}" {rest}', values)
        yield from rows
        self._note(table, rows.fault)

    def ask(self, table: str, statement: str, values: Sequence[Value] = ()) -> Iterator[Row]:
        """The rows of a whole statement about a table, none where it is not there."""
        if table not in self.database.tables:
            return
        rows = self.database.rows(statement, values)
        yield from rows
        self._note(table, rows.fault)

    def _note(self, table: str, fault: DatabaseFault | None) -> None:
        if fault is not None:
            self.faults.append((table, fault))


def integer(value: Value) -> int | None:
    """A column that should hold a whole number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def text(value: Value) -> str | None:
    """A column that should hold text."""
    return value if isinstance(value, str) else None
