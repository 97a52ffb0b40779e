"""`check` for people and logs: a line per failing finding, and the decision."""

from __future__ import annotations

from itertools import accumulate, chain
from shlex import split
from typing import TYPE_CHECKING

from gatewaydoctor.model.words import duration, size
from gatewaydoctor.report import words
from gatewaydoctor.report.verdicts import decision, judged, name, place, standing_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.model.outcome.gate import SourcedValue
    from gatewaydoctor.model.outcome.report import Document, FindingInfo


def render(document: Document) -> str:
    findings = list(_findings(document))
    told = (*_settings(document), *findings, *_left_out(document, len(findings)), decision(document))
    return "".join(f"{line}\n" for line in told)


def on_terminal(document: Document, width: int, height: int | None) -> str:
    """The same for a person at a terminal of so many lines, None for everything: lines break between words, and the
    next step comes last."""

    def wrapped(texts: Iterable[str]) -> list[str]:
        return [part for text in texts for part in words.lines(text, width, "    ")]

    step = document.next.command if document.next is not None else None
    ends = ["", *_typed(step, width)] if step else []
    settings, end = wrapped(_settings(document)), wrapped([decision(document)])
    findings = [wrapped([each]) for each in _findings(document)]
    room = (height or 0) - 1 - len(settings) - len(end) - len(ends)
    shown = findings
    if height is not None and sum(map(len, findings)) > room:
        heights = accumulate(map(len, findings))
        shown = findings[: max(1, sum(lines < room for lines in heights))]
    told = [*settings, *chain.from_iterable(shown), *_left_out(document, len(shown)), *end, *ends]
    return "".join(f"{line}\n" for line in told)


def _typed(command: str, width: int) -> list[str]:
    """The command behind `next: `, whole where it needs more than one line: those end in a backslash."""
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.report.screens.blocks.parts import command_lines

    if "$'" in command:  # a name that only a shell reads back
        return [f"next: {command}"]
    first, *others = split(command)
    lines = command_lines(Command(tuple(others), (first,)), width, len("next: "))
    return [f"next: {lines[0]}", *lines[1:]]


def _settings(document: Document) -> Iterator[str]:
    if document.gate and document.gate.settings:
        yield from (setting_line(name, setting) for name, setting in document.gate.settings.items())


def _findings(document: Document) -> Iterator[str]:
    """A line for each that fails."""
    for finding, verdict in judged(document):
        if verdict.fails:
            standing = standing_words(verdict)
            told = f"{name(finding)}{f' ({standing})' if standing else ''}: {finding.message}"
            yield f"{finding.severity}: {told}{_elsewhere(document, finding)}"


def _left_out(document: Document, shown: int) -> Iterator[str]:
    gate = document.gate
    if gate and shown < gate.failing:
        yield f"Showing {shown:,} of {gate.failing:,} failing findings; --all shows all."


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
