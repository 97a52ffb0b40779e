"""`--clock wall`: the rows of a model saved for real, by the code of its remedies, in a directory that vanishes."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from gatewaydoctor.simulate.kernel import quantile
from gatewaydoctor.simulate.refstore import POLICIES
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.scenario import SCENARIOS, UnknownName, options_for, policy_named, scenario_named
from gatewaydoctor.simulate.values import Figure, Label, Result, Table
from gatewaydoctor.simulate.wallclock.savers import Place, SaveDone, Ways, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gatewaydoctor.simulate.values import Save

BUDGET: Final = 30.0
"""Seconds of real time after which no further save is begun."""

_EPOCH_MS: Final = 1_767_225_600_000
_ROW_OVERHEAD: Final = 190
_NAMESPACE: Final = uuid.UUID("6f1e0c52-7c5b-4f6e-9a53-0c3a3a0c9d11")


SPEED: Final = 100.0
LONGEST_GAP: Final = 0.2
"""Seconds: far longer than a save, so that shortening a gap makes no saves meet."""

_BEAT: Final = 0.005
_WARM: Final = 3
"""Saves before resident memory is read for the first time."""

_PLAIN: Final = {
    "alone": True, "debounce": 0.0, "joins_in_flight": False, "slices": 1, "off_loop": False, "append_log": False,
}  # fmt: skip
"""A plan without the remedies that are code here: its saves are the rows as they come."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """The real saves, how many of the arrivals they cover, the timer's delays (s), and bytes of resident memory that
    this process gained."""

    saves: tuple[SaveDone, ...]
    taken: int
    late: tuple[float, ...]
    gained: int | None


def measure(
    name: str,
    options: Any = None,
    *,
    seed: int = 1,
    policy: str | None = None,
    remedies: Iterable[str] = (),
    duration: float | None = None,
    budget: float = BUDGET,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """The virtual result, with the same saves measured on real files beside it: as many as fit into `budget` seconds.

    `progress` hears (saves done, saves in all). The files live in a temporary directory that is gone when this
    returns or raises, also on Ctrl-C and on SIGTERM. Raises UnknownName for a scenario without a store.
    """
    scenario = scenario_named(name)
    if scenario.saves is None:
        with_store = ", ".join(each.name for each in SCENARIOS.values() if each.saves)
        raise UnknownName(f"{name} has no store to measure; --clock wall supports {with_store}")
    chosen = scenario.remedies_named(remedies)
    plan = scenario.plan_with(options_for(scenario, options, duration), chosen)
    release = policy_named(policy or scenario.policy)
    if RELEASES[release].store is None:
        files = ", ".join(name for name, each in RELEASES.items() if each.store)
        raise UnknownName(f"{release} keeps sessions in a database; --clock wall supports {files}")
    names = tuple(remedy.name for remedy in chosen)
    virtual = scenario.simulate(plan, policy=release, seed=seed, remedies=names)
    modelled = scenario.saves(_with(plan, alone=True), policy=release, seed=seed)
    arrivals = scenario.saves(_with(plan, **_PLAIN), policy=release, seed=seed)
    with vanishing_directory() as folder:
        measured = asyncio.run(_repeat(arrivals, plan, release, folder, budget, progress))
    return _beside(virtual, modelled, arrivals, measured, plan)


@contextmanager
def vanishing_directory() -> Iterator[Path]:
    """A temporary directory that is removed on every way out, Ctrl-C, SIGTERM and SIGHUP included."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    caught = (signal.SIGTERM, signal.SIGHUP) if in_main_thread else ()
    before = {number: signal.signal(number, leave) for number in caught}
    try:
        with tempfile.TemporaryDirectory(prefix="gatewaydoctor-simulate-") as folder:
            yield Path(folder)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _repeat(
    arrivals: Sequence[Save],
    plan: Any,
    release: str,
    folder: Path,
    budget: float,
    progress: Callable[[int, int], None] | None,
) -> _Measured:
    """The rows of these saves, handed to the remedies' code as they come, while a timer measures the loop's delay."""
    sessions = folder / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    ways, pace, taken = _ways(plan), _pace(plan), 0
    process = psutil.Process()
    async with opened(ways, _place(plan, release, sessions)) as saver:
        deadline = time.monotonic() + budget
        resident, delays = 0, _Delays()
        for number, save in enumerate(arrivals):
            if time.monotonic() > deadline:
                break
            now_ms = _EPOCH_MS + round(save.time * 1000)
            rows = {key: _row(key, now_ms, plan.options.entry_bytes) for key in save.keys}
            for row in rows.values():
                (sessions / f"{row['sessionId']}.jsonl").touch()
            saver.add(rows, now_ms)
            taken += 1
            if number < _WARM or not pace:
                await saver.drain()
            else:
                await asyncio.sleep(pace(save.time - arrivals[number - 1].time))
            if number == 0:
                # The store that the scenario starts with is laid down and not measured.
                saver.done.clear()
                delays.start()
            if number == _WARM:
                resident = process.memory_info().rss
            if progress:
                progress(number + 1, len(arrivals))
        await saver.drain()
        delays.stop()
        gained = process.memory_info().rss - resident if resident else None
    return _Measured(tuple(saver.done), taken, tuple(delays.late), gained)


