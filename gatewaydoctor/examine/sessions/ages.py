"""Sessions of a store by the age of their last update, and by the day they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.units import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.gateway.entry import Entry

BUCKETS: tuple[tuple[str, int | None], ...] = (
    ("within the hour", HOUR_MS),
    ("1 h to 24 h ago", DAY_MS),
    ("1 to 7 days ago", 7 * DAY_MS),
    ("7 to 30 days ago", 30 * DAY_MS),
    ("over 30 days ago", None),
)
"""Label and upper bound (ms) of each age. 24 h and 30 d are the gateway's own retentions (gateway.md section
5, 7)."""

IN_THE_FUTURE = "in the future"
NEVER = "no updatedAt"


class AgeBucket(Struct, frozen=True):
    label: str
    entries: int
    running: int
    bytes: int


def age_buckets(entries: Iterable[Entry], now: int) -> tuple[AgeBucket, ...]:
    """One bucket per age, youngest first, then those from the future and those without a time."""
    labels = [*(label for label, _ in BUCKETS), IN_THE_FUTURE, NEVER]
    sums = {label: [0, 0, 0] for label in labels}
    for entry in entries:
        bucket = sums[_label(entry.updated_at, now)]
        bucket[0] += 1
        bucket[1] += entry.status is Status.RUNNING
        bucket[2] += entry.bytes
    return tuple(AgeBucket(label, *sums[label]) for label in labels)


class Day(Struct, frozen=True):
    """Sessions that began on one day (UTC) and are still in the store. `start_at` is epoch ms."""

    start_at: int
    sessions: int
    bytes: int


def days(entries: Iterable[Entry]) -> tuple[Day, ...]:
    """Days on which sessions began, oldest first: by startedAt, else by updatedAt; those without either are left
    out."""
    sums: dict[int, list[int]] = {}
    for entry in entries:
        began = entry.started_at if entry.started_at is not None else entry.updated_at
        if began is not None:
            day = sums.setdefault(began // DAY_MS, [0, 0])
            day[0] += 1
            day[1] += entry.bytes
    return tuple(Day(day * DAY_MS, *sums[day]) for day in sorted(sums))


def _label(updated: int | None, now: int) -> str:
    if updated is None:
        return NEVER
    if updated > now:
        return IN_THE_FUTURE
    return next(label for label, bound in BUCKETS if bound is None or now - updated < bound)
