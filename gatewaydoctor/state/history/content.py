"""One pass over a whole transcript: whose words are in it, and how big its parts are. Message text is never kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.store import JsonFaultKind
from gatewaydoctor.model.gateway.transcript import ContentClass, TranscriptContent
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.state.history.markers import (
    BOOT_PREFIXES,
    BOOTSTRAP_MARKER,
    is_boot_text,
    is_machine_provenance,
    is_machine_text,
    is_only_events,
    texts,
)
from gatewaydoctor.state.history.transcripts import session_id_of
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from gatewaydoctor.state.history.readonce import Reads

BLOCK = 1024 * 1024
LONGEST_LINE = 8 * 1024 * 1024
"""Lines longer than this are not held: they are judged by their first bytes and counted to their end."""

HELD_OF_LONG = 64 * 1024
BOOT_TAIL = 256 * 1024
"""How far from the end boot markers are looked for; the gateway's own scan has the same reach."""

_BOOT_SIGNS = (BOOTSTRAP_MARKER.encode(), *(prefix.encode() for prefix in BOOT_PREFIXES), b"\\u00")
"""Without any of these bytes no boot marker is in a text: JSON can write their letters in no other way."""

_BOM = b"\xef\xbb\xbf"
_WORDLESS = frozenset(
    {"session", "model_change", "thinking_level_change", "custom", "custom_message"}
    | {"label", "session_info", "reset", "leaf"}
)
"""Types of records that are not turn of anybody's."""

_MACHINE_ROLES = frozenset({"assistant", "toolResult", "tool", "system", "custom"})
_USER = regex(rb'"role"\s*:\s*"user"')
# How a record begins that is not a person's: by its type, or by a role that is before any content.
_WORDLESS_FRONT = regex(rf"""\{{"type": ?"(?:{"|".join(_WORDLESS)})\"""".encode())
_MESSAGE_FRONT = regex(rb'\{"type": ?"message"')
_SAYS_MORE = regex(rb'"(?:role|content|text)"')
_MACHINE_ROLE = regex(rf"""\"role": ?"(?:{"|".join(_MACHINE_ROLES)})\"""".encode())
_MESSAGE = regex(rb'"type"\s*:\s*"message"')
_BARE_FRONT = regex(rb'\{(?:"[a-z]*(?:"(?: ?:(?: ?"[a-z_]*)?)?)?)?')
# The longest beginning of a text that a marker needs, as it is in JSON.
_TEXT_HEAD = regex(rb'"(?:text|content)"\s*:\s*("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,2000})')


def read_content(
    fs: Reads,
    path: Path,
    prompts: tuple[str, ...] = (),
    *,
    stop_at_human: bool = False,
    up_to: int | None = None,
) -> TranscriptContent | None:
    """Count one transcript; None where the file is gone. With `stop_at_human` reading ends at the first human turn,
    which settles the class but not the counts. What is at byte `up_to` or later is left out. `prompts` are
    configured machine prompts. Memory is bounded by the longest line up to 8 MiB. Nothing is raised."""
    tally = _Tally(prompts)
    try:
        with fs.open(path) as stream:
            size = _take_lines(tally, stream, stop_at_human=stop_at_human, up_to=up_to)
            return tally.result(stream.seek(0, os.SEEK_END) if size is None else size, complete=size is not None)
    except FileNotFoundError:
        return None
    except OSError as error:
        return tally.result(0, complete=False, reason=unreadable(path, error).reason)


def _take_lines(tally: _Tally, stream: BinaryIO, *, stop_at_human: bool, up_to: int | None = None) -> int | None:
    """Count the lines; where they end, None where a human turn ended the reading."""
    for offset, line, length in lines_of(stream):
        if up_to is not None:
            if offset >= up_to:
                break
            line, length = line[: up_to - offset], min(length, up_to - offset)
        tally.line(offset, line, length)
        if stop_at_human and tally.human:
            return None
    return stream.tell()


