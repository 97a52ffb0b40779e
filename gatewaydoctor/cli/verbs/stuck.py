"""`stuck`: entries marked running and are not."""

from __future__ import annotations

from typing import Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.verbs.scan import StuckAfter
from gatewaydoctor.cli.words.durations import parse_span


def stuck(run: Run, *, stuck_after: StuckAfter = "1h") -> Outcome:
    """The evidence per entry: its times, its transcript's mtime, and whether the gateway is live. While a gateway is
    live nothing is called stuck."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.document import CAP
    from gatewaydoctor.report.screens import stuck as screen

    only_formats(run, "stuck", "text", "json")
    judgement = look(run, Depth(stuck_after=parse_span(stuck_after, "--stuck-after")))
    x = judgement.examination
    seen = view(run, x)
    running: list[dict[str, Any]] = [
        {
            "agentId": store.agent_id,
            "key": each.entry.key,
            "kind": each.entry.kind.value,
            "sessionId": each.entry.session_id,
            "updatedAt": each.entry.updated_at,
            "startedAt": each.entry.started_at,
            "transcriptMtimeMs": each.transcript_mtime,
            "lastSignOfLifeMs": each.last_sign,
            "stuck": each.stuck,
        }
        for store in x.session_stores
        for each in store.running
    ]
    details = {
        "running": len(running),
        "stuck": sum(each["stuck"] for each in running),
        "stuckAfterMs": x.depth.stuck_after,
        "entries": running if run.options.all else running[:CAP],
    }
    return Outcome(
        "stuck",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, seen),
    )
