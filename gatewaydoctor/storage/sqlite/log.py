"""The committed part of a -wal, found as SQLite's recovery finds it (sqlite.org/fileformat2.html section 4).

SQLite itself checks the frames: a connection over a one-page stand-in recovers the log through a VFS that only
reads, with its index on the heap, and the frames it asked for tell where it stopped. That takes C speed for the
checksums and no opinion of ours. Logs above `SURE_UP_TO` bytes are checked in their last transactions only, unless
asked: a frame's checksum starts from its predecessor's stored one.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable

from msgspec import Struct

from gatewaydoctor.model.database.reading import LogFacts
from gatewaydoctor.storage.sqlite.frames import FRAME, HEADER, checked_before, checksum, frame_is_whole
from gatewaydoctor.storage.sqlite.raw import RawFile

_MAGICS = (0x377F0682, 0x377F0683)
_VERSION = 3_007_000
SURE_UP_TO = 1024 * 1024 * 1024
"""Bytes of a log whose checksums are all compared without being asked, in some 2.5 s. The gateway lets a log grow to
64 MiB; 2.8 GB were reported."""
_SMALL = 1 << 15
"""Frames up to which a log's pages are found by a dict, quickly, in 3 MB at most; 64 MiB have half as many."""
_DENSE = 1 << 22
"""Page numbers up to here are kept in an array, 16 MiB at most; a damaged or hostile log may name any."""

Offset = Callable[[int], int | None]
"""Byte offset of a page's newest committed image in the log; None where the main file has it."""


def _offsets(numbers: array[int], page_size: int) -> Offset:
    """By the page numbers of the committed frames."""
    frame, first = FRAME.size + page_size, HEADER.size + FRAME.size
    if len(numbers) <= _SMALL:
        return {number: first + index * frame for index, number in enumerate(numbers)}.get
    dense = array("I", bytes(4 * (max((n for n in numbers if n < _DENSE), default=0) + 1)))
    sparse: dict[int, int] = {}
    for index, number in enumerate(numbers, 1):
        if number < _DENSE:
            dense[number] = index
        else:
            sparse[number] = index

    def offset(number: int) -> int | None:
        index = dense[number] if number < len(dense) else sparse.get(number, 0)
        return first + (index - 1) * frame if index else None

    return offset


class Log(Struct, frozen=True):
    """The pages of a log that count. `pages` is the size of the database after the last commit; `head` the 32 bytes
    that tell whether the log was restarted since."""

    facts: LogFacts
    head: bytes
    page_size: int
    pages: int
    offset: Offset


_kept: dict[tuple[object, ...], Log | LogFacts] = {}
_KEPT = 4
"""Logs that are remembered, by the identity of their file: one is asked for several times a run."""


def read_log(file: RawFile, *, verify: bool = False) -> Log | LogFacts:
    """The log, or why nothing of it counts. `verify` compares all checksums whatever the size. Raises OSError.

    A log that did not change since it was read is not read again. One that grows within the same tick of the file
    system's clock may give an older whole transaction, never a torn one."""
    head = file.read(0, HEADER.size)
    identity = file.identity()
    if identity is None:
        return _read_log(file, head, verify=verify)
    key = (*identity, head, verify)
    if key not in _kept:
        found = _read_log(file, head, verify=verify)
        while len(_kept) >= _KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = found
    return _kept[key]


