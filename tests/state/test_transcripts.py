from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.transcript import HeaderState, TailState, TranscriptCheck, TranscriptState
from gatewaydoctor.state.history import transcripts
from gatewaydoctor.state.history.transcripts import LONGEST_LAST_LINE, check_transcript, is_json, session_id_of
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.fs import OsReadFs
from tests.state.transcripts import SESSION, answered, header, line, said
from tests.store.documents import PIECES, TEXT, VALUE

if TYPE_CHECKING:
    from pathlib import Path

HEADER = header()
WHOLE = HEADER + said("hello") + answered()
TORN = said("and another one")[:40]
GLUED = WHOLE[:-1] + said("b")
LONG_GLUED = WHOLE[:-1] + said("x" * 2_000_000)
BOM = b"\xef\xbb\xbf"


def check(tmp_path: Path, data: bytes) -> TranscriptCheck:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    found = check_transcript(OsReadFs(), path)
    assert found is not None
    assert found.size == len(data)
    return found


DAMAGE = [
    ("sound", WHOLE, TranscriptState.OK, len(WHOLE)),
    ("sound, blank lines", WHOLE + b"\n \r\n", TranscriptState.OK, len(WHOLE) + 4),
    ("sound, CRLF", WHOLE.replace(b"\n", b"\r\n"), TranscriptState.OK, len(WHOLE) + 3),
    ("sound, a BOM", BOM + WHOLE, TranscriptState.OK, len(WHOLE) + 3),
    ("sound, a lone surrogate", WHOLE + said("\ud800"), TranscriptState.OK, len(WHOLE) + len(said("\ud800"))),
    ("empty", b"", TranscriptState.EMPTY, 0),
    ("header only", HEADER, TranscriptState.HEADER_ONLY, len(HEADER)),
    ("header only, blanks", HEADER + b"\n\n", TranscriptState.HEADER_ONLY, len(HEADER) + 2),
    ("header without newline", HEADER[:-1], TranscriptState.NO_NEWLINE, len(HEADER) - 1),
    ("no newline", WHOLE[:-1], TranscriptState.NO_NEWLINE, len(WHOLE) - 1),
    ("torn", WHOLE + TORN, TranscriptState.TORN_TAIL, len(WHOLE)),
    ("torn, then a newline", WHOLE + TORN + b"\n", TranscriptState.TORN_TAIL, len(WHOLE)),
    ("two glued", GLUED, TranscriptState.TORN_TAIL, len(GLUED)),
    ("two glued, no newline", GLUED[:-1], TranscriptState.TORN_TAIL, len(GLUED) - 1),
    ("two glued, then NUL", GLUED + b"\0" * 9, TranscriptState.NUL_TAIL, len(GLUED)),
    ("two glued over every window", LONG_GLUED, TranscriptState.TORN_TAIL, len(LONG_GLUED)),
    ("glued to a torn one", WHOLE + TORN + said("b"), TranscriptState.TORN_TAIL, len(WHOLE + TORN + said("b"))),
    ("a torn one glued on", WHOLE[:-1] + TORN, TranscriptState.TORN_TAIL, len(WHOLE) - 1),
    ("torn behind a whole part of it", WHOLE + said("a")[:-20], TranscriptState.TORN_TAIL, len(WHOLE)),
    ("NUL tail", WHOLE + b"\0" * 10, TranscriptState.NUL_TAIL, len(WHOLE)),
    ("NUL tail over pages", WHOLE + b"\0" * 300_000, TranscriptState.NUL_TAIL, len(WHOLE)),
    ("NUL tail over blocks", WHOLE + b"\0" * 3_000_000, TranscriptState.NUL_TAIL, len(WHOLE)),
    ("torn, then NUL", WHOLE + TORN + b"\0" * 10, TranscriptState.NUL_TAIL, len(WHOLE)),
    ("torn, then NULs over blocks", WHOLE + TORN + b"\0" * 3_000_000, TranscriptState.NUL_TAIL, len(WHOLE)),
    ("nothing but NUL", b"\0" * 5000, TranscriptState.HEADER_INVALID, 0),
    ("first line torn", HEADER[:30] + b"\n" + WHOLE[len(HEADER) :], TranscriptState.HEADER_INVALID, None),
    ("header torn, nothing else", HEADER[:30], TranscriptState.HEADER_INVALID, 0),
    ("a message first", said("hello") + WHOLE, TranscriptState.HEADER_INVALID, None),
    ("a header without id", line(type="session") + answered(), TranscriptState.HEADER_INVALID, None),
    ("a header whose id is a number", line(type="session", id=7) + answered(), TranscriptState.HEADER_INVALID, None),
    ("null first", b"null\n" + WHOLE, TranscriptState.HEADER_INVALID, None),
    ("binary", bytes(range(256)) * 4, TranscriptState.HEADER_INVALID, None),
    ("one whole document", b'{"version": 1,\n "jobs": []}\n', TranscriptState.HEADER_INVALID, None),
    # The gateway passes over what it cannot read, so a header further down still counts.
    ("rubbish before the header", b"%%%\n\n" + WHOLE, TranscriptState.OK, len(WHOLE) + 5),
    ("a long header", line(type="session", id="x", cwd="/" + "d" * 70_000) + answered(), TranscriptState.OK, None),
    ("a header over a MiB", line(type="session", id="x", cwd="d" * 1_100_000) + WHOLE, TranscriptState.UNKNOWN, None),
    ("a last line over every window", WHOLE + said("x" * 2_000_000), TranscriptState.OK, None),
    ("that line without newline", WHOLE + said("x" * 2_000_000)[:-1], TranscriptState.NO_NEWLINE, None),
    ("that line torn", WHOLE + said("x" * 2_000_000)[:-5], TranscriptState.TORN_TAIL, len(WHOLE)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "verdict", "sound_end"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE]
)
def test_both_ends(tmp_path: Path, data: bytes, verdict: TranscriptState, sound_end: int | None) -> None:
    found = check(tmp_path, data)
    assert found.verdict is verdict
    assert sound_end is None or found.sound_end == sound_end
    assert 0 <= found.sound_end <= len(data)


