"""72826: a store at its cap, and a full pass over it for every burst of new cron sessions.

Two accounts of the same passes, side by side. As reported: each pass leaves the reported memory behind, which nothing
explains, and a collector short of memory walks it. The store alone: what a pass of the real 2026.4.25 was measured to
cost and to retain. Put in: the schedule, the row size, both costs of a pass. Comes out: passes, blocks, the time of
death, and what each remedy changes in either account.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate import kernel
from gatewaydoctor.simulate.kernel import DAY, MB, MINUTE, Collector, EventLoop, Heap, OutOfMemory, Trace, chance
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.refstore import Mode, resolve_maintenance
from gatewaydoctor.simulate.refstore.maintain import cap
from gatewaydoctor.simulate.releases import RELEASES, RunRows
from gatewaydoctor.simulate.schedule import parse_schedule
from gatewaydoctor.simulate.values import Figure, Label, Result, Save, Table, filled

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from gatewaydoctor.simulate.refstore import Maintenance
    from gatewaydoctor.simulate.releases import ReleaseModel
    from gatewaydoctor.simulate.schedule import Job

NAME: Final = "cap-storm"
WINDOW: Final = 112 * MINUTE
FIGURES: Final = (
    Figure("sessionsPerDay", "new sessions a day (the schedule is chosen for it)", "sessions", label=Label.GIVEN),
    Figure("passes", "passes in the first 112 min", "passes", given=55, tolerance=0.2),
    Figure("medianBlock", "median block over 1 s in that time (36 to 60 s reported)", "s", given=48, tolerance=0.25),
    Figure("growth", "heap growth (the retained memory put in, times the passes)", "MB/min", label=Label.GIVEN),
    Figure("death", "first out of memory after", "min", given=90, tolerance=0.15),
    Figure("transcripts", "transcripts after three days (as many as sessions)", "files", label=Label.GIVEN),
    Figure("rows", "rows in the store at the end", "rows", given=50, tolerance=0.0),
    Figure("worstBlock", "worst block", "s"),
    Figure("blocked", "share of the time the event loop was held", ""),
    Figure("deaths", "times out of memory", "times"),
    Figure("bytesWritten", "bytes written to the store a day", "bytes"),
    Figure("alone.worstBlock", "worst block, the store alone", "s"),
    Figure("alone.death", "first out of memory, the store alone, after", "min"),
    Figure("alone.passes", "passes in the first 112 min, the store alone", "passes"),
    Figure("alone.growth", "heap growth, the store alone", "MB/min"),
    Figure("alone.bytesWritten", "bytes written to the store a day, the store alone", "bytes"),
)
_ALONE: Final = ("worstBlock", "death", "passes", "growth", "bytesWritten")


@dataclass(frozen=True, slots=True)
class CapStorm:
    """The workload and the host. Sizes in bytes, times in seconds."""

    duration: float = given(3 * DAY, "s", "the report covers three days")
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
    retained: float = derived(
        22.4e6, "bytes", "a pass, as reported: 11 MB/min for 112 min over 55 passes. Nothing explains it"
    )
    retained_alone: float = measured(0.019e6, "bytes", "a pass of the real 2026.4.25 over 50 rows of 1.56 MB")
    reserve: float = assumed(0.05, "of the heap", "V8 gives up when a full collection leaves less than this free")
    healthy_walk: float = assumed(1e9, "bytes/s", "a full collection over the heap of a fresh process")
    starved_walk: float = derived(
        8.5e6, "bytes/s", "over what has been kept since; chosen so that the median block is 36 to 60 s"
    )
    load_copies: float = measured(10.0, "times the file", "2026.3.28 takes 1.85 GB in all with a store of 185 MB")
    pass_cost: float = measured(15.4e-9, "s/byte", "2026.4.25: 24 ms of work for a pass over 1.56 MB")
    handoff: float = assumed(0.005, "s", "to hand a pass to a worker, append a record, or write a row to a database")
    restart: float = assumed(20.0, "s", "from the crash until the gateway is back")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and what remedies have turned. `alone`: without the memory and the collector of the report."""

    options: CapStorm
    alone: bool = False
    debounce: float = 0.0
    joins_in_flight: bool = False
    slices: int = 1
    off_loop: bool = False
    append_log: bool = False
    persistent_jobs: int = 0


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    reported, alone = (_Gateway(each, RELEASES[policy], seed) for each in (plan, replace(plan, alone=True)))
    reported.run()
    alone.run()
    return _result(reported, alone, policy, remedies)