def _read_log(file: RawFile, head: bytes, *, verify: bool) -> Log | LogFacts:
    size = file.size()
    reason = _header_problem(size, head)
    if reason:
        return LogFacts(size, reason=reason)
    magic, _, page_size, _, salt1, salt2, _, _ = HEADER.unpack(head)
    frame = FRAME.size + page_size
    numbers: array[int] = array("I")
    ends: array[int] = array("I")
    salts = struct.pack(">2I", salt1, salt2)
    for offset in range(HEADER.size, size - frame + 1, frame):
        fixed = file.read(offset, FRAME.size)
        if len(fixed) < FRAME.size or fixed[8:16] != salts:
            break
        number, after = struct.unpack_from(">2I", fixed)
        if not number:
            break
        numbers.append(number)
        if after:
            ends.append(len(numbers))
    sure = verify or size <= SURE_UP_TO
    if sure and ends:
        from gatewaydoctor.storage.sqlite.recovery import frames_recovered  # brings in apsw

        valid = frames_recovered(file, head, len(numbers), page_size)
        ends = array("I", (end for end in ends if end <= valid))
    elif ends:
        _drop_torn(file, ends, page_size, little=not magic & 1)
    total = max(0, (size - HEADER.size)) // frame
    if not ends:
        return LogFacts(size, tail=total, verified=sure, reason="it holds no complete transaction")
    committed = ends[-1]
    last = file.read(HEADER.size + (committed - 1) * frame, FRAME.size)
    pages = struct.unpack_from(">2I", last)[1]
    facts = LogFacts(size, committed, len(ends), total - committed, sure)
    return Log(facts, head, page_size, pages, _offsets(numbers[:committed], page_size))


def _header_problem(size: int, head: bytes) -> str | None:
    if size <= HEADER.size or len(head) < HEADER.size:
        return "it holds no frame"
    magic, version, page_size, _, _, _, sum1, sum2 = HEADER.unpack(head)
    if magic not in _MAGICS:
        return "its header is zeroed" if not any(head) else "it does not start as a log does"
    if not 512 <= page_size <= 65536 or page_size & (page_size - 1):
        return "its header names an impossible page size"
    if checksum(head[:24], (0, 0), little=not magic & 1) != (sum1, sum2):
        return "the checksum of its header is wrong"
    return None if version == _VERSION else "its format is another version's"


def lost_header(file: RawFile, page_size: int) -> bytes | None:
    """The 32 bytes with which a log began whose own are damaged, None where its first frame does not prove them.

    The checksum of the first frame started from that of the header: computed back over what is known, it gives the
    header's, and that one gives the number of the checkpoint, the only field that no frame has. One equation more
    than unknowns is left, so that 32 bits agree or it is not the header. Raises OSError."""
    data = file.read(HEADER.size, FRAME.size + page_size)
    if len(data) < FRAME.size + page_size or not int.from_bytes(data[:4]):
        return None
    for little in (True, False):
        salts, ends = data[8:16], FRAME.unpack_from(data)[4:]
        own = checked_before(data[:8], checked_before(data[FRAME.size :], ends, little=little), little=little)
        first, second = checked_before(salts, own, little=little)
        magic = struct.pack(">2I", _MAGICS[0] if little else _MAGICS[1], _VERSION)
        size = struct.pack(">I", page_size)
        before = checksum(magic, (0, 0), little=little)
        if first != before[0] + int.from_bytes(size, "little" if little else "big") + before[1] & 0xFFFFFFFF:
            continue
        number = second - before[1] - first & 0xFFFFFFFF
        return magic + size + number.to_bytes(4, "little" if little else "big") + salts + struct.pack(">2I", *own)
    return None


class _Headed(RawFile):
    """A log with another header than its own."""

    def __init__(self, file: RawFile, head: bytes) -> None:
        self._file = file
        self._head = head

    def read(self, offset: int, amount: int) -> bytes:
        begin = self._head[offset : offset + amount]
        return begin + self._file.read(offset + len(begin), amount - len(begin))

    def size(self) -> int:
        return self._file.size()


def with_lost_header(file: RawFile, page_size: int) -> tuple[bytes, LogFacts] | None:
    """The header that a log had, and what counts of the log with it; None where it cannot be told, or nothing would
    count. Raises OSError."""
    head = lost_header(file, page_size)
    found = None if head is None else _read_log(_Headed(file, head), head, verify=True)
    return (head, found.facts) if head is not None and isinstance(found, Log) else None


def _drop_torn(file: RawFile, ends: array[int], page_size: int, *, little: bool) -> None:
    """Take the last commits off `ends` until one is left whose frames are all whole."""
    while ends:
        start = ends[-2] if len(ends) > 1 else 0
        if all(frame_is_whole(file, index, page_size, little=little) for index in range(start + 1, ends[-1] + 1)):
            return
        ends.pop()
