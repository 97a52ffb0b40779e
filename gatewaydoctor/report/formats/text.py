"""`check` for people and logs: a line per failing finding, and the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.words import duration, size
from gatewaydoctor.report import words
from gatewaydoctor.report.verdicts import decision, judged, name, place, standing_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.outcome.gate import SourcedValue
    from gatewaydoctor.model.outcome.report import Document, FindingInfo


def render(document: Document) -> str:
    return "".join(f"{line}\n" for line in _lines(document))


def on_terminal(document: Document, width: int) -> str:
    """The same for a person at a terminal: lines break between words, and the next step comes last."""
    lines = [part for line in _lines(document) for part in words.lines(line, width, "    ")]
    if document.next is not None and document.next.command is not None:
        lines += ["", f"next: {document.next.command}"]
    return "".join(f"{line}\n" for line in lines)


def _lines(document: Document) -> Iterator[str]:
    gate = document.gate
    if gate and gate.settings:
        yield from (setting_line(name, setting) for name, setting in gate.settings.items())
    failing = [(finding, verdict) for finding, verdict in judged(document) if verdict.fails]
    for finding, verdict in failing:
        standing = standing_words(verdict)
        told = f"{name(finding)}{f' ({standing})' if standing else ''}: {finding.message}"
        yield f"{finding.severity}: {told}{_elsewhere(document, finding)}"
    if gate and len(failing) < gate.failing:
        yield f"Showing {len(failing):,} of {gate.failing:,} failing findings; --all shows all."
    yield decision(document)


def _elsewhere(document: Document, finding: FindingInfo) -> str:
    """Where to go, where neither an agent nor a command says it."""
    where = place(document, finding)
    return f" File: {where}" if where and not finding.agent_id and not finding.fix else ""


def setting_line(name: str, setting: SourcedValue) -> str:
    """`setting: max-age = 1 h (default)`."""
    return f"setting: {name} = {_value(setting)} ({setting.origin})"


def _value(setting: SourcedValue) -> str:
    value = setting.value
    if isinstance(value, tuple | list):
        return ", ".join(value) or "none"
    if setting.unit is not None:
        return duration(value) if setting.unit == "ms" else size(value)
    return "none" if value is None else str(value)
