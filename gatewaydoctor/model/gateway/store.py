"""What reading one sessions.json told: how the gateway takes it, where it is broken, and what it holds."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

UNREADABLE_FROM_BYTES = 0x1FFFFFE8
"""A file of this many bytes or more is read as empty. It is V8's longest string, and although its message concerns
characters, Node counts the bytes of the file, whatever characters they make (measured with Node 20, 22 and 24 and
with 2026.3.28 and 2026.5.22: 536,870,887 bytes read, 536,870,888 do not)."""


SAFE_DEPTH = 1_500
"""Levels of nesting the gateway survives. JSON.parse takes any depth, but 2026.3.28 then clones the store and throws
a RangeError: from about 1,550 levels no save succeeds, from about 1,600 (objects) or 3,300 (arrays) no load.
Nothing is overwritten, nothing works (measured on its own Node 22). 2026.5.22 loads any depth and fails to save
from 1,800."""


class Readable(StrEnum):
    """`gateway-empty`: the gateway takes it for an empty store and overwrites it on the next save. `no`: it could not
    be examined here."""

    YES = "yes"
    NO = "no"
    GATEWAY_EMPTY = "gateway-empty"


class Layout(StrEnum):
    """`canonical`: every entry starts on a line of its own, two spaces in, as the gateway writes it."""

    CANONICAL = "canonical"
    OTHER = "other"


class JsonFaultKind(StrEnum):
    EMPTY = "empty"
    BOM = "byte-order-mark"
    CUT_SHORT = "cut-short"
    NUL_BYTES = "nul-bytes"
    CONTROL_CHARACTER = "control-character"
    BAD_ESCAPE = "bad-escape"
    TRAILING_COMMA = "trailing-comma"
    NOT_A_NUMBER = "not-a-number"
    SECOND_DOCUMENT = "second-document"
    NOT_OBJECT = "not-object"
    UNEXPECTED = "unexpected-byte"


class JsonFault(Struct, frozen=True):
    """The first byte after which no JSON document can follow, or the file's size where it ends too early.

    `detail` completes the sentence; it never holds text from the file beyond one escaped byte.
    """

    kind: JsonFaultKind
    offset: int
    detail: str

    @property
    def sentence(self) -> str:
        return f"{self.detail} at byte {self.offset:,}"


class StoreReading(Struct, frozen=True):
    """How one store reads. `bytes` and `sha256` are of the whole file; the hash is None where it was not asked for.
    `entries` are the rows read whole, up to the
    fault if there is one; `last_good_end` is the offset after the last of them."""

    readable: Readable
    layout: Layout
    bytes: int
    sha256: str | None
    entries: int
    fault: JsonFault | None = None
    last_good_end: int = 0

    @property
    def too_large(self) -> bool:
        """Whether the gateway takes it for empty by its size alone."""
        return self.bytes >= UNREADABLE_FROM_BYTES
