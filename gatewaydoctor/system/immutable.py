"""Attributes that keep everybody, root too, from changing a file or the names in a directory."""

from __future__ import annotations

import os
import stat as stat_module
import struct
import sys
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_GET_FLAGS = 2 << 30 | struct.calcsize("l") << 16 | ord("f") << 8 | 1
"""FS_IOC_GETFLAGS of Linux, as include/uapi/linux/fs.h builds it: read one long of group `f`, number 1."""
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
"""FS_IMMUTABLE_FL and FS_APPEND_FL."""
_BSD_IMMUTABLE = getattr(stat_module, "UF_IMMUTABLE", 0) | getattr(stat_module, "SF_IMMUTABLE", 0)
_BSD_APPEND_ONLY = getattr(stat_module, "UF_APPEND", 0) | getattr(stat_module, "SF_APPEND", 0)


class Fixed(Enum):
    """The word for it, and what takes it away on Linux and on macOS."""

    IMMUTABLE = ("immutable", "chattr -i", "chflags nouchg,noschg")
    APPEND_ONLY = ("append-only", "chattr -a", "chflags nouappnd,nosappnd")

    @property
    def word(self) -> str:
        return self.value[0]

    @property
    def command(self) -> str:
        return self.value[1 if sys.platform == "linux" else 2]


def fixed(descriptor: int) -> Fixed | None:
    """The attribute of an open file or directory; None without one, and where the filesystem keeps none."""
    immutable, append_only = _flags(descriptor)
    return Fixed.IMMUTABLE if immutable else Fixed.APPEND_ONLY if append_only else None


def fixed_directory(path: Path) -> Fixed | None:
    """The same of a directory by its path; None where it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        return fixed(descriptor)
    finally:
        os.close(descriptor)


def _flags(descriptor: int) -> tuple[int, int]:
    if sys.platform != "linux":
        flags = getattr(os.fstat(descriptor), "st_flags", 0)
        return flags & _BSD_IMMUTABLE, flags & _BSD_APPEND_ONLY
    import fcntl

    try:
        # The kernel writes an int, whatever the number of the call says.
        (flags,) = struct.unpack_from("i", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8)))
    except OSError:
        return 0, 0
    return flags & _IMMUTABLE, flags & _APPEND_ONLY
