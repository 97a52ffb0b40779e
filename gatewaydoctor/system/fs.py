"""The filesystem as the readers see it: no method of it can write."""

from __future__ import annotations

import errno
import os
import stat as stat_module
import sys
from functools import wraps
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ParamSpec, Protocol, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

P = ParamSpec("P")
R = TypeVar("R")

NAME_MAX = 255
"""Bytes that one component of a path may have."""


class FileStat(Struct, frozen=True):
    """What one stat call said. Times are epoch ms, size is bytes; mtime_ns keeps the full precision. ctime_ns is when
    content, mode, owner or a name last changed; no program can set it."""

    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    nlink: int
    dev: int
    ino: int
    ctime_ns: int = 0

    @property
    def mtime(self) -> int:
        return self.mtime_ns // 1_000_000

    @property
    def is_file(self) -> bool:
        return stat_module.S_ISREG(self.mode)

    @property
    def is_dir(self) -> bool:
        return stat_module.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        return stat_module.S_ISLNK(self.mode)


class DiskSpace(Struct, frozen=True):
    """A volume, in bytes. `available` is what a process without privileges may still write; `inodes` are those left
    (None where the filesystem does not count them). `read_only`: mounted so."""

    total: int
    available: int
    inodes: int | None
    read_only: bool = False


class ReadFs(Protocol):
    """What looking needs. Every method raises OSError as the operating system does, and FileNotFoundError for a name
    that no file can have."""

    def stat(self, path: Path) -> FileStat: ...

    def lstat(self, path: Path) -> FileStat: ...

    def names(self, directory: Path) -> Iterator[str]:
        """Names in the directory, unsorted, without `.` and `..`; undecodable bytes as surrogate escapes."""
        ...

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        """Name and lstat of each entry, unsorted. One that vanishes while listing is left out. Where the lstat of one
        fails, all others are given first; then the OSError is raised."""
        ...

    def open(self, path: Path) -> BinaryIO:
        """Open a regular file for unbuffered reading; IsADirectoryError or OSError for anything else (a FIFO never
        blocks)."""
        ...

    def readlink(self, path: Path) -> str: ...

    def realpath(self, path: Path) -> Path:
        """Without links. Raises RuntimeError or OSError for a loop of them."""
        ...

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        """First `head` bytes, last `tail` bytes and the size, through one descriptor."""
        ...

    def space(self, path: Path) -> DiskSpace:
        """The volume that `path` is on."""
        ...


def convert(result: os.stat_result) -> FileStat:
    return FileStat(
        result.st_size,
        result.st_mtime_ns,
        result.st_mode,
        result.st_uid,
        result.st_gid,
        result.st_nlink,
        result.st_dev,
        result.st_ino,
        result.st_ctime_ns,
    )


def asking(method: Callable[P, R]) -> Callable[P, R]:
    """Paths come out of JSON or are made from other names. One that no file can have is not there: with a NUL or half
    a surrogate pair Python raises ValueError, for a component of more than NAME_MAX bytes the system ENAMETOOLONG."""

    @wraps(method)
    def asked(*args: P.args, **more: P.kwargs) -> R:
        try:
            return method(*args, **more)
        except ValueError:
            raise FileNotFoundError(2, "No file can have this name") from None
        except OSError as error:
            # A path that is too long as a whole may well exist.
            paths = (each for each in args if isinstance(each, Path))
            if error.errno == errno.ENAMETOOLONG and not all(map(can_exist, paths)):
                raise FileNotFoundError(2, "No file can have this name") from None
            raise

    return asked


def can_exist(path: Path) -> bool:
    """Whether every component of a path is short enough for a file system of Linux or macOS."""
    return all(len(os.fsencode(part)) <= NAME_MAX for part in path.parts)


def is_there(fs: ReadFs, path: Path) -> bool:
    """Whether the name is taken, be it by a dangling link. One that may not be asked for counts as absent."""
    try:
        fs.lstat(path)
    except OSError:
        return False
    return True


def may_be_there(fs: ReadFs, path: Path) -> bool:
    """Whether there is something behind the name, links followed. One that may not be asked for counts as there: what
    cannot be asked is told where it is read, and not taken for absent."""
    try:
        fs.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True


def is_directory(fs: ReadFs, path: Path) -> bool:
    """Whether a directory is behind the name, links followed."""
    try:
        return fs.stat(path).is_dir
    except OSError:
        return False


def size_of(fs: ReadFs, path: Path) -> int | None:
    """Bytes of what is behind the name, links followed; None where nothing is known of it."""
    try:
        return fs.stat(path).size
    except OSError:
        return None


class OsReadFs:
    """The real one. Opens with O_RDONLY only, and O_NOATIME where the owner allows it."""

    @asking
    def stat(self, path: Path) -> FileStat:
        return convert(path.stat())

    @asking
    def lstat(self, path: Path) -> FileStat:
        return convert(path.lstat())

    def names(self, directory: Path) -> Iterator[str]:
        with self._scan(directory) as found:
            for item in found:
                yield item.name

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        failed: OSError | None = None
        with self._scan(directory) as found:
            for item in found:
                try:
                    stat = item.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    failed = failed or error
                    continue
                yield item.name, convert(stat)
        if failed is not None:
            raise failed

    @asking
    def _scan(self, directory: Path) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        return os.scandir(directory)

    @asking
    def open(self, path: Path) -> BinaryIO:
        return FileIO(self._descriptor(path))

    def _descriptor(self, path: Path) -> int:
        return open_regular(path)

    @asking
    def readlink(self, path: Path) -> str:
        return os.readlink(path)  # noqa: PTH115 - the text of the link, not a Path made of it

    @asking
    def realpath(self, path: Path) -> Path:
        found = path.resolve()
        if sys.version_info >= (3, 13):  # resolve() told a loop of links by itself before
            try:
                found.stat()
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise
        return found

    @asking
    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        descriptor = self._descriptor(path)
        try:
            size = os.fstat(descriptor).st_size
            first = os.pread(descriptor, head, 0)
            if size <= len(first):
                return first, first[-tail:] if tail else b"", size
            return first, os.pread(descriptor, tail, max(0, size - tail)), size
        finally:
            os.close(descriptor)

    @asking
    def space(self, path: Path) -> DiskSpace:
        volume = os.statvfs(path)
        return DiskSpace(
            volume.f_blocks * volume.f_frsize,
            volume.f_bavail * volume.f_frsize,
            volume.f_favail if volume.f_files else None,
            bool(volume.f_flag & os.ST_RDONLY),
        )


def open_regular(path: Path | str, directory: int | None = None, more: int = 0) -> int:
    """Descriptor of a regular file, opened for reading with the flags `more`, relative to the descriptor `directory`
    where one is given. Raises OSError for anything else; never blocks."""
    # O_NONBLOCK keeps a FIFO planted under a familiar name from hanging the examination.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | more
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOATIME", 0), dir_fd=directory)
    except PermissionError:
        # Only the owner may ask for O_NOATIME.
        descriptor = os.open(path, flags, dir_fd=directory)
    mode = os.fstat(descriptor).st_mode
    if stat_module.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat_module.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a directory", str(path))
    raise OSError(22, "Not a regular file", str(path))
