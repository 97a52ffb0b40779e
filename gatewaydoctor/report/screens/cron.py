"""Cron jobs by what their runs left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.report import words
from gatewaydoctor.report.document import schedule_words
from gatewaydoctor.report.screens.blocks import tables
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, more, next_step, pairs, section
from gatewaydoctor.report.screens.blocks.rows import cron_lines
from gatewaydoctor.report.screens.findings import findings

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.jobs import JobRuns
    from gatewaydoctor.model.gateway.cron import Cron, CronJob


def show(console: Console, judgement: Judgement, view: View) -> None:
    x = judgement.examination
    head(console, judgement, view)
    for store in x.session_stores:
        if not store.jobs:
            continue
        section(console, f"Runs in the store of {view.agent(store.agent_id)} (per tick: median/most)")
        tables.cron_jobs(console, store.jobs, view)
        section(console, "When they ran")
        _times(console, store.jobs, x.now, view)
    if not any(store.jobs for store in x.session_stores):
        section(console, "Runs")
        whole = all(store.whole for store in x.session_stores)
        which = "no store has" if whole else "what could be read of the stores has no"
        console.print(Text(f"{which} rows of cron jobs", "dim"))
    if x.state is not None and x.jobs is not None:
        _jobs(console, x, x.jobs, view)
        if (rows := x.state_rows) is not None:
            console.print()
            console.print(pairs(cron_lines(rows, x, view)))
    if x.state is None or x.cron.store.read is not CronRead.MISSING:
        _jobs(console, x, x.cron, view)
    related = judgement.of("cron-*")
    if related:
        section(console, "Findings")
        findings(console, related, view)
    _next(console, x, view)


def _times(console: Console, jobs: tuple[JobRuns, ...], now: int, view: View) -> None:
    table = grid("job", "first run", "last run", "over", "stuck", "size")
    table.columns[0].no_wrap = False
    for job in capped(jobs, view):
        table.add_row(
            tables.job_name(job, view),
            words.age(job.first_at, now),
            words.age(job.last_at, now),
            words.duration(job.span) if job.span else tables.NONE,
            tables.count(job.stuck, "red"),
            words.size(job.bytes),
        )
    console.print(table)


def _jobs(console: Console, x: Examination, cron: Cron, view: View) -> None:
    file = cron.store
    reason = f", {file.reason}" if file.reason else ""
    section(console, f"{view.names.path(file.path)}: {file.read.value}{reason}")
    if not cron.jobs:
        known = file.read in (CronRead.OK, CronRead.MISSING, CronRead.EMPTY_FOR_GATEWAY)
        console.print(Text("no jobs" if known else "its jobs are not known here", "dim"))
        return
    table = grid("job", "schedule", "last", last="now", left=3)
    table.columns[0].no_wrap = False
    for job in capped(cron.jobs, view):
        table.add_row(
            view.names.identifier(job.name, "job") if job.name else view.names.identifier(job.job_id, "job-id"),
            view.names.text(schedule_words(job)),
            view.names.text(job.state.last_run_status or "-"),
            _state(job, x.now),
        )
    console.print(table)
    more(console, len(capped(cron.jobs, view)), len(cron.jobs), "jobs")


def _state(job: CronJob, now: int) -> Text:
    state = job.state
    if state.running_at is not None:
        return Text(f"runningAtMs set {words.age(state.running_at, now)}", "yellow")
    if not job.enabled:
        return Text("disabled", "dim")
    if state.next_run_at is None:
        return Text("no next run", "dim")
    return Text(f"due {words.age(state.next_run_at, now)}")


def _next(console: Console, x: Examination, view: View) -> None:
    jobs = [job for store in x.session_stores for job in store.jobs]
    if not jobs:
        next_step(console, view, "everything that is wrong, worst first:", view.invocation.command("scan"))
        return
    from shlex import quote

    most = max(jobs, key=lambda job: job.runs)
    command = f"sessions --kind cron-run --job {quote(tables.job_name(most, view))}"
    next_step(console, view, "the entries behind the job with the most runs:", view.invocation.command(command))
