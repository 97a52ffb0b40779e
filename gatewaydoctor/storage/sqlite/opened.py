"""open_database(): a database as SQLite would read it at this moment, without a trace of having been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from gatewaydoctor.model.database.reading import DatabaseBytes, DatabaseFault, DatabaseFaultKind, TableBytes
from gatewaydoctor.storage.sqlite.image import Image, take_image
from gatewaydoctor.storage.sqlite.pages import PageReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from gatewaydoctor.model.database.reading import JournalFacts, LogFacts
    from gatewaydoctor.model.gateway.era import SqliteHeader
    from gatewaydoctor.storage.sqlite.pages import Value
    from gatewaydoctor.storage.sqlite.sql import Rows, Sql
    from gatewaydoctor.system.fs import ReadFs

T = TypeVar("T")

_ATTEMPTS = 3
_SCHEMA_ROOT = 1


class SchemaItem(Struct, frozen=True):
    """A row of the schema: `kind` is table, index, trigger or view; `root` its first page, 0 without pages; `sql`
    None for an index that a constraint made."""

    kind: str
    name: str
    table: str
    root: int
    sql: str | None


class Opened:
    """One database at one moment. Close it, or use it as a context manager. No method raises for what the database
    holds."""

    def __init__(self, fs: ReadFs, image: Image) -> None:
        self.path: Path = image.path
        self._fs = fs
        self._image = image
        self._sql: Sql | None = None
        self._schema: tuple[SchemaItem, ...] | None = None
        self._tables: Mapping[str, SchemaItem] | None = None
        self._columns: dict[str, tuple[str, ...]] = {}

    @property
    def header(self) -> SqliteHeader:
        """The header with the log laid over."""
        assert self._image.header is not None  # take_image() gives a DatabaseFault where there is none
        return self._image.header

    @property
    def user_version(self) -> int:
        """The schema version."""
        return self.header.user_version

    @property
    def log(self) -> LogFacts | None:
        """What of the -wal counts; None without one."""
        return self._image.log

    @property
    def journal(self) -> JournalFacts | None:
        """The rollback journal; None without one."""
        return self._image.journal

    @property
    def page_size(self) -> int:
        return self._image.page_size

    @property
    def bytes_in_use(self) -> int:
        """Bytes of the pages that hold something."""
        return (self._image.pages - self._image.freelist) * self._image.page_size

    @property
    def bytes_free(self) -> int:
        """Bytes of the pages that hold nothing."""
        return self._image.freelist * self._image.page_size

    @property
    def pages(self) -> PageReader:
        """A reader of its pages, with a tally of damage of its own."""
        return PageReader(self._image)

    @property
    def schema(self) -> tuple[SchemaItem, ...]:
        """Every row of the schema that can be had, also where SQLite cannot parse it: read from pages."""
        if self._schema is None:
            reader = self.pages
            found = (schema_item(values) for _, values in reader.rows(_SCHEMA_ROOT))
            self._schema = tuple(item for item in found if item)
        return self._schema

    @property
    def tables(self) -> Mapping[str, SchemaItem]:
        """Real tables by name; views and virtual tables are none."""
        if self._tables is None:
            self._tables = {item.name: item for item in self.schema if item.kind == "table" and item.root > 0}
        return self._tables

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of a table's columns in order, also where other parts of the schema cannot be parsed; empty where
        there is no such table."""
        if table not in self._columns:
            item = self.tables.get(table)
            self._columns[table] = self._named_columns(item) if item else ()
        return self._columns[table]

    def rows(self, statement: str, values: Sequence[Value] = ()) -> Rows:
        """The rows of a SELECT as a stream; `Rows.fault` is set where it ended early."""
        if self._sql is None:
            from gatewaydoctor.storage.sqlite.sql import Sql  # brings in apsw

            self._sql = Sql(self._image)
        return self._sql.rows(statement, values)

    def all(self, statement: str, values: Sequence[Value] = ()) -> tuple[tuple[Value, ...], ...] | DatabaseFault:
        """All rows of a SELECT that has few, or why they were not all read."""
        rows = self.rows(statement, values)
        found = tuple(rows)
        return rows.fault or found

    def bytes_by_table(self) -> DatabaseBytes:
        """Where the bytes are, from interior and leaf pages alone. Raises OSError where the file fails."""
        image = self._image
        by_table: dict[str, TableBytes] = {}
        for item in sorted(self.schema, key=lambda item: item.kind != "table"):
            if item.root <= 0:
                continue
            size = self.pages.size(item.root)
            taken = size.pages * image.page_size
            known = by_table.get(item.table)
            if item.kind == "table" or known is None:
                rows, payload = (size.rows, size.payload) if item.kind == "table" else (0, 0)
                own = (taken, 0) if item.kind == "table" else (0, taken)
                by_table[item.table] = TableBytes(item.table, rows, *own, payload, size.faults)
            else:
                by_table[item.table] = TableBytes(
                    known.name,
                    known.rows,
                    known.bytes,
                    known.index_bytes + taken,
                    known.payload,
                    known.faults + size.faults,
                )
        return DatabaseBytes(
            main=image.main_bytes,
            wal=image.log.bytes if image.log else 0,
            shm=self._size("-shm"),
            journal=image.journal.bytes if image.journal else 0,
            page_size=image.page_size,
            live=image.pages * image.page_size,
            freelist=image.freelist * image.page_size,
            tables=tuple(sorted(by_table.values(), key=lambda table: (-table.total, table.name))),
        )

    def moved(self) -> bool:
        """Whether a running gateway may have written over what was read since it was opened: then read again."""
        try:
            return self._image.moved()
        except OSError:
            return True

    def close(self) -> None:
        if self._sql is not None:
            self._sql.close()
        self._image.close()

    def __enter__(self) -> Opened:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _named_columns(self, item: SchemaItem) -> tuple[str, ...]:
        rows = self.rows("SELECT name FROM pragma_table_info(?)", (item.name,))
        found = tuple(str(name) for (name,) in rows)
        if found or item.sql is None:
            return found
        from gatewaydoctor.storage.sqlite.sql import columns_of

        return columns_of(item.sql)

    def _size(self, suffix: str) -> int:
        try:
            return self._fs.stat(self.path.with_name(self.path.name + suffix)).size
        except OSError:
            return 0


