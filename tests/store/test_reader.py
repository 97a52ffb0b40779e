"""The reader: three cutters, one result; every damage told with its offset; nothing the gateway takes is refused."""

from __future__ import annotations

import hashlib
import io
import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.store import JsonFaultKind, Layout, Readable, StoreReading
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.files import boundaries, reader
from gatewaydoctor.storage.files import cut as cut_module
from gatewaydoctor.storage.files.reader import StoreReader
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal, Member
from tests.store.documents import STORE, damaged, mixed, written


class Row(NamedTuple):
    key: str
    start: int
    value_start: int
    end: int
    fields: dict[str, bytes] | None


class Dribble(io.BytesIO):
    """Hands out at most `piece` bytes a read, as a slow disk or a pipe would."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__(data)
        self.piece = piece

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.piece)


def read(data: bytes, piece: int = reader.CHUNK) -> tuple[list[Row], StoreReading]:
    store = StoreReader(Dribble(data, piece), len(data))
    rows = [
        Row(
            decode.text(cut.key),
            cut.start,
            cut.value_start,
            cut.end,
            None if cut.fields is None else {name: bytes(memoryview(raw)) for name, raw in cut.fields.items()},
        )
        for cut in store
    ]
    return rows, store.reading


def by_automaton(data: bytes) -> tuple[list[Member], Illegal | None]:
    found: list[Member] = []
    automaton = Automaton(found.append)
    try:
        automaton.feed(data)
        automaton.finish()
    except Illegal as illegal:
        return found, illegal
    return found, None


@given(st.one_of(written(), mixed(), damaged()), st.sampled_from([1, 2, 3, 7, 64, 1 << 20]))
def test_all_cutters_agree_with_the_automaton(data: bytes, piece: int) -> None:
    rows, reading = read(data, piece)
    assert reading.bytes == len(data)
    assert reading.sha256 == hashlib.sha256(data).hexdigest()
    if data.strip(b" \t\r\n")[:1] != b"{":
        assert reading.readable is Readable.GATEWAY_EMPTY
        assert rows == []
        return
    expected, illegal = by_automaton(data)
    assert [(row.start, row.value_start, row.end) for row in rows] == [
        (m.key_start, m.value_start, m.value_end) for m in expected
    ]
    assert (reading.fault and (reading.fault.kind, reading.fault.offset)) == (
        illegal and (illegal.fault.kind, illegal.fault.offset)
    )
    assert reading.readable is (Readable.GATEWAY_EMPTY if illegal else Readable.YES)


@given(STORE)
def test_the_gateways_layout_and_any_other_give_the_same_fields(store: dict[str, object]) -> None:
    def seen(data: bytes) -> list[tuple[str, object]]:
        rows, _ = read(data)
        return [
            (
                row.key,
                row.fields
                and {
                    name: json.loads(raw.decode("utf-8", "replace"), strict=False) for name, raw in row.fields.items()
                },
            )
            for row in rows
        ]

    canonical = json.dumps(store, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    compact = json.dumps(store, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert seen(canonical) == seen(compact)


def test_the_gateways_own_layout_is_recognised() -> None:
    store = {"a": {"updatedAt": 1}, "b": {"x": [1, {}]}}
    assert read(json.dumps(store, indent=2).encode())[1].layout is Layout.CANONICAL
    assert read(json.dumps(store, indent=4).encode())[1].layout is Layout.OTHER
    assert read(json.dumps(store).encode())[1].layout is Layout.OTHER


SOUND = json.dumps({f"agent:main:k{i}": {"sessionId": f"s{i}", "updatedAt": i} for i in range(5)}, indent=2).encode()


@pytest.mark.parametrize(
    ("name", "data", "kind", "offset", "entries"),
    [
        ("empty", b"", JsonFaultKind.EMPTY, 0, 0),
        ("white space", b" \n\n", JsonFaultKind.EMPTY, 3, 0),
        ("byte order mark", b"\xef\xbb\xbf" + SOUND, JsonFaultKind.BOM, 0, 0),
        ("NUL tail", SOUND + bytes(4096), JsonFaultKind.NUL_BYTES, len(SOUND), 5),
        ("array", b"[" + SOUND + b"]", JsonFaultKind.NOT_OBJECT, 0, 0),
        ("string", b'"hello"', JsonFaultKind.NOT_OBJECT, 0, 0),
        ("number", b" 12 ", JsonFaultKind.NOT_OBJECT, 1, 0),
        ("null", b"null", JsonFaultKind.NOT_OBJECT, 0, 0),
        ("binary", b"\x7fELF\x02\x01", JsonFaultKind.UNEXPECTED, 0, 0),
        ("zeros", bytes(100), JsonFaultKind.NUL_BYTES, 0, 0),
        ("two documents", SOUND + SOUND, JsonFaultKind.SECOND_DOCUMENT, len(SOUND), 5),
        ("trailing comma", SOUND[:-2] + b",\n}", JsonFaultKind.TRAILING_COMMA, len(SOUND), 5),
        ("NaN", SOUND.replace(b'"updatedAt": 3', b'"updatedAt": NaN'), JsonFaultKind.NOT_A_NUMBER, None, 3),
        ("raw newline", SOUND.replace(b'"s2"', b'"s\n2"'), JsonFaultKind.CONTROL_CHARACTER, None, 2),
        ("raw tab in a key", SOUND.replace(b"main:k4", b"main:\tk4"), JsonFaultKind.CONTROL_CHARACTER, None, 4),
        ("bad escape in a key", SOUND.replace(b"main:k4", rb"main:\qk4"), JsonFaultKind.BAD_ESCAPE, None, 4),
        ("cut in a string", SOUND[: SOUND.index(b"s3") + 1], JsonFaultKind.CUT_SHORT, SOUND.index(b"s3") + 1, 3),
        ("cut after an entry", SOUND[: SOUND.index(b",\n  ", 60)], JsonFaultKind.CUT_SHORT, None, 1),
        ("zeros in the middle", SOUND[:150] + bytes(40) + SOUND[190:], JsonFaultKind.NUL_BYTES, 150, 2),
    ],
)
def test_every_damage_is_told_with_its_offset(
    name: str, data: bytes, kind: JsonFaultKind, offset: int | None, entries: int
) -> None:
    rows, reading = read(data)
    assert reading.fault is not None
    assert reading.fault.kind is kind
    assert len(rows) == entries
    assert reading.readable is Readable.GATEWAY_EMPTY
    if offset is not None:
        assert reading.fault.offset == offset
    assert f"{reading.fault.offset:,}" in reading.fault.sentence


TAKEN = {
    "invalid UTF-8": (b'{"k\xff": {"sessionId": "\xc3("}}', "k\ufffd"),
    "lone surrogates": (b'{"k\\ud800": {"sessionId": "\\udc00"}}', "k\ud800"),
    "integer over 64 bits": (b'{"k": {"updatedAt": 123456789012345678901234567890}}', "k"),
    "integer of 5,000 digits": (b'{"k": {"updatedAt": %s}}' % (b"1" * 5000), "k"),
    "1e400": (b'{"k": {"updatedAt": 1e400}}', "k"),
    "exponent beyond decimal": (b'{"k": {"updatedAt": 1e99999999999999999999999}}', "k"),
    "null entry": (b'{"k": null}', "k"),
    "array entry": (b'{"k": [1]}', "k"),
    "number entry": (b'{"k": 7 }', "k"),
    "key of 1 MB": (b'{"%s": {}}' % (b"k" * 1_000_000), "k" * 1_000_000),
    "nesting of 100,000": (b'{"k": {"x": %s}}' % (b"[" * 100_000 + b"]" * 100_000), "k"),
    "nesting of objects": (b'{"k": %s1%s}' % (b'{"a":' * 100_000, b"}" * 100_000), "k"),
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("canonical", [False, True])
def test_what_the_gateway_takes_is_taken(name: str, canonical: bool) -> None:
    data, key = TAKEN[name]
    if canonical:
        data = b"{\n  " + data[1:-1] + b"\n}"
    rows, reading = read(data)
    assert reading.fault is None
    assert reading.readable is Readable.YES
    assert [row.key for row in rows] == [key]


def test_a_damaged_giant_entry_needs_no_giant_memory() -> None:
    # One brace lost: everything behind it belongs to the first entry, up to the end of the file.
    import tracemalloc

    entry = b'"k%d": {"text": "' + b"x" * 1000 + b'"},'
    body = b'{"first": {"open": 1,' + b"".join(entry % i for i in range(40_000))
    stream = io.BytesIO(body)
    tracemalloc.start()
    store = StoreReader(stream, len(body))
    rows = list(store)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == []
    assert store.reading.fault is not None
    assert store.reading.fault.kind is JsonFaultKind.CUT_SHORT
    assert store.reading.fault.offset == len(body)
    assert peak < len(body)


def test_the_gateways_limit_is_in_bytes_whatever_they_spell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "UNREADABLE_FROM_BYTES", 200)
    for letter in ("x", "é", "\U0001f600"):
        frame = len(b'{"k": {"t": ""}}')
        filler = (letter * 200).encode()[: 199 - frame]
        under = b'{"k": {"t": "%s"}}' % filler
        assert len(under) == 199
        assert read(under)[1].readable is Readable.YES
        over = b'{"k": {"t": "%sx"}}' % filler
        assert read(over)[1].readable is Readable.GATEWAY_EMPTY
        assert read(over)[1].fault is None


def test_large_entries_and_many_chunks_agree() -> None:
    store = {f"k{i}": {"sessionId": str(i), "prompt": "p" * 300_000} for i in range(20)}
    data = json.dumps(store, indent=2).encode()
    rows, reading = read(data, 100_000)
    assert [row.key for row in rows] == list(store)
    assert reading.layout is Layout.CANONICAL
    assert all(data[row.value_start : row.end].startswith(b"{") for row in rows)


def test_an_error_while_reading_passes_through() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        list(StoreReader(Failing(b"{}"), 2))


def test_an_entry_too_large_to_look_into_is_still_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_module, "LARGEST_ENTRY", 1000)
    data = b'{"small": {"a": 1}, "large": {"b": "%s"}, "list": ["%s"], "last": {"c": 2}}' % (b"x" * 5000, b"y" * 5000)
    rows, reading = read(data, 100)
    assert [(row.key, row.fields) for row in rows] == [
        ("small", {"a": b"1"}),
        ("large", {}),
        ("list", None),
        ("last", {"c": b"2"}),
    ]
    assert data[rows[1].value_start : rows[1].end] == b'{"b": "%s"}' % (b"x" * 5000)
    assert reading.fault is None


_ENTRY = {"sessionId": "s", "skills": [{"a": {"b": 1}}, {"c": {}}], "text": "x" * 200}
_MANY = {f"agent:main:cron:job:run:{number}": _ENTRY for number in range(400)}


def _counting_what_ijson_gets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pushed: list[int] = []

    class Counting(boundaries.IjsonBoundaries):
        def push(self, data: bytes) -> bool:
            pushed.append(len(data))
            return super().push(data)

    monkeypatch.setattr(boundaries, "IjsonBoundaries", Counting)
    return pushed


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_MANY, indent=2),
        json.dumps(_MANY, indent=4),
        json.dumps(_MANY, indent="\t"),
        json.dumps(_MANY, separators=(",", ":")),
        json.dumps(_MANY),
        _crlf(json.dumps(_MANY, indent=2)),
        json.dumps({f"{'abc'[number % 3]}:{number}": _ENTRY for number in range(400)}, indent=2),
        json.dumps({**_MANY, "global": _ENTRY, **{f"{key}x": _ENTRY for key in _MANY}}, indent=2),
    ],
    ids=["the gateway's", "4 spaces", "tabs", "minified", "one line", "CRLF", "keys in turn", "other keys"],
)
def test_a_layout_that_repeats_itself_needs_ijson_for_one_entry_at_most(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    pushed = _counting_what_ijson_gets(monkeypatch)
    rows, reading = read(text.encode(), 509)
    assert len(rows) == len(json.loads(text))
    assert reading.fault is None
    assert sum(pushed) < 4 * len(json.dumps(_ENTRY, indent=4))


@pytest.mark.parametrize("stray", [" ,\n  ", ",\n ", ",", ",\n\n  "])
def test_one_irregular_entry_leaves_the_others_to_the_regular_reader(
    monkeypatch: pytest.MonkeyPatch, stray: str
) -> None:
    pushed = _counting_what_ijson_gets(monkeypatch)
    before, after = json.dumps(_MANY, indent=2).split('"agent:main:cron:job:run:200"')
    data = (
        f'{before.removesuffix(chr(10) + "  ").removesuffix(",")}{stray}"agent:main:cron:job:run:200"{after}'.encode()
    )
    rows, reading = read(data)
    assert json.loads(data) == _MANY
    assert [row.key for row in rows] == list(_MANY)
    assert reading.fault is None
    assert sum(pushed) < 4 * len(json.dumps(_ENTRY, indent=4))


def test_the_sessions_say_how_deep_an_unusual_row_is_nested() -> None:
    from gatewaydoctor.storage.files.sessions import read_sessions_file

    deep = b'{"k": {"x": %s}, "flat": {}}' % (b"[" * 5000 + b"]" * 5000)
    assert read_sessions_file(io.BytesIO(deep), len(deep), "main").deepest == 5001
    assert read_sessions_file(io.BytesIO(SOUND), len(SOUND), "main").deepest == 0
