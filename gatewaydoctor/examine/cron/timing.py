"""When a schedule fires, and whether cron jobs run when their schedules say. Times in epoch ms."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.units import HOUR_MS
from gatewaydoctor.state.cron import zones
from gatewaydoctor.state.cron.expression import for_crontab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import Cron, CronJob

    _Count = Callable[[int, int, int], int]


FULL_HOUR_STAGGER_MS = 300_000
"""The window over which the gateway spreads jobs of minute 0 (docs/gateway.md)."""

_SAMPLE = 50
_LAST_YEAR_MS = 250_000_000_000_000


class Interval(Struct, frozen=True):
    """Every `every` ms, counted from `anchor`; without one from the last run, so that only the distance is known."""

    every: int
    anchor: int | None

    @property
    def shortest_gap(self) -> int:
        return self.every

    @property
    def slack(self) -> int:
        return 0

    def after(self, at: int) -> int:
        """The first time behind `at`, or the last that it can be."""
        if self.anchor is None:
            return at + self.every
        return self.anchor if at < self.anchor else at + self.every - (at - self.anchor) % self.every

    def count(self, since: int, until: int, most: int) -> int:
        """How many times lie behind `since` and up to `until`; not more than `most`."""
        return min(most, max(0, until - since) // self.every)


class CronTimes:
    """Times of a cron expression that crontab has too, in its zone."""

    def __init__(self, expression: str, zone: tzinfo, slack: int) -> None:
        self.expression = expression
        self.zone = zone
        self.slack = slack

    def _times(self, at: int) -> Iterator[int]:
        from cronsim import CronSim, CronSimError

        try:
            start = datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone)
            for moment in CronSim(self.expression, start):
                yield int(moment.timestamp() * 1000)
        except (CronSimError, OverflowError, ValueError, OSError):
            return

    def after(self, at: int) -> int | None:
        """The first time behind `at`; None where none comes, or none can be told."""
        return next(self._times(at), None)

    def count(self, since: int, until: int, most: int) -> int:
        """How many times lie behind `since` and up to `until`; not more than `most`."""
        return sum(1 for _ in islice(takewhile(lambda at: at <= until, self._times(since)), most))

    @cached_property
    def shortest_gap(self) -> int | None:
        """ms between the closest two of its next times; None where it has less than two."""
        times = list(islice(self._times(1_767_225_600_000), _SAMPLE))
        return min((after - before for before, after in pairwise(times)), default=None)


Timetable = Interval | CronTimes


def timetable(job: CronJob) -> Timetable | None:
    """The times of a job that runs again and again; None for a one-shot job, and where they cannot be told."""
    schedule = job.schedule
    if schedule.every_ms is not None and schedule.kind not in ("cron", "at"):
        every = schedule.every_ms
        return Interval(every, schedule.anchor_ms) if 1 <= every < _LAST_YEAR_MS else None
    if schedule.expr is None or schedule.kind in ("every", "at"):
        return None
    expression = for_crontab(schedule.expr)
    zone = zones.zone(schedule.tz) if schedule.tz else UTC
    if expression is None or zone is None:
        return None
    return CronTimes(expression, zone, _slack(job, expression))


def _slack(job: CronJob, expression: str) -> int:
    """How much later than the expression says the gateway may set the next run."""
    if job.schedule.stagger_ms is not None:
        stagger = max(0, job.schedule.stagger_ms)
    else:
        stagger = FULL_HOUR_STAGGER_MS if expression.split()[1] == "0" else 0
    # The hour that is passed twice when summer time ends is used once. Without a zone that of the gateway's machine
    # counts, which is not known here: any place of the day is possible.
    zone = 26 * HOUR_MS if job.schedule.tz is None else 0 if job.schedule.tz == "UTC" else HOUR_MS
    return stagger + zone


def fires_at(job: CronJob) -> int | None:
    """The time of a one-shot job; None for other jobs, and for a date that is not in ISO form."""
    at = job.schedule.at
    if at is None or job.schedule.kind in ("cron", "every"):
        return None
    if at.isdigit():
        return int(at) if len(at) < 16 else None
    try:
        moment = datetime.fromisoformat(at)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


MISSED_PERIODS = 3
"""From how many times without a run on a job is told: one or two are a restart."""

MOST_COUNTED = 1000
GRACE_MS = 10 * 60_000
BACKOFF_MS = HOUR_MS
"""The longest pause that the gateway makes after errors."""

TOO_OFTEN = 0.8
"""Runs closer together than this share of the shortest gap of the schedule come too often."""

FEWEST_RUNS = 10


class TimingFlag(StrEnum):
    ONE_SHOT_PAST = "one-shot-past"
    LATE = "next-too-late"
    MISSED = "runs-missed"
    TOO_OFTEN = "runs-too-often"
    OWNER_GONE = "owner-gone"


class JobTiming(Struct, frozen=True):
    """One job by its times. `expected_at` is when the schedule has its next run, `missed` the times it had since the
    last run up to the last sign of life of the gateway; `interval` and `gap` are the usual distance of its runs and
    the shortest one of its schedule (ms). None where not known."""

    job: CronJob
    flags: tuple[TimingFlag, ...]
    expected_at: int | None = None
    missed: int = 0
    last_run: int | None = None
    runs: int = 0
    interval: int | None = None
    gap: int | None = None


def timings(x: Examination, cron: Cron) -> tuple[JobTiming, ...]:
    """One value a job, in the order of the list."""
    alive = last_sign_of_life(x)
    owners = _owners(x)
    runs = {id(each.job): each for store in x.session_stores for each in store.jobs if each.job is not None}
    return tuple(_timing(job, runs.get(id(job)), x.now, alive, owners) for job in cron.jobs)


def last_sign_of_life(x: Examination) -> int:
    """The newest time at which the gateway wrote something: rows, run logs, runs of jobs. Not later than now."""
    return max((at for at in _signs(x) if at <= x.now), default=0)


def _signs(x: Examination) -> Iterator[int]:
    yield from (store.newest_updated for store in x.session_stores if store.newest_updated is not None)
    yield from (log.mtime for log in x.cron.run_logs)
    yield from (job.state.last_run_at for job in x.jobs.jobs if job.state.last_run_at is not None)


def _owners(x: Examination) -> frozenset[str] | None:
    """The agents that the config lists, in lower case; None where it lists none or cannot be read."""
    listed = frozenset(agent.agent_id.lower() for agent in x.config.agents)
    return listed | {"main"} if listed and x.config.problem is None else None


def _timing(job: CronJob, runs: JobRuns | None, now: int, alive: int, owners: frozenset[str] | None) -> JobTiming:
    table = timetable(job)
    once = fires_at(job)
    flags = []
    expected, missed, interval, gap = None, 0, None, None
    if job.enabled and once is not None and once < now - GRACE_MS:
        flags.append(TimingFlag.ONE_SHOT_PAST)
    # A job that is marked running is not started, whatever its schedule: that has a rule of its own.
    if table is not None and job.enabled and job.state.running_at is None:
        expected = table.after(now)
        # Less than one more gap is not a delay that an operator would miss a run by.
        slack = table.slack + GRACE_MS + min(table.shortest_gap or 0, HOUR_MS)
        slack += BACKOFF_MS if job.state.consecutive_errors else 0
        late = _is_late(job, expected, slack)
        # Runs that never ended are listed as stuck rows, and keep a job from running.
        hangs = runs is not None and runs.stuck > 0
        missed = 0 if hangs else _missed(job, last_run(job, runs), table.count, alive - slack, late=late)
        flags += [TimingFlag.LATE] * late + [TimingFlag.MISSED] * (missed >= MISSED_PERIODS)
    if table is not None and runs is not None and runs.ticks.count >= FEWEST_RUNS:
        interval, gap = runs.ticks.interval_median, table.shortest_gap
        if interval is not None and gap is not None and interval < TOO_OFTEN * gap:
            flags.append(TimingFlag.TOO_OFTEN)
    if owners is not None and job.agent_id is not None and job.agent_id.lower() not in owners:
        flags.append(TimingFlag.OWNER_GONE)
    return JobTiming(
        job, tuple(flags), expected, missed, last_run(job, runs), runs.runs if runs else 0, interval, gap
    )


def _is_late(job: CronJob, expected: int | None, slack: int) -> bool:
    next_run = job.state.next_run_at
    return next_run is not None and expected is not None and next_run > expected + slack


def last_run(job: CronJob, runs: JobRuns | None) -> int | None:
    """When it last ran, by its state and by its rows."""
    known = (job.state.last_run_at, runs.last_at if runs else None)
    return max((at for at in known if at is not None), default=None)


def _missed(job: CronJob, last: int | None, count: _Count, until: int, *, late: bool) -> int:
    """Times of the schedule without a run while the gateway was alive. A next run that is in time may be that of a
    job that was disabled for a while: then only the time since its last change counts."""
    since = last if last is not None else job.created_at
    if since is None:
        return 0
    in_time = job.state.next_run_at is not None and not late and job.state.next_run_at > until
    if in_time and job.updated_at is not None:
        since = max(since, job.updated_at)
    return count(since, until, MOST_COUNTED)


def flagged(times: Iterable[JobTiming], flag: TimingFlag) -> list[JobTiming]:
    return [each for each in times if flag in each.flags]
