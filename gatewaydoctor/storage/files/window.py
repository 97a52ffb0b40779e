"""The bytes of a stream that were read and not yet handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


_STEP = 2 * 1024 * 1024


class Window:
    """`data[at:]` begins at file offset `offset`, where the next entry is to be cut. `data` is replaced, never
    changed, so that views of it stay valid."""

    def __init__(self, data: bytes, offset: int, chunks: Iterator[bytes]) -> None:
        self.data = data
        self.at = 0
        self._base = offset
        self._chunks = chunks

    @property
    def offset(self) -> int:
        """Where `data[at]` is in the file."""
        return self._base + self.at

    @property
    def pending(self) -> int:
        """Bytes read and not handed out."""
        return len(self.data) - self.at

    def more(self) -> bool:
        """Read on; False at the end of the stream. What was handed out is dropped, so `at` is 0 afterwards."""
        kept = memoryview(self.data)[self.at :]
        pieces, size = [kept], 0
        # As much again as is held, up to a step: an entry of many chunks is copied a few times, not once a chunk.
        while size <= min(len(kept), _STEP):
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            pieces.append(memoryview(chunk))
            size += len(chunk)
        self._base += self.at
        self.at = 0
        self.data = b"".join(pieces)
        return size > 0

    def take(self, offset: int) -> None:
        """What is before this file offset is handed out."""
        self.at = offset - self._base
