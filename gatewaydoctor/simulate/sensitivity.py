"""Each result against each input at half and at double: what hangs on what, and what hangs on nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.options import BadOption
from gatewaydoctor.simulate.output.wording import spell_deviation
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.scenario import options_for, policy_named, run, scenario_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gatewaydoctor.simulate.scenario import Scenario

MOVES_FROM: Final = 0.01
"""A result that changes by less than this share is not moved."""

BRIEF: Final[Mapping[str, float]] = {"cap-storm": 6 * 3600.0}
"""Seconds simulated where the default is far longer than what decides."""

REASONS: Final[Mapping[tuple[str, str], str]] = {
    ("cap-storm", "load-copies"): "fills a heap from a store of 92 MB on, and 50 rows are 1.4 MB",
    ("cap-storm", "restart"): "20 s of each 90 min",
    ("cap-storm", "alone.death"): "19 kB a pass would take days; --retained-alone 22400000 brings it about",
    ("stuck-cron", "run"): "runs that end do so long before the next tick of their job",
    ("subagent-maps", "sequence-limit"): "the batch has fewer sessions than the limit",
}
"""Why an input moves nothing, or nothing moves a result."""

_BOTH: Final = (0.5, 2.0)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_INTERVAL = re.compile(r"(?<=x)\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Variant:
    """A run to vary the inputs of: no remedy, one remedy, or another release."""

    title: str
    policy: str
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One input. `half` and `double`: the figures that move, by key, as a share of the value without the change; None
    where a figure begins or ceases to be. `variant`: the first one in which it moves anything, "" where none."""

    name: str
    variant: str
    half: Mapping[str, float | None]
    double: Mapping[str, float | None]

    @property
    def moved(self) -> set[str]:
        return set(self.half) | set(self.double)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Every input of a scenario, what moves nothing and what nothing moves. `titles`: the figures' names, by key, in
    the order of the scenario."""

    scenario: str
    policy: str
    seed: int
    titles: Mapping[str, str]
    lines: tuple[Line, ...]
    idle_inputs: tuple[str, ...]
    unmoved_figures: tuple[str, ...]


def sensitivity(
    name: str,
    options: Any = None,
    *,
    seed: int = 1,
    policy: str | None = None,
    duration: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Sensitivity:
    """Vary every input without remedies; one that moves nothing there is varied with each remedy, then under the
    other releases. `told` gets a line about what is run next. Raises as `run` does."""
    scenario = scenario_named(name)
    options = options_for(scenario, options, duration if duration is not None else BRIEF.get(name))
    release = policy_named(policy or scenario.policy)
    base = {}
    for variant in _variants(scenario, release):
        told(f"simulating {variant.title}")
        base[variant] = _values(name, options, seed, variant)
    titles = {figure.key: figure.title for figure in run(name, options, seed=seed, policy=release).figures}
    inputs, lines = [item.name for item in fields(options)], []
    for at, attribute in enumerate(inputs, start=1):
        told(f"varying {attribute.replace('_', '-')} ({at} of {len(inputs)} inputs)")
        lines.append(_line(name, options, seed, base, attribute))
    moved = set[str]().union(*(line.moved for line in lines))
    # A figure that only a remedy or a release moves is moved, too.
    first, *others = base.values()
    moved |= {key for values in others for key in _moves(first, values)}
    figures = tuple(key for key in first if key not in moved)
    return Sensitivity(
        name, release, seed, titles, tuple(lines), tuple(line.name for line in lines if not line.moved), figures
    )


def vary(name: str, inputs: Iterable[str], *, seed: int = 1) -> tuple[Line, ...]:
    """Some inputs of a scenario at its defaults, varied without remedies only: a sample of `sensitivity`."""
    scenario = scenario_named(name)
    options = options_for(scenario, None, BRIEF.get(name))
    variant = next(_variants(scenario, policy_named(scenario.policy)))
    base = {variant: _values(name, options, seed, variant)}
    return tuple(_line(name, options, seed, base, label.replace("-", "_")) for label in inputs)


def sensitivity_row(line: Line) -> str:
    """The line as a row of the Markdown table."""
    return f"| {line.name} | {_spell(line.half)} | {_spell(line.double)} | {line.variant} |"


def sensitivity_table(found: Sensitivity) -> str:
    """As Markdown, with what moves nothing and what nothing moves under it."""
    rows = [sensitivity_row(line) for line in found.lines]
    idle, unmoved = (_reasons(found.scenario, names) for names in (found.idle_inputs, found.unmoved_figures))
    head = ["| input | at half | at double | in |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", f"Inputs that move nothing: {idle}. Results that no input moves: {unmoved}."])


def _reasons(scenario: str, names: tuple[str, ...]) -> str:
    return "; ".join(f"{name} ({REASONS.get((scenario, name), 'no reason known')})" for name in names) or "none"


def _variants(scenario: Scenario, release: str) -> Iterator[Variant]:
    yield Variant("no remedy", release)
    for remedy in scenario.remedies:
        yield Variant(remedy.name, release, (remedy.name,))
    for name in RELEASES:
        if name != release:
            yield Variant(name, name)


def _line(
    name: str, options: Any, seed: int, base: Mapping[Variant, Mapping[str, float | None]], attribute: str
) -> Line:
    label = attribute.replace("_", "-")
    for variant, values in base.items():
        half, double = (
            _moves(values, _values(name, changed, seed, variant)) if changed is not None else {}
            for changed in (_changed(options, attribute, factor) for factor in _BOTH)
        )
        if half or double:
            return Line(label, variant.title, half, double)
    return Line(label, "", {}, {})


def _values(name: str, options: Any, seed: int, variant: Variant) -> dict[str, float | None]:
    try:
        result = run(name, options, seed=seed, policy=variant.policy, remedies=variant.remedies)
    except BadOption:
        return {}
    return {figure.key: figure.value for figure in result.figures}


def _changed(options: Any, attribute: str, factor: float) -> Any:
    """The options with this one at the factor: of a schedule the intervals, of calls the times, of a mode the other
    words."""
    value = getattr(options, attribute)
    match attribute, value:
        case "mode", _:
            return replace(options, mode="warn" if factor < 1 else "enforce")
        case _, str():
            numbers = _INTERVAL if "x" in value else _NUMBER
            return replace(options, **{attribute: numbers.sub(lambda found: f"{float(found[0]) * factor:g}", value)})
        case _, int():
            return replace(options, **{attribute: round(value * factor)})
        case _:
            return replace(options, **{attribute: value * factor})


def _moves(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> dict[str, float | None]:
    """The share by which each figure changed, where it did."""
    moved: dict[str, float | None] = {}
    for key, old in before.items():
        new = after.get(key)
        if (old is None) != (new is None):
            moved[key] = None
        elif old is not None and new is not None and abs(new - old) > MOVES_FROM * abs(old):
            moved[key] = (new - old) / abs(old) if old else None
    return moved


def _spell(moved: Mapping[str, float | None]) -> str:
    return ", ".join(
        f"{key} {'begins or ends' if share is None else spell_deviation(share)}" for key, share in moved.items()
    )
