"""JavaScript's values as the reference store writes them. The expected texts are what Node 22 printed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.simulate.refstore import js


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("1e21", "1e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("1234567890123456789012", "1.2345678901234568e+21"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.5e-10", "1.5e-10"),
        ("9007199254740993", "9007199254740992"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e400", "null"),
        ("-1e400", "null"),
        ("0.1e1", "1"),
        ("100000000000000000000", "100000000000000000000"),
    ],
)
def test_numbers_are_spelled_as_javascript_does(text: str, written: str) -> None:
    assert js.stringify(js.parse(text)) == written


def test_integer_like_keys_come_first_and_a_repeated_key_keeps_its_place() -> None:
    parsed = js.parse('{"b":1,"10":2,"9":3,"b":4,"4294967294":5,"4294967295":6,"01":7,"-1":8}')
    assert list(parsed.items()) == [
        ("9", 3), ("10", 2), ("4294967294", 5), ("b", 4), ("4294967295", 6), ("01", 7), ("-1", 8),
    ]  # fmt: skip


def test_put_keeps_integer_like_keys_first() -> None:
    store: dict[str, Any] = {"b": 1}
    js.put(store, "7", 2)
    js.put(store, "a", 3)
    assert list(store) == ["7", "b", "a"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r'"\ud800"', r'"\ud800"'),
        (r'"\udFfF x"', r'"\udfff x"'),
        (r'"\ud83d\ude00"', '"😀"'),
        ('"\u2028\x7f"', '"\u2028\x7f"'),
        (r'"\u0000\u001f\b\f\n\r\t\"\\\/"', r'"\u0000\u001f\b\f\n\r\t\"\\/"'),
    ],
)
def test_strings_are_escaped_as_javascript_does(text: str, written: str) -> None:
    assert js.stringify(js.parse(text)) == written


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "01", "1.", "'a'", '"\t"', "[1,]", "", "\ufeff{}", "{} {}"]
)
def test_what_json_parse_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        js.parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_writing_and_reading_again_changes_nothing(value: Any) -> None:
    once = js.stringify(js.parse(json.dumps(value)))
    assert js.stringify(js.parse(once)) == once
    assert json.loads(js.stringify(js.parse(once), compact=True)) == json.loads(once)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (True, 1),
        ("", 0),
        (" 12 ", 12),
        ("0x10", 16),
        ("1e3", 1000),
        ("-Infinity", -math.inf),
        ([], 0),
        ([7], 7),
    ],
)
def test_numbers_out_of_other_values(value: Any, number: float) -> None:
    assert js.to_number(value) == number


@pytest.mark.parametrize("value", ["x", "1_0", {}, [1, 2], js.UNDEFINED])
def test_values_that_are_no_number(value: Any) -> None:
    assert math.isnan(js.to_number(value))


def test_trimming_takes_javascripts_white_space_and_no_more() -> None:
    assert js.trim("\ufeff\u00a0 a\x1c\u2029") == "a\x1c"
    with pytest.raises(js.GatewayTypeError):
        js.trim(5)


def test_undefined_members_are_not_written() -> None:
    assert js.stringify({"a": js.UNDEFINED, "b": {}, "c": []}) == '{\n  "b": {},\n  "c": []\n}'
