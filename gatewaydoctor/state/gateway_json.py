"""Small JSON documents, taken as the gateway takes them; what it would refuse is named with its byte offset."""

from __future__ import annotations

import json

import orjson

from gatewaydoctor.model.store import Fault, FaultKind
from gatewaydoctor.state.json5text import as_json
from gatewaydoctor.store.grammar import Automaton, Illegal

# Where strict JSON ends in NUL bytes or holds nothing, JSON5 does too.
_HOPELESS = frozenset({FaultKind.EMPTY, FaultKind.NUL_BYTES})


class TooDeep(Illegal):
    """It is JSON, but of more levels than are read here. The gateway has no such limit."""


def parse(data: bytes) -> object:
    """What JSON.parse makes of the bytes. Invalid UTF-8 becomes U+FFFD, lone surrogates stay, whole numbers over 64
    bits become floats, the last of two equal keys wins. Raises Illegal; TooDeep where legal JSON is nested too deeply
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
        raise TooDeep(Fault(FaultKind.UNEXPECTED, 0, "nested too deeply to be read")) from None


def parse_json5(data: bytes) -> object:
    """The same, falling back to JSON5 as the gateway does for its config and cron/jobs.json. Raises Illegal."""
    try:
        return parse(data)
    except TooDeep:
        raise
    except Illegal as strict:
        if strict.fault.kind in _HOPELESS:
            raise
    text = data.decode("utf-8", "replace")
    rewritten = as_json(text)
    try:
        return parse(rewritten.text.encode())
    except TooDeep:
        raise
    except Illegal as illegal:
        fault = illegal.fault
    before = rewritten.text.encode()[: fault.offset].decode("utf-8", "replace")
    offset = len(text[: rewritten.origin(len(before))].encode())
    kinds = (FaultKind.CUT_SHORT, FaultKind.SECOND_DOCUMENT)
    detail = fault.detail if fault.kind in kinds else "neither JSON nor JSON5"
    raise Illegal(Fault(fault.kind, min(offset, len(data)), detail))
