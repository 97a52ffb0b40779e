"""Splicing and editing: what is not named keeps its bytes, and the result reads as intended."""

from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.store import Layout, Readable
from gatewaydoctor.model.repair.plan import Copy, Segment
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.files.edit import edit, field_spans
from gatewaydoctor.storage.files.sessions import FileSessions, read_sessions_file
from gatewaydoctor.storage.files.splice import Row, splice
from gatewaydoctor.storage.jsontext.grammar import members
from tests.store.documents import STORE, TEXT, VALUE, written


def read(data: bytes) -> FileSessions:
    return read_sessions_file(io.BytesIO(data), len(data), "main")


def rows_of(found: FileSessions, source: int = 0) -> list[Row]:
    return [Row(source, entry.start, entry.value_start, entry.end) for entry in found.table]


def assembled(segments: tuple[Segment, ...], *sources: bytes) -> bytes:
    parts = [sources[s.source][s.start : s.end] if isinstance(s, Copy) else s.data for s in segments]
    return b"".join(parts)


def canonical_sources(*found: FileSessions) -> set[int]:
    return {number for number, each in enumerate(found) if each.reading.layout is Layout.CANONICAL}


@given(STORE)
def test_splice_without_edits_is_identity_in_the_gateways_layout(entries: dict[str, object]) -> None:
    data = json.dumps(entries, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    found = read(data)
    segments, size = splice(rows_of(found), canonical_sources(found))
    assert assembled(segments, data) == data
    assert size == len(data)
    assert len(segments) <= 3


@given(written(), st.data())
def test_splice_keeps_the_chosen_rows_verbatim(data: bytes, choice: st.DataObject) -> None:
    found = read(data)
    if found.reading.readable is not Readable.YES:
        return
    rows = rows_of(found)
    kept = [row for row in rows if choice.draw(st.booleans())]
    segments, size = splice(kept, canonical_sources(found))
    new = assembled(segments, data)
    assert len(new) == size
    again = read(new)
    assert again.reading.readable is Readable.YES
    assert [new[e.start : e.end] for e in again.table] == [data[row.start : row.end] for row in kept]


@given(written(), written())
def test_rows_of_two_files_can_be_spliced_together(one: bytes, other: bytes) -> None:
    found = read(one), read(other)
    rows = [row for pair in zip(rows_of(found[0], 0), rows_of(found[1], 1), strict=False) for row in pair]
    segments, _ = splice(rows, canonical_sources(*found))
    new = assembled(segments, one, other)
    expected = [(one, other)[row.source][row.start : row.end] for row in rows]
    assert [new[e.start : e.end] for e in read(new).table] == expected


def test_many_dropped_rows_make_few_segments() -> None:
    entries = {f"k{n}": {"updatedAt": n} for n in range(1000)}
    data = json.dumps(entries, indent=2).encode()
    rows = rows_of(read(data))
    segments, _ = splice(rows[:300] + rows[700:], {0})
    assert len(segments) == 5


FIELD = st.one_of(TEXT, st.sampled_from(["status", "endedAt", "skillsSnapshot"]))
ENTRY = st.dictionaries(FIELD, VALUE, max_size=5)
EDITS = st.dictionaries(FIELD, st.one_of(st.none(), VALUE), max_size=4)
SPACING = st.sampled_from([(2, (",", ": ")), (None, (",", ":")), (None, (" , ", " : ")), (1, (",", ":\t"))])


def applied(value: bytes, edits: dict[str, bytes | None]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else value[slice(*piece)] for piece in edit(value, edits))


@given(ENTRY, EDITS, SPACING, st.booleans())
def test_edits_change_only_what_they_name(entry: dict, edits: dict, spacing: tuple, ascii_only: bool) -> None:
    indent, separators = spacing
    value = dump(entry, indent, separators, ascii_only)
    raw = {name: None if new is None else json.dumps(new).encode() for name, new in edits.items()}
    new = applied(value, raw)
    old_fields = {name: bytes(memoryview(field)) for name, field in decode.fields(memoryview(value)).items()}
    new_fields = {name: bytes(memoryview(field)) for name, field in decode.fields(memoryview(new)).items()}
    expected = old_fields | {name: field for name, field in raw.items() if field is not None}
    for name, field in raw.items():
        if field is None:
            expected.pop(name, None)
    assert new_fields == expected
    untouched = [name for name in old_fields if name not in raw]
    assert [name for name in new_fields if name in untouched] == untouched


def dump(entry: object, indent: int | None, separators: tuple[str, str], ascii_only: bool) -> bytes:
    text = json.dumps({"k": entry}, indent=indent, separators=separators, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    member = members(data)[0]
    return data[member.value_start : member.value_end]


@given(ENTRY, SPACING)
def test_no_edits_are_identity(entry: dict, spacing: tuple) -> None:
    value = dump(entry, *spacing, True)
    assert edit(value, {}) == ((0, len(value)),)
    assert edit(value, {"absent-\0": None}) == ((0, len(value)),)


@given(ENTRY, SPACING, st.booleans())
def test_fast_and_general_spans_agree(entry: dict, spacing: tuple, ascii_only: bool) -> None:
    value = dump(entry, *spacing, ascii_only)
    assert field_spans(value) == members(value)


def test_doubled_fields_huge_numbers_and_odd_escapes_survive() -> None:
    value = (
        b'{\n    "status": "running",\n    "n": 123456789012345678901234567890,\n    "\\u0073tatus": "running",\n'
        b'    "lone": "\\ud800",\n    "e": 1E400,\n    "endedAt"   :1\n  }'
    )
    new = applied(value, {"status": b'"failed"', "endedAt": b"7", "abortedLastRun": None})
    assert new == (
        b'{\n    "status": "running",\n    "n": 123456789012345678901234567890,\n    "\\u0073tatus": "failed",\n'
        b'    "lone": "\\ud800",\n    "e": 1E400,\n    "endedAt"   :7\n  }'
    )
    gone = applied(value, {"status": None, "endedAt": None})
    assert gone == (b'{\n    "n": 123456789012345678901234567890,\n    "lone": "\\ud800",\n    "e": 1E400\n  }')


def test_a_new_field_is_spaced_like_the_others() -> None:
    assert applied(b'{"a":1,"b":2}', {"c": b"3"}) == b'{"a":1,"b":2,"c":3}'
    assert applied(b'{\n    "a": 1\n  }', {"c": b"3"}) == b'{\n    "a": 1,\n    "c": 3\n  }'
    assert applied(b"{}", {"c": b"3"}) == b'{\n    "c": 3\n  }'
    assert applied(b'{"a" : 1}', {"a": None, "c": b"3"}) == b'{"c" : 3}'
