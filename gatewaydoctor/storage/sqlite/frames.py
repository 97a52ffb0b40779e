"""The header and the frames of a -wal, and the running checksum over them (sqlite.org/fileformat2.html section 4)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.storage.sqlite.raw import RawFile

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")


def checked_before(data: bytes, after: tuple[int, ...], *, little: bool) -> tuple[int, int]:
    """The checksum from which `checksum` of these bytes gives `after`."""
    first, second = after
    words = struct.unpack(f"{'<' if little else '>'}{len(data) // 4}I", data)
    for even, odd in zip(words[-2::-2], words[::-2], strict=True):
        second = second - odd - first & 0xFFFFFFFF
        first = first - even - second & 0xFFFFFFFF
    return first, second


def checksum(data: bytes, start: tuple[int, int], *, little: bool) -> tuple[int, int]:
    """The running checksum of a log over whole pairs of 4-byte words."""
    first, second = start
    words = struct.unpack(f"{'<' if little else '>'}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = first + even + second & 0xFFFFFFFF
        second = second + odd + first & 0xFFFFFFFF
    return first, second


def frame_is_whole(file: RawFile, index: int, page_size: int, *, little: bool) -> bool:
    """Whether the frame (counted from 1) continues its predecessor's stored checksum."""
    frame = FRAME.size + page_size
    offset = HEADER.size + (index - 1) * frame
    before = file.read(offset - frame + 16 if index > 1 else 24, 8)
    data = file.read(offset, frame)
    if len(data) < frame or len(before) < 8:
        return False
    sums = checksum(data[:8], struct.unpack(">2I", before), little=little)
    return checksum(data[FRAME.size :], sums, little=little) == FRAME.unpack_from(data)[4:]
