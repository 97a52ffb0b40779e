"""003: the price of every usage line is looked up anew, a whole piece of a transcript in one turn of the loop.

2026.5.22 answers a call for one agent from a cache and refreshes the cache in the background, file by file, in pieces
of 64 KiB. All usage lines of a piece are priced within one turn of the event loop, and so are the pieces that other
agents' refreshes have ready. Up to 2026.4.25 the call itself reads, all agents' newest sessions; a price costs little
there. 2026.9.6 reads in a worker.

Put in: usage lines, their spread, the cost of a line, the calls. Comes out: the delay of everything else on the loop,
the length of a call, how long it goes on, and what each remedy changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import MINUTE, Trace, TurnLoop, chance, timer_delays
from gatewaydoctor.simulate.options import BadOption, assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.releases import RELEASES, Usage
from gatewaydoctor.simulate.values import Figure, Label, Result, filled

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from gatewaydoctor.simulate.releases import ReleaseModel

NAME: Final = "usage-scan"

FIGURES: Final = (
    Figure("maxDelay", "worst delay of the event loop", "s", given=17.985, tolerance=0.2),
    Figure("p99Delay", "99th percentile of the delay", "s", given=2.561, tolerance=0.2),
    Figure("longestCall", "longest call", "s", given=298, tolerance=0.2),
    Figure("utilisation", "utilisation of the event loop (the lines are chosen for it)", "", label=Label.GIVEN),
    Figure("finished", "everything asked for is summed after", "min"),
    Figure("priced", "usage lines priced", "lines"),
    Figure("answered", "calls answered", "calls"),
    Figure("givenUp", "calls and refreshes given up", "times"),
    Figure("worstBlock", "worst block", "s"),
    Figure("bytesWritten", "bytes written to the usage cache", "bytes"),
)


@dataclass(frozen=True, slots=True)
class UsageScan:
    """The transcripts, the calls and the process. Sizes in bytes, times in seconds."""

    duration: float = given(12 * MINUTE, "s", "the dashboard was unreachable for about 12 min")
    stores: int = given(9, "agents", "9 stores with 184 sessions")
    sessions: int = given(184, "files", "9 stores with 184 sessions, shared evenly")
    lines: int = derived(4_600, "lines", "usage lines in all: 12 min at 82 %, less the 6 % of a quiet gateway")
    spread: float = assumed(1.35, "sigma", "a lognormal spread of usage lines over the sessions")
    line_bytes: float = assumed(3_600.0, "bytes", "transcript for each usage line, the other lines included")
    lookup: float = measured(0.12, "s", "2026.5.22: CPU for the price of a usage line (88 to 173 ms)")
    models: int = assumed(3, "models", "that the lines name")
    line_cost: float = measured(0.0005, "s", "2026.3.28, 2026.4.25: a usage line, its price included")
    read_cost: float = measured(5.4e-9, "s/byte", "2026.3.28: 1.4 s of CPU for 264 MB")
    open_cost: float = measured(0.0004, "s", "2026.3.28: 400 files opened and their first lines read")
    piece: float = measured(65_536.0, "bytes", "what a stream reads at once; its lines are handled in one turn")
    turns: int = measured(4, "turns", "of the loop that a call takes for each file it lists (72 for 20 in 2026.5.22)")
    calls: str = assumed("0 300 600", "s", "when the dashboard asks for every agent at once")
    call_jitter: float = assumed(10.0, "s", "each call is this much later at most")
    resolution: float = given(0.02, "s", "the release samples the loop's delay this often")
    background: float = given(0.058, "", "utilisation after a restart, without usage calls")
    background_task: float = derived(0.01, "s", "after a restart p99 was 21 ms and the worst 32 ms")
    cache_line: float = measured(234.0, "bytes", "a usage line in .usage-cost-cache.json of 2026.5.22")
    cache_file: float = measured(719.0, "bytes", "a file in it")
    page: int = given(50, "files", "default limit of sessions.usage (docs/gateway.md section 10)")
    slice: float = assumed(0.25, "s", "chunked: longest uninterrupted piece, or one line if that takes longer")
    patience: float = assumed(30.0, "s", "cancel: what takes longer is given up")
    known_price: float = measured(0.001, "s", "2026.5.22: a usage line whose price is in models.json")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and what remedies have turned. `page`: sessions a call sums, None: the release's."""

    options: UsageScan
    chunked: bool = False
    off_loop: bool = False
    cached: bool = False
    priced: bool = False
    remembers_prices: bool = False
    one_refresh: bool = False
    page: int | None = None
    cancels: bool = False


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
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


