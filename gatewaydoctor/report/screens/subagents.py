"""The subagent registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, more, pairs, print_step, section, within
from gatewaydoctor.report.screens.blocks.tables import NONE, keyed
from gatewaydoctor.report.screens.findings import related, step_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.database.reading import SubagentRows
    from gatewaydoctor.model.gateway.subagents import SubagentRegistry, SubagentRun
    from gatewaydoctor.model.outcome.verdict import NextStep


RELATED = "subagent*"


def show(console: Console, judgement: Judgement, view: View) -> None:
    fitted(console, view, partial(_draw, judgement=judgement))


def _draw(console: Console, view: View, *, judgement: Judgement) -> None:
    x = judgement.examination
    registry = x.subagents
    head(console, judgement, view)
    read = registry.read not in (RegistryRead.MISSING, RegistryRead.UNREADABLE)
    size = f", {words.size(registry.bytes)}" if read else ""
    section(console, f"{view.path_in(registry.path, x.place.state_dir)}: {registry.read.value}{size}")
    if registry.reason:
        console.print(Text(view.names.text(registry.reason), "bold"))
    if registry.runs:
        console.print(pairs(_counts(registry, x.now, view)))
    else:
        known = registry.read is not RegistryRead.UNREADABLE
        console.print(Text("no runs" if known else "its runs could not be read"))
    if registry.rows:
        console.print()
        _runs(console, registry.rows, registry.notable, x.now, view)
    if x.state_rows is not None and x.eras.state is not None:
        _rows(console, x.state_rows.subagents, within(x.eras.state.path, x.place.state_dir), x.now, view)
    related(console, judgement.of(RELATED), view)
    print_step(console, view, step(judgement, view))


def step(judgement: Judgement, view: View) -> NextStep:
    return step_of(judgement.of(RELATED), view)


def _counts(registry: SubagentRegistry, now: int, view: View) -> Iterator[tuple[str, Text]]:
    yield "runs", Text(f"{registry.runs:,} (version {registry.version})")
    for label, counts in (
        ("spawn mode", registry.by_spawn_mode),
        ("cleanup", registry.by_cleanup),
        ("state", {state.value: count for state, count in registry.by_state.items()}),
    ):
        if counts:
            shown = view.names.fields(counts.items())
            yield label, Text(", ".join(f"{count:,} {word}" for word, count in shown.items()))
    yield "never archived", Text(f"{registry.never_archived:,}", "bold" if registry.never_archived else "")
    yield "orphaned", Text(f"{registry.orphaned:,}", "bold" if registry.orphaned else "")
    yield "oldest", Text(words.age(registry.oldest, now))


def _rows(console: Console, found: SubagentRows, path: Path, now: int, view: View) -> None:
    """The runs of the state database."""
    section(console, f"{view.names.path(path)}: {words.plural(found.count, 'run')}")
    if found.count:
        console.print(Text(", ".join(f"{count:,} {word}" for word, count in found.by_state.items())))
        console.print()
        _runs(console, found.rows, found.count, now, view)


def _runs(console: Console, runs: Sequence[SubagentRun], total: int, now: int, view: View) -> None:
    if view.counts_only and total > 1:
        console.print(Text(f"--all lists {words.plural(total, 'notable run')}."))
        return
    rows = [(_cells(run, now, view), view.key(run.child_key or "?")) for run in capped(runs, view)]
    keyed(console, ("mode", "state", "created ago", "ended ago"), "child session", rows, left=2)
    more(console, len(capped(runs, view)), total, "notable runs")


def _cells(run: SubagentRun, now: int, view: View) -> tuple[RenderableType, ...]:
    state = f"{run.state.value}, orphaned" if run.orphaned else run.state.value
    ended = words.since(run.ended_at, now) if run.ended_at else NONE
    return view.names.field(run.spawn_mode), state, words.since(run.created_at, now), ended
