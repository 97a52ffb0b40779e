"""003: sessions.usage reads every transcript on the event loop, and several calls at once.

Put in: the calls, the spread of transcript sizes, the reading speed, what a call in flight keeps. Comes out: the
delay of everything else on the loop, its utilisation, the length of a call, and what each remedy changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import MB, MINUTE, EventLoop, Heap, Trace, chance, timer_delays
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs
from gatewaydoctor.simulate.values import Figure, Result, filled
from gatewaydoctor.simulate.wording import spell

if TYPE_CHECKING:
    from collections.abc import Generator

NAME: Final = "usage-scan"
RESULT_COST: Final = 0.001
"""Seconds the event loop needs for one file's sums when somebody else has read the file."""

FIGURES: Final = (
    Figure("maxDelay", "worst delay of the event loop", "s", given=17.985, tolerance=0.2),
    Figure("p99Delay", "99th percentile of the delay", "s", given=2.561, tolerance=0.2),
    Figure("utilisation", "utilisation of the event loop", "", given=0.815, tolerance=0.2),
    Figure("longestCall", "longest call", "s", given=298, tolerance=0.2),
    Figure("heapPeak", "highest heap", "MB", given=1752.862720, tolerance=0.2),
    Figure("answered", "calls answered", "calls"),
    Figure("givenUp", "calls given up", "calls"),
    Figure("worstBlock", "worst block", "s"),
    Figure("bytesWritten", "bytes written to the usage cache", "bytes"),
)


