"""`usage`: what one sessions.usage call must read."""

from __future__ import annotations

from typing import Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats


def usage(run: Run) -> Outcome:
    """Counts usage-counted files, their lines and usage lines per store, and estimates what one sessions.usage call
    costs the event loop of the release. The estimate assumes a gateway with memory to spare."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.databases import database_details
    from gatewaydoctor.report.screens import usage as screen
    from gatewaydoctor.report.usagetotal import UsageTotal
    from gatewaydoctor.state.history.usage import counted_load

    only_formats(run, "usage", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    release = x.config.release.policy
    counted = x.config.release.behaviour.usage_classes
    loads = (
        (store, counted_load(run.fs, store.read.ref.sessions_dir, store.listing.files, counted)) for store in x.stores
    )
    total = UsageTotal(tuple(loads), release)
    cost = total.cost
    details: dict[str, Any] = {
        "files": total.files,
        "bytes": total.bytes,
        "lines": total.lines,
        "usageLines": total.usage_lines,
        "estimateMs": cost.loop_ms,
        "call": {
            "release": str(cost.release),
            "releaseKnown": release is not None,
            "agentId": cost.agent,
            "files": cost.files,
            "bytes": cost.bytes,
            "usageLines": cost.usage_lines,
            "longestBlockMs": cost.block_ms,
        },
        "stores": [
            {
                "agentId": store.agent_id,
                "files": load.files,
                "bytes": load.bytes,
                "lines": load.lines,
                "usageLines": load.usage_lines,
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
        next=screen.step(seen),
    )
