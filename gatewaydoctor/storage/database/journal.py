"""A hot rollback journal: what the main file held before the transaction that a crash cut off
(sqlite.org/fileformat2.html section 3, and pager.c for what counts as hot).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.database import JournalFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.storage.database.raw import RawFile

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = struct.Struct(">8s5I")
_UNCOUNTED = 0xFFFFFFFF
_MAX_NAME = 4096
_LOCK_BYTE = 0x40000000
"""The page with this byte is never used; SQLite stops at a record that names it."""


class Rollback(Struct, frozen=True):
    """The pages to put back (number -> offset in the journal) and the size of the database before, in pages."""

    facts: JournalFacts
    page_size: int
    pages: int
    offsets: dict[int, int] = field(default_factory=dict)


def read_journal(file: RawFile, exists: Callable[[Path], bool]) -> Rollback | JournalFacts:
    """What the next writer would put back; JournalFacts where it would put back nothing. `exists` is asked about the
    super-journal of a transaction over several databases: without it the transaction counts as committed. Raises
    OSError."""
    size = file.size()
    if size == 0 or file.read(0, 1) in (b"", b"\0"):
        return JournalFacts(size, hot=False, reason="its transaction ended")
    above = _super_journal(file, size)
    if above is not None and not exists(above):
        return JournalFacts(size, hot=False, reason="its transaction ended in another file")
    found = _records(file, size)
    return found or JournalFacts(size, hot=True, reason="its header is incomplete: nothing was changed yet")


def _records(file: RawFile, size: int) -> Rollback | None:
    offset, sector = 0, 512
    first: tuple[int, int] | None = None
    offsets: dict[int, int] = {}
    while True:
        offset = -(-offset // sector) * sector
        head = file.read(offset, _HEADER.size)
        if offset + sector > size or len(head) < _HEADER.size:
            break
        magic, count, seed, pages, sector_size, page_size = _HEADER.unpack(head)
        if magic != _MAGIC:
            break
        if first is None:
            if not (_power(page_size, 512) and _power(sector_size, 32)):
                break
            first, sector = (page_size, pages), sector_size
        page_size, pages = first
        offset += sector
        record = page_size + 8
        if count == _UNCOUNTED:
            count = max(0, size - offset) // record
        for _ in range(count):
            data = file.read(offset, record)
            number = int.from_bytes(data[:4])
            if number == _LOCK_BYTE // page_size + 1 or not _is_whole(data, record, seed):
                return _rollback(size, first, offsets)
            if number <= pages:
                offsets[number] = offset + 4
            offset += record
    return _rollback(size, first, offsets) if first else None


def _rollback(size: int, first: tuple[int, int], offsets: dict[int, int]) -> Rollback:
    return Rollback(JournalFacts(size, hot=True, pages=len(offsets)), first[0], first[1], offsets)


def _is_whole(data: bytes, record: int, seed: int) -> bool:
    if len(data) < record or not any(data[:4]):
        return False
    page = data[4:-4]
    total = seed + sum(page[index] for index in range(len(page) - 200, 0, -200))
    return total & 0xFFFFFFFF == int.from_bytes(data[-4:])


def _power(value: int, least: int) -> bool:
    return least <= value <= 65536 and not value & (value - 1)


def _super_journal(file: RawFile, size: int) -> Path | None:
    tail = file.read(max(0, size - 16), 16)
    if len(tail) < 16 or tail[8:] != _MAGIC:
        return None
    length, total = struct.unpack_from(">2I", tail)
    if not 0 < length <= min(_MAX_NAME, size - 16):
        return None
    name = file.read(size - 16 - length, length)
    if sum(name) & 0xFFFFFFFF != total or b"\0" in name:
        return None
    return Path(name.decode("utf-8", "surrogateescape"))
