"""`subagents`: the registry."""

from __future__ import annotations

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats


def subagents(run: Run) -> Outcome:
    """Shows subagents/runs.json by spawn mode, cleanup and state, the runs that no sweep will ever take, and those
    whose child session is in no index."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.document import CAP
    from gatewaydoctor.report.screens import subagents as screen

    only_formats(run, "subagents", "text", "json")
    judgement = look(run)
    registry = judgement.examination.subagents
    seen = view(run, judgement.examination)
    cap = None if run.options.all else CAP
    state = judgement.examination.state_rows
    in_rows = state.subagents if state is not None else None
    rows = [
        {
            "runId": each.run_id,
            "childSessionKey": each.child_key,
            "spawnMode": each.spawn_mode,
            "cleanup": each.cleanup,
            "state": each.state.value,
            "createdAt": each.created_at,
            "endedAt": each.ended_at,
            "archiveAtMs": each.archive_at,
            "neverArchived": each.never_archived,
            "orphaned": each.orphaned,
        }
        for each in (*registry.rows, *(in_rows.rows if in_rows else ()))[:cap]
    ]
    return Outcome(
        "subagents",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details={"notable": registry.notable + (in_rows.count if in_rows else 0), "runs": rows},
        screen=lambda console: screen.show(console, judgement, seen),
        next=screen.step(judgement, seen),
    )
