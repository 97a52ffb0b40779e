"""What an examination did not see, so that no screen says there is nothing where nothing was examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words

if TYPE_CHECKING:
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.report.screens.blocks.parts import View


def unseen(x: Examination) -> str | None:
    """The worst gap in a few words; None where everything was seen."""
    unread = sum(store.read.ref.exists and store.sessions is None for store in x.stores)
    unread += sum(database.sessions is None for database in x.databases)
    if unread:
        return f"{words.plural(unread, 'session store')} could not be read"
    if any(not store.whole for store in x.session_stores):
        return "a store was not read completely"
    if x.skipped:
        return f"{words.plural(len(x.skipped), 'path')} could not be read"
    return None


def step_unless(x: Examination, view: View, text: str) -> NextStep:
    """The next step where nothing was found: none, for the reason `text`, or how to see what was not seen."""
    gap = unseen(x)
    if gap is None:
        return NextStep(command=None, why=text)
    again = " Scan again as the user the gateway runs as;" if _forbidden(x) else ""
    why = f"{gap}, so this is not all.{again} {'what' if again else 'What'} is wrong"
    return NextStep(command=view.invocation.command("scan"), why=why)


def _forbidden(x: Examination) -> bool:
    problems = (problem for store in x.stores for problem in (store.read.problem, store.listing.problem))
    return any(problem is not None and problem.obstacle is Obstacle.FORBIDDEN for problem in problems)
