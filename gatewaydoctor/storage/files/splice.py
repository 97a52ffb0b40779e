"""A new sessions.json from rows of old ones, in the gateway's layout, every row verbatim but for named edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.model.repair.plan import Copy, NewBytes, Segment

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from gatewaydoctor.storage.files.edit import Piece

OPENING, BETWEEN, CLOSING, NO_ROWS = b"{\n  ", b",\n  ", b"\n}", b"{}"


class Row(NamedTuple):
    """One entry to keep: bytes `start` to `end` (exclusive) of the file with number `source`, its value beginning at
    `value_start`. `edited` means the value's bytes, its ranges counted from `value_start`."""

    source: int
    start: int
    value_start: int
    end: int
    edited: tuple[Piece, ...] | None = None


def splice(rows: Iterable[Row], canonical: Container[int]) -> tuple[tuple[Segment, ...], int]:
    """The segments of the new store, and its size in bytes. `canonical` names the sources laid out as the gateway
    does, in which neighbouring rows are copied in one piece with what separates them."""
    out = _Segments()
    before: Row | None = None
    for row in rows:
        if before is None:
            out.bytes(OPENING)
        elif row.source == before.source and row.start == before.end + len(BETWEEN) and row.source in canonical:
            out.copy(row.source, before.end, row.start)
        else:
            out.bytes(BETWEEN)
        _add(out, row)
        before = row
    out.bytes(NO_ROWS if before is None else CLOSING)
    return out.finish()


def without(
    spans: Sequence[tuple[int, int]], gone: Container[int], size: int, source: int
) -> tuple[tuple[Segment, ...], int]:
    """A file of `size` bytes without some of the members (or elements) at `spans`, given by their places in the list.
    Each member goes with what separates it from the one before, so the spacing of the others stays."""
    out = _Segments()
    kept = [place for place in range(len(spans)) if place not in gone]
    out.copy(source, 0, spans[0][0] if spans else size)
    for place in kept:
        if place != kept[0]:
            out.copy(source, spans[place - 1][1], spans[place][0])
        out.copy(source, *spans[place])
    if spans:
        out.copy(source, spans[-1][1], size)
    return out.finish()


def _add(out: _Segments, row: Row) -> None:
    if row.edited is None:
        out.copy(row.source, row.start, row.end)
        return
    out.copy(row.source, row.start, row.value_start)
    for piece in row.edited:
        match piece:
            case bytes():
                out.bytes(piece)
            case (start, end):
                out.copy(row.source, row.value_start + start, row.value_start + end)


class _Segments:
    """Joins ranges that touch, so that a plan stays small however many rows go."""

    def __init__(self) -> None:
        self._done: list[Segment] = []
        self._size = 0
        self._copy: Copy | None = None
        self._bytes = bytearray()

    def copy(self, source: int, start: int, end: int) -> None:
        if start == end:
            return
        self._size += end - start
        last = self._copy
        if last is not None and last.source == source and last.end == start:
            self._copy = Copy(source, last.start, end)
            return
        self._flush()
        self._copy = Copy(source, start, end)

    def bytes(self, data: bytes) -> None:
        self._size += len(data)
        if self._copy is not None:
            self._flush()
        self._bytes += data

    def _flush(self) -> None:
        if self._copy is not None:
            self._done.append(self._copy)
            self._copy = None
        if self._bytes:
            self._done.append(NewBytes(bytes(self._bytes)))
            self._bytes.clear()

    def finish(self) -> tuple[tuple[Segment, ...], int]:
        self._flush()
        return tuple(self._done), self._size
