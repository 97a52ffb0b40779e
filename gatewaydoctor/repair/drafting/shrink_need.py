"""Whether a store is in need of being made smaller. Of one that salvage rebuilds no finding speaks yet, so that it is
measured here by the same figures: a second plan shall find nothing left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.size import REPORTED_AMPLIFICATION
from gatewaydoctor.checks.thresholds import DEFAULTS
from gatewaydoctor.repair.drafting.rows import StoreDraft

if TYPE_CHECKING:
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import RowsDraft

_TOO_MANY = ("store-over-cap", "store-heap-risk", "store-too-large-for-gateway")
_TOO_LARGE = ("store-bloat", "store-heap-risk", "store-too-large-for-gateway")


def too_many_rows(draft: Draft, store: RowsDraft) -> bool:
    """Over its cap, or a danger to the heap."""
    if isinstance(store, StoreDraft) and not store.rebuilt:
        return bool(draft.found(*_TOO_MANY, store=store.facts))
    return _too_many(draft, len(store), store.size())


def is_heavy(size: int) -> bool:
    """Whether reading so many bytes of rows endangers the heap."""
    return size * REPORTED_AMPLIFICATION >= DEFAULTS.heap_bytes


def too_large(draft: Draft, store: RowsDraft) -> bool:
    """Worth slimming, with the rows that stay. A database is not read and written as a whole by a gateway: it is
    slimmed where that was asked for, and where its rows are too many, for then it is made again anyway."""
    if not isinstance(store, StoreDraft):
        return _too_many(draft, len(store) + store.dropped_count(), store.size() + store.dropped_size())
    found = store.rebuilt or bool(draft.found(*_TOO_LARGE, store=store.facts))
    return found and store.size() >= DEFAULTS.bloat_bytes


def _too_many(draft: Draft, rows: int, size: int) -> bool:
    return is_heavy(size) or rows > draft.x.config.maintenance.max_entries.value
