"""What reading one sessions.json told: how the gateway takes it, where it is broken, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_GATEWAY_CHARS = 0x1FFFFFE8
"""V8's longest string. A store with more characters is read as empty (facts.md section 5)."""


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


class FaultKind(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Fault:
    """The first byte after which no JSON document can follow, or the file's size where it ends too early.

    `detail` completes the sentence; it never holds text from the file beyond one escaped byte.
    """

    kind: FaultKind
    offset: int
    detail: str

    @property
    def sentence(self) -> str:
        return f"{self.detail} at byte {self.offset:,}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one store reads. `bytes` and `sha256` are of the whole file; `chars` is counted in UTF-16 units as the
    gateway does, and only where the size makes it matter (None otherwise). `entries` are the rows read whole, up to
    the fault if there is one. `last_good_end` is the offset after the last whole row."""

    readable: Readable
    layout: Layout
    bytes: int
    sha256: str
    entries: int
    fault: Fault | None = None
    chars: int | None = None
    last_good_end: int = 0

    @property
    def too_large(self) -> bool:
        return self.chars is not None and self.chars > MAX_GATEWAY_CHARS
