"""How often a cron expression fires: enough of its grammar to turn a job into a workload, not to run it."""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    name: str(number)
    for names, first in (
        (("sun", "mon", "tue", "wed", "thu", "fri", "sat"), 0),
        (("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1),
    )
    for number, name in enumerate(names, start=first)
}
_DAYS_A_MONTH: Final = 30.44


def runs_per_day(expression: str) -> float | None:
    """Average runs a day of a 5- or 6-field expression (seconds first), None where a field makes no sense."""
    fields = expression.lower().split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6:
        return None
    ranges = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    counted = [_count(field, low, high) for field, (low, high) in zip(fields, ranges, strict=True)]
    if any(count is None for count in counted):
        return None
    seconds, minutes, hours, days, months, weekdays = (float(count or 0) for count in counted)
    by_date, by_weekday = days / _DAYS_A_MONTH, weekdays / 7
    restricted = fields[3] not in "*?", fields[5] not in "*?"
    # Cron runs on a day that matches either field when both are restricted.
    share = {
        (False, False): 1.0,
        (True, False): by_date,
        (False, True): by_weekday,
        (True, True): by_date + by_weekday - by_date * by_weekday,
    }[restricted]
    return seconds * minutes * hours * min(1.0, share) * months / 12


def at_full_hour(expression: str) -> bool:
    """Whether it fires at minute 0 only, which the gateway spreads over five minutes (docs/gateway.md section 7)."""
    fields = expression.split()
    return len(fields) in (5, 6) and fields[-5] == "0"


def _count(field: str, low: int, high: int) -> int | None:
    """How many values of the range a field matches."""
    found: set[int] = set()
    for part in field.split(","):
        body, _, step = part.partition("/")
        first, dash, last = body.partition("-")
        if body in {"*", "?"}:
            start, end = low, high
        else:
            begin, until = _number(first), _number(last) if dash else None
            if begin is None or (dash and until is None):
                return None
            start, end = begin, until if until is not None else (high if step else begin)
        stride = _number(step) if step else 1
        if not stride or not low <= start <= end <= high:
            return None
        found.update(range(start, end + 1, stride))
    # Sunday is both 0 and 7.
    return len({0 if value == 7 and high == 7 else value for value in found})


def _number(text: str) -> int | None:
    plain = _NAMES.get(text, text)
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 4 else None
