"""Taking up reading again behind damage, in any layout and under any keys.

From the start of the file up to the damage every member of the outermost object is an entry, and so is, from the
damage on, every member of the object that the end of the file closes. Reading starts again at each key of an object
behind a fault until one such reading reaches the end: what closed before it was inside an entry. Only where both hold
for the same bytes, because a bracket is lost or too many, the looks of a member decide: from the first that is surely
an entry to the last. Between two damages only such rows count too. A member with which the file ends may have lost a
bracket and taken the store's for its own: it is whole unless an entry is found inside. Not found: an entry whose key
follows a backslash or text of a string, for its key may be the end of a longer one (text does not matter where it
names an agent); is that of an object inside entries; or is longer than 64 KiB.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from gatewaydoctor.model.gateway.store import JsonFaultKind
from gatewaydoctor.storage.entries.table import EntryTable
from gatewaydoctor.storage.files.cut import Rest, cuts
from gatewaydoctor.storage.files.evidence import Look, look, marked
from gatewaydoctor.storage.files.sessions import as_entry
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.storage.files.evidence import LayoutEvidence

    Need = Callable[[Entry], Look]

MOST_RESTARTS = 10_000
MOST_REREAD = 8
"""How often restarts may go through the whole file, taken together, and bytes on top for a small one."""
LEAST_REREAD = 4 * 1024 * 1024

_GLIMPSE = 64 * 1024
"""A longer key is not found."""
_CHUNK = 1024 * 1024
_HEAD = rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"[ \t\n\r]*+:[ \t\n\r]*+\{'
# A quote behind a backslash is part of a string, or the end of a key whose beginning is lost.
_OBJECT_KEY = re.compile(rb"(?<!\\)" + _HEAD)
_AGENT_KEY = re.compile(rb'"agent:[^":]+:')
_NEXT_MEMBER = re.compile(rb"[ \t\n\r,{]*+" + _HEAD)
_SEPARATORS = b'{}," \t\n\r'
SPACES = b" \t\n\r"


class ObjectEnd(Enum):
    """`WHOLE`: the object was closed and nothing followed. `CLOSED`: something did. `BROKEN`: it was not closed."""

    WHOLE = auto()
    CLOSED = auto()
    BROKEN = auto()


class Reading(Struct, frozen=True):
    """Members of one object. `reached` is the end of the last one, or where reading began; `fault` where it stopped.
    `closed`: a member behind these with which the file ends. One that lost a bracket takes the store's for its own,
    and with it every entry that follows."""

    table: EntryTable
    ending: ObjectEnd
    reached: int
    fault: int
    closed: Entry | None = None

    @property
    def settled(self) -> int:
        """Where to doubt it from: a quote too many or too few makes one string of what is between two keys."""
        at = self.reached
        for row in range(len(self.table) - 1, -1, -1):
            if self.table[row].valid:
                break
            at = self.table[row].start
        return at


class Piece(Struct, frozen=True):
    """Bytes `start` up to `stop` of a file. `framed`: the bracket that closes the store belongs behind them."""

    stream: BinaryIO
    start: int
    stop: int
    framed: bool = False

    def chunks(self, at: int) -> Iterator[bytes]:
        size = _GLIMPSE
        while at < self.stop and (chunk := self._bytes(at, size)):
            at, size = at + len(chunk), _CHUNK
            yield chunk
        if self.framed:
            yield b"}"

    def _bytes(self, at: int, count: int) -> bytes:
        self.stream.seek(at)
        return self.stream.read(min(count, self.stop - at))

    def read(self, at: int, main_key: str) -> Reading:
        """The members that follow each other from the key at `at` on."""
        table, reached = EntryTable(), at
        last: Entry | None = None
        ending, fault = ObjectEnd.WHOLE, self.stop
        try:
            for cut in cuts(Rest(b"{", at - 1, True), self.chunks(at)):
                if cut.end > self.stop:
                    # The bracket of the frame must not be what closes a torn entry.
                    ending = ObjectEnd.BROKEN
                    break
                if last is not None:
                    table.add(last)
                last, reached = as_entry(cut, main_key), cut.end
        except Illegal as illegal:
            fault = min(illegal.fault.offset, self.stop)
            ending = ObjectEnd.CLOSED if illegal.fault.kind is JsonFaultKind.SECOND_DOCUMENT else ObjectEnd.BROKEN
        if last is None:
            return Reading(table, ending, reached, fault)
        if ending is ObjectEnd.BROKEN and self._ends_at(reached):
            return Reading(table, ending, last.start, fault, last)
        table.add(last)
        return Reading(table, ending, reached, fault)

    def _ends_at(self, at: int) -> bool:
        return self.stop - at <= _GLIMPSE and not self._bytes(at, _GLIMPSE).strip(SPACES)

    def behind(self, last: Reading) -> int:
        """Where to look for the next key: inside the member in which reading broke off."""
        if last.ending is ObjectEnd.CLOSED:
            return last.fault
        head = _NEXT_MEMBER.match(self._bytes(last.reached, _GLIMPSE))
        inside = last.reached + head.end() if head else None
        return inside if inside is not None and inside <= last.fault else last.settled

    def next_key(self, at: int, fault: int) -> int | None:
        """Offset of the next key of an object, at or after `at`."""
        begin = max(self.start, at - 1)
        base, tail = begin, b""
        for chunk in self.chunks(begin):
            data = tail + chunk
            for found in _OBJECT_KEY.finditer(data, max(0, at - base)):
                key = base + found.start()
                # A quote that the reading before took for the end of a string may be just that.
                doubted = key == fault - 1 and key > self.start and data[found.start() - 1] not in _SEPARATORS
                if not doubted or _AGENT_KEY.match(data, found.start()):
                    return key
            tail = data[-_GLIMPSE:]
            base += len(data) - len(tail)
        return None


class Finds:
    """Collects the entries. `torn` counts the places where one began and was not whole; `doubtful` the members that
    may be entries and were not taken; `given_up` is where it was not worth to go on, None where all was read;
    `swallowed` that one with the marks of an entry was left because the member around it has none before it. With
    `evidence` only what the layout shows to be a row is taken."""

    def __init__(self, main_key: str, evidence: LayoutEvidence | None = None) -> None:
        self.main_key = main_key
        self.evidence = evidence
        self.table = EntryTable()
        self.kept = self.torn = self.doubtful = self.sure = 0
        self.given_up: int | None = None
        self.swallowed = False

    def add(self, entry: Entry) -> None:
        self.table.add(entry)
        self.kept += entry.bytes
        self.sure += look(entry) is Look.SURE

    def take(self, piece: Piece, first: Reading) -> None:
        """What `first` found, which began with the store or the piece, and everything behind it."""
        if first.ending is ObjectEnd.WHOLE:
            self.take_first(first)
            return
        if first.closed is None:
            self.take_first(first)
            self.take_up(piece, first)
            return
        inside = Finds(self.main_key, self.evidence)
        inside.take_up(piece, first)
        if inside.swallowed and not inside.sure and not marked(first.closed):
            # One row around another: either the outer key is no row's, or the inner one took the marks of the outer.
            self.take_first(first)
            self.doubtful += inside.doubtful
            return
        if not inside.sure:
            # The file ends right behind an entry.
            first.table.add(first.closed)
            self.take_first(first)
            if look(first.closed) is Look.NONE:
                self.doubtful += inside.doubtful
            return
        self.take_first(first)
        self.torn += inside.torn
        self.doubtful += inside.doubtful
        self.given_up = inside.given_up
        for entry in inside.table:
            self.add(entry)

    def take_first(self, reading: Reading) -> None:
        """A reading that began with the store: all of it up to the last that looks like an entry."""
        least = Look.SURE if reading.ending is ObjectEnd.CLOSED else Look.LIKELY
        whole = reading.ending is ObjectEnd.WHOLE
        self._take(reading.table, None, None if whole else lambda _: least)
        self.torn += not whole

    def take_up(self, piece: Piece, last: Reading) -> None:
        """Everything behind the reading `last`, which broke off."""
        left = MOST_REREAD * (piece.stop - piece.start) + LEAST_REREAD
        inside = at = piece.behind(last)
        fault = last.fault
        in_member = last.ending is ObjectEnd.CLOSED or inside > last.reached
        # Surely an entry, and the file ends with it: whole unless another is found in it.
        closed: Entry | None = None
        for _ in range(MOST_RESTARTS):
            key = piece.next_key(at, fault)
            if key is None:
                break
            if left < 0:
                self.given_up = at
                break
            reading = piece.read(key, self.main_key)
            if reading.ending is ObjectEnd.WHOLE:
                rows = self._without_part(piece, inside, fault, reading.table) if in_member else reading.table
                closed = None if self._take(rows, _behind(fault), None) else closed
                break
            if self._take(reading.table, _surely, _surely):
                closed = None
                self.torn += reading.ending is ObjectEnd.BROKEN
            if reading.closed is not None and look(reading.closed) is Look.SURE:
                closed = reading.closed
            if reading.ending is ObjectEnd.BROKEN:
                fault = max(fault, reading.fault)
            left -= reading.fault - key
            at = max(piece.behind(reading), key + 1)
        else:
            self.given_up = at
        if closed is not None and (self.evidence is None or self.evidence.is_row(closed)):
            self.add(closed)

    def _without_part(self, piece: Piece, inside: int, fault: int, table: EntryTable) -> EntryTable:
        """Without the first that is surely an entry, where the member around it has neither sessionId nor updatedAt
        before it: then it is a part of that member, lost its own bracket, and took those for its own. No part has a
        key that names an agent."""
        first = next((row for row, entry in enumerate(table) if marked(entry) or look(entry) is Look.SURE), None)
        if first is None or table[first].value_start >= fault or table[first].agent_id is not None:
            return table
        before = Piece(piece.stream, piece.start, table[first].start).read(inside, self.main_key).table
        if not {"sessionId", "updatedAt"}.isdisjoint(before.all_keys()):
            return table
        self.doubtful += look(table[first]) is not Look.NONE
        self.swallowed = self.swallowed or marked(table[first])
        left = EntryTable()
        for row in range(first + 1, len(table)):
            left.add(table[row])
        return left

    def _take(self, table: EntryTable, lead: Need | None, tail: Need | None) -> bool:
        """Rows from the first to the last that look as is needed; whether there were any. None needs nothing."""
        begin, end = 0, len(table)
        while lead and begin < end and look(entry := table[begin]) < lead(entry):
            self.doubtful += look(entry) is not Look.NONE
            begin += 1
        while tail and begin < end and look(entry := table[end - 1]) < tail(entry):
            self.doubtful += look(entry) is not Look.NONE
            end -= 1
        taken = False
        for row in range(begin, end):
            entry = table[row]
            if self.evidence is not None and not self.evidence.is_row(entry):
                self.doubtful += look(entry) is Look.SURE
                continue
            self.add(entry)
            taken = True
        return taken


def _surely(_entry: Entry) -> Look:
    return Look.SURE


def _behind(fault: int) -> Need:
    """Behind a fault, or with it between key and value, the end of the file vouches for the members; before it they
    were read as parts of another."""
    return lambda entry: Look.LIKELY if entry.value_start >= fault else Look.SURE
