"""72826: a store at its cap, and a full pass over it for every burst of new cron sessions.

Put in: the schedule, the row size, what stays in memory after a pass, how fast a starved collector walks it.
Comes out: passes, blocks, growth, the time of death, transcripts on disk, and what each remedy changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate import kernel
from gatewaydoctor.simulate.kernel import DAY, MB, MINUTE, Collector, EventLoop, Heap, OutOfMemory, Trace, chance
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.refstore import POLICIES, Mode, resolve_maintenance
from gatewaydoctor.simulate.refstore.maintain import cap
from gatewaydoctor.simulate.schedule import parse_schedule
from gatewaydoctor.simulate.values import Figure, Result, Save, filled
from gatewaydoctor.simulate.wording import spell

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from gatewaydoctor.simulate.refstore import Maintenance
    from gatewaydoctor.simulate.schedule import Job

NAME: Final = "cap-storm"
WINDOW: Final = 112 * MINUTE
HANDOFF: Final = 0.005
"""Seconds the event loop needs to hand a pass to a worker, or to append one record."""

FIGURES: Final = (
    Figure("sessionsPerDay", "new sessions a day", "sessions", given=1725, tolerance=0.05),
    Figure("passes", "passes in the first 112 min", "passes", given=55, tolerance=0.2),
    Figure("medianBlock", "median block over 1 s in that time (36 to 60 s reported)", "s", given=48, tolerance=0.25),
    Figure("growth", "heap growth until the first death", "MB/min", given=11, tolerance=0.15),
    Figure("death", "first out of memory after", "min", given=90, tolerance=0.15),
    Figure("transcripts", "transcripts on disk after three days", "files", given=5176, tolerance=0.05),
    Figure("rows", "rows in the store at the end", "rows", given=50, tolerance=0.0),
    Figure("worstBlock", "worst block", "s"),
    Figure("blocked", "share of the time the event loop was held", ""),
    Figure("deaths", "times out of memory", "times"),
    Figure("bytesWritten", "bytes written to the store a day", "bytes"),
)


@dataclass(frozen=True, slots=True)
class CapStorm:
    """The workload and the host. Sizes in bytes, times in seconds."""

    duration: float = given(3 * DAY, "s", "the report looks back on three days")
    schedule: str = assumed(
        "2x5m 3x10m 3x15m 4x30m 1x30m~ 6x1h~ 14x12h~ 17x1d~",
        "jobs",
        "50 jobs (given) whose intervals are chosen to make 1,725 sessions a day (5,176 in three days, given)",
    )
    max_entries: int = given(50, "rows", "session.maintenance.maxEntries")
    start_rows: int = given(50, "rows", "rows in the store at the start")
    mode: str = derived("", "", "session.maintenance.mode, warn or enforce; empty: the release's default")
    entry_bytes: int = derived(28_000, "bytes", "a file of 1.3 to 1.5 MB over 50 rows")
    setup: float = assumed(4.0, "s", "a run writes its row up to this long after it is due")
    run: float = assumed(45.0, "s", "a run saves the store a second time when it ends, this long after its row")
    host_memory: float = given(4e9, "bytes", "memory of the host; V8 allows itself half of it, at most 2 GB")
    base_heap: float = given(922e6, "bytes", "resident after a restart (incident 003)")
    kept_copies: float = derived(
        16.0, "copies", "11 MB/min for 112 min over 55 passes is 22 MB a pass, 16 times the file"
    )
    reserve: float = assumed(0.05, "of the heap", "V8 gives up when a full collection leaves less than this free")
    healthy_walk: float = assumed(1e9, "bytes/s", "a full collection over the heap of a fresh process")
    starved_walk: float = derived(
        8.5e6, "bytes/s", "over what has been kept since; chosen so that the median block is 36 to 60 s"
    )
    load_copies: float = measured(10.0, "times the file", "2026.3.28 takes 1.85 GB in all with a store of 185 MB")
    pass_cost: float = measured(43e-9, "s/byte", "2026.3.28: 7.6 s of work on 176 MB (its own cleanup, dry run)")
    restart: float = assumed(20.0, "s", "from the crash until the gateway is back")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and what remedies have turned."""

    options: CapStorm
    debounce: float = 0.0
    joins_in_flight: bool = False
    slices: int = 1
    off_loop: bool = False
    append_log: bool = False
    persistent_jobs: int = 0


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
    heap: Heap = field(init=False)
    maintenance: Maintenance = field(init=False)
    rows: dict[str, Any] = field(default_factory=dict)
    due: list[str] = field(default_factory=list)
    wake: simpy.Event = field(init=False)
    sessions: int = 0
    passes: list[float] = field(default_factory=list)
    deaths: list[float] = field(default_factory=list)
    saves: list[Save] = field(default_factory=list)
    bytes_written: float = 0.0
    log_bytes: float = 0.0
    heap_trace: Trace = field(default_factory=lambda: Trace("heap", "heap", "MB"))
    row_trace: Trace = field(default_factory=lambda: Trace("rows", "rows in the store", "rows"))
    file_trace: Trace = field(default_factory=lambda: Trace("files", "transcripts on disk", "files"))

    def __post_init__(self) -> None:
        options = self.plan.options
        limit = kernel.heap_limit(options.host_memory)
        self.loop = EventLoop(self.env)
        self.heap = Heap(options.base_heap, limit, reserve=options.reserve * limit)
        self.wake = self.env.event()
        self.maintenance = _maintenance(options, self.policy)
        # A persistent job has had its one row since the day its key was made persistent.
        first = [f"{n}" for n in range(min(self.plan.persistent_jobs, options.start_rows))]
        first += [f"old:{n}" for n in range(options.start_rows - len(first))]
        self.rows = {key: {"updatedAt": -n} for n, key in enumerate(first)}
        self._size_heap()

    def run(self) -> None:
        jobs = parse_schedule(self.plan.options.schedule)
        spread = chance(self.seed, "setup")
        for number, job in enumerate(jobs):
            self.env.process(self._job(number, job, chance(self.seed, f"job {number}"), spread))
        self.env.process(self._saver())
        self.saves.append(Save(0.0, tuple(self.rows), len(self.rows), self._file_bytes(), 0.0))
        self._note()
        self.env.run(self.plan.options.duration)

    def _job(self, number: int, job: Job, phase: Random, spread: Random) -> Generator[simpy.Event, Any, None]:
        due = job.first(phase)
        for run in range(1_000_000_000):
            yield self.env.timeout(max(0.0, due - self.env.now))
            self.env.process(self._open(number, run, spread.uniform(0.0, self.plan.options.setup)))
            due += job.interval

    def _open(self, number: int, run: int, setup: float) -> Generator[simpy.Event, Any, None]:
        """One run: its row now, the same row again at its end. Both wait for their turn on the event loop."""
        persistent = number < self.plan.persistent_jobs
        key = f"{number}" if persistent else f"{number}:run:{run}"
        for wait in (setup, self.plan.options.run):
            yield self.env.timeout(wait)
            yield from self.loop.hold(0.0)
            if wait == setup and key not in self.rows:
                self.sessions += 1
            self.due.append(key)
            if not self.wake.triggered:
                self.wake.succeed()

    def _saver(self) -> Generator[simpy.Event, Any, None]:
        """Rows that wait while the loop is held are saved together, by one pass, when it is free again."""
        while True:
            if not self.due:
                self.wake = self.env.event()
                yield self.wake
            if self.plan.debounce:
                yield self.env.timeout(self.plan.debounce)
            try:
                yield from self._save()
            except OutOfMemory:
                yield from self._die()

    def _save(self) -> Generator[simpy.Event, Any, None]:
        plan, options = self.plan, self.plan.options
        yield from self.loop.hold(0.0)
        over = self._would_cap()
        seconds, slices = self._pass_seconds(over=over), plan.slices if over else 1
        if plan.joins_in_flight and over:
            # Reading and trimming are two turns, and what comes in between joins this pass.
            yield from self.loop.hold_in_slices(seconds / 2, slices)
            yield from self.loop.hold(0.0)
            seconds /= 2
        keys = tuple(dict.fromkeys(self.due))
        self.due.clear()
        yield from self.loop.hold_in_slices(seconds, slices)
        self.rows |= {key: {"updatedAt": self.env.now} for key in keys}
        if over:
            self._trim()
            self.passes.append(self.env.now)
        written = self._written(len(keys))
        self.bytes_written += written
        self.saves.append(Save(self.env.now, keys, len(self.rows), written, seconds))
        self._size_heap()
        self._note()
        kept = 0.0 if plan.off_loop or plan.append_log or not over else options.kept_copies * self._file_bytes()
        self.heap.keep(kept)
        self._note()

    def _would_cap(self) -> bool:
        if self.maintenance.mode is Mode.WARN:
            return False
        return len(self.rows.keys() | set(self.due)) >= self.maintenance.cap_trigger(POLICIES[self.policy])

    def _pass_seconds(self, *, over: bool) -> float:
        options = self.plan.options
        if self.plan.off_loop or self.plan.append_log:
            return HANDOFF
        work = options.pass_cost * self._file_bytes()
        collector = Collector(options.healthy_walk, options.starved_walk)
        return work + (collector.pause(self.heap) if over else 0.0)

    def _trim(self) -> None:
        for key in cap(self.rows, POLICIES[self.policy], max_entries=self.maintenance.max_entries):
            self.rows.pop(key, None)

    def _written(self, rows: int) -> float:
        """Bytes a save of so many rows writes: the whole file, or the rows and now and then a compacted log."""
        if not self.plan.append_log:
            return self._file_bytes()
        added = rows * self.plan.options.entry_bytes
        self.log_bytes += added
        if self.log_bytes <= 2 * self._file_bytes():
            return added
        self.log_bytes = self._file_bytes()
        return added + self.log_bytes

    def _die(self) -> Generator[simpy.Event, Any, None]:
        """The supervisor starts the gateway again; the store on disk is what it was."""
        self.deaths.append(self.env.now)
        self.heap.kept = 0.0
        with self.loop.thread.request() as turn:
            yield turn
            yield self.env.timeout(self.plan.options.restart)
        self._note()

    def _size_heap(self) -> None:
        """A large store fills the heap by itself, unless a worker loads it or nobody does."""
        elsewhere = self.plan.append_log or self.plan.off_loop
        loaded = 0.0 if elsewhere else self.plan.options.load_copies * self._file_bytes()
        self.heap.base = max(self.plan.options.base_heap, loaded)

    def _file_bytes(self) -> float:
        return len(self.rows) * self.plan.options.entry_bytes

    def _note(self) -> None:
        now = self.env.now
        self.heap_trace.note(now, self.heap.live / MB)
        self.row_trace.note(now, len(self.rows))
        self.file_trace.note(now, self.sessions)


