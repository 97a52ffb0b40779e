"""The parts every scenario is made of: the event loop, the heap with its collector, and seeded chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

import simpy

from gatewaydoctor.simulate.values import Series

if TYPE_CHECKING:
    from collections.abc import Generator

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0
MB = 1_000_000
GB = 1_000_000_000


class OutOfMemory(Exception):
    """The heap cannot take what is kept: the process is gone."""


def chance(seed: int, purpose: str) -> Random:
    """A stream of its own for each purpose, so that switching one part off leaves the others' numbers alone."""
    return Random(f"{seed}/{purpose}")


@dataclass(slots=True)
class Heap:
    """What stays alive in the process, in bytes. `base` is there after a start; V8 gives up at `limit - reserve`."""

    base: float
    limit: float
    reserve: float = 0.0
    kept: float = 0.0

    @property
    def live(self) -> float:
        return self.base + self.kept

    def keep(self, amount: float) -> None:
        """Hold on to `amount` more bytes. Raises OutOfMemory where they no longer fit."""
        self.kept += amount
        if self.live > self.limit - self.reserve:
            raise OutOfMemory

    def release(self, amount: float) -> None:
        self.kept = max(0.0, self.kept - amount)


@dataclass(frozen=True, slots=True)
class Collector:
    """How long one full collection takes: the living set of a fresh process is walked at `healthy` bytes/s, what has
    been kept since at `starved` bytes/s."""

    healthy: float
    starved: float

    def pause(self, heap: Heap) -> float:
        """Seconds the event loop stands still for one full collection."""
        return heap.base / self.healthy + heap.kept / self.starved


@dataclass(slots=True)
class EventLoop:
    """The one thread everything shares. `blocks` are (start, seconds) of every uninterrupted hold, in order."""

    env: simpy.Environment
    thread: simpy.Resource = field(init=False)
    blocks: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.thread = simpy.Resource(self.env, capacity=1)

    def hold(self, seconds: float) -> Generator[simpy.Event, Any, None]:
        """Wait for the thread, then keep it for `seconds`."""
        with self.thread.request() as turn:
            yield turn
            if seconds > 0:
                self.blocks.append((self.env.now, seconds))
                yield self.env.timeout(seconds)

    def hold_in_slices(self, seconds: float, slices: int) -> Generator[simpy.Event, Any, None]:
        """The same work in pieces, giving everybody else a turn between two of them."""
        for _ in range(slices):
            yield from self.hold(seconds / slices)

    def busy(self, until: float) -> float:
        """Seconds held before the moment `until`."""
        return sum(max(0.0, min(start + length, until) - start) for start, length in self.blocks)


_EMPTY_TURN: Final = 0.0001
"""Seconds a turn takes at least, so that a chain of turns without work still takes time."""


@dataclass(slots=True)
class TurnLoop:
    """The event loop turn by turn. Everything that is ready when a turn begins runs within it, one after the other,
    and timers come between two turns only. `blocks` are (start, seconds) of every turn that worked, in order."""

    env: simpy.Environment
    blocks: list[tuple[float, float]] = field(default_factory=list)
    ready: list[tuple[float, simpy.Event]] = field(default_factory=list)
    wake: simpy.Event = field(init=False)

    def __post_init__(self) -> None:
        self.wake = self.env.event()
        self.env.process(self._turns())

    def work(self, seconds: float) -> simpy.Event:
        """An event that happens once this work, in one piece, has had its place in the next turn."""
        done = self.env.event()
        self.ready.append((seconds, done))
        if not self.wake.triggered:
            self.wake.succeed()
        return done

    def busy(self, until: float) -> float:
        """Seconds worked before the moment `until`."""
        return sum(max(0.0, min(start + length, until) - start) for start, length in self.blocks)

    def _turns(self) -> Generator[simpy.Event, Any, None]:
        while True:
            if not self.ready:
                self.wake = self.env.event()
                yield self.wake
            turn, self.ready = self.ready, []
            start, length = self.env.now, max(_EMPTY_TURN, sum(seconds for seconds, _ in turn))
            # Written down at once: the simulation may end within the turn.
            self.blocks.append((start, length))
            for seconds, done in turn:
                yield self.env.timeout(seconds)
                done.succeed()
            yield self.env.timeout(max(0.0, start + length - self.env.now))


@dataclass(frozen=True, slots=True)
class TimerDelays:
    """What a repeating timer would have seen: (moment, seconds late) where it was late, and how often it was not."""

    late: list[tuple[float, float]]
    on_time: int

    @property
    def worst(self) -> float:
        return max((seconds for _, seconds in self.late), default=0.0)

    def quantile(self, share: float) -> float | None:
        """As `quantile`, over all firings."""
        return quantile([*(0.0 for _ in range(self.on_time)), *(seconds for _, seconds in self.late)], share)


def timer_delays(blocks: list[tuple[float, float]], every: float, until: float) -> TimerDelays:
    """How late a timer fires that is set anew each time, `every` seconds ahead. Timers go before everything else that
    waits, as at the start of a turn of the real loop, so one waits for the current hold and no longer."""
    late: list[tuple[float, float]] = []
    on_time, due = 0, every
    for start, length in blocks:
        if due < start:
            idle = math.ceil((min(start, until) - due) / every)
            on_time, due = on_time + max(0, idle), due + max(0, idle) * every
        end = start + length
        if start <= due < min(end, until):
            if end <= until:
                late.append((end, end - due))
            due = end + every
    return TimerDelays(late, on_time + max(0, math.ceil((until - due) / every)))


@dataclass(slots=True)
class Trace:
    """A figure noted as it changes; `spikes`: one event each."""

    key: str
    title: str
    unit: str
    spikes: bool = False
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def note(self, time: float, value: float) -> None:
        """Remember the value from this moment on. A line that does not change needs no further point."""
        if self.spikes or not self.values or value != self.values[-1]:
            self.times.append(time)
            self.values.append(value)

    def series(self, points: int = 2500) -> Series:
        """At most `points` points: the highest of each stretch for spikes, the last of it otherwise."""
        size = max(1, -(-len(self.times) // points))
        stretches = [range(at, min(at + size, len(self.times))) for at in range(0, len(self.times), size)]
        best = [max(each, key=self.values.__getitem__) if self.spikes else each[-1] for each in stretches]
        times = tuple(round(self.times[at], 3) for at in best)
        values = tuple(round(self.values[at], 6) for at in best)
        return Series(self.key, self.title, self.unit, times, values, self.spikes)


def quantile(values: list[float], share: float) -> float | None:
    """The value below which `share` of them lie, by linear interpolation; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def heap_limit(host_bytes: float) -> float:
    """The heap V8 allows itself by default: half the host's memory, at most 2 GB below 15 GB of it, else 4 GB."""
    return min(host_bytes / 2, 4 * GB if host_bytes >= 15 * GB else 2 * GB)
