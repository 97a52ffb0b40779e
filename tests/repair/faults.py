"""A filesystem that fails on purpose, at one chosen step."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from gatewaydoctor.repair.writing.fs import OsWriteFs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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

    @property
    def deadly(self) -> bool:
        return self in (Mode.KILL, Mode.KILL_AFTER, Mode.POWER)


_GROWS = frozenset({"mkdir", "create", "append", "write", "truncate"})


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

    def mkdir(self, path: Path) -> None:
        with self._step("mkdir"):
            super().mkdir(path)

    def create(self, path: Path) -> int:
        with self._step("create"):
            return super().create(path)

    def append(self, path: Path) -> int:
        with self._step("append"):
            return super().append(path)

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

    def dress(self, descriptor, mode, uid, gid, mtime_ns) -> None:
        with self._step("dress"):
            super().dress(descriptor, mode, uid, gid, mtime_ns)

    def own(self, path: Path, uid: int, gid: int) -> None:
        with self._step("own"):
            super().own(path, uid, gid)

    def set_attributes(self, file: Path | int, wanted) -> None:
        with self._step("set_attributes"):
            super().set_attributes(file, wanted)

    def redress(self, path: Path, mode: int) -> None:
        with self._step("redress"):
            super().redress(path, mode)

    def fsync(self, descriptor: int) -> None:
        with self._step("fsync"):
            stat = os.fstat(descriptor)
            if waiting := self._unsynced.pop((stat.st_dev, stat.st_ino), None):
                os.close(waiting[0])

    def fsync_dir(self, path: Path) -> None:
        del path  # only counted: real syncs would make these loops minutes long
        with self._step("fsync_dir"):
            pass

    def rename(self, source: Path, target: Path) -> None:
        with self._step("rename"):
            super().rename(source, target)

    def rename_new(self, source: Path, target: Path) -> None:
        with self._step("rename_new"):
            super().rename_new(source, target)

    def exchange(self, one: Path, other: Path) -> bool:
        if not self.swaps:
            return False
        with self._step("exchange"):
            return super().exchange(one, other)

    def symlink(self, to: str, path: Path) -> None:
        with self._step("symlink"):
            super().symlink(to, path)

    def unlink(self, path: Path) -> None:
        with self._step("unlink"):
            super().unlink(path)

    def rmdir(self, path: Path) -> None:
        with self._step("rmdir"):
            super().rmdir(path)

    def close(self, descriptor: int) -> None:
        # A dead process's descriptors are closed all the same.
        os.close(descriptor)
