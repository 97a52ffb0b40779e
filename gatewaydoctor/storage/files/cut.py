"""Cut a stream of sessions.json bytes at its entries, without holding more than one of them.

Three cutters, each handing what it cannot cut to the next:
`_canonical` cuts at the lines the gateway writes: a raw newline cannot be inside a JSON string, so a line of two
spaces and a quote opens an entry or, in another layout, proves to be no entry as soon as its bytes are decoded.
`_general` pushes the bytes through ijson in slices that end at closing braces; a slice after which ijson reports a
finished pair was a real cut. `_exact` lets the automaton decide byte by byte: it alone names faults.
"""

from __future__ import annotations

import codecs
import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.storage.files import decode
from gatewaydoctor.storage.files.boundaries import CLOSES, Judge
from gatewaydoctor.storage.files.grammar import Automaton, Illegal, Member

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

LARGEST_ENTRY = 16 * 1024 * 1024
"""An entry of more bytes is counted but not looked into, so that memory stays bounded on any input."""

_SLICE = 1024 * 1024
_BOUNDARY = re.compile(rb'\n  "')
_CANONICAL_KEY = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+": (?=[^ \t\n\r])')
_BEFORE_KEY = re.compile(rb"[ \t\n\r]*+[{,]?[ \t\n\r]*+")
_KEY = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+")
_BRACE = re.compile(rb"\}")
_DELIMITER = re.compile(rb"[,\]}]")
_END = re.compile(rb"[ \t\n\r]*+\{?[ \t\n\r]*+\}[ \t\n\r]*+")
_FOREIGN_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SPACES = b" \t\n\r"


class Cut(NamedTuple):
    """One entry. `key` (with its quotes) and `value` are bytes of the file, valid until the next cut is asked for;
    offsets count from the start of the file, `end` is exclusive. `fields` is None where the value is not an object.
    Of an entry over LARGEST_ENTRY nothing is known but that: `value` and `fields` are empty. `own_line` says that the
    entry stands as the gateway lays entries out."""

    key: memoryview
    value: memoryview
    start: int
    value_start: int
    end: int
    fields: decode.Fields | None
    own_line: bool

    @property
    def unread(self) -> bool:
        """Whether it was too large to be looked into."""
        return self.end - self.value_start > LARGEST_ENTRY and not self.value


class Rest(NamedTuple):
    """Bytes not cut yet, at file offset `offset`. They begin with the document where `first`, else they directly
    follow an entry."""

    data: bytes
    offset: int
    first: bool


def cuts(rest: Rest, chunks: Iterable[bytes]) -> Iterator[Cut]:
    """Every entry of the store in file order. Raises Illegal, with the fault's offset in the file, after the whole
    entries before it. The document's first byte that is not a white space must be `{`."""
    stream = iter(chunks)
    left: Rest | None = rest
    if rest.data.startswith(b'{\n  "'):
        left = yield from _canonical(rest, stream)
    if left is not None:
        left = yield from _general(left, stream)
    if left is not None:
        yield from _exact(left, stream)


def _canonical(rest: Rest, chunks: Iterator[bytes]) -> Generator[Cut, None, Rest | None]:
    buffer, base = rest.data, rest.offset
    after, start = 0, 4
    while True:
        view = memoryview(buffer)
        for bound in _BOUNDARY.finditer(buffer, start):
            stop = bound.start() - 1
            cut = _entry_line(view[start:stop], base + start) if view[stop] == 0x2C else None
            if cut is None:
                return Rest(buffer[after:], base + after, base + after == rest.offset)
            yield cut
            after, start = stop, bound.end() - 1
        chunk = next(chunks, b"") if len(buffer) - after <= LARGEST_ENTRY else b""
        if not chunk:
            break
        buffer = b"".join((view[after:], chunk))
        base += after
        after, start = 0, start - after
    last = _last_line(view[start:], base + start)
    if last is None:
        return Rest(buffer[after:], base + after, base + after == rest.offset)
    yield last
    return None


def _entry_line(line: memoryview, offset: int) -> Cut | None:
    """`"key": value` as the gateway writes it, or None where these bytes are not just that."""
    key = _CANONICAL_KEY.match(line)
    if key is None or line[-1] in _SPACES:
        return None
    value_start = key.end()
    value = line[value_start:]
    literal = line[: value_start - 2]
    try:
        found = decode.fields(value)
        decode.check_string(literal)
    except Illegal:
        return None
    return Cut(literal, value, offset, offset + value_start, offset + len(line), found, True)


def _last_line(tail: memoryview, offset: int) -> Cut | None:
    body = bytes(tail).rstrip(_SPACES)
    if not body.endswith(b"\n}"):
        return None
    return _entry_line(memoryview(body[:-2]), offset)


