"""Cron jobs: when they ran, when they run next, and what is wrong with them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.checks.jobs.joblist import cannot_run
from gatewaydoctor.examine.cron.history import retried
from gatewaydoctor.examine.cron.timing import timings
from gatewaydoctor.model.gateway.cron import CronRead, Fate
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks import tables
from gatewaydoctor.report.screens.blocks.gaps import unseen
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, grid, more, pairs, print_step, section
from gatewaydoctor.report.screens.blocks.rows import cron_lines
from gatewaydoctor.report.screens.findings import related, step_of

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.cron.timing import JobTiming
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import Cron, CronJob
    from gatewaydoctor.model.outcome.verdict import NextStep

RELATED = ("cron-*", "jobs-*")


def show(console: Console, judgement: Judgement, view: View) -> None:
    """All of it with --all or --verbose; otherwise what fits the terminal."""
    fitted(console, view, partial(_draw, judgement=judgement))


def _draw(console: Console, view: View, *, judgement: Judgement) -> None:
    x = judgement.examination
    whole = view.rows is None or view.verbose
    found = judgement.of(*RELATED)
    head(console, judgement, view)
    if whole:
        _runs(console, x, view)
    room = None if whole else view.rows
    _jobs(console, x, x.jobs, view, room)
    if (rows := x.state_rows) is not None and whole:
        console.print()
        console.print(pairs(cron_lines(rows, x, view)))
    if x.jobs is not x.cron and x.cron.store.read is not CronRead.MISSING and whole:
        _files(console, x, view)
    if gap := unseen(x):
        console.print(Text(f"{gap}: runs may be missing here", "bold"))
    related(console, found, view)
    print_step(console, view, step(judgement, view))


def step(judgement: Judgement, view: View) -> NextStep:
    return step_of(judgement.of(*RELATED), view)


def _runs(console: Console, x: Examination, view: View) -> None:
    for store in x.session_stores:
        if not store.jobs:
            continue
        section(console, f"Runs in the store of {view.agent(store.agent_id)} (per tick: median/most runs)")
        tables.cron_jobs(console, store.jobs, view)
        section(console, "Run times")
        _times(console, store.jobs, x.now, view)


def _times(console: Console, jobs: tuple[JobRuns, ...], now: int, view: View) -> None:
    table = grid("job", "first run", "last run", "over", "stuck", "size")
    table.columns[0].no_wrap = False
    for job in capped(jobs, view):
        table.add_row(
            tables.job_name(job, view),
            words.age(job.first_at, now),
            words.age(job.last_at, now),
            words.duration(job.span) if job.span else tables.NONE,
            tables.count(job.stuck, "bold"),
            words.size(job.bytes),
        )
    console.print(table)


def _files(console: Console, x: Examination, view: View) -> None:
    """The jobs of a jobs.json next to a state database: what of them is in it."""
    file = x.cron.store
    reason = f", {file.reason}" if file.reason else ", which the gateway does not run: its jobs are in the database"
    section(console, f"{view.names.path(file.path)}: {file.read.value}{reason}")
    known = x.state_rows.job_ids if x.state_rows is not None else None
    table = grid("job", "schedule", last="in the database", left=2)
    table.columns[0].no_wrap = False
    for job in capped(x.cron.jobs, view):
        name = view.names.identifier(job.name, "job") if job.name else view.names.identifier(job.job_id, "job-id")
        there = "not known" if known is None else "yes" if job.job_id in known else Text("no", "bold")
        table.add_row(name, view.names.text(job.schedule.words), there)
    if x.cron.jobs:
        console.print(table)
        more(console, len(capped(x.cron.jobs, view)), len(x.cron.jobs), "jobs")


def _jobs(console: Console, x: Examination, cron: Cron, view: View, room: int | None) -> None:
    """Every job of the list, those with a flag first; then those that are not in it."""
    file = cron.store
    section(console, _title(cron, sum(x.health.jobs_elsewhere.values()) if cron is x.jobs else 0))
    rows = sorted(rows_of(x, cron), key=lambda row: not row[2])
    shown = rows if room is None else rows[: max(3, room)]
    if rows:
        table = grid("job", "schedule", "last run", "next run", last="flags", left=2)
        narrow = console.width < tables.ROOMY
        if room is not None:
            for column in table.columns:
                column.no_wrap, column.overflow = True, "ellipsis"
            table.padding = (0, 1 if narrow else 2, 0, 0)
            # Two times next to each other are told apart.
            table.columns[1].header = "schedule " if narrow else "schedule"
        for each, timing, flags in shown:
            said = ", ".join(flags) if room is None else _first(flags)
            brief = narrow and room is not None
            table.add_row(*_cells(each, timing.last_run, x.now, view, brief=brief), Text(said, "bold"))
        console.print(table)
        more(console, len(shown), len(rows), "jobs")
    elif file.read not in (CronRead.OK, CronRead.MISSING, CronRead.EMPTY_FOR_GATEWAY):
        console.print(Text("its jobs could not be read"))
    _elsewhere(console, x, cron, view)


def _title(cron: Cron, elsewhere: int) -> str:
    """The list in a line; `elsewhere` counts jobs of a database that are filed under another directory."""
    file = cron.store
    if file.reason or file.read is CronRead.MISSING:
        return f"{file.path.name}: {file.reason or 'missing'}"
    jobs = cron.jobs
    on = sum(job.enabled for job in jobs)
    parked = f", {len(cron.parked):,} parked next to it" if cron.parked else ""
    if elsewhere:
        other = f"{'all ' if not jobs else ''}{elsewhere:,} filed under another directory, so never run"
        return f"{words.plural(len(jobs), 'job')} of this directory in {file.path.name}, {on:,} enabled; {other}"
    return f"{words.plural(len(jobs), 'job')} in {file.path.name}, {on:,} enabled{parked}"


def rows_of(x: Examination, cron: Cron) -> list[tuple[CronJob, JobTiming, tuple[str, ...]]]:
    """Every job of the list with its times and flags."""
    runs = {id(each.job): each for store in x.session_stores for each in store.jobs if each.job is not None}
    again = {each.job.index for each in retried(x)} if cron is x.jobs else set()
    return [
        (each.job, each, _flags(cron, each.job, each, runs.get(id(each.job)), again=each.job.index in again))
        for each in timings(x, cron)
    ]


def _flags(cron: Cron, job: CronJob, timing: JobTiming, runs: JobRuns | None, *, again: bool) -> tuple[str, ...]:
    """Words for what is wrong with a job; each has a rule of its own."""
    problems = [each for each in cron.problems if each.index == job.index]
    broken = cannot_run(problems)
    found = [broken[job.index][0].value] if broken else []
    shared = [each for each in problems if each.field == "id" and each.fate is Fate.SHARES_STATE]
    found += ["no id" if each.missing else "id used twice" for each in shared[:1]]
    found += ["rapid-retry"] * (again or (runs is not None and runs.rapid))
    found += [flag.value for flag in timing.flags]
    found += runs.flags if runs else ["zombie"] * (job.state.running_at is not None)
    found += ["disabled by repair"] * any(_is(note.job_id, note.name, job) for note in cron.disabled)
    return tuple(dict.fromkeys(found))


def _first(flags: tuple[str, ...]) -> str:
    return f"{flags[0]}{f' +{len(flags) - 1}' if len(flags) > 1 else ''}" if flags else ""


def _is(job_id: str | None, name: str | None, job: CronJob) -> bool:
    return job.job_id == job_id if job_id else name is not None and job.name == name


def _cells(job: CronJob, ran: int | None, now: int, view: View, *, brief: bool) -> tuple[str, str, Text, Text]:
    """`brief`: ages to one unit, and schedules without their time zone."""
    label = view.names.identifier(job.label, "job" if job.name else "job-id")
    status = view.names.text(job.state.last_run_status or "")
    last = f"{_age(ran, now, brief=brief)} {status}".strip() if ran is not None else status or "-"
    schedule = view.names.text(job.schedule.words)
    if brief and job.schedule.tz:
        schedule = schedule.removesuffix(f" {view.names.text(job.schedule.tz)}")
    return label, f"{schedule} " if brief else schedule, Text(last), _next_run(job, now, brief=brief)


def _next_run(job: CronJob, now: int, *, brief: bool) -> Text:
    if job.state.running_at is not None:
        return Text("marked running", "bold")
    if not job.enabled:
        return Text("disabled")
    at = job.state.next_run_at
    due = "due " if at is not None and at < now else ""
    return Text(f"{due}{_age(at, now, brief=brief)}" if at is not None else "-", "bold" if due else "")


def _age(at: int | None, now: int, *, brief: bool) -> str:
    """`1 h 30 min ago`; briefly `1 h ago`."""
    told = words.age(at, now)
    if not brief or at is None:
        return told
    parts = told.removeprefix("in ").removesuffix(" ago").split()
    return f"{'in ' * told.startswith('in ')}{' '.join(parts[:2])}{' ago' * told.endswith(' ago')}"


def _elsewhere(console: Console, x: Examination, cron: Cron, view: View) -> None:
    """Rows of jobs that the file does not name, and jobs that are parked."""
    unknown = [job for store in x.session_stores for job in store.jobs if job.job is None]
    nameless = [job for job in unknown if job.known]
    if nameless:
        rows = sum(job.runs for job in nameless)
        console.print(Text(f"{words.plural(rows, 'run row')} under undefined: of the jobs without id"))
    gone = [job for job in unknown if not job.known]
    if gone:
        rows = sum(job.runs for job in gone)
        not_there = words.plural(len(gone), "job that is", "jobs that are")
        console.print(Text(f"{words.plural(rows, 'run row')} of {not_there} not in this list"))
    if cron.parked:
        names = ", ".join(view.names.identifier(job.label, "job") for job in cron.parked[:3])
        left = len(cron.parked) - 3
        console.print(Text(f"parked: {names}{f', and {left:,} more' if left > 0 else ''}", "bold"))
