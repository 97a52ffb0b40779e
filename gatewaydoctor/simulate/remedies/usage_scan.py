"""003: what was proposed against usage calls that starve the event loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.usage_scan import Plan


def chunked(plan: Plan) -> Plan:
    """A transcript is read in pieces of at most 50 ms."""
    return replace(plan, chunked=True)


def worker(plan: Plan) -> Plan:
    """One worker thread reads; the event loop takes over sums."""
    return replace(plan, off_loop=True)


def cache(plan: Plan) -> Plan:
    """Sums are kept per file and shared by all calls; a later call reads what was appended."""
    return replace(plan, cached=True)


def paginate(plan: Plan) -> Plan:
    """A call reads the newest 50 sessions."""
    return replace(plan, paged=True)


def cancel(plan: Plan) -> Plan:
    """A call that takes longer than 30 s is given up between two files."""
    return replace(plan, cancels=True)


REMEDIES = (
    Remedy(
        "chunked", "usage-scan", chunked, "maxDelay", Better.LESS,
        "Others get their turn every 50 ms; the work and the length of a call stay.",
    ),
    Remedy(
        "worker", "usage-scan", worker, "utilisation", Better.LESS,
        "The event loop only adds up sums, and the text never enters its heap; calls still take minutes.",
    ),
    Remedy(
        "cache", "usage-scan", cache, "utilisation", Better.LESS,
        "Each file is read once, but that first reading blocks as before.",
    ),
    Remedy(
        "paginate", "usage-scan", paginate, "longestCall", Better.LESS,
        "A call reads a quarter of the files, and the rest only when somebody turns the page.",
    ),
    Remedy(
        "cancel", "usage-scan", cancel, "longestCall", Better.LESS,
        "No call outlives its caller's patience, but nobody gets an answer either.",
    ),
)  # fmt: skip
