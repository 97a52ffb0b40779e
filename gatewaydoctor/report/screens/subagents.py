"""The subagent registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report import words
from gatewaydoctor.report.screens.parts import View, capped, findings, grid, head, more, next_step, pairs, section

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    registry = x.subagents
    head(console, judgement, view)
    section(console, "Subagent registry")
    rows = [
        ("file", Text(f"{view.names.path(registry.path)}: {registry.read.value}, {words.size(registry.bytes)}")),
        ("runs", Text(f"{registry.runs:,} (version {registry.version})" if registry.runs else "none")),
    ]
    if registry.reason:
        rows.append(("problem", Text(view.names.text(registry.reason), "red")))
    for label, counts in (
        ("spawn mode", registry.by_spawn_mode),
        ("cleanup", registry.by_cleanup),
        ("state", {state.value: count for state, count in registry.by_state.items()}),
    ):
        if counts:
            text = ", ".join(f"{count:,} {view.names.text(word)}" for word, count in counts.items())
            rows.append((label, Text(text)))
    rows += [
        ("never archived", Text(f"{registry.never_archived:,}", "yellow" if registry.never_archived else "")),
        ("orphaned", Text(f"{registry.orphaned:,}", "yellow" if registry.orphaned else "")),
        ("oldest", Text(words.age(registry.oldest, x.now))),
    ]
    console.print(pairs(rows))
    if registry.rows:
        console.print()
        table = grid("child session", "mode", "state", "created", "ended", left=3, gap=1)
        for run in capped(registry.rows, view):
            table.add_row(
                view.names.key(run.child_key or "?"),
                view.names.text(run.spawn_mode),
                run.state.value + (" orphaned" if run.orphaned else ""),
                words.age(run.created_at, x.now),
                words.age(run.ended_at, x.now) if run.ended_at else Text("·", "dim"),
            )
        console.print(table)
        more(console, len(capped(registry.rows, view)), registry.notable, "runs worth a look")
    related = judgement.of("subagent*")
    if related:
        section(console, "Findings")
        findings(console, related, view, now=x.now)
    next_step(console, "everything that is wrong, worst first:", "gatewaydoctor scan")
