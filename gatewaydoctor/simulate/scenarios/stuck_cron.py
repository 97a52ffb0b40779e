"""61633: isolated runs in bursts, a job row marked running that later run rows copy, and a heap that no longer holds
the store.

Put in: each job's ticks and runs a tick, the status of its job row, the run in the middle of which the gateway
crashed, the row size, what a load needs. Comes out: what later rows copy, the file, the time of death and the rows at
that time.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import DAY, GB, HOUR, MB, MINUTE, EventLoop, Trace, chance
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.refstore import Mode
from gatewaydoctor.simulate.refstore.maintain import cap
from gatewaydoctor.simulate.releases import RELEASES, RunRows
from gatewaydoctor.simulate.values import Figure, Result, Save, Table, filled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from gatewaydoctor.simulate.releases import ReleaseModel

NAME: Final = "stuck-cron"
STATUSES: Final = ("running", "done", "failed", "none")
JOBS: Final = (
    "morning-sleep-report=68x22.5s:2075:none>running@59 git-backup-night=49+x3540s:2236:failed>running@151 "
    "ssl-price-check=97+x1788s:2211:none fourth-job=1x24h:1:done fifth-job=1x24h:1:done"
)
_GIVEN: Final = {
    "morning-sleep-report": {"running": 2016, "none": 59},
    "git-backup-night": {"running": 2085, "failed": 151},
    "ssl-price-check": {"none": 2211},
}
_REAPER_EVERY: Final = 5 * MINUTE
_RETENTION: Final = DAY
_STREAM_INDEX: Final = 300
"""Bytes a streaming load keeps per row."""

FIGURES: Final = (
    Figure("rows", "rows in the store", "rows", given=6539, tolerance=0.05),
    Figure("runs", "of them cron runs", "rows", given=6524, tolerance=0.05),
    Figure("fileBytes", "sessions.json", "bytes", given=185e6, tolerance=0.05),
    Figure("running", "rows marked running", "rows", given=4101, tolerance=0.05),
    Figure("stuckRuns", "runs stuck for over an hour at the end", "rows"),
    Figure("runsStarted", "runs started", "runs"),
    Figure("runsSkipped", "ticks without a run", "ticks"),
    Figure("bootHeap", "heap the restart needs", "bytes"),
    Figure("boots", "does it boot", "yes/no", given=0, tolerance=0.0),
    Figure("death", "out of memory, and never up again, after", "min", given=2891, tolerance=0.1),
    Figure("conversationsLost", "conversations lost", "conversations", given=0, tolerance=0.0),
    Figure("worstBlock", "worst block", "s"),
    Figure("bytesWritten", "bytes written to the store a day", "bytes"),
)


@dataclass(frozen=True, slots=True)
class StuckCron:
    """The workload and the host. Sizes in bytes, times in seconds."""

    duration: float = assumed(5 * DAY, "s", "beyond the two days of the report: the growth decides when it ends")
    jobs: str = given(
        JOBS,
        "jobs",
        "name=TICKSxINTERVAL:RUNS:STATUS>STATUS@RUN: RUNS over all TICKS (with + they go on at that rate), the "
        "status of the job row, and the run that a crash of the gateway cuts short, leaving the job row running",
    )
    jitter: float = given(2.5, "s", "the first job's ticks are 20 to 25 s apart")
    conversations: int = derived(10, "rows", "of the 15 rows that are not runs, five are job rows")
    entry_bytes: int = derived(28_292, "bytes", "185 MB over 6,539 rows")
    run: float = assumed(20.0, "s", "length of a run that ends")
    run_timeout: float = given(HOUR, "s", "an agent turn is given up after 60 min (docs/gateway.md section 7)")
    save_cost: float = measured(43e-9, "s/byte", "2026.3.28: 7.6 s of work on 176 MB (its own cleanup, dry run)")
    load_copies: float = measured(10.0, "times the file", "2026.3.28 takes 1.85 GB to load 185 MB once")
    loads_at_boot: float = measured(
        1.0, "loads", "seen with 2026.3.28; the reporter's estimate of 33 GB would be 18 loads at once, unexplained"
    )
    base_heap: float = assumed(450e6, "bytes", "2026.3.28 has 493 MB resident after a start, some of it outside V8")
    heap_limit: float = given(2.3e9, "bytes", "the heap V8 allows itself there")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and what remedies have turned. Ages in seconds, None or False: not applied."""

    options: StuckCron
    max_running_age: float | None = None
    guarded: bool = False
    capped: bool = False
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class CronJob:
    """A job's ticks, the runs over all of them, its job row's status at first, and the run that a crash cuts short
    (`stuck_from`, counted from 0; `runs` where there is none), with what the crash leaves in the job row.
    `goes_on`: more ticks follow at the same rate."""

    name: str
    ticks: int
    interval: float
    runs: int
    status: str
    stuck_status: str
    stuck_from: int
    goes_on: bool = False

    def runs_before(self, tick: int) -> int:
        """How many runs the ticks before this one start when nothing asks whether one is still running."""
        return self.runs * tick // self.ticks

    def crash_in(self, tick: int) -> int | None:
        """The number within this tick of the run that the crash cuts short."""
        crashes = self.stuck_from < self.runs
        here = self.runs_before(tick) <= self.stuck_from < self.runs_before(tick + 1)
        return self.stuck_from - self.runs_before(tick) if crashes and here else None


