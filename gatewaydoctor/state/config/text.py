"""JSON5 text of a config. Comments and trailing commas, all that most hand-edited configs use beyond JSON, are
blanked out first: the json5 library reads some 60 KB a second and would take longer than the whole examination."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import ConfigProblem
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.gateway.store import FaultKind
from gatewaydoctor.storage.files import gateway_json
from gatewaydoctor.storage.files.grammar import Illegal

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
"""A config beyond this is not read; the gateway has no limit for its main file."""

# Strings come first so that nothing inside one is taken for a comment; a comment left open stays for strict JSON to
# refuse. Possessive parts and `|\Z` keep torn text linear. Text with single quotes cannot slip through: it stays.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'
_LINE_COMMENT = rb"//(?:(?!\xe2\x80[\xa8\xa9])[^\n\r])*+"
_COMMENT = re.compile(rb"(?P<kept>" + _STRING + rb"|/\*(?!.*?\*/).*)|" + _LINE_COMMENT + rb"|/\*.*?\*/", re.DOTALL)
# A comma behind an opening bracket, a colon or a comma is wrong in JSON5 too: it stays for strict JSON to refuse.
_TRAILING_COMMA = re.compile(rb"(" + _STRING + rb"|[\[{,:]\s*+,)|,(?=\s*+[\]}])", re.DOTALL)
_VISIBLE = re.compile(rb"[^\n\r]")
_BOM = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """Something in a config that the gateway would refuse, or that is not read here. It stays inside the state
    package; config.py makes it a value."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def parse_config(data: bytes, path: Path) -> object:
    """The value of a config file as the gateway reads it. Raises Unreadable with the place of the fault."""
    if len(data) > MAX_BYTES:
        raise _beyond_limit(path, f"it has more than {MAX_BYTES:,} bytes")
    try:
        return _parsed(data)
    except gateway_json.TooMuch as much:
        raise _beyond_limit(path, much.fault.detail) from None
    except Illegal as illegal:
        fault = illegal.fault
    # The mark of two writers (failures.md row 24): a whole object, and another one behind it.
    second = fault.kind is FaultKind.SECOND_DOCUMENT and data[fault.offset : fault.offset + 1] == b"{"
    line, column = _line_and_column(data, fault.offset)
    raise Unreadable(
        ConfigProblem(
            path, fault.detail, fault.offset, line, column, second_object_at=fault.offset if second else None
        )
    )


def _beyond_limit(path: Path, why: str) -> Unreadable:
    return Unreadable(ConfigProblem(path, why, obstacle=Obstacle.BEYOND_LIMIT))


def _parsed(data: bytes) -> object:
    for text in (data, _blanked(data)):
        try:
            return gateway_json.parse(text)
        except gateway_json.TooMuch:
            raise
        except Illegal as illegal:
            refused = illegal
    # Up to a single quote blanking is right, and strict JSON gets no further than that: what it says of a document
    # that it followed to the end, the slow library would say too.
    if gateway_json.hopeless(text, refused.fault):
        raise refused
    return gateway_json.parse_json5(data)


def _line_and_column(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1


def _blanked(data: bytes) -> bytes:
    """The same number of bytes, so that every offset stays true."""
    if data.startswith(_BOM):
        data = b"   " + data[3:]
    plain = _COMMENT.sub(lambda found: found["kept"] or _VISIBLE.sub(b" ", found[0]), data)
    return _TRAILING_COMMA.sub(lambda found: found[1] or b" ", plain)
