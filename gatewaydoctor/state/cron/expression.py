"""Cron expressions as the gateway reads them. It uses the library croner 10, whose grammar differs from crontab's."""

from __future__ import annotations

import re

from gatewaydoctor.model.regex import regex

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (1, 9999))
"""Seconds, minutes, hours, day of the month, month, day of the week, year: the first and the last value."""

_DAY, _MONTH, _WEEKDAY, _YEAR = 3, 4, 5, 6
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SPECIAL = regex(r"[lw#+?]")
_TERM = regex(r"(?:(\*)|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?")
_MOST_DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


def fields_of(expression: str) -> list[str] | None:
    """The seven fields in lower case with names as numbers, seconds first and the year last. None where there are
    fewer than five or more than seven."""
    text = expression.strip().lower()
    fields = NICKNAMES.get(text, text).split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) == 6:
        fields.append("*")
    if len(fields) != 7:
        return None
    for number, name in enumerate(_MONTHS, start=1):
        fields[_MONTH] = fields[_MONTH].replace(name, str(number))
    fields[_WEEKDAY] = fields[_WEEKDAY].replace("-sun", "-7")
    for number, name in enumerate(_WEEKDAYS):
        fields[_WEEKDAY] = fields[_WEEKDAY].replace(name, str(number))
    return fields


def is_valid(expression: str) -> bool:
    """Whether the gateway takes it. A field with L, W, # or + is taken for valid: these are not checked."""
    fields = fields_of(expression)
    return fields is not None and all(
        _SPECIAL.search(field) is not None or all(_is_term(term, *_RANGES[at], at) for term in field.split(","))
        for at, field in enumerate(fields)
    )


def _is_term(term: str, low: int, high: int, at: int) -> bool:
    found = _TERM.fullmatch(term)
    if found is None:
        return False
    every, first, last, step = (each and each[:6] for each in found.groups())
    if step is not None and not 1 <= int(step) <= _largest_step(at):
        return False
    if every:
        return True
    if step is not None and last is None:
        return False  # A single number takes no step.
    if last is None:
        return low <= int(first) <= high
    # Of a range with steps only the values that are reached must exist.
    values = range(int(first), int(last) + 1, int(step or 1))
    return bool(values) and low <= values[0] and values[-1] <= high


def _largest_step(at: int) -> int:
    return {_WEEKDAY: 7, _YEAR: 10_000}.get(at, _RANGES[at][1] - _RANGES[at][0] + 1)


def never_matches(expression: str) -> bool:
    """Whether it names only days that no month of it has, such as February 31."""
    fields = fields_of(expression)
    if fields is None or fields[_WEEKDAY] != "*" or not re.fullmatch(r"[0-9,]+", fields[_DAY]):
        return False
    if not re.fullmatch(r"[0-9,]+", fields[_MONTH]):
        return False
    days, months = ([int(each[:6]) for each in fields[at].split(",") if each] for at in (_DAY, _MONTH))
    return bool(days and months) and min(days) > max(_MOST_DAYS.get(month, 31) for month in months)


def for_crontab(expression: str) -> str | None:
    """The same expression with six fields and the meaning that crontab gives it. None where crontab has no such
    thing: a year, W, or + before the day of the week."""
    fields = fields_of(expression)
    if fields is None or fields[_YEAR] != "*" or "w" in fields[_DAY] or "+" in fields[_WEEKDAY]:
        return None
    # crontab reads 5-5/2 as 5-31/2.
    fields = [re.sub(r"\b([0-9]+)-\1/[0-9]+", r"\1", field) for field in fields]
    for at, every in ((_DAY, "1-31"), (_WEEKDAY, "0-6")):
        # For the gateway only a plain * leaves the choice to the other field; ? and */2 name days.
        if fields[at] != "*":
            fields[at] = re.sub(r"(^|,)[*?]", rf"\g<1>{every}", fields[at])
    return " ".join(field.replace("?", "*") for field in fields[:_YEAR]).upper()
