"""`stuck`: entries marked running and are not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.verbs.scan import StuckAfter
from gatewaydoctor.cli.words.durations import parse_span

if TYPE_CHECKING:
    from gatewaydoctor.examine.sessions.stuck import RunningEntry


def stuck(run: Run, *, stuck_after: StuckAfter = "1h") -> Outcome:
    """Shows the evidence for each session: its times, its transcript's mtime, and whether the gateway is running.
    While one is running nothing is called stuck."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.screens import stuck as screen

    only_formats(run, "stuck", "text", "json")
    judgement = look(run, Depth(stuck_after=parse_span(stuck_after, "--stuck-after")))
    x = judgement.examination
    seen = view(run, x)
    stores = x.session_stores
    listed = islice(((store.agent_id, each) for store in stores for each in store.running), _most(run))
    details = {
        "running": sum(len(store.running) for store in stores),
        "stuck": sum(len(store.stuck) for store in stores),
        "stuckAfterMs": x.depth.stuck_after,
        "entries": [_told(agent_id, each) for agent_id, each in listed],
    }
    return Outcome(
        "stuck",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, seen),
        next=screen.step(judgement, seen),
    )


def _most(run: Run) -> int | None:
    from gatewaydoctor.report.document import CAP

    return None if run.options.all else CAP


def _told(agent_id: str, each: RunningEntry) -> dict[str, Any]:
    return {
        "agentId": agent_id,
        "key": each.entry.key,
        "kind": each.entry.kind.value,
        "sessionId": each.entry.session_id,
        "updatedAt": each.entry.updated_at,
        "startedAt": each.entry.started_at,
        "transcriptMtimeMs": each.transcript_mtime,
        "lastSignOfLifeMs": each.last_sign,
        "stuck": each.stuck,
    }
