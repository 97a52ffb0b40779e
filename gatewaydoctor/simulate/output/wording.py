"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

_BYTES: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

_TIMES: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def spell(value: float | None, unit: str) -> str:
    """`1.4 MB`, `48 s`, `23 h`, `38 %`, `1,725`; `never` or `none` where there is no value."""
    if value is None:
        return "never" if unit in {"s", "min"} else "none"
    match unit:
        case "bytes":
            return _spell_bytes(value)
        case "s":
            return _spell_seconds(value)
        case "min":
            return _spell_seconds(value * 60)
        case "MB":
            return _spell_bytes(value * 1e6)
        case "GB":
            return _spell_bytes(value * 1e9)
        case "yes/no":
            return "yes" if value else "no"
        case "MB/min":
            return f"{value:.3g} MB/min"
        case "bytes/s":
            return f"{_spell_bytes(value)}/s"
        case "s/byte":
            return f"{_digits(value * 1e9)} s/GB"
        case "":
            return f"{value * 100:.0f} %" if 0 < value < 1 else f"{value:g}"
        case _:
            return _digits(value)


def spell_deviation(share: float | None) -> str:
    """`+4 %`, `-12 %`, `0 %`, from ten times on `x 12`; empty where there is nothing to compare."""
    if share is None:
        return ""
    if share >= 9:
        return f"x {_digits(share + 1)}"
    if abs(share) < 0.0005:
        return "0 %"
    return f"{share * 100:+.0f} %" if abs(share) >= 0.1 else f"{share * 100:+.2g} %"


def clock_unit(end: float) -> tuple[float, str]:
    """Seconds in, and name of, the unit for a time axis that ends there."""
    return next((step for step in _TIMES if end >= 2 * step[0]), (1.0, "s"))


def spell_clock(seconds: float, end: float) -> str:
    """A moment on a time axis that ends at `end`: `45 min`, `6 h`, `2.5 d`."""
    scale, name = clock_unit(end)
    return f"{_digits(seconds / scale)} {name}"


def _spell_bytes(value: float) -> str:
    scale, name = next((step for step in _BYTES if abs(value) >= step[0]), (1.0, "B"))
    return f"{_digits(value / scale)} {name}"


def _spell_seconds(value: float) -> str:
    if value >= 2 * 86_400:
        return f"{_digits(value / 86_400)} d"
    if value >= 3 * 3600:
        return f"{_digits(value / 3600)} h"
    if value >= 120:
        return f"{_digits(value / 60)} min"
    if 0 < value < 0.1:
        return f"{_digits(value * 1000)} ms"
    return f"{_digits(value)} s"


def _digits(value: float) -> str:
    """Three significant digits, whole numbers in full."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
