"""What the charts of a store show, as numbers the template draws: widths in percent, bars in units of a viewBox."""

from __future__ import annotations

from datetime import UTC, datetime
from math import log1p
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatewaydoctor.model.outcome.report import CronJobInfo, StoreInfo

MOST_BARS = 10
LANE_HEIGHT = 40
_LEAST = 0.4
"""A value that is not 0 is drawn at least this wide, in percent."""
STATUSES = ("running", "done", "failed", "interrupted", "killed", "timeout", "unknown")
MOST_DAYS = 14
BURST = 10
"""From so many runs in one bin on it is drawn as a burst."""


class Part(Struct, frozen=True):
    """A piece of a bar, `start` and `width` in percent of the longest bar."""

    name: str
    start: float
    width: float
    told: str


class Bar(Struct, frozen=True):
    label: str
    value: str
    parts: tuple[Part, ...]


class Lane(Struct, frozen=True):
    """The runs of one job over time: `ticks` are (x, height, runs), x in percent. The height, at most LANE_HEIGHT,
    grows with the logarithm of the runs, by one scale for all lanes of a store."""

    label: str
    told: str
    ticks: tuple[tuple[float, float, int], ...]


class Charts(Struct, frozen=True):
    """`first_at` and `last_at` (epoch ms) are the ends of the time axis of `lanes`; `bin_width` is in percent."""

    sessions: tuple[Bar, ...]
    fields: tuple[Bar, ...]
    classes: tuple[Bar, ...]
    lanes: tuple[Lane, ...]
    first_at: int | None
    last_at: int | None
    bin_ms: int
    bin_width: float
    growth: tuple[Bar, ...]

    @property
    def statuses(self) -> tuple[str, ...]:
        """Those that a bar of `sessions` has, for the key."""
        shown = {part.name for bar in self.sessions for part in bar.parts}
        return tuple(status for status in STATUSES if status in shown)


def of_store(store: StoreInfo, days: Sequence[Mapping[str, int]] = ()) -> Charts:
    """`days`: sessions by the day they began, as `scan` tells them."""
    lanes = [job for job in store.cron if job.timeline is not None]
    timeline = lanes[0].timeline if lanes else None
    most = max((max(job.timeline.counts) for job in lanes if job.timeline), default=1)
    return Charts(
        _sessions(store),
        _plain(store.field_bytes.items()),
        _plain((name, files.bytes) for name, files in store.classes.items()),
        tuple(_lane(job, most) for job in lanes[:MOST_BARS]),
        timeline.start_at_ms if timeline else None,
        timeline.start_at_ms + timeline.step_ms * len(timeline.counts) if timeline else None,
        timeline.step_ms if timeline else 0,
        100 / len(timeline.counts) if timeline else 0.0,
        _growth(days),
    )


def _growth(days: Sequence[Mapping[str, int]]) -> tuple[Bar, ...]:
    """A bar for each of the last days, as long as the bytes of the sessions that began on it; older days together."""
    older, shown = days[:-MOST_DAYS], days[-MOST_DAYS:]
    told = [(_date(day["startAtMs"]), day["sessions"], day["bytes"]) for day in shown]
    if older:
        told.insert(0, ("before", sum(day["sessions"] for day in older), sum(day["bytes"] for day in older)))
    longest = max((held for _, _, held in told), default=1) or 1
    return tuple(
        Bar(
            label,
            f"{plural(sessions, 'session')}, {size(held)}",
            (Part("plain", 0.0, round(max(100 * held / longest, _LEAST), 2), size(held)),),
        )
        for label, sessions, held in told
    )


def _date(at: int) -> str:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def _sessions(store: StoreInfo) -> tuple[Bar, ...]:
    """A bar for each kind, cut by status."""
    kinds: dict[str, dict[str, int]] = {}
    for cell in store.distribution.cells:
        by_status = kinds.setdefault(cell.kind, {})
        by_status[cell.status] = by_status.get(cell.status, 0) + cell.entries
    totals = sorted(((sum(counts.values()), kind) for kind, counts in kinds.items()), reverse=True)
    longest = max((total for total, _ in totals), default=1) or 1
    return tuple(Bar(kind, f"{total:,}", tuple(_parts(kinds[kind], longest))) for total, kind in totals[:MOST_BARS])


def _parts(counts: dict[str, int], longest: int) -> Iterable[Part]:
    start = 0.0
    for status in STATUSES:
        count = counts.get(status, 0)
        if count:
            width = max(100 * count / longest, _LEAST)
            yield Part(status, round(start, 2), round(width, 2), f"{count:,} {status}")
            start += width


def _plain(values: Iterable[tuple[str, int]]) -> tuple[Bar, ...]:
    """The largest values; the rest is one bar more."""
    ordered = sorted(values, key=lambda pair: -pair[1])
    rest = sum(value for _, value in ordered[MOST_BARS:])
    shown = [*ordered[:MOST_BARS], *([(f"{len(ordered) - MOST_BARS} others", rest)] if rest else [])]
    longest = max((value for _, value in shown), default=1) or 1
    return tuple(
        Bar(name, size(value), (Part("plain", 0.0, round(max(100 * value / longest, _LEAST), 2), size(value)),))
        for name, value in shown
        if value
    )


def _lane(job: CronJobInfo, most: int) -> Lane:
    """`most`: runs in the fullest bin of the store, which is as high as a lane."""
    counts = job.timeline.counts if job.timeline else ()
    step = 100 / (len(counts) or 1)
    ticks = tuple(
        (round(place * step, 2), round(LANE_HEIGHT * log1p(count) / log1p(most), 2), count)
        for place, count in enumerate(counts)
        if count
    )
    per_tick = f", up to {job.runs_per_tick.max:,} at once" if job.runs_per_tick and job.runs > 1 else ""
    return Lane(job.name or job.job_id, f"{plural(job.runs, 'run')} in {plural(job.ticks, 'tick')}{per_tick}", ticks)
