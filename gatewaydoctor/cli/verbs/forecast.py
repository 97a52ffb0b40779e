"""`forecast`: what happens when the gateway starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.forecast import Event, Forecast


def forecast(run: Run) -> Outcome:
    """Lists, in order, what a start of the release in use would do with the directory: what it refuses, loads,
    overwrites or drops, sessions resumed with model turns, cron jobs that fire, messages sent, registry rows settled
    or deleted. A line with `may` depends on something no file shows; --verbose names what each line follows from."""
    from gatewaydoctor.checks.start.forecast import forecast as predict
    from gatewaydoctor.checks.start.state import as_it_is
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.screens import forecast as screen

    only_formats(run, "forecast", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    found = predict(as_it_is(x, judgement.verdict))
    return Outcome(
        "forecast",
        exit_code(x),
        run,
        judgement,
        seen.names,
        details={"forecast": told(found)},
        screen=lambda console: screen.show(console, found, x.place, seen, "scan"),
        next=screen.step(seen, "scan"),
    )


def told(found: Forecast) -> dict[str, Any]:
    """A forecast as JSON holds it; names are shown or redacted where it is printed."""
    return {
        "release": found.release,
        "starts": found.starts,
        "turns": found.turns,
        "events": [_event(event) for event in found.events],
    }


def _event(event: Event) -> dict[str, Any]:
    cost = event.cost
    return {
        "kind": event.kind.value,
        "atMs": event.at,
        "what": event.what,
        "who": list(event.who),
        "howMany": event.how_many,
        "cost": {
            "turns": cost.turns,
            "messages": cost.messages,
            "bytes": cost.bytes,
            "heapBytes": cost.heap,
            "ms": cost.ms,
        },
        "certainty": event.certainty.value,
        "source": event.source,
    }
