"""Is a transcript sound at both ends? One read of a few KB each; more only where the lines are longer than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec
from msgspec.structs import replace

from gatewaydoctor.model.gateway.transcript import HeaderState, TailState, TranscriptCheck
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatewaydoctor.state.history.readonce import Reads


# Types of records, in the place the gateway gives them. Parts of a message have other ones.
_RECORD = regex(
    r'\{"type": ?"(?:session|message|model_change|thinking_level_change|compaction|branch_summary|custom|'
    r'custom_message|label|session_info|reset|leaf)"'
)


def _refuse(word: str) -> float:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_refuse)


def sound_part(line: bytes) -> int:
    """Bytes of a last line that is not JSON, up to the end of the last whole record in it; 0 where it holds none.
    Such records were glued to a line without a newline, or to a torn one: they are history, and no torn tail
    (docs/gateway.md section 11)."""
    # Read so, one character is one byte, and JSON stays what it is.
    text = line.decode("latin-1")
    end = start = 0
    while found := _RECORD.search(text, start):
        start = found.end()
        try:
            _, start = _DECODER.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        end = start
    return end


WINDOWS = ((1024, 4096), (64 * 1024, 64 * 1024), (1024 * 1024, 64 * 1024))
"""Bytes of head and tail examined, one step after the other, until both are decided."""

BLOCK = 1024 * 1024
_STEP = 64 * 1024
LONGEST_LAST_LINE = 64 * 1024 * 1024
"""A last line, or a run of lines at the end that are not JSON, beyond this is not read: its state is unknown."""

MOST_SKIPPED = 1000
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


def check_transcript(fs: Reads, path: Path) -> TranscriptCheck | None:
    """Header and last line of one transcript; None where the file is gone. Memory is at most a few MiB, whatever the
    file. Nothing is raised."""
    try:
        for head_bytes, tail_bytes in WINDOWS:
            head, tail, size = fs.head_and_tail(path, head_bytes, tail_bytes)
            checked = _check(head, tail, size)
            if checked.header is not HeaderState.UNKNOWN and checked.tail is not TailState.UNKNOWN:
                return checked
        if checked.tail is TailState.UNKNOWN:
            with fs.open(path) as stream:
                end = _long_tail(stream, size)
                return replace(
                    checked, tail=end.state, sound_end=end.sound_end, nul_start=end.nul_start, broken=end.broken
                )
        return checked
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = unreadable(path, error).reason
        return TranscriptCheck(0, HeaderState.UNKNOWN, TailState.UNKNOWN, 0, reason=reason)


def _check(head: bytes, tail: bytes, size: int) -> TranscriptCheck:
    if size == 0:
        return TranscriptCheck(0, HeaderState.INVALID, TailState.WHOLE, 0)
    return _usual(head, tail, size) or _any(head, tail, size)


def _usual(head: bytes, tail: bytes, size: int) -> TranscriptCheck | None:
    """Of a file whose first line is a header and whose last, another one, is JSON and ended: nearly all are. None of
    any other."""
    header_end, last_start = head.find(b"\n"), tail.rfind(b"\n", 0, -1)
    if header_end < 0 or last_start < 0 or not tail.endswith(b"\n"):
        return None
    try:
        header = _decode_header(head[:header_end])
        _pass_over(tail[last_start:])
    except _REFUSED:
        return None
    if header.type != "session" or header.id is None:
        return None
    return TranscriptCheck(size, HeaderState.OK, TailState.WHOLE, size, header.id)


def _any(head: bytes, tail: bytes, size: int) -> TranscriptCheck:
    header, header_id, end, skipped = _header(head, complete=len(head) >= size)
    header_only = header is HeaderState.OK and len(head) >= size and not head[end:].strip(_SPACE)
    end_of = _tail(tail, size - len(tail))
    return TranscriptCheck(
        size,
        header,
        end_of.state,
        end_of.sound_end,
        header_id,
        header_only,
        skipped,
        end_of.nul_start,
        broken=end_of.broken,
    )


def _header(head: bytes, *, complete: bool) -> tuple[HeaderState, str | None, int, int]:
    """State, id, the offset after the header's line, and how many unreadable lines are before it."""
    position = len(_BOM) if head.startswith(_BOM) else 0
    skipped = 0
    while position < len(head) and skipped <= MOST_SKIPPED:
        newline = head.find(b"\n", position)
        if newline < 0 and not complete:
            return HeaderState.UNKNOWN, None, position, skipped
        end = len(head) if newline < 0 else newline + 1
        line = head[position:end].strip(_SPACE)
        position = end
        if not line:
            continue
        try:
            session_id = session_id_of(line)
        except Illegal:
            skipped += 1
            continue
        return HeaderState.INVALID if session_id is None else HeaderState.OK, session_id, end, skipped
    return (HeaderState.INVALID if complete else HeaderState.UNKNOWN), None, position, skipped


class _Header(msgspec.Struct):
    type: str = ""
    id: str | None = None


# Neither makes values of what is not asked for; what they refuse is parsed as the gateway does.
_decode_header = msgspec.json.Decoder(_Header).decode
_pass_over = msgspec.json.Decoder(msgspec.Raw).decode
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def session_id_of(line: bytes) -> str | None:
    """The id of a session's header, None where the line is something else. Raises Illegal where it is not JSON."""
    try:
        header = _decode_header(line)
    except _REFUSED:
        return _header_id(parse(line))
    return header.id if header.type == "session" else None


