"""Salvage whatever the layout, the keys and the damage: what is whole comes back, and nothing else."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewaydoctor.storage.files.evidence import PARTS
from gatewaydoctor.storage.files.salvage import Salvage, salvage
from gatewaydoctor.storage.files.sessions import read_sessions_file
from tests.examples import examples
from tests.store.documents import TEXT, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUTS: dict[str, dict[str, object]] = {
    "gateway": {"indent": 2},
    "compact": {"separators": (",", ":")},
    "one line": {},
    "tabs": {"indent": "\t"},
    "four": {"indent": 4},
    "one": {"indent": 1},
}


@dataclass(frozen=True)
class Damaged:
    """`data` with bytes `begin` up to `end` of it replaced by `put`."""

    data: bytes
    begin: int
    end: int
    put: bytes

    @property
    def bytes(self) -> bytes:
        return self.data[: self.begin] + self.put + self.data[self.end :]

    @property
    def opens(self) -> bool:
        """Whether it may leave several brackets open."""
        behind = self.put + self.data[self.end : self.end + 1]
        return self.put.count(b"{") + self.put.count(b"[") > 1 or b'":{' in behind

    def moved(self, offset: int) -> int:
        """Where a byte is now that stood before the damage, or in its place, or behind it."""
        return offset if offset < self.end else offset + len(self.put) - (self.end - self.begin)


def spans(data: bytes) -> list[tuple[str, int, int, int]]:
    read = read_sessions_file(io.BytesIO(data), len(data), "main")
    return [(entry.key, entry.start, entry.value_start, entry.end) for entry in read.table]


def salvaged(data: bytes) -> Salvage:
    stream = io.BytesIO(data)
    return salvage(stream, read_sessions_file(stream, len(data), "main"), "main")


def whole(damaged: Damaged) -> list[tuple[str, int, int, int]]:
    """The entries outside of the damage, as they stand now."""
    found = spans(damaged.data)
    before = [row for row in found if row[3] <= damaged.begin]
    behind = [(row[0], *map(damaged.moved, row[1:])) for row in found if row[1] >= damaged.end]
    return before + behind


def check(damaged: Damaged) -> None:
    found = salvaged(damaged.bytes)
    rows = [(entry.key, entry.start, entry.value_start, entry.end) for entry in found.table]
    expected = whole(damaged)
    if damaged.put and damaged.put[-1:] not in SEPARATORS:
        # A quote behind a backslash, or behind text: what follows may be the end of a longer key, unless it says that
        # it is an agent's.
        sure = not damaged.put.endswith(b"\\")
        edge = damaged.begin + len(damaged.put)
        expected = [row for row in expected if row[1] != edge or (sure and row[0].startswith("agent:"))]
    if damaged.data.startswith(b'{\n  "'):
        # In the gateway's layout a key whose place is damaged is one only if it names an agent.
        edge = damaged.begin + len(damaged.put)
        beside = range(damaged.begin, edge + 3)
        expected = [row for row in expected if row[1] not in beside or row[0].startswith("agent:main:direct:")]
    # Where what is around it has no mark of its own, the first entry behind brackets left open may be a part of that.
    doubted = found.doubtful if damaged.opens else 0
    assert [row for row in expected if row not in rows][doubted:] == []
    values = {damaged.moved(value) for _, _, value, _ in spans(damaged.data)}
    inside = range(damaged.begin, damaged.begin + len(damaged.put))
    made = [row for row in rows if row not in expected and row[2] not in values and row[2] not in inside]
    if b'"sessionId"' in damaged.put:
        # A piece of another entry makes one of the part it stands in.
        made = [row for row in made if row[3] <= inside.start or row[1] >= inside.stop]
    assert made == []
    assert found.given_up is None


KEY = st.one_of(TEXT, st.sampled_from([f"agent:main:direct:{n}" for n in range(9)]), st.text(min_size=1, max_size=80))
KEY = KEY.filter(lambda key: key not in PARTS)
PART = st.one_of(
    VALUE,
    st.fixed_dictionaries({"channel": st.just("telegram"), "to": TEXT}),
    st.fixed_dictionaries({"cli": st.fixed_dictionaries({"sessionId": TEXT})}),
    st.lists(st.fixed_dictionaries({"preCompaction": st.fixed_dictionaries({"sessionId": TEXT})}), max_size=3),
)
NAME = st.one_of(TEXT, st.sampled_from(["origin", "skillsSnapshot", "acp", "cliSessionBindings"]))

OPENING = st.lists(
    st.sampled_from([b"{", b"[", b'"k":{', b'"k":[{', b'"', b'":"', b"},", b"}"]), min_size=1, max_size=6
)
SEPARATORS = b'{}," \t\n\r'
STRUCTURE = (b"}", b"{", b'"', b",", b"]", b"[", b":", b"}}", b"},")


@st.composite
def entry(draw: st.DrawFn) -> Mapping[str, object]:
    marks = {"sessionId": draw(st.text(max_size=9)), "updatedAt": draw(st.integers(0, 2**42))}
    parts = draw(st.dictionaries(NAME, PART, max_size=4))
    return marks | parts if draw(st.booleans()) else parts | marks


@st.composite
def damage(draw: st.DrawFn) -> Damaged:
    store = draw(st.dictionaries(KEY, entry(), min_size=1, max_size=6))
    text = json.dumps(store, ensure_ascii=draw(st.booleans()), **LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))])
    data = text.encode("utf-8", "surrogatepass")
    at = draw(st.integers(0, len(data) - 1))
    length = draw(st.integers(1, 300))
    end = min(len(data), at + length)
    match draw(st.sampled_from(["cut", "zeros", "flip", "bit", "remove", "insert", "put", "open", "copy"])):
        case "cut":
            return Damaged(data, at, len(data), b"")
        case "zeros":
            return Damaged(data, at, end, bytes(end - at))
        case "flip":
            return Damaged(data, at, end, draw(st.binary(min_size=end - at, max_size=end - at)))
        case "bit":
            return Damaged(data, at, at + 1, bytes([data[at] ^ 1 << draw(st.integers(0, 7))]))
        case "remove":
            places = [n for n, byte in enumerate(data) if byte in b',"{}[]:']
            at = draw(st.sampled_from(places))
            return Damaged(data, at, at + 1, b"")
        case "open":
            put = b"".join(draw(OPENING))
            return Damaged(data, at, min(len(data), at + len(put)), put)
        case "copy":
            begin = draw(st.integers(0, len(data) - 1))
            return Damaged(data, at, end, data[begin : begin + end - at])
        case "put":
            return Damaged(data, at, at, draw(st.sampled_from(STRUCTURE)))
        case _:
            return Damaged(data, at, at, draw(st.binary(min_size=1, max_size=30)))


@examples(4, derandomize=True)
@given(damage())
@example(Damaged(b'{"a":{"sessionId":"","updatedAt":0},"b":{"sessionId":"","updatedAt":0}}', 34, 35, b""))
@example(Damaged(b'{"a":{"updatedAt":0,"sessionId":""},"b":{"sessionId":"","updatedAt":0}}', 33, 34, b""))
@example(Damaged(b'{"a":{"m":{"x":1},"sessionId":"","updatedAt":0},"b":{"sessionId":"","updatedAt":0}}', 16, 17, b""))
@example(
    Damaged(b'{"a":{"sessionId":"","updatedAt":0,"m":{"x":1}},"b":{"sessionId":"","updatedAt":0}}', 19, 19, b"}")
)
@example(Damaged(b'{":":{"sessionId":"","updatedAt":0},"":{"sessionId":"","updatedAt":0}}', 1, 1, b'"'))
@example(
    Damaged(
        b'{\n "a": {\n  "0": {\n   "cli": {\n    "sessionId": ""\n   }\n  },\n'
        b'  "sessionId": "",\n  "updatedAt": 0\n }\n}',
        0,
        2,
        bytes(2),
    )
)
def test_what_is_whole_comes_back_and_nothing_else(damaged: Damaged) -> None:
    check(damaged)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("key", ["", "a:b", "agent:main:direct:1", "main"])
@pytest.mark.parametrize("rows", [1, 3])
def test_no_row_is_written_that_is_two_in_one(layout: str, key: str, rows: int) -> None:
    """A key and a bracket stand before the store: what they open is no row, with the rows of the store in it."""
    store = {f"{n or ''}": {"sessionId": "", "updatedAt": n} for n in range(rows)}
    data = json.dumps(store, **LAYOUTS[layout]).encode()
    put = b'{"%s":' % key.encode()
    check(Damaged(data, 0, 0, put))
    assert key in ("", *store) or key not in [entry.key for entry in salvaged(put + data).table]


def test_a_row_that_took_the_marks_of_the_one_around_it_is_not_whole() -> None:
    data = b'{"agent:main:x":{"m":{"y":1,"sessionId":"s","updatedAt":1}}'
    found = salvaged(data)
    assert ([entry.key for entry in found.table], found.torn, found.doubtful) == ([], 1, 1)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("put", [b'{"+1":{', b'"x":[{"y":{', b'"k":{"k":{"k":{', b'[[{"a":['])
def test_brackets_left_open_cost_one_entry(layout: str, put: bytes) -> None:
    """Overwritten inside of an entry; all behind it then ends within what was opened."""
    to = {"channel": "telegram", "to": "+1"}
    rows = {f"agent:main:direct:{n}": {"sessionId": f"s{n}", "updatedAt": n, "deliveryContext": to} for n in range(6)}
    data = json.dumps(rows, **LAYOUTS[layout]).encode()
    at = data.index(b"telegram", data.index(b"direct:2")) - 1
    damaged = Damaged(data, at, at + len(put), put)
    found = salvaged(damaged.bytes)
    assert [entry.key for entry in found.table] == [key for key in rows if not key.endswith("2")]


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_one_wrong_byte_costs_no_entry_before_it(layout: str) -> None:
    """In an indentation too, where it may make a line of another layout."""
    rows = {f"agent:main:direct:{n}": {"sessionId": f"s{n}", "updatedAt": n} for n in range(4)}
    data = json.dumps(rows, **LAYOUTS[layout]).encode()
    for at in range(len(data)):
        damaged = Damaged(data, at, at + 1, b'"')
        kept = [entry.key for entry in salvaged(damaged.bytes).table]
        before = [key for key, _, _, end in spans(data) if end <= at]
        assert kept[: len(before)] == before, at


def test_a_file_that_ends_right_behind_an_entry_keeps_it() -> None:
    found = salvaged(b'{"a":{"sessionId":"s","updatedAt":1}\0,"b":{"sessionId":"t","updatedAt":2}')
    assert [entry.key for entry in found.table] == ["a", "b"]


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"{\n"])
def test_where_nothing_begins_nothing_is_torn(data: bytes) -> None:
    found = salvaged(data)
    assert (len(found.table), found.torn, found.lost) == (0, 0, len(data))


def test_what_may_be_an_entry_or_a_part_of_one_is_counted_and_left() -> None:
    """A bracket is lost, and between what is surely damaged and what is surely whole stands one with one mark."""
    data = b'{"a":{"sessionId":"s","updatedAt":1,"x":{"sessionId":"t"},"b":{"sessionId":"u","updatedAt":2}}'
    found = salvaged(data)
    assert [entry.key for entry in found.table] == ["b"]
    assert found.doubtful == 1


def test_many_small_breaks_do_not_take_forever() -> None:
    data = b'{"a":' * 3_000 + b"\0" + b'{"sessionId":"s","updatedAt":1}' * 3
    assert salvaged(data).given_up is not None
