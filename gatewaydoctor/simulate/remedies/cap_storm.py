"""72826: what was proposed against the cap-hit storm, and the two workarounds in use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy, Who
from gatewaydoctor.simulate.schedule import parse_schedule

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.cap_storm import Plan

SLICES = 10
DEBOUNCE = 5.0


def chunked(plan: Plan) -> Plan:
    """Every save in ten pieces, with a turn for everybody else between two of them."""
    return replace(plan, slices=SLICES)


def worker(plan: Plan) -> Plan:
    """A worker with a heap of its own reads, trims and swaps the file by rename."""
    return replace(plan, off_loop=True)


def single_flight(plan: Plan) -> Plan:
    """Asynchronous reading and writing, one pass at a time; rows that come before the trimming join it."""
    return replace(plan, joins_in_flight=True)


def coalesce(plan: Plan) -> Plan:
    """A pass waits 5 s for more rows."""
    return replace(plan, debounce=DEBOUNCE)


def append_log(plan: Plan) -> Plan:
    """New rows are appended to a log that is compacted now and then (simulate/wallclock/appendlog.py)."""
    return replace(plan, append_log=True)


def persistent_keys(plan: Plan) -> Plan:
    """All jobs but the rarest keep one session: `sessionTarget: "session:cron-<slug>"`."""
    return replace(plan, persistent_jobs=len(parse_schedule(plan.options.schedule)) - 1)


def smaller_cap(plan: Plan) -> Plan:
    """Half the rows."""
    return replace(plan, options=replace(plan.options, max_entries=max(1, plan.options.max_entries // 2)))


REMEDIES = (
    Remedy(
        "chunked", "cap-storm", chunked, "alone.worstBlock", Better.LESS,
        "A save gives others a turn between its pieces; the collector still walks the heap in one piece.",
    ),
    Remedy(
        "worker", "cap-storm", worker, "worstBlock", Better.LESS,
        "The pass runs on another thread; what it leaves behind is in that thread's heap and goes with it.",
    ),
    Remedy(
        "single-flight", "cap-storm", single_flight, "passes", Better.LESS,
        "Rows that arrive while a pass computes join it; it computes for milliseconds, so hardly any do.",
    ),
    Remedy(
        "coalesce", "cap-storm", coalesce, "passes", Better.LESS,
        "The runs of one tick write within seconds of each other, so waiting 5 s makes one pass of two.",
    ),
    Remedy(
        "append-log", "cap-storm", append_log, "bytesWritten", Better.LESS,
        "A new row costs its own size; only compacting the log is a pass over the whole file.",
    ),
    Remedy(
        "persistent-keys", "cap-storm", persistent_keys, "passes", Better.LESS,
        "A job that keeps its session makes no new row, so the store is never over its cap.",
        Who.JOBS, 'in the jobs: sessionTarget "session:cron-<slug>"',
    ),
    Remedy(
        "smaller-cap", "cap-storm", smaller_cap, "bytesWritten", Better.LESS,
        "As many passes over half the file: half the work, and whatever else a pass leaves behind stays.",
        Who.OPERATOR, "operator today: session.maintenance.maxEntries",
    ),
)  # fmt: skip
