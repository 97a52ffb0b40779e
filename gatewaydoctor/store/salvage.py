"""Find every whole entry in a damaged sessions.json, before and after the damage, in constant memory.

In the gateway's layout an entry is what stands between two lines that begin with two spaces and a quote, for a raw
newline cannot stand inside a JSON string: damage spoils the entries it touches and no other. In other layouts reading
starts again at the next key that looks like a session's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.model.store import Layout
from gatewaydoctor.store import decode
from gatewaydoctor.store.cut import LARGEST_ENTRY, Cut, Rest, cuts
from gatewaydoctor.store.grammar import Automaton, Illegal, Member
from gatewaydoctor.store.table import EntryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.model.store import Verdict

CHUNK = 1024 * 1024
MOST_RESTARTS = 10_000
"""Of reading in layouts other than the gateway's; each may go through the rest of the file."""

_LINE = re.compile(rb'\n  "')
_SESSION_KEY = re.compile(rb'[,{][ \t\n\r]*+"(?=agent:)')
_LONGEST_GAP = 256
_BARE_KEYS = frozenset({"main", "global", "unknown"})


@dataclass(frozen=True, slots=True)
class Salvage:
    """`table` holds the whole entries in file order. `torn` counts the places where an entry began and was not whole,
    `lost` the bytes of the file that belong to none."""

    table: EntryTable
    torn: int
    lost: int


def salvage(
    stream: BinaryIO, verdict: Verdict, main_key: str, advance: Callable[[int], None] | None = None
) -> Salvage:
    """Go through the whole file, which `verdict` calls damaged. OSError passes through."""
    lines = verdict.layout is Layout.CANONICAL or verdict.entries == 0
    found = _gather(_by_lines(_chunks(stream, 0, advance)), main_key) if lines else None
    if found is None or not (len(found[0]) or (found[1] and _begins_as_written(stream))):
        # No line holds a whole entry, and the file does not begin as the gateway begins one.
        found = _gather(_by_keys(stream, advance), main_key)
    table, torn, kept = found
    return Salvage(table, torn, verdict.bytes - kept)


def _begins_as_written(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(5) == b'{\n  "'


def _chunks(stream: BinaryIO, offset: int, advance: Callable[[int], None] | None) -> Iterator[bytes]:
    stream.seek(offset)
    while chunk := stream.read(CHUNK):
        if advance is not None:
            advance(len(chunk))
        yield chunk


def _gather(found: Iterator[Cut | None], main_key: str) -> tuple[EntryTable, int, int]:
    table, torn, kept = EntryTable(), 0, 0
    for cut in found:
        if cut is None:
            torn += 1
            continue
        key = decode.text(cut.key)
        entry = decode.entry(key, cut.start, cut.value_start, cut.end, cut.fields, main_key)
        if _is_session(key, cut):
            table.add(entry)
            kept += cut.end - cut.start
    return table, torn, kept


def _is_session(key: str, cut: Cut) -> bool:
    """Blocks of another file may stand in the damaged place: a member counts only if it looks like a session."""
    if cut.unread:
        return True
    if cut.fields is None:
        return False
    return ":" in key or key in _BARE_KEYS or "sessionId" in cut.fields or "updatedAt" in cut.fields


def _by_lines(chunks: Iterator[bytes]) -> Iterator[Cut | None]:
    """Every entry line of the gateway's layout, None for one that is not whole."""
    buffer, base = b"", 0
    inside = False
    large: _Large | None = None
    for chunk in chunks:
        buffer += chunk
        start = 0
        for bound in _LINE.finditer(buffer):
            if large is not None:
                yield large.end(buffer[: bound.start()])
                large = None
            elif inside:
                yield _entry(buffer[start : bound.start()], base + start)
            inside, start = True, bound.end() - 1
        keep = start if inside and large is None else max(0, len(buffer) - 3)
        if large is not None:
            large.feed(buffer[:keep])
        elif len(buffer) - keep > LARGEST_ENTRY:
            large = _Large(base + start, buffer[start : start + CHUNK])
            keep = len(buffer) - 3
            large.feed(buffer[start:keep])
        base += keep
        buffer = buffer[keep:]
    if large is not None:
        yield large.end(buffer)
    elif inside:
        yield _entry(buffer, base)


def _entry(line: bytes, offset: int) -> Cut | None:
    """The entry that begins with this line; what follows it there, a comma or damage, is not looked at."""
    body = line[:-1] if line.endswith(b",") else line
    framed = Rest(b"".join((b"{\n  ", body, b"\n}")), offset - 4, True)
    try:
        cut = next(cuts(framed, iter(())), None)
    except Illegal:
        return None
    # The brace put around it must not be what closes a torn entry.
    return cut if cut is not None and cut.end <= offset + len(body) else None


class _Large:
    """An entry too large to hold: only its key and its span are found."""

    def __init__(self, offset: int, head: bytes) -> None:
        self._found: list[Member] = []
        self._head = head
        self._automaton: Automaton | None = Automaton.inside_object(self._found.append, offset, first=True)

    def feed(self, data: bytes) -> None:
        if self._automaton is None or self._found:
            return
        try:
            self._automaton.feed(data)
        except Illegal:
            self._automaton = None

    def end(self, data: bytes) -> Cut | None:
        self.feed(data)
        if not self._found:
            return None
        member = self._found[0]
        key = memoryview(self._head)[: member.key_end - member.key_start]
        return Cut(key, key[:0], member.key_start, member.value_start, member.value_end, None, True)


def _by_keys(stream: BinaryIO, advance: Callable[[int], None] | None) -> Iterator[Cut | None]:
    """Every entry of a store in another layout, None for each place where reading had to start again."""
    stream.seek(0)
    start: int | None = 0 if stream.read(CHUNK).lstrip()[:1] == b"{" else _next_key(stream, 0)
    for _ in range(MOST_RESTARTS):
        if start is None:
            return
        opened = b"{" if start else b""
        reached = start + 1
        try:
            for cut in cuts(Rest(opened, start - len(opened), True), _chunks(stream, start, advance)):
                reached = cut.end
                yield cut
        except Illegal:
            yield None
        else:
            return
        start = _next_key(stream, reached)


def _next_key(stream: BinaryIO, offset: int) -> int | None:
    """Where the next key of a session begins, its quote, at or after `offset`."""
    tail = b""
    for chunk in _chunks(stream, offset, None):
        data = tail + chunk
        if found := _SESSION_KEY.search(data):
            return offset - len(tail) + found.end() - 1
        tail = data[-_LONGEST_GAP:]
        offset += len(chunk)
    return None
