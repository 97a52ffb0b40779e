"""61633: isolated runs in bursts, a `running` base row copied into every later one, and a restart that cannot load.

Put in: each job's ticks, runs per tick, and the run from which on its base row says `running`; the row size; what a
load needs. Comes out: the distribution of rows by job and status, the file, since when a restart is fatal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import DAY, GB, HOUR, MB, MINUTE, EventLoop, Trace, chance
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.refstore import POLICIES, Mode
from gatewaydoctor.simulate.refstore.maintain import cap
from gatewaydoctor.simulate.values import Figure, Result, Save, Table, filled
from gatewaydoctor.simulate.wording import spell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

NAME: Final = "stuck-cron"
STATUSES: Final = ("running", "done", "failed", "none")
JOBS: Final = (
    "morning-sleep-report=68x22.5s:2075:none>running@59 git-backup-night=49x3540s:2236:failed>running@151 "
    "ssl-price-check=97x1788s:2211:none fourth-job=1x24h:1:done fifth-job=1x24h:1:done"
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
    Figure("rows", "rows in the store", "rows", given=6539, tolerance=0.01),
    Figure("runs", "of them cron runs", "rows", given=6524, tolerance=0.01),
    Figure("fileBytes", "sessions.json", "bytes", given=185e6, tolerance=0.02),
    Figure("stuckRuns", "runs stuck for over an hour at the end", "rows"),
    Figure("runsStarted", "runs started", "runs"),
    Figure("bootHeap", "heap the restart needs", "bytes", given=33e9, tolerance=0.05),
    Figure("boots", "does it boot", "yes/no", given=0, tolerance=0.0),
    Figure("death", "restarted, and never up again, after", "min", given=2891, tolerance=0.02),
    Figure("fatalFrom", "a restart is fatal from", "min"),
    Figure("conversations", "conversations left of those there were", "rows"),
    Figure("worstBlock", "worst block", "s"),
    Figure("bytesWritten", "bytes written to the store a day", "bytes"),
)


@dataclass(frozen=True, slots=True)
class StuckCron:
    """The workload and the host. Sizes in bytes, times in seconds."""

    duration: float = derived(
        173_460.0, "s", "49 ticks of 3,540 s, or 97 of 1,788 s: about two days, then the restart"
    )
    jobs: str = given(
        JOBS, "jobs", "name=TICKSxINTERVAL:RUNS:STATUS>STATUS@RUN, the last where its base row got stuck"
    )
    jitter: float = given(2.5, "s", "the first job's ticks are 20 to 25 s apart")
    conversations: int = derived(10, "rows", "of the 15 rows that are no runs, five are the jobs' base rows")
    entry_bytes: int = derived(28_292, "bytes", "185 MB over 6,539 rows")
    run: float = assumed(20.0, "s", "length of a run that ends")
    run_timeout: float = given(HOUR, "s", "an agent turn is given up after 60 min (facts.md section 7)")
    save_cost: float = measured(43e-9, "s/byte", "2026.3.28: 7.6 s of work on 176 MB (its own cleanup, dry run)")
    load_copies: float = measured(10.0, "times the file", "2026.3.28 takes 1.85 GB to load 185 MB once")
    loads_at_boot: float = derived(18.0, "loads", "the reporter's 33 GB for 185 MB is 180 times, 18 loads at once")
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
    """A job's ticks, the runs over all of them, its base row's status, and the run that leaves it `running`."""

    name: str
    ticks: int
    interval: float
    runs: int
    status: str
    stuck_status: str
    stuck_from: int

    def runs_of(self, tick: int) -> int:
        """How many runs this tick starts when nobody asks whether one is still running."""
        return self.runs * (tick + 1) // self.ticks - self.runs * tick // self.ticks

    def stuck_tick(self) -> int:
        """The first tick whose runs hang."""
        return next((t for t in range(self.ticks) if self.runs * (t + 1) // self.ticks > self.stuck_from), self.ticks)


_JOB = re.compile(r"([^=\s]+)=(\d+)x([\d.]+)([smh]):(\d+):(\w+)(?:>(\w+)@(\d+))?\Z")


def parse_jobs(text: str) -> tuple[CronJob, ...]:
    """The jobs of an option text. Raises BadOption."""
    jobs: list[CronJob] = []
    for word in text.split():
        found = _JOB.match(word)
        if not found or not int(found[2]) or {found[6], found[7] or found[6]} - set(STATUSES):
            raise BadOption(f"a job is NAME=TICKSxINTERVAL:RUNS:STATUS[>STATUS@RUN], not {word}")
        interval = float(found[3]) * {"s": 1.0, "m": MINUTE, "h": HOUR}[found[4]]
        stuck_from = int(found[8]) if found[8] else int(found[5])
        jobs.append(
            CronJob(found[1], int(found[2]), interval, int(found[5]), found[6], found[7] or found[6], stuck_from)
        )
    return tuple(jobs)


def jobs_text(jobs: Iterable[CronJob]) -> str:
    """The option text of these jobs; parsing it gives them back."""
    words = []
    for job in jobs:
        stuck = f">{job.stuck_status}@{job.stuck_from}" if job.stuck_status != job.status else ""
        words.append(f"{job.name}={job.ticks}x{job.interval:g}s:{job.runs}:{job.status}{stuck}")
    return " ".join(words)


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, policy, seed)
    gateway.run()
    return _result(gateway, plan, policy, seed, remedies)


def saves(plan: Plan, *, policy: str, seed: int) -> list[Save]:
    """Every save the model makes, the store it starts with first; `--clock wall` repeats them on real files."""
    gateway = _Gateway(plan, policy, seed)
    gateway.run()
    return gateway.saves


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    policy: str
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: EventLoop = field(init=False)
    rows: dict[str, Any] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)
    hung_until: dict[str, float] = field(default_factory=dict)
    saves: list[Save] = field(default_factory=list)
    bytes_written: float = 0.0
    fatal_from: float | None = None
    file_trace: Trace = field(default_factory=lambda: Trace("file", "sessions.json", "MB"))
    stuck_trace: Trace = field(default_factory=lambda: Trace("stuck", "runs stuck for over an hour", "rows"))
    boot_trace: Trace = field(default_factory=lambda: Trace("boot", "heap a restart would need", "GB"))

    def __post_init__(self) -> None:
        self.loop = EventLoop(self.env)
        for number in range(self.plan.options.conversations):
            self.rows[f"conversation:{number}"] = {"updatedAt": -number * DAY / 2, "status": "done", "job": ""}

    def run(self) -> None:
        for job in parse_jobs(self.plan.options.jobs):
            self.rows[job.name] = {"updatedAt": 0.0, "status": job.status, "job": ""}
            self.env.process(self._job(job))
        self.saves.append(Save(0.0, tuple(self.rows), len(self.rows), self.file_bytes(), 0.0))
        if self.plan.max_running_age is not None:
            self.env.process(self._reaper(self.plan.max_running_age))
        self.env.run(self.plan.options.duration)
        self._note()

    def _job(self, job: CronJob) -> Generator[simpy.Event, Any, None]:
        random, jitter = chance(self.seed, job.name), min(self.plan.options.jitter, job.interval / 2)
        start = random.uniform(0.0, min(job.interval, HOUR))
        for tick in range(job.ticks):
            due = start + tick * job.interval + random.uniform(-jitter, jitter)
            yield self.env.timeout(max(0.0, due - self.env.now))
            yield from self._tick(job, tick)

    def _tick(self, job: CronJob, tick: int) -> Generator[simpy.Event, Any, None]:
        """Start the runs of one tick. Each copies its base row, status included (facts.md section 3)."""
        count = job.runs_of(tick)
        if self.plan.guarded:
            count = int(self.env.now >= self.hung_until.get(job.name, 0.0))
        keys: list[str] = []
        for _ in range(count):
            run = self.started.get(job.name, 0)
            self.started[job.name] = run + 1
            hangs = tick >= job.stuck_tick() if self.plan.guarded else run >= job.stuck_from
            status = job.stuck_status if hangs else job.status
            self.hung_until[job.name] = self.env.now + self._length(status)
            keys.append(f"{job.name}:run:{run}")
            self.rows[keys[-1]] = {"updatedAt": self.env.now, "status": status, "job": job.name}
        if keys:
            self.rows[job.name] = self.rows[keys[-1]] | {"job": ""}
            yield from self._save(tuple(keys))
            self.env.process(self._save_at_end(tuple(keys)))

    def _length(self, status: str) -> float:
        return self.plan.options.run_timeout if status == "running" else self.plan.options.run

    def _save_at_end(self, keys: tuple[str, ...]) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(self.plan.options.run)
        yield from self._save(keys)

    def _save(self, keys: tuple[str, ...]) -> Generator[simpy.Event, Any, None]:
        """One save for all rows of a tick; the whole file is written each time."""
        options = self.plan.options
        seconds = options.save_cost * self.file_bytes()
        yield from self.loop.hold(seconds)
        policy = POLICIES[self.policy]
        if self.plan.capped or policy.mode is Mode.ENFORCE:
            cap(self.rows, policy, max_entries=policy.max_entries)
        self.saves.append(Save(self.env.now, keys, len(self.rows), self.file_bytes(), seconds))
        self.bytes_written += self.file_bytes()
        if self.boot_bytes() > options.heap_limit and self.fatal_from is None:
            self.fatal_from = self.env.now
        self._note()

    def _reaper(self, max_age: float) -> Generator[simpy.Event, Any, None]:
        """Ends what runs for too long. Ticks then complete, so that run rows older than a day go, as they should."""
        while True:
            yield self.env.timeout(_REAPER_EVERY)
            for row in self.rows.values():
                if row["status"] == "running" and self.env.now - row["updatedAt"] > max_age:
                    row["status"] = "failed"
            old = [
                key for key, row in self.rows.items() if row["job"] and self.env.now - row["updatedAt"] > _RETENTION
            ]
            for key in old:
                del self.rows[key]

    def file_bytes(self) -> float:
        return len(self.rows) * self.plan.options.entry_bytes

    def boot_bytes(self) -> float:
        """What a start needs: several whole loads at once, or one row and an index."""
        options = self.plan.options
        if self.plan.streaming:
            return options.entry_bytes * options.load_copies + _STREAM_INDEX * len(self.rows)
        return self.file_bytes() * options.load_copies * options.loads_at_boot

    def stuck(self) -> int:
        now = self.env.now
        return sum(row["status"] == "running" and now - row["updatedAt"] > HOUR for row in self.rows.values())

    def _note(self) -> None:
        self.file_trace.note(self.env.now, self.file_bytes() / MB)
        self.stuck_trace.note(self.env.now, self.stuck())
        self.boot_trace.note(self.env.now, self.boot_bytes() / GB)


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options, horizon = plan.options, plan.options.duration
    counts = _distribution(gateway)
    boots = gateway.boot_bytes() <= options.heap_limit
    talks = sum(key.startswith("conversation:") for key in gateway.rows)
    blocks = [seconds for _, seconds in gateway.loop.blocks]
    block_trace = Trace("blocks", "event loop blocked", "s", spikes=True)
    for start, seconds in gateway.loop.blocks:
        block_trace.note(start, seconds)
    values = {
        "rows": len(gateway.rows),
        "runs": sum(sum(row.values()) for row in counts.values()),
        "fileBytes": gateway.file_bytes(),
        "stuckRuns": gateway.stuck(),
        "runsStarted": sum(gateway.started.values()),
        "bootHeap": gateway.boot_bytes(),
        "boots": boots,
        "death": None if boots else horizon / MINUTE,
        "fatalFrom": None if gateway.fatal_from is None else gateway.fatal_from / MINUTE,
        "conversations": talks,
        "worstBlock": max(blocks, default=0.0),
        "bytesWritten": gateway.bytes_written / horizon * DAY,
    }
    figures = (*filled(FIGURES, values), *(_status_figures(counts) if options.jobs == JOBS else ()))
    traces = (gateway.file_trace, block_trace, gateway.stuck_trace, gateway.boot_trace)
    sentence = _sentence(gateway, boots=boots, talks=talks)
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
        Figure(f"{job}.{word}", f"{job}, {word}", "rows", float(counts[job][word]), given=expected, tolerance=0.01)
        for job, statuses in _GIVEN.items()
        for word, expected in statuses.items()
    )


def _table(counts: dict[str, dict[str, int]]) -> Table:
    rows: list[tuple[str | float | None, ...]] = [
        (job, *(float(by[status]) for status in STATUSES), float(sum(by.values()))) for job, by in counts.items()
    ]
    return Table("runs by job and status", ("job", *STATUSES, "total"), tuple(rows))


def _sentence(gateway: _Gateway, *, boots: bool, talks: int) -> str:
    size, heap = spell(gateway.file_bytes(), "bytes"), spell(gateway.boot_bytes(), "bytes")
    lost = gateway.plan.options.conversations - talks
    tail = f"; {lost} conversations are gone" if lost else ""
    if boots:
        return f"The restart loads {size} with {heap} of heap and comes up{tail}."
    return f"The restart needs {heap} of heap for {size} and never comes up{tail}."
