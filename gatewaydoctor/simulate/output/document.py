"""Results and comparisons as JSON: camelCase keys, six significant digits, the same bytes for the same values."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gatewaydoctor.simulate.sensitivity import Sensitivity
    from gatewaydoctor.simulate.values import Comparison, Figure, Result

SCHEMA_VERSION: Final = "1.0"

_UNDERSCORE = re.compile(r"_([a-z])")


def as_value(item: Result | Comparison | Sensitivity) -> dict[str, Any]:
    """The document as plain values, `schemaVersion` first. Infinities become null."""
    return {"schemaVersion": SCHEMA_VERSION, **_plain(item)}


def to_json(item: Result | Comparison) -> str:
    """The document as text, two blanks of indent and a final newline."""
    return json.dumps(as_value(item), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        members = {_camel(item.name): _plain(getattr(value, item.name)) for item in fields(value)}
        return members | _computed(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return _rounded(value) if isinstance(value, float) else value


def _computed(value: Any) -> dict[str, Any]:
    from gatewaydoctor.simulate.values import Figure

    if not isinstance(value, Figure):
        return {}
    figure: Figure = value
    deviation = figure.deviation
    return {"deviation": None if deviation is None else _rounded(deviation), "within": figure.within}


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def _camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)
