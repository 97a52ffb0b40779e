"""No remedy, each remedy, all of them: one run each, ranked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.output.wording import spell
from gatewaydoctor.simulate.remedies.remedy import Who
from gatewaydoctor.simulate.scenario import options_for, policy_named, run, scenario_named
from gatewaydoctor.simulate.values import Comparison, ComparisonRow, Effect, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.simulate.remedies import Remedy

BASE: Final = "no remedy"
ALL: Final = "all remedies"


def compare(
    name: str,
    options: Any = None,
    *,
    seed: int = 1,
    policy: str | None = None,
    duration: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Run a scenario without remedies, with each, and with all, on the same seed.

    Ranked by conversations lost first, then by whether it is better than nothing, surviving, the shortest worst
    block, the latest death, the fewest bytes written, the lowest heap. Blocks that differ in the third digit only
    count as equal. `told` gets a line about what is run next. Raises as `run` does.
    """
    scenario = scenario_named(name)
    options = options_for(scenario, options, duration)
    release = policy_named(policy or scenario.policy)
    choices: dict[str, tuple[Remedy, ...]] = {BASE: (), **{remedy.name: (remedy,) for remedy in scenario.remedies}}
    if len(scenario.remedies) > 1:
        choices[ALL] = scenario.remedies
    results = {}
    for at, (label, chosen) in enumerate(choices.items(), start=1):
        told(f"simulating {label} ({at} of {len(choices)})")
        names = [remedy.name for remedy in chosen]
        results[label] = run(name, options, seed=seed, policy=release, remedies=names)
    found = {label: _verdict(label, chosen, results) for label, chosen in choices.items()}
    ranked = sorted((each for each in found.values() if each.name != BASE), key=lambda each: _rank(each, results))
    verdicts = [replace(each, rank=rank) for rank, each in enumerate(ranked, start=1)]
    return Comparison(name, release, seed, (found[BASE], *verdicts), results, _answer(found[BASE], verdicts))


def _rank(verdict: ComparisonRow, results: dict[str, Result]) -> tuple[int, bool, bool, float, float, float, float]:
    death, block = verdict.death, verdict.worst_block or 0.0
    return (
        verdict.lost,
        verdict.effect is Effect.NOTHING,
        death is not None,
        float(f"{block:.2g}"),
        -(death if death is not None else math.inf),
        verdict.bytes_written or 0.0,
        _value(results[verdict.name], "heapPeak") or 0.0,
    )


def _verdict(label: str, chosen: tuple[Remedy, ...], results: dict[str, Result]) -> ComparisonRow:
    result, base = results[label], results[BASE]
    figures = _value(result, "worstBlock"), _value(result, "death"), _value(result, "bytesWritten")
    lost = round(_value(result, "conversationsLost") or 0)
    effect = None if label == BASE else _effect(base, result, chosen)
    plain = ComparisonRow(
        label, result.remedies, None, *figures, None, None, None, None, result.sentence, lost=lost, effect=effect
    )
    if len(chosen) != 1:
        return plain
    (remedy,) = chosen
    before, after = base.value(remedy.promises), result.value(remedy.promises)
    return replace(
        plain,
        promised=remedy.promises,
        before=before,
        after=after,
        kept=remedy.keeps_promise(before, after),
        sentence=remedy.why,
        who=remedy.who.value,
        how=remedy.how,
    )


def _effect(base: Result, result: Result, chosen: tuple[Remedy, ...]) -> Effect:
    """A change of less than 5 % is none."""
    if (_value(result, "conversationsLost") or 0) > (_value(base, "conversationsLost") or 0):
        return Effect.LOSES
    died, dies = _value(base, "death"), _value(result, "death")
    if died is not None and dies is None:
        return Effect.SURVIVES
    later = died is not None and dies is not None and dies > died * 1.05
    if later or any(_less(base, result, key) for key in ("worstBlock", "maxDelay", "heapPeak")):
        return Effect.HELPS
    for remedy in chosen:
        before, after = base.value(remedy.promises), result.value(remedy.promises)
        moved = before is not None and after is not None and abs(after - before) > 0.05 * abs(before)
        if remedy.keeps_promise(before, after) and (moved or after is None):
            return Effect.PROMISED
    return Effect.NOTHING


def _less(base: Result, result: Result, key: str) -> bool:
    before, after = _value(base, key), _value(result, key)
    return before is not None and after is not None and after < 0.95 * before


def _answer(base: ComparisonRow, ranked: list[ComparisonRow]) -> str:
    """What can be done today first, then what a patched gateway would bring."""
    helping = [each for each in ranked if each.effect in {Effect.SURVIVES, Effect.HELPS} and each.who]
    today = next((each for each in helping if each.who != Who.PATCH), None)
    patched = next((each for each in helping if each.who == Who.PATCH), None)
    if today and patched and today.effect is not Effect.SURVIVES and patched.effect is Effect.SURVIVES:
        return f"{_buys(base, patched)} Until then: {_buys(base, today)}"
    best = today or patched
    if best is None:
        return "Do nothing: no remedy here is better than none."
    return (
        _buys(base, best)
        if best is not today or patched is None
        else (f"{_buys(base, best)} In a patched gateway: {patched.name}.")
    )


def _buys(base: ComparisonRow, verdict: ComparisonRow) -> str:
    gains: list[str] = []
    if base.death is not None:
        after = "not out of memory" if verdict.death is None else f"out of memory after {spell(verdict.death, 'min')}"
        gains.append(f"{after}, instead of after {spell(base.death, 'min')}")
    if base.worst_block and verdict.worst_block is not None:
        gains.append(f"worst block {spell(verdict.worst_block, 's')} instead of {spell(base.worst_block, 's')}")
    return f"{verdict.name} ({verdict.how}): {'; '.join(gains) or verdict.sentence}."


def _value(result: Result, key: str) -> float | None:
    return next((figure.value for figure in result.figures if figure.key == key), None)
