"""The journal of a run: one JSON object per line, synced before the act it announces.

The last whole line tells how far the run came; a line torn by a crash is as if it had not been written.
"""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.system.fs import ReadFs

LARGEST_JOURNAL = 64 * 1024 * 1024
_STATES = {state.value: state for state in RunState}


class Line(Struct, frozen=True):
    """`at` is epoch ms. `facts` are the line's own keys."""

    at: int
    state: RunState
    facts: Mapping[str, object]


class Journal:
    """Appends lines for one run. `clock` gives epoch ms. A new journal is given to `owner` (user and group id)."""

    def __init__(
        self, fs: WriteFs, path: Path, clock: Callable[[], int], owner: tuple[int, int] | None = None
    ) -> None:
        self._fs = fs
        self._owner = owner
        self._path = path
        self._clock = clock

    def say(self, state: RunState, **facts: object) -> None:
        """The line is on disk when this returns. Raises OSError."""
        text = json.dumps({"at": self._clock(), "state": state.value, **facts}, separators=(",", ":"))
        # The newline comes first: whatever a crash left of the line before, this one is alone.
        data = memoryview(f"\n{text}\n".encode())
        descriptor = self._fs.append(self._path)
        try:
            if self._owner is not None:
                self._fs.own(self._path, *self._owner)
                self._owner = None
            while data:
                data = data[self._fs.write(descriptor, data) :]
            self._fs.fsync(descriptor)
        finally:
            self._fs.close(descriptor)


def read_journal(fs: ReadFs, path: Path) -> tuple[Line, ...]:
    """Every whole line, oldest first; none where there is no journal. Raises OSError where it cannot be read."""
    try:
        data = read_up_to(fs, path, LARGEST_JOURNAL)
    except FileNotFoundError:
        return ()
    found = (_line(raw) for raw in data.split(b"\n")[:-1] if raw)
    return tuple(line for line in found if line is not None)


def _line(raw: bytes) -> Line | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    at, state = value.pop("at", None), _STATES.get(str(value.pop("state", None)))
    return Line(at, state, value) if isinstance(at, int) and state is not None else None


def state_of(lines: tuple[Line, ...]) -> RunState:
    """How far the run came."""
    return lines[-1].state if lines else RunState.PREPARING


def latest(lines: tuple[Line, ...], key: str) -> object:
    """The newest value any line gives for `key`; None where none does."""
    return next((line.facts[key] for line in reversed(lines) if key in line.facts), None)


def workers(lines: tuple[Line, ...]) -> frozenset[int]:
    """Pids of every process that has worked on the run."""
    return frozenset(pid for line in lines if isinstance(pid := line.facts.get("pid"), int))


@contextmanager
def ignoring_full_disk() -> Iterator[None]:
    """A full disk must not keep the originals from coming back, nor anybody from making room; how things stand can
    be seen without the journal."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def times_under(lines: tuple[Line, ...], key: str) -> dict[str, int]:
    """The mtimes in ns, by path, that a journal gives under `key`; none where it has no such line."""
    times = latest(lines, key)
    return {path: ns for path, ns in times.items() if isinstance(ns, int)} if isinstance(times, dict) else {}
