"""What one usage call costs the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report import words
from gatewaydoctor.report.screens.parts import View, capped, grid, head, more, next_step, pairs, section

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.cli.usage import UsageTotal


def show(console: Console, judgement: Judgement, total: UsageTotal, view: View) -> None:
    head(console, judgement, view)
    section(console, "What one sessions.usage call reads")
    table = grid("agent", "files", "size", "lines", "largest", "cache")
    for store, load in capped(total.stores, view):
        table.add_row(
            view.names.identifier(store.agent_id, "agent"),
            f"{load.files:,}",
            words.size(load.bytes),
            f"{load.lines:,}" if load.lines is not None else "-",
            words.size(load.largest),
            words.size(load.cache_bytes) if load.cache_bytes is not None else Text("·", "dim"),
        )
    console.print(table)
    more(console, len(capped(total.stores, view)), len(total.stores), "stores")
    console.print()
    rows = [
        ("together", Text(f"{total.files:,} files, {words.size(total.bytes)}, {total.lines:,} lines")),
        (
            "estimate",
            Text(
                f"{words.duration(total.estimate_ms)} on the event loop at {words.size(total.bytes_per_second)}/s "
                f"(assumed; measured for JSON.parse line by line)"
            ),
        ),
    ]
    console.print(pairs(rows))
    next_step(console, "what the rule means:", "gatewaydoctor explain usage-scan-load")
