"""Change fields of one entry and nothing else: not the spelling, order or spacing of what surrounds them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.jsontext.grammar import Illegal, Member, members

Edits = Mapping[str, bytes | None]
"""Field name -> the JSON bytes of its new value, or None to remove the field."""

Piece = tuple[int, int] | bytes
"""A range of the entry's own bytes (end exclusive), or new bytes."""

_FIELD = re.compile(rb'\n    "')
_KEY = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+": ')
_GAP, _COLON = b",\n    ", b": "


def edit(value: bytes, edits: Edits) -> tuple[Piece, ...]:
    """The object `value` with these fields set or removed, as pieces in order. Of a field that stands twice the last
    one is set, for that is the one the gateway reads; removing takes all. New fields come last, spaced like the
    others. Raises Illegal where `value` is not JSON."""
    found = field_spans(value)
    return tuple(_joined(_pieces(value, found, edits)))


def _pieces(value: bytes, found: list[Member], edits: Edits) -> Iterator[Piece]:
    names = [decode.text(value[member.key_start : member.key_end]) for member in found]
    last = {name: index for index, name in enumerate(names)}
    kept = [index for index, name in enumerate(names) if edits.get(name, b"") is not None]
    new = [(name, raw) for name, raw in edits.items() if raw is not None and name not in last]
    if not found and not new:
        yield 0, len(value)
        return
    yield (0, found[0].key_start) if found else b"{\n    "
    for index in kept:
        member, raw = found[index], edits.get(names[index])
        if index != kept[0]:
            # The gap before a member is its own, also where the member before it goes.
            yield found[index - 1].value_end, member.key_start
        if raw is not None and index == last[names[index]]:
            yield member.key_start, member.value_start
            yield raw
        else:
            yield member.key_start, member.value_end
    for number, (name, raw) in enumerate(new):
        yield _gap(value, found) if kept or number else b""
        yield json.dumps(name).encode() + _colon(value, found) + raw
    yield (found[-1].value_end, len(value)) if found else b"\n  }"


def _gap(value: bytes, found: list[Member]) -> bytes:
    return value[found[-2].value_end : found[-1].key_start] if len(found) > 1 else _GAP


def _colon(value: bytes, found: list[Member]) -> bytes:
    return value[found[-1].key_end : found[-1].value_start] if found else _COLON


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbouring ranges as one, neighbouring bytes as one, none empty."""
    waiting: Piece | None = None
    for piece in pieces:
        match waiting, piece:
            case (int(start), int(end)), (int(begin), int(stop)) if end == begin:
                waiting = (start, stop)
            case bytes(before), bytes(after):
                waiting = before + after
            case _:
                if waiting:
                    yield waiting
                waiting = piece
    if waiting:
        yield waiting


def field_spans(value: bytes) -> list[Member]:
    """Where each field stands. Raises Illegal where `value` is not JSON; a value that is not an object has no
    fields."""
    return _canonical_spans(value) or members(value)


def _canonical_spans(value: bytes) -> list[Member] | None:
    """The same for an entry laid out as the gateway does: a field is on a line of its own, four spaces in.
    Believed only if the decoder finds the very same fields and bytes."""
    if not (value.startswith(b'{\n    "') and value.endswith(b"\n  }")):
        return None
    starts = [bound.end() - 1 for bound in _FIELD.finditer(value)]
    ends = [start - 6 for start in starts[1:]] + [len(value) - 4]
    try:
        fields = decode.fields(memoryview(value))
    except Illegal:
        return None
    if fields is None or len(fields) != len(starts):
        return None
    found: list[Member] = []
    for start, end in zip(starts, ends, strict=True):
        key = _KEY.match(value, start)
        if key is None:
            return None
        member = Member(start, key.end() - 2, key.end(), end)
        raw = fields.get(decode.text(value[start : member.key_end]))
        if raw is None or memoryview(raw) != value[key.end() : end]:
            return None
        found.append(member)
    return found
