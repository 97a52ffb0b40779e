"""How far SQLite's own recovery follows a log. Its index is kept on the heap, and no file but the log is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.storage.sqlite.frames import HEADER, frame_is_whole
from gatewaydoctor.storage.sqlite.vfs import ReadOnlyFile, ReadOnlyVfs, registered

if TYPE_CHECKING:
    from gatewaydoctor.storage.sqlite.raw import RawFile


class _StandIn(ReadOnlyFile):
    """A first page in write-ahead mode: all that recovery wants of the main file."""

    def __init__(self, page_size: int) -> None:
        head = bytearray(page_size)
        head[:16] = b"SQLite format 3\0"
        head[16:18] = (1 if page_size == 65536 else page_size).to_bytes(2)
        head[18:24] = bytes((2, 2, 0, 64, 32, 32))
        self._page = bytes(head)

    def xRead(self, amount: int, offset: int) -> bytes:
        return self._page[offset : offset + amount]

    def xFileSize(self) -> int:
        return len(self._page)


class _Counted(ReadOnlyFile):
    """The log; `frames` is the highest frame that was read in the order of recovery."""

    def __init__(self, file: RawFile, head: bytes, frames: int, page_size: int) -> None:
        self._file = file
        self._head = head
        self._frame = 24 + page_size
        self._size = HEADER.size + frames * self._frame
        self.frames = 0

    def xRead(self, amount: int, offset: int) -> bytes:
        if offset == 0:
            return self._head[:amount]
        if amount == self._frame:
            self.frames = max(self.frames, (offset - HEADER.size) // self._frame + 1)
        return self._file.read(offset, min(amount, self._size - offset))

    def xFileSize(self) -> int:
        return self._size


def frames_recovered(file: RawFile, head: bytes, frames: int, page_size: int) -> int:
    """How many of the first `frames` frames of a log with this header hold, by salt and checksum."""
    counted = _Counted(file, head, frames, page_size)
    with registered(lambda log: counted if log else _StandIn(page_size), log=True) as vfs:
        _recover(vfs)
    if counted.frames == 0:
        return 0
    # SQLite reads one frame more than it takes, but for the last.
    little = not head[3] & 1
    whole = frame_is_whole(file, counted.frames, page_size, little=little)
    return counted.frames if whole else counted.frames - 1


def _recover(vfs: ReadOnlyVfs) -> None:
    connection = apsw.Connection(vfs.path, vfs=vfs.name, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA schema_version").fetchall()
    except apsw.Error:
        pass  # the log may hold a first page that no database has; how far it was read is known anyway
    finally:
        connection.close()
