"""Small JSON documents, taken as the gateway takes them; what it would refuse is named with its byte offset."""

from __future__ import annotations

import json

import orjson

from gatewaydoctor.model.gateway.store import Fault, FaultKind
from gatewaydoctor.storage.files.grammar import Automaton, Illegal, TooMuch

__all__ = ["TooMuch", "parse", "parse_json5"]

USUAL_LEVELS = 500
_HOPELESS = frozenset({FaultKind.EMPTY, FaultKind.CUT_SHORT})


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
    from gatewaydoctor.storage.files.json5text import read_json5  # most files are strict JSON

    try:
        return read_json5(data.decode("utf-8", "replace"), levels)
    except Illegal as refused:
        # Bytes that are not UTF-8 take more room as U+FFFD.
        fault = refused.fault
        raise type(refused)(Fault(fault.kind, min(fault.offset, len(data)), fault.detail)) from None


def _hopeless(data: bytes, fault: Fault) -> bool:
    """Whether JSON5 must refuse what strict JSON refused: an object or array that ends too early."""
    return fault.kind in _HOPELESS and data.lstrip()[:1] in b"{["
