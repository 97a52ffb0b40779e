"""Small JSON documents, taken as the gateway takes them; what it would refuse is named with its byte offset."""

from __future__ import annotations

import json
import re

import orjson

from gatewaydoctor.model.gateway.store import Fault, FaultKind
from gatewaydoctor.storage.files.grammar import Automaton, Illegal

JSON5_LIMIT = 256 * 1024
"""Bytes up to which a second reading as JSON5 is tried: the library reads some 60 KB a second."""

_HOPELESS = frozenset({FaultKind.EMPTY, FaultKind.CUT_SHORT, FaultKind.NUL_BYTES, FaultKind.SECOND_DOCUMENT})
_JSON5_PLACE = re.compile(r"<string>:(\d+) .* at column (\d+)", re.DOTALL)


class TooMuch(Illegal):
    """It may be just what the gateway reads, and is nested too deeply or too large to be read here."""


def parse(data: bytes) -> object:
    """What JSON.parse makes of the bytes. Invalid UTF-8 becomes U+FFFD, lone surrogates stay, whole numbers over 64
    bits become floats, the last of two equal keys wins. Raises Illegal; TooMuch where legal JSON is nested too deeply
    to be held."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    automaton = Automaton()
    automaton.feed(data)
    automaton.finish()
    # Legal after all: orjson is stricter than the gateway about surrogates, UTF-8 and very large numbers.
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_int=float)
    except RecursionError:
        raise TooMuch(Fault(FaultKind.UNEXPECTED, 0, "it is nested too deeply")) from None


def parse_json5(data: bytes) -> object:
    """The same, falling back to JSON5 as the gateway does for its config and cron/jobs.json. Raises Illegal, and
    TooMuch where the document may be JSON5."""
    try:
        return parse(data)
    except TooMuch:
        raise
    except Illegal as strict:
        if hopeless(data, strict.fault):
            raise
        fault = strict.fault
    if len(data) > JSON5_LIMIT:
        raise TooMuch(Fault(fault.kind, fault.offset, "it is no JSON, and too large to be tried as JSON5"))
    return _second_reading(data, fault)


def hopeless(data: bytes, fault: Fault) -> bool:
    """Whether JSON5 must refuse what strict JSON refused: an object or array that ends too early, or was followed to
    its end."""
    return fault.kind in _HOPELESS and data.lstrip()[:1] in b"{["


def _second_reading(data: bytes, fault: Fault) -> object:
    import json5  # slow to import, rarely needed

    text = data.decode("utf-8", "replace")
    try:
        return json5.loads(text)
    except RecursionError:
        raise TooMuch(Fault(fault.kind, fault.offset, "it is no JSON, and nested too deeply for JSON5")) from None
    except ValueError as error:
        place = _JSON5_PLACE.match(str(error))
        if place is None:
            raise Illegal(fault) from None
        lines = text.split("\n")[: int(place[1]) - 1]
        before = "".join(f"{line}\n" for line in lines) + text.split("\n")[len(lines)][: int(place[2]) - 1]
        offset = min(len(before.encode("utf-8", "surrogatepass")), len(data))
        kind = FaultKind.CUT_SHORT if "end of input" in str(error) else FaultKind.UNEXPECTED
        detail = "the file ends too early" if kind is FaultKind.CUT_SHORT else "neither JSON nor JSON5"
        raise Illegal(Fault(kind, offset, detail)) from None
