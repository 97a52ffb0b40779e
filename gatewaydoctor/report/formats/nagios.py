"""Nagios, Icinga and their kin: one line, performance data behind a bar, and their own exit codes.

0 OK: nothing fails. 1 WARNING: findings fail, none of them an error. 2 CRITICAL: an error or worse fails. 3 UNKNOWN:
it could not look. `ok` in the document is true exactly for 0. Without --fail-on the threshold is `warning`, because
these programs have a state for warnings.
"""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING

from gatewaydoctor.report.verdicts import SEVERITIES, is_grave, judged, tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.outcome.report import Document

NAMED = 3
"""Rules named on the line; the plugin protocol over NRPE cuts long ones."""


class State(IntEnum):
    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def state(document: Document) -> State:
    if document.error is not None:
        return State.UNKNOWN
    failing = [finding for finding, verdict in judged(document) if verdict.fails]
    if not failing:
        return State.OK
    return State.CRITICAL if any(is_grave(finding) for finding in failing) else State.WARNING


def render(document: Document) -> str:
    """`OPENCLAW STATE CRITICAL - 1 error: session-stuck-running x84 | critical=0;;;0 …`"""
    head = f"OPENCLAW STATE {state(document).name}"
    if document.error is not None:
        return f"{head} - {_plain(document.error.message)}\n"
    return f"{head} - {_plain(_sentence(document))} | {' '.join(_performance(document))}\n"


def _sentence(document: Document) -> str:
    failing = [finding for finding, verdict in judged(document) if verdict.fails]
    if not failing:
        known = document.gate.known if document.gate else 0
        rest = tally(f.severity for f, verdict in judged(document) if verdict.standing != "known")
        return f"{rest}{f', {known:,} in the baseline' if known else ''}, gateway {_liveness(document)}"
    things: Counter[str] = Counter()
    for finding in failing:
        things[finding.rule] += finding.count
    names = [f"{rule} x{count}" if count > 1 else rule for rule, count in things.items()]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{tally(finding.severity for finding in failing)}: {', '.join(names[:NAMED])}{more}"


def _liveness(document: Document) -> str:
    return document.gateway.liveness if document.gateway else "unknown"


def _plain(text: str) -> str:
    # A bar would begin the performance data, a line feed the long output.
    return " ".join(text.replace("|", "/").split())


def _performance(document: Document) -> Iterator[str]:
    counts = Counter(finding.severity for finding in document.findings)
    for severity in SEVERITIES:
        yield f"{severity}={counts[severity]};;;0"
    yield f"failing={document.gate.failing if document.gate else 0};;;0"
    yield f"stuck={sum(store.stuck for store in document.stores)};;;0"
    yield f"entries={sum(store.entries for store in document.stores)};;;0"
    yield f"store_bytes={sum(store.bytes for store in document.stores)}B;;;0"
    yield f"transcripts={sum(store.transcripts.files for store in document.stores)};;;0"
    yield f"transcript_bytes={sum(store.transcripts.bytes for store in document.stores)}B;;;0"
    if document.duration_ms is not None:
        yield f"time={document.duration_ms / 1000:.3f}s;;;0"
