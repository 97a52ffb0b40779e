"""Entries as a list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.text import Text

from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.head import title
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, more, print_step
from gatewaydoctor.report.screens.blocks.tables import keyed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.place import Place, StoreRef


class Sessions(Struct, frozen=True):
    """The first of `total` rows, and the stores that could not be read to their end, with the reason."""

    place: Place
    rows: list[tuple[StoreRef, Entry]]
    total: int
    problems: tuple[tuple[str, str], ...]
    now: int


def show(console: Console, sessions: Sessions, view: View) -> None:
    fitted(console, view, partial(_draw, sessions=sessions))


def _draw(console: Console, view: View, *, sessions: Sessions) -> None:
    if not view.quiet:
        title(console, sessions.place, view)
        console.print()
    shown = capped(sessions.rows, view)
    if shown:
        rows = [(_cells(entry, sessions.now), view.key(entry.key)) for _, entry in shown]
        keyed(console, ("kind", "status", "updated ago", "size"), "key", rows, left=2)
    if len(shown) == sessions.total:
        console.print(Text(words.plural(sessions.total, "session")))
    more(console, len(shown), sessions.total, "sessions")
    unread = capped(sessions.problems, view)
    for path, reason in unread:
        console.print(Text(f"{path}: {reason}.", "bold"))
    more(console, len(unread), len(sessions.problems), "stores not read")
    print_step(console, view, step(view))


def step(view: View) -> NextStep:
    return NextStep(command=view.invocation.command("status"), why="show their kinds, ages and sizes")


def _cells(entry: Entry, now: int) -> tuple[RenderableType, ...]:
    status = entry.status.value if entry.valid else Text("no object", "bold")
    return entry.kind.value, status, words.since(entry.updated_at, now), words.size(entry.bytes)
