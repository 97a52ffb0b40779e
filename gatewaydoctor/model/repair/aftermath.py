"""How things are after a run, once the gateway is up again."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Standing(StrEnum):
    """`bad` makes the check fail; `open` is left to do, or cannot be told yet."""

    OK = "ok"
    OPEN = "open"
    BAD = "bad"
    AS_FORECAST = "as forecast"


class Aspect(Struct, frozen=True):
    """One thing that was examined: how it stands, in a sentence without full stop, with the names it is about."""

    about: str
    standing: Standing
    text: str
    names: tuple[str, ...] = ()
