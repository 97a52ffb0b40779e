"""Sizes, ages and counts in words, and text from files made harmless for a terminal."""

from __future__ import annotations

import unicodedata

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def size(count: int) -> str:
    """Bytes as people read them: 185.2 MB (decimal units, as disks are sold and files are listed)."""
    import humanize

    return humanize.naturalsize(count, format="%.1f") if count >= 1000 else f"{count} B"


def duration(ms: float) -> str:
    """A span of time in at most two units: `3.2 s`, `25 min`, `2 d 4 h`."""
    ms = abs(ms)
    if ms < _SECOND:
        return f"{ms:.0f} ms"
    if ms < _MINUTE:
        return f"{ms / _SECOND:.1f} s".replace(".0 s", " s")
    if ms < _HOUR:
        return _two(ms, _MINUTE, "min", _SECOND, "s") if ms < 10 * _MINUTE else f"{ms / _MINUTE:.0f} min"
    if ms < _DAY:
        return _two(ms, _HOUR, "h", _MINUTE, "min")
    return _two(ms, _DAY, "d", _HOUR, "h") if ms < 14 * _DAY else f"{ms / _DAY:.0f} d"


def _two(ms: float, large: int, large_word: str, small: int, small_word: str) -> str:
    whole, rest = divmod(int(ms), large)
    part = rest // small
    return f"{whole} {large_word} {part} {small_word}" if part else f"{whole} {large_word}"


def age(at: int | None, now: int) -> str:
    """How long ago, or `never`; a time to come is named as such."""
    if at is None:
        return "never"
    if at > now + _SECOND:
        return f"in {duration(at - now)}"
    return f"{duration(now - at)} ago"


def number(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.1f}".removesuffix(".0")


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 entry`, `6,539 entries`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def harmless(text: str) -> str:
    """The text with everything that could steer a terminal or hide text shown as an escape: control and format
    characters, surrogates, line separators. Printable text of any script stays."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _HARMFUL:
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
