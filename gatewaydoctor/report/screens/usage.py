"""What one usage call costs the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.gateway.database import Fault
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, more, next_step, pairs, section
from gatewaydoctor.report.screens.blocks.tables import NONE

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.databases import DatabaseFacts
    from gatewaydoctor.report.usagetotal import UsageTotal


def _database(facts: DatabaseFacts) -> Text:
    """What is in a database is not in the estimate, which is one of reading files."""
    if isinstance(facts.read, Fault):
        return Text("its database could not be read", "yellow")
    events = facts.read.rows.events
    return Text(f"{events.count:,} events ({words.size(events.bytes)}) in a database, not in the estimate")


def show(console: Console, judgement: Judgement, total: UsageTotal, view: View) -> None:
    head(console, judgement, view)
    section(console, "What one sessions.usage call reads")
    table = grid("agent", "files", "size", "lines", "largest", "cache")
    heaviest = sorted(total.stores, key=lambda each: -each[1].bytes)
    for store, load in capped(heaviest, view):
        table.add_row(
            view.agent(store.agent_id),
            f"{load.files:,}",
            words.size(load.bytes),
            f"{load.lines:,}" if load.lines is not None else "-",
            words.size(load.largest),
            words.size(load.cache_bytes) if load.cache_bytes is not None else NONE,
        )
    console.print(table)
    more(console, len(capped(heaviest, view)), len(heaviest), "stores")
    console.print()
    files = words.plural(total.files, "file")
    estimate = f"{words.duration(total.estimate_ms)} on the event loop of a gateway with memory to spare"
    rows = [
        ("together", Text(f"{files}, {words.size(total.bytes)}, {words.plural(total.lines, 'line')}")),
        ("estimate", Text(f"{estimate}; short of memory it takes far longer")),
    ]
    if total.unread:
        rows.append(("not read", Text(words.plural(total.unread, "file"), "yellow")))
    rows += [(view.agent(each.agent_id), _database(each)) for each in judgement.examination.databases]
    console.print(pairs(rows))
    next_step(console, view, "what this costs the gateway:", view.invocation.command("explain usage-scan-load"))
