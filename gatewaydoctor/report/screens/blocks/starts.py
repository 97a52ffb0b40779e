"""What the next start does, now and after a plan, in a few words each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report.screens.blocks.fitting import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.model.repair.plan import StartEvent
    from gatewaydoctor.report.screens.blocks.parts import View

_WORTH = (
    *(
        "refuses",
        "empties",
        "evicts",
        "idle",
        "imports",
        "resumes",
        "fires",
        "catches-up",
        "sends",
        "reaps",
        "announces",
    ),
    "validates",
)
"""Kinds of events that a plan tells, what is lost first."""
_GRAVE = ("refuses", "empties", "evicts")
"""They are told however little room there is."""
NAMED = 3
"""More names than this are not told with an event of a plan; `forecast` tells them."""
MANY_ROWS = 8
"""Where tables have fewer rows than this, what a start does takes a line."""
_LABEL = len("Start after  ")


def starts(console: Console, before: Sequence[StartEvent], after: Sequence[StartEvent], view: View) -> None:
    """What a start does now, and what it does after the plan."""
    if not before and not after:
        return
    if view.rows is None or view.rows >= MANY_ROWS:
        console.print()
    most = 40 if view.rows is None else 1 if view.rows < MANY_ROWS else 2
    for label, events in (("Start now", before), ("Start after", after)):
        if not events:
            continue
        worth = sorted((each for each in events if each.kind in _WORTH), key=_rank)
        told = [_event(event, view, brief=most == 1) for event in worth] or ["nothing of note"]
        grave = sum(each.kind in _GRAVE for each in worth)
        for at, line in enumerate(whole(told, console.width - _LABEL, most, " with --all", max(1, grave))):
            head = Text.assemble((label if at == 0 else "", "bold"))
            head.pad_right(_LABEL - len(head))
            console.print(head + Text(line), no_wrap=True, crop=False)


def _rank(event: StartEvent) -> tuple[bool, int]:
    """What is lost first, and last that nothing is done: there may be no room for it."""
    return not event.how_many and event.kind not in _GRAVE, _WORTH.index(event.kind)


def _event(event: StartEvent, view: View, *, brief: bool) -> str:
    """An event; briefly without what follows from it and without names."""
    may = "" if event.certain else "may: "
    if brief:
        return f"{may}{view.names.text(event.what.partition('; ')[0].partition(', ')[0])}"
    names = f" ({', '.join(map(view.names.text, event.who[:NAMED]))})" if event.kind in ("fires", "resumes") else ""
    names = names if event.who and len(event.who) <= NAMED else ""
    return f"{may}{view.names.text(event.what.partition('; ')[0])}{names}"
