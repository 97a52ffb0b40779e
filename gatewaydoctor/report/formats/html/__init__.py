"""One self-contained page: no script, no file of another host, light and dark."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from gatewaydoctor.model.words import duration, plural, size
from gatewaydoctor.report.formats.html import charts
from gatewaydoctor.report.printer import encode
from gatewaydoctor.report.verdicts import decision, examined, judged, place, standing_words, tally

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.report import Document, StoreInfo

_START = {"yes": "Yes", "no": "No", "at-risk": "At risk", "unknown": "Cannot tell"}
_LIVENESS = {"live": "running", "dead": "not running", "unknown": "cannot tell"}
_UNREAD = {"yes": "", "no": "cannot be read", "gateway-empty": "loads as EMPTY"}
_AT_ONCE_MS = 15_000


def render(document: Document) -> str:
    """The page. Everything from a file passes the template's escaping."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(size=size, duration=duration, moment=_moment, evidence=_evidence, when=_when)
    growth = document.details.get("growth") or [()] * len(document.stores)
    page = environment.from_string(files(__name__).joinpath("page.html.j2").read_text(encoding="utf-8"))
    return page.render(
        document=document,
        told=_told(document),
        examined=examined(document),
        start=_START[document.verdict.start] if document.verdict else None,
        liveness=_LIVENESS[document.gateway.liveness] if document.gateway else None,
        findings=[
            (finding, standing_words(verdict), place(document, finding)) for finding, verdict in judged(document)
        ],
        stores=[
            (store, _file(document, store), charts.of_store(store, days))
            for store, days in zip_longest(document.stores, growth)
            if store.exists or not any(other.exists for other in document.stores if other.agent_id == store.agent_id)
        ],
        unread=_UNREAD,
        statuses=charts.STATUSES,
        burst=charts.BURST,
        forecast=document.details.get("forecast"),
        plural=plural,
    )


def _told(document: Document) -> str:
    """What a gate decided; without one how many findings there are."""
    if document.gate is None or document.gate.fail_on == "never":
        severities = [finding.severity for finding in document.findings]
        counts = f": {tally(severities)}" if len(severities) == document.findings_total else ""
        return f"{plural(document.findings_total, 'finding')}{counts if severities else ''}."
    return decision(document)


def _file(document: Document, store: StoreInfo) -> str:
    """The name of a store's file, where its agent has more than one."""
    several = sum(each.agent_id == store.agent_id and each.exists for each in document.stores) > 1
    return f", {store.path.rpartition('/')[2]}" if several else ""


def _evidence(evidence: object) -> str:
    return encode(evidence, indent=2)


def _moment(at: int | None) -> str:
    if at is None:
        return "-"
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def _when(at: int | None) -> str:
    """When an event of the forecast happens, from ms after the start."""
    if at is None:
        return "later"
    return "at once" if at <= _AT_ONCE_MS else f"+ {duration(at)}"
