"""`cron`: jobs by what their runs left behind."""

from __future__ import annotations

from typing import Any

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats


def cron(run: Run) -> Outcome:
    """Runs per job and status, grouped into ticks (what the scheduler started together), the interval between ticks,
    span, bytes, what jobs.json says of the job, and flags: rapid-retry (several runs a tick, or ticks far closer than
    scheduled), zombie (runningAtMs is set), unknown-job, phantom (the base row says running)."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.report.databases import cron_details
    from gatewaydoctor.report.document import schedule_words
    from gatewaydoctor.report.screens import cron as screen

    only_formats(run, "cron", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    cron = x.jobs if x.state is not None and x.jobs is not None else x.cron
    jobs = [
        {
            "jobId": job.job_id,
            "name": job.name,
            "enabled": job.enabled,
            "schedule": schedule_words(job),
            "sessionTarget": job.session_target,
            "runningAtMs": job.state.running_at,
            "nextRunAtMs": job.state.next_run_at,
            "lastRunAtMs": job.state.last_run_at,
            "lastRunStatus": job.state.last_run_status,
            "consecutiveErrors": job.state.consecutive_errors,
        }
        for job in cron.jobs
    ]
    details: dict[str, Any] = {"jobsFile": str(cron.store.path), "read": cron.store.read.value, "jobs": jobs}
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
    )
