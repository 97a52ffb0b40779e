"""Hypothesis strategies for stores: any JSON value, any legal layout, any damage."""

from __future__ import annotations

import json

from hypothesis import strategies as st

TEXT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['\n  "', "},{", '"', "\\", "é\u2028", "\ud800", "", "agent:main:main", ": "]),
)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**70, max_value=2**200),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
STORE = st.dictionaries(TEXT, st.one_of(st.dictionaries(TEXT, VALUE, max_size=4), VALUE), max_size=6)
LAYOUT = st.one_of(
    st.tuples(st.just(2), st.just((",", ": "))),
    st.tuples(
        st.sampled_from([None, 0, 1, 2, 4, "\t"]),
        st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : "), (",\n", ":\t")]),
    ),
)
PIECES = st.sampled_from(
    [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"1",
        b".",
        b"e",
        b"-",
        b"\\",
        b"\x00",
        b"\n",
        b"N",
        b"t",
        b" ",
        b"\x0c",
        b"\xff",
    ]
)


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A sound store as some program may have written it."""
    indent, separators = draw(LAYOUT)
    text = json.dumps(draw(STORE), indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    lead, trail = draw(st.sampled_from([("", ""), ("", ""), (" \n", "\n"), ("\t", " \r\n")]))
    return (lead + text + trail).encode("utf-8", "surrogatepass")


@st.composite
def mixed(draw: st.DrawFn) -> bytes:
    """A sound store whose entries are laid out alike, but for some, with keys as the gateway has them and others."""
    keys = st.one_of(TEXT, TEXT.map("agent:main:{}".format), TEXT.map("agent:main:cron:{}".format))
    entries = draw(st.lists(st.tuples(keys, st.one_of(st.dictionaries(TEXT, VALUE, max_size=4), VALUE)), max_size=8))
    usual = draw(LAYOUT)
    text = "{"
    for place, (key, value) in enumerate(entries):
        indent, separators = draw(LAYOUT) if draw(st.integers(0, 3)) == 0 else usual
        member = json.dumps({key: value}, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
        inside = member[1:-1]
        text += inside if place == 0 else separators[0] + inside if indent is None else f",{inside.rstrip()}"
    return f"{text}{draw(st.sampled_from(['}', chr(10) + '}', ' } ' + chr(10)]))}".encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A store that was cut, overwritten, or had bytes put in or taken out. It may still be sound by chance."""
    data = bytearray(draw(st.one_of(written(), mixed())))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["cut", "drop", "insert", "overwrite", "zeros"])):
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 3))]
            case "insert":
                data[at:at] = draw(PIECES)
            case "overwrite":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case _:
                data[at : at + 8] = bytes(len(data[at : at + 8]))
    return bytes(data)
