"""The filesystem as the repairs write to it. Every act that changes anything is one call here, so that tests can make
each of them fail."""

from __future__ import annotations

import errno
import os
import stat as stat_module
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Protocol

from gatewaydoctor.system.fs import OsReadFs, ReadFs

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Mapping
    from pathlib import Path

_FICLONE = 0x40049409
"""ioctl of Linux that shares the blocks of another file (btrfs, xfs, bcachefs)."""

_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY, errno.EXDEV})
_WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class WriteFs(ReadFs, Protocol):
    """What repairing needs besides looking. Every method raises OSError as the operating system does. Descriptors are
    plain file descriptors; no method follows a symbolic link in a path's last component."""

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

    def dress(self, descriptor: int, mode: int, uid: int | None, gid: int | None, mtime_ns: int | None) -> None:
        """Give an open file its permission bits and, unless None, owner and mtime."""
        ...

    def own(self, path: Path, uid: int, gid: int) -> None:
        """Give a file or directory to somebody."""
        ...

    def attributes(self, path: Path) -> dict[str, bytes]:
        """Extended attributes of a file, its access list among them; none where the platform has none."""
        ...

    def set_attributes(self, file: Path | int, wanted: Mapping[str, bytes]) -> None:
        """Give a file these and no other ones, as far as the filesystem lets it: what it refuses is left out."""
        ...

    def redress(self, path: Path, mode: int) -> None:
        """Set the permission bits of a regular file."""
        ...

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


class OsWriteFs(OsReadFs):
    """The real one."""

    def mkdir(self, path: Path) -> None:
        path.mkdir(mode=0o700)

    def create(self, path: Path) -> int:
        descriptor = os.open(path, _WRITE_NEW, 0o600)
        os.fchmod(descriptor, 0o600)
        return descriptor

    def append(self, path: Path) -> int:
        return os.open(path, _APPEND, 0o600)

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

    def dress(self, descriptor: int, mode: int, uid: int | None, gid: int | None, mtime_ns: int | None) -> None:
        now = os.fstat(descriptor)
        owner = now.st_uid if uid is None else uid, now.st_gid if gid is None else gid
        if owner != (now.st_uid, now.st_gid):
            os.fchown(descriptor, *owner)
        # After the owner: a change of owner clears the set-id bits.
        os.fchmod(descriptor, stat_module.S_IMODE(mode))
        if mtime_ns is not None:
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))

    def own(self, path: Path, uid: int, gid: int) -> None:
        os.chown(path, uid, gid, follow_symlinks=False)

    def attributes(self, path: Path) -> dict[str, bytes]:
        if sys.platform != "linux":
            return {}
        found = {}
        # A filesystem without them says so in one of several ways.
        with suppress(OSError):
            for name in os.listxattr(path, follow_symlinks=False):
                with suppress(OSError):
                    found[name] = os.getxattr(path, name, follow_symlinks=False)
        return found

    def set_attributes(self, file: Path | int, wanted: Mapping[str, bytes]) -> None:
        if sys.platform != "linux":
            return
        with suppress(OSError):
            for name in set(os.listxattr(file)).difference(wanted):
                # A directory's default access list for one, which the original did not have.
                with suppress(OSError):
                    os.removexattr(file, name)
        for name, value in wanted.items():
            with suppress(OSError):
                os.setxattr(file, name, value)

    def redress(self, path: Path, mode: int) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
        try:
            os.fchmod(descriptor, stat_module.S_IMODE(mode))
        finally:
            os.close(descriptor)

    def fsync(self, descriptor: int) -> None:
        _fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def fsync_dir(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _fsync(descriptor)
        except OSError as error:
            # Some network filesystems cannot sync a directory; their renames are as durable as they get.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def rename_new(self, source: Path, target: Path) -> None:
        if _rename2(source, target, "new"):
            return
        # Without that call a link gives the same promise, and without links a look must do.
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            source.rename(target)
        else:
            source.unlink()

    def exchange(self, one: Path, other: Path) -> bool:
        return _rename2(one, other, "swap")

    def symlink(self, to: str, path: Path) -> None:
        path.symlink_to(to)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def rmdir(self, path: Path) -> None:
        path.rmdir()

    def writable(self, directory: Path) -> bool:
        return os.access(directory, os.W_OK | os.X_OK)


def _fsync(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        # There fsync leaves the data in the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        return
    os.fsync(descriptor)


_CALLS = {
    # platform: (function, directory arguments, flag per purpose)
    "linux": ("renameat2", (-100,), {"new": 1, "swap": 2}),
    "darwin": ("renamex_np", (), {"new": 4, "swap": 2}),
}


@cache
def _library() -> ctypes.CDLL:
    import ctypes  # slow to import, needed only when something is written

    return ctypes.CDLL(None, use_errno=True)


def _rename2(source: Path, target: Path, purpose: str) -> bool:
    """The system's rename with flags, which Python does not offer. False where it is not there or not supported."""
    import ctypes

    if sys.platform not in _CALLS:
        return False
    name, at, flags = _CALLS[sys.platform]
    call: Callable[..., int] | None = getattr(_library(), name, None)
    if call is None:
        return False
    if call(*at, os.fsencode(source), *at, os.fsencode(target), flags[purpose]) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED - {errno.EXDEV}:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))