def _general(rest: Rest, chunks: Iterator[bytes]) -> Generator[Cut, None, Rest | None]:
    judge = Judge(inside=not rest.first)
    to_text = codecs.getincrementaldecoder("utf-8")("replace").decode
    region, after, first = bytearray(), rest.offset, rest.first
    for chunk in chain(_sliced(rest.data), chunks):
        position = 0
        legal = _FOREIGN_CONTROL.search(chunk)
        for stop in _stops(_BRACE, chunk, legal.start() if legal else len(chunk)):
            piece = chunk[position:stop]
            position = stop
            region += piece
            if not judge.push(to_text(piece).encode()) or len(region) > LARGEST_ENTRY:
                return Rest(bytes(region) + chunk[position:], after, first)
            if not judge.ended:
                continue
            done = 0
            try:
                for cut in _in_region(bytes(region), after, judge, first=first):
                    yield cut
                    done = cut.end - after
                    first = False
            except Illegal:
                # A scalar has ended on a byte that cannot follow it; ijson would say so at its next one.
                return Rest(bytes(region[done:]) + chunk[position:], after + done, first)
            judge.ended.clear()
            after += done
            del region[:done]
        if legal:
            return Rest(bytes(region) + chunk[position:], after, first)
    # ijson lets an unfinished token behind the document pass, so what is left is examined here too.
    whole = judge.close() and _END.fullmatch(region)
    return None if whole else Rest(bytes(region), after, first)


def _stops(pattern: re.Pattern[bytes], data: bytes, size: int) -> Iterator[int]:
    stop = 0
    for found in pattern.finditer(data, 0, size):
        stop = found.end()
        yield stop
    if stop < size:
        yield size


def _in_region(region: bytes, offset: int, judge: Judge, *, first: bool) -> Iterator[Cut]:
    """The entries that end in a region which begins where the last entry ended."""
    if judge.ended == ["end_map"]:
        # The usual case: a slice holds one closing brace, its last byte, and this one closed the entry.
        yield _cut(region, 0, len(region), offset)
        return
    # Values that are not objects end without a brace: cut again at every delimiter.
    fine = Judge(inside=not first)
    begin = position = 0
    for stop in _stops(_DELIMITER, region, len(region)):
        # ijson has taken these bytes once, so it cannot refuse them now.
        fine.push(region[position:stop].decode("utf-8", "replace").encode())
        position = stop
        if not fine.ended:
            continue
        end = stop if fine.ended[0] in CLOSES else _scalar_end(region, begin, stop)
        fine.ended.clear()
        yield _cut(region, begin, end, offset)
        begin = end


def _scalar_end(region: bytes, begin: int, stop: int) -> int:
    text = region[begin:stop]
    # The slice ends with the delimiter that told ijson the scalar was over, or with the scalar itself.
    if text[-1:] in (b",", b"}", b"]"):
        text = text[:-1]
    return begin + len(text.rstrip(_SPACES))


def _cut(region: bytes, begin: int, end: int, offset: int) -> Cut:
    """The member in region[begin:end], which may begin with what separates it from the one before."""
    lead = _BEFORE_KEY.match(region, begin)
    start = lead.end() if lead else begin
    key = _KEY.match(region, start)
    key_end = key.end() if key else start
    colon = _COLON.match(region, key_end)
    value_start = colon.end() if colon else key_end
    view = memoryview(region)
    value = view[value_start:end]
    own_line = region[begin:start] in (b",\n  ", b"{\n  ") and region[key_end:value_start] == b": "
    return Cut(
        view[start:key_end],
        value,
        offset + start,
        offset + value_start,
        offset + end,
        decode.fields(value, offset + value_start),
        own_line,
    )


def _exact(rest: Rest, chunks: Iterator[bytes]) -> Iterator[Cut]:
    found: list[Member] = []
    automaton = (
        Automaton(found.append, rest.offset)
        if rest.first
        else Automaton.inside_object(found.append, rest.offset, first=False)
    )
    region, after, fed = bytearray(), rest.offset, rest.offset
    for chunk in chain(_sliced(rest.data), chunks):
        if len(region) <= LARGEST_ENTRY:
            region += chunk
        fed += len(chunk)
        fault: Illegal | None = None
        try:
            automaton.feed(chunk)
        except Illegal as illegal:
            fault = illegal
        for member in found:
            yield _member_cut(bytes(region), after, member)
            unread = fed - member.value_end
            # What follows the member is in this chunk, even where the member was too large to keep.
            region, after = bytearray(chunk[len(chunk) - unread :] if unread else b""), member.value_end
        found.clear()
        if fault is not None:
            raise fault
    automaton.finish()


def _member_cut(region: bytes, after: int, member: Member) -> Cut:
    view = memoryview(region)
    key = view[member.key_start - after : member.key_end - after]
    value = view[member.value_start - after : member.value_end - after]
    whole = member.value_end - after <= len(region)
    lead = region[: member.key_start - after]
    own_line = lead in (b",\n  ", b"{\n  ") and member.value_start - member.key_end == 2
    return Cut(
        key,
        value if whole else view[:0],
        member.key_start,
        member.value_start,
        member.value_end,
        decode.fields(value) if whole else _unread(value),
        own_line,
    )


def _unread(beginning: memoryview) -> decode.Fields | None:
    """No fields for an object that was not kept, None for any other value."""
    return {} if beginning[:1].tobytes() == b"{" else None


def _sliced(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _SLICE] for at in range(0, len(data), _SLICE))
