"""003: what was proposed against usage calls that starve the event loop, on top of what a release has already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy, Who

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.usage_scan import Plan

SMALL_PAGE = 10


def prices(plan: Plan) -> Plan:
    """The prices of the models in use are in models.json of the default agent, where the release looks first."""
    return replace(plan, priced=True)


def price_cache(plan: Plan) -> Plan:
    """The price of a model is looked up once."""
    return replace(plan, remembers_prices=True)


def chunked(plan: Plan) -> Plan:
    """Others get their turn after 250 ms of lines, or after one line that takes longer."""
    return replace(plan, chunked=True)


def worker(plan: Plan) -> Plan:
    """One worker thread reads and sums; the event loop takes over the sums."""
    return replace(plan, off_loop=True)


def one_refresh(plan: Plan) -> Plan:
    """One agent's cache is refreshed at a time."""
    return replace(plan, one_refresh=True)


def cache(plan: Plan) -> Plan:
    """Sums are kept per file; a later call reads what was appended."""
    return replace(plan, cached=True)


def paginate(plan: Plan) -> Plan:
    """A call sums the newest 10 sessions instead of 50."""
    return replace(plan, page=SMALL_PAGE)


def cancel(plan: Plan) -> Plan:
    """A refresh, or a call that reads by itself, ends after 30 s between two files."""
    return replace(plan, cancels=True)


REMEDIES = (
    Remedy(
        "prices", "usage-scan", prices, "maxDelay", Better.LESS,
        "A price that models.json lists is found at once: 1 ms a usage line instead of 120.",
        Who.OPERATOR, "operator today: prices in agents/main/agent/models.json",
    ),
    Remedy(
        "price-cache", "usage-scan", price_cache, "maxDelay", Better.LESS,
        "Only the first line of each model pays for the lookup.",
    ),
    Remedy(
        "worker", "usage-scan", worker, "utilisation", Better.LESS,
        "Reading and pricing leave the event loop, as in 2026.9.6.",
    ),
    Remedy(
        "chunked", "usage-scan", chunked, "maxDelay", Better.LESS,
        "Others get their turn after two lines; the work stays, and several agents' lines still share a turn.",
    ),
    Remedy(
        "one-refresh", "usage-scan", one_refresh, "maxDelay", Better.LESS,
        "The pieces of several agents no longer share a turn; the work stays.",
    ),
    Remedy(
        "cache", "usage-scan", cache, "utilisation", Better.LESS,
        "Each file is read once. 2026.5.22 does that already, and it is the first reading that blocks.",
    ),
    Remedy(
        "paginate", "usage-scan", paginate, "utilisation", Better.LESS,
        "Fewer files are summed, and the rest only when a later page is asked for.",
    ),
    Remedy(
        "cancel", "usage-scan", cancel, "utilisation", Better.LESS,
        "The work is spread over more calls; each piece still blocks.",
    ),
)  # fmt: skip
