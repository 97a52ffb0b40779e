"""A file system that fails where told to, and a process table made by hand."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.locate import locate
from gatewaydoctor.system.fs import FileStat, OsReadFs
from gatewaydoctor.system.processes import FileIdentity, ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place

BOOT = 1_800_000_000_000
"""Epoch ms at which the fake machine booted. Its clock ticks 100 times a second."""


class ClosedFs(OsReadFs):
    """Refuses what is named in `closed`, as the system refuses a stranger. Tests run as root, whom nothing
    refuses."""

    def __init__(self, *closed: Path) -> None:
        self.closed = closed

    def _check(self, path: Path) -> None:
        if any(path == closed or closed in path.parents for closed in self.closed):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def names(self, directory: Path) -> Iterator[str]:
        self._check(directory)
        return super().names(directory)

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        self._check(directory)
        return super().entries(directory)

    def open(self, path: Path) -> BinaryIO:
        self._check(path)
        return super().open(path)

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        self._check(path)
        return super().head_and_tail(path, head, tail)


@dataclass
class FakeProcess:
    pid: int
    argv: tuple[str, ...] | None
    start_time: int | None = 5_000
    parent: int = 1
    uid: int = 0
    env: Mapping[str, str] | None = field(default_factory=dict)
    files: tuple[str, ...] | None = ()
    maps: tuple[str, ...] | None = ()
    cwd: str | None = "/"
    exe: str | None = None
    zombie: bool = False
    inner: tuple[int, ...] = ()
    root: Mapping[str, FileIdentity] | None = None
    """What paths are inside; None for a process that sees what we see."""


@dataclass
class FakeProcesses:
    """`taken` are pids that exist and show nowhere else. `error` is raised instead of a table."""

    table: list[FakeProcess] = field(default_factory=list)
    own_pid: int = 99_999
    own_uid: int = 0
    boot_time: int | None = BOOT
    first_namespace: bool = True
    hides_others: bool = False
    mounts: tuple[tuple[str, str], ...] = (("/", "ext4"),)
    taken: frozenset[int] = frozenset()
    sockets: Mapping[int, str] = field(default_factory=dict)
    error: OSError | None = None
    tables_read: int = 0
    fds_read: list[int] = field(default_factory=list)

    def _get(self, pid: int) -> FakeProcess | None:
        return next((process for process in self.table if process.pid == pid), None)

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        if self.error:
            raise self.error
        self.tables_read += 1
        return iter([(process.pid, process.argv) for process in self.table])

    def info(self, pid: int) -> ProcessInfo | None:
        if not (process := self._get(pid)):
            return None
        started = BOOT + (process.start_time or 0) * 10
        return ProcessInfo(pid, process.parent, process.uid, process.start_time, started, process.zombie)

    def exists(self, pid: int) -> bool:
        return pid in self.taken or self._get(pid) is not None

    def environ(self, pid: int) -> Mapping[str, str] | None:
        process = self._get(pid)
        return process.env if process else None

    def open_files(self, pid: int) -> tuple[str, ...] | None:
        self.fds_read.append(pid)
        process = self._get(pid)
        return process.files if process else None

    def written_files(self, pid: int) -> tuple[str, ...] | None:
        return self.open_files(pid)

    def working_directory(self, pid: int) -> str | None:
        process = self._get(pid)
        return process.cwd if process else None

    def executable(self, pid: int) -> str | None:
        process = self._get(pid)
        return process.exe if process else None

    def mapped_files(self, pid: int) -> tuple[str, ...] | None:
        process = self._get(pid)
        return process.maps if process else None

    def reachable(self, pid: int, path: str) -> Path:
        del pid
        return Path(path)

    def inner_pids(self, pid: int) -> tuple[int, ...]:
        process = self._get(pid)
        return (pid, *process.inner) if process else ()

    def identity(self, pid: int, path: str) -> FileIdentity | None:
        process = self._get(pid)
        if process is None or process.env is None:
            return None
        if process.root is not None:
            return process.root.get(path)
        if not path.startswith("/") and process.cwd is None:
            return None
        try:
            stat = os.stat(os.path.join(process.cwd or "/", path))  # noqa: PTH116, PTH118
        except OSError:
            return None
        return stat.st_dev, stat.st_ino

    def listening_sockets(self, port: int) -> frozenset[str]:
        return frozenset({self.sockets[port]}) if port in self.sockets else frozenset()


def place_of(state_dir: Path, env: Mapping[str, str] | None = None) -> Place:
    return locate(OsReadFs(), {"HOME": str(state_dir.parent), **(env or {})}, state_dir=str(state_dir))


def config_of(state_dir: Path, text: str | None = None, env: Mapping[str, str] | None = None) -> Config:
    """The config of a state directory, after writing `text` to it."""
    if text is not None:
        (state_dir / "openclaw.json").write_text(text)
    return load_config(OsReadFs(), place_of(state_dir, env), env or {})
