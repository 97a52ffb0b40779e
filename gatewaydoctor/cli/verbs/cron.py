"""`cron`: jobs by what their runs left behind."""

from __future__ import annotations

from typing import Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats


def cron(run: Run) -> Outcome:
    """Shows every job with its last and next run and what is wrong with it, those with a flag first: next-too-late,
    runs-missed, runs-too-often, one-shot-past, owner-gone, no id, never-runs and the like (the release does not run
    it), rapid-retry (several runs a tick, or ticks far closer than scheduled), zombie (runningAtMs is set), `phantom`
    (its job row is marked running). With --all or --verbose also runs per job and status, grouped into ticks (what
    the scheduler started together)."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.databases import cron_details
    from gatewaydoctor.report.screens import cron as screen

    only_formats(run, "cron", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    cron = x.jobs
    jobs = [
        {
            "jobId": job.job_id,
            "name": job.name,
            "enabled": job.enabled,
            "schedule": job.schedule.words,
            "sessionTarget": job.session_target,
            "runningAtMs": job.state.running_at,
            "nextRunAtMs": job.state.next_run_at,
            "lastRunAtMs": job.state.last_run_at,
            "lastRunStatus": job.state.last_run_status,
            "consecutiveErrors": job.state.consecutive_errors,
            "agentId": job.agent_id,
            "expectedAtMs": timing.expected_at,
            "missed": timing.missed,
            "flags": list(flags),
        }
        for job, timing, flags in screen.rows_of(x, cron)
    ]
    details: dict[str, Any] = {"jobsFile": str(cron.store.path), "read": cron.store.read.value, "jobs": jobs}
    details["parked"] = [{"jobId": each.job_id, "name": each.name, "file": each.file} for each in cron.parked]
    if x.state_rows is not None:
        details |= cron_details(x.state_rows)
    return Outcome(
        "cron",
        exit_code(judgement.examination),
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, seen),
        next=screen.step(judgement, seen),
    )
