"""What an examination did not see, so that no screen says there is nothing where nothing was examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.parts import View, next_step

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.examine.examination import Examination


def unseen(x: Examination) -> str | None:
    """The worst gap in a few words; None where everything was seen."""
    unread = sum(store.read.ref.exists and store.survey is None for store in x.stores)
    unread += sum(database.sessions is None for database in x.databases)
    if unread:
        return f"{words.plural(unread, 'session store')} could not be read"
    if any(not store.whole for store in x.session_stores):
        return "a session store could not be read completely"
    if x.skipped:
        return f"{words.plural(len(x.skipped), 'path')} could not be read"
    return None


def next_unless(console: Console, x: Examination, view: View, text: str) -> None:
    """The last line of a screen that found nothing: `text`, or what was not seen and how to see it."""
    gap = unseen(x)
    if gap is None:
        next_step(console, view, text)
        return
    again = " Scan again as the user the gateway runs as;" if _forbidden(x) else ""
    step = f"{gap}, so this is not all.{again} {'what' if again else 'What'} is wrong:"
    next_step(console, view, step, view.invocation.command("scan"))


def _forbidden(x: Examination) -> bool:
    problems = (problem for store in x.stores for problem in (store.read.problem, store.listing.problem))
    return any(problem is not None and problem.obstacle is Obstacle.FORBIDDEN for problem in problems)
