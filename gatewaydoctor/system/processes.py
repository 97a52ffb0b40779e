"""The process table as the liveness checks see it. Nothing here signals, traces or changes a process."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FileIdentity = tuple[int, int]
"""Device and inode."""

_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""Inode the kernel gives the pid namespace of the machine itself."""
_MAX_BYTES = 1 << 20
_OCTAL = regex(r"\\([0-7]{3})")


class ProcessInfo(Struct, frozen=True):
    """One process. `start_time` in clock ticks since boot (field 22 of /proc/<pid>/stat), None where the system has
    no such number; `started_at` in epoch ms."""

    pid: int
    parent: int
    uid: int
    start_time: int | None
    started_at: int | None
    zombie: bool = False


class Processes(Protocol):
    """What can be asked about processes. Methods about one pid give None where it is gone or may not be inspected."""

    @property
    def own_pid(self) -> int: ...

    @property
    def own_uid(self) -> int: ...

    @property
    def boot_time(self) -> int | None:
        """Epoch ms of the last boot."""
        ...

    @property
    def first_namespace(self) -> bool:
        """Whether this process sees every process of the machine, those in containers too."""
        ...

    @property
    def hides_others(self) -> bool:
        """Whether other users' processes are left out of the table."""
        ...

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        """Every pid with its argument list; None where that may not be read. Raises OSError without a table."""
        ...

    def info(self, pid: int) -> ProcessInfo | None: ...

    def exists(self, pid: int) -> bool:
        """Whether the pid is taken, even by a process that may not be inspected."""
        ...

    def environ(self, pid: int) -> Mapping[str, str] | None:
        """The environment the process was started with. What it set itself since does not show."""
        ...

    def working_directory(self, pid: int) -> str | None: ...

    def executable(self, pid: int) -> str | None:
        """Path of the program file, which no process title hides."""
        ...

    def open_files(self, pid: int) -> tuple[str, ...] | None:
        """Paths, and `socket:[inode]` for sockets."""
        ...

    def written_files(self, pid: int) -> tuple[str, ...] | None:
        """Paths of the files it has open to write to; of all it has open where the system does not tell how."""
        ...

    def mapped_files(self, pid: int) -> tuple[str, ...] | None:
        """Paths of the files mapped into its memory; empty where the system has no such list."""
        ...

    def inner_pids(self, pid: int) -> tuple[int, ...]:
        """The pid in each namespace the process is in, outermost first."""
        ...

    def identity(self, pid: int, path: str) -> FileIdentity | None:
        """What `path` is for that process, whose root and mounts may differ from ours; a relative one is taken from
        its working directory."""
        ...

    def reachable(self, pid: int, path: str) -> Path:
        """Where a file that the process knows by an absolute path can be opened from here."""
        ...

    def listening_sockets(self, port: int) -> frozenset[str]:
        """Sockets that listen on a TCP port here, as `open_files` names them; empty where that cannot be told."""
        ...

    @property
    def mounts(self) -> tuple[tuple[str, str], ...]:
        """Mount points with their file system types; the last of two equal points is the one in sight."""
        ...


