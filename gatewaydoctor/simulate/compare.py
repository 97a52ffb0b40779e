"""No remedy, each remedy, all of them: one run each, ranked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.scenario import options_for, policy_named, run, scenario_named
from gatewaydoctor.simulate.values import Comparison, Result, Verdict

if TYPE_CHECKING:
    from gatewaydoctor.simulate.remedies import Remedy

BASE: Final = "no remedy"
ALL: Final = "all remedies"


def compare(
    name: str, options: Any = None, *, seed: int = 1, policy: str | None = None, duration: float | None = None
) -> Comparison:
    """Run a scenario without remedies, with each, and with all, on the same seed.

    Ranked by what matters to a gateway: surviving, then the shortest worst block, the latest death, the fewest bytes
    written, the lowest heap. Blocks that differ in the third digit only count as equal. Raises as `run` does.
    """
    scenario = scenario_named(name)
    options = options_for(scenario, options, duration)
    release = policy_named(policy or scenario.policy)
    choices: dict[str, tuple[Remedy, ...]] = {BASE: (), **{remedy.name: (remedy,) for remedy in scenario.remedies}}
    if len(scenario.remedies) > 1:
        choices[ALL] = scenario.remedies
    results = {
        label: run(name, options, seed=seed, policy=release, remedies=[remedy.name for remedy in chosen])
        for label, chosen in choices.items()
    }
    ranked = sorted((label for label in results if label != BASE), key=lambda label: _rank(results[label]))
    verdicts = [_verdict(BASE, (), None, results)]
    verdicts += [_verdict(label, choices[label], rank, results) for rank, label in enumerate(ranked, start=1)]
    return Comparison(name, release, seed, tuple(verdicts), results)


def _rank(result: Result) -> tuple[bool, float, float, float, float]:
    death = _value(result, "death")
    block = _value(result, "worstBlock") or 0.0
    return (
        death is not None,
        float(f"{block:.2g}"),
        -(death if death is not None else math.inf),
        _value(result, "bytesWritten") or 0.0,
        _value(result, "heapPeak") or 0.0,
    )


def _verdict(label: str, chosen: tuple[Remedy, ...], rank: int | None, results: dict[str, Result]) -> Verdict:
    result, base = results[label], results[BASE]
    figures = _value(result, "worstBlock"), _value(result, "death"), _value(result, "bytesWritten")
    if len(chosen) != 1:
        return Verdict(label, result.remedies, rank, *figures, None, None, None, None, result.sentence)
    (remedy,) = chosen
    before, after = base.value(remedy.promises), result.value(remedy.promises)
    kept = remedy.keeps_promise(before, after)
    return Verdict(label, result.remedies, rank, *figures, remedy.promises, before, after, kept, remedy.why)


def _value(result: Result, key: str) -> float | None:
    return next((figure.value for figure in result.figures if figure.key == key), None)
