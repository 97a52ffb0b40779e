"""Spans of time on the command line and in settings: `90s`, `5m`, `1h`, `2d`."""

from __future__ import annotations

import re

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.regex import regex

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = regex(r"([0-9]{1,18}(?:\.[0-9]+)?)\s*(ms|s|min|m|h|d|w)?", re.IGNORECASE)


def parse_span(text: str, option: str) -> int:
    """Milliseconds. Raises UsageError for anything else, and for a number without a unit: ms is not meant."""
    found = _SPAN.fullmatch(text.strip())
    hint = "Try 90s, 5m, 1h or 2d."
    if found is None:
        raise UsageError(f"{option} {text!r} is not a duration.", hint)
    number, unit = float(found[1]), found[2]
    if number and unit is None:
        raise UsageError(f"{option} {text!r} has no unit.", hint)
    return round(number * _UNITS[(unit or "ms").lower()])
