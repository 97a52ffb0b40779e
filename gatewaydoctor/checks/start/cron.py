"""Cron jobs: marks cleared, past-due jobs fired or caught up, and what fires next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.cron import CronRead, Fate
from gatewaydoctor.model.gateway.release import Fires, Policy
from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event, EventKind
from gatewaydoctor.model.units import HOUR_MS
from gatewaydoctor.model.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState
    from gatewaydoctor.model.gateway.cron import CronJob

AT_ONCE_MS = 3_000
DEFERRED_MS = 120_000
"""2026.5.22 defers agent jobs that were due by two minutes, 2026.9.6 all that were due."""
DELETED_MS = 140_000
"""When 2026.5.22 was seen to write jobs.json without the jobs it cannot take."""


def fired(state: StartState) -> Iterator[Event]:
    x = state.x
    if x.eras.cron_in_database and not state.jobs:
        if x.state_rows is not None and not x.state_rows.faults:
            elsewhere = sum(x.health.jobs_elsewhere.values())
            why = f"{plural(elsewhere, 'job is', 'jobs are')} filed under another directory"
            why = why if elsewhere else "the state database has none"
            yield Event(EventKind.IDLE, 0, f"fires no cron job: {why}")
            return
        if isinstance(x.state, DatabaseFault) and x.state.kind is DatabaseFaultKind.EMPTY:
            yield Event(EventKind.IDLE, 0, "fires no cron job: the state database is empty")
            return
        what = "runs cron jobs of the database, which were not read"
        yield Event(EventKind.UNKNOWN, AT_ONCE_MS, what, how_many=0, certainty=Certainty.MAY)
        return
    if x.cron.store.read in (CronRead.UNPARSEABLE, CronRead.UNREADABLE):
        yield Event(
            EventKind.IDLE, 0, "runs no cron job at all: jobs.json cannot be used", source=x.cron.store.reason or ""
        )
        return
    if not x.config.cron.enabled.value:
        if state.jobs:
            yield Event(
                EventKind.IDLE, 0, "fires no cron job, and clears no mark: cron is switched off in the config"
            )
        return
    if stops := state.fated(Fate.STOPS_CRON):
        jobs = names([job for job in state.jobs if job.index in stops])
        what = f"its scheduler fails because of {plural(len(stops), 'job')}: no cron job runs"
        yield Event(EventKind.IDLE, 0, what, jobs, len(stops), source="seen with 2026.3.28 to 2026.4.29")
        return
    yield from _marked(state)
    again = x.config.release.behaviour.reruns_one_shots
    due = [job for job in _running(state) if is_due(job, x.now) or (again and _is_marked_once(job))]
    yield from _due(state, due)
    yield from _missed(state, due)
    yield from _next(state, due)
    yield from _malformed(state)


def is_due(job: CronJob, now: int) -> bool:
    at = job.state.next_run_at
    return job.enabled and job.state.running_at is None and at is not None and at <= now


def _is_marked_once(job: CronJob) -> bool:
    """A one-shot job whose run was broken off: 2026.3.28 and 2026.9.6 were seen to run it again after a start."""
    return job.enabled and job.state.running_at is not None and job.schedule.kind == "at"


def names(jobs: list[CronJob]) -> tuple[str, ...]:
    return tuple(job.name or job.job_id for job in jobs)


def turns(jobs: list[CronJob]) -> Cost:
    """One each: a system event for main is answered there."""
    return Cost(turns=len(jobs))


def _marked(state: StartState) -> Iterator[Event]:
    marked = [job for job in state.jobs if job.state.running_at is not None]
    if not marked:
        return
    jobs = plural(len(marked), "cron job")
    match state.x.config.release.policy:
        case Policy.V2026_4_25 | Policy.V2026_5_22:
            what = f"records the marked run of {jobs} as interrupted, an error; one-shot jobs are disabled"
        case Policy.V2026_9_6:
            what = f"records the marked run of {jobs} as interrupted, an error"
            once = sum(map(_is_marked_once, marked))
            what += f"; {plural(once, 'one-shot job')} of them will run again" if once else ""
        case _:
            what = f"clears the mark of {jobs} and leaves {'it' if len(marked) == 1 else 'them'} out of the catch-up"
            once = sum(map(_is_marked_once, marked))
            what += f", all but {plural(once, 'one-shot job')}" if once else ""
    yield Event(EventKind.CLEARS_MARKS, 0, what, names(marked), len(marked))


def _due(state: StartState, due: list[CronJob]) -> Iterator[Event]:
    if not due:
        return
    behaviour = state.x.config.release.behaviour
    events = [job for job in due if job.payload_kind == "systemEvent"]
    agents = [job for job in due if job.payload_kind != "systemEvent"]
    if behaviour.fires is Fires.EVENTS_AT_ONCE:
        if events:
            yield _fires(AT_ONCE_MS, f"fires {_overdue(events)} that {_only(events)}", events)
        if agents:
            yield _fires(DEFERRED_MS, f"starts {_overdue(agents)}, one at a time", agents)
        return
    if behaviour.fires is Fires.DEFERRED:
        each = ", one after another" if len(due) > 1 else ""
        yield _fires(DEFERRED_MS, f"starts {_overdue(due)} 2 min after it is up{each}", due)
        return
    each = ", one after another" if len(due) > 1 else ""
    each += ", those beyond five 5 s apart" if len(due) > 5 else ""
    yield _fires(AT_ONCE_MS, f"fires {_overdue(due)}{each}", due)
    if behaviour.resets_main and any(job.session_target == "main" for job in events):
        what = "resets main before a system event if its day is over: a new session, the old transcript as .reset"
        yield Event(
            EventKind.NOTICE, AT_ONCE_MS, what, how_many=1, certainty=Certainty.MAY, source="seen with 2026.3.28"
        )


def _only(jobs: list[CronJob]) -> str:
    return "is a system event" if len(jobs) == 1 else "are system events"


def _overdue(jobs: list[CronJob]) -> str:
    once = sum(job.schedule.kind == "at" for job in jobs)
    ends = f" ({once} one-shot, deleted or disabled afterwards)" if once else ""
    return plural(len(jobs), "overdue job") + ends


def _fires(at: int, what: str, jobs: list[CronJob]) -> Event:
    return Event(EventKind.FIRES, at, what, names(jobs), len(jobs), turns(jobs))


def _missed(state: StartState, due: list[CronJob]) -> Iterator[Event]:
    """Jobs with a cron expression and a next run to come: a start looks for times since the last run."""
    missed = [
        job
        for job in _running(state)
        if job.enabled
        and job not in due
        and job.state.running_at is None
        and job.schedule.kind == "cron"
        and job.state.last_run_at is not None
        and state.x.now - job.state.last_run_at > HOUR_MS
    ]
    behaviour = state.x.config.release.behaviour
    if missed and behaviour.catches_up:
        at = AT_ONCE_MS if behaviour.fires is Fires.AT_ONCE else DEFERRED_MS
        what = f"catches up {plural(len(missed), 'job')} if a time of the schedule passed since the last run"
        yield Event(EventKind.CATCHES_UP, at, what, names(missed), len(missed), turns(missed), Certainty.MAY)


def _next(state: StartState, due: list[CronJob]) -> Iterator[Event]:
    now = state.x.now
    coming = sorted(
        (job.state.next_run_at, job.index, job)
        for job in _running(state)
        if job.enabled and job not in due and job.state.running_at is None and job.state.next_run_at is not None
    )
    soon = [job for at, _, job in coming if at <= now + HOUR_MS]
    if soon:
        first = coming[0][0] - now
        what = f"fires {plural(len(soon), 'cron job')} within the hour, the first in {duration(first)}"
        yield Event(EventKind.FIRES, first, what, names(soon), len(soon), turns(soon))
    elif coming:
        first = coming[0][0] - now
        what = f"fires its next cron job in {duration(first)}"
        yield Event(EventKind.FIRES, first, what, names([coming[0][2]]), 1, turns([coming[0][2]]))
    elif not due and not any(job.enabled for job in state.jobs):
        yield Event(
            EventKind.IDLE,
            None,
            "fires no cron job: none is enabled" if state.jobs else "has no cron jobs",
            how_many=0,
        )


def _running(state: StartState) -> list[CronJob]:
    """The jobs but for those that the release in use never runs."""
    never = state.fated(Fate.DROPPED) | state.fated(Fate.NEVER_RUNS)
    return [job for job in state.jobs if job.index not in never]


def _malformed(state: StartState) -> Iterator[Event]:
    if gone := state.fated(Fate.DROPPED):
        jobs = [job for job in state.jobs if job.index in gone]
        what = f"deletes {plural(len(gone), 'job')} from jobs.json, and seconds later from jobs.json.bak"
        yield Event(
            EventKind.NOTICE,
            DELETED_MS,
            what,
            names(jobs),
            len(gone),
            source="seen with 2026.5.22, 140 s after it was up",
        )
    bad = {
        each.index
        for each in state.x.cron.problems
        if each.field in _DISABLING and each.fate is Fate.NEVER_RUNS and each.index not in gone
    }
    jobs = [job for job in state.jobs if job.index in bad and job.enabled]
    if jobs:
        what = f"tries {plural(len(jobs), 'job')} with a bad schedule three times, then disables it and notifies main"
        yield Event(
            EventKind.NOTICE, 13_000, what, names(jobs), len(jobs), Cost(turns=len(jobs)), Certainty.MAY,
            "seen with 2026.3.28",
        )  # fmt: skip


_DISABLING = frozenset({"schedule", "schedule.kind", "schedule.expr", "schedule.tz"})
"""Where a fault makes the release count schedule errors. A job with another fault is kept, and never due."""
