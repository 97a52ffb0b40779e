"""The remedies of the reports: each turns one thing of a scenario's plan, and they combine."""

from __future__ import annotations

from gatewaydoctor.simulate.remedies import cap_storm, chat_buffers, stuck_cron, subagent_maps, usage_scan
from gatewaydoctor.simulate.remedies.remedy import Better, Remedy

REMEDIES: tuple[Remedy, ...] = (
    *cap_storm.REMEDIES,
    *stuck_cron.REMEDIES,
    *subagent_maps.REMEDIES,
    *chat_buffers.REMEDIES,
    *usage_scan.REMEDIES,
)

__all__ = ["REMEDIES", "Better", "Remedy"]
