"""Is a transcript sound at both ends? One read of a few KB each; more only where the lines are longer than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.model.gateway.transcript import HeaderState, TailState, TranscriptCheck
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.state.history.lastline import sound_part
from gatewaydoctor.storage.files.gateway_json import parse
from gatewaydoctor.storage.files.grammar import Automaton, Illegal

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

WINDOWS = ((1024, 4096), (64 * 1024, 64 * 1024), (1024 * 1024, 64 * 1024))
"""Bytes of head and tail looked at, one step after the other, until both are decided."""

BLOCK = 1024 * 1024
LONGEST_LAST_LINE = 64 * 1024 * 1024
"""A last line beyond this is not read to its end: its state is unknown."""

MOST_SKIPPED = 1000
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


def check_transcript(fs: ReadFs, path: Path) -> TranscriptCheck | None:
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
                return _with_tail(checked, *_long_tail(stream, size))
        return checked
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = unreadable(path, error).reason
        return TranscriptCheck(0, HeaderState.UNKNOWN, TailState.UNKNOWN, 0, reason=reason)


def _check(head: bytes, tail: bytes, size: int) -> TranscriptCheck:
    if size == 0:
        return TranscriptCheck(0, HeaderState.INVALID, TailState.WHOLE, 0)
    header, header_id, end, skipped = _header(head, complete=len(head) >= size)
    header_only = header is HeaderState.OK and len(head) >= size and not head[end:].strip(_SPACE)
    state, sound_end, nul_start = _tail(tail, size - len(tail))
    return TranscriptCheck(size, header, state, sound_end, header_id, header_only, skipped, nul_start)


def _with_tail(checked: TranscriptCheck, state: TailState, sound_end: int, nul_start: int | None) -> TranscriptCheck:
    return TranscriptCheck(
        checked.size, checked.header, state, sound_end, checked.header_id, False, checked.skipped, nul_start
    )


def _header(head: bytes, *, complete: bool) -> tuple[HeaderState, str | None, int, int]:
    """State, id, the offset after the header's line, and how many unreadable lines stand before it."""
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
            record = parse(line)
        except Illegal:
            skipped += 1
            continue
        return _judge_header(record), _header_id(record), end, skipped
    return (HeaderState.INVALID if complete else HeaderState.UNKNOWN), None, position, skipped


def _judge_header(record: object) -> HeaderState:
    return HeaderState.INVALID if _header_id(record) is None else HeaderState.OK


def _header_id(record: object) -> str | None:
    if isinstance(record, dict) and record.get("type") == "session" and isinstance(record.get("id"), str):
        found: str = record["id"]
        return found
    return None


def _tail(tail: bytes, start: int) -> tuple[TailState, int, int | None]:
    """State, sound end and start of a NUL tail, from the file's last bytes, which begin at offset `start`."""
    text = tail.rstrip(b"\0")
    nul_start = start + len(text) if len(text) < len(tail) else None
    body = text.rstrip(_SPACE)
    line_start = body.rfind(b"\n") + 1
    if start > 0 and line_start == 0:
        return TailState.UNKNOWN, 0, None
    whole = not body or _is_json(body[line_start:].removeprefix(_BOM if start + line_start == 0 else b""))
    terminated = not body or b"\n" in text[len(body) :]
    sound = len(body) if whole else line_start + sound_part(body[line_start:])
    sound_end = start + (len(text) if sound == len(body) else sound)
    return _tail_state(whole=whole, terminated=terminated, nul_start=nul_start), sound_end, nul_start


def _tail_state(*, whole: bool, terminated: bool, nul_start: int | None) -> TailState:
    if nul_start is not None:
        return TailState.NUL
    if not whole:
        return TailState.TORN
    return TailState.WHOLE if terminated else TailState.NO_NEWLINE


def _is_json(line: bytes) -> bool:
    try:
        parse(line)
    except Illegal:
        return False
    return True


def _long_tail(stream: BinaryIO, size: int) -> tuple[TailState, int, int | None]:
    """The same for a last line, or a run of NULs, longer than any window: backwards block by block, then the line
    forwards through the automaton."""
    text_end = _strip_back(stream, size, b"\0")
    body_end = _strip_back(stream, text_end, _SPACE)
    line_start = _line_start(stream, body_end)
    nul_start = text_end if text_end < size else None
    if body_end - line_start > LONGEST_LAST_LINE:
        return TailState.UNKNOWN, line_start, nul_start
    whole = body_end == 0 or _streams_json(stream, line_start, body_end)
    terminated = b"\n" in _read(stream, body_end, min(BLOCK, text_end - body_end))
    sound = body_end if whole else line_start + sound_part(_read(stream, line_start, body_end - line_start))
    sound_end = text_end if sound == body_end else sound
    return _tail_state(whole=whole, terminated=terminated, nul_start=nul_start), sound_end, nul_start


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
        start = max(0, end - BLOCK)
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
