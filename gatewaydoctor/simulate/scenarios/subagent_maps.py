"""52725: three maps that keep something of every subagent session and, up to 2026.3.28, let nothing go.

Put in: the pace of the batch and what one session leaves in the three maps together, which the report gives as a sum.
Comes out: entries per map, heap, the session at which the process dies, and what each map's time limit saves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.kernel import DAY, MB, MINUTE, EventLoop, Heap, OutOfMemory, Trace, chance
from gatewaydoctor.simulate.options import assumed, derived, given, inputs, measured
from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.values import Figure, Result, filled

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from gatewaydoctor.simulate.releases import ReleaseModel

NAME: Final = "subagent-maps"
SWEEP: Final = 60.0
"""Seconds between two runs of the registry's sweeper (docs/gateway.md section 8)."""

_SPREAD: Final = 0.3
"""Sizes vary by this share around the mean; over hundreds of sessions that evens out."""

_SMALL_BYTES: Final = 400.0
"""One entry of a map that is bounded already: all of them together stay below a thousandth of the heap."""

FIGURES: Final = (
    Figure("death", "out of memory after", "min"),
    Figure("sessionsAtDeath", "sessions until out of memory", "sessions", given=2800, tolerance=0.1),
    Figure("sessions", "sessions completed", "sessions"),
    Figure("registryPeak", "most entries in subagentRuns", "entries"),
    Figure("contextsPeak", "most entries in runContextById", "entries"),
    Figure("errorsPeak", "most entries in pendingLifecycleErrorByRunId", "entries"),
    Figure("recipientsPeak", "most entries in toolEventRecipients (bounded)", "entries"),
    Figure("abortedPeak", "most entries in the list of aborted runs (bounded)", "entries"),
    Figure("sequencesPeak", "most entries in agentRunSeq (bounded)", "entries"),
    Figure("heapPeak", "highest heap", "MB", given=8000, tolerance=0.1),
    Figure("bytesWritten", "bytes written to runs.json a day", "bytes"),
)


@dataclass(frozen=True, slots=True)
class SubagentMaps:
    """The batch and the process. Sizes in bytes, times in seconds."""

    duration: float = assumed(DAY, "s", "long enough for the batch, and for a day of quiet after it")
    tickets: int = given(1400, "tickets", "size of the batch")
    sessions_per_ticket: int = given(2, "sessions", "agent sessions each ticket makes")
    pace: float = assumed(30.0, "s", "one ticket after the other")
    session: float = assumed(240.0, "s", "how long a session runs")
    heap_limit: float = given(8e9, "bytes", "heap at which the process runs out of memory")
    base_heap: float = given(922e6, "bytes", "resident after a restart (incident 003)")
    kept: float = derived(2.62e6, "bytes", "8 GB less the start, over 2,700 of the 2,800 sessions: one, in all maps")
    registry_share: float = assumed(1 / 3, "", "of it in subagentRuns; the report gives only the sum")
    context_share: float = assumed(1 / 3, "", "of it in runContextById")
    error_rate: float = assumed(0.25, "", "sessions that leave a pending lifecycle error, which keeps the rest")
    record_bytes: float = assumed(8_000.0, "bytes", "one record in subagents/runs.json")
    end_saves: int = measured(
        4, "saves", "of runs.json as a session ends, in 2026.3.28 (5 in 2026.4.25 and 2026.5.22)"
    )
    abort_rate: float = assumed(0.05, "", "sessions that are aborted")
    recipient_ttl: float = given(10 * MINUTE, "s", "tool event recipients go after this, in every release")
    aborted_ttl: float = given(60 * MINUTE, "s", "aborted runs go after this, in every release")
    sequence_limit: int = given(10_000, "entries", "agentRunSeq is cut to this, in every release")
    archive_after: float = given(5 * MINUTE, "s", "proposed: archive session-mode runs this long after completion")
    context_ttl: float = given(30 * MINUTE, "s", "proposed: sweep contexts after this")
    error_ttl: float = given(5 * MINUTE, "s", "proposed: finalise pending errors after this")


@dataclass(frozen=True, slots=True)
class Plan:
    """The options and which maps have got a time limit."""

    options: SubagentMaps
    archives_runs: bool = False
    sweeps_contexts: bool = False
    ends_errors: bool = False

    def limits(self, release: ReleaseModel) -> dict[str, float | None]:
        """Seconds after completion until an entry goes, by map; None: never. Remedies add to the release's."""
        options = self.options
        return {
            "registry": _sooner(release.archive_after, options.archive_after if self.archives_runs else None),
            "contexts": _sooner(release.context_ttl, options.context_ttl if self.sweeps_contexts else None),
            "errors": _sooner(release.error_ttl, options.error_ttl if self.ends_errors else None),
            "recipients": options.recipient_ttl,
            "aborted": options.aborted_ttl,
            "sequences": None,
        }


