"""A line for each finding, worst first: a few words, with figures from its evidence."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text

from gatewaydoctor.checks.effects import headline
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.fitting import cut
from gatewaydoctor.report.screens.blocks.parts import SEVERITY_STYLE, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from gatewaydoctor.model.outcome.finding import Finding

    Brief = Callable[[Mapping[str, Any], int], str]


def brief(finding: Finding, width: int) -> str:
    """What was found, without a full stop; no name and no id from a file is in it. Clauses that `width` cells have
    no room for are left out, the last first; one clause alone may be longer."""
    said = finding.brief or _clause(finding.message)
    if len(said) > width and finding.agent_id:
        said = said.removeprefix("the database of an agent ").removeprefix("has ").removesuffix(" before the damage")
    while len(said) > width and (shorter := _JOINT.sub("", said)) != said:
        said = shorter
    return said


_JOINT = re.compile(r"(?:, |: |; | \()(?:(?!, |: |; | \().)*$")
"""The last clause of a sentence."""


def _clause(message: str) -> str:
    """The first clause of a message, as the continuation of a line."""
    first = headline(message)
    return first.partition("; ")[0].partition(" where ")[0].rstrip(",") if len(first) > _LONG else first


_LONG = 44


class _Line(Struct, frozen=True):
    """A line of the list: its finding, and how many more there are that other agents have just so."""

    finding: Finding
    others: int = 0

    def agent(self, view: View) -> str:
        """Whose it is; empty without an agent, or where the name is too long for the column."""
        if not self.finding.agent_id:
            return ""
        name = view.agent(self.finding.agent_id)
        if self.others:
            named = f"{name}, {self.others:,} more"
            return named if len(named) <= _WIDEST else f"{self.others + 1:,} agents"
        return name if len(name) <= _WIDEST else ""


def _lines(findings: Sequence[Finding], room: int | None) -> list[_Line]:
    """The lines there is room for. Where each finding has one of its own in it, that is what it gets; else what
    several agents have is one line, and notes give way first."""
    if room is None or len(findings) <= room:
        return [_Line(finding) for finding in findings]
    together: dict[tuple[object, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        own = None if finding.agent_id else number
        together.setdefault((finding.rule, finding.severity, own), []).append(finding)
    lines = [_Line(first, len(others)) for first, *others in together.values()]
    if len(lines) <= room:
        return lines
    lines = lines[: room - 1]
    while lines and lines[-1].finding.severity is Severity.INFO:
        lines.pop()
    return lines


def finding_lines(console: Console, findings: Sequence[Finding], view: View, room: int | None) -> None:
    """A line each, worst first; what is left out is counted."""
    shown = _lines(findings, room)
    rule = max((len(line.finding.rule) for line in shown), default=0)
    agent = max((len(line.agent(view)) for line in shown), default=0)
    full = console.width - _SEVERITY - rule - 1
    width = full - (agent + 1 if agent else 0)
    if width < _NARROWEST:
        agent = 0
    texts = []
    for line in shown:
        cells = console.width - 2 if width < _NARROWEST else width if line.finding.agent_id else full
        texts.append(cut(view.names.text(brief(line.finding, cells)), cells))
    # On a wide terminal the agents stay near the texts.
    longest = max(map(cell_len, texts), default=0)
    edge = min(console.width, max(_COLUMNS, _SEVERITY + rule + 1 + longest + 2 + agent))
    for line, told in zip(shown, texts, strict=True):
        finding = line.finding
        row = Text.assemble((finding.severity.word, SEVERITY_STYLE[finding.severity]))
        row.pad_right(_SEVERITY - len(row))
        row.append(finding.rule.ljust(rule + 1), "bold")
        if width >= _NARROWEST:
            row.append(told)
        if agent and (whose := line.agent(view)):
            row.pad_right(max(0, edge - agent - row.cell_len))
            row.append(whose)
        console.print(row, no_wrap=True, overflow="ignore", crop=False)
        if width < _NARROWEST:
            console.print(Text(f"  {told}"), no_wrap=True, crop=False)
    _rest(console, findings, shown)


def _rest(console: Console, findings: Sequence[Finding], shown: Sequence[_Line]) -> None:
    """How many findings have no part in a line, by severity."""
    left = Counter(finding.severity for finding in findings)
    for line in shown:
        left[line.finding.severity] -= 1 + line.others
    counts = [
        words.of_severity(left[severity], severity.word) for severity in sorted(left, reverse=True) if left[severity]
    ]
    if counts:
        console.print(Text(f"{', '.join(counts)} more with -v"))


_SEVERITY = len("critical") + 1
_NARROWEST = 16
"""Cells that a few words need; where there are fewer they take a line of their own."""
_COLUMNS = 80
_WIDEST = 14
"""Cells of the column of agents; one with a longer name is told with -v."""
