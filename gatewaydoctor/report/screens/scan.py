"""The first screen: the verdict, a line per finding worst first, the words to type for more. All of it fits 80x24."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from gatewaydoctor.checks.nextstep import interrupted
from gatewaydoctor.model.outcome.verdict import Effect, Start
from gatewaydoctor.report.screens import details
from gatewaydoctor.report.screens.blocks.finding_lines import finding_lines
from gatewaydoctor.report.screens.blocks.fitting import fill, height, whole, wrapped
from gatewaydoctor.report.screens.blocks.head import heading
from gatewaydoctor.report.screens.blocks.parts import command_lines

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.outcome.verdict import NextStep, StartVerdict
    from gatewaydoctor.report.screens.blocks.parts import View


LABEL = len("WILL IT START") + 2
MOST_LINES = 8
_WORDS = {Start.YES: "Yes.", Start.NO: "No.", Start.AT_RISK: "At risk.", Start.UNKNOWN: "Cannot tell."}
_STYLE = {Start.YES: "bold green", Start.NO: "bold red", Start.AT_RISK: "bold red", Start.UNKNOWN: "bold yellow"}


def verdict_block(console: Console, verdict: StartVerdict, step: NextStep, view: View, ahead: str = "") -> int:
    """Print it; the number of lines. `ahead` is what the next start does, told where nothing stops it."""
    width = console.width - LABEL
    answer = f"{_WORDS[verdict.start]} {view.names.text(verdict.reason)}"
    blocks = [("WILL IT START", wrapped(answer, width, 3))]
    command = _command(console, step, view)
    typed = sum(-(-(LABEL + cell_len(line)) // console.width) for line in command)
    if verdict.start is Start.YES and ahead:
        taken = len(blocks[0][1]) + typed + bool(command) + 2 * bool(verdict.cause)
        most = 2 if taken + 2 <= MOST_LINES else 1
        blocks.append(("NEXT START", whole(view.names.text(ahead).split("; "), width, most)))
    if verdict.start is not Start.YES:
        blocks.append(("AT STAKE", wrapped(verdict.stake.text, width, 3)))
    if verdict.cause:
        label = "MAIN ISSUE" if verdict.start is Start.YES else "CAUSE"
        room = MOST_LINES - typed - sum(len(text) for _, text in blocks)
        clauses = f"{view.names.text(verdict.cause)}.".split("; ")
        cause = wrapped("; ".join(clauses), width, 3)
        # A cause is not cut: a path that takes several lines may make the block longer than MOST_LINES.
        cause = cause if len(cause) <= room else whole(clauses, width, max(1, room), ".")
        blocks.append((label, cause))
    lines = 0
    for label, text in blocks:
        for at, line in enumerate(text):
            head = Text.assemble((label if at == 0 else "", "bold"))
            head.pad_right(LABEL - len(head))
            shown = Text(line)
            if lines == 0:
                shown.stylize(_STYLE[verdict.start], 0, len(_WORDS[verdict.start]))
            console.print(head + shown, no_wrap=True, overflow="ignore", crop=False)
            lines += 1
    why = wrapped(view.names.text(step.why), width, 2) if command else []
    if verdict.effect is not Effect.LOSES and lines + len(command) + len(why) > MOST_LINES:
        why = []  # but to keep a gateway stopped is always said
    rows = (*((line, "bold green") for line in command), *((line, "") for line in why))
    for at, (line, style) in enumerate(rows):
        head = Text.assemble(("DO" if at == 0 else "", "bold"))
        head.pad_right(LABEL - len(head))
        console.print(head + Text(line, style), no_wrap=True, overflow="ignore", crop=False)
    return lines + len(rows)


def _command(console: Console, step: NextStep, view: View) -> list[str]:
    if step.command is None:
        return []
    return command_lines(view.command(step.command), console.width, LABEL)


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
