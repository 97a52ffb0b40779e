"""Ways to save the rows of new sessions, as real code: the reference store as the gateway uses it, each remedy over
the same store, and the append-only log. All run on one asyncio event loop and take rows as they arrive."""

from __future__ import annotations

import asyncio
import signal
import time
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from typing import TYPE_CHECKING, Any

from gatewaydoctor.simulate.refstore import POLICIES, ReferenceStore, resolve_maintenance
from gatewaydoctor.simulate.wallclock.appendlog import AppendLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from gatewaydoctor.simulate.refstore import Maintenance

Rows = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ways:
    """How to save. `debounce` (s): wait for more rows first. `in_steps`: give others a turn between the steps of a
    save. `joins`: rows that come before the trimming join the save in flight. `worker`: in another process."""

    debounce: float = 0.0
    in_steps: bool = False
    joins: bool = False
    worker: bool = False
    append_log: bool = False


@dataclass(frozen=True, slots=True)
class SaveDone:
    """One real save: seconds from its begin to its end, rows it saved, bytes it wrote, rows after it."""

    seconds: float
    saved: int
    written: int
    rows: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where to save, by the rules of which release (a key of POLICIES), under which `session.maintenance`."""

    sessions: Path
    release: str
    settings: dict[str, Any]

    @property
    def maintenance(self) -> Maintenance:
        return resolve_maintenance(POLICIES[self.release], self.settings)

    def store(self, clock: Callable[[], int]) -> ReferenceStore:
        path, policy = self.sessions / "sessions.json", POLICIES[self.release]
        return ReferenceStore(path, policy, self.maintenance, clock=clock)


class Saver(ABC):
    """Takes rows with `add`, and saves what is due one save at a time. `done` lists the saves in order."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.done: list[SaveDone] = []
        self._due: Rows = {}
        self._now_ms = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, rows: Rows, now_ms: int) -> None:
        """These rows are to be saved; `now_ms` is the model's time."""
        self._due |= rows
        self._now_ms = now_ms
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._save_all())

    async def drain(self) -> None:
        """Wait until everything that was added is saved. Raises what a save raised."""
        while self._task is not None and (self._due or not self._task.done()):
            await self._task

    async def _save_all(self) -> None:
        while self._due:
            if self.ways.debounce:
                await asyncio.sleep(self.ways.debounce)
            start = time.perf_counter()
            saved, written, rows = await self._save()
            self.done.append(SaveDone(time.perf_counter() - start, saved, written, rows))
            if not self.ways.in_steps and not self.ways.joins:
                # The next save is another turn of the loop, as it is for the gateway.
                await asyncio.sleep(0)

    @abstractmethod
    async def _save(self) -> tuple[int, int, int]:
        """Save what is due: rows saved, bytes written, rows after it."""

    def _take(self) -> Rows:
        rows, self._due = self._due, {}
        return rows


class StoreSaver(Saver):
    """Through the reference store in this process: in one go, in steps, or with rows joining a save in flight."""

    def __init__(self, ways: Ways, place: Place) -> None:
        super().__init__(ways)
        self._store = place.store(lambda: self._now_ms)

    async def _save(self) -> tuple[int, int, int]:
        taken = {} if self.ways.joins else self._take()
        active = next(iter(taken or self._due), None)

        def change(store: Rows) -> None:
            taken.update(self._take() if self.ways.joins else {})
            store.update(taken)

        steps = self._store.update_in_steps(change, active_key=active)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return len(taken), end.value.written or 0, end.value.rows_after
            if self.ways.in_steps or self.ways.joins:
                await asyncio.sleep(0)


class LogSaver(Saver):
    """Through the append-only log."""

    def __init__(self, ways: Ways, place: Place) -> None:
        super().__init__(ways)
        self._log = AppendLog(place.sessions / "sessions.log", max_entries=place.maintenance.max_entries)

    async def _save(self) -> tuple[int, int, int]:
        rows, before = self._take(), self._log.bytes_written
        self._log.put(rows)
        return len(rows), self._log.bytes_written - before, len(self._log)

    def close(self) -> None:
        self._log.close()


class WorkerSaver(Saver):
    """Through the reference store in a process of its own; this one hands rows over and waits without blocking."""

    def __init__(self, ways: Ways, connection: Connection) -> None:
        super().__init__(ways)
        self._connection = connection

    async def _save(self) -> tuple[int, int, int]:
        rows = self._take()
        self._connection.send((rows, self._now_ms))
        answered = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._connection.fileno(), answered.set)
        try:
            await answered.wait()
        finally:
            loop.remove_reader(self._connection.fileno())
        written, after = self._connection.recv()
        return len(rows), written, after


@asynccontextmanager
async def opened(ways: Ways, place: Place) -> AsyncIterator[Saver]:
    """The saver for these ways; its process or file is gone afterwards."""
    async with AsyncExitStack() as stack:
        if ways.worker and not ways.append_log:
            # A fork imports nothing anew, so this works from a zipped program, too.
            context = get_context("fork") if "fork" in get_all_start_methods() else get_context("spawn")
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, here, place), daemon=True)
            process.start()
            there.close()
            stack.callback(process.join)
            stack.callback(here.close)
            yield WorkerSaver(ways, here)
        elif ways.append_log:
            log = LogSaver(ways, place)
            stack.callback(log.close)
            yield log
        else:
            yield StoreSaver(ways, place)


def _put(rows: Rows, store: Rows) -> None:
    store.update(rows)


def _work(connection: Connection, other_end: Connection, place: Place) -> None:
    """The worker: saves what it is sent until the other end is closed, which it holds as well at first. Ctrl-C
    reaches both processes; this one ends with the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    other_end.close()
    moment = [0]
    store = place.store(lambda: moment[0])
    while True:
        try:
            rows, moment[0] = connection.recv()
        except EOFError:
            return
        report = store.update(partial(_put, rows), active_key=next(iter(rows), None))
        connection.send((report.written or 0, report.rows_after))
