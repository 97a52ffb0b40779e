"""Screens that fit the terminal unless more is asked for."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.report.screens.blocks.parts import View

ROWS = 24
"""Lines of the smallest terminal that screens are made for, and of output that goes elsewhere."""


def height(console: Console) -> int:
    """Lines that a screen may have: the prompt takes one."""
    return (max(console.height, ROWS) if console.is_terminal else ROWS) - 1


def fitted(console: Console, view: View, draw: Callable[[Console, View], None]) -> None:
    """Draw with as many rows in a table as the terminal has lines for; with all of them where that is asked for."""
    if view.rows is None or view.verbose:
        draw(console, view)
        return
    low, high = 1, view.rows
    if lines(console, _with(draw, view)) > height(console):
        while low < high:
            middle = (low + high) // 2
            if lines(console, _with(draw, replace(view, rows=middle))) <= height(console):
                low = middle + 1
            else:
                high = middle
        high = max(1, high - 1)
    draw(console, replace(view, rows=high))


def _with(draw: Callable[[Console, View], None], view: View) -> Callable[[Console], None]:
    return lambda console: draw(console, view)


def lines(console: Console, draw: Callable[[Console], None]) -> int:
    """How many lines a terminal of this width would show."""
    file = StringIO()
    draw(Console(file=file, width=console.width, markup=False, highlight=False, emoji=False))
    return sum(max(1, -(-cell_len(line) // console.width)) for line in file.getvalue().splitlines())
