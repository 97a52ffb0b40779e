"""Tables of things with long names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.report.screens.blocks.parts import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType
    from rich.segment import Segment

    from gatewaydoctor.report.screens.blocks.wrapping import Jointed

Row = tuple["tuple[RenderableType, ...]", "Jointed"]


def keyed(console: Console, columns: Sequence[str], label: str, rows: Sequence[Row], *, left: int = 1) -> None:
    """A table with a key or path to each row: as its last column where all of them fit there, else each on the line
    below its row."""
    short = grid(*columns, left=left)
    for cells, _ in rows:
        short.add_row(*cells)
    room = console.width - console.measure(short).maximum
    lines = console.render_lines(short, pad=False)
    if all(cell_len(key.text) <= room for _, key in rows) or len(lines) != len(rows) + 1:
        table = grid(*columns, left=left, last=label)
        for cells, key in rows:
            table.add_row(*cells, key)
        console.print(table)
        return
    console.print(_text(lines[0]) + Text(f" ({label} below)", "dim"))
    for line, (_, key) in zip(lines[1:], rows, strict=True):
        console.print(_text(line))
        console.print(Padding(key, (0, 0, 0, 2)))


def _text(line: list[Segment]) -> Text:
    text = Text.assemble(*((segment.text, segment.style or "") for segment in line), no_wrap=True)
    text.rstrip()
    return text
