"""The first screen: the verdict, a line per finding worst first, the words to type for more. All of it fits 80x24."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor import __version__
from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.nextstep import interrupted
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.report import words
from gatewaydoctor.report.briefs import brief
from gatewaydoctor.report.screens import details
from gatewaydoctor.report.screens.blocks.parts import SEVERITY_STYLE, View, moment
from gatewaydoctor.report.screens.blocks.verdict import verdict_block
from gatewaydoctor.report.screens.blocks.wrapping import cut, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.outcome.finding import Finding

ROWS = 24
"""Lines of the smallest terminal this is made for. The prompt takes one."""
_LIVENESS = {
    Liveness.LIVE: ("gateway running", "bold red"),
    Liveness.DEAD: ("gateway not running", "green"),
    Liveness.UNKNOWN: ("cannot tell if a gateway runs", "bold yellow"),
}
_ERAS = {Era.FILES: "files", Era.MIXED: "files and database", Era.SQLITE: "database"}


def show(console: Console, judgement: Judgement, view: View, ahead: str = "") -> None:
    """`ahead` is what the next start does, in a line, for a directory that nothing is wrong with."""
    used = 0 if view.quiet else _title(console, judgement, view)
    step = interrupted(view.pending) if view.pending else judgement.next
    used += verdict_block(console, judgement.verdict, step, view, ahead)
    if view.verbose:
        details.show(console, judgement, view)
        return
    if judgement.findings:
        console.print()
        _lines(console, judgement.findings, view, _room(console, view, used))
    if not view.quiet:
        console.print()
        for line in fill(_MORE if judgement.findings else _MORE_HEALTHY, console.width):
            console.print(Text(line, "dim", no_wrap=True))


_MORE = "Details: gatewaydoctor explain RULE | status | cron | stuck | forecast | scan -v"
_MORE_HEALTHY = "Details: gatewaydoctor forecast | status | cron | scan -v"


def _room(console: Console, view: View, used: int) -> int | None:
    """Lines left for findings: two blanks and the last line are taken."""
    if view.rows is None:
        return None
    height = max(console.height, ROWS) if console.is_terminal else ROWS
    return max(4, height - 1 - used - 3)


def _title(console: Console, judgement: Judgement, view: View) -> int:
    """Directory, release, era and gateway; the program's name where there is room. The number of lines."""
    x = judgement.examination
    path = view.names.path(x.place.state_dir)
    release = release_name(x.config.release) or "release unknown"
    eras = {agent.era for agent in x.eras.agents} or {Era.FILES}
    era = " and ".join(dict.fromkeys(_ERAS[each] for each in Era if each in eras)).replace("files and files", "files")
    said, style = _LIVENESS[x.gateway.liveness]
    facts = Text.assemble(f"{release}, {era}   ", (said, style))
    program = f"gatewaydoctor {__version__}"
    lines = []
    if len(path) + 3 + len(facts) <= console.width:
        lines.append(Text.assemble((path, "bold"), "   ", facts))
    else:
        lines += [Text(line, "bold") for line in fill(path, console.width)]
        lines.append(facts)
    if len(lines[-1]) + 3 + len(program) <= console.width:
        lines[-1].pad_right(console.width - len(lines[-1]) - len(program))
        lines[-1].append(program, "dim")
    if view.clock is not None and view.clock.fixed:
        told = f"clock {moment(x.now)} UTC, {words.fixed_clock(view.clock)}"
        lines += [Text(line, "yellow") for line in fill(told, console.width)]
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    console.print()
    return len(lines) + 1


def _lines(console: Console, findings: Sequence[Finding], view: View, room: int | None) -> None:
    """A line each, worst first. Notes give way first; what is left out is counted."""
    shown = list(findings if room is None or len(findings) <= room else findings[: room - 1])
    if room is not None and len(findings) > room:
        while shown and shown[-1].severity is Severity.INFO:
            shown.pop()
    rule = max((len(finding.rule) for finding in shown), default=0)
    agents = {finding.agent_id for finding in findings if finding.agent_id}
    agent = max((len(view.agent(each)) for each in agents), default=0)
    width = console.width - _SEVERITY - rule - 1 - (agent + 1 if agent <= _WIDEST else 0)
    agent = agent if width >= _NARROWEST else _WIDEST + 1
    for finding in shown:
        line = Text(finding.severity.word, SEVERITY_STYLE[finding.severity])
        line.pad_right(_SEVERITY - len(line))
        line.append(finding.rule.ljust(rule + 1), "bold")
        told = view.names.text(brief(finding))
        if width >= _NARROWEST:
            line.append(cut(told, width))
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
