"""Salvage whatever the layout, the keys and the damage: what is whole comes back, and nothing else."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewaydoctor.store.looks import PARTS
from gatewaydoctor.store.salvage import Salvage, salvage
from gatewaydoctor.store.survey import survey
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

    def moved(self, offset: int) -> int:
        """Where a byte is now that stood before the damage, or in its place, or behind it."""
        return offset if offset < self.end else offset + len(self.put) - (self.end - self.begin)


def spans(data: bytes) -> list[tuple[str, int, int, int]]:
    read = survey(io.BytesIO(data), len(data), "main")
    return [(entry.key, entry.start, entry.value_start, entry.end) for entry in read.table]


def salvaged(data: bytes) -> Salvage:
    stream = io.BytesIO(data)
    return salvage(stream, survey(stream, len(data), "main"), "main")


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
    if damaged.put.endswith(b"\\"):
        # A quote behind a backslash: what follows may be the end of a longer key.
        expected = [row for row in expected if row[1] != damaged.begin + len(damaged.put)]
    assert [row for row in expected if row not in rows] == []
    values = {damaged.moved(value) for _, _, value, _ in spans(damaged.data)}
    inside = range(damaged.begin, damaged.begin + len(damaged.put))
    assert [row for row in rows if row not in expected and row[2] not in values and row[2] not in inside] == []
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
    match draw(st.sampled_from(["cut", "zeros", "flip", "bit", "remove", "insert", "put"])):
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
        case "put":
            return Damaged(data, at, at, draw(st.sampled_from(STRUCTURE)))
        case _:
            return Damaged(data, at, at, draw(st.binary(min_size=1, max_size=30)))


@settings(max_examples=400, derandomize=True)  # the same in every run; more are for an afternoon
@given(damage())
@example(Damaged(b'{"a":{"sessionId":"","updatedAt":0},"b":{"sessionId":"","updatedAt":0}}', 34, 35, b""))
@example(Damaged(b'{"a":{"updatedAt":0,"sessionId":""},"b":{"sessionId":"","updatedAt":0}}', 33, 34, b""))
@example(Damaged(b'{"a":{"m":{"x":1},"sessionId":"","updatedAt":0},"b":{"sessionId":"","updatedAt":0}}', 16, 17, b""))
@example(
    Damaged(b'{"a":{"sessionId":"","updatedAt":0,"m":{"x":1}},"b":{"sessionId":"","updatedAt":0}}', 19, 19, b"}")
)
@example(Damaged(b'{":":{"sessionId":"","updatedAt":0},"":{"sessionId":"","updatedAt":0}}', 1, 1, b'"'))
def test_what_is_whole_comes_back_and_nothing_else(damaged: Damaged) -> None:
    check(damaged)


def test_what_may_be_an_entry_or_a_part_of_one_is_counted_and_left() -> None:
    """A bracket is lost, and between what is surely damaged and what is surely whole stands one with one mark."""
    data = b'{"a":{"sessionId":"s","updatedAt":1,"x":{"sessionId":"t"},"b":{"sessionId":"u","updatedAt":2}}'
    found = salvaged(data)
    assert [entry.key for entry in found.table] == ["b"]
    assert found.doubtful == 1


def test_many_small_breaks_do_not_take_forever() -> None:
    data = b'{"a":' * 3_000 + b"\0" + b'{"sessionId":"s","updatedAt":1}' * 3
    assert salvaged(data).given_up is not None
