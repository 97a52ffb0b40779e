"""JSON5 rewritten as JSON, in linear time and at any depth, so that the JSON parser judges it. The json5 library
reads some 40 KB a second and fails at fifty levels."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Rewriting = Callable[[re.Match[str]], str]

_DIGITS = r"(?:0|[1-9][0-9]*+)(?:\.[0-9]*+)?|\.[0-9]++"
# A string or comment that is left open is a token too, to its end: no piece of text is looked at twice.
_TOKEN = re.compile(
    r'(?P<plain>"[^"\\\x00-\x1f]*+")'
    r"""|(?P<string>"(?:[^"\\\n\r]|\\(?:\r\n|.))*+(?:"|(?P<open>))|'(?:[^'\\\n\r]|\\(?:\r\n|.))*+(?:'|(?P<open2>)))"""
    r"|(?P<blank>//[^\n\r\u2028\u2029]*+|/\*.*?\*/"
    r"|[\v\f\ufeff\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]++)"
    r"|(?P<rest>/\*.*)"
    rf"|(?P<number>[+-]?(?:0[xX][0-9a-fA-F]++|(?:{_DIGITS})(?:[eE][+-]?[0-9]++)?)|[+-](?:Infinity|NaN)\b)"
    r"|(?P<word>(?:[^\W\d]|\$|\\u[0-9a-fA-F]{4})(?:[\w$\u200c\u200d]|\\u[0-9a-fA-F]{4})*+)",
    re.DOTALL,
)
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'
_WORD = re.compile(
    rf"(?P<kept>{_STRING})|(?:[^\W\d]|[$\\])[\w$\\\u200c\u200d]*+(?:(?=[ \t\n\r]*+(?P<colon>:)))?", re.DOTALL
)
# A comma behind an opening bracket, a colon or a comma is wrong in JSON5 too: it stays for JSON to refuse.
_TRAILING_COMMA = re.compile(rf"(?P<kept>{_STRING}|[\[{{,:]\s*+,)|,(?=\s*+[\]}}])", re.DOTALL)
_IN_STRING = re.compile(r"\\(?:\r\n|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|[\"\x00-\x1f]", re.DOTALL)
_VISIBLE = re.compile(r"[^\n\r]")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_JSON_ESCAPES = frozenset('"\\/bfnrtu')
_CONTINUED = frozenset("\n\r\u2028\u2029")


@dataclass(slots=True)
class Rewritten:
    """JSON text and the way back: `origin` gives for an offset in it the one in the JSON5 it came from."""

    text: str
    _steps: list[tuple[list[int], list[int]]] = field(default_factory=list)

    def origin(self, offset: int) -> int:
        for ends, shifts in reversed(self._steps):
            offset -= shifts[bisect_right(ends, offset)]
        return offset

    def rewrite(self, pattern: re.Pattern[str], replace: Rewriting) -> None:
        """Replace every match. Offsets behind a replacement move by the difference in length."""
        parts: list[str] = []
        ends: list[int] = []
        shifts = [0]
        done = 0
        for found in pattern.finditer(self.text):
            new = replace(found)
            if len(new) != found.end() - found.start():
                ends.append(found.end() + shifts[-1] + len(new) - (found.end() - found.start()))
                shifts.append(shifts[-1] + len(new) - (found.end() - found.start()))
            if new != found[0]:
                parts += (self.text[done : found.start()], new)
                done = found.end()
        self.text = "".join((*parts, self.text[done:]))
        self._steps.append((ends, shifts))


def as_json(text: str) -> Rewritten:
    """The same document in JSON. What is wrong in JSON5 is left so that it is wrong in JSON; an infinite number and
    NaN become one that JSON reads as infinite, which no setting takes."""
    rewritten = Rewritten(text)
    rewritten.rewrite(_TOKEN, _token)
    rewritten.rewrite(_WORD, _word)
    rewritten.rewrite(_TRAILING_COMMA, lambda found: found["kept"] or " ")
    return rewritten


def _token(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "string" if found["open"] is None and found["open2"] is None:
            return f'"{_IN_STRING.sub(_piece, found[0][1:-1])}"'
        case "blank":
            return _VISIBLE.sub(" ", found[0])
        case "number":
            return _number(found[0])
        case _:
            return found[0]


def _word(found: re.Match[str]) -> str:
    if found["kept"] is None and found["colon"]:
        return f'"{found[0]}"'
    return _number(found[0]) if found[0] in ("Infinity", "NaN") else found[0]


def _piece(found: re.Match[str]) -> str:
    """An escape, a quote or a control character inside a string."""
    text = found[0]
    if text[0] != "\\":
        return '\\"' if text == '"' else f"\\u{ord(text):04x}"
    escaped = text[1:]
    if escaped[0] in _CONTINUED:
        return ""
    if escaped[0] == "x" and len(escaped) == 3:
        return f"\\u00{escaped[1:]}"
    if escaped == "v":
        return "\\u000b"
    if escaped == "0" and not found.string[found.end() : found.end() + 1].isdecimal():
        return "\\u0000"
    # Digits, and x or u without theirs, stay for JSON to refuse.
    return text if escaped[0] in _JSON_ESCAPES or escaped in "0123456789x" else _plain(escaped)


def _plain(char: str) -> str:
    return char if char >= " " else f"\\u{ord(char):04x}"


def _number(text: str) -> str:
    if _JSON_NUMBER.fullmatch(text):
        return text
    sign, body = ("-" if text[0] == "-" else "", text.lstrip("+-"))
    if body[:2] in ("0x", "0X"):
        body = str(int(body, 16)) if len(body) < _LONGEST_HEX else "1e999"
    elif body in ("Infinity", "NaN"):
        body = "1e999"
    else:
        body = re.sub(r"\.(?![0-9])", ".0", f"0{body}" if body.startswith(".") else body)
    # The blank keeps two numbers that stand side by side from becoming one.
    return f" {sign}{body}"


_LONGEST_HEX = 270
"""Digits beyond this make a number that no double holds."""
