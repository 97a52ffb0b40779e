"""Entries that say `running`: which of them are, by the last sign of life and the gateway's (architecture.md
section 6)."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, overload

from msgspec import Struct, field

from gatewaydoctor.model.gateway.entry import latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.gateway.entry import Entry, Kind
    from gatewaydoctor.storage.entries.table import EntryTable

DEFAULT_STUCK_AFTER_MS = 3_600_000


class Signs(Protocol):
    """Tells when the transcript of a row was last written to (epoch ms), None where nothing tells."""

    def newest(self, entry: Entry, row: int) -> int | None: ...


class RunningEntry(Struct, frozen=True):
    """A row with status `running`, or one that was aborted, as number `row` of its store. `last_sign` is the newest
    of its times and `transcript_mtime` (epoch ms, None where nothing tells). `stuck` follows from that, the
    threshold, and whether the gateway is live."""

    entry: Entry
    row: int
    transcript_mtime: int | None
    last_sign: int | None
    stuck: bool


class StuckSummary(Struct):
    """Stuck rows by kind, and their oldest and newest sign of life (epoch ms), so that they need not be walked for
    that."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    oldest: int | None = None
    newest: int | None = None

    def take(self, stuck: RunningEntry) -> None:
        self.kinds[stuck.entry.kind] += 1
        if stuck.last_sign is not None:
            self.oldest = min(self.oldest if self.oldest is not None else stuck.last_sign, stuck.last_sign)
            self.newest = max(self.newest if self.newest is not None else stuck.last_sign, stuck.last_sign)


class RunningRows(Sequence[RunningEntry]):
    """The running rows of a store in file order. It keeps the row numbers alone and makes each RunningEntry afresh:
    there may be as many of them as there are rows."""

    def __init__(
        self,
        table: EntryTable,
        signs: Signs,
        rows: Sequence[int],
        *,
        now: int,
        stuck_after: int,
        gateway_live: bool,
    ) -> None:
        self._table = table
        self._signs = signs
        self._rows = array("q", rows)
        self._stuck = array("q")
        self.summary = StuckSummary()
        self._now = now
        self._stuck_after = stuck_after
        self._gateway_live = gateway_live

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> RunningEntry: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[RunningEntry, ...]: ...
    def __getitem__(self, place: int | slice) -> RunningEntry | tuple[RunningEntry, ...]:
        if isinstance(place, slice):
            return tuple(self.judge(self._table[row], row) for row in self._rows[place])
        row = self._rows[place]
        return self.judge(self._table[row], row)

    def judge(self, entry: Entry, row: int) -> RunningEntry:
        """Judge one running row. One without any time is stuck too: nothing about it shows life."""
        written = self._signs.newest(entry, row)
        last_sign = latest(entry.last_sign, written)
        silent = last_sign is None or self._now - last_sign >= self._stuck_after
        return RunningEntry(entry, row, written, last_sign, silent and not self._gateway_live)

    def take(self, entry: Entry, row: int) -> bool:
        """Add a running row; whether it is stuck."""
        judged = self.judge(entry, row)
        self._rows.append(row)
        if judged.stuck:
            self._stuck.append(row)
            self.summary.take(judged)
        return judged.stuck

    def entries(self) -> Iterator[Entry]:
        """Their entries, none of them judged."""
        return map(self._table.__getitem__, self._rows)

    def stuck(self) -> RunningRows:
        """Those of them that are stuck."""
        return RunningRows(
            self._table,
            self._signs,
            self._stuck,
            now=self._now,
            stuck_after=self._stuck_after,
            gateway_live=self._gateway_live,
        )
