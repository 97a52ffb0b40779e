"""Several questions about one file, asked one after the other, for the price of one open."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

HELD = 64 * 1024
"""A file up to this size is read whole and held while questions about it come; most transcripts are smaller."""


class Reads(Protocol):
    """What questions about a transcript need of a file system. Raises OSError as ReadFs does."""

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]: ...

    def open(self, path: Path) -> BinaryIO: ...


class ReadOnce:
    """The reading side of a file system for callers that go from file to file: the file asked for last is held, as
    bytes or as an open stream, until another is. Answers are those of one moment, also where a small file grows.

    OSError passes through as ReadFs raises it."""

    def __init__(self, fs: ReadFs) -> None:
        self._fs = fs
        # Compared by identity: a caller asks about one file with one path, and comparing paths is slow.
        self._path: Path | None = None
        self._whole: bytes | None = None
        self._stream: BinaryIO | None = None
        self._size = 0

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        """First `head` bytes, last `tail` bytes and the size."""
        self._turn_to(path)
        if self._whole is not None:
            whole = self._whole
            return whole[:head], whole[-tail:] if tail else b"", self._size
        return self._read(0, head), self._read(max(0, self._size - tail), tail), self._size

    def open(self, path: Path) -> BinaryIO:
        """The file at its beginning. What is open goes to the caller, who closes it."""
        self._turn_to(path)
        if self._whole is not None:
            return io.BytesIO(self._whole)
        stream, self._stream, self._path = self._stream, None, None
        assert stream is not None
        stream.seek(0)
        return stream

    def close(self) -> None:
        """Hold nothing any more."""
        if self._stream is not None:
            self._stream.close()
        self._path = self._whole = self._stream = None

    def _turn_to(self, path: Path) -> None:
        if path is self._path:
            return
        self.close()
        stream = self._fs.open(path)
        try:
            first = stream.read(HELD + 1)
            if len(first) > HELD or stream.read(1):
                self._stream, self._size = stream, stream.seek(0, os.SEEK_END)
            else:
                self._whole, self._size = first, len(first)
        finally:
            if self._stream is None:
                stream.close()
        self._path = path

    def _read(self, offset: int, count: int) -> bytes:
        assert self._stream is not None
        self._stream.seek(offset)
        return self._stream.read(count)
