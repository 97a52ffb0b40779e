"""JSON exactly as JSON.parse takes it, byte by byte, in constant memory, however deep or damaged.

The fast decoders judge almost everything. This automaton has the last word where they refuse: it names the first
impossible byte, accepts what they are too strict for (lone surrogates, invalid UTF-8, numbers of any size, any depth)
and finds the byte spans of an object's members. Its recursion is a bytearray, so nesting costs a byte a level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.model.gateway.store import JsonFault, JsonFaultKind
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable

Buffer = bytes | bytearray | memoryview


class Illegal(Exception):
    """No JSON document starts like this. `fault.offset` counts from the first byte fed."""

    def __init__(self, fault: JsonFault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class TooMuch(Illegal):
    """It may be just what the gateway reads, and is nested too deeply to be read here."""


class Member(NamedTuple):
    """One `"key": value` of an object, as byte offsets; ends are exclusive. The key span includes its quotes."""

    key_start: int
    key_end: int
    value_start: int
    value_end: int


_SPACE = regex(rb"[ \t\n\r]*+")
# A possessive group with branches matches too little before Python 3.11.5; the bound keeps what it remembers small.
_STRING_BODY = regex(rb"(?:[^\"\\\x00-\x1f]++|\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})){0,5000}")
_NUMBER = regex(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+\-]?[0-9]++)?")
_NUMBER_PREFIX = regex(rb"-?(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]*+(?:(?<=[0-9])[eE][+\-]?[0-9]*+)?|[eE][+\-]?[0-9]*+)?)?")
_NUMBER_RUN = regex(rb"[0-9eE.+\-]*+")
_ESCAPE_PREFIX = regex(rb"\\(?:u[0-9a-fA-F]{0,3})?")
_LITERALS = (b"true", b"false", b"null")

_VALUE, _FIRST_VALUE, _KEY, _FIRST_KEY, _COLON, _COMMA, _DONE = range(7)
_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST, _COMMA_BYTE, _COLON_BYTE = b'"\\{}[],:'
_WAITING_FOR = {
    _VALUE: "a value",
    _FIRST_VALUE: "a value or ]",
    _KEY: "a key",
    _FIRST_KEY: "a key or }",
    _COLON: "a colon",
    _COMMA: "a comma or the closing bracket",
}


class Automaton:
    """Feed it a document in pieces of any size; `finish` says whether the document ended.

    `on_member` is called with each whole member of the outermost object, `on_element` with start and end of each
    whole element of the outermost array, in order. `start` is added to every offset."""

    deepest: int
    """How many brackets were open at once, at most."""

    def __init__(
        self,
        on_member: Callable[[Member], None] | None = None,
        start: int = 0,
        on_element: Callable[[int, int], None] | None = None,
    ) -> None:
        self._on_member = on_member
        self._on_element = on_element
        self._stack = bytearray()
        self._state = _VALUE
        self._offset = start
        self._carry = b""
        self._in_string = False
        self._key_start = self._key_end = self._value_start = 0
        self.deepest = 0

    @property
    def fed(self) -> int:
        """Offset after the last byte fed; it says nothing once `feed` has raised."""
        return self._offset + len(self._carry)

    @classmethod
    def inside_object(cls, on_member: Callable[[Member], None], start: int, *, first: bool) -> Automaton:
        """One that is inside an outermost object: right after `{` where `first`, else right after a member."""
        automaton = cls(on_member, start)
        automaton._stack.append(_OPEN)
        automaton._state = _FIRST_KEY if first else _COMMA
        return automaton

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises Illegal at the first impossible one."""
        if self._carry:
            data = self._carry + data
            self._carry = b""
        position, size = 0, len(data)
        while position < size:
            if self._in_string:
                position = self._string(data, position)
                continue
            space = _SPACE.match(data, position)
            position = space.end() if space else position
            if position < size:
                position = self._token(data, position)
        self._offset += size - len(self._carry)

    def finish(self) -> None:
        """Say that no more bytes come. Raises Illegal where the document is not whole."""
        # Only outside of everything does the end of the file end a number: inside it may have lost digits.
        if self._carry and not self._stack and _NUMBER.fullmatch(self._carry):
            self._offset += len(self._carry)
            self._carry = b""
            self._value_ended(self._offset)
        if self._state != _DONE:
            self._refuse(JsonFaultKind.CUT_SHORT, self._offset + len(self._carry), self._cut_detail())

    def _cut_detail(self) -> str:
        if self._in_string:
            return "the file ends inside a string"
        if self._carry:
            return "the file ends inside a number or a literal"
        if not self._stack and self._state == _VALUE:
            return "the file holds no JSON value"
        return f"the file ends where {_WAITING_FOR[self._state]} is expected"

    def _string(self, data: bytes, position: int) -> int:
        while (body := _STRING_BODY.match(data, position)) and body.end() > position:
            position = body.end()
            if data[position : position + 1] == b'"':
                break
        if position == len(data):
            return position
        byte = data[position]
        if byte == _QUOTE:
            self._in_string = False
            self._string_ended(self._offset + position + 1)
            return position + 1
        if byte == _BACKSLASH:
            prefix = _ESCAPE_PREFIX.match(data, position)
            stop = prefix.end() if prefix else position + 1
            if stop == len(data):
                self._carry = data[position:]
                return stop
            self._refuse(JsonFaultKind.BAD_ESCAPE, self._offset + stop, "invalid escape in a string")
        if byte == 0:
            self._refuse(JsonFaultKind.NUL_BYTES, self._offset + position, "NUL byte inside a string")
        detail = f"raw control character (0x{byte:02x}) inside a string"
        return self._refuse(JsonFaultKind.CONTROL_CHARACTER, self._offset + position, detail)

    def _string_ended(self, end: int) -> None:
        if self._state == _COLON:
            self._key_end = end if len(self._stack) == 1 else self._key_end
        else:
            self._value_ended(end)

    def _token(self, data: bytes, position: int) -> int:
        byte = data[position]
        state = self._state
        if byte == _QUOTE and state <= _FIRST_KEY:
            return self._open_string(position)
        if state <= _FIRST_VALUE and byte in b"{[":
            self._mark_value(position)
            self._stack.append(byte)
            self.deepest = max(self.deepest, len(self._stack))
            self._state = _FIRST_KEY if byte == _OPEN else _FIRST_VALUE
            return position + 1
        if state in (_COMMA, _FIRST_KEY, _FIRST_VALUE) and byte in b"}]" and self._closes(byte):
            self._stack.pop()
            self._value_ended(self._offset + position + 1)
            return position + 1
        if byte == _COMMA_BYTE and state == _COMMA:
            self._state = _KEY if self._stack[-1] == _OPEN else _VALUE
            return position + 1
        if byte == _COLON_BYTE and state == _COLON:
            self._state = _VALUE
            return position + 1
        if state <= _FIRST_VALUE:
            return self._scalar(data, position)
        return self._unexpected(data, position)

    def _open_string(self, position: int) -> int:
        if self._state in (_KEY, _FIRST_KEY):
            if len(self._stack) == 1:
                self._key_start = self._offset + position
            self._state = _COLON
        else:
            self._mark_value(position)
        self._in_string = True
        return position + 1

    def _mark_value(self, position: int) -> None:
        if len(self._stack) == 1:
            self._value_start = self._offset + position

    def _closes(self, byte: int) -> bool:
        # { and } as well as [ and ] are two apart in ASCII.
        return bool(self._stack) and self._stack[-1] == byte - 2

    def _value_ended(self, end: int) -> None:
        depth = len(self._stack)
        self._state = _COMMA if depth else _DONE
        if depth != 1:
            return
        if self._on_member is not None and self._stack[0] == _OPEN:
            self._on_member(Member(self._key_start, self._key_end, self._value_start, end))
        elif self._on_element is not None and self._stack[0] == _OPEN_LIST:
            self._on_element(self._value_start, end)

    def _scalar(self, data: bytes, position: int) -> int:
        byte = data[position]
        if byte == 0x2D or 0x30 <= byte <= 0x39:
            return self._number(data, position)
        if byte in b"tfn":
            return self._literal(data, position)
        return self._unexpected(data, position)

    def _number(self, data: bytes, position: int) -> int:
        run = _NUMBER_RUN.match(data, position)
        stop = run.end() if run else position
        if stop == len(data):
            self._check_number_prefix(data, position, stop)
            self._carry = data[position:]
            return stop
        whole = _NUMBER.match(data, position)
        if whole is None or whole.end() != stop:
            self._check_number_prefix(data, position, stop)
            self._unexpected(data, stop)
        self._mark_value(position)
        self._value_ended(self._offset + stop)
        return stop

    def _check_number_prefix(self, data: bytes, position: int, stop: int) -> None:
        prefix = _NUMBER_PREFIX.match(data, position)
        reached = prefix.end() if prefix else position
        if reached < stop:
            self._unexpected(data, reached)

    def _literal(self, data: bytes, position: int) -> int:
        for word in _LITERALS:
            if word[0] != data[position]:
                continue
            seen = data[position : position + len(word)]
            agree = next((i for i, (a, b) in enumerate(zip(seen, word, strict=False)) if a != b), len(seen))
            if agree == len(word):
                self._mark_value(position)
                self._value_ended(self._offset + position + agree)
                return position + agree
            if position + agree == len(data):
                self._carry = data[position:]
                return len(data)
            return self._unexpected(data, position + agree)
        return self._unexpected(data, position)

    def _unexpected(self, data: bytes, position: int) -> int:
        offset = self._offset + position
        byte = data[position]
        if byte == 0:
            self._refuse(JsonFaultKind.NUL_BYTES, offset, "NUL bytes instead of JSON")
        if self._state == _DONE:
            self._refuse(JsonFaultKind.SECOND_DOCUMENT, offset, "extra text after the end of the document")
        if byte in b"}]" and self._state in (_KEY, _VALUE) and self._closes(byte):
            self._refuse(JsonFaultKind.TRAILING_COMMA, offset, "comma before the closing bracket")
        if self._state <= _FIRST_VALUE and data[position : position + 1] in (b"N", b"I"):
            self._refuse(JsonFaultKind.NOT_A_NUMBER, offset, "NaN or Infinity, which is not valid JSON,")
        shown = f"'{chr(byte)}'" if 0x20 < byte < 0x7F else f"0x{byte:02x}"
        waiting = _WAITING_FOR.get(self._state, "the end")
        return self._refuse(JsonFaultKind.UNEXPECTED, offset, f"{shown} where {waiting} is expected")

    def _refuse(self, kind: JsonFaultKind, offset: int, detail: str) -> int:
        raise Illegal(JsonFault(kind, offset, detail))


def members(data: Buffer, start: int = 0) -> list[Member]:
    """Members of the object that `data` is, with offsets from `start`. Raises Illegal where it is not JSON.

    A value that is not an object has no members.
    """
    found: list[Member] = []
    automaton = Automaton(found.append, start)
    automaton.feed(bytes(data))
    automaton.finish()
    return found


def elements(data: Buffer, start: int = 0) -> list[tuple[int, int]]:
    """Start and end of each element of the array that `data` is, with offsets from `start`. Raises Illegal where it
    is not JSON.

    A value that is not an array has no elements.
    """
    found: list[tuple[int, int]] = []
    automaton = Automaton(start=start, on_element=lambda begin, end: found.append((begin, end)))
    automaton.feed(bytes(data))
    automaton.finish()
    return found
