"""Words for screens, and text from files made harmless for a terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from gatewaydoctor.model.regex import regex
from gatewaydoctor.model.words import ago
from gatewaydoctor.model.words import duration as duration
from gatewaydoctor.model.words import plural as plural
from gatewaydoctor.model.words import size as size

if TYPE_CHECKING:
    import re

    from gatewaydoctor.model.clock import Clock
    from gatewaydoctor.model.command import Command

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_ASCII = regex(r"[^\x00-\x7e]")
_UNBROKEN = "\N{NO-BREAK SPACE}"
LONGEST = 300
"""Characters of one name or key on a screen. A key of a megabyte is legal but unreadable."""


def of_severity(number: int, severity: str) -> str:
    """`2 errors`, `2 critical`."""
    return plural(number, severity, None if severity in ("error", "warning") else severity)


def age(at: int | None, now: int) -> str:
    """How long ago, or `never`; a time to come is named as such."""
    if at is None:
        return "never"
    if at > now + 1_000:
        return f"in {duration((at - now) // 1_000 * 1_000)}"
    return ago(now - at)


def since(at: int | None, now: int) -> str:
    """The same for a column that says it counts backwards: `5 h 20 min`."""
    return age(at, now).removesuffix(" ago")


def fixed_clock(clock: Clock) -> str:
    """ "fixed by --now, 238 d before this machine's clock"; without the distance where it is under a minute."""
    apart = abs(clock.now - clock.machine)
    if apart < 60_000:
        return f"fixed by {clock.source}"
    side = "before" if clock.now < clock.machine else "after"
    return f"fixed by {clock.source}, {duration(apart)} {side} this machine's clock"


def plain_plural(count: int, one: str, many: str) -> str:
    """The word alone, for a count that stands elsewhere."""
    return one if count == 1 else many


def number(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.1f}".removesuffix(".0")


def shown(text: str) -> str:
    """A name or key as a screen shows it: harmless, and cut where it is absurdly long, which it then says."""
    if len(text) <= LONGEST:
        return harmless(text)
    return f"{harmless(text[:LONGEST])}… ({len(text):,} characters)"


def lines(text: str, width: int, indent: str = "") -> list[str]:
    """A text in lines that end between words; what is in backticks is pasted, so it stays whole. `indent` is in front
    of every line but the first."""
    from textwrap import wrap

    pieces = text.split("`")
    pieces[1::2] = [piece.replace(" ", _UNBROKEN) for piece in pieces[1::2]]
    kept = wrap(
        "`".join(pieces), max(width, 8), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_UNBROKEN, " ") for line in kept]


def harmless(text: str) -> str:
    """The text with everything that could steer a terminal or hide text shown as an escape: control and format
    characters, surrogates, line separators. Printable text of any script stays."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _HARMFUL else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(command: Command) -> list[str]:
    """The words of a command, harmless, that still say the same to bash, zsh and ksh: those that hold what may not be
    shown are spelled `$'a\\nb'`."""
    from shlex import quote

    return [quote(word) if harmless(word) == word else _spelled(word) for word in command.argv]


def _spelled(word: str) -> str:
    try:
        raw = word.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raw = word.encode(errors="backslashreplace")  # no path has such a name
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in raw)
    return f"$'{''.join(plain)}'"


def json_harmless(text: str) -> str:
    """JSON text with the same characters as JSON escapes, which every reader turns back: the value stays exact.

    Outside of strings JSON has none of them, and line feeds between values stay.
    """
    return text if text.isascii() and "\x7f" not in text else _NOT_ASCII.sub(_json_escaped, text)


def _json_escaped(found: re.Match[str]) -> str:
    char = found[0]
    if unicodedata.category(char) not in _HARMFUL:
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))
