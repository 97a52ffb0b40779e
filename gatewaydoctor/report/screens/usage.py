"""What one usage call costs the gateway."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.release import BEHAVIOURS
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, grid, more, pairs, print_step, section
from gatewaydoctor.report.screens.blocks.tables import NONE

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.model.gateway.usage import UsageCost
    from gatewaydoctor.report.usagetotal import UsageTotal


def _database(facts: DatabaseFacts) -> Text:
    """What is in a database is not in the estimate, which is one of reading files."""
    if isinstance(facts.read, DatabaseFault):
        return Text("its database could not be read", "bold")
    events = facts.read.rows.events
    return Text(f"{events.count:,} events ({words.size(events.bytes)}) in a database, not in the estimate")


def _call(cost: UsageCost, view: View) -> str:
    if BEHAVIOURS[cost.release].sessions_in_database:
        return "reads in a worker"
    whose = f"for agent {view.agent(cost.agent)}" if cost.agent else "for all agents"
    what = f"{words.plural(cost.files, 'file')}, {words.size(cost.bytes)}"
    return f"{whose}: reads {what}, prices {words.plural(cost.usage_lines, 'usage line')}"


def _estimate(cost: UsageCost, *, known: bool) -> str:
    release = f"{cost.release}" if known else f"{cost.release}, whose calls cost most (the release is not known)"
    if not cost.loop_ms:
        return f"almost no time on the event loop, as measured with {release}"
    took = f"{words.duration(cost.loop_ms)} on the event loop, as measured with {release}"
    piece = f", up to {words.duration(cost.block_ms)} at a time" if cost.block_ms else ""
    return f"{took}{piece}; short of memory it takes far longer"


def show(console: Console, judgement: Judgement, total: UsageTotal, view: View) -> None:
    fitted(console, view, partial(_draw, judgement=judgement, total=total))


def _draw(console: Console, view: View, *, judgement: Judgement, total: UsageTotal) -> None:
    head(console, judgement, view)
    section(console, "Transcripts that count as usage")
    table = grid("agent", "files", "size", "lines", "usage lines", "cache")
    heaviest = sorted(total.stores, key=lambda each: -each[1].bytes)
    for store, load in capped(heaviest, view):
        table.add_row(
            view.agent(store.agent_id),
            f"{load.files:,}",
            words.size(load.bytes),
            f"{load.lines:,}" if load.lines is not None else "-",
            f"{load.usage_lines:,}" if load.usage_lines is not None else "-",
            words.size(load.cache_bytes) if load.cache_bytes is not None else NONE,
        )
    console.print(table)
    more(console, len(capped(heaviest, view)), len(heaviest), "stores")
    console.print()
    files = words.plural(total.files, "file")
    lines = f"{words.plural(total.lines, 'line')}, {words.plural(total.usage_lines, 'usage line')}"
    rows = [
        ("total", Text(f"{files}, {words.size(total.bytes)}, {lines}")),
        ("one call", Text(_call(total.cost, view))),
        ("estimate", Text(_estimate(total.cost, known=total.release is not None))),
    ]
    if total.unread:
        rows.append(("not read", Text(words.plural(total.unread, "file"), "bold")))
    rows += [(view.agent(each.agent_id), _database(each)) for each in judgement.examination.databases]
    console.print(pairs(rows))
    print_step(console, view, step(view))


def step(view: View) -> NextStep:
    return NextStep(command=view.invocation.command("explain", "usage-scan-load"), why="what this costs the gateway")