def saves(plan: Plan, *, policy: str, seed: int) -> list[Save]:
    """Every save the model makes, the store it starts with first; `--clock wall` repeats them on real files."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
    gateway.run()
    return gateway.saves


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    release: ReleaseModel
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: EventLoop = field(init=False)
    heap: Heap = field(init=False)
    maintenance: Maintenance | None = field(init=False)
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
        self.maintenance = _maintenance(options, self.release)
        # A job that writes only its own row has had it since the first run.
        own_rows = len(parse_schedule(options.schedule)) if self._one_row() else self.plan.persistent_jobs
        first = [f"{n}" for n in range(min(own_rows, options.start_rows))]
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
        key = f"{number}" if persistent or self._one_row() else f"{number}:run:{run}"
        for wait in (setup, self.plan.options.run):
            yield self.env.timeout(wait)
            yield from self.loop.hold(0.0)
            if wait == setup and (key not in self.rows or not persistent):
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

    def _one_row(self) -> bool:
        return self.release.run_rows is RunRows.NONE

    def _save(self) -> Generator[simpy.Event, Any, None]:
        """One save; over the cap it is a pass. Only what a pass computes can be cut into pieces: the collector walks
        the heap in one."""
        plan = self.plan
        yield from self.loop.hold(0.0)
        over = self._would_cap() and not plan.append_log
        seconds, slices = self._work_seconds(), plan.slices
        if plan.joins_in_flight and over:
            # Reading and trimming are two turns, and what comes in between joins this pass.
            yield from self.loop.hold_in_slices(seconds / 2, slices)
            yield from self.loop.hold(0.0)
            seconds /= 2
        keys = tuple(dict.fromkeys(self.due))
        self.due.clear()
        if plan.off_loop:
            yield from self.loop.hold(plan.options.handoff)
            yield self.env.timeout(self._file_seconds())
        else:
            yield from self.loop.hold_in_slices(seconds, slices)
        self.rows |= {key: {"updatedAt": self.env.now} for key in keys}
        if self._would_cap():
            self._trim()
        written, whole = self._written(len(keys))
        over = over or whole
        if over:
            self.passes.append(self.env.now)
        self.bytes_written += written
        self.saves.append(Save(self.env.now, keys, len(self.rows), written, seconds))
        self._size_heap()
        self._note()
        # A worker's heap takes what its passes leave behind, and ends with the worker.
        if over and not plan.off_loop:
            self.heap.keep(plan.options.retained_alone if plan.alone else plan.options.retained)
            self._note()
            yield from self.loop.hold(self._collector_seconds())

    def _would_cap(self) -> bool:
        if self.maintenance is None or self.release.store is None or self.maintenance.mode is Mode.WARN:
            return False
        fresh = sum(key not in self.rows for key in set(self.due))
        return len(self.rows) + fresh >= self.maintenance.cap_trigger(self.release.store)

    def _work_seconds(self) -> float:
        """What one save computes on the event loop."""
        light = self.plan.append_log or self.release.store is None
        return self.plan.options.handoff if light else self._file_seconds()

    def _file_seconds(self) -> float:
        return self.plan.options.pass_cost * self._file_bytes()

    def _collector_seconds(self) -> float:
        """A full collection after a pass, as the report's blocks ask for; measured passes cause none."""
        options = self.plan.options
        return 0.0 if self.plan.alone else Collector(options.healthy_walk, options.starved_walk).pause(self.heap)

    def _trim(self) -> None:
        if self.maintenance is not None and self.release.store is not None:
            for key in cap(self.rows, self.release.store, max_entries=self.maintenance.max_entries):
                self.rows.pop(key, None)

    def _written(self, rows: int) -> tuple[float, bool]:
        """Bytes a save of so many rows writes: the whole file, or the rows; and whether it compacted a log, which is
        a pass over the whole file."""
        added = rows * self.plan.options.entry_bytes
        if self.release.store is None:
            return added, False
        if not self.plan.append_log:
            return self._file_bytes(), False
        self.log_bytes += added
        if self.log_bytes <= 2 * self._file_bytes():
            return added, False
        self.log_bytes = self._file_bytes()
        return added + self.log_bytes, True

    def _die(self) -> Generator[simpy.Event, Any, None]:
        """The supervisor starts the gateway again; the store on disk is what it was."""
        self.deaths.append(self.env.now)
        self.heap.kept = 0.0
        with self.loop.thread.request() as turn:
            yield turn
            yield self.env.timeout(self.plan.options.restart)
        self._note()

    def _size_heap(self) -> None:
        """A large store fills the heap by itself, unless a worker loads it or nothing does."""
        elsewhere = self.plan.append_log or self.plan.off_loop or self.release.store is None
        loaded = 0.0 if elsewhere else self.plan.options.load_copies * self._file_bytes()
        self.heap.base = max(self.plan.options.base_heap, loaded)

    def _file_bytes(self) -> float:
        return len(self.rows) * self.plan.options.entry_bytes

    def _note(self) -> None:
        now = self.env.now
        self.heap_trace.note(now, self.heap.live / MB)
        self.row_trace.note(now, len(self.rows))
        self.file_trace.note(now, self.sessions)


