"""The automaton has the last word on what JSON is, so it is held against Python's json and against itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.store import JsonFault, JsonFaultKind
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal, elements, members
from tests.store.documents import damaged, written


def fault_of(data: bytes, piece: int = 1 << 20) -> JsonFault | None:
    automaton = Automaton()
    try:
        for at in range(0, len(data), piece):
            automaton.feed(data[at : at + piece])
        automaton.finish()
    except Illegal as illegal:
        return illegal.fault
    return None


def python_takes(data: bytes) -> bool:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        # latin-1 keeps one character a byte and makes no byte illegal inside a string, as the gateway's decoder does.
        json.loads(data.decode("latin-1"), parse_constant=refuse, parse_int=str, parse_float=str)
    except ValueError:
        return False
    return True


@given(st.one_of(written(), damaged()))
@example(b"-")
@example(b"-1.e")
@example(b'{"a":1')
@example(b'{"a":tru')
@example(b'"\\u12')
def test_agrees_with_python_on_what_is_legal(data: bytes) -> None:
    assert (fault_of(data) is None) == python_takes(data)


@given(st.one_of(written(), damaged()), st.integers(1, 9))
def test_says_the_same_however_the_bytes_arrive(data: bytes, piece: int) -> None:
    assert fault_of(data, piece) == fault_of(data)


@given(damaged())
def test_the_offset_is_the_first_impossible_byte(data: bytes) -> None:
    fault = fault_of(data)
    if fault is None:
        return
    if fault.kind is JsonFaultKind.CUT_SHORT:
        assert fault.offset == len(data)
        return
    before = fault_of(data[: fault.offset])
    assert before is None or before.kind is JsonFaultKind.CUT_SHORT
    through = fault_of(data[: fault.offset + 1])
    assert through is not None
    assert (through.offset, through.kind) == (fault.offset, fault.kind)


def test_depth_costs_no_recursion() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert fault_of(deep) is None
    torn = fault_of(deep[:-1])
    assert torn is not None
    assert (torn.kind, torn.offset) == (JsonFaultKind.CUT_SHORT, 199_999)


@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b"", JsonFaultKind.CUT_SHORT, 0),
        (b'{"a":1}\x00\x00', JsonFaultKind.NUL_BYTES, 7),
        (b'{"a":"x\x00"}', JsonFaultKind.NUL_BYTES, 7),
        (b'{"a":"x\ty"}', JsonFaultKind.CONTROL_CHARACTER, 7),
        (b'{"a":1,}', JsonFaultKind.TRAILING_COMMA, 7),
        (b'{"a":[1,]}', JsonFaultKind.TRAILING_COMMA, 8),
        (b'{"a":NaN}', JsonFaultKind.NOT_A_NUMBER, 5),
        (b'{"a":-Infinity}', JsonFaultKind.NOT_A_NUMBER, 6),
        (b'{"a":1}{"b":2}', JsonFaultKind.SECOND_DOCUMENT, 7),
        (b'{"a":"\\x41"}', JsonFaultKind.BAD_ESCAPE, 7),
        (b'{"a":"\\u12G4"}', JsonFaultKind.BAD_ESCAPE, 10),
        (b'{"a":01}', JsonFaultKind.UNEXPECTED, 6),
        (b'{"a" 1}', JsonFaultKind.UNEXPECTED, 5),
        (b"{'a':1}", JsonFaultKind.UNEXPECTED, 1),
        (b'{"a":1', JsonFaultKind.CUT_SHORT, 6),
        (b'{"a":12]', JsonFaultKind.UNEXPECTED, 7),
    ],
)
def test_names_the_fault(data: bytes, kind: JsonFaultKind, offset: int) -> None:
    fault = fault_of(data)
    assert fault is not None
    assert (fault.kind, fault.offset) == (kind, offset)


@given(written())
def test_member_spans_cut_out_keys_and_values(data: bytes) -> None:
    expected = json.loads(data.decode("utf-8", "replace"))
    found = {
        json.loads(data[m.key_start : m.key_end].decode("utf-8", "replace"), strict=False): json.loads(
            data[m.value_start : m.value_end].decode("utf-8", "replace")
        )
        for m in members(data)
    }
    assert found == expected


def test_element_spans_cut_out_values() -> None:
    values = ['{"a": [1, [2]]}', "[[], {}]", '"a, \\" ]"', "-1.5e3", "null", "12"]
    data = ("  [ " + " ,\n".join(values) + " ]\n").encode()
    assert [data[start - 7 : end - 7].decode() for start, end in elements(data, 7)] == values
    assert elements(b'{"a": [1]}') == elements(b"[ ]") == []
