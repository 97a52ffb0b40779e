"""Cron jobs by what their runs left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report import words
from gatewaydoctor.report.document import schedule_words
from gatewaydoctor.report.screens import tables
from gatewaydoctor.report.screens.parts import View, capped, findings, grid, head, more, next_step, pairs, section

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.jobs import JobRuns
    from gatewaydoctor.model.cron import CronJob


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    head(console, judgement, view)
    reason = x.cron.store.reason
    state = f"{x.cron.store.read.value}, {words.plural(len(x.cron.jobs), 'job')}"
    section(console, "Jobs")
    console.print(
        pairs(
            [("jobs.json", Text(f"{view.names.path(x.cron.store.path)}: {state}{f', {reason}' if reason else ''}"))]
        )
    )
    for store in x.stores:
        if not store.jobs:
            continue
        section(console, f"Runs in the store of {view.names.identifier(store.agent_id, 'agent')}")
        tables.cron_jobs(console, store.jobs, view)
        section(console, "When, and what jobs.json says")
        _times(console, store.jobs, x.now, view)
    idle = _idle(judgement)
    if idle:
        section(console, "Jobs without rows")
        _idle_table(console, idle, x.now, view)
    related = judgement.of("cron-*")
    if related:
        section(console, "Findings")
        findings(console, related, view, now=x.now)
    next_step(console, "the entries behind a job:", "gatewaydoctor sessions --kind cron-run --job JOB")


def _times(console: Console, jobs: tuple[JobRuns, ...], now: int, view: View) -> None:
    table = grid("job", "schedule", "first run", "last run", "over", "size", left=2, gap=1)
    for job in capped(jobs, view):
        schedule = (
            view.names.text(schedule_words(job.job)) if job.job else "unknown job" if job.known is False else "?"
        )
        if job.job and not job.job.enabled:
            schedule += " (disabled)"
        table.add_row(
            tables.job_name(job, view),
            schedule,
            words.age(job.first_at, now),
            words.age(job.last_at, now),
            words.duration(job.span) if job.span else Text("·", "dim"),
            words.size(job.bytes),
        )
        if job.job and job.job.state.running_at is not None:
            table.add_row(Text(f" runningAtMs set {words.age(job.job.state.running_at, now)}", "yellow"))
    console.print(table)


def _idle(judgement: Judgement) -> list[CronJob]:
    seen = {job.job_id.lower() for store in judgement.examination.stores for job in store.jobs}
    return [job for job in judgement.examination.cron.jobs if job.job_id.lower() not in seen]


def _idle_table(console: Console, jobs: list[CronJob], now: int, view: View) -> None:
    table = grid("job", "schedule", "state", "last run", "next run", left=3)
    for job in capped(jobs, view):
        table.add_row(
            view.names.identifier(job.name or job.job_id, "job"),
            view.names.text(schedule_words(job)),
            "enabled" if job.enabled else "disabled",
            words.age(job.state.last_run_at, now),
            words.age(job.state.next_run_at, now),
        )
    console.print(table)
    more(console, len(capped(jobs, view)), len(jobs), "jobs")
