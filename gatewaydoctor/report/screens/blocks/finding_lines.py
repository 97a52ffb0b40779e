"""A line for each finding, worst first: a few words, with figures from its evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

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


def finding_lines(console: Console, findings: Sequence[Finding], view: View, room: int | None) -> None:
    """A line each, worst first. Notes give way first; what is left out is counted."""
    shown = list(findings if room is None or len(findings) <= room else findings[: room - 1])
    if room is not None and len(findings) > room:
        while shown and shown[-1].severity is Severity.INFO:
            shown.pop()
    rule = max((len(finding.rule) for finding in shown), default=0)
    agents = {finding.agent_id for finding in findings if finding.agent_id}
    agent = max((len(view.agent(each)) for each in agents), default=0)
    full = console.width - _SEVERITY - rule - 1
    width = full - (agent + 1 if agent <= _WIDEST else 0)
    agent = agent if width >= _NARROWEST else _WIDEST + 1
    texts = []
    for finding in shown:
        cells = console.width - 2 if width < _NARROWEST else width if finding.agent_id else full
        texts.append(cut(view.names.text(brief(finding, cells)), cells))
    # On a wide terminal the agents stay near the texts.
    longest = max(map(cell_len, texts), default=0)
    edge = min(console.width, max(_COLUMNS, _SEVERITY + rule + 1 + longest + 2 + agent))
    for finding, told in zip(shown, texts, strict=True):
        line = Text.assemble((finding.severity.word, SEVERITY_STYLE[finding.severity]))
        line.pad_right(_SEVERITY - len(line))
        line.append(finding.rule.ljust(rule + 1), "bold")
        if width >= _NARROWEST:
            line.append(told)
        if finding.agent_id and agent <= _WIDEST:
            line.pad_right(max(0, edge - agent - line.cell_len))
            line.append(view.agent(finding.agent_id))
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
        if width < _NARROWEST:
            console.print(Text(f"  {told}"), no_wrap=True, crop=False)
    if rest := findings[len(shown) :]:
        counts = (
            words.of_severity(count, severity.word)
            for severity in sorted(Severity, reverse=True)
            if (count := sum(finding.severity is severity for finding in rest))
        )
        console.print(Text(f"{', '.join(counts)} more with -v"))


_SEVERITY = len("critical") + 1
_NARROWEST = 16
"""Cells that a few words need; where there are fewer they take a line of their own."""
_COLUMNS = 80
_WIDEST = 14
"""An agent with a longer name is told with -v."""
