"""Rows straight from b-tree pages, for what SQL cannot give: damaged databases, and sizes and counts that need no
content (sqlite.org/fileformat2.html sections 1.5 and 2).

Nothing is trusted: a page that does not hold together is noted in `damage` and passed over with what hangs on it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Value = None | int | float | str | bytes

TABLE_LEAF, _TABLE_INTERIOR, _INDEX_LEAF, _INDEX_INTERIOR = 13, 5, 10, 2
_INTERIOR = frozenset({_TABLE_INTERIOR, _INDEX_INTERIOR})
_OF_TABLES, _OF_INDEXES = frozenset({TABLE_LEAF, _TABLE_INTERIOR}), frozenset({_INDEX_LEAF, _INDEX_INTERIOR})
_KINDS = _OF_TABLES | _OF_INDEXES
_WIDTH = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
KEPT_DAMAGE = 1000


class PageSource(Protocol):
    """Pages by number, from 1, as an Image has them."""

    @property
    def pages(self) -> int: ...

    @property
    def page_size(self) -> int: ...

    @property
    def usable(self) -> int: ...

    @property
    def encoding(self) -> str: ...

    def page(self, number: int) -> bytes: ...


class Malformed(Exception):
    """A page or record does not hold together. Never leaves this module."""


class Damage(Struct, frozen=True):
    """A page that was passed over, or a row (`rowid`) on it that could not be decoded."""

    page: int
    reason: str
    rowid: int | None = None


class Cell(Struct, frozen=True):
    """One record, its content not yet decoded. `local` is the part of its `payload` bytes on the page itself,
    `overflow` the first page of the rest, 0 without one. `rowid` is None in an index."""

    page: int
    rowid: int | None
    payload: int
    local: bytes
    overflow: int


class Record(Struct, frozen=True):
    """A row of a table: the values that were asked for (the others are None), and the bytes of each."""

    rowid: int
    values: list[Value]
    widths: list[int]


class TreeSize(Struct):
    """A b-tree in whole pages, its overflow pages counted by the sizes of their records. `payload` is bytes."""

    rows: int = 0
    pages: int = 0
    payload: int = 0
    faults: int = 0


class PageReader:
    """Walks the b-trees of one image, holding one page at a time. Raises OSError only."""

    def __init__(self, image: PageSource) -> None:
        self._image = image
        self._usable = image.usable
        self._encoding = image.encoding
        self._errors = "surrogateescape" if image.encoding == "utf-8" else "surrogatepass"
        self.damage: list[Damage] = []
        """The first of what was passed over; `damaged` counts all."""
        self.damaged = 0

    def records(self, root: int, wanted: Collection[int] | None = None) -> Iterator[Record]:
        """Each row of a table in order; columns not `wanted` (counted from 0) are None and are not read. A column
        that was added later may be absent at the end."""
        return self.decoded(self.cells(root), wanted)

    def decoded(self, cells: Iterable[Cell], wanted: Collection[int] | None = None) -> Iterator[Record]:
        """The rows that these records are."""
        for cell in cells:
            try:
                types, start = _types(cell.local)
                values = self._values(cell, types, start, wanted)
                yield Record(cell.rowid or 0, values, [_width(each) for each in types])
            except _MALFORMED as error:
                self._note(cell.page, error, cell.rowid)

    def leaf(self, number: int) -> Iterator[Cell]:
        """The records of one table leaf, whatever tree it belongs to."""
        return self._page_cells(number, TABLE_LEAF, self._image.page(number))

    def rows(self, root: int, wanted: Collection[int] | None = None) -> Iterator[tuple[int, list[Value]]]:
        """Rowid and values of each row of a table in order, as records() gives them."""
        return ((record.rowid, record.values) for record in self.records(root, wanted))

    def keys(self, root: int, wanted: Collection[int] | None = None) -> Iterator[list[Value]]:
        """The columns of each entry of an index, or of a table WITHOUT ROWID, in no order."""
        return (record.values for record in self.records(root, wanted))

    def cells(self, root: int) -> Iterator[Cell]:
        """All records below a root page."""
        for number, kind, page in self.tree(root):
            if kind != _TABLE_INTERIOR:
                yield from self._page_cells(number, kind, page)

    def zeroed(self, cells: Iterable[Cell]) -> int:
        """How many of these records, of those of more than one page, have the zeros of a page that was lost: a text
        with zeros, or bytes at the end that are zeros from the beginning of their last page on."""
        return sum(self._has_zeros(cell) for cell in cells if cell.overflow)

    def _has_zeros(self, cell: Cell) -> bool:
        room = self._usable - 4
        last = (cell.payload - len(cell.local)) % room or room
        for record in self.decoded([cell]):
            long = [each for each in record.values if isinstance(each, str | bytes) and each]
            if any(isinstance(each, str) and "\0" in each for each in long):
                return True
            end = long[-1] if long and isinstance(long[-1], bytes) else b""
            return len(end) > last >= _MANY_ZEROS and end[-last - 1] != 0 and not any(end[-last:])
        return False

    def size(self, root: int) -> TreeSize:
        """Rows and pages of one b-tree. Interior and leaf pages are read, overflow pages are not."""
        before, found, room = self.damaged, TreeSize(), self._usable - 4
        for number, kind, page in self.tree(root):
            found.pages += 1
            if kind == _TABLE_INTERIOR:
                continue
            for cell in self._page_cells(number, kind, page):
                found.rows += 1
                found.payload += cell.payload
                found.pages += -(-(cell.payload - len(cell.local)) // room)
        found.faults = self.damaged - before
        return found

    def tree(self, root: int) -> Iterator[tuple[int, int, bytes]]:
        """Number, kind and content of each page of a b-tree, parents first, leaves in order."""
        seen = set()
        alike = _KINDS
        stack = [root]
        while stack:
            number = stack.pop()
            if not 0 < number <= self._image.pages or number in seen:
                self._note(number, "it is named twice" if number in seen else "there is no such page")
                continue
            seen.add(number)
            page = self._image.page(number)
            kind = page[_base(number)]
            try:
                if kind not in _KINDS:
                    raise Malformed("it is zeroed" if not any(page) else f"it has the unknown type {kind}")
                if kind not in alike:
                    raise Malformed("it is a page of another kind of tree")
                alike = _OF_TABLES if kind in _OF_TABLES else _OF_INDEXES
                if kind in _INTERIOR:
                    stack += reversed(_children(page, _base(number)))
            except _MALFORMED as error:
                self._note(number, error)
                continue
            yield number, kind, page

    def _page_cells(self, number: int, kind: int, page: bytes) -> Iterator[Cell]:
        base = _base(number)
        usable = self._usable
        largest = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        for offset in _pointers(page, base, 12 if kind in _INTERIOR else 8):
            try:
                at = offset + 4 if kind == _INDEX_INTERIOR else offset
                payload, at = _varint(page, at)
                rowid = None
                if kind == TABLE_LEAF:
                    rowid, at = _varint(page, at)
                    rowid -= (rowid >> 63) << 64
                if payload <= largest:
                    local, overflow = payload, 0
                else:
                    local = least + (payload - least) % (usable - 4)
                    local = local if local <= largest else least
                    overflow = int.from_bytes(page[at + local : at + local + 4])
                if at + local > usable:
                    raise Malformed("a record leads out of the page")
                yield Cell(number, rowid, payload, page[at : at + local], overflow)
            except _MALFORMED as error:
                self._note(number, error)

    def _values(self, cell: Cell, types: list[int], start: int, wanted: Collection[int] | None) -> list[Value]:
        widths = [_width(each) for each in types]
        chosen = range(len(types)) if wanted is None else [each for each in wanted if each < len(types)]
        last = max(chosen, default=-1)
        content = self._content(cell, start + sum(widths[: last + 1]))
        values: list[Value] = [None] * len(types)
        keep = set(chosen)
        at = start
        for index in range(last + 1):
            if index in keep:
                values[index] = self._value(types[index], content[at : at + widths[index]])
            at += widths[index]
        return values

    def _content(self, cell: Cell, amount: int) -> bytes:
        """The first `amount` bytes of a record."""
        if amount > cell.payload:
            raise Malformed("a record is longer than its header states")
        if amount <= len(cell.local):
            return cell.local
        content = bytearray(cell.local)
        following, steps = cell.overflow, 0
        while len(content) < amount:
            if not 0 < following <= self._image.pages or steps > self._image.pages:
                raise Malformed("the chain of its overflow pages is broken")
            page = self._image.page(following)
            content += page[4 : min(self._usable, 4 + cell.payload - len(content))]
            following = int.from_bytes(page[:4])
            steps += 1
        return bytes(content)

    def _value(self, kind: int, data: bytes) -> Value:
        if kind == 0:
            return None
        if kind <= 6:
            return int.from_bytes(data, signed=True)
        if kind == 7:
            return float(struct.unpack(">d", data)[0])
        if kind in (8, 9):
            return kind - 8
        return data if kind % 2 == 0 else data.decode(self._encoding, self._errors)

    def _note(self, page: int, reason: object, rowid: int | None = None) -> None:
        self.damaged += 1
        if len(self.damage) < KEPT_DAMAGE:
            self.damage.append(Damage(page, str(reason) or "a record is cut off", rowid))


_MANY_ZEROS = 64
"""Bytes that seldom end in fewer of them by chance."""
_MALFORMED = (Malformed, IndexError, ValueError, struct.error, MemoryError, OverflowError)


def _base(number: int) -> int:
    """Where the b-tree starts on a page: the first one begins with the header of the file."""
    return 100 if number == 1 else 0


def _pointers(page: bytes, base: int, header: int) -> tuple[int, ...]:
    count = int.from_bytes(page[base + 3 : base + 5])
    room = (len(page) - base - header) // 2
    return struct.unpack_from(f">{min(count, room)}H", page, base + header)


def _children(page: bytes, base: int) -> list[int]:
    found = [int.from_bytes(page[offset : offset + 4]) for offset in _pointers(page, base, 12)]
    found.append(int.from_bytes(page[base + 8 : base + 12]))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for index in range(at + 1, at + 8):
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    return value << 8 | data[at + 8], at + 9


def _types(record: bytes) -> tuple[list[int], int]:
    """The serial types of a record's columns and where its content starts."""
    end, at = _varint(record, 0)
    if end > len(record):
        raise Malformed("a record has more columns than a page can hold")
    types = []
    while at < end:
        kind, at = _varint(record, at)
        types.append(kind)
    return types, end


def _width(kind: int) -> int:
    return _WIDTH[kind] if kind < 12 else (kind - 12) // 2
