"""`status`: what the entries are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats

if TYPE_CHECKING:
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.sessions.ages import AgeBucket
    from gatewaydoctor.examine.sessions.stores import StoreFacts


def status(run: Run) -> Outcome:
    """Counts sessions by status and kind and by the age of updatedAt, and lists the fields and sessions that take the
    most room."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.examine.sessions.ages import age_buckets
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.databases import database_details, state_details
    from gatewaydoctor.report.screens import status as screen

    only_formats(run, "status", "text", "json")
    judgement = look(run, Depth(weigh=True))
    x = judgement.examination
    seen = view(run, x)
    ages = {
        place: age_buckets((entry for _, entry in store.sessions.rows()) if store.sessions else (), x.now)
        for place, store in enumerate(x.session_stores)
    }
    details: dict[str, Any] = {
        "stores": [_details(store, ages[place]) for place, store in enumerate(x.session_stores)]
    }
    if x.databases:
        details["databases"] = [database_details(each) for each in x.databases]
    if x.state is not None:
        details["state"] = state_details(x)
    return Outcome(
        "status",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, ages, seen),
        next=screen.step(seen),
    )


def _details(store: StoreFacts | DatabaseFacts, ages: tuple[AgeBucket, ...]) -> dict[str, Any]:
    sessions = store.sessions
    biggest = sessions.biggest if sessions else ()
    entries = [(size, sessions.table[row]) for size, row in biggest] if sessions else []
    return {
        "path": str(store.path),
        "ages": [
            {"age": each.label, "entries": each.entries, "running": each.running, "bytes": each.bytes}
            for each in ages
        ],
        "biggest": [{"key": entry.key, "status": entry.status.value, "bytes": size} for size, entry in entries],
    }