def content_class(fs: Reads, path: Path, prompts: tuple[str, ...] = ()) -> ContentClass | None:
    """What the file is to people, reading no further than needed. A file that cannot be read counts as people's."""
    tally = _Tally(prompts)
    try:
        with fs.open(path) as stream:
            for offset, line, length in lines_of(stream):
                tally.line(offset, line, length)
                if tally.human:
                    break
            return tally.content()
    except FileNotFoundError:
        return None
    except OSError:
        return ContentClass.HUMAN


def content_of_lines(lines: Iterable[bytes], prompts: tuple[str, ...] = ()) -> TranscriptContent:
    """The same of a transcript that is given record by record, as a database keeps it."""
    tally, offset = _Tally(prompts), 0
    for line in lines:
        tally.line(offset, line, len(line))
        offset += len(line) + 1
    return tally.result(offset)


def boot_markers_at_tail(fs: Reads, path: Path) -> int:
    """Boot and resume prompts and bootstrap lines after the last turn of any other kind, within the last 256 KiB; 0
    where it cannot be read. One or two are normal; a boot loop leaves tens and more (docs/gateway.md, failure 14)."""
    try:
        _, tail, size = fs.head_and_tail(path, 0, BOOT_TAIL)
    except OSError:
        return 0
    if not any(sign in tail for sign in _BOOT_SIGNS):
        return 0
    tally = _Tally(())
    lines = tail.split(b"\n")
    for line in lines if len(tail) >= size else lines[1:]:
        tally.line(0, line, len(line))
    return tally.boot


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Offset, bytes without the newline, and length of each line. Of a line over the limit only the beginning comes,
    and its length is then greater than that of the bytes."""
    offset, held, length = 0, b"", 0
    while block := stream.read(BLOCK):
        start = 0
        # One line after the other: a caller may stop at the first.
        while (end := block.find(b"\n", start)) >= 0:
            piece = block[start:end]
            length += len(piece)
            yield offset, held + piece if length <= LONGEST_LINE else held[:HELD_OF_LONG], length
            offset += length + 1
            held, length, start = b"", 0, end + 1
        rest = block[start:]
        length += len(rest)
        held = held + rest if length <= LONGEST_LINE else held[:HELD_OF_LONG]
    if length:
        yield offset, held, length


class _Tally:
    """The counts as they grow, line by line."""

    def __init__(self, prompts: tuple[str, ...]) -> None:
        self._prompts = prompts
        self._first_record = True
        self.header_ok = False
        self.lines = self.longest = self.malformed = 0
        self.human = self.machine = self.undecided = self.others = self.summaries = self.boot = 0
        self.first_malformed: int | None = None
        self.first_nul: int | None = None
        self._compacted_at: int | None = None
        self._is_transcript = False

    def line(self, offset: int, line: bytes, length: int) -> None:
        self.lines += 1
        if length > self.longest:
            self.longest = length
        if length > len(line):
            self._long(offset, line)
            return
        if offset == 0:
            line = line.removeprefix(_BOM)
        if not line.strip():
            return
        try:
            if self._first_record and session_id_of(line) is not None:
                self._first_record, self.header_ok = False, True
                return
            record = parse(line)
        except Illegal:
            self._unreadable(offset, line)
            return
        self._first_record = False
        if isinstance(record, dict):
            self._record(record, offset + length)
        elif record:
            self.undecided += 1

    def _record(self, record: Mapping[str, object], end: int) -> None:
        match record.get("type"):
            case "message":
                message = record.get("message")
                self._message(message if isinstance(message, dict) else {})
            case "compaction":
                self.summaries += 1
                self._compacted_at = end + 1
            case "branch_summary":
                self.summaries += 1
            case "custom" if record.get("customType") == BOOTSTRAP_MARKER:
                self.boot += 1
            case str(known) if known in _WORDLESS:
                pass
            case _:
                self.undecided += 1

    def _message(self, message: Mapping[str, object]) -> None:
        match message.get("role"):
            case "user":
                self._user(message)
            case str(role) if role in _MACHINE_ROLES:
                self.others += 1
            case _:
                self.others += 1
                self.undecided += bool(message)

    def _user(self, message: Mapping[str, object]) -> None:
        found, all_text = texts(message)
        if is_machine_provenance(message.get("provenance")):
            self._machine(found[0] if found else "")
        elif found and all_text and all(is_machine_text(text, self._prompts) for text in found):
            self._machine(found[0])
        else:
            self._human(not all_text or any(map(str.strip, found)))

    def _machine(self, text: str) -> None:
        self.machine += 1
        # A loop is nothing but boots: any other turn in between ends it.
        self.boot = self.boot + 1 if is_boot_text(text) else 0

    def _human(self, said_something: bool) -> None:
        # A message without any content is not message text.
        self.human += said_something
        self.others += not said_something
        if said_something:
            self.boot = 0

    def _unreadable(self, offset: int, line: bytes) -> None:
        self.malformed += 1
        if self.first_malformed is None:
            self.first_malformed = offset
        if self.first_nul is None and (at := line.find(b"\0")) >= 0:
            self.first_nul = offset + at
        # The gateway drops such a line, but it may hold message text.
        self._is_transcript |= _USER.search(line) is not None or _MESSAGE.search(line) is not None
        self.undecided += not _holds_no_words(line.strip(b"\0 \t\r\n"))

    def _long(self, offset: int, head: bytes) -> None:
        if not head.startswith(b"{"):
            self._unreadable(offset, head)
            return
        self._first_record = False
        is_message = _MESSAGE.search(head) is not None
        self._is_transcript |= is_message
        role = _USER.search(head)
        if role is None:
            self.others += is_message
            self.undecided += not _begins_wordless(head)
            return
        found = _TEXT_HEAD.search(head, role.end())
        text = parse(found[1] + b'"') if found else None
        # What follows system events was not read.
        if isinstance(text, str) and is_machine_text(text, self._prompts) and not is_only_events(text):
            self._machine(text)
        else:
            self.undecided += 1

    def result(self, size: int, *, complete: bool = True, reason: str | None = None) -> TranscriptContent:
        return TranscriptContent(
            ContentClass.HUMAN if reason else self.content(),
            size,
            lines=self.lines,
            longest_line=self.longest,
            human_turns=self.human,
            machine_turns=self.machine,
            undecided=self.undecided,
            other_messages=self.others,
            summaries=self.summaries,
            malformed=self.malformed,
            first_malformed=self.first_malformed,
            first_nul=self.first_nul,
            after_compaction=None if self._compacted_at is None else max(0, size - self._compacted_at),
            boot_markers=self.boot,
            header_ok=self.header_ok,
            complete=complete,
            reason=reason,
        )

    def content(self) -> ContentClass:
        """What the lines so far are to people."""
        said = self.human or self.machine or self.others or self.summaries
        if not (said or self.header_ok or self._is_transcript):
            blank = self._first_record and not self.malformed
            return ContentClass.HEADER_ONLY if blank else ContentClass.NOT_TRANSCRIPT
        # A summary without any machine's prompt next to it may be all that is left of people's words.
        if self.human or self.undecided or (self.summaries and not self.machine):
            return ContentClass.HUMAN
        return ContentClass.MACHINE if said or self._is_transcript else ContentClass.HEADER_ONLY


def _holds_no_words(line: bytes) -> bool:
    """Whether no person's words can be in a line that is not JSON: it is blank, or begins as a record of a
    machine and holds nothing behind it, or breaks off before any words."""
    if not line:
        return True
    try:
        parse(line)
    except Illegal as illegal:
        if illegal.fault.kind is not JsonFaultKind.CUT_SHORT:
            return False
    begins = _begins_wordless(line) or _BARE_FRONT.fullmatch(line) is not None
    return begins and _USER.search(line) is None


def _begins_wordless(record: bytes) -> bool:
    if _WORDLESS_FRONT.match(record):
        return True
    front = _MESSAGE_FRONT.match(record)
    if front is None:
        return False
    more = _SAYS_MORE.search(record, front.end())
    return more is None or _MACHINE_ROLE.match(record, more.start()) is not None
