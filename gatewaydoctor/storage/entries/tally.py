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
    """Counts of the rows of a store of either era, as they are taken one by one. `cells` are rows and bytes by kind
    and status, `biggest` a heap of (bytes, -row)."""

    cells: dict[tuple[Kind, Status], list[int]] = field(default_factory=dict)
    shapes: dict[tuple[str, ...], _Sums] = field(default_factory=dict)
    fields: _ByField = field(default_factory=lambda: _ByField())
    invalid: int = 0
    biggest: list[tuple[int, int]] = field(default_factory=list)

    def take(self, row: int, entry: Entry, fields: Fields | None, *, seen: bool = True) -> None:
        """Count row number `row`. Its `fields` are None where its value is not an object, or was not `seen`."""
        size = entry.end - entry.start
        cell = self.cells.get((entry.kind, entry.status))
        if cell is None:
            cell = self.cells[entry.kind, entry.status] = [0, 0]
        cell[0] += 1
        cell[1] += size
        if len(self.biggest) < BIGGEST_KEPT:
            heapq.heappush(self.biggest, (size, -row))
        elif size > self.biggest[0][0]:
            heapq.heapreplace(self.biggest, (size, -row))
        if fields is None:
            self.invalid += seen
            return
        names, sizes = tuple(fields), map(len, fields.values())
        if (sums := self.shapes.get(names)) is not None:
            sums.rows += 1
            sums.sizes = list(map(add, sums.sizes, sizes))
            return
        if len(self.shapes) == _MOST_SHAPES:
            self._sum_up()
        self.shapes[names] = _Sums(1, list(sizes))

    @property
    def counts(self) -> Counter[tuple[Kind, Status]]:
        """Rows by kind and status."""
        return Counter({cell: count for cell, (count, _) in self.cells.items()})

    @property
    def weights(self) -> Counter[tuple[Kind, Status]]:
        """Bytes of these rows."""
        return Counter({cell: size for cell, (_, size) in self.cells.items()})

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
            cell = self.cells[entry.kind, entry.status]
            cell[0] -= 1
            cell[1] -= entry.bytes
            left_out += entry.bytes
            fields = fields_of(entry)
            if fields is None:
                self.invalid -= not entry.valid
                continue
            counts.subtract(fields.keys())
            for name, raw in fields.items():
                sizes[name] -= memoryview(raw).nbytes
        for counter in (counts, sizes):
            for gone in [each for each, count in counter.items() if count <= 0]:
                del counter[gone]
        self.cells = {key: cell for key, cell in self.cells.items() if cell[0] > 0}
        gone_rows = frozenset(rows)
        weighed = ((table.size(row), -row) for row in range(len(table)) if row not in gone_rows)
        self.biggest = heapq.nlargest(BIGGEST_KEPT, weighed)
        return left_out
