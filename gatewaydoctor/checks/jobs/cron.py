"""Rules about cron jobs by what their runs left behind and what jobs.json says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot, keeps_files
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import whole_session_stores, whole_stores
from gatewaydoctor.checks.stores.trimming import is_over, trims
from gatewaydoctor.examine.cron.history import retried
from gatewaydoctor.examine.cron.jobs import RAPID_RUNS
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.cron import UNDEFINED, word_for
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.units import DAY_MS
from gatewaydoctor.model.words import capital, duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.gateway.cron import Cron, CronJob
    from gatewaydoctor.model.outcome.finding import Finding

SHORTEST_SPAN_MS = 600_000
"""Runs closer together than this are taken to have come in ten minutes: a rate told from less is not a rate."""

RAPID = Rule(
    id="cron-rapid-retry",
    family=Family.CRON,
    severity=Severity.ERROR,
    title="Cron jobs start in bursts",
    meaning="These jobs have several runs in one scheduler tick, or ticks less than a minute apart (for "
    "a job with a short interval, less than half of it), by their run rows, or by the run history of "
    "a state database. Runs within 5 s of each other count as one tick. Info or warning only if all of them are "
    "disabled.",
    cause="A run never reaches a terminal status, and the scheduler does not check whether an isolated "
    "run of the same job is still going (incident 61633).",
    gateway="As soon as the scheduler is up the jobs are due again and run rows keep piling up, each "
    "with its own copy of the skills prompt. Only those older than "
    "cron.sessionRetention (24 h) are removed.",
    remedy="With the gateway stopped, disable these jobs and remove their run rows. "
    "Find out why their model calls fail before you enable them again.",
    repair="trim",
)

ZOMBIE = Rule(
    id="cron-zombie-running",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs are marked as running, but nothing is running",
    meaning="A job has runningAtMs set while no gateway is running, or for longer than a running gateway "
    "leaves it set. A marked job is not started, neither by schedule nor by hand. Jobs that are "
    "past due are counted too: they fire soon after a start.",
    cause="The gateway exited while the job ran, or the run hung.",
    gateway="2026.3.28 clears the mark at start, whatever its age, and leaves the job out of the "
    "catch-up. 2026.4.25 and 2026.5.22 record the run as failed (interrupted), count one more "
    "error, and disable one-shot jobs. 2026.9.6 does so only if the process that owns the run "
    "has ended. A running gateway clears marks older than two hours.",
    remedy="Nothing, if the release clears the mark itself. Before a start, check the jobs that are "
    "past due, because they will fire, and disable those that should not.",
    repair="cron",
)

UNKNOWN = Rule(
    id="cron-unknown-job",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Rows of cron jobs that no longer exist",
    meaning="The store has job rows or run rows of jobs that are not in cron/jobs.json. Warning if some "
    "of the run rows are older than the retention: nothing will reap them.",
    cause="The job was deleted and its job row stays forever, or jobs.json lost the job (see cron-jobs-lost).",
    gateway="It keeps the job row of every job. It reaps run rows by age in stores of the default agent "
    "and of agents that own a job; in other stores they stay.",
    remedy="If the job was deleted on purpose, its rows can be removed. If not, first look for the job "
    "in a backup of jobs.json.",
    repair="trim",
)

ISOLATED = Rule(
    id="cron-isolated-load",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Isolated cron runs fill the store",
    meaning="At the rate seen in the store, isolated jobs create at least as many sessions per day as "
    "maxEntries allows in total. The rate comes from the run rows that are left, so in a store "
    "that was cut it covers only the latest stretch.",
    cause="Many jobs with sessionTarget isolated, or some with short intervals: each run creates its "
    "own session, whatever sessionKey is (incident 72826).",
    gateway="Up to 2026.4.25 each run adds a row. Once the store is at its cap, each new row costs a "
    "full pass on the event loop and drops the oldest row, even a conversation. 2026.5.22 keeps "
    "one row per job.",
    remedy="Give the jobs a persistent session (sessionTarget session:cron-<name>); in the incident "
    "that reduced 1,700 sessions a day to one per job. `repair trim` removes finished runs; the "
    "rate stays until the jobs change.",
)

_DISABLE = (
    "Disable these jobs while the gateway is stopped, and find out why their runs fail before enabling them. Their "
    "rows are of the last hour; repair trim removes them once they are older."
)
_ENABLE = (
    "These jobs are disabled. Find out why their runs fail before enabling them. Their rows are of the last hour; "
    "repair trim removes them once they are older."
)
_BOOT_DISABLED = "These jobs are disabled: a start runs none of them."
_BOOT_RAPID = NextBoot(
    v3_28="starts these jobs again as soon as they are due; its reaper removes run rows older than the retention",
    v5_22="starts these jobs again as soon as they are due, with one row per job",
    v9_6="starts these jobs again as soon as they are due, at most eight at a time",
    unknown="These jobs start again as soon as they are due; the reaper removes run rows older than the retention.",
)
_BOOT_ZOMBIE = NextBoot(
    v3_28="clears the mark and skips the job in its catch-up",
    v4_25="records the run as interrupted, adds an error, and disables one-shot jobs",
    v9_6="records a run of the last 2 h as interrupted, and clears an older mark as if the job had never started",
    unknown="2026.3.28 clears the mark; 2026.4.25 and later record an interrupted run and disable one-shot jobs.",
)
_BOOT_ISOLATED = NextBoot(
    v3_28="adds a row for every run; at the cap in mode enforce each one costs a full pass and drops the oldest row",
    v5_22="adds no more run rows; existing ones stay until they are reaped",
    unknown="Up to 2026.4.25 every run adds a row, and at the cap costs a full pass; 2026.5.22 keeps one "
    "row per job.",
)


@REGISTRY.check(RAPID)
def rapid_retry(x: Examination, t: Thresholds) -> Iterator[Finding]:
    yield from _in_history(x)
    for store in whole_session_stores(x):
        jobs = [job for job in store.jobs if job.rapid and _can_tell(store, job)]
        if not jobs:
            continue
        runs, burst = sum(job.runs for job in jobs), max(job.ticks.per_tick_max for job in jobs)
        shortest = min(
            (job.ticks.interval_median for job in jobs if job.ticks.interval_median is not None), default=None
        )
        apart = f", ticks {duration(shortest)} apart at the closest" if shortest is not None else ""
        stopped = all(job.job is not None and not job.job.enabled for job in jobs)
        trimmed = trims(x, jobs)
        yield RAPID.finding(
            f"{plural(len(jobs), 'job')} with {plural(runs, 'run row')}, up to {burst:,} at one tick{apart}.",
            _BOOT_DISABLED if stopped else _BOOT_RAPID.of(x),
            brief=_often(jobs, burst, shortest),
            count=len(jobs),
            severity=(Severity.WARNING if trimmed else Severity.INFO) if stopped else None,
            agent_id=store.agent_id,
            path=store.path,
            key=jobs[0].base_key,
            evidence={"runRows": runs, "jobs": [_bursts(job) for job in jobs[:EXAMPLES]]},
            repair=RAPID.repair if trimmed else None,
            by_hand=None if trimmed else _ENABLE if stopped else _DISABLE,
            by_command=disabling(x, [job.job for job in jobs if job.job is not None and job.job.enabled]),
        )


def _often(jobs: Sequence[object], burst: int, shortest: int | None) -> str:
    """How many jobs, and how many of their runs come at once, or how soon (ms) the next one comes."""
    count = plural(len(jobs), "job")
    if burst > 1:
        return f"{count}, up to {burst:,} runs at once"
    return f"{count}, a run every {duration(shortest)}" if shortest else count


def _can_tell(store: StoreFacts | DatabaseFacts, job: JobRuns) -> bool:
    """Jobs of a database may be filed under another path, so that the schedule of this one is not known; a run every
    20 s may then be as it should be."""
    by_database = store.era.sessions_in_database
    return job.job is not None or not by_database or job.ticks.per_tick_median >= RAPID_RUNS


def _in_history(x: Examination) -> Iterator[Finding]:
    """Jobs of a state database, unless run rows tell of them already."""
    told = {job.job_id.lower() for store in whole_session_stores(x) for job in store.jobs if job.rapid}
    found = [each for each in retried(x) if each.job.job_id.lower() not in told]
    if not found or x.eras.state is None:
        return
    runs, burst = sum(each.runs for each in found), max(each.ticks.per_tick_max for each in found)
    shortest = min((each.ticks.interval_median for each in found if each.ticks.interval_median), default=None)
    apart = f", {duration(shortest)} apart at the closest" if shortest else ""
    together = f", up to {burst:,} at one tick" if burst > 1 else ""
    yield RAPID.finding(
        f"{plural(len(found), 'job')} with {plural(runs, 'recent run')} in the run history{together}{apart}.",
        _BOOT_RAPID.of(x),
        brief=_often(found, burst, shortest),
        count=len(found),
        path=x.eras.state.path,
        evidence={
            "recentRuns": runs,
            "jobs": [
                {
                    "jobId": each.job.job_id,
                    "name": each.job.name,
                    "runs": each.runs,
                    "ticks": each.ticks.count,
                    "runsPerTickMax": each.ticks.per_tick_max,
                    "tickIntervalMedianMs": each.ticks.interval_median,
                    "spanMs": each.span,
                }
                for each in found[:EXAMPLES]
            ],
        },
        repair=None,
        by_hand="Disable these jobs while the gateway is stopped, and find out why their runs fail before enabling "
        "them again.",
        by_command=disabling(x, [each.job for each in found]),
    )


def disabling(x: Examination, jobs: Sequence[CronJob]) -> Command | None:
    """The command that disables these jobs, at most as many as are named."""
    listed = x.jobs.jobs
    words = [word for job in jobs[:EXAMPLES] for word in ("--disable", word_for(job, listed))]
    return typed("repair", "cron", *words) if words else None


def _bursts(job: JobRuns) -> dict[str, object]:
    return {
        "jobId": job.job_id,
        "name": job.name,
        "runs": job.runs,
        "status": {status.value: job.status[status] for status in Status if job.status[status]},
        "ticks": job.ticks.count,
        "runsPerTickMedian": job.ticks.per_tick_median,
        "runsPerTickMax": job.ticks.per_tick_max,
        "tickIntervalMedianMs": job.ticks.interval_median,
        "spanMs": job.span,
    }


@REGISTRY.check(ZOMBIE)
def zombie_running(x: Examination, t: Thresholds) -> Iterator[Finding]:
    live = x.gateway.liveness is Liveness.LIVE
    marked = _marked(x, x.cron, t)
    if x.eras.cron_in_database and (in_database := _marked(x, x.jobs, t)):
        yield _marked_in_database(x, x.jobs, in_database)
    if not marked:
        return
    due = sum(_past_due(job, x.now) for job in x.cron.jobs)
    oldest = max(age for _, age in marked)
    since = f", the longest for {duration(oldest)}" if oldest >= 0 else f" since {duration(oldest)} in the future"
    nameless = {each.index for each in x.cron.under_undefined}
    in_vain = all(job.index in nameless for job, _ in marked)
    yield ZOMBIE.finding(
        f"{plural(len(marked), 'job is', 'jobs are')} marked as running{since}"
        + (f"; {plural(due, 'other job is', 'other jobs are')} past due." if due else "."),
        "The running gateway clears the mark at its next maintenance, unless the run still hangs."
        if live
        else f"{_BOOT_ZOMBIE.of(x)}{' Jobs past due fire soon after.' if due else ''}{_comes_back(x, marked)}",
        brief=f"{plural(len(marked), 'job')} marked as running" + (f", {due:,} past due" if due else ""),
        count=len(marked),
        severity=Severity.INFO if in_vain else None,
        path=x.cron.store.path,
        repair=None if in_vain else ZOMBIE.repair,
        by_hand="Give each job an id of its own first: see cron-job-shares-state." if in_vain else None,
        evidence={
            "jobs": _examples(marked),
            "pastDue": due,
        },
    )


def _marked(x: Examination, cron: Cron, t: Thresholds) -> list[tuple[CronJob, int]]:
    """Jobs with the mark, each with how long it is there (ms); of a running gateway only those it should not have."""
    live = x.gateway.liveness is Liveness.LIVE
    ages = [(job, x.now - job.state.running_at) for job in cron.jobs if job.state.running_at is not None]
    return [(job, age) for job, age in ages if not live or age > t.cron_marker_ms]


def _marked_in_database(x: Examination, cron: Cron, marked: list[tuple[CronJob, int]]) -> Finding:
    """A start settles them, so nothing has to be done before it."""
    oldest = max(0, *(age for _, age in marked))
    return ZOMBIE.finding(
        f"{plural(len(marked), 'job is', 'jobs are')} marked as running, the longest for {duration(oldest)}.",
        _BOOT_ZOMBIE.of(x),
        brief=f"{plural(len(marked), 'job')} marked as running",
        count=len(marked),
        severity=Severity.INFO,
        path=cron.store.path,
        repair=None,
        by_hand="Nothing has to be done: a start clears the mark.",
        evidence={"jobs": _examples(marked), "pastDue": 0},
    )


def _examples(marked: list[tuple[CronJob, int]]) -> list[dict[str, object]]:
    return [
        {"jobId": job.job_id, "name": job.name, "runningAtMs": job.state.running_at, "enabled": job.enabled}
        for job, _ in marked[:EXAMPLES]
    ]


def _comes_back(x: Examination, marked: list[tuple[CronJob, int]]) -> str:
    nameless = {each.index for each in x.cron.under_undefined}
    if not any(job.index in nameless for job, _ in marked):
        return ""
    return " For a job without id the mark comes back with its next run: see cron-job-shares-state."


def _past_due(job: CronJob, now: int) -> bool:
    """Whether a job without the mark fires soon after a start."""
    next_run = job.state.next_run_at
    return job.enabled and job.state.running_at is None and next_run is not None and next_run <= now


@REGISTRY.check(UNKNOWN)
def unknown_job(x: Examination, t: Thresholds) -> Iterator[Finding]:
    retention = x.config.cron.session_retention.value
    for store, _ in whole_stores(x):
        jobs = [job for job in store.jobs if job.known is False]
        if not jobs:
            continue
        runs = sum(job.runs for job in jobs)
        last = max((job.last_at for job in jobs if job.last_at is not None), default=x.now)
        unreaped = bool(runs) and (retention is None or x.now - last > retention)
        deleted = [job for job in jobs if job.job_id != UNDEFINED]
        without_id = len(deleted) < len(jobs)
        what = [f"{plural(len(deleted), 'job')} not in jobs.json"] if deleted else []
        left = [plural(len(deleted), "deleted job")] if deleted else []
        if without_id:
            what.append("jobs that had no id")
            left.append("jobs without id")
        told = " and ".join(what)
        yield UNKNOWN.finding(
            f"{capital(told)}, with {plural(runs, 'run row')}"
            + (f", the newest {duration(x.now - last)} old." if runs else "; job rows only.")
            + (" Rows named undefined are of jobs that had no id in an earlier release." if without_id else ""),
            "The gateway keeps the job rows, and reaps run rows only in stores of agents that own a job.",
            brief=f"{' and '.join(left)}, {plural(runs, 'run row')} left",
            count=len(deleted) or len(jobs),
            severity=Severity.WARNING if unreaped else None,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "runRows": runs,
                "newestRunAt": last if runs else None,
                "jobs": [{"jobId": job.job_id, "runs": job.runs, "bytes": job.bytes} for job in jobs[:EXAMPLES]],
            },
            repair=UNKNOWN.repair if any(is_over(x, job) for job in jobs) else None,
        )


@REGISTRY.check(ISOLATED)
def isolated_load(x: Examination, t: Thresholds) -> Iterator[Finding]:
    limit = x.config.maintenance.max_entries
    for store, _ in whole_stores(x):
        runs, span = _isolated(store)
        span = max(span, SHORTEST_SPAN_MS)
        per_day = runs * DAY_MS / span
        by_database = store.era.sessions_in_database or not keeps_files(x)
        if by_database or runs < t.isolated_runs or per_day < limit.value * t.isolated_share:
            continue
        yield ISOLATED.finding(
            f"{plural(runs, 'isolated run')} in {duration(span)}: about {per_day:,.0f} new "
            f"sessions a day; the cap is {limit.value:,} ({limit.origin.told}).",
            _BOOT_ISOLATED.of(x),
            brief=f"about {round(per_day):,} new sessions a day",
            count=runs,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "runs": runs,
                "spanMs": span,
                "estimate": True,
                "sessionsPerDay": round(per_day),
                "maxEntries": limit.value,
                "jobs": sum(bool(job.runs) for job in store.jobs),
                "transcripts": store.transcripts.files,
            },
        )


def _isolated(store: StoreFacts) -> tuple[int, int]:
    """Run rows with a time, and ms from the first to the last of them."""
    firsts = [job.first_at for job in store.jobs if job.first_at is not None]
    lasts = [job.last_at for job in store.jobs if job.last_at is not None]
    return sum(job.runs for job in store.jobs), max(lasts, default=0) - min(firsts, default=0)