class LinuxProcesses:
    """Straight from /proc. psutil is not used here: it gives start times as seconds computed from the boot time,
    while locks hold the kernel's own tick count, and it cannot tell what a path is inside a container."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self.own_pid = os.getpid()
        self.own_uid = os.getuid()

    @cached_property
    def boot_time(self) -> int | None:
        for line in self._text("stat").splitlines():
            if line.startswith("btime "):
                return int(line.split()[1]) * 1000
        return None

    @cached_property
    def first_namespace(self) -> bool:
        try:
            return (self._proc / "self/ns/pid").stat().st_ino == _FIRST_PID_NAMESPACE
        except OSError:
            return False

    @cached_property
    def hides_others(self) -> bool:
        # Mounted with hidepid=2 the table lacks even pid 1, with hidepid=1 its command line may not be read.
        try:
            (self._proc / "1/cmdline").read_bytes()
        except OSError:
            return self.own_uid != 0
        return False

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        names = [name for name in os.listdir(self._proc) if name.isdigit()]  # noqa: PTH208 - names, not Paths
        for name in names:
            try:
                raw = _read(f"{self._proc}/{name}/cmdline")
            except PermissionError:
                yield int(name), None
            except OSError:
                continue  # ended while we looked
            else:
                if raw:
                    yield int(name), tuple(os.fsdecode(raw).rstrip("\0").split("\0"))

    def info(self, pid: int) -> ProcessInfo | None:
        try:
            text = os.fsdecode(_read(f"{self._proc}/{pid}/stat"))
            uid = os.stat(f"{self._proc}/{pid}").st_uid  # noqa: PTH116 - hot path
        except OSError:
            return None
        # The name in brackets may hold spaces and brackets itself, so count from the last one.
        fields = text[text.rfind(")") + 1 :].split()
        if len(fields) < 20:
            return None
        ticks = int(fields[19])
        started = self.boot_time and self.boot_time + ticks * 1000 // os.sysconf("SC_CLK_TCK")
        return ProcessInfo(pid, int(fields[1]), uid, ticks, started, zombie=fields[0] in ("Z", "X"))

    def exists(self, pid: int) -> bool:
        return _pid_taken(pid)

    def environ(self, pid: int) -> Mapping[str, str] | None:
        try:
            raw = _read(f"{self._proc}/{pid}/environ")
        except OSError:
            return None
        pairs = (os.fsdecode(row).partition("=") for row in raw.split(b"\0") if row)
        return {name: value for name, _, value in pairs}

    def open_files(self, pid: int) -> tuple[str, ...] | None:
        directory = f"{self._proc}/{pid}/fd"
        try:
            names = os.listdir(directory)  # noqa: PTH208
        except OSError:
            return None
        found = []
        for name in names:
            try:
                found.append(os.readlink(f"{directory}/{name}"))  # noqa: PTH115
            except OSError:
                continue  # closed while we looked
        return tuple(found)

    def written_files(self, pid: int) -> tuple[str, ...] | None:
        try:
            names = os.listdir(f"{self._proc}/{pid}/fd")  # noqa: PTH208
        except OSError:
            return None
        links = (self._link(f"{pid}/fd/{name}") for name in names if self._is_written(f"{pid}/fdinfo/{name}"))
        return tuple(link for link in links if link is not None)

    def _is_written(self, name: str) -> bool:
        rows = (line.split() for line in self._text(name).splitlines())
        flags = next((int(row[1], 8) for row in rows if len(row) == 2 and row[0] == "flags:"), os.O_RDONLY)
        return flags & os.O_ACCMODE != os.O_RDONLY

    def working_directory(self, pid: int) -> str | None:
        return self._link(f"{pid}/cwd")

    def executable(self, pid: int) -> str | None:
        return self._link(f"{pid}/exe")

    def mapped_files(self, pid: int) -> tuple[str, ...] | None:
        try:
            text = os.fsdecode(_read(f"{self._proc}/{pid}/maps"))
        except OSError:
            return None
        # address, permissions, offset, device, inode, path
        rows = (line.split(None, 5) for line in text.splitlines())
        return tuple(dict.fromkeys(row[5] for row in rows if len(row) == 6 and row[5].startswith("/")))

    def inner_pids(self, pid: int) -> tuple[int, ...]:
        for line in self._text(f"{pid}/status").splitlines():
            if line.startswith("NSpid:"):
                return tuple(int(word) for word in line.split()[1:])
        return ()

    def identity(self, pid: int, path: str) -> FileIdentity | None:
        start = f"root/{path.lstrip('/')}" if path.startswith("/") else f"cwd/{path}"
        try:
            stat = os.stat(f"{self._proc}/{pid}/{start}")  # noqa: PTH116
        except (OSError, ValueError):
            return None
        return stat.st_dev, stat.st_ino

    def reachable(self, pid: int, path: str) -> Path:
        return self._proc / str(pid) / "root" / path.lstrip("/")

    def listening_sockets(self, port: int) -> frozenset[str]:
        listening, suffix = "0A", f":{port:04X}"
        rows = (line.split() for name in ("net/tcp", "net/tcp6") for line in self._text(name).splitlines()[1:])
        return frozenset(
            f"socket:[{row[9]}]" for row in rows if len(row) > 9 and row[3] == listening and row[1].endswith(suffix)
        )

    @cached_property
    def mounts(self) -> tuple[tuple[str, str], ...]:
        found = []
        for line in self._text("self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            fields = before.split()
            if len(fields) > 4 and after:
                found.append((_OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[4]), after.split()[0]))
        return tuple(found)

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(self._proc / name)  # noqa: PTH115 - a Path would drop the " (deleted)" of the kernel
        except OSError:
            return None

    def _text(self, name: str) -> str:
        try:
            return os.fsdecode(_read(f"{self._proc}/{name}"))
        except OSError:
            return ""


class PsutilProcesses:
    """Through psutil, where there is no /proc. Locks made there hold no start time, so dates decide."""

    first_namespace = True

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self.own_pid = os.getpid()
        self.own_uid = os.getuid()
        self.boot_time: int | None = int(psutil.boot_time() * 1000)
        self.hides_others = False

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        for pid in self._psutil.pids():
            try:
                argv = tuple(self._psutil.Process(pid).cmdline())
            except self._psutil.AccessDenied:
                yield pid, None
            except self._psutil.Error:
                continue
            else:
                if argv:
                    yield pid, argv

    def info(self, pid: int) -> ProcessInfo | None:
        try:
            process = self._psutil.Process(pid)
            with process.oneshot():
                zombie = process.status() == self._psutil.STATUS_ZOMBIE
                started = int(process.create_time() * 1000)
                return ProcessInfo(pid, process.ppid(), process.uids().real, None, started, zombie)
        except self._psutil.Error:
            return None

    def exists(self, pid: int) -> bool:
        return _pid_taken(pid)

    def environ(self, pid: int) -> Mapping[str, str] | None:
        try:
            return self._psutil.Process(pid).environ()
        except (self._psutil.Error, OSError):
            return None

    def open_files(self, pid: int) -> tuple[str, ...] | None:
        try:
            return tuple(row.path for row in self._psutil.Process(pid).open_files())
        except (self._psutil.Error, OSError):
            return None

    def written_files(self, pid: int) -> tuple[str, ...] | None:
        return self.open_files(pid)

    def working_directory(self, pid: int) -> str | None:
        try:
            return self._psutil.Process(pid).cwd()
        except (self._psutil.Error, OSError):
            return None

    def executable(self, pid: int) -> str | None:
        try:
            return self._psutil.Process(pid).exe()
        except (self._psutil.Error, OSError):
            return None

    def mapped_files(self, pid: int) -> tuple[str, ...] | None:
        del pid
        return ()

    def inner_pids(self, pid: int) -> tuple[int, ...]:
        return (pid,)

    def identity(self, pid: int, path: str) -> FileIdentity | None:
        start = "" if path.startswith("/") else self.working_directory(pid)
        if start is None:
            return None
        try:
            stat = os.stat(os.path.join(start, path))  # noqa: PTH116, PTH118 - every process sees the same tree
        except (OSError, ValueError):
            return None
        return stat.st_dev, stat.st_ino

    def reachable(self, pid: int, path: str) -> Path:
        del pid
        return Path(path)

    def listening_sockets(self, port: int) -> frozenset[str]:
        del port
        return frozenset()

    @cached_property
    def mounts(self) -> tuple[tuple[str, str], ...]:
        return tuple((row.mountpoint, row.fstype) for row in self._psutil.disk_partitions(all=True))


def system_processes() -> Processes:
    """The table of this machine."""
    return LinuxProcesses() if sys.platform == "linux" else PsutilProcesses()


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, _MAX_BYTES):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _pid_taken(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)  # signal 0 only asks
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
