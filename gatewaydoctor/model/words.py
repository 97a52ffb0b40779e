"""Sizes, spans and counts as people read them, for sentences."""

from __future__ import annotations

from gatewaydoctor.model.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def capital(text: str) -> str:
    """The text with a capital at its front."""
    return text[:1].upper() + text[1:]


def size(count: float) -> str:
    """Bytes in decimal units: `185.2 MB`."""
    import humanize

    return humanize.naturalsize(count, format="%.1f") if count >= 1000 else f"{count:.0f} B"


def rounded_size(low: float, high: float | None = None) -> str:
    """Bytes of an estimate in two significant digits, a range with one unit where it has one: `2.3 GB`,
    `1.9-33 GB`."""
    top = low if high is None else high
    unit, factor = next(((name, each) for name, each in _UNITS if top >= each), ("B", 1))
    figures = (low,) if high is None else (low, high)
    return f"{'-'.join(_two_digits(each / factor) for each in figures)} {unit}"


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def duration(ms: float) -> str:
    """A duration in at most two units: `3.2 s`, `25 min`, `2 d 4 h`."""
    ms = abs(ms)
    if ms < SECOND_MS:
        return f"{ms:.0f} ms"
    if ms < MINUTE_MS:
        return f"{ms / SECOND_MS:.1f} s".replace(".0 s", " s")
    if ms < HOUR_MS:
        return _two(ms, MINUTE_MS, "min", SECOND_MS, "s") if ms < 10 * MINUTE_MS else f"{ms / MINUTE_MS:.0f} min"
    if ms < DAY_MS:
        return _two(ms, HOUR_MS, "h", MINUTE_MS, "min")
    return _two(ms, DAY_MS, "d", HOUR_MS, "h") if ms < 14 * DAY_MS else f"{ms / DAY_MS:.0f} d"


def _two(ms: float, large: int, large_word: str, small: int, small_word: str) -> str:
    whole, rest = divmod(int(ms), large)
    part = rest // small
    return f"{whole} {large_word} {part} {small_word}" if part else f"{whole} {large_word}"


def ago(ms: float) -> str:
    """How long ago that was, to the second: `just now`, `16 s ago`, `25 min ago`."""
    return "just now" if ms < SECOND_MS else f"{duration(ms // SECOND_MS * SECOND_MS)} ago"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 entry`, `6,539 entries`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
