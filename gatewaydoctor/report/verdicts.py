"""Findings with what the gate says of them, and the decision in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.gate import VerdictInfo
from gatewaydoctor.model.words import plural
from gatewaydoctor.report.words import of_severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.outcome.finding import SeverityWord
    from gatewaydoctor.model.outcome.report import Document, FindingInfo

_NO_GATE = VerdictInfo(standing="new", fails=False, fingerprint=None)
SEVERITIES: tuple[SeverityWord, ...] = ("critical", "error", "warning", "info")
"""Worst first."""


def judged(document: Document) -> tuple[tuple[FindingInfo, VerdictInfo], ...]:
    """Each finding of the document and its verdict; without a gate nothing fails."""
    if document.gate is None:
        return tuple((finding, _NO_GATE) for finding in document.findings)
    return tuple(zip(document.findings, document.gate.verdicts, strict=True))


def examined(document: Document) -> bool:
    """Whether a directory was examined. It may have been and yet end in an error, where no store could be read."""
    return document.gateway is not None


def is_grave(finding: FindingInfo) -> bool:
    return finding.severity in (Severity.CRITICAL.word, Severity.ERROR.word)


def tally(severities: Iterable[str]) -> str:
    """`1 critical, 2 errors`, worst first; `no findings` for none."""
    met = list(severities)
    words = []
    for severity in SEVERITIES:
        count = met.count(severity)
        if count:
            words.append(of_severity(count, severity))
    return ", ".join(words) or "no findings"


def decision(document: Document) -> str:
    """The decision as one line of words: what failed, and how many findings did not and why."""
    gate = document.gate
    if document.error is not None:
        return f"{document.command}: no decision. {document.error.message}"
    if gate is None:
        return f"{document.command}: {plural(document.findings_total, 'finding')}."
    total, known = document.findings_total, gate.known
    milder = total - gate.failing - known
    rest = [
        (milder, "below the threshold"),
        (known, "in the baseline"),
        (gate.left_out, "of other rules not counted"),
    ]
    if gate.fail_on == "never":
        worst = f", worst severity {document.worst}" if document.worst else ""
        said = f"{plural(total, 'finding')}{worst}; --fail-on never lets all pass"
        rest = rest[1:]
    elif gate.failing:
        said = f"failed; {plural(gate.failing, 'finding')} of severity {gate.fail_on} or worse"
    else:
        said = f"passed; no {'new ' if known else ''}finding of severity {gate.fail_on} or worse"
    counts = [f"{count:,} {words}" for count, words in rest if count]
    counts += [f"{plural(len(document.skipped), 'path')} not read"] if document.skipped else []
    return f"{document.command}: {'; '.join([said, *counts])}.{_baseline(document)}"


def _baseline(document: Document) -> str:
    use = document.gate.baseline if document.gate else None
    if use is None:
        return ""
    if use.written:
        return f" Baseline written: {use.path}."
    return f" {plural(use.gone, 'known finding is', 'known findings are')} gone." if use.gone else ""


def standing_words(verdict: VerdictInfo) -> str:
    """What the baseline has to do with it; empty for a new finding."""
    match verdict.standing:
        case "grown":
            return f"grown from {verdict.baseline_count:,} in the baseline"
        case "worse":
            return "worse than in the baseline"
        case "known":
            return "known"
        case "new":
            return ""


def name(finding: FindingInfo) -> str:
    """Rule, agent and how many things: `session-stuck-running main x84`."""
    parts = [finding.rule]
    if finding.agent_id:
        parts.append(finding.agent_id)
    if finding.count > 1:
        parts.append(f"x{finding.count:,}")
    return " ".join(parts)


def place(document: Document, finding: FindingInfo) -> str | None:
    """The finding's path, relative to the state directory where it is inside."""
    if finding.path is None or document.state_dir is None:
        return finding.path
    return finding.path.removeprefix(document.state_dir.rstrip("/") + "/")


def remedy(finding: FindingInfo) -> str | None:
    """What to do, in one line."""
    return f"Run: {finding.fix.command}" if finding.fix else finding.by_hand