def open_database(fs: ReadFs, path: Path, *, verify: bool = False, with_log: bool = True) -> Opened | DatabaseFault:
    """The database at this path with its log or hot journal taken into account, or why it cannot be read. `verify`
    compares all checksums of a log of any size; `with_log=False` reads the main file alone, as it is.
    Nothing is raised."""
    match take_image(fs, path, verify=verify, with_log=with_log):
        case DatabaseFault() as fault:
            return fault
        case image:
            return Opened(fs, image)


def read_database_once(
    fs: ReadFs, path: Path, read: Callable[[Opened], T], *, verify: bool = False
) -> T | DatabaseFault:
    """What `read` makes of the database at one moment. It is called again where a running gateway wrote over what was
    being read, and gives a fault (CHANGED) after some attempts. An OSError of `read` becomes a fault too."""
    for _ in range(_ATTEMPTS):
        match open_database(fs, path, verify=verify):
            case DatabaseFault() as fault:
                return fault
            case database:
                with database:
                    try:
                        found = read(database)
                    except OSError as error:
                        return DatabaseFault(
                            DatabaseFaultKind.UNREADABLE, path, error.strerror or type(error).__name__
                        )
                    if not database.moved():
                        return found
    return DatabaseFault(
        DatabaseFaultKind.CHANGED, path, f"it changed during each of {_ATTEMPTS} attempts to read it; scan again"
    )


def schema_item(values: list[Value]) -> SchemaItem | None:
    """A row of the schema table; None where it is none."""
    match values[:5]:
        case [str(kind), str(name), str(table), root, sql]:
            first = root if isinstance(root, int) else 0
            return SchemaItem(kind, name, table, first, sql if isinstance(sql, str) else None)
        case _:
            return None


def header_of_log(fs: ReadFs, path: Path) -> tuple[bytes, LogFacts] | None:
    """The header that the -wal of this database had, where its own is damaged and its frames tell it, and what counts
    of the log then."""
    from gatewaydoctor.storage.sqlite.log import with_lost_header
    from gatewaydoctor.storage.sqlite.raw import RawFile

    match open_database(fs, path, with_log=False):
        case DatabaseFault():
            return None
        case database:
            with database:
                page_size = database.header.page_size
    try:
        file = RawFile.open(fs, path.with_name(f"{path.name}-wal"))
    except OSError:
        return None
    try:
        return with_lost_header(file, page_size)
    except OSError:
        return None
    finally:
        file.close()
