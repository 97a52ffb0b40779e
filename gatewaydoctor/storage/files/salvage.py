"""Find every whole entry in a damaged sessions.json, before and after the damage, in constant memory.

In the gateway's layout an entry is what is between two lines that begin with two spaces and a quote, for a raw
newline cannot be inside a JSON string: damage spoils the entries it touches and no other, however often it occurs.
Lines that do not hold just one entry, and other layouts, are taken up again as `resume` tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from gatewaydoctor.model.gateway.store import JsonFaultKind
from gatewaydoctor.storage.entries.table import EntryTable
from gatewaydoctor.storage.files.cut import LARGEST_ENTRY, Cut, Rest, cuts
from gatewaydoctor.storage.files.evidence import LayoutEvidence, Look, is_own_layout, look
from gatewaydoctor.storage.files.resync import SPACES, Finds, ObjectEnd, Piece, Reading
from gatewaydoctor.storage.files.sessions import as_entry
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.storage.entries import decode
    from gatewaydoctor.storage.files.sessions import FileSessions

CHUNK = 1024 * 1024

_LINE = re.compile(rb'\n  "')


class Salvage(Struct, frozen=True):
    """`table` holds the whole entries in file order. `torn` counts the places where an entry began and was not whole,
    `lost` the bytes of the file that belong to none, `doubtful` what may be an entry or a part of a damaged one and
    was not taken. `given_up` is the offset behind which nothing was looked for any more, None as a rule."""

    table: EntryTable
    torn: int
    lost: int
    doubtful: int = 0
    given_up: int | None = None


def salvage(stream: BinaryIO, sessions: FileSessions, main_key: str) -> Salvage:
    """Go through the rest of a damaged file. `sessions` are those before the damage. OSError passes through."""
    first = _first_reading(stream, sessions)
    if first.ending is ObjectEnd.WHOLE:
        return Salvage(sessions.table, 0, sessions.reading.bytes - sum(entry.bytes for entry in sessions.table))
    stream.seek(0)
    opening = stream.read(CHUNK)
    if sessions.reading.bytes <= CHUNK and not opening.strip(SPACES + b"{"):
        return Salvage(EntryTable(), 0, sessions.reading.bytes)
    finds = None
    evidence = LayoutEvidence(stream) if is_own_layout(opening) else None
    if evidence is not None or opening.startswith(b'{\n  "') or opening.lstrip(SPACES)[:1] != b"{":
        finds = _Lines(stream, sessions.reading.bytes, main_key, evidence).salvaged(first)
    if finds is None or (not finds.sure and evidence is None and not opening.startswith(b'{\n  "')):
        if opening.lstrip(SPACES)[:1] != b"{":
            # Its front is lost: what was read at first is not an object, let alone the store.
            first = Reading(EntryTable(), ObjectEnd.BROKEN, 0, 0)
        finds = Finds(main_key)
        finds.take(Piece(stream, 0, sessions.reading.bytes), first)
    return Salvage(finds.table, finds.torn, sessions.reading.bytes - finds.kept, finds.doubtful, finds.given_up)


def _first_reading(stream: BinaryIO, sessions: FileSessions) -> Reading:
    fault, reached = sessions.reading.fault, sessions.reading.last_good_end
    if fault is None:
        return Reading(sessions.table, ObjectEnd.WHOLE, reached, sessions.reading.bytes)
    if fault.kind is JsonFaultKind.CUT_SHORT and len(sessions.table):
        stream.seek(reached)
        if not stream.read(CHUNK).strip(SPACES):
            rows = EntryTable()
            for row in range(len(sessions.table) - 1):
                rows.add(sessions.table[row])
            last = sessions.table[len(rows)]
            return Reading(rows, ObjectEnd.BROKEN, last.start, fault.offset, last)
    ending = ObjectEnd.CLOSED if fault.kind is JsonFaultKind.SECOND_DOCUMENT else ObjectEnd.BROKEN
    return Reading(sessions.table, ending, reached, fault.offset)


class _Lines:
    """The entries of a store in the gateway's layout, line by line."""

    def __init__(self, stream: BinaryIO, size: int, main_key: str, evidence: LayoutEvidence | None) -> None:
        self._stream = stream
        self._size = size
        self._finds = Finds(main_key, evidence)
        self._trusted = False
        self._waiting: list[Entry] = []

    def salvaged(self, first: Reading) -> Finds:
        self._finds.take_first(first)
        # Each torn line counts for itself.
        self._finds.torn = 0
        begin = first.reached
        for start, stop, line in self._lines(begin):
            cut = line if isinstance(line, Cut) else _entry(line, start)
            if cut is not None:
                self._add(as_entry(cut, self._finds.main_key))
                continue
            self._trusted = False
            self._waiting.clear()
            self._take_apart(start, stop, torn=start > begin)
        return self._finds

    def _add(self, entry: Entry) -> None:
        """Blocks of another file may be in the damaged place: next to it only what looks like an entry counts."""
        if look(entry) is Look.NONE:
            self._waiting.append(entry)
            return
        for each in self._waiting if self._trusted else ():
            self._finds.add(each)
        self._waiting.clear()
        self._trusted = True
        self._finds.add(entry)

    def _take_apart(self, start: int, stop: int, *, torn: bool) -> None:
        """A line that is not one entry: the line before its end may be lost, or something in the middle of it."""
        piece = Piece(self._stream, start, stop, framed=True)
        if not torn:
            self._finds.take_up(piece, Reading(EntryTable(), ObjectEnd.CLOSED, start, start))
            return
        self._finds.take(piece, piece.read(start, self._finds.main_key))

    def _lines(self, begin: int) -> Iterator[tuple[int, int, bytes | Cut]]:
        """Where each line begins and ends, from that of `begin` on, and its bytes; of one too large to hold, the
        entry that it begins with."""
        buffer, base = b"", begin
        large: _Large | None = None
        start = 0
        for chunk in Piece(self._stream, begin, self._size).chunks(begin):
            buffer += chunk
            for bound in _LINE.finditer(buffer):
                stop = bound.start()
                if large is not None:
                    yield large.start, base + stop, large.end(buffer[:stop])
                    large = None
                else:
                    line = buffer[start:stop].removesuffix(b",")
                    yield base + start, base + start + len(line), line
                start = bound.end() - 1
            keep = start if large is None else max(0, len(buffer) - 3)
            if large is not None:
                large.feed(buffer[:keep])
            elif len(buffer) - keep > LARGEST_ENTRY:
                large = _Large(base + start, buffer[start : start + CHUNK])
                keep = len(buffer) - 3
                large.feed(buffer[start:keep])
            base += keep
            start = 0
            buffer = buffer[keep:]
        if large is not None:
            yield large.start, self._size, large.end(buffer)
            return
        line = buffer.rstrip(SPACES).removesuffix(b"\n}")
        yield base, base + len(line), line


