"""What one sessions.usage call reads over all stores, and a guess at what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.checks.install.others import usage_loop_ms

if TYPE_CHECKING:
    from gatewaydoctor.examine.stores import StoreFacts
    from gatewaydoctor.model.gateway.usage import UsageLoad


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The load of each store, and their sums."""

    stores: tuple[tuple[StoreFacts, UsageLoad], ...]

    @property
    def files(self) -> int:
        return sum(load.files for _, load in self.stores)

    @property
    def bytes(self) -> int:
        return sum(load.bytes for _, load in self.stores)

    @property
    def lines(self) -> int:
        return sum(load.lines or 0 for _, load in self.stores)

    @property
    def unread(self) -> int:
        """Files that could not be read; their lines are not counted."""
        return sum(load.unread for _, load in self.stores)

    @property
    def estimate_ms(self) -> int:
        """Event-loop time on a gateway with memory to spare."""
        return usage_loop_ms(self.files, self.bytes)