def _sooner(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def simulate(plan: Plan, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    """Run the model in virtual time."""
    gateway = _Gateway(plan, RELEASES[policy], seed)
    gateway.run()
    return _result(gateway, plan, policy, seed, remedies)


@dataclass(slots=True)
class _Map:
    """One map: completion times and sizes of its entries, oldest first."""

    trace: Trace
    entries: list[tuple[float, float]] = field(default_factory=list)
    peak: int = 0


@dataclass(slots=True)
class _Gateway:
    plan: Plan
    release: ReleaseModel
    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    loop: EventLoop = field(init=False)
    heap: Heap = field(init=False)
    sessions: int = 0
    running: int = 0
    registered_peak: int = 0
    death: float | None = None
    bytes_written: float = 0.0
    maps: dict[str, _Map] = field(init=False)
    heap_trace: Trace = field(default_factory=lambda: Trace("heap", "heap", "MB"))

    def __post_init__(self) -> None:
        self.loop = EventLoop(self.env)
        self.heap = Heap(self.plan.options.base_heap, self.plan.options.heap_limit)
        titles = {
            "registry": "subagentRuns",
            "contexts": "runContextById",
            "errors": "pendingLifecycleErrorByRunId",
            "recipients": "toolEventRecipients",
            "aborted": "aborted runs",
            "sequences": "agentRunSeq",
        }
        self.maps = {key: _Map(Trace(key, title, "entries")) for key, title in titles.items()}

    def run(self) -> None:
        self.env.process(self._batch())
        self.env.process(self._sweeper())
        try:
            self.env.run(self.plan.options.duration)
        except OutOfMemory:
            self.death = self.env.now
        self._note()

    def _batch(self) -> Generator[simpy.Event, Any, None]:
        options, random = self.plan.options, chance(self.seed, "batch")
        for _ in range(options.tickets):
            for _ in range(options.sessions_per_ticket):
                self.env.process(self._session(random))
            yield self.env.timeout(random.uniform(0.5, 1.5) * options.pace)

    def _session(self, random: Random) -> Generator[simpy.Event, Any, None]:
        """A session of a ticket. Its record is in the registry from its start on; the memory it leaves behind stays
        from its completion on."""
        options = self.plan.options
        size = options.kept * random.uniform(1 - _SPREAD, 1 + _SPREAD)
        fails, aborts = random.random() < options.error_rate, random.random() < options.abort_rate
        self.running += 1
        self._write_registry(1)
        yield self.env.timeout(options.session * random.uniform(0.5, 1.5))
        self.running -= 1
        self.sessions += 1
        self._leave("registry", size * options.registry_share)
        self._leave("contexts", size * options.context_share)
        if fails:
            rest = 1 - options.registry_share - options.context_share
            self._leave("errors", size * rest / options.error_rate)
        self._leave("recipients", _SMALL_BYTES)
        self._leave("sequences", _SMALL_BYTES)
        if aborts:
            self._leave("aborted", _SMALL_BYTES)
        self._write_registry(options.end_saves)
        self._note()

    def _leave(self, name: str, size: float) -> None:
        held = self.maps[name]
        held.entries.append((self.env.now, size))
        held.peak = max(held.peak, len(held.entries))
        self.heap.keep(size)

    def _sweeper(self) -> Generator[simpy.Event, Any, None]:
        """Runs every minute, and takes only what has a limit: without one, nothing ever."""
        while True:
            yield self.env.timeout(SWEEP)
            for name, limit in self.plan.limits(self.release).items():
                entries = self.maps[name].entries
                stay = entries if limit is None else [each for each in entries if self.env.now - each[0] < limit]
                if name == "sequences":
                    stay = stay[max(0, len(stay) - self.plan.options.sequence_limit) :]
                if len(stay) < len(entries):
                    self.heap.release(sum(size for _, size in entries) - sum(size for _, size in stay))
                    self.maps[name].entries = stay
                    if name == "registry":
                        self._write_registry(1)
            self._note()

    def _registered(self) -> int:
        return self.running + len(self.maps["registry"].entries)

    def _write_registry(self, saves: int) -> None:
        """subagents/runs.json is written whole at every change, with the sessions that still run."""
        self.registered_peak = max(self.registered_peak, self._registered())
        self.bytes_written += saves * self._registered() * self.plan.options.record_bytes

    def _note(self) -> None:
        self.heap_trace.note(self.env.now, self.heap.live / MB)
        for name, held in self.maps.items():
            held.trace.note(self.env.now, self._registered() if name == "registry" else len(held.entries))


def _result(gateway: _Gateway, plan: Plan, policy: str, seed: int, remedies: tuple[str, ...]) -> Result:
    options, horizon = plan.options, plan.options.duration
    death = gateway.death
    lasted = horizon if death is None else death
    values = {f"{key}Peak": float(held.peak) for key, held in gateway.maps.items()} | {
        "registryPeak": float(gateway.registered_peak),
        "death": None if death is None else death / MINUTE,
        "sessionsAtDeath": None if death is None else gateway.sessions,
        "sessions": gateway.sessions,
        "heapPeak": max(gateway.heap_trace.values),
        "bytesWritten": gateway.bytes_written / lasted * DAY,
    }
    figures = filled(FIGURES, values)
    series = (
        gateway.heap_trace.series(),
        *(gateway.maps[name].trace.series() for name in ("registry", "contexts", "errors")),
    )
    notes = ("The model has no event loop: the report does not mention blocks.",)
    return Result(
        NAME,
        policy,
        seed,
        "virtual",
        remedies,
        lasted,
        _sentence(gateway),
        inputs(options),
        figures,
        series,
        (),
        notes,
    )


def _sentence(gateway: _Gateway) -> str:
    peak = spell(max(gateway.heap_trace.values), "MB")
    if gateway.death is None:
        return f"{gateway.sessions:,} sessions complete, and the heap never exceeds {peak}."
    return f"Out of memory at {peak} after {gateway.sessions:,} sessions and {spell(gateway.death, 's')}."
