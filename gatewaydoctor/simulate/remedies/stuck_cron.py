"""61633: what was proposed against stuck runs and the store that no longer loads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy, Who

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.stuck_cron import Plan

MAX_RUNNING_AGE = 3600.0


def reaper_max_age(plan: Plan) -> Plan:
    """The reaper sets what was started over an hour ago and is marked running to failed, job rows included."""
    return replace(plan, max_running_age=MAX_RUNNING_AGE)


def scheduler_guard(plan: Plan) -> Plan:
    """A tick starts one run, and none while a run of the same job has neither ended nor timed out."""
    return replace(plan, guarded=True)


def cap_all_statuses(plan: Plan) -> Plan:
    """Every save cuts the store to maxEntries, whatever the rows' status."""
    return replace(plan, capped=True)


def streaming_load(plan: Plan) -> Plan:
    """A start reads row by row."""
    return replace(plan, streaming=True)


REMEDIES = (
    Remedy(
        "reaper-max-age", "stuck-cron", reaper_max_age, "stuckRuns", Better.LESS,
        "Stuck runs and job rows are set to failed, which later runs copy; run rows older than a day go again.",
    ),
    Remedy(
        "scheduler-guard", "stuck-cron", scheduler_guard, "runsStarted", Better.LESS,
        "No run starts while one hangs, so the bursts never happen and the file stays small.",
    ),
    Remedy(
        "cap-all-statuses", "stuck-cron", cap_all_statuses, "rows", Better.LESS,
        "The store stays at its cap, but the newest rows are the noise, so the conversations go first.",
        Who.OPERATOR, "operator today: session.maintenance.mode enforce",
    ),
    Remedy(
        "streaming-load", "stuck-cron", streaming_load, "bootHeap", Better.LESS,
        "A start needs memory for one row and an index, whatever the file has become.",
    ),
)  # fmt: skip
