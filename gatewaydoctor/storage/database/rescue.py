"""Rows of a database whose pages do not hold together, with the committed log laid over.

The schema is read from wherever its pages still are. A leaf that no tree reaches any more belongs to the table whose
root its pointer-map entries lead to (sqlite.org/fileformat2.html section 1.8); in a database without a pointer map
it belongs to the one table that all its rows fit. Pages of the freelist hold deleted rows and are not read.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.storage.sqlite.header import HEADER_BYTES, parse_header
from gatewaydoctor.storage.sqlite.headless import Headless
from gatewaydoctor.storage.sqlite.image import Image, take_image
from gatewaydoctor.storage.sqlite.opened import SchemaItem, schema_item
from gatewaydoctor.storage.sqlite.pages import TABLE_LEAF, PageReader
from gatewaydoctor.storage.sqlite.raw import RawFile
from gatewaydoctor.storage.sqlite.sql import Column, columns_of, declared, fits, index_columns, may_have

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.storage.sqlite.pages import PageSource, Record, Value
    from gatewaydoctor.system.fs import ReadFs

_ROOT, _FREE, _BELOW = 1, 2, 5
"""Kinds of pointer-map entries."""
_DEPTH = 20
_LOCK_BYTE = 1 << 30
_SCHEMA_ROOT = 1
_SAMPLE = 200
"""How many rows of a tree have to fit a table."""


class _Tracking(PageReader):
    """Notes which pages its trees reach."""

    def __init__(self, image: PageSource) -> None:
        super().__init__(image)
        self.reached = bytearray(image.pages + 1)

    def tree(self, root: int) -> Iterator[tuple[int, int, bytes]]:
        for number, kind, page in super().tree(root):
            self.reached[number] = 1
            yield number, kind, page


class Rescue:
    """What can be read of one database file. Close it, or use it as a context manager. Raises OSError only."""

    def __init__(self, path: Path, image: Image | Headless) -> None:
        self.path = path
        self._image = image
        self._head = image.page(1)[:HEADER_BYTES]
        self._sound = parse_header(self._head)[0] is not None
        self._mapped = self._has_map()
        self._columns: dict[str, tuple[str, ...]] = {}
        self._lent: tuple[SchemaItem, ...] = ()

    def __enter__(self) -> Rescue:
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()

    def close(self) -> None:
        self._image.close()

    @property
    def page_size(self) -> int:
        return self._image.page_size

    @property
    def settings(self) -> tuple[int, int]:
        """Its auto_vacuum and application_id; those of the gateway where its header is gone."""
        vacuum = 1 + any(self._head[64:68]) if any(self._head[52:56]) else 0
        return (vacuum, int.from_bytes(self._head[68:72], signed=True)) if self._sound else (2, 0)

    @property
    def version(self) -> int | None:
        """The schema version in its header; None where that is gone."""
        number = int.from_bytes(self._head[60:64])
        return number if self._sound else None

    @cached_property
    def schema_whole(self) -> bool:
        """Whether no page with rows of the schema is missing. Its first page may be, where the others hold them."""
        reader = PageReader(self._image)
        rows = [record.values for record in reader.records(_SCHEMA_ROOT)]
        if not all(map(_describes, rows)):
            return False  # a page of something else is in its place
        if rows and reader.damaged == 0:
            return True
        below = [n for n in range(3, self._image.pages + 1) if self._entry(n) == (_BELOW, _SCHEMA_ROOT)]
        reader = PageReader(self._image)
        leaves = all(self._image.page(number)[0] == TABLE_LEAF for number in below)
        found = sum(1 for number in below for _ in reader.decoded(reader.leaf(number))) if leaves else 0
        return found > 0 and reader.damaged == 0

    @cached_property
    def schema(self) -> tuple[SchemaItem, ...]:
        """Every row of the schema that is left, each name once; without any what lent ones tell."""
        return tuple(sorted((*self._own_schema, *self._told_by_shape()), key=lambda item: item.root))

    @cached_property
    def _own_schema(self) -> list[SchemaItem]:
        reader = PageReader(self._image)
        rows = [record.values for record in reader.records(_SCHEMA_ROOT)]
        if reader.damaged:
            rows += self._scattered_schema()
        return list({item.name: item for values in reversed(rows) if (item := schema_item(values))}.values())

    def lend(self, schema: Sequence[SchemaItem]) -> None:
        """The schema of another database of the same version, for one whose own is damaged. A table that its own does
        not describe any more is the one tree whose rows fit it; without a pointer map no tree is found."""
        self._lent = tuple(schema)
        self._columns.clear()
        for name in ("schema", "tables", "unplaced", "_leaves", "_shapes"):
            self.__dict__.pop(name, None)

    @property
    def is_lent(self) -> bool:
        """Whether the schema is another database's in part."""
        return bool(self._lent)

    @property
    def _lacking(self) -> list[SchemaItem]:
        """Tables that are lent, and that its own schema does not describe."""
        known = {item.name for item in self._own_schema}
        return [each for each in self._lent if each.kind == "table" and each.root > 0 and each.name not in known]

    def _told_by_shape(self) -> list[SchemaItem]:
        shapes = {item.name: declared(item.sql) for item in self._lacking if item.sql}
        known = {item.root for item in self._own_schema}
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number in range(3, self._image.pages + 1) if shapes else ():
            if self._entry(number)[0] != _ROOT or number in known:
                continue
            rows = [each.values for each in islice(PageReader(self._image).records(number), _SAMPLE)]
            alike = [name for name, columns in shapes.items() if rows and all(fits(row, columns) for row in rows)]
            if len(alike) == 1:
                found[alike[0]].append(number)
        return [replace(item, root=found[item.name][0]) for item in self._lacking if len(found[item.name]) == 1]

    @property
    def untold(self) -> tuple[str, ...]:
        """Tables that no tree was told to be where rows of the schema are lost: empty ones, and those that are lost
        too."""
        return tuple(each.name for each in self._lacking if each.name not in self.tables)

    @property
    def _rooted(self) -> list[SchemaItem]:
        return [item for item in self.schema if item.kind == "table" and item.root > 0]

    @cached_property
    def tables(self) -> dict[str, SchemaItem]:
        """Real tables by name. One of which only leaves were found has no root (0)."""
        leaves = [replace(item, root=0) for item in self._lacking if item.name in self.strays]
        return {item.name: item for item in (*self._rooted, *leaves)}

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of a table's columns in order; empty where it is not known here."""
        if table not in self._columns:
            item = self.tables.get(table)
            known = columns_of(item.sql) if item and item.sql else ()
            lent = next((each.sql for each in self._lent if each.name == table and each.sql), None)
            known = known or (columns_of(lent) if item and lent else ())
            # SQLite makes this one by itself and takes no statement for it.
            self._columns[table] = known or (("name", "seq") if item and table == "sqlite_sequence" else ())
        return self._columns[table]

    def records(self, table: str, wanted: Sequence[str] | None = None) -> Iterator[Record]:
        """The rows of a table that can be decoded: those its tree reaches, then those of pages that lost it. Columns
        that are not `wanted` are None."""
        item = self.tables.get(table)
        if item is None:
            return
        names = self.columns(table)
        chosen = None if wanted is None else [names.index(name) for name in wanted if name in names]
        reader = PageReader(self._image)
        yield from reader.records(item.root, chosen)
        for number in self.strays.get(table, ()):
            yield from reader.decoded(reader.leaf(number), chosen)

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        """The wanted columns of each row; what a row or the table does not have is None."""
        names = self.columns(table)
        places = [names.index(name) if name in names else -1 for name in wanted]
        for record in self.records(table, wanted):
            values = record.values
            yield tuple(values[at] if 0 <= at < len(values) else None for at in places)

    def zeroed(self, table: str) -> int:
        """How many of its rows have zeros where something else was, as far as that can be seen."""
        item = self.tables.get(table)
        if item is None:
            return 0
        reader = PageReader(self._image)
        leaves = sum(reader.zeroed(reader.leaf(number)) for number in self.strays.get(table, ()))
        return reader.zeroed(reader.cells(item.root)) + leaves

    def damaged(self, table: str) -> bool:
        """Whether a page of the table is missing from its tree, or a row of it cannot be decoded."""
        item = self.tables.get(table)
        if item is None:
            return True
        reader = PageReader(self._image)
        for _ in reader.records(item.root):
            pass
        return reader.damaged > 0

    def misplaced(self, table: str) -> bool:
        """Whether a page of its tree is another's: no row, rows it cannot have, or numbers that do not rise. A page
        that fits by chance is not noticed."""
        item, columns = self.tables.get(table), self._shapes.get(table, ())
        reader, last = PageReader(self._image), None
        root = item.root if item else 0
        for number, kind, page in reader.tree(root):
            if kind == TABLE_LEAF and number != root and not any(page[3:5]):
                return True
            for row in reader.decoded(reader.leaf(number)) if kind == TABLE_LEAF else ():
                if (last is not None and row.rowid <= last) or (columns and not may_have(row.values, columns)):
                    return True
                last = row.rowid
        return False

    def index_keys(self, table: str) -> list[tuple[Value, ...]] | None:
        """What the table's own key index lists, without the row ids; None where that index is not whole either."""
        name = f"sqlite_autoindex_{table}_1"
        item = next((each for each in self.schema if each.name == name and each.root > 0), None)
        if item is None:
            return None
        reader = PageReader(self._image)
        found = [tuple(values[:-1]) for values in reader.keys(item.root)]
        return None if reader.damaged else found

    def index_rows(self, table: str, wanted: Sequence[str]) -> Iterator[tuple[Value, ...]]:
        """The wanted columns of rows as an index that has all of them lists them, whether the row is left or not."""
        own = self.tables.get(table)
        if own is None or own.sql is None:
            return
        for item in self.schema:
            if item.kind != "index" or item.table != table or item.root <= 0 or item.sql is None:
                continue
            names = index_columns(own.sql, item.sql)
            if not set(wanted) <= set(names):
                continue
            places = [names.index(name) for name in wanted]
            for values in PageReader(self._image).keys(item.root):
                if len(values) > max(places):
                    yield tuple(values[at] for at in places)

    @property
    def strays(self) -> dict[str, list[int]]:
        """Table -> numbers of leaves that belong to it and that no tree reaches."""
        return self._leaves[0]

    @cached_property
    def unplaced(self) -> int:
        """Rows on leaves that no tree reaches and that belong to no table known here."""
        reader = PageReader(self._image)
        rows = (each.values for number in self._leaves[1] for each in reader.decoded(reader.leaf(number)))
        return sum(not _describes(values) for values in rows)

    @cached_property
    def _leaves(self) -> tuple[dict[str, list[int]], list[int]]:
        """Leaves that no tree reaches: those of each table, and those of none."""
        reached = self._reached()
        by_root = {item.root: item.name for item in self._rooted}
        found: defaultdict[str, list[int]] = defaultdict(list)
        left: list[int] = []
        for number in self._lost_leaves(reached):
            root = self._root_of(number)
            table = by_root.get(root or 0) or (self._fitting(number) if root is None else None)
            if table is not None:
                found[table].append(number)
            elif root != 0:
                left.append(number)
        return dict(found), left

    def _reached(self) -> bytearray:
        reader = _Tracking(self._image)
        for root in (_SCHEMA_ROOT, *(item.root for item in self.schema if item.root > 0)):
            for _ in reader.tree(root):
                pass
        return reader.reached

    def _lost_leaves(self, reached: bytearray) -> Iterator[int]:
        free = self._freelist()
        for number in range(2, self._image.pages + 1):
            if not reached[number] and number not in free and self._image.page(number)[0] == TABLE_LEAF:
                yield number

    def _scattered_schema(self) -> Iterator[list[Value]]:
        """Rows of the schema on leaves that its tree does not reach."""
        reader = PageReader(self._image)
        for number in self._lost_leaves(bytearray(self._image.pages + 1)):
            if self._mapped and self._root_of(number) != _SCHEMA_ROOT:
                continue
            values = [record.values for record in reader.decoded(reader.leaf(number))]
            yield from (each for each in values if _describes(each))

    # The pointer map

    def _has_map(self) -> bool:
        if self._sound:
            return self._head[52:56] != bytes(4)
        page = self._image.page(2)
        kinds = page[: 5 * min(50, self._image.pages - 2) : 5]
        return bool(kinds) and all(1 <= kind <= _BELOW for kind in kinds)

    def _entry(self, number: int) -> tuple[int, int]:
        """Kind and parent of a page by the pointer map; (0, 0) where it tells nothing."""
        if not self._mapped or number < 3:
            return 0, 0
        span = self._image.usable // 5 + 1
        at = (number - 2) // span * span + 2
        if at == _LOCK_BYTE // self._image.page_size + 1:
            at += 1
        start = 5 * (number - at - 1)
        entry = self._image.page(at)[start : start + 5] if start >= 0 else b""
        return (entry[0], int.from_bytes(entry[1:])) if len(entry) == 5 else (0, 0)

    def _root_of(self, number: int) -> int | None:
        """The root above a page; None where the pointer map does not tell, 0 where the page is free."""
        for _ in range(_DEPTH):
            kind, parent = self._entry(number)
            if number == _SCHEMA_ROOT or kind == _ROOT:
                return number
            if kind == _FREE:
                return 0
            if kind != _BELOW:
                return None
            number = parent
        return None

    def _freelist(self) -> set[int]:
        found: set[int] = set()
        trunk = int.from_bytes(self._head[32:36]) if self._sound else 0
        while 0 < trunk <= self._image.pages and trunk not in found:
            found.add(trunk)
            page = self._image.page(trunk)
            count = min(int.from_bytes(page[4:8]), len(page) // 4 - 2)
            found.update(int.from_bytes(page[8 + 4 * n : 12 + 4 * n]) for n in range(count))
            trunk = int.from_bytes(page[:4])
        return found

    # Without one

    @cached_property
    def _shapes(self) -> dict[str, tuple[Column, ...]]:
        return {item.name: declared(item.sql) for item in (*self._lacking, *self._rooted) if item.sql}

    def _fitting(self, number: int) -> str | None:
        """The one table that every row of a leaf fits."""
        reader = PageReader(self._image)
        rows = [record.values for record in reader.decoded(reader.leaf(number))]
        if not rows or reader.damaged or (self._mapped and self._entry(number)[0]) or all(map(_describes, rows)):
            return None
        alike = [name for name, columns in self._shapes.items() if all(fits(row, columns) for row in rows)]
        return alike[0] if len(alike) == 1 else None


def _describes(values: list[Value]) -> bool:
    """Whether this is a row of the schema."""
    if len(values) != 5:
        return False
    kind, name, table, root, sql = values
    words = kind in ("table", "index", "trigger", "view") and isinstance(name, str) and isinstance(table, str)
    return words and isinstance(root, int) and (sql is None or str(sql).upper().startswith("CREATE "))


def rescue(fs: ReadFs, path: Path, log: Path | None = None) -> Rescue | None:
    """What is left of the database at this path; None where there is neither the file nor a log of it. `log` is given
    where the log has another name than SQLite gives it. Raises OSError."""
    if log is None:
        image = take_image(fs, path)
        if isinstance(image, Image):
            return Rescue(path, image)
    main = _opened(fs, path)
    wal = _opened(fs, log or path.with_name(f"{path.name}-wal"))
    if any(file is not None and file.size() for file in (main, wal)):
        return Rescue(path, Headless(main, wal))
    for file in (main, wal):
        if file is not None:
            file.close()
    return None


def _opened(fs: ReadFs, path: Path) -> RawFile | None:
    try:
        return RawFile.open(fs, path)
    except FileNotFoundError:
        return None