@dataclass(frozen=True, slots=True)
class UsageScan:
    """The transcripts, the calls and the process. Sizes in bytes, times in seconds."""

    duration: float = given(12 * MINUTE, "s", "the dashboard was unreachable for about 12 min")
    sessions: int = given(184, "files", "9 stores with 184 sessions")
    median_bytes: float = assumed(4.75e6, "bytes", "a lognormal spread of sizes, chosen with the next two so that")
    spread: float = assumed(1.295, "sigma", "the largest file and the 99th percentile are what the report measured")
    read_speed: float = assumed(10e6, "bytes/s", "reading and parsing lines in a process short of memory")
    calls: str = assumed("0 105 425", "s", "when sessions.usage is called; at least two calls overlap (298 s)")
    call_jitter: float = assumed(10.0, "s", "each call is this much later at most")
    resolution: float = given(0.02, "s", "the release samples the loop's delay this often")
    background: float = given(0.058, "", "utilisation after a restart, without usage calls")
    background_task: float = derived(0.01, "s", "after a restart p99 was 21 ms and the worst 32 ms")
    base_heap: float = given(922e6, "bytes", "resident after a restart")
    kept_share: float = derived(0.21, "", "of what a call reads: RSS 1,753 MB, less the start, over two calls")
    cache_entry: float = assumed(2_000.0, "bytes", "one file in .usage-cost-cache.json (2026.5.22)")
    appended: float = assumed(0.01, "", "share of a file that is new at the next call")
    page: int = given(50, "files", "default limit of sessions.usage (docs/gateway.md section 10)")
    slice: float = assumed(0.05, "s", "chunked: longest uninterrupted piece")
    patience: float = assumed(30.0, "s", "cancel: a call is given up after this")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and what remedies have turned."""

    options: UsageScan
    chunked: bool = False
    off_loop: bool = False
    cached: bool = False
    paged: bool = False
    cancels: bool = False


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, policy, seed)
    gateway.run()
    return _result(gateway, plan, policy, seed, remedies)


def parse_calls(text: str) -> tuple[float, ...]:
    """The times of the calls in seconds. Raises BadOption."""
    try:
        times = tuple(float(word) for word in text.split())
    except ValueError:
        raise BadOption(f"calls is a list of seconds like 0 60 400, not {text}") from None
    if not all(0 <= at < math.inf for at in times):
        raise BadOption("a call cannot come before the start")
    return times


def transcript_sizes(options: UsageScan) -> list[float]:
    """Sizes at the quantiles of the spread: the same for every seed, so that one outlier decides nothing."""
    spread = NormalDist(math.log(options.median_bytes), options.spread) if options.spread else None
    shares = ((number + 0.5) / options.sessions for number in range(options.sessions))
    return [math.exp(spread.inv_cdf(share)) if spread else options.median_bytes for share in shares]


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    policy: str
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: EventLoop = field(init=False)
    worker: simpy.Resource = field(init=False)
    heap: Heap = field(init=False)
    files: list[float] = field(init=False)
    known: set[int] = field(default_factory=set)
    lengths: list[float] = field(default_factory=list)
    pending: dict[int, float] = field(default_factory=dict)
    given_up: int = 0
    bytes_written: float = 0.0
    heap_trace: Trace = field(default_factory=lambda: Trace("heap", "heap", "MB"))
    call_trace: Trace = field(default_factory=lambda: Trace("calls", "calls in flight", "calls"))

    def __post_init__(self) -> None:
        options = self.plan.options
        if not options.resolution:
            raise BadOption("resolution cannot be 0")
        self.loop = EventLoop(self.env)
        self.worker = simpy.Resource(self.env, capacity=1)
        self.heap = Heap(options.base_heap, math.inf)
        self.files = transcript_sizes(options)
        # Every call reads in the same order, the newest first; size and age have nothing to do with each other.
        chance(self.seed, "order").shuffle(self.files)

    def run(self) -> None:
        options, random = self.plan.options, chance(self.seed, "calls")
        for number, at in enumerate(parse_calls(options.calls)):
            self.env.process(self._call(number, at + random.uniform(0.0, options.call_jitter)))
        self.env.process(self._background())
        self._note()
        self.env.run(options.duration)
        self._note()

    def _call(self, number: int, at: float) -> Generator[simpy.Event, Any, None]:
        """One sessions.usage call: file after file, the newest first."""
        plan, options = self.plan, self.plan.options
        yield self.env.timeout(at)
        self.pending[number] = self.env.now
        wanted = range(min(options.page, len(self.files)) if plan.paged else len(self.files))
        kept = 0.0 if plan.off_loop else options.kept_share * sum(self.files[file] for file in wanted)
        self.heap.keep(kept)
        self._note()
        for read, file in enumerate(wanted, start=1):
            if plan.cancels and self.env.now - self.pending[number] > options.patience:
                self.given_up += 1
                break
            yield from self._read(file)
            if self.policy == "2026.5.22" and not plan.cached:
                # The release writes its whole cache again after each file.
                self.bytes_written += read * options.cache_entry
        self.bytes_written += len(wanted) * options.cache_entry if plan.cached else 0.0
        self.lengths.append(self.env.now - self.pending.pop(number))
        self.heap.release(kept)
        self._note()

    def _read(self, file: int) -> Generator[simpy.Event, Any, None]:
        plan, options = self.plan, self.plan.options
        size = self.files[file]
        if plan.cached and file in self.known:
            size *= options.appended
        self.known.add(file)
        seconds = size / options.read_speed
        if plan.off_loop:
            with self.worker.request() as turn:
                yield turn
                yield self.env.timeout(seconds)
            seconds = RESULT_COST
        slices = max(1, math.ceil(seconds / options.slice)) if plan.chunked and options.slice else 1
        yield from self.loop.hold_in_slices(seconds, slices)

    def _background(self) -> Generator[simpy.Event, Any, None]:
        """Everything else the gateway does."""
        options, random = self.plan.options, chance(self.seed, "background")
        while options.background and options.background_task:
            yield self.env.timeout(random.expovariate(options.background / options.background_task))
            self.env.process(self.loop.hold(options.background_task * random.uniform(0.5, 1.5)))

    def _note(self) -> None:
        self.heap_trace.note(self.env.now, self.heap.live / MB)
        self.call_trace.note(self.env.now, len(self.pending))


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options, horizon = plan.options, plan.options.duration
    delays = timer_delays(gateway.loop.blocks, options.resolution, horizon)
    delay_trace = Trace("delay", "delay of the event loop", "s", spikes=True)
    for at, seconds in delays.late:
        if seconds >= 0.1:
            delay_trace.note(at, seconds)
    open_calls = [horizon - since for since in gateway.pending.values()]
    longest = max((*gateway.lengths, *open_calls), default=0.0)
    values = {
        "maxDelay": delays.worst,
        "p99Delay": delays.quantile(0.99),
        "utilisation": gateway.loop.busy(horizon) / horizon,
        "longestCall": longest,
        "heapPeak": max(gateway.heap_trace.values),
        "answered": len(gateway.lengths) - gateway.given_up,
        "givenUp": gateway.given_up,
        "worstBlock": max((seconds for _, seconds in gateway.loop.blocks), default=0.0),
        "bytesWritten": gateway.bytes_written,
    }
    figures = filled(FIGURES, values)
    sentence = _sentence(gateway, delays.worst, longest)
    series = (delay_trace.series(), gateway.heap_trace.series(), gateway.call_trace.series())
    return Result(NAME, policy, seed, "virtual", remedies, horizon, sentence, inputs(options), figures, series)


def _sentence(gateway: _Gateway, worst: float, longest: float) -> str:
    ending = f", and {gateway.given_up} calls are given up" if gateway.given_up else ""
    wait, call = spell(worst, "s"), spell(longest, "s")
    return f"Everything else waits up to {wait} for its turn; a call takes up to {call}{ending}."
