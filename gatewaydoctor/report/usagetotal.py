"""What the usage-counted files of all stores hold, and what one sessions.usage call costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.usage import call_cost

if TYPE_CHECKING:
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.release import Policy
    from gatewaydoctor.model.gateway.usage import UsageCost, UsageLoad


class UsageTotal(Struct, frozen=True):
    """The load of each store, and their sums. `release`: the one that the directory names; where it names none, the
    cost is that of the dearest call, 2026.5.22."""

    stores: tuple[tuple[StoreFacts, UsageLoad], ...]
    release: Policy | None

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
    def usage_lines(self) -> int:
        return sum(load.usage_lines or 0 for _, load in self.stores)

    @property
    def cost(self) -> UsageCost:
        """One call, on a gateway with memory to spare."""
        loads = ((store.agent_id, load) for store, load in self.stores)
        return call_cost(loads, self.release)
