"""The pieces every screen is built from: tables, sections, commands, the next step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.regex import regex
from gatewaydoctor.report.invocation import PLAIN, Invocation
from gatewaydoctor.report.screens.blocks.fitting import Jointed, ends, height, lines
from gatewaydoctor.report.words import lines as prose_lines
from gatewaydoctor.report.words import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from gatewaydoctor.model.clock import Clock
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.outcome.verdict import NextStep
    from gatewaydoctor.report.names import Names

T = TypeVar("T")

SEVERITY_STYLE = {
    Severity.CRITICAL: "critical",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "",
}
LIVENESS_WORD = {Liveness.LIVE: "running", Liveness.DEAD: "not running", Liveness.UNKNOWN: "cannot tell"}
LIVENESS_STYLE = {Liveness.LIVE: "alarm", Liveness.DEAD: "", Liveness.UNKNOWN: "bold"}
INDENT = 4


class View(Struct, frozen=True):
    """How much to show, and how to show names. `rows` caps tables; None shows all. `quiet` leaves out the head and
    the next step. `pending` ends a run that was interrupted: it is always the next step.
    `clock` is told where it is a fixed one."""

    names: Names
    verbose: bool = False
    rows: int | None = 12
    quiet: bool = False
    invocation: Invocation = PLAIN
    pending: NextStep | None = None
    clock: Clock | None = None

    def key(self, key: str) -> Jointed:
        return Jointed(self.names.key(key))

    def path(self, path: object) -> Jointed:
        return Jointed(self.names.path(path))

    def path_in(self, path: Path, state_dir: Path) -> str:
        """A path as it is told under a heading that names the state directory."""
        return self.names.path(within(path, state_dir))

    @property
    def counts_only(self) -> bool:
        """There is room for a line only: a list is told by its length."""
        return self.rows == 1

    def command(self, command: Command) -> Command:
        """As it is typed to look where this run looked."""
        return self.invocation.complete(self.names.command(command))

    def prose(self, text: str) -> str:
        """Sentences of the program, the commands in backticks as they are typed to look where this run looked."""
        return self.invocation.hinted(self.names.text(text))

    def agent(self, agent_id: str) -> str:
        return self.names.identifier(agent_id, "agent")


def within(path: Path, state_dir: Path) -> Path:
    """The path as it is told under a heading that names the state directory."""
    return path.relative_to(state_dir) if path.is_relative_to(state_dir) else path


def moment(at: int | None) -> str:
    """An epoch-ms time in UTC to the minute."""
    if at is None:
        return "-"
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def pairs(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Label and text, a line each."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, value)
    return table


def grid(*columns: str, left: int = 1, last: str | None = None) -> Table:
    """A table without lines: the first `left` columns are text, the others numbers. `last` names a text column behind
    them, for keys and paths: it takes the room that is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(columns):
        number = place >= left
        table.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=number or last is not None,
            overflow="ellipsis" if number else "fold",
        )
    if last is not None:
        table.add_column(last, overflow="fold")
    return table


def section(console: Console, title: str) -> None:
    """A title in at most two lines: of one with a longer path the middle is left out."""
    console.print()
    for line in ends(title, console.width):
        console.print(Text(line, "bold", no_wrap=True))


def more(console: Console, shown: int, total: int, what: str) -> None:
    """Say what a cap left out."""
    if shown < total:
        console.print(Text(f"Showing {shown:,} of {total:,} {what}; --all shows all."))


def capped(items: Sequence[T], view: View) -> Sequence[T]:
    return items if view.rows is None else items[: view.rows]


def print_command(console: Console, label: Text, command: Command, indent: int) -> None:
    """A command behind its label, pasted whole even where it needs more than one line: those end in a backslash. A
    word that is longer than a line stays whole, too."""
    label.pad_right(indent - len(label))
    text = label.append("\n".join(command_lines(command, console.width, indent)), "bold")
    console.print(text, no_wrap=True, overflow="ignore", crop=False)


def command_lines(command: Command, width: int, indent: int, others: int | None = None) -> list[str]:
    """A command in lines that fit the width; all but the last end in a backslash. The first has no blanks in front
    and is shown behind `indent` of them; the others begin with theirs."""
    return _continued(_arguments(quoted(command)), width, indent, indent + INDENT if others is None else others)


def _continued(arguments: Iterable[str], width: int, indent: int, others: int) -> list[str]:
    hang = " " * others
    lines = [""]
    for words in arguments:
        at = indent if len(lines) == 1 else 0
        if lines[-1] and at + len(lines[-1]) + 1 + len(words) > width - 2:
            lines.append(f"{hang}{words}")
        else:
            lines[-1] += f" {words}" if lines[-1] else words
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def typed_height(lines: Sequence[str], width: int, indent: int) -> int:
    """Lines of the screen that such a command takes, the first behind `indent` blanks."""
    return sum(-(-(indent * (at == 0) + cell_len(line)) // width) for at, line in enumerate(lines))


def _arguments(quoted_words: Iterable[str]) -> list[str]:
    """The words of a command, each option together with its value."""
    grouped: list[str] = []
    for word in quoted_words:
        if grouped and grouped[-1].startswith("--") and " " not in grouped[-1] and not word.startswith("-"):
            grouped[-1] += f" {word}"
        else:
            grouped.append(word)
    return grouped


def print_prose(console: Console, label: Text, text: str, indent: int) -> None:
    """Sentences behind their label. A command in them that is longer than a line is pasted whole nevertheless: its
    lines end in a backslash."""
    label.pad_right(indent - len(label))
    lines: list[str] = []
    for line in prose_lines(text, console.width - indent):
        whole = "`" not in line or cell_len(line) <= console.width - indent
        parts = [line] if whole else _continued(_arguments(_WORDS.findall(line)), console.width - indent, 0, INDENT)
        lines += parts
    shown = label.append(("\n" + " " * indent).join(lines))
    console.print(shown, no_wrap=True, overflow="ignore", crop=False)


_WORDS = regex(r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+|['\"]")
"""Words of a command in a sentence; what is in quotes is part of one."""


def print_step(console: Console, view: View, step: NextStep) -> None:
    """The next step as JSON has it, last on the screen."""
    next_step(console, view, f"{step.why}{':' if step.command else '.'}", step.command)


def next_step(console: Console, view: View, text: str, command: Command | None = None) -> None:
    """The one thing to do now, last on the screen. `command` is complete."""
    if view.quiet:
        return
    if view.pending and view.pending.command:
        text, command = f"{view.pending.why}:", view.invocation.complete(view.pending.command)
    console.print()
    console.print(Text.assemble(("next: ", "bold"), text))
    if command:
        print_command(console, Text(), command, len("next: "))


def fitted(console: Console, view: View, draw: Callable[[Console, View], None], least: int = 1) -> None:
    """Draw with as many rows in a table as the terminal has lines for, at least so many; with all of them where that
    is asked for."""
    if view.rows is None or view.verbose:
        draw(console, view)
        return
    low, high = least, view.rows
    if lines(console, _with(draw, view)) > height(console):
        while low < high:
            middle = (low + high) // 2
            if lines(console, _with(draw, replace(view, rows=middle))) <= height(console):
                low = middle + 1
            else:
                high = middle
        high = max(least, high - 1)
    draw(console, replace(view, rows=high))


def _with(draw: Callable[[Console, View], None], view: View) -> Callable[[Console], None]:
    return lambda console: draw(console, view)
