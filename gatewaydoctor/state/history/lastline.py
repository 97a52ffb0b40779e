"""A last line that is not JSON may still hold whole records: one was glued to a line without a newline, or to a torn
one (docs/gateway.md section 11). These are history, and no torn tail."""

from __future__ import annotations

import json

from gatewaydoctor.model.regex import regex

# Types of records, in the place the gateway gives them. Parts of a message have other ones.
_RECORD = regex(
    r'\{"type": ?"(?:session|message|model_change|thinking_level_change|compaction|branch_summary|custom|'
    r'custom_message|label|session_info|reset|leaf)"'
)


def _refuse(word: str) -> float:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_refuse)


def sound_part(line: bytes) -> int:
    """Bytes of the line up to the end of the last whole record in it; 0 where it holds none."""
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
