"""Time zones of schedules."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_OFFSET = regex(r"[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?")


@cache
def zone(name: str) -> ZoneInfo | None:
    """The zone of this name in any case; None for a name that is not known here."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    known = {each.lower(): each for each in available_timezones()}
    found = known.get(name.lower())
    return ZoneInfo(found) if found else None


def is_unknown(name: str) -> bool:
    """Whether the gateway refuses this name. False also where this machine has no zone data to tell by."""
    return zone("Europe/Berlin") is not None and zone(name) is None and not _OFFSET.fullmatch(name)
