"""SQL over an image: SQLite reads its pages through a VFS that has no way to write, lock or open another file."""

from __future__ import annotations

from os import pread
from typing import TYPE_CHECKING

import apsw
from msgspec import Struct

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.storage.sqlite.vfs import ReadOnlyFile, registered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.storage.sqlite.image import Image
    from gatewaydoctor.storage.sqlite.pages import Value

CACHE_KIB = 2_000

READ_FAILURES = (apsw.Error, OSError, ValueError, MemoryError)
"""What running a statement over an untrusted file may raise."""


class _ImageFile(ReadOnlyFile):
    """An image as one settled file in rollback mode, so that SQLite asks for no log."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._whole = image.page_size
        self._read = image.read
        self._in_log = image.in_log
        self._plain, self._logged = image.plain, image.logged

    def xRead(self, amount: int, offset: int) -> bytes:
        # A check of a large database calls this once a page: a whole page is one read of one file.
        if amount == self._whole and offset:
            at = self._in_log(offset // amount + 1)
            file, at = (self._plain, offset) if at is None else (self._logged, at)
            if file is not None and len(data := pread(file, amount, at)) == amount:
                return data
        if offset < 100:
            head = self._read(0, offset + amount)
            return (head[:18] + b"\1\1" + head[20:])[offset:] if head[19:20] == b"\2" else head[offset:]
        return self._read(offset, amount)

    def xFileSize(self) -> int:
        return self._image.size

    def xDeviceCharacteristics(self) -> int:
        return 0


class Rows:
    """An iterator over the rows of one statement. It ends early where the database cannot be read further; then
    `fault` says why. Text that is not UTF-8 is such a place: ask for CAST(column AS BLOB) where it may be."""

    def __init__(self, path: Path, cursor: apsw.Cursor | None, fault: DatabaseFault | None = None) -> None:
        self.fault = fault
        self._path = path
        self._cursor = cursor

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return self

    def __next__(self) -> tuple[Value, ...]:
        if self._cursor is None:
            raise StopIteration
        try:
            return next(self._cursor)
        except StopIteration:
            self._cursor = None
            raise
        except READ_FAILURES as error:
            self._cursor, self.fault = None, fault_of(self._path, error)
            raise StopIteration from None


class Sql:
    """One connection over one image, made on the first statement."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._connection: apsw.Connection | None = None

    def rows(self, statement: str, values: Sequence[Value] = ()) -> Rows:
        path = self._image.path
        try:
            return Rows(path, self._connected().execute(statement, tuple(values)))
        except READ_FAILURES as error:
            return Rows(path, None, fault_of(path, error))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close(force=True)
            self._connection = None

    def _connected(self) -> apsw.Connection:
        if self._connection is None:
            with registered(lambda _: _ImageFile(self._image), checks=True) as vfs:
                connection = apsw.Connection(vfs.path, vfs=vfs.name, flags=apsw.SQLITE_OPEN_READWRITE)
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
            for setting in (
                "query_only = ON",
                "temp_store = MEMORY",
                f"cache_size = -{CACHE_KIB}",
                "cell_size_check = 1",
            ):
                connection.execute(f"PRAGMA {setting}")
            self._connection = connection
        return self._connection


def fault_of(path: Path, error: BaseException) -> DatabaseFault:
    """What an exception of SQLite or the system says about a database."""
    text = str(error) or type(error).__name__
    match error:
        case apsw.NotADBError():
            return DatabaseFault(DatabaseFaultKind.NOT_A_DATABASE, path, "SQLite does not accept it as a database")
        case apsw.CorruptError() if "malformed database schema" in text:
            return DatabaseFault(
                DatabaseFaultKind.SCHEMA, path, f"its tables are not described soundly: {_told(text)}"
            )
        case apsw.CorruptError():
            return DatabaseFault(DatabaseFaultKind.DAMAGED, path, "its pages are damaged")
        case apsw.SQLError():
            return DatabaseFault(DatabaseFaultKind.QUERY, path, f"it has another layout: {_told(text)}")
        case UnicodeError():
            return DatabaseFault(DatabaseFaultKind.DAMAGED, path, "a text in it is not UTF-8")
        case OSError():
            return DatabaseFault(DatabaseFaultKind.UNREADABLE, path, error.strerror or text)
        case _:
            return DatabaseFault(DatabaseFaultKind.DAMAGED, path, f"SQLite cannot read it: {_told(text)}")


