"""Counts of the rows of a store of either era, as they are taken one by one."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatewaydoctor.model.gateway.entry import Entry, Kind, Status
    from gatewaydoctor.storage.entries.decode import Fields
    from gatewaydoctor.storage.entries.table import EntryTable

BIGGEST_KEPT = 20


class Tally(Struct):
    """Counts of the rows of a store of either era, as they are taken one by one."""

    counts: Counter[tuple[Kind, Status]] = field(default_factory=Counter)
    weights: Counter[tuple[Kind, Status]] = field(default_factory=Counter)
    field_bytes: Counter[str] = field(default_factory=Counter)
    field_counts: Counter[str] = field(default_factory=Counter)
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
        counts, sizes = self.field_counts, self.field_bytes
        for name, raw in fields.items():
            counts[name] += 1
            sizes[name] += memoryview(raw).nbytes

    def largest(self) -> tuple[tuple[int, int], ...]:
        """The largest rows as (bytes, row), largest first."""
        return tuple((size, -row) for size, row in sorted(self.biggest, reverse=True))

    def leave_out(self, table: EntryTable, rows: Sequence[int], fields_of: Callable[[Entry], Fields | None]) -> int:
        """Take rows of the table back; returns their bytes. Their fields are asked for once more, None for a row that
        has none."""
        left_out = 0
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
            self.field_counts.subtract(fields.keys())
            for name, raw in fields.items():
                self.field_bytes[name] -= memoryview(raw).nbytes
        for counter in (self.counts, self.weights, self.field_counts, self.field_bytes):
            for gone in [each for each, count in counter.items() if count <= 0]:
                del counter[gone]
        gone_rows = frozenset(rows)
        sizes = ((table.size(row), -row) for row in range(len(table)) if row not in gone_rows)
        self.biggest = heapq.nlargest(BIGGEST_KEPT, sizes)
        return left_out