def test_every_verdict_but_one_is_in_the_table() -> None:
    assert {case[2] for case in DAMAGE} == set(TranscriptState) - {TranscriptState.UNREADABLE}


def test_what_is_known_of_the_header(tmp_path: Path) -> None:
    assert check(tmp_path, WHOLE).header_id == SESSION
    skipped = check(tmp_path, b"%%%\n\nmore\n" + WHOLE)
    assert (skipped.header_id, skipped.skipped) == (SESSION, 2)
    both = check(tmp_path, said("no header") + TORN)
    assert (both.header, both.tail) == (HeaderState.INVALID, TailState.TORN)


def test_where_a_nul_tail_starts(tmp_path: Path) -> None:
    found = check(tmp_path, WHOLE + TORN + b"\0" * 2_500_000)
    assert (found.nul_start, found.sound_end) == (len(WHOLE) + len(TORN), len(WHOLE))


def test_a_sparse_tail_of_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(WHOLE)
    os.truncate(path, 256 * 1024 * 1024)
    found = check_transcript(OsReadFs(), path)
    assert found is not None
    assert (found.verdict, found.nul_start) == (TranscriptState.NUL_TAIL, len(WHOLE))


def test_a_last_line_too_long_to_be_read_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(WHOLE + b'{"x":"')
    with path.open("ab") as stream:
        for _ in range(LONGEST_LAST_LINE // 1_000_000 + 2):
            stream.write(b"x" * 1_000_000)
    found = check_transcript(OsReadFs(), path)
    assert found is not None
    assert (found.verdict, found.tail, found.sound_end) == (TranscriptState.UNKNOWN, TailState.UNKNOWN, len(WHOLE))


def test_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    assert check_transcript(OsReadFs(), tmp_path / "none.jsonl") is None


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: os.mkfifo(path)], ids=["directory", "fifo"])
def test_what_is_no_file_is_unreadable(tmp_path: Path, make: object) -> None:
    path = tmp_path / "a.jsonl"
    make(path)  # type: ignore[operator]
    found = check_transcript(OsReadFs(), path)
    assert found is not None
    assert found.verdict is TranscriptState.UNREADABLE
    assert found.reason


PARTS = st.sampled_from(
    (
        *(HEADER, HEADER[:-1] + b"\r\n", line(type="session"), line(type="session", id="a\ud800")),
        *(said("a"), answered(), said("\ud800"), TORN, BOM, b"{}", b"[]\n", b"null\n"),
        *(b"\n", b" \n", b"\r\n", b"\0"),
    )
)
WINDOW = st.sampled_from([1024, 150, 40])


@given(st.lists(PARTS, min_size=2, max_size=4).map(b"".join), WINDOW, WINDOW)
@example(line(type="session") + answered(), 1024, 1024)
@example(HEADER + b"{}", 1024, 1024)
@example(answered() + answered(), 1024, 1024)
def test_the_short_way_through_a_usual_file_finds_what_the_long_one_does(data: bytes, head: int, tail: int) -> None:
    ends = data[:head], data[-tail:], len(data)
    found = transcripts._usual(*ends)
    assert found is None or found == transcripts._any(*ends)


@given(cut=st.integers(0, len(WHOLE)), padding=st.sampled_from([b"", b"\0", b"\n", b" ", b"\0" * 5000]))
def test_cut_anywhere_the_sound_part_is_what_whole_lines_are_left(
    tmp_path_factory: pytest.TempPathFactory, cut: int, padding: bytes
) -> None:
    found = check(tmp_path_factory.mktemp("cut"), WHOLE[:cut] + padding)
    ends = [0]
    for each in WHOLE.splitlines(keepends=True):
        ends.append(ends[-1] + len(each))
    # A line that only lacks its newline is whole.
    whole = max(end for end in ends if end <= cut or end == cut + 1)
    # Blanks after the last whole line do no harm, and those behind a torn one go with it.
    blanks = len(padding) if padding in (b"\n", b" ") and cut in (whole, whole - 1) else 0
    assert found.sound_end == min(whole, cut) + blanks


_RECORDS = st.one_of(
    st.dictionaries(
        st.one_of(st.sampled_from(["type", "id"]), TEXT), st.one_of(st.just("session"), VALUE), max_size=4
    ),
    VALUE,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    """A record, or one with bytes put in or taken out."""
    data = draw(_RECORDS)
    for piece in draw(st.lists(st.one_of(PIECES, st.just(b'"id":"x",'), st.just(b"\\u12")), max_size=2)):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + piece + data[at + draw(st.integers(0, 2)) :]
    return data


@given(_lines())
def test_a_line_that_is_not_made_into_values_is_judged_as_one_that_is(data: bytes) -> None:
    try:
        record = parse(data)
    except Illegal:
        assert not is_json(data)
        with pytest.raises(Illegal):
            session_id_of(data)
        return
    assert is_json(data)
    is_header = isinstance(record, dict) and record.get("type") == "session" and isinstance(record.get("id"), str)
    assert session_id_of(data) == (record["id"] if is_header else None)
