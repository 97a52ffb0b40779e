"""The small part of JavaScript's value semantics that decides which bytes a gateway writes.

A parsed value is None, bool, int, float, str, list or dict. Integers beyond 2**53 are rounded to doubles as
JavaScript does, `1e400` is infinity, and a dict lists integer-like keys first, in ascending order. A property may
be UNDEFINED: it is not written, and reads as absent.
"""

from __future__ import annotations

import json
import math
import re
from functools import cmp_to_key
from json.encoder import encode_basestring
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_STRING_UNITS: Final = 0x1FFFFFE8
"""V8's longest string, in UTF-16 units (docs/gateway.md section 5): a longer file cannot be read."""

T = TypeVar("T")

_SAFE_INTEGER: Final = 2**53
_MAX_ARRAY_INDEX: Final = 2**32 - 2
_ARRAY_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHITESPACE: Final = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")


class GatewayTypeError(TypeError):
    """The gateway itself throws a TypeError here: the whole operation fails and nothing is written."""


class Undefined:
    """The type of `UNDEFINED`, the value of an absent property."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


def parse(text: str) -> Any:
    """JSON.parse. Raises ValueError where it throws, RecursionError on nesting beyond about 900 levels."""
    return json.loads(text, object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_refuse)


def stringify(value: Any, *, compact: bool = False) -> str:
    """JSON.stringify(value, null, 2), or without indent: no final newline, infinities as null.

    Lone surrogates become escapes, everything else outside ASCII stays as it is.
    """
    out: list[str] = []
    _write(value, "" if compact else "\n", out.append)
    return "".join(out)


def number_text(value: float) -> str:
    """The shortest decimal text of a finite double, in JavaScript's spelling (`1e+21`, `1e-7`, `0` for -0)."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    size = len(digits)
    if size <= point <= 21:
        return digits + "0" * (point - size)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = f"{'-' if point < 1 else '+'}{abs(point - 1)}"
    return f"{digits[0]}{'.' if size > 1 else ''}{digits[1:]}e{exponent}"


def string_text(value: str) -> str:
    """A JSON string literal as JSON.stringify writes it."""
    quoted = encode_basestring(value)
    return _SURROGATE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", quoted)


def put(target: dict[str, Any], key: str, value: Any) -> None:
    """target[key] = value, keeping integer-like keys first."""
    known = key in target
    target[key] = value
    if not known and is_array_index(key):
        ordered = ordered_object(target.items())
        target.clear()
        target.update(ordered)


def ordered_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these properties in JavaScript's order; a repeated key keeps its first place, last value."""
    found = dict(pairs)
    indexes = [key for key in found if is_array_index(key)]
    if not indexes:
        return found
    indexes.sort(key=int)
    ordered = {key: found[key] for key in indexes}
    for key, value in found.items():
        ordered.setdefault(key, value)
    return ordered


def is_array_index(key: str) -> bool:
    """Whether JavaScript treats the key as an array index, listed before all other keys."""
    return _ARRAY_INDEX.match(key) is not None and int(key) <= _MAX_ARRAY_INDEX


def get(value: Any, name: str) -> Any:
    """value?.name: UNDEFINED for everything but an object that has it."""
    return value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED


def is_nullish(value: Any) -> bool:
    """value == null."""
    return value is None or value is UNDEFINED


def coalesce(*values: Any) -> Any:
    """a ?? b ?? …"""
    for value in values[:-1]:
        if not is_nullish(value):
            return value
    return values[-1]


def truthy(value: Any) -> bool:
    """Boolean(value)."""
    if isinstance(value, (dict, list)):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is not UNDEFINED and bool(value)


def is_number(value: Any) -> bool:
    """typeof value === "number"."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Number.isFinite(value)."""
    return is_number(value) and math.isfinite(value)


