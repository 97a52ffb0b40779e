"""Durations and sizes as the gateway reads them in its config (2026.3.28 cli/parse-duration and cli/parse-bytes)."""

from __future__ import annotations

import math

from gatewaydoctor.model.regex import regex

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3, "gb": 1024**3} | {
    "t": 1024**4,
    "tb": 1024**4,
}
_NUMBER = r"[0-9]{1,300}(?:\.[0-9]{1,300})?"
_DURATION_PART = regex(rf"({_NUMBER})(ms|[smhd])")
_DURATION = regex(rf"(?:{_DURATION_PART.pattern})+")
_BARE_NUMBER = regex(_NUMBER)
_SIZE = regex(rf"({_NUMBER})([a-z]+)?")


def parse_duration(raw: object, default_unit: str) -> int | None:
    """Milliseconds of `30d`, `1h30m`, `24` (in the default unit) or a number; None for what the gateway refuses."""
    text = _text(raw)
    if _BARE_NUMBER.fullmatch(text):
        return _rounded(float(text) * _MS[default_unit])
    if not _DURATION.fullmatch(text):
        return None
    return _rounded(sum(float(number) * _MS[unit] for number, unit in _DURATION_PART.findall(text)))


def parse_bytes(raw: object) -> int | None:
    """Bytes of `10mb`, `1.5g`, `4096` or a number (units of 1024); None for what the gateway refuses."""
    found = _SIZE.fullmatch(_text(raw))
    unit = _BYTES.get(found[2] or "b") if found else None
    return _rounded(float(found[1]) * unit) if found and unit else None


def _text(raw: object) -> str:
    """How JavaScript spells the value; an empty text for what is neither string nor number."""
    match raw:
        case bool():
            return ""
        case float() if raw.is_integer() and abs(raw) < 1e21:
            return str(int(raw))
        case str() | int() | float():
            return str(raw).strip().lower()
        case _:
            return ""


def _rounded(value: float) -> int | None:
    # Math.round: halves go up, where Python's round() takes them to the even neighbour.
    return math.floor(value + 0.5) if math.isfinite(value) else None