def _header_id(record: object) -> str | None:
    if isinstance(record, dict) and record.get("type") == "session" and isinstance(record.get("id"), str):
        found: str = record["id"]
        return found
    return None


def _tail(tail: bytes, start: int) -> _Tail:
    """The same of the file's last bytes, which begin at offset `start`: unknown where they begin inside a line that
    matters."""
    text = tail.rstrip(b"\0")
    body = text.rstrip(_SPACE)

    def line_start(end: int) -> int | None:
        found = tail.rfind(b"\n", 0, end) + 1
        return None if start > 0 and found == 0 else found

    def sound(begin: int, end: int) -> tuple[bool, int]:
        return _sound(tail[begin:end], first=start + begin == 0)

    last = _last_record(len(body), line_start, sound, lambda end: len(tail[:end].rstrip(_SPACE)))
    if last is None or (start > 0 and last.end == 0):
        return _Tail(TailState.UNKNOWN, 0, None)
    sound_end = start + (len(text) if last.end == len(body) else last.end)
    nul_start = start + len(text) if len(text) < len(tail) else None
    terminated = not body or b"\n" in text[len(body) :]
    return _Tail(
        _tail_state(whole=not last.broken, terminated=terminated, nul_start=nul_start),
        sound_end,
        nul_start,
        last.broken,
    )


class _Tail(NamedTuple):
    """What TranscriptCheck says of the end."""

    state: TailState
    sound_end: int
    nul_start: int | None
    broken: int = 0


class _Last(NamedTuple):
    """Where the last whole record ends, and how many lines up to the end of the file are not JSON."""

    end: int
    broken: int


def _last_record(
    end: int,
    line_start: Callable[[int], int | None],
    sound: Callable[[int, int], tuple[bool, int]],
    before_blanks: Callable[[int], int],
) -> _Last | None:
    """The last whole record before `end`, behind which no blanks are: every line that is not JSON is passed, up to
    the first that is or that holds a whole record. None where `line_start` cannot tell, or after MOST_SKIPPED lines.

    `sound(begin, end)` tells whether the line is JSON and else how many of its bytes belong to whole records,
    `before_blanks` is an offset without the blanks before it."""
    broken, reached = 0, end
    while end > 0:
        begin = line_start(end)
        if begin is None or broken > MOST_SKIPPED:
            return None
        is_json, part = sound(begin, end)
        if is_json:
            return _Last(reached, broken)
        broken += 1
        if part:
            return _Last(begin + part, broken)
        reached = begin
        end = before_blanks(begin)
    return _Last(0, broken)


def _sound(line: bytes, *, first: bool) -> tuple[bool, int]:
    """Whether a line is JSON, and else its bytes up to the end of the last whole record in it."""
    whole = is_json(line.removeprefix(_BOM if first else b""))
    return whole, 0 if whole else sound_part(line)


def _tail_state(*, whole: bool, terminated: bool, nul_start: int | None) -> TailState:
    if nul_start is not None:
        return TailState.NUL
    if not whole:
        return TailState.TORN
    return TailState.WHOLE if terminated else TailState.NO_NEWLINE


def is_json(line: bytes) -> bool:
    """Whether the gateway takes the line."""
    try:
        _pass_over(line)
        return True
    except _REFUSED:
        pass
    try:
        parse(line)
    except Illegal:
        return False
    return True


def _long_tail(stream: BinaryIO, size: int) -> _Tail:
    """The same for lines, or a run of NULs, longer than any window: backwards block by block, then each line forwards
    through the automaton."""
    text_end = _strip_back(stream, size, b"\0")
    body_end = _strip_back(stream, text_end, _SPACE)
    nul_start = text_end if text_end < size else None
    longest = body_end - LONGEST_LAST_LINE

    def line_start(end: int) -> int | None:
        found = _line_start(stream, end)
        return None if found < longest else found

    def sound(begin: int, end: int) -> tuple[bool, int]:
        is_json = _streams_json(stream, begin, end)
        return is_json, 0 if is_json else sound_part(_read(stream, begin, end - begin))

    last = _last_record(body_end, line_start, sound, lambda end: _strip_back(stream, end, _SPACE))
    if last is None:
        return _Tail(TailState.UNKNOWN, _line_start(stream, body_end), nul_start)
    terminated = b"\n" in _read(stream, body_end, min(BLOCK, text_end - body_end))
    sound_end = text_end if last.end == body_end else last.end
    state = _tail_state(whole=not last.broken, terminated=terminated, nul_start=nul_start)
    return _Tail(state, sound_end, nul_start, last.broken)


def _read(stream: BinaryIO, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count)


def _strip_back(stream: BinaryIO, end: int, what: bytes) -> int:
    """The offset after the last byte before `end` that is not one of `what`; 0 where there is none."""
    while end > 0:
        start = max(0, end - BLOCK)
        kept = len(_read(stream, start, end - start).rstrip(what))
        if kept:
            return start + kept
        end = start
    return 0


def _line_start(stream: BinaryIO, end: int) -> int:
    while end > 0:
        start = max(0, end - _STEP)
        found = _read(stream, start, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _streams_json(stream: BinaryIO, start: int, end: int) -> bool:
    automaton = Automaton()
    try:
        for offset in range(start, end, BLOCK):
            automaton.feed(_read(stream, offset, min(BLOCK, end - offset)))
        automaton.finish()
    except Illegal:
        return False
    return True
