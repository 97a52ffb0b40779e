"""51821: the text of a streaming run is freed by its final event, and a run that times out never sends one.

Put in: how many runs hang and what the buffers of one keep. Comes out: the sawtooth of the sound runs, the growth of
the hung ones, the time of death, and the level at which a sweep holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import DAY, HOUR, MB, MINUTE, Heap, OutOfMemory, Trace, chance
from gatewaydoctor.simulate.options import assumed, derived, given, inputs
from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.values import Figure, Result, filled

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from gatewaydoctor.simulate.releases import ReleaseModel

NAME: Final = "chat-buffers"
MAINTENANCE_EVERY: Final = 60.0
"""Seconds between two runs of the maintenance timer (docs/gateway.md section 9)."""

FIGURES: Final = (
    Figure("death", "out of memory after", "min", given=1133, tolerance=0.1),
    Figure("heapPeak", "highest heap", "MB", given=4000, tolerance=0.1),
    Figure("buffersPeak", "most chat buffers at once", "buffers"),
    Figure("runs", "streaming runs", "runs"),
    Figure("hung", "of them hung", "runs"),
)


@dataclass(frozen=True, slots=True)
class ChatBuffers:
    """The workload and the process. Sizes in bytes, times in seconds."""

    duration: float = assumed(2 * DAY, "s", "well beyond the 19 hours of the report")
    runs_per_hour: float = assumed(240.0, "runs", "streaming runs, sound ones included")
    hung_share: float = assumed(0.25, "", "of them whose model call times out")
    run: float = assumed(40.0, "s", "how long a sound run streams")
    run_timeout: float = given(600.0, "s", "when the model call of a hung run is given up")
    heap_limit: float = given(4e9, "bytes", "heap at the crash")
    base_heap: float = given(922e6, "bytes", "resident after a restart (incident 003)")
    silent_share: float = assumed(
        0.05, "", "of the hung runs that never sent any text; 2026.4.25 keeps their buffers"
    )
    kept: float = derived(2.72e6, "bytes", "3.1 GB over 68 million ms, shared by the runs that hung in that time")
    grace: float = given(HOUR, "s", "ABORTED_RUN_TTL_MS: proposed as the age of a buffer on top of the timeout")
    batches: int = assumed(20, "parts", "a run's text is added in so many parts")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options, and whether the remedy sweeps buffers by age, whatever the release does."""

    options: ChatBuffers
    sweeps: bool = False


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
    gateway.run()
    return _result(gateway, plan, policy, seed, remedies)


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    release: ReleaseModel
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    heap: Heap = field(init=False)
    buffers: dict[int, tuple[float, float]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    runs: int = 0
    hung: int = 0
    peak: int = 0
    death: float | None = None
    heap_trace: Trace = field(default_factory=lambda: Trace("heap", "heap", "MB"))
    buffer_trace: Trace = field(default_factory=lambda: Trace("buffers", "chat buffers", "buffers"))

    def __post_init__(self) -> None:
        self.heap = Heap(self.plan.options.base_heap, self.plan.options.heap_limit)

    def run(self) -> None:
        self.env.process(self._arrivals())
        self.env.process(self._maintenance())
        try:
            self.env.run(self.plan.options.duration)
        except OutOfMemory:
            self.death = self.env.now
        self._note()

    def _arrivals(self) -> Generator[simpy.Event, Any, None]:
        random = chance(self.seed, "runs")
        while self.plan.options.runs_per_hour:
            yield self.env.timeout(random.expovariate(self.plan.options.runs_per_hour / HOUR))
            self.env.process(self._stream(random))

    def _stream(self, random: Random) -> Generator[simpy.Event, Any, None]:
        """One run adds to its buffer while it streams. Only a sound one ends with the event that frees it."""
        options, run = self.plan.options, self.runs
        self.runs += 1
        hangs = random.random() < options.hung_share
        self.hung += hangs
        if hangs and chance(self.seed, f"silent {run}").random() < options.silent_share:
            self.silent.add(run)
        length = options.run_timeout if hangs else options.run * random.uniform(0.5, 1.5)
        part = options.kept * (1.0 if hangs else length / options.run_timeout) / options.batches
        for _ in range(options.batches):
            yield self.env.timeout(length / options.batches)
            started, size = self.buffers.get(run, (self.env.now, 0.0))
            self.buffers[run] = (started, size + part)
            self.peak = max(self.peak, len(self.buffers))
            self.heap.keep(part)
        if not hangs:
            self._free(run)

    def _maintenance(self) -> Generator[simpy.Event, Any, None]:
        """Every minute: frees what the release, or the remedy, takes for stale by its age."""
        while True:
            yield self.env.timeout(MAINTENANCE_EVERY)
            for run in [run for run, (started, _) in self.buffers.items() if self._stale(run, started)]:
                self._free(run)
            self._note()

    def _stale(self, run: int, started: float) -> bool:
        age = self.env.now - started - self.plan.options.run_timeout
        if self.plan.sweeps:
            return age > self.plan.options.grace
        swept = self.release.buffer_ttl is not None and age > self.release.buffer_ttl
        return swept and (self.release.frees_silent or run not in self.silent)

    def _free(self, run: int) -> None:
        self.silent.discard(run)
        self.heap.release(self.buffers.pop(run)[1])

    def _note(self) -> None:
        self.heap_trace.note(self.env.now, self.heap.live / MB)
        self.buffer_trace.note(self.env.now, len(self.buffers))


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options, death = plan.options, gateway.death
    lasted = options.duration if death is None else death
    values = {
        "death": None if death is None else death / MINUTE,
        "heapPeak": max(gateway.heap_trace.values),
        "buffersPeak": gateway.peak,
        "runs": gateway.runs,
        "hung": gateway.hung,
    }
    figures = filled(FIGURES, values)
    notes = ("The model has no event loop and writes nothing: the report describes neither.",)
    return Result(
        NAME, policy, seed, "virtual", remedies, lasted, _sentence(gateway), inputs(options), figures,
        (gateway.heap_trace.series(), gateway.buffer_trace.series()), (), notes,
    )  # fmt: skip


def _sentence(gateway: _Gateway) -> str:
    peak, span = spell(max(gateway.heap_trace.values), "MB"), spell(gateway.env.now, "s")
    if gateway.death is None:
        return f"In {span} the heap never exceeds {peak}; at most {gateway.peak} buffers are held at once."
    return f"Out of memory at {peak} after {span}, with {gateway.hung:,} hung runs."
