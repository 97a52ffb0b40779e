"""What happens from the moment the gateway starts, a line or two for each event."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.text import Text

from gatewaydoctor.model.outcome.forecast import Certainty, EventKind
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.model.words import duration
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.fitting import ends, wrapped
from gatewaydoctor.report.screens.blocks.parts import View, fitted, moment, print_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.model.outcome.forecast import Event, Forecast

LABEL = 10
_AT_ONCE_MS = 15_000
NAMED = 3
MOST_LINES = 16


def show(console: Console, forecast: Forecast, place: Place, view: View, command: str) -> None:
    """`command` is what to type next."""
    most = view if view.rows is None else replace(view, rows=MOST_LINES)
    fitted(console, most, partial(_draw, forecast=forecast, place=place, command=command))


def _draw(console: Console, view: View, *, forecast: Forecast, place: Place, command: str) -> None:
    who = forecast.release or "a gateway"
    if not view.quiet:
        title = f"If {who} starts now on {view.names.path(place.state_dir)} ({moment(forecast.now)} UTC):"
        for line in ends(title, console.width):
            console.print(Text(line, "bold", no_wrap=True))
        console.print()
    lines(console, forecast.events, view)
    if not view.quiet:
        for line in _sums(forecast):
            console.print(Text(line))
    print_step(console, view, step(view, command))


def step(view: View, command: str) -> NextStep:
    return NextStep(command=view.invocation.command(command), why="the verdict and what is wrong")


def lines(console: Console, events: Sequence[Event], view: View) -> None:
    """Events in order, each under the time it happens, in at most as many lines as a table has rows; what is not
    shown is counted."""
    left = view.rows
    hidden = 0
    width = max(LABEL, *(len(when(event.at)) + 1 for event in events), 0)
    for label, together in groupby(events, key=lambda event: when(event.at)):
        first = True
        for event in together:
            told = list(_told(event, console.width - width, view))
            if left is not None and len(told) > left:
                hidden, left = hidden + 1, 0
                continue
            left = None if left is None else left - len(told)
            for line in told:
                head = Text.assemble((label if first else "", "bold"))
                head.pad_right(width - len(head))
                console.print(head + Text(line), no_wrap=True, overflow="ignore", crop=False)
                first = False
    if hidden:
        console.print(Text(f"{words.plural(hidden, 'event')} more with --all"))


def when(at: int | None) -> str:
    """`at once`, `+ 2 min`, `then` for what has no time."""
    if at is None:
        return "then"
    if at <= _AT_ONCE_MS:
        return "at once"
    unit = 3_600_000 if at >= 3_600_000 else 60_000 if at >= 60_000 else 1_000
    return f"+ {duration(round(at / unit) * unit)}"


def _told(event: Event, width: int, view: View) -> Iterator[str]:
    may = "may: " if event.certainty is Certainty.MAY else ""
    shown = event.who if view.rows is None else event.who[:NAMED]
    more = f", and {len(event.who) - len(shown):,} more" if len(event.who) > len(shown) else ""
    names = f": {', '.join(view.names.text(name) for name in shown)}{more}" if shown and _named(event) else ""
    source = f" ({event.source})" if view.verbose and event.source else ""
    yield from wrapped(f"{may}{view.names.text(event.what)}{names}{source}", width, 9 if view.rows is None else 3)


def _named(event: Event) -> bool:
    """Paths are told with -v's sources, not here."""
    return event.kind not in (
        EventKind.LOADS,
        EventKind.SENDS,
        EventKind.GIVES_UP,
        EventKind.WRITES,
        EventKind.IMPORTS,
        EventKind.EMPTIES,
    )


def _sums(forecast: Forecast) -> Iterator[str]:
    if not forecast.starts:
        return
    parts = [words.plural(forecast.turns, "model turn")] if forecast.turns else []
    parts += [words.plural(forecast.messages, "message")] if forecast.messages else []
    yield ""
    yield f"Cost within the hour: {' and '.join(parts) or 'no model turn and no message'}, heartbeats not counted."


def in_brief(forecast: Forecast) -> str:
    """The few events that matter on the first screen, in one line."""
    matter = (
        EventKind.EVICTS,
        EventKind.RESUMES,
        EventKind.FIRES,
        EventKind.CATCHES_UP,
        EventKind.SENDS,
        EventKind.REAPS,
        EventKind.IDLE,
    )
    told = [event for event in forecast.events if event.kind in matter]
    told.sort(key=lambda event: (not event.how_many, matter.index(event.kind)))
    return "; ".join(_short(event) for event in told[:4]) + ("." if told else "")


def _short(event: Event) -> str:
    what = event.what.partition("; ")[0]
    return f"may: {what}" if event.certainty is Certainty.MAY else what
