"""Rules about cron jobs that do not run when their schedules say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import a_gateway
from gatewaydoctor.checks.jobs.cron import disabling
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.examine.cron.timing import (
    MISSED_PERIODS,
    TimingFlag,
    flagged,
    last_sign_of_life,
    timings,
)
from gatewaydoctor.model.gateway.release import numbers
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import ago, duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.cron.timing import JobTiming
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding

NOT_RUN = Rule(
    id="cron-job-not-run",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs that do not run when they are scheduled",
    meaning="The next run that the gateway recorded is later than the schedule's, or the schedule came due at least "
    "three times since the last run while the gateway was running. Times in other jobs, rows and run logs count as "
    "signs of life.",
    cause="A release that moved the next run ahead without running the job, a change of the clock, a scheduler that "
    "hung, or a schedule that was changed by hand while the old next run stayed.",
    gateway="Seen with 2026.3.28, 2026.4.25 and 2026.5.22: a start runs a job with a cron expression "
    "that had a time since its last run, and computes its next run again; the next run of an "
    "interval stays as recorded until that time.",
    remedy="Restart the gateway and check the next runs again with `gatewaydoctor cron`. If a next run "
    "stays too late, remove nextRunAtMs of the job from jobs.json (since 2026.4.20 from "
    "jobs-state.json) with the gateway stopped: it is computed again.",
)

ONE_SHOT = Rule(
    id="cron-one-shot-past",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="One-shot jobs past their time are still enabled",
    meaning="A job that runs once has a time in the past and is enabled.",
    cause="The gateway was down at that time, the run was interrupted, or the job was not disabled after its run.",
    gateway="Seen with 2026.3.28, 2026.4.25 and 2026.5.22: the next start runs it, however long ago its time was, "
    "also where it ran before.",
    remedy="Disable those that must not run late, before the start: `repair cron --disable JOB`.",
)

OFTEN = Rule(
    id="cron-runs-too-often",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs run more often than they are scheduled",
    meaning="The run rows of a job lie closer together than its schedule has times: the usual distance of its runs "
    "is less than 80 % of the shortest distance of the schedule.",
    cause="A retry after each failure, a next run that a restart computes again, two gateways on one "
    "directory, runs by hand, or a schedule that was made rarer in between.",
    gateway="It goes on at this rate; up to 2026.4.25 each run adds a row and a transcript. Run rows go once they "
    "are older than cron.sessionRetention (24 h unless set): releases from 2026.2.26 on remove them at the end of "
    "a scheduler pass, in stores of agents that own a job; 2026.2.9 has nothing that removes them.",
    remedy="Find out what starts the runs: see the run log in cron/runs, and whether a second gateway runs on a "
    "copy. `repair trim` removes rows of runs that are over; no conversation is among them.",
)

OWNER = Rule(
    id="cron-owner-gone",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs of agents that are not configured",
    meaning="An enabled job names an agent that the config does not list.",
    cause="The agent was removed or renamed, and its jobs stayed.",
    gateway="It runs the job under the default agent, with that agent's model, workspace and store.",
    remedy="Give the job another agentId with `openclaw cron edit`, or disable it: `repair cron --disable JOB`.",
)

_REAPER_SINCE = (2026, 2, 26)
"""The first release that was seen to remove run rows by age: 2026.2.26 does, 2026.2.9 has no such code."""


@REGISTRY.check(NOT_RUN, ONE_SHOT, OFTEN, OWNER)
def job_times(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if not x.config.cron.enabled.value:
        return
    times = timings(x, x.jobs)
    yield from _not_run(x, times)
    yield from _one_shot(x, flagged(times, TimingFlag.ONE_SHOT_PAST))
    yield from _too_often(x, flagged(times, TimingFlag.TOO_OFTEN))
    yield from _owner_gone(x, [each for each in flagged(times, TimingFlag.OWNER_GONE) if each.job.enabled])


def _not_run(x: Examination, times: tuple[JobTiming, ...]) -> Iterator[Finding]:
    late, missed = flagged(times, TimingFlag.LATE), flagged(times, TimingFlag.MISSED)
    jobs = [each for each in times if each in late or each in missed]
    if not jobs:
        return
    said = []
    if late:
        most = max((each.job.state.next_run_at or 0) - (each.expected_at or 0) for each in late)
        due = "is due later than its schedule" if len(late) == 1 else "are due later than their schedules"
        said.append(f"{plural(len(late), 'job')} {due}, by up to {duration(most)}")
    if missed:
        last = min((each.last_run or each.job.created_at or x.now) for each in missed)
        alive = ago(x.now - last_sign_of_life(x))
        did = f"{plural(len(missed), 'job')} did not run at {MISSED_PERIODS} or more times of the schedule"
        said.append(f"{did}, the longest for {duration(x.now - last)}; the gateway was running {alive}")
    yield NOT_RUN.finding(
        f"{'. '.join(said)}.",
        f"{a_gateway(x)} may run some at its next start, and others only at the time noted.",
        brief=f"{plural(len(jobs), 'job')} not run when scheduled",
        count=len(jobs),
        path=x.jobs.store.path,
        evidence={"jobs": [_times(each) for each in jobs[:EXAMPLES]]},
    )


def _times(each: JobTiming) -> dict[str, object]:
    return {
        "jobId": each.job.job_id,
        "name": each.job.name,
        "lastRunAtMs": each.last_run,
        "nextRunAtMs": each.job.state.next_run_at,
        "expectedAtMs": each.expected_at,
        "missed": each.missed,
    }


def _one_shot(x: Examination, jobs: list[JobTiming]) -> Iterator[Finding]:
    if not jobs:
        return
    are = plural(len(jobs), "one-shot job is", "one-shot jobs are")
    yield ONE_SHOT.finding(
        f"{are} enabled and past the time set.",
        f"{a_gateway(x)} runs {'it' if len(jobs) == 1 else 'them'} soon after its start.",
        count=len(jobs),
        path=x.jobs.store.path,
        evidence={"jobs": [_times(each) for each in jobs[:EXAMPLES]]},
        by_command=disabling(x, [each.job for each in jobs]),
    )


def _too_often(x: Examination, jobs: list[JobTiming]) -> Iterator[Finding]:
    for each in jobs[:EXAMPLES]:
        retention = x.config.cron.session_retention.value
        yield OFTEN.finding(
            f"{plural(each.runs, 'run row')} of one job, one every "
            f"{duration(each.interval or 0)}; the schedule is every {duration(each.gap or 0)}.",
            _removal(x),
            brief=f"{plural(each.runs, 'run')} of one job, one every {duration(each.interval or 0)}",
            count=each.runs,
            path=x.jobs.store.path,
            evidence={
                "jobId": each.job.job_id,
                "name": each.job.name,
                "runs": each.runs,
                "intervalMedianMs": each.interval,
                "scheduleGapMs": each.gap,
                "sessionRetentionMs": retention,
            },
        )


def _removal(x: Examination) -> str:
    """What makes the rows go."""
    retention = x.config.cron.session_retention.value
    if retention is None:
        return "The rows stay: cron.sessionRetention is off. `repair trim` removes rows of runs that are over."
    after = f"rows older than {duration(retention)} (cron.sessionRetention)"
    version = numbers(x.config.release.version)
    old = version is not None and version < _REAPER_SINCE
    if old:
        since = "2026.2.26 and later remove"
        return f"{a_gateway(x)} may remove none of these rows; {since} {after}. `repair trim` removes them now."
    return f"{a_gateway(x)} removes {after} after a pass of the scheduler; `repair trim` removes them now."


def _owner_gone(x: Examination, jobs: list[JobTiming]) -> Iterator[Finding]:
    if not jobs:
        return
    names = plural(len(jobs), "job names an agent", "jobs name agents")
    yield OWNER.finding(
        f"{names} that the config does not list.",
        f"{a_gateway(x)} runs {'it' if len(jobs) == 1 else 'them'} under the default agent.",
        count=len(jobs),
        path=x.jobs.store.path,
        evidence={
            "jobs": [
                {"jobId": each.job.job_id, "name": each.job.name, "agentId": each.job.agent_id}
                for each in jobs[:EXAMPLES]
            ]
        },
        by_command=disabling(x, [each.job for each in jobs]),
    )
