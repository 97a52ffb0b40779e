"""Bytes of one open file at an offset, without a position and without a buffer."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs


class RawFile:
    """A file opened for reading. It stays what it was when it is renamed or removed meanwhile."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._descriptor = _descriptor(stream)

    @classmethod
    def open(cls, fs: ReadFs, path: Path) -> RawFile:
        """Raises OSError as `fs.open` does."""
        return cls(fs.open(path))

    def read(self, offset: int, amount: int) -> bytes:
        """Up to `amount` bytes from `offset`; fewer at the end of the file. Raises OSError."""
        if self._descriptor is not None:
            return os.pread(self._descriptor, amount, offset)
        self._stream.seek(offset)
        return self._stream.read(amount)

    def size(self) -> int:
        if self._descriptor is not None:
            return os.fstat(self._descriptor).st_size
        return self._stream.seek(0, io.SEEK_END)

    def mark(self) -> tuple[int, int]:
        """Size and mtime (ns) of the open file: equal marks mean that it was not written in between."""
        if self._descriptor is None:
            return self.size(), 0
        stat = os.fstat(self._descriptor)
        return stat.st_size, stat.st_mtime_ns

    def identity(self) -> tuple[int, ...] | None:
        """Device, inode, size and times (ns) of the open file; None for one that is not plain file."""
        if self._descriptor is None:
            return None
        stat = os.fstat(self._descriptor)
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    @property
    def descriptor(self) -> int | None:
        """For reads that cannot afford a call of Python each; None for a file that is not plain one."""
        return self._descriptor

    def close(self) -> None:
        self._stream.close()


def _descriptor(stream: BinaryIO) -> int | None:
    """Only for a plain file: a stream that a test wraps must see its own reads."""
    return stream.fileno() if type(stream) in (io.FileIO, io.BufferedReader) else None