def lines_by_session(options: UsageScan) -> list[int]:
    """Usage lines at the quantiles of the spread, `lines` in all but for rounding: the same for every seed."""
    if not options.sessions:
        return []
    spread = NormalDist(0.0, options.spread) if options.spread else None
    shares = ((number + 0.5) / options.sessions for number in range(options.sessions))
    weights = [math.exp(spread.inv_cdf(share)) if spread else 1.0 for share in shares]
    return [round(options.lines * weight / sum(weights)) for weight in weights]


@dataclass(slots=True)
class _Agent:
    """One agent's transcripts, as usage lines, the newest first; what its cache knows, and its refresh."""

    number: int
    files: list[int]
    known: set[int] = field(default_factory=set)
    wanted: set[int] = field(default_factory=set)
    refreshing: bool = False


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    release: ReleaseModel
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: TurnLoop = field(init=False)
    worker: simpy.Resource = field(init=False)
    refreshes: simpy.Resource = field(init=False)
    agents: list[_Agent] = field(init=False)
    priced_models: set[int] = field(default_factory=set)
    lengths: list[float] = field(default_factory=list)
    pending: dict[int, float] = field(default_factory=dict)
    priced: int = 0
    answered: int = 0
    given_up: int = 0
    finished: float = 0.0
    bytes_written: float = 0.0
    line_trace: Trace = field(default_factory=lambda: Trace("priced", "usage lines priced", "lines"))
    call_trace: Trace = field(default_factory=lambda: Trace("calls", "calls in flight", "calls"))

    def __post_init__(self) -> None:
        options = self.plan.options
        if not options.resolution or not options.piece or not options.line_bytes:
            raise BadOption("resolution, piece and line-bytes cannot be 0")
        self.loop = TurnLoop(self.env)
        self.worker = simpy.Resource(self.env, capacity=1)
        self.refreshes = simpy.Resource(self.env, capacity=1 if self.plan.one_refresh else max(1, options.stores))
        lines, stores = lines_by_session(options), max(1, options.stores)
        self.agents = [_Agent(number, lines[number::stores]) for number in range(stores)]
        for agent in self.agents:
            # Which files are the newest has nothing to do with their size.
            chance(self.seed, f"order {agent.number}").shuffle(agent.files)

    def run(self) -> None:
        options, random = self.plan.options, chance(self.seed, "calls")
        # Up to 2026.4.25 one call is for every agent.
        askers = [None] if self.release.usage is Usage.CALL else [agent for agent in self.agents if agent.files]
        times = parse_calls(options.calls)
        for number, (at, agent) in enumerate((at, agent) for at in times for agent in askers):
            self.env.process(self._call(number, at + random.uniform(0.0, options.call_jitter), agent))
        self.env.process(self._background(chance(self.seed, "background")))
        self._note()
        self.env.run(options.duration)
        self._note()

    def _call(self, number: int, at: float, agent: _Agent | None) -> Generator[simpy.Event, Any, None]:
        """One sessions.usage call: lists its files, and sums the newest of them or asks for a refresh."""
        options = self.plan.options
        yield self.env.timeout(at)
        self.pending[number] = self.env.now
        self._note()
        agents = self.agents if agent is None else [agent]
        for _ in range(sum(len(each.files) for each in agents)):
            for _ in range(options.turns):
                yield self.loop.work(options.open_cost / options.turns)
        wanted = self._newest(agents)
        done = True
        if agent is None:
            for owner, file in wanted:
                done = not self._gives_up(self.pending[number])
                if not done:
                    break
                yield from self._sum(owner, file)
        else:
            agent.wanted |= {file for _, file in wanted} - agent.known
            if agent.wanted and not agent.refreshing:
                agent.refreshing = True
                self.env.process(self._refresh(agent))
        self.answered += done
        self.given_up += not done
        self.lengths.append(self.env.now - self.pending.pop(number))
        self._note()

    def _newest(self, agents: list[_Agent]) -> list[tuple[_Agent, int]]:
        """The newest files of these agents, as many as a call sums."""
        page = self.plan.options.page if self.plan.page is None else self.plan.page
        ranked = sorted((file, agent.number) for agent in agents for file in range(len(agent.files)))
        return [(self.agents[number], file) for file, number in ranked[:page]]

    def _refresh(self, agent: _Agent) -> Generator[simpy.Event, Any, None]:
        """The background refresh of one agent's cache: smallest file first, the whole cache written after each."""
        options = self.plan.options
        with self.refreshes.request() as turn:
            yield turn
            since = self.env.now
            while agent.wanted and not self._gives_up(since):
                file = min(agent.wanted, key=lambda each: (agent.files[each], each))
                yield from self._sum(agent, file)
                agent.wanted.discard(file)
                lines = sum(agent.files[each] for each in agent.known)
                self.bytes_written += lines * options.cache_line + len(agent.known) * options.cache_file
        self.given_up += bool(agent.wanted)
        agent.wanted.clear()
        agent.refreshing = False

    def _sum(self, agent: _Agent, file: int) -> Generator[simpy.Event, Any, None]:
        """Read one transcript in pieces. What is summed already is read again where nothing keeps sums."""
        options = self.plan.options
        keeps = self.plan.cached or self.release.usage is not Usage.CALL
        left = 0 if keeps and file in agent.known else agent.files[file]
        fit = max(1, int(options.piece / options.line_bytes))
        while left > 0:
            lines = min(left, fit)
            left -= lines
            yield from self._price(lines)
            self.priced += lines
        agent.known.add(file)
        self.finished = self.env.now
        self._note()

    def _price(self, lines: int) -> Generator[simpy.Event, Any, None]:
        """One piece of a transcript with so many usage lines."""
        options = self.plan.options
        cost = lines * options.line_bytes * options.read_cost
        costs = [cost / lines + self._line_cost() for _ in range(lines)]
        if self.plan.off_loop or self.release.usage is Usage.WORKER:
            # The worker asks for the price of each model once.
            with self.worker.request() as turn:
                yield turn
                yield self.env.timeout(cost + lines * options.line_cost)
            yield self.loop.work(options.line_cost)
        elif self.plan.chunked:
            at_once = max(1, int(options.slice / max(costs)))
            for first in range(0, lines, at_once):
                yield self.loop.work(sum(costs[first : first + at_once]))
        else:
            yield self.loop.work(sum(costs))

    def _line_cost(self) -> float:
        """What the event loop needs for one usage line, its price included."""
        options = self.plan.options
        if self.release.usage is not Usage.REFRESH:
            return options.line_cost
        if self.plan.priced:
            return options.known_price
        if self.plan.remembers_prices and len(self.priced_models) >= options.models:
            return options.line_cost
        self.priced_models.add(len(self.priced_models))
        return options.lookup

    def _gives_up(self, since: float) -> bool:
        return self.plan.cancels and self.env.now - since > self.plan.options.patience

    def _background(self, random: Random) -> Generator[simpy.Event, Any, None]:
        """Everything else the gateway does."""
        options = self.plan.options
        while options.background and options.background_task:
            yield self.env.timeout(random.expovariate(options.background / options.background_task))
            self.loop.work(options.background_task * random.uniform(0.5, 1.5))

    def _note(self) -> None:
        self.line_trace.note(self.env.now, self.priced)
        self.call_trace.note(self.env.now, len(self.pending))


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options, horizon = plan.options, plan.options.duration
    delays = timer_delays(gateway.loop.blocks, options.resolution, horizon)
    delay_trace = Trace("delay", "delay of the event loop", "s", spikes=True)
    for at, seconds in delays.late:
        if seconds >= 0.05:
            delay_trace.note(at, seconds)
    open_calls = [horizon - since for since in gateway.pending.values()]
    longest = max((*gateway.lengths, *open_calls), default=0.0)
    unfinished = any(agent.wanted for agent in gateway.agents) or bool(gateway.pending)
    values = {
        "maxDelay": delays.worst,
        "p99Delay": delays.quantile(0.99),
        "longestCall": longest,
        "utilisation": gateway.loop.busy(horizon) / horizon,
        "finished": None if unfinished else gateway.finished / MINUTE,
        "priced": gateway.priced,
        "answered": gateway.answered,
        "givenUp": gateway.given_up,
        "worstBlock": max((seconds for _, seconds in gateway.loop.blocks), default=0.0),
        "bytesWritten": gateway.bytes_written,
    }
    sentence = _sentence(gateway, delays.worst, longest)
    series = (delay_trace.series(), gateway.line_trace.series(), gateway.call_trace.series())
    return Result(
        NAME, policy, seed, "virtual", remedies, horizon, sentence, inputs(options), filled(FIGURES, values), series
    )


def _sentence(gateway: _Gateway, worst: float, longest: float) -> str:
    ending = f"; {gateway.given_up} calls or refreshes are given up" if gateway.given_up else ""
    wait, call = spell(worst, "s"), spell(longest, "s")
    return (
        f"{gateway.priced:,} usage lines are priced; everything else waits up to {wait} for its turn, and a call "
        f"lasts up to {call}{ending}."
    )
