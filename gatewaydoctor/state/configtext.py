"""JSON5 text of a config. Comments and trailing commas, all that most hand-edited configs use beyond JSON, are
blanked out first: the json5 library reads some 60 KB a second and would take longer than the whole examination."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.model.config import ConfigProblem
from gatewaydoctor.model.store import FaultKind
from gatewaydoctor.state import gateway_json
from gatewaydoctor.store.grammar import Illegal

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2 * 1024 * 1024
"""The gateway's limit for one included file. Its main file has no limit there; here it has this one."""

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
    """Something the gateway would refuse in a config. It stays inside the state package; config.py makes it a
    value."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def parse_config(data: bytes, path: Path) -> object:
    """The value of a config file as the gateway reads it. Raises Unreadable with the place of the fault."""
    if len(data) > MAX_BYTES:
        raise Unreadable(ConfigProblem(path, f"it has more than {MAX_BYTES:,} bytes and was not read"))
    for text in (data, _blanked(data)):
        try:
            return gateway_json.parse(text)
        except Illegal as illegal:
            fault = illegal.fault
    # Up to a single quote blanking is right, and strict JSON gets no further than that. So a document that was
    # followed to its end was read rightly, and the slow library would only say the same.
    if fault.kind not in (FaultKind.SECOND_DOCUMENT, FaultKind.CUT_SHORT):
        try:
            return gateway_json.parse_json5(data)
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
