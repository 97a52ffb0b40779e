"""A line for each finding, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.report import words
from gatewaydoctor.report.briefs import brief
from gatewaydoctor.report.screens.blocks.parts import SEVERITY_STYLE, View
from gatewaydoctor.report.screens.blocks.wrapping import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.model.outcome.finding import Finding


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
    for finding in shown:
        line = Text(finding.severity.word, SEVERITY_STYLE[finding.severity])
        line.pad_right(_SEVERITY - len(line))
        line.append(finding.rule.ljust(rule + 1), "bold")
        room = console.width - 2 if width < _NARROWEST else width if finding.agent_id else full
        told = view.names.text(brief(finding, room))
        if width >= _NARROWEST:
            line.append(cut(told, room))
        if finding.agent_id and agent <= _WIDEST:
            line.pad_right(max(0, console.width - agent - len(line)))
            line.append(view.agent(finding.agent_id), "dim")
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
        if width < _NARROWEST:
            console.print(Text(f"  {cut(told, console.width - 2)}"), no_wrap=True, crop=False)
    if rest := findings[len(shown) :]:
        counts = (
            words.plural(count, severity.word, severity.word if severity is not Severity.WARNING else None)
            for severity in sorted(Severity, reverse=True)
            if (count := sum(finding.severity is severity for finding in rest))
        )
        console.print(Text(f"{', '.join(counts)} more with -v", "dim"))


_SEVERITY = len("critical") + 1
_NARROWEST = 16
"""Cells that a few words need; where there are fewer they take a line of their own."""
_WIDEST = 14
"""An agent with a longer name is told with -v."""