def _told(text: str) -> str:
    """A message of SQLite without its own prefix."""
    return text.partition(": ")[2] if text.startswith(("SQLError:", "CorruptError:")) else text


class Column(Struct, frozen=True):
    """A column of a table: its declared type in capitals, and whether it must have a value. `is_rowid`: its value is
    the row id, which the record itself does not hold."""

    name: str
    kind: str
    required: bool
    is_rowid: bool


def fits(row: Sequence[Value], columns: Sequence[Column]) -> bool:
    """Whether the values of a record have the number and the types of these columns."""
    if len(row) != len(columns) or len(columns) < 2:
        return False
    return not any(map(_lacks, row, columns)) and all(
        value is None or isinstance(value, _KINDS.get(column.kind, (str, int, float, bytes)))
        for value, column in zip(row, columns, strict=True)
    )


def may_have(row: Sequence[Value], columns: Sequence[Column]) -> bool:
    """Whether a table of these columns can hold the record: one of before a column was added is shorter, and only a
    text column turns what is put into it into its type."""
    return len(row) <= len(columns) and not any(
        _lacks(value, column) or (column.kind == "TEXT" and isinstance(value, int | float))
        for value, column in zip(row, columns, strict=False)
    )


def _lacks(value: Value, column: Column) -> bool:
    return value is None and column.required and not column.is_rowid


_KINDS: dict[str, tuple[type, ...]] = {
    "TEXT": (str,),
    "INTEGER": (int,),
    "INT": (int,),
    "BLOB": (bytes,),
    "REAL": (float, int),
}


def columns_of(statement: str) -> tuple[str, ...]:
    """The column names of a CREATE TABLE statement; empty where it is none."""
    return tuple(column.name for column in declared(statement))


def declared(statement: str) -> tuple[Column, ...]:
    """The columns of a CREATE TABLE statement that its records hold, in the order of these: columns that are computed
    when they are read are not stored, and a table WITHOUT ROWID begins with its key. None where it is no such
    statement. It is tried in a database in memory that can do nothing else."""
    connection = apsw.Connection(":memory:")
    connection.authorizer = _only_a_table
    try:
        connection.execute(statement)
        connection.authorizer = None
        rows = list(
            connection.execute(
                'SELECT t.name, upper(t.type), t."notnull", t.pk > 0 AND i.name IS NULL '
                "FROM sqlite_master m, pragma_table_list(m.name) l, pragma_table_xinfo(m.name) t "
                "LEFT JOIN pragma_index_list(m.name) i ON i.origin = 'pk' "
                "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND t.hidden <> 2 "
                "ORDER BY l.wr AND t.pk = 0, l.wr * t.pk, t.cid"
            )
        )
    except READ_FAILURES:
        return ()
    finally:
        connection.close()
    return tuple(
        Column(str(name), str(kind), bool(required), is_rowid=bool(key)) for name, kind, required, key in rows
    )


def index_columns(table: str, index: str) -> tuple[str, ...]:
    """The columns of an index, by the statements that make it and its table; empty where they do not."""
    connection = apsw.Connection(":memory:")
    connection.authorizer = _only_a_table
    try:
        connection.execute(table)
        connection.execute(index)
        connection.authorizer = None
        found = connection.execute(
            "SELECT c.name FROM sqlite_master m, pragma_index_info(m.name) c "
            "WHERE m.type = 'index' AND m.sql NOT NULL"
        )
        return tuple("" if name is None else str(name) for (name,) in found)
    except READ_FAILURES:
        return ()
    finally:
        connection.close()


def _only_a_table(action: int, first: str | None, second: str | None, database: str | None, cause: str | None) -> int:
    allowed = (
        apsw.SQLITE_CREATE_TABLE,
        apsw.SQLITE_INSERT,
        apsw.SQLITE_UPDATE,
        apsw.SQLITE_READ,
        apsw.SQLITE_FUNCTION,
    )
    return apsw.SQLITE_OK if action in (*allowed, apsw.SQLITE_CREATE_INDEX, apsw.SQLITE_REINDEX) else apsw.SQLITE_DENY
