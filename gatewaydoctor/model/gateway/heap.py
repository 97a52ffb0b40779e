"""How large the heap of the gateway may grow."""

from __future__ import annotations

from gatewaydoctor.model.frozen import frozen


@frozen
class HeapLimit:
    """Bytes, and what sets them in a few words."""

    bytes: int
    source: str
