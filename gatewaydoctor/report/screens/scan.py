"""The first screen: the verdict, a line per finding worst first, the words to type for more. All of it fits 80x24."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.checks.nextstep import interrupted
from gatewaydoctor.report.screens import details
from gatewaydoctor.report.screens.blocks.finding_lines import finding_lines
from gatewaydoctor.report.screens.blocks.fitting import height
from gatewaydoctor.report.screens.blocks.head import heading
from gatewaydoctor.report.screens.blocks.verdict import verdict_block
from gatewaydoctor.report.screens.blocks.wrapping import fill

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.report.screens.blocks.parts import View


def show(console: Console, judgement: Judgement, view: View, ahead: str = "") -> None:
    """`ahead` is what the next start does, in a line, for a directory that nothing is wrong with."""
    used = 0 if view.quiet else _heading(console, judgement, view)
    step = interrupted(view.pending) if view.pending else judgement.next
    used += verdict_block(console, judgement.verdict, step, view, ahead)
    if view.verbose:
        details.show(console, judgement, view)
        return
    if judgement.findings:
        console.print()
        finding_lines(console, judgement.findings, view, _room(console, view, used))
    if not view.quiet:
        console.print()
        for line in fill(_MORE if judgement.findings else _MORE_HEALTHY, console.width):
            console.print(Text(line, "dim", no_wrap=True))


_MORE = "Details: gatewaydoctor explain RULE | status | cron | stuck | forecast | scan -v"
_MORE_HEALTHY = "Details: gatewaydoctor forecast | status | cron | scan -v"


def _heading(console: Console, judgement: Judgement, view: View) -> int:
    lines = heading(console, judgement.examination, view)
    console.print()
    return lines + 1


def _room(console: Console, view: View, used: int) -> int | None:
    """Lines left for findings: two blanks and the last line are taken."""
    if view.rows is None:
        return None
    return max(4, height(console) - used - 3)
