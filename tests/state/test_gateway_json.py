from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.store import JsonFaultKind
from gatewaydoctor.storage.jsontext.gateway_json import TooMuch, parse, parse_json5
from gatewaydoctor.storage.jsontext.grammar import Illegal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_it_reads_what_json_reads(value: object, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert parse(data) == parse_json5(data)
    # Over 64 bits a number is a float, as it is to the gateway.
    whole = json.loads(data.decode("utf-8", "replace"))
    assert parse(data) == whole or parse(data) == json.loads(data.decode("utf-8", "replace"), parse_int=float)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'"\\ud800"', "\ud800"),
        (b'"\xff"', "\ufffd"),
        (b"1e400", float("inf")),
        (b" null ", None),
    ],
)
def test_it_takes_what_the_gateway_takes(data: bytes, expected: object) -> None:
    assert parse(data) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(2**64 - 1, int), (2**64, float), (-(2**63), int), (-(2**63) - 1, float), (10**400, float), (-(10**25), float)],
)
@pytest.mark.parametrize("beside", [b"1", b'"\\ud800"'], ids=["", "half a pair"])
def test_whole_numbers_over_64_bits_are_floats(number: int, expected: type, beside: bytes) -> None:
    one, read, _ = parse(b"[1,%d,%b]" % (number, beside))  # type: ignore[misc]
    assert type(one) is int
    assert type(read) is expected
    assert read == (float(str(number)) if expected is float else number)


@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b"", JsonFaultKind.CUT_SHORT, 0),
        (b'{"a":', JsonFaultKind.CUT_SHORT, 5),
        (b'{"a":1}x', JsonFaultKind.SECOND_DOCUMENT, 7),
        (b'{"a":1,}', JsonFaultKind.TRAILING_COMMA, None),
        (b"NaN", JsonFaultKind.NOT_A_NUMBER, 0),
        (b"{}\0", JsonFaultKind.NUL_BYTES, 2),
        (b"[" * 100_000 + b"]" * 100_000, JsonFaultKind.UNEXPECTED, 0),
    ],
)
def test_it_refuses_what_the_gateway_refuses(data: bytes, kind: JsonFaultKind, offset: int | None) -> None:
    with pytest.raises(Illegal) as refused:
        parse(data)
    assert refused.value.fault.kind is kind
    assert offset is None or refused.value.fault.offset == offset


@pytest.mark.parametrize("data", [b"{a: 1,} // x", b"\xef\xbb\xbf{'a': 0x1}", b"/* c */ {a: 1}", b'{"a": 1} // end'])
def test_json5_is_a_second_reading(data: bytes) -> None:
    assert parse_json5(data) == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"{a:" * 5_000 + b"1" + b"}" * 5_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=["deep JSON5", "deep JSON"],
)
def test_what_is_too_much_here_is_not_called_wrong(data: bytes) -> None:
    with pytest.raises(TooMuch):
        parse_json5(data)


@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b"{a: 1", JsonFaultKind.CUT_SHORT, 5),
        (b"{a: 1,\n  b: \xc3\xa4\xc3\xa4 }", JsonFaultKind.UNEXPECTED, 12),
        (b'{"a": 1', JsonFaultKind.CUT_SHORT, 7),
        (b"{a: 'b',\n  c: [0x1F, +.5],\n  d: ? }", JsonFaultKind.UNEXPECTED, 32),
    ],
)
def test_a_fault_in_json5_has_its_offset(data: bytes, kind: JsonFaultKind, offset: int) -> None:
    with pytest.raises(Illegal) as refused:
        parse_json5(data)
    assert (refused.value.fault.kind, refused.value.fault.offset) == (kind, offset)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (parse, parse_json5):
        try:
            read(data)
        except Illegal as refused:
            assert 0 <= refused.fault.offset <= len(data)