_JOB = re.compile(r"([^=\s]+)=(\d+)(\+?)x([\d.]+)([smh]):(\d+):(\w+)(?:>(\w+)@(\d+))?\Z")


def parse_jobs(text: str) -> tuple[CronJob, ...]:
    """The jobs of an option text. Raises BadOption."""
    jobs: list[CronJob] = []
    for word in text.split():
        found = _JOB.match(word)
        if not found or not int(found[2]) or {found[7], found[8] or found[7]} - set(STATUSES):
            raise BadOption(f"a job is NAME=TICKSxINTERVAL:RUNS:STATUS[>STATUS@RUN], not {word}")
        interval = float(found[4]) * {"s": 1.0, "m": MINUTE, "h": HOUR}[found[5]]
        runs, status, stuck = int(found[6]), found[7], found[8] or found[7]
        stuck_from = int(found[9]) if found[9] else runs
        jobs.append(CronJob(found[1], int(found[2]), interval, runs, status, stuck, stuck_from, bool(found[3])))
    return tuple(jobs)


def jobs_text(jobs: Iterable[CronJob]) -> str:
    """The option text of these jobs; parsing it gives them back."""
    words = []
    for job in jobs:
        stuck = f">{job.stuck_status}@{job.stuck_from}" if job.stuck_status != job.status else ""
        words.append(f"{job.name}={job.ticks}{'+' * job.goes_on}x{job.interval:g}s:{job.runs}:{job.status}{stuck}")
    return " ".join(words)


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
    gateway.run()
    return _result(gateway, plan, policy, seed, remedies)


