"""Which rows the gateway's own pruning and cap would drop: they examine recency, not at whose a row is."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.entry import CONVERSATION_PLACES, MACHINE_KINDS

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.config import Maintenance
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.release import Behaviour

_NEVER = float("-inf")


class Eviction(Struct, frozen=True):
    """What one enforced save would drop: `pruned` rows by age, `capped` ones beyond the cap. `conversations` counts
    those of both sorts that are people's."""

    pruned: int
    capped: int
    conversations: int

    @property
    def rows(self) -> int:
        return self.pruned + self.capped


class EvictionCollector:
    """Takes the rows of a store in file order. Prune goes by updatedAt; the cap keeps the newest `maxEntries`, of
    equal ones the earlier, rows without a time last (gateway.md section 5). Memory is that of as many rows as the cap
    allows."""

    def __init__(self, maintenance: Maintenance, behaviour: Behaviour, now: int) -> None:
        self._cap = maintenance.max_entries.value
        self._prune_before = now - maintenance.prune_after.value
        self._preserved_kinds = CONVERSATION_PLACES if behaviour.preserves_conversations else frozenset()
        self._kept: list[tuple[float, int, bool]] = []
        self._preserved = self._pruned = self._capped = self._people = 0

    def take(self, row: int, entry: Entry) -> None:
        if entry.kind in self._preserved_kinds:
            self._preserved += 1
            return
        person = entry.kind not in MACHINE_KINDS
        if entry.updated_at is not None and entry.updated_at < self._prune_before:
            self._pruned += 1
            self._people += person
            return
        ranked = (_NEVER if entry.updated_at is None else entry.updated_at, -row, person)
        if len(self._kept) < self._cap:
            heapq.heappush(self._kept, ranked)
        else:
            self._drop(heapq.heappushpop(self._kept, ranked))

    def result(self) -> Eviction:
        room = max(0, self._cap - self._preserved)
        while len(self._kept) > room:
            self._drop(heapq.heappop(self._kept))
        return Eviction(self._pruned, self._capped, self._people)

    def _drop(self, ranked: tuple[float, int, bool]) -> None:
        self._capped += 1
        self._people += ranked[2]
