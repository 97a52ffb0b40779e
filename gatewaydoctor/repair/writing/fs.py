"""The filesystem as the repairs write to it. Every act that changes anything is one call here, so that tests can make
each of them fail."""

from __future__ import annotations

import errno
import os
import stat as stat_module
import sys
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

from gatewaydoctor.repair.writing.nofollow import Directories, check_own
from gatewaydoctor.system.fs import OsReadFs, ReadFs, asking, convert, open_regular
from gatewaydoctor.system.immutable import fixed

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat
    from gatewaydoctor.system.immutable import Fixed

_FICLONE = 0x40049409
"""ioctl of Linux that shares the blocks of another file (btrfs, xfs, bcachefs)."""

_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY, errno.EXDEV})
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | _NO_LINK
# A FIFO in the place of a file must not block.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | _NO_LINK


class WriteFs(ReadFs, Protocol):
    """What repairing needs besides reading. Every method raises OSError as the operating system does. Descriptors are
    plain file descriptors; no method follows a symbolic link anywhere in a path."""

    def mkdir(self, path: Path) -> None:
        """Mode 0700, whatever the umask."""
        ...

    def create(self, path: Path) -> int:
        """A new file of mode 0600, opened for writing. FileExistsError where there is one."""
        ...

    def append(self, path: Path) -> int:
        """Open for appending; made with mode 0600 where there is none."""
        ...

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """May write fewer bytes than given."""
        ...

    def skip(self, descriptor: int, count: int) -> None:
        """Leave a hole of `count` zero bytes and go on behind it."""
        ...

    def truncate(self, descriptor: int, size: int) -> None: ...

    def reflink(self, source: Path, descriptor: int) -> bool:
        """Share the source's blocks; False where the filesystem cannot."""
        ...

    def apply_attributes(
        self, descriptor: int, mode: int, uid: int | None, gid: int | None, mtime_ns: int | None
    ) -> None:
        """Give an open file its permission bits and, unless None, owner and mtime."""
        ...

    def own(self, path: Path, uid: int, gid: int) -> None:
        """Change the owner of a file or directory."""
        ...

    def attributes(self, path: Path) -> dict[str, bytes]:
        """Extended attributes of a file, its access list among them; none where the platform has none."""
        ...

    def set_attributes(self, file: Path | int, wanted: Mapping[str, bytes]) -> None:
        """Give a file these and no other ones, as far as the filesystem lets it: what it refuses is left out."""
        ...

    def set_mode(self, path: Path, mode: int) -> None:
        """Set the permission bits of a regular file or a directory."""
        ...

    def set_mtime(self, path: Path, mtime_ns: int) -> None: ...

    def fsync(self, descriptor: int) -> None: ...

    def close(self, descriptor: int) -> None: ...

    def fsync_dir(self, path: Path) -> None: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def rename_new(self, source: Path, target: Path) -> None:
        """Rename, or FileExistsError where the target exists."""
        ...

    def exchange(self, one: Path, other: Path) -> bool:
        """Swap two names in one step; False where kernel or filesystem cannot."""
        ...

    def symlink(self, to: str, path: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def rmdir(self, path: Path) -> None: ...

    def writable(self, directory: Path) -> bool:
        """Whether names in the directory may be changed, as far as permissions tell."""
        ...

    def fixed(self, path: Path) -> Fixed | None:
        """The attribute that keeps a regular file or a directory from being changed; None where it cannot be told."""
        ...


class OsWriteFs(OsReadFs):
    """The real one. Everything but `stat`, `realpath` and `space` is relative to the directory's descriptor and fails
    with ELOOP where a symbolic link is on the way: callers give paths whose links are resolved."""

    @cached_property
    def _directories(self) -> Directories:
        return Directories()

    @asking
    def lstat(self, path: Path) -> FileStat:
        directory, name = self._directories.parent(path)
        return convert(os.stat(name, dir_fd=directory, follow_symlinks=False))

    @asking
    def readlink(self, path: Path) -> str:
        directory, name = self._directories.parent(path)
        return os.readlink(name, dir_fd=directory)

    def _descriptor(self, path: Path) -> int:
        directory, name = self._directories.parent(path)
        return open_regular(name, directory, _NO_LINK)

    @contextmanager
    def _scan(self, directory: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        descriptor = self._listable(directory)
        try:
            with os.scandir(descriptor) as found:
                yield found
        finally:
            os.close(descriptor)

    @asking
    def _listable(self, directory: Path) -> int:
        """A descriptor of its own, which can be read and synced."""
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directories.at(directory))

    @contextmanager
    def _changing(self, path: Path) -> Iterator[int]:
        """Descriptor of a regular file or directory whose owner, mode or attributes shall change."""
        directory, name = self._directories.parent(path)
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | _NO_LINK, dir_fd=directory)
        try:
            check_own(descriptor, directory, path)
            yield descriptor
        finally:
            os.close(descriptor)

    def mkdir(self, path: Path) -> None:
        directory, name = self._directories.parent(path)
        os.mkdir(name, 0o700, dir_fd=directory)

    def create(self, path: Path) -> int:
        directory, name = self._directories.parent(path)
        descriptor = os.open(name, _WRITE_NEW, 0o600, dir_fd=directory)
        os.fchmod(descriptor, 0o600)
        return descriptor

    def append(self, path: Path) -> int:
        directory, name = self._directories.parent(path)
        descriptor = os.open(name, _APPEND, 0o600, dir_fd=directory)
        try:
            check_own(descriptor, directory, path)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return os.write(descriptor, data)

    def skip(self, descriptor: int, count: int) -> None:
        os.lseek(descriptor, count, os.SEEK_CUR)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def reflink(self, source: Path, descriptor: int) -> bool:
        if sys.platform != "linux":
            return False
        import fcntl

        with self.open(source) as stream:
            try:
                fcntl.ioctl(descriptor, _FICLONE, stream.fileno())
            except OSError as error:
                if error.errno in _UNSUPPORTED:
                    return False
                raise
        return True

    def apply_attributes(
        self, descriptor: int, mode: int, uid: int | None, gid: int | None, mtime_ns: int | None
    ) -> None:
        now = os.fstat(descriptor)
        owner = now.st_uid if uid is None else uid, now.st_gid if gid is None else gid
        if owner != (now.st_uid, now.st_gid):
            os.fchown(descriptor, *owner)
        # After the owner: a change of owner clears the set-id bits.
        os.fchmod(descriptor, stat_module.S_IMODE(mode))
        if mtime_ns is not None:
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))

    def own(self, path: Path, uid: int, gid: int) -> None:
        with self._changing(path) as descriptor:
            os.fchown(descriptor, uid, gid)

    def attributes(self, path: Path) -> dict[str, bytes]:
        if sys.platform != "linux":
            return {}
        found = {}
        # A filesystem without them says so in one of several ways.
        with suppress(OSError), self.open(path) as stream:
            for name in os.listxattr(stream.fileno()):
                with suppress(OSError):
                    found[name] = os.getxattr(stream.fileno(), name)
        return found

    def set_attributes(self, file: Path | int, wanted: Mapping[str, bytes]) -> None:
        if sys.platform != "linux":
            return
        if isinstance(file, int):
            _set_attributes(file, wanted)
            return
        with suppress(OSError), self._changing(file) as descriptor:
            _set_attributes(descriptor, wanted)

    def set_mode(self, path: Path, mode: int) -> None:
        with self._changing(path) as descriptor:
            os.fchmod(descriptor, stat_module.S_IMODE(mode))

    def set_mtime(self, path: Path, mtime_ns: int) -> None:
        with self._changing(path) as descriptor:
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))

    def fsync(self, descriptor: int) -> None:
        _fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def fsync_dir(self, path: Path) -> None:
        descriptor = self._listable(path)
        try:
            _fsync(descriptor)
        except OSError as error:
            # Some network filesystems cannot sync a directory; their renames are as durable as they get.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        at, name = self._directories.parent(source)
        to, new_name = self._directories.parent(target)
        os.rename(name, new_name, src_dir_fd=at, dst_dir_fd=to)

    def rename_new(self, source: Path, target: Path) -> None:
        at, name = self._directories.parent(source)
        to, new_name = self._directories.parent(target)
        if _rename2(at, name, to, new_name, "new"):
            return
        # Without that call a link gives the same promise, and without links a look must do.
        try:
            os.link(name, new_name, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            with suppress(FileNotFoundError):
                os.stat(new_name, dir_fd=to, follow_symlinks=False)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            os.rename(name, new_name, src_dir_fd=at, dst_dir_fd=to)
        else:
            os.unlink(name, dir_fd=at)

    def exchange(self, one: Path, other: Path) -> bool:
        return _rename2(*self._directories.parent(one), *self._directories.parent(other), "swap")

    def symlink(self, to: str, path: Path) -> None:
        directory, name = self._directories.parent(path)
        os.symlink(to, name, dir_fd=directory)

    def unlink(self, path: Path) -> None:
        directory, name = self._directories.parent(path)
        os.unlink(name, dir_fd=directory)

    def rmdir(self, path: Path) -> None:
        directory, name = self._directories.parent(path)
        os.rmdir(name, dir_fd=directory)

    def writable(self, directory: Path) -> bool:
        return os.access(directory, os.W_OK | os.X_OK)

    def fixed(self, path: Path) -> Fixed | None:
        try:
            with self._changing(path) as descriptor:
                return fixed(descriptor)
        except OSError:
            return None


def _set_attributes(descriptor: int, wanted: Mapping[str, bytes]) -> None:
    with suppress(OSError):
        for name in set(os.listxattr(descriptor)).difference(wanted):
            # A directory's default access list for one, which the original did not have.
            with suppress(OSError):
                os.removexattr(descriptor, name)
    for name, value in wanted.items():
        with suppress(OSError):
            os.setxattr(descriptor, name, value)


def _fsync(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        # There fsync leaves the data in the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        return
    os.fsync(descriptor)


_CALLS = {
    # platform: (function, flag per purpose); both take directory and name, twice, then the flags
    "linux": ("renameat2", {"new": 1, "swap": 2}),
    "darwin": ("renameatx_np", {"new": 4, "swap": 2}),
}


@cache
def _library() -> ctypes.CDLL:
    import ctypes  # slow to import, needed only when something is written

    return ctypes.CDLL(None, use_errno=True)


def _rename2(at: int, name: str, to: int, new_name: str, purpose: str) -> bool:
    """The system's rename with flags, which Python does not offer. False where it is not there or not supported."""
    import ctypes

    if sys.platform not in _CALLS:
        return False
    function, flags = _CALLS[sys.platform]
    call: Callable[..., int] | None = getattr(_library(), function, None)
    if call is None:
        return False
    if call(at, os.fsencode(name), to, os.fsencode(new_name), flags[purpose]) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED - {errno.EXDEV}:
        return False
    raise OSError(code, os.strerror(code), name, None, new_name)
