"""Files nothing reaches, by what they are to people; and entries without a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.transcript import ContentClass
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.parts import View, capped, grid, head, more, next_step, section

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.stores import StoreFacts

WORDS: dict[ContentClass | None, str] = {
    ContentClass.HUMAN: "human turns",
    ContentClass.MACHINE: "machine only",
    ContentClass.HEADER_ONLY: "header only",
    ContentClass.NOT_TRANSCRIPT: "not a transcript",
    None: "not read",
}


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    head(console, judgement, view)
    for store in x.stores:
        section(
            console, f"{view.names.identifier(store.agent_id, 'agent')}: {view.names.path(store.listing.directory)}"
        )
        if not store.transcripts.referenced_known:
            console.print(Text("A store could not be read to its end: what it references is unknown.", "yellow"))
        _classes(console, store, x.now)
        _unindexed(console, store, x.now, view)
        _missing(console, store, view)
    next_step(console, "unindexed history is kept: no file is ever a failure for not being listed.")


def _classes(console: Console, store: StoreFacts, now: int) -> None:
    if not store.classes:
        console.print(Text("no files", "dim"))
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


def _unindexed(console: Console, store: StoreFacts, now: int, view: View) -> None:
    orphans = store.transcripts.orphans
    if not orphans:
        return
    console.print()
    table = grid("unindexed transcripts", "files", "size")
    for content, label in WORDS.items():
        members = [orphan.record.size for orphan in orphans if orphan.content is content]
        if members:
            table.add_row(label, f"{len(members):,}", words.size(sum(members)))
    console.print(table)
    listed = [orphan for orphan in orphans if orphan.content in (ContentClass.HUMAN, None)]
    if not listed:
        return
    console.print()
    table = grid("with human turns (largest first)", "size", "changed")
    for orphan in capped(listed, view):
        table.add_row(
            view.names.text(orphan.record.name), words.size(orphan.record.size), words.age(orphan.record.mtime, now)
        )
    console.print(table)
    more(console, len(capped(listed, view)), len(listed), "files")


def _missing(console: Console, store: StoreFacts, view: View) -> None:
    if store.pointers is None or not store.pointers.missing:
        return
    pointers = store.pointers
    console.print()
    console.print(
        f"{words.plural(pointers.missing, 'entry', 'entries')} without a transcript, "
        f"{pointers.missing_people:,} of them conversations"
    )
    from gatewaydoctor.model.entry import MACHINE_KINDS

    people = [each for each in pointers.listed if each.resolution.missing and each.entry.kind not in MACHINE_KINDS]
    if people:
        table = grid("conversation", "status", "instead", left=3)
        for each in capped(people, view):
            found = view.names.text(each.resolution.found) if each.resolution.found else "-"
            table.add_row(view.names.key(each.entry.key), each.entry.status.value, found)
        console.print(table)
