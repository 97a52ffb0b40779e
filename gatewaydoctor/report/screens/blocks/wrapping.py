"""Keys and paths in narrow places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from rich.measure import Measurement
from rich.text import Text

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions

_IN_TIME = r"(?<= \d\d):(?=\d\d(?!\d))"
_PARTS = regex(rf"(?:[^:/ ]|{_IN_TIME})*(?:[/ ]|(?!{_IN_TIME}):)|(?:[^:/ ]|{_IN_TIME})+")
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
    """A sentence in at most so many lines; what is left out ends in dots."""
    lines = [line.rstrip() for line in fill(text, max(width, 8))]
    return lines if len(lines) <= most else [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}", width)]


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
