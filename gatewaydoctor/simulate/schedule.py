"""Cron jobs as one line of text: `3x10m 6x1h~` is three jobs every ten minutes by the clock, six hourly ones with a
phase of their own (an `every` job, or a top-of-hour expression that the gateway spreads)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatewaydoctor.simulate.kernel import DAY
from gatewaydoctor.simulate.options import BadOption

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

_GROUP = re.compile(r"([0-9]+)x([0-9]+(?:\.[0-9]+)?)([smhd])(~?)\Z")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MAX_JOBS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Job:
    """One cron job: a run every `interval` seconds, by the clock or with a phase of its own."""

    interval: float
    own_phase: bool

    def first(self, random: Random) -> float:
        """Seconds until its first run."""
        return random.uniform(0, self.interval) if self.own_phase else self.interval

    @property
    def runs_per_day(self) -> float:
        return DAY / self.interval


def parse_schedule(text: str) -> tuple[Job, ...]:
    """The jobs of a schedule text, rarest last. Raises BadOption."""
    jobs: list[Job] = []
    for word in text.split():
        found = _GROUP.match(word)
        interval = float(found[2]) * _SECONDS[found[3]] if found else 0.0
        if not found or not interval or len(jobs) + int(found[1]) > _MAX_JOBS:
            raise BadOption(f"a schedule is a list like 3x10m 6x1h~, not {word}")
        jobs += [Job(interval, bool(found[4]))] * int(found[1])
    return tuple(sorted(jobs, key=lambda job: job.interval))


def schedule_text(jobs: Iterable[Job]) -> str:
    """The text of these jobs; parsing it gives them back."""
    counts: dict[Job, int] = {}
    for job in jobs:
        counts[job] = counts.get(job, 0) + 1
    return " ".join(f"{count}x{_spell(job.interval)}{'~' * job.own_phase}" for job, count in counts.items())


def runs_per_day(jobs: Iterable[Job]) -> float:
    return sum(job.runs_per_day for job in jobs)


def _spell(seconds: float) -> str:
    unit = next(
        unit for unit in "dhms" if (seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0) or unit == "s"
    )
    return f"{seconds / _SECONDS[unit]:g}{unit}"
