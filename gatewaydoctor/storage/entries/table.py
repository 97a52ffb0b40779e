"""All rows of a store in columns: about two hundred bytes a row, however large the entries are."""

from __future__ import annotations

from array import array
from struct import Struct
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Entry, Glance, Kind, Status, parse_key

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from gatewaydoctor.model.gateway.fieldtypes import OddField

_STATUSES = tuple(Status)
_KINDS = tuple(Kind)
_STATUS_CODE = {status: code for code, status in enumerate(_STATUSES)}
_KIND_CODE = {kind: code for code, kind in enumerate(_KINDS)}
_NO_TIME = -(2**63)
_BETWEEN, _SHARED = b"\xff", b"\xfe"
"""No bytes of UTF-8: between the texts of a row, and behind the number of a text that rows share."""
_RUN = ":run:"
_MOST_SHARED = 10_000
_VALID, _ABORTED, _PINNED, _SPAWNED, _CLI_BACKED = 1, 2, 4, 8, 16
_PLACE = Struct("=qiqqq")
"""Of a row that is made: start, how far from it the value is, end, startedAt, endedAt. What is asked for of all rows
has columns of its own."""


class _Numbered:
    """Texts that many rows share, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found

    def number_if_room(self, text: str) -> int | None:
        """None for another text where there are many: one that no other row shares takes memory."""
        found = self._numbers.get(text)
        return self.number(text) if found is None and len(self.texts) < _MOST_SHARED else found


class EntryTable:
    """Append-only sequence of entries in file order. Iterating makes each Entry afresh."""

    def __init__(self) -> None:
        self._places = bytearray()
        self._updated = array("q")
        self._codes = bytearray()
        self._text = bytearray()
        self._text_ends = array("q", (0,))
        self._folders = _Numbered()
        self._jobs = _Numbered()
        self._odd: dict[int, tuple[OddField, ...]] = {}

    def __len__(self) -> int:
        return len(self._updated)

    def add(self, entry: Entry) -> None:
        if entry.odd:
            self._odd[len(self)] = entry.odd
        started, ended = entry.started_at, entry.ended_at
        self._places += _PLACE.pack(
            entry.start,
            entry.value_start - entry.start,
            entry.end,
            _NO_TIME if started is None else started,
            _NO_TIME if ended is None else ended,
        )
        self._updated.append(_NO_TIME if entry.updated_at is None else entry.updated_at)
        flags = (
            (_VALID if entry.valid else 0)
            | (_ABORTED if entry.aborted_last_run else 0)
            | (_PINNED if entry.pinned else 0)
            | (_SPAWNED if entry.spawned else 0)
            | (_CLI_BACKED if entry.cli_backed else 0)
        )
        self._codes += bytes((_STATUS_CODE[entry.status], _KIND_CODE[entry.kind], flags))
        packed = (self._pack_key(entry.key), self._pack_id(entry), self._pack_file(entry))
        self._text += _BETWEEN.join(packed)
        self._text_ends.append(len(self._text))

    def __getitem__(self, row: int) -> Entry:
        code = 3 * row
        status, kind, flags = self._codes[code], self._codes[code + 1], self._codes[code + 2]
        start, value_offset, end, started, ended = _PLACE.unpack_from(self._places, row * _PLACE.size)
        packed_key, packed_id, packed_file = self._texts(row)
        key = self._unpack_key(packed_key)
        parts = parse_key(key)
        session_id = _unpack_id(packed_id, parts.run_id) if packed_id else None
        updated = self._updated[row]
        return Entry(
            key,
            _KINDS[kind],
            _STATUSES[status],
            start,
            start + value_offset,
            end,
            parts.agent_id,
            parts.job_id,
            parts.run_id,
            session_id,
            self._unpack_file(packed_file, session_id) if packed_file else None,
            None if updated == _NO_TIME else updated,
            None if started == _NO_TIME else started,
            None if ended == _NO_TIME else ended,
            flags & _VALID != 0,
            flags & _ABORTED != 0,
            flags & _PINNED != 0,
            flags & _SPAWNED != 0,
            flags & _CLI_BACKED != 0,
            self._odd.get(row, ()),
        )

    def __iter__(self) -> Iterator[Entry]:
        return (self[row] for row in range(len(self)))

    def key(self, row: int) -> str:
        return self._unpack_key(self._texts(row)[0])

    def kind(self, row: int) -> Kind:
        return _KINDS[self._codes[3 * row + 1]]

    def status(self, row: int) -> Status:
        return _STATUSES[self._codes[3 * row]]

    def pinned(self, row: int) -> bool:
        return self._codes[3 * row + 2] & _PINNED != 0

    def marked(self) -> Iterator[int]:
        """The rows that are marked running or were aborted."""
        statuses, flags = self._codes[::3], self._codes[2::3]
        running = _STATUS_CODE[Status.RUNNING]
        return (row for row, status in enumerate(statuses) if status == running or flags[row] & _ABORTED)

    def updated(self, kind: Kind) -> Iterator[tuple[int, int | None]]:
        """The rows of a kind, each with its updatedAt (epoch ms)."""
        code = _KIND_CODE[kind]
        return ((row, _time(self._updated[row])) for row, each in enumerate(self._codes[1::3]) if each == code)

    def glances(self) -> Iterator[tuple[int, Glance]]:
        """Every row with its place."""
        kinds, statuses, flags = self._codes[1::3], self._codes[::3], self._codes[2::3]
        for row, (kind, status, flag, at) in enumerate(zip(kinds, statuses, flags, self._updated, strict=True)):
            yield row, Glance(_KINDS[kind], _STATUSES[status], flag & _PINNED != 0, _time(at))

    def all_keys(self) -> Iterator[str]:
        return (self.key(row) for row in range(len(self)))

    def size(self, row: int) -> int:
        """Bytes of a row's key and value together."""
        place: tuple[int, ...] = _PLACE.unpack_from(self._places, row * _PLACE.size)
        return place[2] - place[0]

    def updated_span(self, without: Container[int] = ()) -> tuple[int | None, int | None]:
        """Oldest and newest updatedAt (epoch ms) of the rows that are not `without`; None where no row has one."""
        oldest = newest = None
        for row, at in enumerate(self._updated):
            if at != _NO_TIME and row not in without:
                oldest = at if oldest is None or at < oldest else oldest
                newest = at if newest is None or at > newest else newest
        return oldest, newest

    def _texts(self, row: int) -> list[bytearray]:
        """What was packed of key, session id and session file."""
        return self._text[self._text_ends[row] : self._text_ends[row + 1]].split(_BETWEEN)

    def _pack_key(self, key: str) -> bytes:
        # Thousands of rows are runs of one job.
        job, mark, run = key.partition(_RUN)
        number = self._jobs.number_if_room(job) if mark else None
        return _packed(key) if number is None else b"%d%b%b" % (number, _SHARED, _packed(run))

    def _unpack_key(self, packed: bytearray) -> str:
        number, mark, run = packed.partition(_SHARED)
        return f"{self._jobs.texts[int(number)]}{_RUN}{_text(run)}" if mark else _text(packed)

    def _pack_id(self, entry: Entry) -> bytes:
        # "=" means the run id the key ends with, which is the usual session id of a run.
        if entry.session_id is None:
            return b""
        return b"=" if entry.session_id == entry.run_id else _packed("'" + entry.session_id)

    def _pack_file(self, entry: Entry) -> bytes:
        if entry.session_file is None:
            return b""
        folder, slash, name = entry.session_file.rpartition("/")
        number, usual = self._folders.number(folder + slash), f"{entry.session_id}.jsonl"
        return b"%d:%b" % (number, b"" if name == usual else _packed(name))

    def _unpack_file(self, packed: bytearray, session_id: str | None) -> str:
        number, _, name = _text(packed).partition(":")
        return self._folders.texts[int(number)] + (name or f"{session_id}.jsonl")


def _packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(packed: bytearray) -> str:
    return packed.decode("utf-8", "surrogatepass")


def _unpack_id(packed: bytearray, run_id: str | None) -> str | None:
    return run_id if packed == b"=" else _text(packed)[1:]


def _time(value: int) -> int | None:
    return None if value == _NO_TIME else value