def _ways(plan: Any) -> Ways:
    return Ways(
        debounce=getattr(plan, "debounce", 0.0) / SPEED,
        in_steps=getattr(plan, "slices", 1) > 1,
        joins=getattr(plan, "joins_in_flight", False),
        worker=getattr(plan, "off_loop", False),
        append_log=getattr(plan, "append_log", False),
    )


def _pace(plan: Any) -> Callable[[float], float] | None:
    """How long to wait for a gap of the model: nothing where saves do not meet, a hundredth where they are debounced
    (and so is the debounce), and otherwise the gap itself up to LONGEST_GAP."""
    if getattr(plan, "debounce", 0.0):
        return lambda gap: gap / SPEED
    if getattr(plan, "joins_in_flight", False):
        return lambda gap: min(gap, LONGEST_GAP)
    return None


def _place(plan: Any, release: str, sessions: Path) -> Place:
    """The directory, with the cap the plan asks for."""
    policy = RELEASES[release].store
    assert policy is not None
    config: dict[str, Any] = {"maxEntries": getattr(plan.options, "max_entries", policy.max_entries)}
    mode = "enforce" if getattr(plan, "capped", False) else getattr(plan.options, "mode", "")
    if mode:
        config["mode"] = mode
    named = next(name for name, each in POLICIES.items() if each is policy)
    return Place(sessions, named, config)


def _with(plan: Any, **changes: Any) -> Any:
    """The plan with those of the changes that it knows."""
    known = {item.name for item in fields(plan)}
    return replace(plan, **{name: value for name, value in changes.items() if name in known})


@dataclass(slots=True)
class _Delays:
    """A timer on the loop, set anew every 5 ms; `late` are its delays in seconds."""

    late: list[float] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self._beat())

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def _beat(self) -> None:
        while True:
            due = time.perf_counter() + _BEAT
            await asyncio.sleep(_BEAT)
            self.late.append(max(0.0, time.perf_counter() - due))


def _row(key: str, now_ms: int, size: int) -> dict[str, Any]:
    """A row of about `size` bytes in the gateway's layout; most of it is a prompt, as in real ones."""
    return {
        "sessionId": str(uuid.uuid5(_NAMESPACE, key)),
        "updatedAt": now_ms,
        "status": "done",
        "skillsSnapshot": {"prompt": "p" * max(0, size - _ROW_OVERHEAD - len(key)), "skills": []},
    }


def _beside(
    virtual: Result, modelled: Sequence[Save], arrivals: Sequence[Save], measured: _Measured, plan: Any
) -> Result:
    until = arrivals[measured.taken - 1].time if measured.taken else 0.0
    model, real = [save for save in modelled[1:] if save.time <= until], measured.saves
    seconds = [each.seconds for each in real]
    retained = None if measured.gained is None or not real else measured.gained / len(real)
    pairs: tuple[tuple[str, str, str, float | None, float | None], ...] = (
        ("saves", "saves of the rows handed over", "saves", len(model), len(real)),
        ("written", "bytes written by them", "bytes", sum(s.written for s in model), sum(m.written for m in real)),
        ("rowsAfter", "rows after the last of them", "rows", _last(model), _last(real)),
        ("medianSave", "median save", "s", quantile([s.seconds for s in model], 0.5), quantile(seconds, 0.5)),
        ("worstSave", "worst save", "s", max((s.seconds for s in model), default=None), max(seconds, default=None)),
        (
            "worstDelay",
            "worst delay of the event loop",
            "s",
            _modelled_block(virtual),
            max(measured.late, default=0.0),
        ),
        (
            "retained",
            "resident memory gained a save",
            "bytes",
            getattr(plan.options, "retained_alone", None),
            retained,
        ),
    )
    figures = tuple(
        Figure(
            f"wall.{key}", f"{title}, on this machine", unit, None if real is None else float(real), Label.MEASURED
        )
        for key, title, unit, _, real in pairs
    )
    table = Table(
        "the same rows saved, in the model (the store alone) and on this machine",
        ("figure", "unit", "model", "measured"),
        tuple((title, unit, modelled, real) for _, title, unit, modelled, real in pairs),
    )
    notes = (
        f"{measured.taken:,} of {len(arrivals):,} writes of the model were handed over.{_pace_note(plan)}",
        "Measured in Python, with nothing else in memory. "
        f"CPU count {os.cpu_count()}; the files were in {tempfile.gettempdir()}.",
    )
    return replace(
        virtual,
        clock="wall",
        figures=(*virtual.figures, *figures),
        tables=(*virtual.tables, table),
        notes=(*virtual.notes, *notes),
    )


def _pace_note(plan: Any) -> str:
    if getattr(plan, "debounce", 0.0):
        return f" Gaps and debounce are {SPEED:g} times as short as in the model; the work is not."
    return f" Gaps over {LONGEST_GAP:g} s are cut." if _pace(plan) else ""


def _modelled_block(virtual: Result) -> float | None:
    """Of the store alone, where the scenario tells it apart."""
    found = {figure.key: figure.value for figure in virtual.figures}
    return found.get("alone.worstBlock", found.get("worstBlock"))


def _last(saves: Sequence[Save] | Sequence[SaveDone]) -> int | None:
    return saves[-1].rows if saves else None
