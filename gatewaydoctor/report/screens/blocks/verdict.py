"""The first lines of the first screen: will it start, what is at stake, why, what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.report.screens.blocks.parts import command_lines
from gatewaydoctor.report.screens.blocks.wrapping import fill, wrapped

if TYPE_CHECKING:
    from rich.console import Console

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
    if verdict.start is Start.YES and ahead:
        taken = len(blocks[0][1]) + len(command) + bool(command) + 2 * bool(verdict.cause)
        most = 2 if taken + 2 <= MOST_LINES else 1
        blocks.append(("NEXT START", _events(view.names.text(ahead), width, most)))
    if verdict.start is not Start.YES:
        blocks.append(("AT STAKE", wrapped(verdict.stake.text, width, 2)))
    if verdict.cause:
        label = "MAIN ISSUE" if verdict.start is Start.YES else "CAUSE"
        # The command comes first, and a line for what it does.
        room = MOST_LINES - sum(len(text) for _, text in blocks) - len(command) - bool(command)
        blocks.append((label, wrapped(view.names.text(verdict.cause) + ".", width, min(3, max(1, room)))))
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
    why = wrapped(view.names.text(step.why), width, 2)[: max(0, MOST_LINES - lines - len(command))] if command else []
    rows = (*((line, "bold green") for line in command), *((line, "") for line in why))
    for at, (line, style) in enumerate(rows):
        head = Text.assemble(("DO" if at == 0 else "", "bold"))
        head.pad_right(LABEL - len(head))
        console.print(head + Text(line, style), no_wrap=True, overflow="ignore", crop=False)
    return lines + len(rows)


def _events(ahead: str, width: int, most: int) -> list[str]:
    """Events in at most so many lines; but for the first two, those there is no room for are left out whole."""
    events = ahead.split("; ")
    shown = len(events)
    while shown > 2 and len(fill("; ".join((*events[:shown], "…")), width)) > most:
        shown -= 1
    told = ahead if shown == len(events) else "; ".join((*events[:shown], "…"))
    return wrapped(told, width, most)


def _command(console: Console, step: NextStep, view: View) -> list[str]:
    if step.command is None:
        return []
    return command_lines(view.invocation.complete(view.names.command(step.command)), console.width, LABEL)
