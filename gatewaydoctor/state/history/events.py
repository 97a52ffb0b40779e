"""The events of one transcript file against those a database has: which lines only the file has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.history.content import content_of_lines, lines_of
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_ID = regex(rb'"id"\s*:\s*"([^"\\]{1,200})"')
_BLANK = b"\0 \t\r\n"


class Comparison(Struct):
    """`events` are lines with a record, `contained` those whose id the database has. The rest as in TranscriptPlace.
    `people` counts turns of people that only the file has."""

    events: int = 0
    contained: int = 0
    people: int = 0
    undecided: int = 0
    broken_at: int | None = None
    header: bool = True
    size: int = 0


def compare(stream: BinaryIO, known: Callable[[str, str | None], bool]) -> Comparison:
    """One pass over a transcript. `known(event id, session id of the header)` says whether the database has it.
    Memory is bounded by the longest line up to 8 MiB. Raises OSError."""
    found = Comparison()
    content = content_of_lines(missing_lines(stream, known, found))
    found.people, found.undecided = content.human_turns, content.undecided
    return found


def missing_lines(
    stream: BinaryIO, known: Callable[[str, str | None], bool], found: Comparison | None = None
) -> Iterator[bytes]:
    """The lines that only the file has, as they are, one that is not JSON included; of one over 8 MiB the first
    64 KiB."""
    found = found if found is not None else Comparison()
    session: str | None = None
    for number, (_, raw, length) in enumerate(lines_of(stream), 1):
        found.size += length + 1
        line = raw.strip(_BLANK)
        if not line:
            continue
        record = _record(line, cut=length > len(raw))
        if record is None:
            found.broken_at = found.broken_at or number
            found.header = found.header and found.events > 0
            yield line
            continue
        is_header, event_id = record
        if not found.events:
            found.header = is_header and event_id is not None
            session = event_id if found.header else None
        found.events += 1
        if event_id is not None and known(event_id, session):
            found.contained += 1
        else:
            yield line


def _record(line: bytes, *, cut: bool) -> tuple[bool, str | None] | None:
    """Whether it is a header, and its id; None where it is not JSON object."""
    if cut:
        match = _ID.search(line[: 64 * 1024])
        return False, match[1].decode("utf-8", "replace") if match else None
    try:
        record = parse(line)
    except Illegal:
        return None
    if not isinstance(record, dict):
        return None
    event_id = record.get("id")
    return record.get("type") == "session", event_id if isinstance(event_id, str) else None
