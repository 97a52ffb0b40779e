"""Cut a stream of sessions.json bytes at its entries, without holding more than one of them.

Three readers take turns, each from the end of the last entry on (docs/speed.md says which takes what, and why):
`_regular` guesses from what is before an entry where it ends, and proves it: the bytes up to there have to decode as
one key and one whole value, and JSON read from a known place has only one reading. It takes any layout that is
the same from entry to entry, as the gateway's is.
`_judged` lets ijson find the end of an entry where the guess fails, pushing slices that end at closing braces; a
slice after which ijson reports a finished pair was a real cut.
`_exact` lets the automaton decide byte by byte where ijson refuses: it alone names faults.
"""

from __future__ import annotations

import codecs
import re
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.model.regex import regex
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.files.window import Window
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal, Member

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from gatewaydoctor.storage.files.boundaries import IjsonBoundaries

LARGEST_ENTRY = 16 * 1024 * 1024
"""An entry of more bytes is counted but not looked into, so that memory stays bounded on any input."""

_SLICE = 256 * 1024
_MOST_AT_A_TIME = 1024
_FAR = 1024 * 1024
_LONGEST_KEY = 64 * 1024
"""A key that has no end within this many bytes is left to ijson."""

# What is before an entry's key, the key, and the colon; the value follows.
_MEMBER = regex(
    rb"([ \t\n\r]*+)([{,])([ \t\n\r]*+)"
    rb'("(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+")([ \t\n\r]*+:[ \t\n\r]*+)(?=[^ \t\n\r])'
)
_BEFORE_KEY = regex(rb"[ \t\n\r]*+[{,]?[ \t\n\r]*+")
_KEY = regex(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_COLON = regex(rb"[ \t\n\r]*+:[ \t\n\r]*+")
_DELIMITER = regex(rb"[,\]}]")
_END = regex(rb"[ \t\n\r]*+\{?[ \t\n\r]*+\}[ \t\n\r]*+")
_FOREIGN_CONTROL = regex(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SPACES = b" \t\n\r"
_OWN_LINES = (b",\n  ", b"{\n  ")


class _Stop(Enum):
    """Why a reader hands over: the document has ended, the next entry is not for this reader, or, of ijson, it took
    as many entries as it was to take."""

    ENDED = auto()
    NOT_MINE = auto()
    TAKEN = auto()


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
    window = Window(rest.data, rest.offset, iter(chunks))
    first, most = rest.first, 1
    guess = _Guess()
    while True:
        before = window.offset
        if (yield from _regular(window, guess, first=first)) is _Stop.ENDED:
            return
        if window.offset > before:
            first, most = False, 1
        # Where no guess comes true, ever more entries are left to ijson before the next guess.
        before = window.offset
        stop = yield from _judged(window, most, first=first)
        most = min(2 * most, _MOST_AT_A_TIME)
        if stop is _Stop.NOT_MINE:
            stop = yield from _exact(window, first=first and window.offset == before)
        if stop is _Stop.ENDED:
            return
        first = first and window.offset == before


def _regular(window: Window, guess: _Guess, *, first: bool) -> Generator[Cut, None, _Stop]:
    """Entries for as long as each ends where the bytes come again that were before its own key."""
    searched, at_end = 0, False
    while True:
        member = _MEMBER.match(window.data, window.at)
        if member is None:
            if at_end or window.pending > _LONGEST_KEY:
                return _Stop.NOT_MINE
            at_end = not window.more()
            continue
        if (member[2] == b"{") is not first or not guess.follows(window, member, first=first):
            return _Stop.NOT_MINE
        stop = window.data.find(guess.separator, max(member.end(), window.at + searched))
        if stop < 0 and not at_end:
            if window.pending > _FAR and guess.widen():
                searched = 0
            elif window.pending > LARGEST_ENTRY:
                return _Stop.NOT_MINE
            else:
                searched = max(0, window.pending - len(guess.separator))
                at_end = not window.more()
            continue
        cut = _proven(window, member, stop + guess.closing if stop >= 0 else _end_of_last(window.data))
        if cut is None:
            if not guess.widen():
                return _Stop.NOT_MINE
            searched = 0
            continue
        window.take(cut.end)
        yield cut
        if stop < 0:
            return _Stop.ENDED
        searched, first = 0, False


class _Guess:
    """What is between an entry and the next if both are laid out alike: `separator`, whose first `closing` bytes
    belong to the entry. It ends with the beginning of the key, agent:, which is found faster than a quote. On lines
    of their own entries are found without it, too."""

    def __init__(self) -> None:
        self.separator = b""
        self.closing = 0
        self._any_key = False

    def follows(self, window: Window, member: re.Match[bytes], *, first: bool) -> bool:
        """Guess from what is before this entry; False where it would be found everywhere."""
        if self.separator and window.data.startswith(self.separator[self.closing :], window.at):
            return True
        before, after = b"" if first else member[1], member[3]
        word, colon, _ = member[4].partition(b":")
        # No string holds a raw newline, so within one layout these lines are before keys of entries and nowhere else.
        lines = b"\n" in before or b"\n" in after
        if not (lines or colon):
            return False
        self.closing = 0 if lines else 1
        key = b'"' if lines and (self._any_key or not colon) else word + colon
        self.separator = b"".join((b"}"[: self.closing], before, b",", after, key))
        return True

    def widen(self) -> bool:
        """Whether there is a guess that does without the beginning of the key; from now on it is made."""
        if self.closing or self._any_key:
            return False
        self._any_key, self.separator = True, b""
        return True


def _end_of_last(data: bytes) -> int:
    """Where the document's last entry ends, if it is the last; 0 where the document does not end."""
    body = data.rstrip(_SPACES)
    return len(body[:-1].rstrip(_SPACES)) if body.endswith(b"}") else 0


def _proven(window: Window, member: re.Match[bytes], end: int) -> Cut | None:
    """The entry, if the bytes up to `end` are one whole value."""
    view, base = memoryview(window.data), window.offset - window.at
    key_start, key_end, value_start = member.start(4), member.end(4), member.end()
    value = view[value_start:end]
    if not 0 < len(value) <= LARGEST_ENTRY or value[-1] in _SPACES:
        return None
    literal = view[key_start:key_end]
    try:
        found = decode.fields(value)
        if window.data.find(b"\\", key_start, key_end) >= 0:
            decode.check_string(literal)
    except Illegal:
        return None
    own_line = window.data[window.at : key_start] in _OWN_LINES and member[5] == b": "
    return Cut(literal, value, base + key_start, base + value_start, base + end, found, own_line)


def _judged(window: Window, most: int, *, first: bool) -> Generator[Cut, None, _Stop]:
    """Up to `most` entries, or some more that end together, as ijson finds their ends."""
    if window.pending > LARGEST_ENTRY:
        return _Stop.NOT_MINE
    from gatewaydoctor.storage.files.boundaries import IjsonBoundaries  # loads ijson, which few files need

    judge = IjsonBoundaries(inside=not first)
    to_text = codecs.getincrementaldecoder("utf-8")("replace").decode
    fed = taken = 0
    while taken < most:
        if fed == window.pending and not window.more():
            # ijson lets an unfinished token behind the document pass, so what is left is examined here too.
            whole = judge.close() and _END.fullmatch(window.data, window.at)
            return _Stop.ENDED if whole else _Stop.NOT_MINE
        begin = window.at + fed
        stop = window.data.find(b"}", begin) + 1 or len(window.data)
        piece = window.data[begin:stop]
        fed += len(piece)
        if fed > LARGEST_ENTRY or _FOREIGN_CONTROL.search(piece) or not judge.push(to_text(piece).encode()):
            return _Stop.NOT_MINE
        if not judge.ended:
            continue
        try:
            for cut in _in_region(window.data[window.at : stop], window.offset, judge, first=first):
                window.take(cut.end)
                yield cut
                taken, first = taken + 1, False
        except Illegal:
            # A scalar has ended on a byte that cannot follow it; ijson would say so at its next one.
            return _Stop.NOT_MINE
        judge.ended.clear()
        fed = stop - window.at
    return _Stop.TAKEN


def _stops(pattern: re.Pattern[bytes], data: bytes, size: int) -> Iterator[int]:
    stop = 0
    for found in pattern.finditer(data, 0, size):
        stop = found.end()
        yield stop
    if stop < size:
        yield size


def _in_region(region: bytes, offset: int, judge: IjsonBoundaries, *, first: bool) -> Iterator[Cut]:
    """The entries that end in a region which begins where the last entry ended."""
    if judge.ended == ["end_map"]:
        # The usual case: a slice holds one closing brace, its last byte, and this one closed the entry.
        yield _cut(region, 0, len(region), offset)
        return
    from gatewaydoctor.storage.files.boundaries import CLOSES, IjsonBoundaries

    # Values that are not objects end without a brace: cut again at every delimiter.
    fine = IjsonBoundaries(inside=not first)
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
    own_line = region[begin:start] in _OWN_LINES and region[key_end:value_start] == b": "
    return Cut(
        view[start:key_end],
        value,
        offset + start,
        offset + value_start,
        offset + end,
        decode.fields(value, offset + value_start),
        own_line,
    )


def _exact(window: Window, *, first: bool) -> Generator[Cut, None, _Stop]:
    """The next entries, at least one, or the end of the document. Raises Illegal."""
    found: list[Member] = []
    automaton = (
        Automaton(found.append, window.offset)
        if first
        else Automaton.inside_object(found.append, window.offset, first=False)
    )
    after, fed = window.offset, 0
    beginning: bytes | None = None
    while True:
        if fed == window.pending:
            if fed > LARGEST_ENTRY or beginning is not None:
                # Too large to be held: only its end is looked for.
                beginning = beginning or window.data[window.at :]
                window.at, fed = len(window.data), 0
            if not window.more():
                automaton.finish()
                return _Stop.ENDED
        at = window.at + fed
        piece = window.data[at : at + _SLICE]
        fed += len(piece)
        fault: Illegal | None = None
        try:
            automaton.feed(piece)
        except Illegal as illegal:
            fault = illegal
        for member in found:
            yield _member_cut(window.data[window.at :] if beginning is None else beginning, after, member)
            after, beginning = member.value_end, None
            window.take(after)
        if found:
            # Where a fault follows in the same bytes, it is found again from the last entry on.
            return _Stop.TAKEN
        if fault is not None:
            raise fault


def _member_cut(region: bytes, after: int, member: Member) -> Cut:
    view = memoryview(region)
    key = view[member.key_start - after : member.key_end - after]
    value = view[member.value_start - after : member.value_end - after]
    whole = member.value_end - after <= len(region) and member.value_end - member.value_start <= LARGEST_ENTRY
    lead = region[: member.key_start - after]
    own_line = lead in _OWN_LINES and member.value_start - member.key_end == 2
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
