"""JSON5 as the gateway's own reader takes it, of any size and to any depth asked for.

The json5 library reads 60 KB a second, refuses a NUL inside a string, which the gateway reads, and does not come back
from some hundred levels."""

from __future__ import annotations

import re
from typing import Any

from gatewaydoctor.model.gateway.store import JsonFault, JsonFaultKind
from gatewaydoctor.storage.jsontext.grammar import Illegal, TooMuch

_BLANK = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SKIPPED = re.compile(rf"(?:[{_BLANK}]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(
    r"([+-]?)(?:(0[xX][0-9a-fA-F]+)|(Infinity|NaN)|((?:0|[1-9][0-9]*)(?![0-9])(?:\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)"
)
_LITERALS: dict[str, Any] = {"null": None, "true": True, "false": False}
_NAME = re.compile(r"(?:[\w$\u200c\u200d]|\\u[0-9a-fA-F]{4})+")
_PLAIN = {quote: re.compile(rf"[^{quote}\\\n\r]*") for quote in "\"'"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(\r\n|[\n\r\u2028\u2029])|(0)(?![0-9])|([^xu0-9]))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_CLOSING = {"{": "}", "[": "]"}


def read_json5(text: str, levels: int) -> object:
    """The value of a document nested at most `levels` deep. Of two equal keys the last wins, a whole number over 64
    bits is a float. Raises Illegal with the offset in bytes of `text` in UTF-8, and TooMuch."""
    return _Reader(text, levels).document()


class _Reader:
    """`at` is the character that is read next."""

    def __init__(self, text: str, levels: int) -> None:
        self._text = text
        self._levels = levels
        self._at = 0

    def document(self) -> object:
        # Containers that are open, outermost first, and the keys that wait for a value: no call per level.
        within: list[dict[str, Any] | list[Any]] = []
        keys: list[str] = []
        while True:
            self._skip()
            opened = self._opened()
            if opened is None:
                value = self._scalar()
            elif self._closes(opened):
                value = opened
            else:
                within.append(opened)
                if len(within) > self._levels:
                    raise TooMuch(JsonFault(JsonFaultKind.UNEXPECTED, self._offset(), "it is nested too deeply"))
                self._key(opened, keys)
                continue
            while within:
                container = within[-1]
                if isinstance(container, dict):
                    container[keys.pop()] = value
                else:
                    container.append(value)
                if not self._closes(container):
                    self._expect(",")
                    if not self._closes(container):
                        self._key(container, keys)
                        break
                value = within.pop()
            else:
                self._end()
                return value

    def _opened(self) -> dict[str, Any] | list[Any] | None:
        character = self._text[self._at : self._at + 1]
        if character not in _CLOSING:
            return None
        self._at += 1
        return {} if character == "{" else []

    def _closes(self, container: dict[str, Any] | list[Any]) -> bool:
        self._skip()
        closed = self._text.startswith("}" if isinstance(container, dict) else "]", self._at)
        self._at += closed
        return closed

    def _expect(self, mark: str) -> None:
        self._skip()
        if not self._text.startswith(mark, self._at):
            raise self._fault()
        self._at += 1

    def _key(self, container: dict[str, Any] | list[Any], keys: list[str]) -> None:
        """The key of the next member, and its colon; nothing in a list."""
        if isinstance(container, list):
            return
        self._skip()
        keys.append(self._string() if self._text[self._at : self._at + 1] in _PLAIN else self._name())
        self._expect(":")

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        name = re.sub(r"\\u(....)", lambda each: chr(int(each[1], 16)), found[0]) if found else ""
        plain = re.sub("[$\u200c\u200d]", "_", name)
        if found is None or name[0] in "\u200c\u200d" or not plain.isidentifier():
            raise self._fault()
        self._at = found.end()
        return name

    def _scalar(self) -> object:
        if self._text[self._at : self._at + 1] in _PLAIN:
            return self._string()
        for word, value in _LITERALS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            raise self._fault()
        self._at = found.end()
        sign = -1 if found[1] == "-" else 1
        if found[2]:
            return _number(sign * int(found[2], 16))
        if found[3]:
            return sign * float(found[3])
        whole = found[4].isdigit() and not found[5]
        if whole and len(found[4]) < 20:
            return _number(sign * int(found[4]))
        return sign * float(found[4] + (found[5] or ""))

    def _string(self) -> str:
        quote = self._text[self._at]
        plain, self._at = _PLAIN[quote], self._at + 1
        parts: list[str] = []
        while True:
            found = plain.match(self._text, self._at)
            assert found is not None  # it matches nothing, too
            parts.append(found[0])
            self._at = found.end()
            if self._text.startswith(quote, self._at):
                self._at += 1
                return _SURROGATES.sub(_joined, "".join(parts))
            escape = _ESCAPE.match(self._text, self._at)
            if escape is None:
                raise self._fault()
            self._at = escape.end()
            parts.append(_unescaped(escape))

    def _skip(self) -> None:
        found = _SKIPPED.match(self._text, self._at)
        assert found is not None  # it matches nothing, too
        self._at = found.end()

    def _end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise self._fault(JsonFaultKind.SECOND_DOCUMENT, "more text follows the JSON")

    def _fault(
        self, kind: JsonFaultKind = JsonFaultKind.UNEXPECTED, detail: str = "neither JSON nor JSON5"
    ) -> Illegal:
        if self._at >= len(self._text) or self._text.startswith("/*", self._at):
            kind, detail = JsonFaultKind.CUT_SHORT, "the file ends too early"
        elif self._text[self._at] == "\0":
            kind, detail = JsonFaultKind.NUL_BYTES, "NUL bytes instead of JSON"
        return Illegal(JsonFault(kind, self._offset(), detail))

    def _offset(self) -> int:
        return len(self._text[: self._at].encode("utf-8", "surrogatepass"))


def _number(value: int) -> int | float:
    return value if -(2**63) <= value < 2**63 else float(value)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code:
        return chr(int(code, 16))
    if found[3]:
        return ""  # a line goes on
    return "\0" if found[4] else _ESCAPED.get(found[5], found[5])


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")