def _entry(line: bytes, offset: int) -> Cut | None:
    """The entry that this line is, if it is just that."""
    framed = Rest(b"".join((b"{\n  ", line, b"\n}")), offset - 4, True)
    found = cuts(framed, iter(()))
    try:
        cut = next(found, None)
        # The brace put around it must not be what closes a torn entry.
        return cut if cut is not None and cut.end == offset + len(line) and next(found, None) is None else None
    except Illegal:
        return None


class _Large:
    """An entry too large to hold: only its key and its span are found."""

    def __init__(self, start: int, head: bytes) -> None:
        self.start = start
        self._found: list[Member] = []
        self._head = head
        self._automaton: Automaton | None = Automaton.inside_object(self._found.append, start, first=True)

    def feed(self, data: bytes) -> None:
        if self._automaton is None or self._found:
            return
        try:
            self._automaton.feed(data)
        except Illegal:
            self._automaton = None

    def end(self, data: bytes) -> Cut | bytes:
        self.feed(data)
        if not self._found:
            return b""
        member = self._found[0]
        key = memoryview(self._head)[: member.key_end - member.key_start]
        fields: decode.Fields | None = {} if self._head[member.value_start - self.start] == 0x7B else None
        return Cut(key, key[:0], member.key_start, member.value_start, member.value_end, fields, True)
