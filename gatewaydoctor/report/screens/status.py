"""What the sessions are, how old, and what makes the store big."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.examine.databases.databases import DatabaseFacts
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.soundness import Damaged, Unread
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks import rows as database_rows
from gatewaydoctor.report.screens.blocks import tables
from gatewaydoctor.report.screens.blocks.head import head, maintenance
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, grid, more, pairs, print_step, section
from gatewaydoctor.report.screens.blocks.tables import keyed

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.ages import AgeBucket
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.store import StoreReading

MAX_FIELDS = 12
BIGGEST = 5
FEWEST = 3
"""A table with room for fewer rows than this is left out."""


def show(console: Console, judgement: Judgement, ages: dict[int, tuple[AgeBucket, ...]], view: View) -> None:
    """`ages` are the buckets of each store, by its place among the session stores of the examination."""
    fitted(console, view, partial(_draw, judgement=judgement, ages=ages))


def _draw(console: Console, view: View, *, judgement: Judgement, ages: dict[int, tuple[AgeBucket, ...]]) -> None:
    head(console, judgement, view)
    x = judgement.examination
    console.print(f"maintenance {maintenance(x)}")
    stores = x.session_stores
    if len(stores) > 1 and not _is_whole(view):
        _overview(console, judgement, view)
        return
    for place, store in enumerate(capped(stores, view)):
        if isinstance(store, DatabaseFacts):
            _database(console, store, ages[place], x, view)
            continue
        section(
            console,
            f"{view.agent(store.agent_id)}: {view.path_in(store.read.ref.path, x.place.state_dir)}",
        )
        _damage(console, store, "Loads as EMPTY")
        if store.sessions is None:
            unread = store.soundness
            reason = f"cannot be read: {unread.problem.reason}" if isinstance(unread, Unread) else "there is no store"
            console.print(Text(reason, "bold"))
            continue
        if view.verbose:
            _file(console, store.sessions.reading)
        tables.distribution(console, store)
        if store.sessions.counts:
            _ages(console, ages[place])
            if view.rows is not None and view.rows < FEWEST:
                console.print(Text("--all adds the fields and sessions that take space."))
                continue
            _fields(console, store, view)
            _biggest(console, store, view)
    more(console, len(capped(stores, view)), len(stores), "stores")
    if _is_whole(view):
        database_rows.state(console, x, view)
    elif x.state_rows is not None or any(isinstance(store, DatabaseFacts) for store in stores):
        console.print(Text("--all adds what the databases hold and the fields and sessions that take space."))
    print_step(console, view, step(view))


def step(view: View) -> NextStep:
    return NextStep(command=view.invocation.command("scan"), why="show all findings, worst first")


def _is_whole(view: View) -> bool:
    """Whether everything is to be shown, or everything fits."""
    return view.rows is None or view.verbose


def _overview(console: Console, judgement: Judgement, view: View) -> None:
    """A line for each store."""
    stores = judgement.examination.session_stores
    section(console, f"{len(stores)} stores")
    tables.stores(console, stores, view)
    damaged = [each for each in stores if not isinstance(each, DatabaseFacts) and isinstance(each.soundness, Damaged)]
    for store in capped(damaged, view):
        _damage(console, store, f"{view.agent(store.agent_id)}: loads as EMPTY")
    more(console, len(capped(damaged, view)), len(damaged), "damaged stores")
    console.print(Text("--agent NAME shows kinds, ages and fields of one, --all of every one."))
    print_step(console, view, step(view))


def _database(
    console: Console, store: DatabaseFacts, ages: tuple[AgeBucket, ...], x: Examination, view: View
) -> None:
    section(console, f"{view.agent(store.agent_id)}: {view.path_in(store.path, x.place.state_dir)}")
    if store.sessions is None:
        for gap in store.gaps:
            console.print(Text(view.names.text(gap), "bold"))
    else:
        tables.distribution(console, store)
        if store.sessions.counts:
            _ages(console, ages)
            if view.rows is None or view.rows >= FEWEST:
                _fields(console, store, view)
                _biggest(console, store, view)
    if not _is_whole(view):
        return
    database_rows.contents(console, store, x.now, view)
    if isinstance(store.read, DatabaseFault):
        return
    if store.read.weight is not None:
        database_rows.weight(console, store.read.weight, view)


def _damage(console: Console, store: StoreFacts, label: str) -> None:
    if store.sessions is None or not isinstance(store.soundness, Damaged):
        return
    sentence = store.soundness.fault.sentence
    console.print(Text(f"{label}: {sentence}. {words.plural(store.sessions.entries, 'session')} before it.", "bold"))


def _file(console: Console, reading: StoreReading) -> None:
    facts = [("bytes", f"{reading.bytes:,}"), ("layout", reading.layout.value), ("sha256", reading.sha256 or "")]
    console.print(pairs((label, Text(text)) for label, text in facts))
    console.print()


def _ages(console: Console, buckets: tuple[AgeBucket, ...]) -> None:
    table = grid("last touched", "sessions", "running", "size")
    for bucket in buckets:
        if bucket.entries:
            table.add_row(
                bucket.label, f"{bucket.entries:,}", tables.count(bucket.running, "bold"), words.size(bucket.bytes)
            )
    console.print()
    console.print(table)


def _fields(console: Console, store: StoreFacts | DatabaseFacts, view: View) -> None:
    sessions = store.sessions
    if sessions is None or not sessions.field_bytes:
        return
    reading = None if isinstance(store, DatabaseFacts) else store.reading
    total = (reading.bytes if reading else sessions.weights.total()) or 1
    table = grid("field", "sessions", "size", "share", "each")
    limit = None if view.rows is None else min(view.rows, MAX_FIELDS)
    ranked = sessions.field_bytes.most_common(limit)
    for name, size in ranked:
        having = sessions.field_counts[name]
        table.add_row(
            view.names.field(name),
            f"{having:,}",
            words.size(size),
            f"{100 * size / total:.1f} %",
            words.size(size // having),
        )
    console.print()
    console.print(table)
    more(console, len(ranked), len(sessions.field_bytes), "fields")


def _biggest(console: Console, store: StoreFacts | DatabaseFacts, view: View) -> None:
    sessions = store.sessions
    if sessions is None or (view.rows is not None and view.rows < MAX_FIELDS):
        return
    entries = [(size, sessions.table[row]) for size, row in sessions.biggest[: BIGGEST if view.rows else None]]
    rows = [((words.size(size), entry.status.value), view.key(entry.key)) for size, entry in entries]
    console.print()
    keyed(console, ("size", "status"), "biggest sessions", rows, left=2)