def saves(plan: Plan, *, policy: str, seed: int) -> list[Save]:
    """Every save the model makes, the store it starts with first; `--clock wall` repeats them on real files."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
    gateway.run()
    return gateway.saves


class _NeverUp(Exception):
    """A start does not get the store into its heap."""


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    release: ReleaseModel
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: EventLoop = field(init=False)
    rows: dict[str, Any] = field(default_factory=dict)
    started: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    crashes: int = 0
    death: float | None = None
    saves: list[Save] = field(default_factory=list)
    bytes_written: float = 0.0
    file_trace: Trace = field(default_factory=lambda: Trace("file", "sessions.json", "MB"))
    stuck_trace: Trace = field(default_factory=lambda: Trace("stuck", "runs stuck for over an hour", "rows"))
    boot_trace: Trace = field(default_factory=lambda: Trace("boot", "heap a restart would need", "GB"))

    def __post_init__(self) -> None:
        self.loop = EventLoop(self.env)
        for number in range(self.plan.options.conversations):
            self.rows[f"conversation:{number}"] = {"updatedAt": -number * DAY / 2, "status": "done", "job": ""}

    def run(self) -> None:
        for job in parse_jobs(self.plan.options.jobs):
            self.rows[job.name] = {"updatedAt": 0.0, "startedAt": 0.0, "status": job.status, "job": ""}
            self.env.process(self._job(job))
        self.saves.append(Save(0.0, tuple(self.rows), len(self.rows), self.file_bytes(), 0.0))
        self.env.process(self._reaper())
        try:
            self.env.run(self.plan.options.duration)
        except _NeverUp:
            self.death = self.env.now
        self._note()

    def _job(self, job: CronJob) -> Generator[simpy.Event, Any, None]:
        random, jitter = chance(self.seed, job.name), min(self.plan.options.jitter, job.interval / 2)
        start = random.uniform(0.0, min(job.interval, HOUR))
        for tick in count() if job.goes_on else range(job.ticks):
            due = start + tick * job.interval + random.uniform(-jitter, jitter)
            yield self.env.timeout(max(0.0, due - self.env.now))
            yield from self._tick(job, tick)

    def _tick(self, job: CronJob, tick: int) -> Generator[simpy.Event, Any, None]:
        """Start the runs of one tick, one after the other: each reads the job row as it is then."""
        runs, crash = job.runs_before(tick + 1) - job.runs_before(tick), job.crash_in(tick)
        if self.plan.guarded:
            runs, crash = int(self._may_start(job)), None if crash is None else 0
            self.skipped += not runs
        keys: list[str] = []
        for number in range(runs):
            keys.append(self._start(job))
            if number == crash:
                # The gateway dies in the middle of this run, which leaves the job row as the run had it.
                self.crashes += 1
                mark = {"status": job.stuck_status, "startedAt": self.env.now}
                self.rows[keys[-1]] |= mark
                self.rows[job.name] |= mark
        if keys:
            yield from self._save(tuple(keys))
            self.env.process(self._end(job, tuple(keys), self.crashes))
        if crash is not None and runs:
            self._boot()

    def _may_start(self, job: CronJob) -> bool:
        """The guard: no run while one is marked running, and one that outlives the timeout is ended as failed."""
        row = self.rows.get(job.name)
        if row is None or row["status"] != "running":
            return True
        if self.env.now - row["startedAt"] < self.plan.options.run_timeout:
            return False
        for each in (row, *(other for other in self.rows.values() if other["job"] == job.name)):
            if each["status"] == "running":
                each["status"] = "failed"
        return True

    def _start(self, job: CronJob) -> str:
        """A run's row, made from the job row as the release makes it. Returns the key it is saved under."""
        now, base = self.env.now, self.rows.get(job.name, {"status": job.status, "startedAt": self.env.now})
        number = self.started[job.name]
        self.started[job.name] += 1
        row = {"updatedAt": now, "startedAt": now, "status": "running", "job": job.name}
        match self.release.run_rows:
            case RunRows.COPIED:
                row |= {"status": base["status"], "startedAt": base["startedAt"]}
            case RunRows.PREFERENCES:
                pass
            case RunRows.NONE:
                self.rows[job.name] = row | {"job": ""}
                return job.name
        key = f"{job.name}:run:{number}"
        self.rows[key] = row
        self.rows[job.name] = row | {"job": ""}
        return key

    def _end(self, job: CronJob, keys: tuple[str, ...], crashes: int) -> Generator[simpy.Event, Any, None]:
        """The runs of a tick end. A copied status is written back as it was copied; any other becomes done. Runs that
        a crash cut short do not end."""
        yield self.env.timeout(self.plan.options.run)
        if self.crashes != crashes:
            return
        for key in (*keys, job.name):
            row = self.rows.get(key)
            if row is not None:
                row["updatedAt"] = self.env.now
                if self.release.run_rows is not RunRows.COPIED and row["status"] == "running":
                    row["status"] = "done"
        yield from self._save(keys)

    def _save(self, keys: tuple[str, ...]) -> Generator[simpy.Event, Any, None]:
        """One save for all rows of a tick: of the whole file, or in a database of these rows. It loads the store, and
        a heap that is too small for that ends the process; the restart has to load the store again."""
        options, store = self.plan.options, self.release.store
        if self.heap_for(1.0) > options.heap_limit:
            self._boot()
        size = len(keys) * options.entry_bytes if store is None else self.file_bytes()
        seconds = options.save_cost * size
        yield from self.loop.hold(seconds)
        if self.plan.capped or (store is not None and store.mode is Mode.ENFORCE):
            rules = store or RELEASES["2026.5.22"].store
            if rules is not None:
                cap(self.rows, rules, max_entries=rules.max_entries)
        written = size if store is None else self.file_bytes()
        self.saves.append(Save(self.env.now, keys, len(self.rows), written, seconds))
        self.bytes_written += written
        self._note()

    def _boot(self) -> None:
        """Raises _NeverUp where the store does not fit: every further start ends the same way."""
        if self.boot_bytes() > self.plan.options.heap_limit:
            raise _NeverUp

    def _reaper(self) -> Generator[simpy.Event, Any, None]:
        """Works after cron ticks that complete, and none does while a job row is marked running: then run rows older
        than a day go. The remedy ends what was started too long ago, job rows included."""
        max_age = self.plan.max_running_age
        while True:
            yield self.env.timeout(_REAPER_EVERY)
            now = self.env.now
            for row in self.rows.values() if max_age is not None else ():
                if row["status"] == "running" and max_age is not None and now - row["startedAt"] > max_age:
                    row["status"] = "failed"
            if self._a_run_hangs():
                continue
            for key in [key for key, row in self.rows.items() if row["job"] and now - row["updatedAt"] > _RETENTION]:
                del self.rows[key]

    def _a_run_hangs(self) -> bool:
        names = [job.name for job in parse_jobs(self.plan.options.jobs)]
        rows = (self.rows.get(name) for name in names)
        limit = self.plan.options.run * 2
        return any(row and row["status"] == "running" and self.env.now - row["startedAt"] > limit for row in rows)

    def file_bytes(self) -> float:
        return len(self.rows) * self.plan.options.entry_bytes

    def heap_for(self, loads: float) -> float:
        """What the process and so many loads of the whole store at once need; of a database or a stream one row."""
        options = self.plan.options
        if self.plan.streaming or self.release.store is None:
            return options.base_heap + options.entry_bytes * options.load_copies + _STREAM_INDEX * len(self.rows)
        return options.base_heap + self.file_bytes() * options.load_copies * loads

    def boot_bytes(self) -> float:
        return self.heap_for(self.plan.options.loads_at_boot)

    def stuck(self) -> int:
        now = self.env.now
        # Asked at every save, of thousands of rows: a list is made faster than a generator is gone through.
        return len([1 for row in self.rows.values() if row["status"] == "running" and now - row["updatedAt"] > HOUR])

    def _note(self) -> None:
        self.file_trace.note(self.env.now, self.file_bytes() / MB)
        self.stuck_trace.note(self.env.now, self.stuck())
        self.boot_trace.note(self.env.now, self.boot_bytes() / GB)


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options = plan.options
    horizon = options.duration if gateway.death is None else max(1.0, gateway.death)
    counts = _distribution(gateway)
    boots = gateway.boot_bytes() <= options.heap_limit
    lost = options.conversations - sum(key.startswith("conversation:") for key in gateway.rows)
    blocks = [seconds for _, seconds in gateway.loop.blocks]
    block_trace = Trace("blocks", "event loop blocked", "s", spikes=True)
    for start, seconds in gateway.loop.blocks:
        block_trace.note(start, seconds)
    values = {
        "rows": len(gateway.rows),
        "runs": sum(sum(row.values()) for row in counts.values()),
        "fileBytes": gateway.file_bytes(),
        "running": sum(by["running"] for by in counts.values()),
        "stuckRuns": gateway.stuck(),
        "runsStarted": gateway.started.total(),
        "runsSkipped": gateway.skipped,
        "bootHeap": gateway.boot_bytes(),
        "boots": boots,
        "death": None if gateway.death is None else gateway.death / MINUTE,
        "conversationsLost": lost,
        "worstBlock": max(blocks, default=0.0),
        "bytesWritten": gateway.bytes_written / horizon * DAY,
    }
    figures = (*filled(FIGURES, values), *(_status_figures(counts) if options.jobs == JOBS else ()))
    traces = (gateway.file_trace, block_trace, gateway.stuck_trace, gateway.boot_trace)
    sentence = _sentence(gateway, lost)
    return Result(
        NAME, policy, seed, "virtual", remedies, horizon, sentence, inputs(options), figures,
        tuple(trace.series() for trace in traces), (_table(counts),),
    )  # fmt: skip


