"""The first screen: the verdict, a line per finding worst first, the words to type for more. All of it fits 80x24."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from rich.text import Text

from gatewaydoctor.checks.nextstep import spare
from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.report.screens import details
from gatewaydoctor.report.screens.blocks.finding_lines import finding_lines
from gatewaydoctor.report.screens.blocks.fitting import fill, height, whole, wrapped
from gatewaydoctor.report.screens.blocks.head import heading
from gatewaydoctor.report.screens.blocks.parts import INDENT, command_lines, print_command, typed_height
from gatewaydoctor.report.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.outcome.verdict import NextStep, StartVerdict
    from gatewaydoctor.report.screens.blocks.parts import View


LABEL = len("WILL IT START") + 2
MOST_LINES = 8
_COLUMNS = 80
"""For so many the lines are counted; on a narrower terminal there are more."""
_WORDS = {Start.YES: "Yes.", Start.NO: "No.", Start.AT_RISK: "At risk.", Start.UNKNOWN: "Cannot tell."}
_STYLE = {Start.YES: "bold", Start.NO: "alarm", Start.AT_RISK: "alarm", Start.UNKNOWN: "bold"}


_CAPS = ((3, 3, 3), (3, 3, 2), (3, 3, 1), (3, 2, 1), (3, 1, 1))
"""Most lines of the answer, of what is at stake and of the cause: what gives way first is behind."""


class _Answer(Struct, frozen=True):
    """An answer of the verdict. Clauses that find no room are counted, with `end` behind the count."""

    label: str
    clauses: tuple[str, ...]
    most: int = 3
    end: str = ""

    def lines(self, screen: int, cap: int) -> list[str]:
        width, most = screen - LABEL, min(cap, self.most) * _scale(screen)
        told = whole(self.clauses, width, most, self.end)
        return told if len(told) <= most else wrapped("; ".join(self.clauses), width, most)


class _Block(Struct, frozen=True):
    """The lines of a verdict. Those of a command that is below it are not among them."""

    answers: list[list[str]]
    command: list[str]
    why: list[str]

    def height(self, width: int) -> int:
        return sum(map(len, self.answers)) + typed_height(self.command, width, LABEL) + len(self.why)


def verdict_block(console: Console, verdict: StartVerdict, step: NextStep, view: View, ahead: str = "") -> int:
    """Print it; the number of lines. `ahead` is what the next start does, told where nothing stops it.

    The block has at most `MOST_LINES`, however long the names in it are. The command is whole: one that leaves no
    room for the answers is below the block.
    """
    answers = _answers(verdict, view, ahead)
    command = view.command(step.command) if step.command else None
    why = view.names.text(step.why) if command else ""
    blocks = _blocks(answers, command, why, console.width, needed=not spare(step))
    block = next(each for each in blocks if each.height(console.width) <= MOST_LINES * _scale(console.width))
    for answer, lines in zip(answers, block.answers, strict=True):
        texts = [Text(line) for line in lines]
        if answer is answers[0]:
            texts[0].stylize(_STYLE[verdict.start], 0, len(_WORDS[verdict.start]))
        _print(console, answer.label, texts)
    typed = [Text("\n".join(block.command), "bold")] if block.command else []
    _print(console, "DO", [*typed, *map(Text, block.why)])
    height = block.height(console.width)
    if command and not block.command:
        console.print()
        print_command(console, Text(), command, 0)
        height += 1 + typed_height(command_lines(command, console.width, 0), console.width, 0)
    return height


def _scale(screen: int) -> int:
    return max(1, -(-_COLUMNS // max(1, screen)))


def _answers(verdict: StartVerdict, view: View, ahead: str) -> list[_Answer]:
    answers = [_Answer("WILL IT START", (f"{_WORDS[verdict.start]} {view.names.text(verdict.reason)}",))]
    if verdict.start is not Start.YES:
        answers.append(_Answer("AT STAKE", (verdict.stake.text,)))
    elif ahead:
        answers.append(_Answer("NEXT START", tuple(view.names.text(ahead).split("; ")), most=2))
    if verdict.cause:
        label = "MAIN ISSUE" if verdict.start is Start.YES else "CAUSE"
        answers.append(_Answer(label, tuple(f"{view.names.text(verdict.cause)}.".split("; ")), end="."))
    return answers


def _blocks(
    answers: Sequence[_Answer], command: Command | None, why: str, screen: int, *, needed: bool
) -> Iterator[_Block]:
    """The same in ever fewer lines, the last with the command below it."""
    width = screen - LABEL
    told = [[answer.lines(screen, cap) for answer, cap in zip(answers, caps, strict=False)] for caps in _CAPS]
    if command is None:
        yield from (_Block(each, [], []) for each in told)
        return
    broken = [command_lines(command, screen, LABEL, others) for others in (None, INDENT)]
    scale = _scale(screen)
    reasons = (wrapped(why, width, 2 * scale), wrapped(why, width, scale) if needed else [])
    yield from (_Block(told[0], typed, reason) for reason in reasons for typed in broken)
    layouts = (*broken, [" ".join(quoted(command))])
    yield from (_Block(each, typed, reasons[1]) for each in told for typed in layouts)
    below = [wrapped(f"the command below: {why}", width, most) for most in (2, 1)]
    yield from (_Block(each, [], reason) for reason in below for each in told)


def _print(console: Console, label: str, lines: Sequence[Text]) -> None:
    for at, line in enumerate(lines):
        head = Text.assemble((label if at == 0 else "", "bold"))
        head.pad_right(LABEL - len(head))
        console.print(head + line, no_wrap=True, overflow="ignore", crop=False)


def show(console: Console, judgement: Judgement, view: View, ahead: str = "") -> None:
    """`ahead` is what the next start does, in a line, for a directory that nothing is wrong with."""
    used = 0 if view.quiet else _heading(console, judgement, view)
    step = view.pending or judgement.next
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
            console.print(Text(line, no_wrap=True))


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
    return max(2, height(console) - used - 3)
