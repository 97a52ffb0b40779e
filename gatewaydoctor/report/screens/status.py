"""What the entries are, how old, and what makes the store big."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report import words
from gatewaydoctor.report.screens import tables
from gatewaydoctor.report.screens.parts import View, capped, grid, head, more, next_step, section

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.ages import AgeBucket
    from gatewaydoctor.examine.stores import StoreFacts

MAX_FIELDS = 12


def show(console: Console, judgement: Judgement, ages: dict[int, tuple[AgeBucket, ...]], view: View) -> None:
    """`ages` are the buckets of each store, by its place in the examination."""
    head(console, judgement, view)
    for place, store in enumerate(judgement.examination.stores):
        section(console, f"{view.names.identifier(store.agent_id, 'agent')}: {view.names.path(store.read.ref.path)}")
        if store.survey is None:
            reason = store.read.problem.reason if store.read.problem else "there is no store"
            console.print(Text(reason, "yellow"))
            continue
        tables.distribution(console, store)
        _ages(console, ages[place])
        _fields(console, store, view)
        _biggest(console, store, view)
    next_step(console, "everything that is wrong, worst first:", "gatewaydoctor scan")


def _ages(console: Console, buckets: tuple[AgeBucket, ...]) -> None:
    table = grid("last touched", "entries", "running", "size")
    for bucket in buckets:
        if bucket.entries:
            table.add_row(
                bucket.label, f"{bucket.entries:,}", tables.count(bucket.running, "yellow"), words.size(bucket.bytes)
            )
    console.print()
    console.print(table)


def _fields(console: Console, store: StoreFacts, view: View) -> None:
    survey = store.survey
    if survey is None or not survey.field_bytes:
        return
    total = survey.verdict.bytes or 1
    table = grid("field", "entries", "size", "share", "each")
    limit = None if view.rows is None else MAX_FIELDS
    ranked = survey.field_bytes.most_common(limit)
    for name, size in ranked:
        having = survey.field_counts[name]
        table.add_row(
            view.names.text(name),
            f"{having:,}",
            words.size(size),
            f"{100 * size / total:.1f} %",
            words.size(size // having),
        )
    console.print()
    console.print(table)
    more(console, len(ranked), len(survey.field_bytes), "fields")


def _biggest(console: Console, store: StoreFacts, view: View) -> None:
    survey = store.survey
    if survey is None:
        return
    table = grid("biggest entries", "status", "size", left=2)
    for size, row in capped(survey.biggest, View(view.names, rows=5 if view.rows else None)):
        entry = survey.table[row]
        table.add_row(view.names.key(entry.key), entry.status.value, words.size(size))
    console.print()
    console.print(table)
