"""A filesystem that fails on purpose, at one chosen step."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.repair.writing.fs import OsWriteFs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Killed(BaseException):
    """Stands for kill -9: no handler of the code under test may do anything any more."""


class Mode(Enum):
    ERROR = "one I/O error"
    BROKEN = "I/O errors from there on"
    SHORT = "one write takes half"
    FULL = "the disk is full from there on"
    INTERRUPT = "Ctrl-C"
    KILL = "killed before the step"
    KILL_AFTER = "killed right after the step"
    POWER = "power loss: unsynced content is gone"
    NAMES = "power loss: what was not synced of a directory is as it was before"

    @property
    def deadly(self) -> bool:
        return self in (Mode.KILL, Mode.KILL_AFTER, Mode.POWER, Mode.NAMES)


_GROWS = frozenset({"mkdir", "create", "append", "write", "truncate"})
_SYNCS = frozenset({"fsync", "fsync_dir"})
_TELLING = {Mode.SHORT: frozenset({"write"}), Mode.FULL: _GROWS}
"""The steps at which such a fault is one."""
_CHANGES_NOTHING = {
    Mode.KILL: _SYNCS,
    Mode.POWER: frozenset({"fsync_dir"}),
    Mode.NAMES: frozenset({"fsync"}),
}
"""Steps before and after which such an end leaves the same."""


EVERY_STEP = bool(os.environ.get("GATEWAYDOCTOR_EVERY_STEP"))
"""Whether every step of every scene is taken, and both ways out of it. It takes twice as long."""

STRIDE = 1 if EVERY_STEP else 2

WAYS = (("undo", "undo"), ("resume", "resume")) if EVERY_STEP else (("undo", "resume"), ("resume", "undo"))
"""How a killed run is ended, after one step and after the next."""

WAYS_BY_SWAPS = [
    (swaps, ways) for swaps in (True, False) for ways in WAYS if EVERY_STEP or swaps == (ways == WAYS[0])
]
"""The same with an exchange of names and without one: those begin with another way."""


def taken(log: list[str], mode: Mode, scene: int) -> list[int]:
    """Every second step that tells, from the first for one scene and kind of fault, from the second for the next."""
    return telling(log, mode)[(scene + list(Mode).index(mode)) % STRIDE :: STRIDE]


def telling(log: list[str], mode: Mode) -> list[int]:
    """The steps of an act, from 1, at which the fault can leave something else than at the step before it."""
    only, nothing = _TELLING.get(mode), _CHANGES_NOTHING.get(mode, frozenset())
    return [
        step
        for step, (before, name) in enumerate(zip(("", *log), log, strict=False), 1)
        if (only is None or name in only)
        and before not in nothing
        and not (mode is Mode.KILL_AFTER and name in _SYNCS and before != "write")
    ]


class Names:
    """Changes of names that no directory sync has made durable yet, oldest first, each with what takes it back in the
    directories that were not synced. `keep` holds on to a file whose name goes, beside the tree."""

    def __init__(self) -> None:
        self._waiting: list[tuple[set[Path], Callable[[set[Path]], object]]] = []
        self._stashes: dict[int, Path] = {}
        self._count = 0

    def keep(self, path: Path) -> Path | None:
        if not path.is_symlink() and not path.is_file():
            return None
        dev = path.lstat().st_dev
        if dev not in self._stashes:
            self._stashes[dev] = Path(tempfile.mkdtemp(prefix="names-", dir=_above(path)))
        self._count += 1
        kept = self._stashes[dev] / str(self._count)
        os.link(path, kept, follow_symlinks=False)
        return kept

    def made(self, path: Path) -> None:
        self._say(lambda _: _gone(path), path.parent)

    def removed(self, path: Path, kept: Path | None) -> None:
        self._say(lambda _: kept and kept.rename(path), path.parent)

    def emptied(self, path: Path, mode: int) -> None:
        self._say(lambda _: (path.mkdir(), path.chmod(mode & 0o7777)), path.parent)

    def moved(self, source: Path, target: Path, replaced: Path | None) -> None:
        def back(unsynced: set[Path]) -> None:
            if source.parent in unsynced:
                os.link(target, source, follow_symlinks=False)
            if target.parent in unsynced:
                target.unlink()
                if replaced is not None:
                    replaced.rename(target)

        self._say(back, source.parent, target.parent)

    def exchanged(self, one: Path, other: Path) -> None:
        assert one.parent == other.parent, "what a power cut leaves of it is not modelled"
        self._say(lambda _: OsWriteFs().exchange(one, other), one.parent)

    def _say(self, back: Callable[[set[Path]], object], *directories: Path) -> None:
        self._waiting.append((set(directories), back))

    def synced(self, directory: Path) -> None:
        for directories, _ in self._waiting:
            directories.discard(directory)
        self._waiting = [each for each in self._waiting if each[0]]

    def lose(self) -> None:
        while self._waiting:
            unsynced, back = self._waiting.pop()
            back(unsynced)
        self.forget()

    def forget(self) -> None:
        self._waiting.clear()
        for stash in self._stashes.values():
            shutil.rmtree(stash, ignore_errors=True)
        self._stashes.clear()


def _above(path: Path) -> Path:
    """A directory on the filesystem of a path and outside of whatever is tested."""
    usual, dev = Path(tempfile.gettempdir()), path.parent.stat().st_dev
    return usual if usual.stat().st_dev == dev else next(p for p in reversed(path.parents) if p.stat().st_dev == dev)


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class FaultFs(OsWriteFs):
    """Counts the steps that change anything and fails at number `stop_at` (from 1). `hook` is called before each step
    with its number and name. `swaps` False takes the exchange of names away, as on an old filesystem."""

    def __init__(self, stop_at: int = 0, mode: Mode = Mode.ERROR, *, swaps: bool = True, hook=None) -> None:
        self.stop_at = stop_at
        self.mode = mode
        self.swaps = swaps
        self.hook = hook
        self.log: list[str] = []
        self.dead = False
        self.fault_met = False
        self._unsynced: dict[tuple[int, int], tuple[int, int]] = {}
        self._names = Names()

    @property
    def steps(self) -> int:
        return len(self.log)

    @contextmanager
    def _step(self, name: str) -> Iterator[bool]:
        """Around one step, whatever comes of it; gives whether the process dies right after it."""
        dies = self._before(name)
        try:
            yield dies
        finally:
            if dies:
                self.dead = True
                raise Killed

    def _before(self, name: str) -> bool:
        if self.dead:
            raise Killed
        self.log.append(name)
        if self.hook is not None:
            self.hook(len(self.log), name)
        due = self.stop_at and len(self.log) == self.stop_at
        since = self.stop_at and len(self.log) >= self.stop_at
        self.fault_met = self.fault_met or bool(due)
        match self.mode:
            case Mode.ERROR if due:
                raise OSError(errno.EIO, "Input/output error")
            case Mode.BROKEN if since:
                raise OSError(errno.EIO, "Input/output error")
            case Mode.FULL if since and name in _GROWS:
                raise OSError(errno.ENOSPC, "No space left on device")
            case Mode.INTERRUPT if due:
                raise KeyboardInterrupt
            case Mode.KILL if due:
                self.dead = True
                raise Killed
            case Mode.POWER if due:
                self._lose()
                self.dead = True
                raise Killed
            case Mode.NAMES if due:
                self._names.lose()
                self.dead = True
                raise Killed
            case Mode.KILL_AFTER if due:
                return True
        return False

    def _lose(self) -> None:
        for copy, synced in self._unsynced.values():
            os.ftruncate(copy, synced)

    def release(self) -> None:
        """Close what a power loss would have needed, so that the filesystem can be unmounted."""
        while self._unsynced:
            os.close(self._unsynced.popitem()[1][0])
        self._names.forget()

    def mkdir(self, path: Path) -> None:
        with self._step("mkdir"):
            super().mkdir(path)
            self._names.made(path)

    def create(self, path: Path) -> int:
        with self._step("create"):
            descriptor = super().create(path)
            self._names.made(path)
            return descriptor

    def append(self, path: Path) -> int:
        with self._step("append"):
            new = not path.exists()
            descriptor = super().append(path)
            if new:
                self._names.made(path)
            return descriptor

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        with self._step("write") as after:
            stat = os.fstat(descriptor)
            key = stat.st_dev, stat.st_ino
            if key not in self._unsynced:
                self._unsynced[key] = os.dup(descriptor), stat.st_size
            if (self.mode is Mode.SHORT and len(self.log) == self.stop_at) or after:
                data = data[: max(1, len(data) // 2)]
            return super().write(descriptor, data)

    def skip(self, descriptor: int, count: int) -> None:
        with self._step("skip"):
            super().skip(descriptor, count)

    def truncate(self, descriptor: int, size: int) -> None:
        with self._step("truncate"):
            super().truncate(descriptor, size)

    def apply_attributes(self, descriptor, mode, uid, gid, mtime_ns) -> None:
        with self._step("apply_attributes"):
            super().apply_attributes(descriptor, mode, uid, gid, mtime_ns)

    def own(self, path: Path, uid: int, gid: int) -> None:
        with self._step("own"):
            super().own(path, uid, gid)

    def set_attributes(self, file: Path | int, wanted) -> None:
        with self._step("set_attributes"):
            super().set_attributes(file, wanted)

    def set_mode(self, path: Path, mode: int) -> None:
        with self._step("set_mode"):
            super().set_mode(path, mode)

    def fsync(self, descriptor: int) -> None:
        with self._step("fsync"):
            stat = os.fstat(descriptor)
            if waiting := self._unsynced.pop((stat.st_dev, stat.st_ino), None):
                os.close(waiting[0])

    def fsync_dir(self, path: Path) -> None:
        # No real sync: it would make these loops minutes long.
        with self._step("fsync_dir"):
            self._names.synced(path)

    def _kept(self, path: Path) -> Path | None:
        """A file whose name goes, held on to where a power cut may bring the name back: that takes its room."""
        return self._names.keep(path) if self.mode is Mode.NAMES else None

    def rename(self, source: Path, target: Path) -> None:
        with self._step("rename"):
            kept = self._kept(target)
            super().rename(source, target)
            self._names.moved(source, target, kept)

    def rename_new(self, source: Path, target: Path) -> None:
        with self._step("rename_new"):
            super().rename_new(source, target)
            self._names.moved(source, target, None)

    def exchange(self, one: Path, other: Path) -> bool:
        if not self.swaps:
            return False
        with self._step("exchange"):
            done = super().exchange(one, other)
            if done:
                self._names.exchanged(one, other)
            return done

    def symlink(self, to: str, path: Path) -> None:
        with self._step("symlink"):
            super().symlink(to, path)
            self._names.made(path)

    def unlink(self, path: Path) -> None:
        with self._step("unlink"):
            kept = self._kept(path)
            super().unlink(path)
            self._names.removed(path, kept)

    def rmdir(self, path: Path) -> None:
        with self._step("rmdir"):
            mode = path.stat().st_mode
            super().rmdir(path)
            self._names.emptied(path, mode)

    def close(self, descriptor: int) -> None:
        # A dead process's descriptors are closed all the same.
        os.close(descriptor)
