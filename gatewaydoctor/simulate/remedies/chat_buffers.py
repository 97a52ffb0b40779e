"""51821: an age limit for chat buffers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy, Who

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.chat_buffers import Plan


def sweep_stale_buffers(plan: Plan) -> Plan:
    """The maintenance timer frees every buffer older than the run timeout plus a grace period."""
    return replace(plan, sweeps=True)


REMEDIES = (
    Remedy(
        "sweep-stale-buffers", "chat-buffers", sweep_stale_buffers, "heapPeak", Better.LESS,
        "A hung run's text goes an hour after its timeout, so the heap settles instead of growing.",
        Who.OPERATOR, "operator today: an upgrade to 2026.4.25 or later",
    ),
)  # fmt: skip