def _maintenance(options: CapStorm, policy: str) -> Maintenance:
    if options.mode not in {"", *Mode}:
        raise BadOption(f"mode is warn or enforce, not {options.mode}")
    config = {"maxEntries": options.max_entries, "mode": options.mode or None}
    return resolve_maintenance(POLICIES[policy], config)


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options = plan.options
    horizon = options.duration
    blocks = [seconds for _, seconds in gateway.loop.blocks]
    early = [seconds for start, seconds in gateway.loop.blocks if start < WINDOW and seconds >= 1.0]
    death = gateway.deaths[0] if gateway.deaths else None
    block_trace = Trace("blocks", "event loop blocked", "s", spikes=True)
    for start, seconds in gateway.loop.blocks:
        block_trace.note(start, seconds)
    values = {
        "sessionsPerDay": gateway.sessions / horizon * DAY,
        "passes": sum(at < WINDOW for at in gateway.passes),
        "medianBlock": kernel.quantile(early, 0.5),
        "growth": _growth(gateway, death),
        "death": None if death is None else death / MINUTE,
        "transcripts": gateway.sessions / horizon * 3 * DAY,
        "rows": len(gateway.rows),
        "worstBlock": max(blocks, default=0.0),
        "blocked": gateway.loop.busy(horizon) / horizon,
        "deaths": len(gateway.deaths),
        "bytesWritten": gateway.bytes_written / horizon * DAY,
    }
    figures = filled(FIGURES, values)
    return Result(
        NAME, policy, seed, "virtual", remedies, horizon, _sentence(gateway, death), inputs(options), figures,
        (gateway.heap_trace.series(), block_trace.series(), gateway.row_trace.series(), gateway.file_trace.series()),
    )  # fmt: skip


def _growth(gateway: _Gateway, death: float | None) -> float:
    until = death or gateway.plan.options.duration
    if not death:
        return gateway.heap.kept / MB / (until / MINUTE)
    # At the moment of death the heap has outgrown its room by less than one pass.
    room = gateway.heap.limit - gateway.heap.reserve - gateway.plan.options.base_heap
    return room / MB / (until / MINUTE)


def _sentence(gateway: _Gateway, death: float | None) -> str:
    worst = spell(max((seconds for _, seconds in gateway.loop.blocks), default=0.0), "s")
    if death is None:
        span = spell(gateway.plan.options.duration, "s")
        return f"Alive after {span}; the event loop is never blocked for more than {worst}."
    return f"Out of memory after {spell(death, 's')}, {len(gateway.deaths)} times in all; blocks of up to {worst}."