def _distribution(gateway: _Gateway) -> dict[str, dict[str, int]]:
    counts = {job.name: dict.fromkeys(STATUSES, 0) for job in parse_jobs(gateway.plan.options.jobs)}
    for row in gateway.rows.values():
        if row["job"]:
            counts[row["job"]][row["status"]] += 1
    return counts


def _status_figures(counts: dict[str, dict[str, int]]) -> tuple[Figure, ...]:
    return tuple(
        Figure(f"{job}.{word}", f"{job}, {word}", "rows", float(counts[job][word]), given=expected, tolerance=0.06)
        for job, statuses in _GIVEN.items()
        for word, expected in statuses.items()
    )


def _table(counts: dict[str, dict[str, int]]) -> Table:
    rows: list[tuple[str | float | None, ...]] = [
        (job, *(float(by[status]) for status in STATUSES), float(sum(by.values()))) for job, by in counts.items()
    ]
    return Table("runs by job and status", ("job", *STATUSES, "total"), tuple(rows))


def _sentence(gateway: _Gateway, lost: int) -> str:
    size, heap = spell(gateway.file_bytes(), "bytes"), spell(gateway.boot_bytes(), "bytes")
    tail = f"; {lost} conversations are lost" if lost else ""
    if gateway.death is None:
        return f"A restart loads {size} with {heap} of heap and comes up{tail}."
    return f"After {spell(gateway.death, 's')} a start needs {heap} of heap for {size} and never comes up{tail}."