def strictly_equal(left: Any, right: Any) -> bool:
    """left === right."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is right


def to_number(value: Any) -> float:
    """Number(value) for a parsed value; arrays join their elements first, objects are NaN."""
    if is_number(value):
        return float(value)
    match value:
        case bool():
            return float(value)
        case None:
            return 0.0
        case str():
            return _string_to_number(value)
        case list():
            return _string_to_number(_join(value))
        case _:
            return math.nan


def trim(value: Any) -> str:
    """value.trim(). Raises GatewayTypeError where value is no string."""
    if not isinstance(value, str):
        raise GatewayTypeError("trim is not a function")
    return value.strip(_WHITESPACE)


def text_or_undefined(value: Any) -> str | Undefined:
    """The trimmed text, or UNDEFINED where value is no string or blank."""
    return (trim(value) or UNDEFINED) if isinstance(value, str) else UNDEFINED


def lower_text(value: Any) -> str:
    """The trimmed lower-case text, or "" where value is no string."""
    return trim(value).lower() if isinstance(value, str) else ""


def units(text: str) -> int:
    """text.length, in UTF-16 units."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def by_number(items: Iterable[T], key: Callable[[T], float], *, descending: bool) -> list[T]:
    """Stable toSorted((a, b) => key(a) - key(b)), or the reverse; a NaN difference counts as equal.

    With NaN keys the order depends on the sorting algorithm, in JavaScript as here; up to 63 items CPython before
    3.13 and V8 take the same steps.
    """

    keyed = [(key(item), item) for item in items]
    if not any(math.isnan(number) for number, _ in keyed):
        return [item for _, item in sorted(keyed, key=itemgetter(0), reverse=descending)]

    def compare(left: tuple[float, T], right: tuple[float, T]) -> int:
        difference = right[0] - left[0] if descending else left[0] - right[0]
        return (difference > 0) - (difference < 0)

    return [item for _, item in sorted(keyed, key=cmp_to_key(compare))]


def utf16_order(text: str) -> bytes:
    """Sort key of the default Array.prototype.sort on strings."""
    return text.encode("utf-16-be", "surrogatepass")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return ordered_object(pairs)


def _number(text: str) -> float:
    if len(text) <= 15 and text.lstrip("-").isdigit():
        return -0.0 if text == "-0" else int(text)
    value = float(text)
    return int(value) if abs(value) <= _SAFE_INTEGER and value.is_integer() and value else value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _write(value: Any, newline: str, emit: Callable[[str], None]) -> None:
    match value:
        case str():
            emit(string_text(value))
        case None | Undefined():
            emit("null")
        case bool():
            emit("true" if value else "false")
        case int() | float():
            emit(number_text(value) if math.isfinite(value) else "null")
        case dict():
            _write_members(value, newline, emit)
        case list():
            _write_items(value, newline, emit)
        case _:
            raise TypeError(f"not a JSON value: {type(value).__name__}")


def _write_members(members: dict[str, Any], newline: str, emit: Callable[[str], None]) -> None:
    inner, separator = newline and newline + "  ", "{"
    colon = ": " if newline else ":"
    for key, value in members.items():
        if value is UNDEFINED:
            continue
        emit(f"{separator}{inner}{string_text(key)}{colon}")
        _write(value, inner, emit)
        separator = ","
    emit("{}" if separator == "{" else newline + "}")


def _write_items(items: list[Any], newline: str, emit: Callable[[str], None]) -> None:
    inner, separator = newline and newline + "  ", "["
    for value in items:
        emit(f"{separator}{inner}")
        _write(value, inner, emit)
        separator = ","
    emit("[]" if separator == "[" else newline + "]")


def _string_to_number(text: str) -> float:
    bare = text.strip(_WHITESPACE)
    if not bare:
        return 0.0
    if _NUMERIC.match(bare):
        return float(bare)
    if _RADIX.match(bare):
        return float(int(bare, 0))
    if bare.lstrip("+-") == "Infinity" and len(bare) <= len("+Infinity"):
        return -math.inf if bare[0] == "-" else math.inf
    return math.nan


def _join(items: list[Any]) -> str:
    return ",".join(_as_text(item) for item in items)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return number_text(value) if math.isfinite(value) else "Infinity"
    if isinstance(value, list):
        return _join(value)
    return value if isinstance(value, str) else "[object Object]"
