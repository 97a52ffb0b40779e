"""What a simulation says: figures with a label each, series for the timeline, and the remedies' verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Effect(StrEnum):
    """What a remedy does to a scenario, beside no remedy."""

    SURVIVES = "survives"
    HELPS = "helps"
    PROMISED = "only what it promises"
    NOTHING = "no better than nothing"
    LOSES = "loses conversations"


class Label(StrEnum):
    """Where a number is from.

    `given`: the incident report. `measured`: this machine, now, or a real release on the project's own bench.
    `derived`: computed, by the model or from given figures. `assumed`: put in because no report says it.
    """

    GIVEN = "given"
    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Input:
    """A number put into the model. `source` says in words where it is from."""

    name: str
    value: float | str
    unit: str
    label: Label
    source: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that comes out. `given` is the incident's own figure, `tolerance` the deviation it may have.

    `value` is None where the thing did not happen (no out-of-memory, no such block).
    """

    key: str
    title: str
    unit: str
    value: float | None = None
    label: Label = Label.DERIVED
    given: float | None = None
    tolerance: float | None = None

    @property
    def deviation(self) -> float | None:
        """(value - given) / given; None where either is missing, or the given figure is zero and the value is not."""
        if self.value is None or self.given is None:
            return None
        if self.given == 0:
            return 0.0 if self.value == 0 else None
        return (self.value - self.given) / self.given

    @property
    def within(self) -> bool | None:
        """Whether the deviation stays within the tolerance; None where there is nothing to compare."""
        if self.given is None or self.tolerance is None:
            return None
        return self.deviation is not None and abs(self.deviation) <= self.tolerance


def filled(specs: Iterable[Figure], values: Mapping[str, float | None]) -> tuple[Figure, ...]:
    """The figures of these specs with the values of their keys. Raises KeyError where one has none."""
    found = ((spec, values[spec.key]) for spec in specs)
    return tuple(replace(spec, value=None if value is None else float(value)) for spec, value in found)


@dataclass(frozen=True, slots=True)
class Series:
    """Points over time: `times` in seconds since the start, `values` in `unit`, equally long, ascending times.

    A `spikes` series is drawn as bars (one event each), any other as a line.
    """

    key: str
    title: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    spikes: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A small table that belongs to one scenario, such as the distribution of rows by job and status."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `horizon` is the simulated time in seconds, `sentence` what happened in one sentence. `given_by` is
    what the figures' given values are from: the incident, or a directory."""

    scenario: str
    policy: str
    seed: int
    clock: str
    remedies: tuple[str, ...]
    horizon: float
    sentence: str
    inputs: tuple[Input, ...]
    figures: tuple[Figure, ...]
    series: tuple[Series, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    given_by: str = "incident"

    def figure(self, key: str) -> Figure:
        """The figure of this key. Raises KeyError."""
        return next(figure for figure in self.figures if figure.key == key)

    def value(self, key: str) -> float | None:
        return self.figure(key).value


@dataclass(frozen=True, slots=True)
class Save:
    """One save of the store in a model: its time (s), keys written, rows after it, bytes, and seconds held."""

    time: float
    keys: tuple[str, ...]
    rows: int
    written: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One row of a comparison. `promised` is the figure the remedy's report speaks of, before and after.

    `rank` counts from 1; the row without remedies has none, and no effect. `lost` counts conversations. `who` can
    apply it and `how`: empty for several remedies at once.
    """

    name: str
    remedies: tuple[str, ...]
    rank: int | None
    worst_block: float | None
    death: float | None
    bytes_written: float | None
    promised: str | None
    before: float | None
    after: float | None
    kept: bool | None
    sentence: str
    lost: int = 0
    effect: Effect | None = None
    who: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """No remedy, each remedy alone, all together: the verdicts in the order of their rank, and every run. `answer`:
    what to do and what it buys, in a sentence."""

    scenario: str
    policy: str
    seed: int
    verdicts: tuple[ComparisonRow, ...]
    results: Mapping[str, Result] = field(default_factory=dict)
    answer: str = ""
