"""Small JSON documents, taken as the gateway takes them; what it would refuse is named with its byte offset. For a
parser that is stricter about text, the same document in valid UTF-8."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gatewaydoctor.model.gateway.store import JsonFault, JsonFaultKind
from gatewaydoctor.model.regex import regex
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal, TooMuch

if TYPE_CHECKING:
    from collections.abc import Mapping

# A pair of surrogates is sound, one alone (group 1) is not. The last alternative passes over any other escape.
_ESCAPE = regex(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.?)", re.DOTALL)
_LONGEST_ESCAPE = 12


class Cleaned:
    """A stream of the same text. Undecodable bytes and escapes of lone surrogates become U+FFFD."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek(0)

    def seek(self, offset: int) -> None:
        """To the beginning, the only place one may go to."""
        self._stream.seek(offset)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def read(self, count: int) -> bytes:
        """Some bytes, about `count`; none at the end."""
        while block := self._stream.read(count):
            # A block may be nothing but the beginning of a character or an escape.
            if text := self._whole(self._decode(block)):
                return text.encode()
        text, self._held = self._held + self._decode(b"", True), ""
        return _ESCAPE.sub(_mended, text).encode()

    def _whole(self, text: str) -> str:
        """The text up to the last place where it is certain that no escape is cut in two."""
        text = self._held + text
        self._held = ""
        for found in _ESCAPE.finditer(text):
            if found.start() > len(text) - _LONGEST_ESCAPE:
                text, self._held = text[: found.start()], text[found.start() :]
                break
        return _ESCAPE.sub(_mended, text)


def _mended(found: re.Match[str]) -> str:
    return r"\ufffd" if found[1] else found[0]


__all__ = ["TooMuch", "parse", "parse_json5"]

USUAL_LEVELS = 500
_decode = msgspec.json.Decoder().decode
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_HOPELESS = frozenset({JsonFaultKind.EMPTY, JsonFaultKind.CUT_SHORT})


def as_object(value: object) -> Mapping[str, object]:
    """The members of a parsed value; none where it is no object."""
    return value if isinstance(value, dict) else {}


def parse(data: bytes) -> object:
    """What JSON.parse makes of the bytes. Invalid UTF-8 becomes U+FFFD, lone surrogates stay, whole numbers over 64
    bits become floats, the last of two equal keys wins. Raises Illegal; TooMuch where legal JSON is nested too deeply
    to be held."""
    try:
        return _with_long_numbers(data) if _may_have_a_long_number(data) else _decode(data)
    except (ValueError, RecursionError):  # of both parsers
        pass
    automaton = Automaton()
    automaton.feed(data)
    automaton.finish()
    # Legal: both are stricter than the gateway about surrogates, UTF-8 and very large numbers.
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_int=_whole)
    except RecursionError:
        raise TooMuch(JsonFault(JsonFaultKind.UNEXPECTED, 0, "it is nested too deeply")) from None


def _with_long_numbers(data: bytes) -> object:
    """Whole numbers over 64 bits as floats, of which msgspec makes ints."""
    import orjson  # rarely needed: brings in dataclasses and inspect

    return orjson.loads(data)


def _may_have_a_long_number(data: bytes) -> bool:
    """Whether there are so many digits that a whole number may be over 64 bits."""
    digits = data.translate(_DIGITS)
    return b"0" * 20 in digits or b"-" + b"0" * 19 in digits


def _whole(digits: str) -> int | float:
    """Over 64 bits a float."""
    if len(digits) > 20:
        return float(digits)
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else float(digits)


def parse_json5(data: bytes, levels: int = USUAL_LEVELS) -> object:
    """The same, falling back to JSON5 as the gateway does for its config and cron/jobs.json, and reading at least
    `levels` of nesting. Raises Illegal, and TooMuch where the document may be JSON5."""
    try:
        return parse(data)
    except TooMuch:
        if levels <= USUAL_LEVELS:
            raise
    except Illegal as strict:
        if _hopeless(data, strict.fault):
            raise
    from gatewaydoctor.storage.jsontext.json5text import read_json5  # most files are strict JSON

    try:
        return read_json5(data.decode("utf-8", "replace"), levels)
    except Illegal as refused:
        # Bytes that are not UTF-8 take more room as U+FFFD.
        fault = refused.fault
        raise type(refused)(JsonFault(fault.kind, min(fault.offset, len(data)), fault.detail)) from None


def _hopeless(data: bytes, fault: JsonFault) -> bool:
    """Whether JSON5 must refuse what strict JSON refused: an object or array that ends too early."""
    return fault.kind in _HOPELESS and data.lstrip()[:1] in b"{["
