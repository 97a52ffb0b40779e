"""JSON as the gateway reads it, for a parser that is stricter about text: the same document in valid UTF-8."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from gatewaydoctor.model.regex import regex

# A pair of surrogates is sound, one alone (group 1) is not. The last alternative passes over any other escape.
_ESCAPE = regex(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.?)", re.DOTALL)
_LONGEST_ESCAPE = 12


class Cleaned:
    """A stream of the same text. Undecodable bytes and escapes of lone surrogates become U+FFFD."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek(0)

    def seek(self, offset: int) -> None:
        """To the beginning, the only place one may go to."""
        self._stream.seek(offset)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def read(self, count: int) -> bytes:
        """Some bytes, about `count`; none at the end."""
        while block := self._stream.read(count):
            # A block may be nothing but the beginning of a character or an escape.
            if text := self._whole(self._decode(block)):
                return text.encode()
        text, self._held = self._held + self._decode(b"", True), ""
        return _ESCAPE.sub(_mended, text).encode()

    def _whole(self, text: str) -> str:
        """The text up to the last place where it is certain that no escape is cut in two."""
        text = self._held + text
        self._held = ""
        for found in _ESCAPE.finditer(text):
            if found.start() > len(text) - _LONGEST_ESCAPE:
                text, self._held = text[: found.start()], text[found.start() :]
                break
        return _ESCAPE.sub(_mended, text)


def _mended(found: re.Match[str]) -> str:
    return r"\ufffd" if found[1] else found[0]
