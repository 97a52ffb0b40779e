"""`usage`: what one sessions.usage call must read."""

from __future__ import annotations

from typing import Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats


def usage(run: Run) -> Outcome:
    """Usage-counted files, bytes and lines per store, and an estimate of what reading them costs the event loop. The
    estimate assumes a gateway with memory to spare."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.databases import database_details
    from gatewaydoctor.report.screens import usage as screen
    from gatewaydoctor.report.usagetotal import UsageTotal
    from gatewaydoctor.state.history.usage import counted_load

    only_formats(run, "usage", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    total = UsageTotal(
        tuple((store, counted_load(run.fs, store.read.ref.sessions_dir, store.listing.files)) for store in x.stores)
    )
    details: dict[str, Any] = {
        "files": total.files,
        "bytes": total.bytes,
        "lines": total.lines,
        "estimateMs": total.estimate_ms,
        "stores": [
            {
                "agentId": store.agent_id,
                "files": load.files,
                "bytes": load.bytes,
                "lines": load.lines,
                "largest": load.largest,
                "unread": load.unread,
                "cacheBytes": load.cache_bytes,
            }
            for store, load in total.stores
        ],
    }
    if x.databases:
        details["databases"] = [database_details(each) for each in x.databases]
    return Outcome(
        "usage",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, total, seen),
    )
