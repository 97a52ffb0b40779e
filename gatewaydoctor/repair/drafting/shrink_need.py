"""Whether a store is in need of being made smaller. Of one that salvage rebuilds no finding speaks yet, so that it is
measured here by the same figures: a second plan shall find nothing left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.size import REPORTED_AMPLIFICATION
from gatewaydoctor.checks.thresholds import DEFAULTS

if TYPE_CHECKING:
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft

_TOO_MANY = ("store-over-cap", "store-heap-risk", "store-too-large-for-gateway")
_TOO_LARGE = ("store-bloat", "store-heap-risk", "store-too-large-for-gateway")


def too_many_rows(draft: Draft, store: StoreDraft) -> bool:
    """Over its cap, or a danger to the heap."""
    if not store.rebuilt:
        return bool(draft.found(*_TOO_MANY, store=store.facts))
    heavy = store.size() * REPORTED_AMPLIFICATION >= DEFAULTS.heap_bytes
    return heavy or len(store) > draft.x.config.maintenance.max_entries.value


def too_large(draft: Draft, store: StoreDraft) -> bool:
    """Worth slimming, with the rows that stay."""
    found = store.rebuilt or bool(draft.found(*_TOO_LARGE, store=store.facts))
    return found and store.size() >= DEFAULTS.bloat_bytes
