"""Files that nothing refers to, by what they hold; and sessions without a transcript."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.gaps import step_unless
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, grid, more, print_step, section
from gatewaydoctor.report.screens.blocks.tables import count, keyed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts

WORDS: dict[ContentClass | None, str] = {
    ContentClass.HUMAN: "conversations",
    ContentClass.MACHINE: "machine messages only",
    ContentClass.HEADER_ONLY: "header only",
    ContentClass.NOT_TRANSCRIPT: "not a transcript",
    None: "not read",
}


def show(console: Console, judgement: Judgement, view: View) -> None:
    fitted(console, view, partial(_draw, judgement=judgement))


def _draw(console: Console, view: View, *, judgement: Judgement) -> None:
    x = judgement.examination
    head(console, judgement, view)
    known = all(store.transcripts.referenced_known for store in x.stores)
    if not known:
        console.print(Text("Which files a damaged store references is not known.", "bold"))
    if len(x.stores) + len(x.databases) > 1 and view.rows is not None and not view.verbose:
        _overview(console, x, view)
    else:
        _each(console, x, view)
    print_step(console, view, step(x, view))


def step(x: Examination, view: View) -> NextStep:
    archives = [each for store in x.stores for each in store.transcripts.archives]
    command = view.invocation.command
    if any(each.content is ContentClass.HUMAN and each.until is not None for each in archives):
        why = "the gateway will delete archives with people's history; how to keep them"
        return NextStep(command=command("explain", "archived-history"), why=why)
    known = all(store.transcripts.referenced_known for store in x.stores)
    if known and any(store.transcripts.orphans for store in x.stores):
        why = "unindexed transcripts are kept; what they are and where they come from"
        return NextStep(command=command("explain", "transcript-unindexed"), why=why)
    return step_unless(x, view, "every transcript is indexed; nothing to do")


def _overview(console: Console, x: Examination, view: View) -> None:
    """A line for each directory and database."""
    section(console, f"Transcripts of {words.plural(len(x.stores) + len(x.databases), 'place')}")
    table = grid("agent", "where", "transcripts", "size", "unindexed", "conversations", "sessions without", left=2)
    table.padding = (0, 1, 0, 0)
    rows: list[tuple[RenderableType, ...]] = []
    for store in x.stores:
        facts, lost = store.transcripts, store.transcripts.orphans
        people = sum(each.content is ContentClass.HUMAN for each in lost)
        missing = store.pointers.missing if store.pointers else 0
        counts = (count(len(lost), "bold"), count(people, "bold"), count(missing))
        rows.append((view.agent(store.agent_id), "files", f"{facts.files:,}", words.size(facts.bytes), *counts))
    for database in x.databases:
        if isinstance(database.read, DatabaseFault):
            rows.append((view.agent(database.agent_id), "database", Text("cannot be read", "bold")))
            continue
        found = database.read.rows
        counts = (
            count(found.lost_events, "bold"),
            count(found.lost_of_people, "bold"),
            count(found.silent),
        )
        size = words.size(found.events.bytes)
        rows.append((view.agent(database.agent_id), "database", f"{found.events.sessions:,}", size, *counts))
    for row in capped(rows, view):
        table.add_row(*row)
    console.print(table)
    more(console, len(capped(rows, view)), len(rows), "places")
    console.print(Text("unindexed: transcripts that no session refers to. --all lists them by name."))


def _each(console: Console, x: Examination, view: View) -> None:
    for store in capped(x.stores, view):
        section(
            console,
            f"{view.agent(store.agent_id)}: {view.path_in(store.listing.directory, x.place.state_dir)}",
        )
        _classes(console, store, x.now)
        _unowned(console, store)
        _archives(console, store, x.now)
        _unindexed(console, store, x.now, view)
        _missing(console, store, view)
    more(console, len(capped(x.stores, view)), len(x.stores), "directories")
    for database in x.databases:
        _database(console, database, view)


def _database(console: Console, database: DatabaseFacts, view: View) -> None:
    """Sessions without a transcript and transcripts without a session, in a database."""
    if isinstance(database.read, DatabaseFault):
        return
    rows = database.read.rows
    section(console, f"{view.agent(database.agent_id)}: {view.names.path(database.path)}")
    console.print(f"{rows.events.count:,} events of {words.plural(rows.events.sessions, 'session')}")
    console.print(f"{words.plural(rows.silent, 'session', 'sessions')} without a transcript")
    lost = words.plural(rows.lost_events, "transcript")
    people = f", {rows.lost_of_people:,} with a conversation" if rows.lost_events else ""
    console.print(Text(f"{lost} of no session{people}", "bold" if rows.lost_events else ""))


def _classes(console: Console, store: StoreFacts, now: int) -> None:
    if not store.classes:
        problem = store.listing.problem
        reason = f"cannot be listed: {problem.reason}" if problem and not problem.missing else "no files"
        console.print(Text(reason, "bold" if problem and not problem.missing else ""))
        return
    table = grid("class", "files", "size", "oldest", "newest")
    for cls, total in sorted(store.classes.items(), key=lambda item: -item[1].bytes):
        table.add_row(
            cls.value,
            f"{total.count:,}",
            words.size(total.bytes),
            words.age(total.oldest, now),
            words.age(total.newest, now),
        )
    console.print(table)


def _unowned(console: Console, store: StoreFacts) -> None:
    """Sidecars whose session is gone; nothing is known of them where the index is not."""
    facts = store.transcripts
    if facts.referenced_known and facts.unowned_sidecars:
        files = words.plural(facts.unowned_sidecars, "sidecar")
        console.print(f"{files} ({words.size(facts.unowned_bytes)}) of sessions not in any index")


def _archives(console: Console, store: StoreFacts, now: int) -> None:
    """Transcripts that were set aside, by what is in them, and when the gateway deletes the first."""
    archives = store.transcripts.archives
    if not archives:
        return
    console.print()
    table = grid("archives of resets and removed sessions", "files", "size", "oldest", "first is deleted")
    for content, label in WORDS.items():
        members = [each for each in archives if each.content is content]
        if not members:
            continue
        ends = [each.until for each in members if each.until is not None]
        end = (
            "never"
            if not ends
            else f"in {words.duration(min(ends) - now)}"
            if min(ends) > now
            else "at the next save"
        )
        table.add_row(
            label,
            f"{len(members):,}",
            words.size(sum(each.record.size for each in members)),
            words.age(min(each.record.at for each in members), now),
            end,
        )
    console.print(table)


def _unindexed(console: Console, store: StoreFacts, now: int, view: View) -> None:
    orphans = store.transcripts.orphans
    if not orphans:
        return
    console.print()
    known = store.transcripts.referenced_known
    table = grid("unindexed transcripts" if known else "not in the readable part of the index", "files", "size")
    for content, label in WORDS.items():
        members = [orphan.record.size for orphan in orphans if orphan.content is content]
        if members:
            table.add_row(label, f"{len(members):,}", words.size(sum(members)))
    console.print(table)
    listed = [orphan for orphan in orphans if orphan.content in (ContentClass.HUMAN, None)]
    if not listed:
        return
    console.print()
    records = [orphan.record for orphan in capped(listed, view)]
    rows = [((words.size(r.size), words.since(r.mtime, now)), view.path(r.name)) for r in records]
    keyed(console, ("size", "changed ago"), "conversations, largest first", rows, left=0)
    more(console, len(capped(listed, view)), len(listed), "files")


def _missing(console: Console, store: StoreFacts, view: View) -> None:
    if store.pointers is None or not store.pointers.missing:
        return
    pointers = store.pointers
    console.print()
    sessions, lost = words.plural(pointers.missing, "session"), pointers.missing_people
    conversations = words.plain_plural(lost, "a conversation", "conversations")
    console.print(f"{sessions} without a transcript, {f'{lost:,}' if lost else 'none'} of them {conversations}")
    from gatewaydoctor.model.gateway.entry import MACHINE_KINDS

    people = [each for each in pointers.listed if each.resolution.missing and each.entry.kind not in MACHINE_KINDS]
    if not people:
        return
    instead = any(each.resolution.found for each in people)
    table = grid("status", last="conversation" + (", and what is there instead" if instead else ""))
    for each in capped(people, view):
        found = [view.path(each.resolution.found)] if each.resolution.found else []
        table.add_row(each.entry.status.value, Group(view.key(each.entry.key), *found))
    console.print(table)
    more(console, len(capped(people, view)), pointers.missing_people, "conversations")
