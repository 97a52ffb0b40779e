"""The sessions of one store, read to its end, whichever engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from gatewaydoctor.model.gateway.entry import Entry, Kind, Status
    from gatewaydoctor.storage.entries.table import EntryTable


class SessionSet(Struct, frozen=True, kw_only=True):
    """`counts` and `weights` (bytes) are by kind and status. `field_bytes` sums the values of each field of the
    entries, `field_counts` says how many have it. `invalid` counts entries that are no object. `biggest` are the
    largest as (bytes, row), largest first. `hidden` are rows of the table that the gateway does not see, which no
    figure counts."""

    table: EntryTable
    counts: Counter[tuple[Kind, Status]]
    weights: Counter[tuple[Kind, Status]]
    field_bytes: Counter[str]
    field_counts: Counter[str]
    invalid: int
    biggest: tuple[tuple[int, int], ...]
    hidden: tuple[int, ...] = ()

    @property
    def entries(self) -> int:
        """Rows the gateway sees."""
        return len(self.table) - len(self.hidden)

    def rows(self) -> Iterator[tuple[int, Entry]]:
        """The rows the gateway sees, each with its place in the table."""
        hidden = frozenset(self.hidden)
        return ((row, self.table[row]) for row in range(len(self.table)) if row not in hidden)
