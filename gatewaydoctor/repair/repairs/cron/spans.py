"""jobs.json and jobs-state.json as spans, for byte edits. JSON5 with comments cannot be edited like this."""

from __future__ import annotations

from typing import NamedTuple

from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.jsontext import grammar


class Span(NamedTuple):
    start: int
    end: int


def member_of(data: bytes, place: Span, *path: str) -> Span | None:
    """Where the value at this path of keys stands, the last of equal keys; None where it does not exist. Raises
    Illegal where the bytes at `place` are not JSON."""
    found: Span | None = place
    for key in path:
        found = found and members(data, found).get(key)
    return found


def members(data: bytes, place: Span) -> dict[str, Span]:
    """Where the value of each key of the object at `place` stands, the last of equal keys; nothing where it is no
    object. Raises Illegal where the bytes are not JSON."""
    return {
        decode.text(data[member.key_start : member.key_end]): Span(member.value_start, member.value_end)
        for member in grammar.members(data[slice(*place)], place.start)
    }


def elements(data: bytes, place: Span) -> list[Span]:
    """Where each element of the array at `place` stands, in one pass; none where it is not an array. Raises Illegal
    where the bytes are not JSON."""
    return [Span(*each) for each in grammar.elements(data[slice(*place)], place.start)]