def _maintenance(options: CapStorm, release: ReleaseModel) -> Maintenance | None:
    """The settings of the file era; None for a database, whose limit of 5,000 rows is out of reach here."""
    if options.mode not in {"", *Mode}:
        raise BadOption(f"mode is warn or enforce, not {options.mode}")
    if release.store is None:
        return None
    config = {"maxEntries": options.max_entries, "mode": options.mode or None}
    return resolve_maintenance(release.store, config)


def _result(gateway: _Gateway, alone: _Gateway, policy: str, remedies: tuple[str, ...]) -> Result:
    values, other = _values(gateway), _values(alone)
    horizon = gateway.plan.options.duration
    block_trace = Trace("blocks", "event loop blocked", "s", spikes=True)
    for start, seconds in gateway.loop.blocks:
        block_trace.note(start, seconds)
    figures = filled(FIGURES, values | {f"alone.{key}": other[key] for key in _ALONE})
    named = {figure.key: figure for figure in figures}
    rows = tuple((named[key].title.partition(" (")[0], named[key].unit, values[key], other[key]) for key in _ALONE)
    table = Table("the same saves, as reported and by the store alone", ("figure", "unit", "reported", "alone"), rows)
    traces = (gateway.heap_trace, block_trace, gateway.row_trace, gateway.file_trace)
    return Result(
        NAME, policy, gateway.seed, "virtual", remedies, horizon, _sentence(gateway, alone),
        inputs(gateway.plan.options), figures, tuple(trace.series() for trace in traces), (table,),
    )  # fmt: skip


def _values(gateway: _Gateway) -> dict[str, float | None]:
    horizon = gateway.plan.options.duration
    blocks = [seconds for _, seconds in gateway.loop.blocks]
    early = [seconds for start, seconds in gateway.loop.blocks if start < WINDOW and seconds >= 1.0]
    death = gateway.deaths[0] if gateway.deaths else None
    return {
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


def _growth(gateway: _Gateway, death: float | None) -> float:
    """MB a minute kept by the passes before the first death."""
    until = death or gateway.plan.options.duration
    options = gateway.plan.options
    passes = 0 if gateway.plan.off_loop else sum(at <= until for at in gateway.passes)
    return passes * (options.retained_alone if gateway.plan.alone else options.retained) / MB / (until / MINUTE)


def _sentence(gateway: _Gateway, alone: _Gateway) -> str:
    worst, other = (spell(max((s for _, s in each.loop.blocks), default=0.0), "s") for each in (gateway, alone))
    store = f"the store alone blocks for {other}" + (" and runs out of memory as well" if alone.deaths else "")
    if not gateway.deaths:
        span = spell(gateway.plan.options.duration, "s")
        return f"Still runs after {span}; the event loop is never blocked for more than {worst}; {store}."
    death = spell(gateway.deaths[0], "s")
    return f"Out of memory after {death}, {len(gateway.deaths)} times in all; blocks of up to {worst}; {store}."
