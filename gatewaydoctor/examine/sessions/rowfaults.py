"""Rows that a release drops, prunes, or fails over because of what is in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.entry import CONVERSATION_PLACES, MACHINE_KINDS
from gatewaydoctor.model.gateway.fieldtypes import Fate, fate_of, time_of
from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.model.gateway.config import Maintenance
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.release import Release

KEPT = 100
"""Rows of each sort that are kept for listing; everything is counted."""

EARLIEST = 946_684_800_000
"""1 January 2000 in epoch ms. An updatedAt before it counts seconds, or nothing."""

TOO_EARLY = "number before the year 2000"
OLD = "older than the limit"


class RowFault(Struct, frozen=True):
    """Rows of one store with one fate over one field. `shapes` counts them by what is in it; `keys` are the first of
    them, people's first. `people` counts conversations."""

    fate: Fate
    field: str
    rows: int
    people: int
    shapes: Mapping[str, int]
    keys: tuple[str, ...]


class _Tally(Struct):
    shapes: Counter[str] = field(default_factory=Counter)
    people: int = 0
    of_people: list[str] = field(default_factory=list)
    of_machines: list[str] = field(default_factory=list)

    def take(self, entry: Entry, shape: str) -> None:
        person = entry.kind not in MACHINE_KINDS
        self.shapes[shape] += 1
        self.people += person
        keys = self.of_people if person else self.of_machines
        if len(keys) < KEPT:
            keys.append(entry.key)


class RowFaultCollector:
    """Takes the rows of a store one by one and judges them as one release does: the one in use, else 2026.5.22, the
    strictest of those that keep files."""

    def __init__(self, release: Release, maintenance: Maintenance, now: int) -> None:
        self._policy = release.policy or Policy.V2026_5_22
        # In mode warn nothing is pruned; 2026.9.6 keeps its rows elsewhere.
        behaviour = BEHAVIOURS[self._policy]
        enforced = maintenance.mode.value == "enforce" and not behaviour.sessions_in_database
        self._prune_before = now - maintenance.prune_after.value if enforced else None
        self._preserved = CONVERSATION_PLACES if behaviour.preserves_conversations else frozenset()
        self._found: dict[tuple[Fate, str], _Tally] = {}

    def take(self, entry: Entry) -> None:
        dropped = False
        for odd in entry.odd:
            fate = fate_of(self._policy, odd)
            if fate is not None:
                dropped |= fate is Fate.DROPPED
                self._tally(fate, odd.name).take(entry, odd.shape.value)
        if self._prune_before is not None and entry.valid and not dropped:
            self._prune(entry, self._prune_before)

    def _prune(self, entry: Entry, before: int) -> None:
        if entry.kind in self._preserved:
            return
        odd = next((each for each in entry.odd if each.name == "updatedAt"), None)
        if odd is not None:
            at = time_of(self._policy, odd)
            if at is not None and at < before:
                self._tally(Fate.PRUNED, "updatedAt").take(entry, odd.shape.value)
        elif entry.updated_at is not None and entry.updated_at < before:
            old = entry.updated_at >= EARLIEST
            self._tally(Fate.PRUNED, "age" if old else "updatedAt").take(entry, OLD if old else TOO_EARLY)

    def _tally(self, fate: Fate, name: str) -> _Tally:
        return self._found.setdefault((fate, name), _Tally())

    def result(self) -> tuple[RowFault, ...]:
        """In the order of fates, the worst first."""
        found = sorted(self._found.items(), key=lambda item: (list(Fate).index(item[0][0]), item[0][1]))
        return tuple(
            RowFault(
                fate,
                name,
                tally.shapes.total(),
                tally.people,
                dict(tally.shapes.most_common()),
                (*tally.of_people, *tally.of_machines)[:KEPT],
            )
            for (fate, name), tally in found
        )
