"""Screens that fit the terminal unless more is asked for; keys and paths in narrow places."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.measure import Measurement
from rich.text import Text

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import ConsoleOptions


_IN_TIME = r"(?<= \d\d):(?=\d\d(?!\d))"
_PARTS = regex(rf"(?:[^:/ ]|{_IN_TIME})*(?:[/ ]|(?!{_IN_TIME}): ?)|(?:[^:/ ]|{_IN_TIME})+")
_SMALL_PARTS = regex(r"[^-_.]*[-_.]|[^-_.]+")


class Jointed:
    """A key or a path that is broken behind `:`, `/` and blanks where the line is too short, and elsewhere only where
    one of its parts alone is longer than the line. A time of day stays whole."""

    def __init__(self, text: str, style: str = "") -> None:
        self.text = text
        self.style = style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(map(cell_len, _PARTS.findall(self.text)), default=0)
        return Measurement(longest, cell_len(self.text)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in fill(self.text, options.max_width):
            yield Text(line, self.style, no_wrap=True, overflow="ignore")


class Parted:
    """A text with what is in parentheses at its end on a line of its own, where one line is too short for both."""

    def __init__(self, text: str) -> None:
        head, joint, tail = text.partition(" (")
        self.parts = (head, f"({tail}") if joint and tail.endswith(")") else (text,)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        whole = Text(" ".join(self.parts))
        return Measurement.get(console, options, whole)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        whole = Text(" ".join(self.parts), overflow="fold")
        if len(self.parts) == 1 or whole.cell_len <= options.max_width:
            yield whole
            return
        yield Text(self.parts[0], overflow="fold")
        yield Text(f"  {self.parts[1]}", overflow="fold")


def fill(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, each as long as its joints allow."""
    lines = [""]
    for part in _pieces(text, width):
        if cell_len(lines[-1]) + cell_len(part) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return [line for line in lines if line] or [""]


def wrapped(text: str, width: int, most: int) -> list[str]:
    """A sentence in at most so many lines; dots stand for the words that are left out."""
    lines = [line.rstrip() for line in fill(text, max(width, 8))]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{fill(lines[most - 1], max(width - 2, 8))[0].rstrip()} …"]


def whole(parts: Sequence[str], width: int, most: int, more: str = "", least: int = 1) -> list[str]:
    """Parts in at most so many lines, none of them cut: the last are left out and counted, with `more` behind the
    count. The first `least` are always there, on as many lines as they need."""
    for shown in range(len(parts), 0, -1):
        rest = len(parts) - shown
        told = "; ".join((*parts[:shown], *([f"{rest:,} more{more}"] if rest else [])))
        lines = [line.rstrip() for line in fill(told, max(width, 8))]
        if len(lines) <= most or shown <= least:
            return lines
    return []


def ends(text: str, width: int) -> list[str]:
    """The text in at most two lines: of a longer one the middle is left out."""
    lines = fill(text, width)
    if len(lines) <= 2:
        return lines
    last = lines[-1][1 - width :]
    for part in reversed(_PARTS.findall("".join(lines[:-1]))):
        if cell_len(part) + cell_len(last) >= width:
            break
        last = f"{part}{last}"
    return [lines[0], f"…{last}"]


def cut(text: str, width: int) -> str:
    """The text in so many cells, with dots where it was longer."""
    if cell_len(text) <= width:
        return text
    return f"{chop_cells(text, max(1, width - 1))[0].rstrip()}…"


def _pieces(text: str, width: int) -> Iterator[str]:
    for part in _PARTS.findall(text):
        if cell_len(part) <= width:
            yield part
            continue
        for small in _SMALL_PARTS.findall(part):
            yield from chop_cells(small, width)


ROWS = 24
"""Lines of the smallest terminal that screens are made for, and of output that goes elsewhere."""


def height(console: Console) -> int:
    """Lines that a screen may have: the prompt takes one."""
    return (max(console.height, ROWS) if console.is_terminal else ROWS) - 1


def lines(console: Console, draw: Callable[[Console], None]) -> int:
    """How many lines a terminal of this width would show."""
    file = StringIO()
    draw(Console(file=file, width=console.width, height=ROWS, markup=False, highlight=False, emoji=False))
    return sum(max(1, -(-cell_len(line) // console.width)) for line in file.getvalue().splitlines())
