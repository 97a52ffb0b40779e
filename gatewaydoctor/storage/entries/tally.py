"""Counts of the rows of a store of either era, as they are taken one by one."""

from __future__ import annotations

import heapq
from collections import Counter
from operator import add
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatewaydoctor.model.gateway.entry import Entry, Kind, Status
    from gatewaydoctor.storage.entries.decode import Fields
    from gatewaydoctor.storage.entries.table import EntryTable

BIGGEST_KEPT = 20
_MOST_SHAPES = 1_000
"""Rows mostly have one of a few sets of fields, and are summed up set by set; more sets than this are not kept."""


class _Sums(Struct):
    """Rows that have the same fields: how many, and the bytes of each field's values."""

    rows: int
    sizes: list[int]


class _ByField(Struct):
    counts: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)


class Tally(Struct):
    """Counts of the rows of a store of either era, as they are taken one by one."""

    counts: Counter[tuple[Kind, Status]] = field(default_factory=Counter)
    weights: Counter[tuple[Kind, Status]] = field(default_factory=Counter)
    shapes: dict[tuple[str, ...], _Sums] = field(default_factory=dict)
    fields: _ByField = field(default_factory=lambda: _ByField())
    invalid: int = 0
    biggest: list[tuple[int, int]] = field(default_factory=list)

    def take(self, row: int, entry: Entry, fields: Fields | None, *, seen: bool = True) -> None:
        """Count row number `row`. Its `fields` are None where its value is not an object, or was not `seen`."""
        cell = (entry.kind, entry.status)
        size = entry.bytes
        self.counts[cell] += 1
        self.weights[cell] += size
        if len(self.biggest) < BIGGEST_KEPT:
            heapq.heappush(self.biggest, (size, -row))
        elif size > self.biggest[0][0]:
            heapq.heapreplace(self.biggest, (size, -row))
        if fields is None:
            self.invalid += seen
            return
        names, sizes = tuple(fields), map(len, map(memoryview, fields.values()))  # type: ignore[arg-type] # Raw is a buffer
        if (sums := self.shapes.get(names)) is not None:
            sums.rows += 1
            sums.sizes = list(map(add, sums.sizes, sizes))
            return
        if len(self.shapes) == _MOST_SHAPES:
            self._sum_up()
        self.shapes[names] = _Sums(1, list(sizes))

    @property
    def field_counts(self) -> Counter[str]:
        """How many rows have a field."""
        return self._sum_up().counts

    @property
    def field_bytes(self) -> Counter[str]:
        """Bytes of a field's values."""
        return self._sum_up().sizes

    def _sum_up(self) -> _ByField:
        """In the order in which fields were met, which decides between equal ones."""
        counts, sizes = self.fields.counts, self.fields.sizes
        for names, sums in self.shapes.items():
            for name, size in zip(names, sums.sizes, strict=True):
                counts[name] += sums.rows
                sizes[name] += size
        self.shapes.clear()
        return self.fields

    def largest(self) -> tuple[tuple[int, int], ...]:
        """The largest rows as (bytes, row), largest first."""
        return tuple((size, -row) for size, row in sorted(self.biggest, reverse=True))

    def leave_out(self, table: EntryTable, rows: Sequence[int], fields_of: Callable[[Entry], Fields | None]) -> int:
        """Take rows of the table back; returns their bytes. Their fields are asked for once more, None for a row that
        has none."""
        left_out = 0
        counts, sizes = self.field_counts, self.field_bytes
        for row in rows:
            entry = table[row]
            cell = (entry.kind, entry.status)
            self.counts[cell] -= 1
            self.weights[cell] -= entry.bytes
            left_out += entry.bytes
            fields = fields_of(entry)
            if fields is None:
                self.invalid -= not entry.valid
                continue
            counts.subtract(fields.keys())
            for name, raw in fields.items():
                sizes[name] -= memoryview(raw).nbytes
        for counter in (self.counts, self.weights, counts, sizes):
            for gone in [each for each, count in counter.items() if count <= 0]:
                del counter[gone]
        gone_rows = frozenset(rows)
        weighed = ((table.size(row), -row) for row in range(len(table)) if row not in gone_rows)
        self.biggest = heapq.nlargest(BIGGEST_KEPT, weighed)
        return left_out
