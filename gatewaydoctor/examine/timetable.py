"""When a schedule fires: times of cron expressions, intervals and dates. Epoch ms throughout."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import islice, pairwise, takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.state.cron import zones
from gatewaydoctor.state.cron.expression import for_crontab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.gateway.cron import CronJob

HOUR_MS = 3_600_000
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
