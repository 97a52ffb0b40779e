"""`--clock wall`: the saves of a model repeated for real, on files in a directory that vanishes."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.appendlog import AppendLog
from gatewaydoctor.simulate.kernel import quantile
from gatewaydoctor.simulate.refstore import ReferenceStore, resolve_maintenance
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.scenario import SCENARIOS, UnknownName, options_for, policy_named, scenario_named
from gatewaydoctor.simulate.values import Figure, Label, Result, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gatewaydoctor.simulate.values import Save

BUDGET: Final = 30.0
"""Seconds of real time after which no further save is begun."""

_EPOCH_MS: Final = 1_767_225_600_000
_ROW_OVERHEAD: Final = 190
_NAMESPACE: Final = uuid.UUID("6f1e0c52-7c5b-4f6e-9a53-0c3a3a0c9d11")


@dataclass(frozen=True, slots=True)
class _Measured:
    """One real save: seconds it took, bytes it wrote, rows after it."""

    seconds: float
    written: int
    rows: int


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
        raise UnknownName(f"{name} has no store to measure; --clock wall works for {with_store}")
    chosen = scenario.remedies_named(remedies)
    plan = scenario.plan_with(options_for(scenario, options, duration), chosen)
    release = policy_named(policy or scenario.policy)
    if RELEASES[release].store is None:
        files = ", ".join(name for name, each in RELEASES.items() if each.store)
        raise UnknownName(f"{release} keeps sessions in a database; --clock wall works for {files}")
    names = tuple(remedy.name for remedy in chosen)
    virtual = scenario.simulate(plan, policy=release, seed=seed, remedies=names)
    saves = scenario.saves(plan, policy=release, seed=seed)
    with vanishing_directory() as folder:
        measured = _repeat(saves, plan, release, folder, budget, progress)
    return _beside(virtual, saves, measured)


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


def _repeat(
    saves: Sequence[Save],
    plan: Any,
    release: str,
    folder: Path,
    budget: float,
    progress: Callable[[int, int], None] | None,
) -> list[_Measured]:
    sessions = folder / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    save_for_real = _log_saver(plan, sessions) if getattr(plan, "append_log", False) else None
    save_for_real = save_for_real or _store_saver(plan, release, sessions)
    measured: list[_Measured] = []
    deadline = time.monotonic() + budget
    for number, save in enumerate(saves, start=1):
        if time.monotonic() > deadline:
            break
        now_ms = _EPOCH_MS + round(save.time * 1000)
        rows = {key: _row(key, now_ms, plan.options.entry_bytes) for key in save.keys}
        for row in rows.values():
            (sessions / f"{row['sessionId']}.jsonl").touch()
        measured.append(save_for_real(rows, now_ms))
        if progress:
            progress(number, len(saves))
    return measured


def _store_saver(plan: Any, release: str, sessions: Path) -> Callable[[dict[str, Any], int], _Measured]:
    """Saves through the reference store, with the cap the plan asks for."""
    policy = RELEASES[release].store
    assert policy is not None
    limit = getattr(plan.options, "max_entries", policy.max_entries)
    config: dict[str, Any] = {"maxEntries": limit}
    if getattr(plan, "capped", False):
        config["mode"] = "enforce"
    moment = [_EPOCH_MS]
    path = sessions / "sessions.json"
    store = ReferenceStore(path, policy, resolve_maintenance(policy, config), clock=lambda: moment[0])

    def save(rows: dict[str, Any], now_ms: int) -> _Measured:
        moment[0] = now_ms
        start = time.perf_counter()
        report = store.update(lambda store: store.update(rows), active_key=next(iter(rows), None))
        return _Measured(time.perf_counter() - start, report.written or 0, report.rows_after)

    return save


def _log_saver(plan: Any, sessions: Path) -> Callable[[dict[str, Any], int], _Measured]:
    """Saves through the append-only log."""
    log = AppendLog(sessions / "sessions.log", max_entries=plan.options.max_entries)

    def save(rows: dict[str, Any], _: int) -> _Measured:
        before, start = log.bytes_written, time.perf_counter()
        log.put(rows)
        return _Measured(time.perf_counter() - start, log.bytes_written - before, len(log))

    return save


def _row(key: str, now_ms: int, size: int) -> dict[str, Any]:
    """A row of about `size` bytes in the gateway's layout; most of it is a prompt, as in real ones."""
    return {
        "sessionId": str(uuid.uuid5(_NAMESPACE, key)),
        "updatedAt": now_ms,
        "status": "done",
        "skillsSnapshot": {"prompt": "p" * max(0, size - _ROW_OVERHEAD - len(key)), "skills": []},
    }


def _beside(virtual: Result, saves: Sequence[Save], measured: Sequence[_Measured]) -> Result:
    done = saves[: len(measured)]
    seconds = [each.seconds for each in measured]
    pairs: tuple[tuple[str, str, str, float | None, float | None], ...] = (
        ("saves", "saves repeated", "saves", len(saves), len(measured)),
        ("written", "bytes written by them", "bytes", sum(s.written for s in done), sum(m.written for m in measured)),
        ("rowsAfter", "rows after the last of them", "rows", done[-1].rows if done else None, _last_rows(measured)),
        ("medianSave", "median save", "s", quantile([s.seconds for s in done], 0.5), quantile(seconds, 0.5)),
        ("worstSave", "worst save", "s", max((s.seconds for s in done), default=None), max(seconds, default=None)),
    )
    figures = tuple(
        Figure(
            f"wall.{key}", f"{title}, on this machine", unit, None if real is None else float(real), Label.MEASURED
        )
        for key, title, unit, _, real in pairs
    )
    table = Table(
        "the same saves, in the model and on this machine",
        ("figure", "unit", "model", "measured"),
        tuple((title, unit, modelled, real) for _, title, unit, modelled, real in pairs),
    )
    notes = (
        "Measured saves run in Python with nothing else in memory: the model's seconds add a starved collector.",
        f"CPU count {os.cpu_count()}; the files were in {tempfile.gettempdir()}.",
    )
    return replace(
        virtual,
        clock="wall",
        figures=(*virtual.figures, *figures),
        tables=(*virtual.tables, table),
        notes=(*virtual.notes, *notes),
    )


def _last_rows(measured: Sequence[_Measured]) -> int | None:
    return measured[-1].rows if measured else None
