"""The pages of a database whose header is gone, with what its log tells of their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.storage.sqlite.header import HEADER_BYTES, parse_header
from gatewaydoctor.storage.sqlite.log import Log, read_log
from gatewaydoctor.storage.sqlite.pages import TABLE_LEAF

if TYPE_CHECKING:
    from gatewaydoctor.storage.sqlite.raw import RawFile

_SIZES = (4096, 8192, 16384, 2048, 1024, 32768, 65536, 512)
"""Page sizes to try where the header is gone, the gateway's first."""
_TRIED_BYTES = 1 << 21


class Headless:
    """Pages of a file whose header is gone, with its log laid over; without the file what the log has alone."""

    def __init__(self, main: RawFile | None, wal: RawFile | None) -> None:
        self._main, self._wal = main, wal
        found = read_log(wal) if wal is not None and wal.size() else None
        self._log = found if isinstance(found, Log) else None
        self._bytes = main.size() if main else 0
        self.page_size = self._log.page_size if self._log else self._guessed()
        self.pages = self._log.pages if self._log else -(-self._bytes // self.page_size)
        self._head = self.page(1)[:HEADER_BYTES]
        self._sound = parse_header(self._head)[0] is not None

    @property
    def usable(self) -> int:
        return self.page_size - (self._head[20] if self._sound else 0)

    @property
    def encoding(self) -> str:
        written = int.from_bytes(self._head[56:60]) if self._sound else 1
        return {2: "utf-16-le", 3: "utf-16-be"}.get(written, "utf-8")

    def page(self, number: int) -> bytes:
        offset = self._log.offset(number) if self._log else None
        if offset is not None and self._wal is not None:
            data = self._wal.read(offset, self.page_size)
        else:
            data = self._main.read((number - 1) * self.page_size, self.page_size) if self._main else b""
        return data.ljust(self.page_size, b"\0")

    def close(self) -> None:
        for file in (self._main, self._wal):
            if file is not None:
                file.close()

    def _guessed(self) -> int:
        """The size at which most pages begin as a table's leaf does, with room for as many rows as it says."""
        return max(_SIZES, key=self._leaves)

    def _leaves(self, size: int) -> int:
        count = 0
        for number in range(1, min(self._bytes, _TRIED_BYTES) // size if self._main else 0):
            assert self._main is not None
            head = self._main.read(number * size, 8)
            rows, start = int.from_bytes(head[3:5]), int.from_bytes(head[5:7]) or 65536
            count += head[:1] == bytes([TABLE_LEAF]) and 8 + 2 * rows <= start <= size
        return count
