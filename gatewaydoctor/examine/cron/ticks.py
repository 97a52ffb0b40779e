"""Cron runs as the bursts they come in: a tick is what the scheduler started together (docs/incidents.md, 61633)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

TICK_GAP_MS = 5_000
"""Runs that follow each other more closely than this belong to one tick. The scheduler's own timer is not a faster
than 2 s (docs/gateway.md section 7), and the bursts on record lie 20 s and more apart."""


class Ticks(Struct, frozen=True):
    """`interval_*` are ms between the first runs of neighbouring ticks, None with fewer than two ticks."""

    count: int
    per_tick_median: float
    per_tick_max: int
    interval_median: int | None = None
    interval_p10: int | None = None
    interval_p90: int | None = None


def ticks(times: Iterable[int]) -> Ticks:
    """Group run times (epoch ms, any order) into ticks. No times make no ticks."""
    ordered = sorted(times)
    if not ordered:
        return Ticks(0, 0.0, 0)
    starts, sizes = [ordered[0]], [1]
    for before, after in pairwise(ordered):
        if after - before > TICK_GAP_MS:
            starts.append(after)
            sizes.append(1)
        else:
            sizes[-1] += 1
    if len(starts) < 2:
        return Ticks(1, float(sizes[0]), sizes[0])
    gaps = [after - before for before, after in pairwise(starts)]
    return Ticks(
        len(starts),
        quantile(sizes, 0.5),
        max(sizes),
        round(quantile(gaps, 0.5)),
        round(quantile(gaps, 0.1)),
        round(quantile(gaps, 0.9)),
    )


TIMELINE_BINS = 160


class Timeline(Struct, frozen=True):
    """Run counts over time: bin n holds the runs from `start` + n * `step` (epoch ms, ms), below the next bin."""

    start: int
    step: int
    counts: tuple[int, ...]


def timeline(times: Iterable[int], first: int, last: int) -> Timeline:
    """Run times (epoch ms, all from `first` to `last`) in TIMELINE_BINS equal bins."""
    step = max(1, -(-(last - first + 1) // TIMELINE_BINS))
    counts = [0] * TIMELINE_BINS
    for at in times:
        counts[(at - first) // step] += 1
    return Timeline(first, step, tuple(counts))


def quantile(values: Iterable[int], share: float) -> float:
    """The value below which `share` of the values lie, between two of them in proportion. Raises IndexError for none.

    The statistics module would do the same, and costs every start the loading of decimal and random.
    """
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
