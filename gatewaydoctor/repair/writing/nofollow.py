"""Directories by descriptor, reached name by name from the root with no symbolic link on the way (promise P9).

A path that was checked can be another one when it is used: whoever may write to a directory on the way can put a
symbolic link in its place. An act relative to a descriptor happens in the directory that was reached, or fails.
"""

from __future__ import annotations

import errno
import os
import stat as stat_module
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_OPEN = 8
"""Directories kept open, the last used ones: a run works on a handful of them, file after file."""

# O_PATH asks for no more than the right to pass through, as a path does.
_PASS = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_PATH", os.O_RDONLY)


class Directories:
    """Open directories by path. A descriptor is valid until `MOST_OPEN` other directories were asked for."""

    def __init__(self) -> None:
        self._open: dict[Path, tuple[int, tuple[int, int]]] = {}

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1][0])

    def at(self, path: Path) -> int:
        """Descriptor of the directory `path`, an absolute path without `..`. Raises OSError, ELOOP for a symbolic
        link on the way."""
        held = self._open.pop(path, None)
        if held is not None and held[1] != _identity(path):
            # Another directory has the name by now, or none. What the old descriptor is of may lie anywhere.
            os.close(held[0])
            held = None
        if held is None:
            descriptor = _descend(path)
            stat = os.fstat(descriptor)
            held = descriptor, (stat.st_dev, stat.st_ino)
        self._open[path] = held
        if len(self._open) > MOST_OPEN:
            os.close(self._open.pop(next(iter(self._open)))[0])
        return held[0]

    def parent(self, path: Path) -> tuple[int, str]:
        """Descriptor of the directory that holds `path`, and the name in it. Raises like `at`."""
        return self.at(path.parent), path.name or "."


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _descend(path: Path) -> int:
    if not path.is_absolute() or ".." in path.parts:
        raise OSError(errno.EINVAL, "Not an absolute path without ..", str(path))
    reached = os.open(path.anchor, _PASS)
    for name in path.parts[1:]:
        try:
            below = os.open(name, _PASS, dir_fd=reached)
        except OSError as error:
            raise _because(error, reached, name, path) from None
        finally:
            os.close(reached)
        reached = below
    return reached


def _because(error: OSError, above: int, name: str, path: Path) -> OSError:
    """A link and a file in the place of a directory give the same error."""
    with suppress(OSError):
        if stat_module.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            return OSError(errno.ELOOP, "A symbolic link is in the way", str(path))
    return OSError(error.errno, error.strerror, str(path))


def check_own(descriptor: int, directory: int, path: Path) -> None:
    """Raises OSError for what is neither a directory nor a regular file, and for a further name of a file that
    belongs to another user than its directory does: a change of it would show elsewhere."""
    stat = os.fstat(descriptor)
    if stat_module.S_ISDIR(stat.st_mode):
        return
    if not stat_module.S_ISREG(stat.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    if stat.st_nlink > 1 and stat.st_uid != os.fstat(directory).st_uid:
        raise OSError(errno.EPERM, "A hard link to a file of another owner", str(path))
