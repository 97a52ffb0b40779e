"""How large the heap of the gateway may grow."""

from __future__ import annotations

from msgspec import Struct


class HeapLimit(Struct, frozen=True):
    """Bytes, and what sets them in a few words."""

    bytes: int
    source: str
