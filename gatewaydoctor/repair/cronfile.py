"""jobs.json and jobs-state.json as spans, for byte edits. JSON5 with comments cannot be edited like this."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.model.store import FaultKind
from gatewaydoctor.store import decode
from gatewaydoctor.store.grammar import Automaton, Illegal, members

if TYPE_CHECKING:
    from gatewaydoctor.store.grammar import Member

_SPACES = b" \t\n\r"


class Span(NamedTuple):
    start: int
    end: int


def member_of(data: bytes, place: Span, *path: str) -> Span | None:
    """Where the value at this path of keys stands, the last of equal keys; None where it does not exist. Raises
    Illegal where the bytes at `place` are no JSON."""
    for key in path:
        found = [
            member for member in _members(data, place) if decode.text(data[member.key_start : member.key_end]) == key
        ]
        if not found:
            return None
        place = Span(found[-1].value_start, found[-1].value_end)
    return place


def _members(data: bytes, place: Span) -> list[Member]:
    return members(data[place.start : place.end], place.start)


def elements(data: bytes, place: Span) -> list[Span]:
    """Where each element of the array at `place` stands. Raises Illegal where it is no array."""
    found: list[Span] = []
    position = _skip(data, place.start + 1)
    while position < place.end and data[position] != 0x5D:
        end = _value_end(data, position)
        found.append(Span(position, end))
        position = _skip(data, end)
        if data[position : position + 1] == b",":
            position = _skip(data, position + 1)
    return found


def _value_end(data: bytes, start: int) -> int:
    """Where the value that begins at `start` ends: before the first byte that cannot follow a whole document."""
    automaton = Automaton(start=start)
    try:
        automaton.feed(data[start:])
        automaton.finish()
    except Illegal as illegal:
        if illegal.fault.kind is not FaultKind.SECOND_DOCUMENT:
            raise
        return start + len(data[start : illegal.fault.offset].rstrip(_SPACES))
    return start + len(data[start:].rstrip(_SPACES))


def _skip(data: bytes, position: int) -> int:
    return position + len(data[position:]) - len(data[position:].lstrip(_SPACES))
