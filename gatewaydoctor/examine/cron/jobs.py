"""Per cron job: what its run rows in a store tell, next to what jobs.json says of it."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.examine.cron.ticks import Ticks, Timeline, ticks, timeline
from gatewaydoctor.model.gateway.cron import UNDEFINED, CronRead
from gatewaydoctor.model.gateway.entry import Kind, Status, latest
from gatewaydoctor.model.units import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.sessions.stuck import Signs
    from gatewaydoctor.model.gateway.cron import Cron, CronJob
    from gatewaydoctor.model.gateway.entry import Entry

RAPID_INTERVAL_MS = 60_000
RAPID_RUNS = 3


class JobRuns(Struct, frozen=True):
    """Rows of one job in one store. `known` is None where jobs.json could not be read. `stuck` counts run rows only;
    `base_status` and `base_stuck` are of the job's job row, None and False without one. `bytes` are those of the run
    rows. `quiet` counts, up to two, the run rows without a sign of life in the last hour, their transcripts included;
    `quiet_since` is the newest sign of these. `timeline` has one time axis for all jobs of a store; None without
    times."""

    job_id: str
    job: CronJob | None
    known: bool | None
    runs: int
    status: Counter[Status]
    bytes: int
    first_at: int | None
    last_at: int | None
    ticks: Ticks
    stuck: int
    base_status: Status | None
    base_key: str | None
    base_stuck: bool = False
    timeline: Timeline | None = None
    quiet: int = 0
    quiet_since: int | None = None

    @property
    def name(self) -> str | None:
        return self.job.name if self.job else None

    @property
    def span(self) -> int | None:
        """ms from the first to the last run."""
        return None if self.first_at is None or self.last_at is None else self.last_at - self.first_at

    @property
    def rapid(self) -> bool:
        return is_rapid(self.ticks, self.job)

    @property
    def runs_per_day(self) -> float:
        """Rows a day over the span they cover, which is at least an hour."""
        return self.runs / (max(self.span or 0, DAY_MS / 24) / DAY_MS)

    @property
    def flags(self) -> tuple[str, ...]:
        """Words for the table; each has a rule of its own."""
        zombie = self.job is not None and self.job.state.running_at is not None
        found = (
            ("rapid-retry", self.rapid),
            ("zombie", zombie),
            ("unknown-job", self.known is False),
            ("phantom", self.base_status is Status.RUNNING),
        )
        return tuple(word for word, holds in found if holds)


def is_rapid(ticks: Ticks, job: CronJob | None) -> bool:
    """Whether the scheduler starts a job again and again: several runs a tick, or ticks far too close."""
    if ticks.count < 2 and ticks.per_tick_max < 2 * RAPID_RUNS:
        return False
    if ticks.per_tick_median >= RAPID_RUNS:
        return True
    median = ticks.interval_median
    if median is None or ticks.count < RAPID_RUNS:
        return False
    every = job.schedule.every_ms if job else None
    return median < min(RAPID_INTERVAL_MS, every // 2 if every else RAPID_INTERVAL_MS)


class _Gathered(Struct):
    status: Counter[Status] = field(default_factory=Counter)
    bytes: int = 0
    times: array[int] = field(default_factory=lambda: array("q"))
    stuck: int = 0
    quiet: int = 0
    quiet_since: int | None = None
    base_status: Status | None = None
    base_key: str | None = None
    base_stuck: bool = False


QUIET_MS = 3_600_000
"""No repair removes a run row with a later sign of life."""
_QUIET_ENOUGH = 2
"""More of them tell nothing new: one may be the run that a job row is a copy of."""


class JobCollector:
    """Takes the rows of a store one by one and says what they tell of each job."""

    def __init__(self, signs: Signs, now: int) -> None:
        self._signs = signs
        self._now = now
        self._jobs: dict[str, _Gathered] = {}

    def take(self, entry: Entry, row: int, *, stuck: bool) -> None:
        """`row` is its place in the table. Rows that belong to no job are passed over."""
        if entry.job_id is None:
            return
        job = self._jobs.get(entry.job_id)
        if job is None:
            job = self._jobs[entry.job_id] = _Gathered()
        if entry.kind is Kind.CRON_BASE:
            job.base_status, job.base_key, job.base_stuck = entry.status, entry.key, stuck
        if entry.kind is not Kind.CRON_RUN:
            return
        job.status[entry.status] += 1
        job.bytes += entry.bytes
        job.stuck += stuck
        if job.quiet < _QUIET_ENOUGH:
            last = latest(entry.last_sign, self._signs.newest(entry, row))
            if last is None or self._now - last >= QUIET_MS:
                job.quiet += 1
                job.quiet_since = latest(job.quiet_since, last)
        at = entry.updated_at if entry.updated_at is not None else entry.started_at
        if at is not None:
            job.times.append(at)

    def result(self, cron: Cron) -> tuple[JobRuns, ...]:
        """One value per job that has rows, most runs first."""
        return tuple(sorted(_finished(self._jobs, cron), key=lambda job: (-job.runs, job.job_id)))


def _finished(gathered: dict[str, _Gathered], cron: Cron) -> Iterator[JobRuns]:
    readable = cron.store.read is CronRead.OK
    known = {job.job_id: job for job in cron.jobs}
    # Keys carry ids in lower case where the gateway looked them up (docs/gateway.md section 4).
    lowered = {job_id.lower(): job for job_id, job in known.items()}
    first = min((min(rows.times) for rows in gathered.values() if rows.times), default=0)
    last = max((max(rows.times) for rows in gathered.values() if rows.times), default=0)
    for job_id, rows in gathered.items():
        job = None if job_id == UNDEFINED else known.get(job_id) or lowered.get(job_id.lower())
        yield JobRuns(
            job_id,
            job,
            job is not None or job_id in cron.known_ids if readable else None,
            rows.status.total(),
            rows.status,
            rows.bytes,
            min(rows.times, default=None),
            max(rows.times, default=None),
            ticks(rows.times),
            rows.stuck,
            rows.base_status,
            rows.base_key,
            rows.base_stuck,
            timeline(rows.times, first, last) if rows.times else None,
            rows.quiet,
            rows.quiet_since,
        )
