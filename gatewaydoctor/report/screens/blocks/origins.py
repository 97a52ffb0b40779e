"""Where the sessions of a salvaged store come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.report.screens.blocks.parts import INDENT, View, section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.model.gateway.origins import Origins


def origins(console: Console, found: Sequence[Origins], view: View) -> None:
    """A line per store made from several files; with --all a line per entry, none where tables have no row."""
    for each in found if view.rows != 0 else ():
        if len(each.sources) < 2 and view.rows is not None:
            continue
        parts = [
            f"{'the damaged file' if path == each.target else view.names.path(path.rpartition('/')[2])} {count:,}"
            for path, count in each.sources.most_common()
        ]
        if view.rows == 1:
            console.print(Text(f"Sessions from {'; '.join(parts)}."))
            continue
        section(console, "Where the sessions come from")
        console.print(
            Padding(Text(f"{'; '.join(parts)}. The newest version of each session wins."), (0, 0, 0, INDENT))
        )
        for key, source in each.entries if view.rows is None else ():
            line = Text.assemble(view.names.key(key), "  from  ", view.names.path(source.rpartition("/")[2]))
            console.print(Padding(line, (0, 0, 0, INDENT)))
