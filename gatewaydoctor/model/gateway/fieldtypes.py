"""What each release makes of a field of a row whose value has an odd type, as data.

Source: each release's own `sessions`, `sessions cleanup` and `sessions.list`, run over one row for each field and
value; `make conformance` does so again. A field or shape that is not named is kept by that release."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shape(StrEnum):
    """The JSON type of a value, as far as releases tell values apart. `unsafe text` is not a session id to 2026.5.22,
    `nameless text` is one and names no file. In a `broken list` an item lacks what is read of every item."""

    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    INFINITE = "number beyond 1e308"
    EMPTY_TEXT = "empty text"
    TEXT = "text"
    UNSAFE_TEXT = "unsafe text"
    NAMELESS_TEXT = "nameless text"
    LIST = "list"
    BROKEN_LIST = "broken list"
    OBJECT = "object"

    __hash__ = str.__hash__


class Fate(StrEnum):
    """What becomes of the row, or of the whole store over it.

    `dropped`: the row is gone at load, and from the file at the next save. `pruned`: the row counts as old, so that
    an enforced save removes it. `load-fails`: no session of the store can be loaded or saved; `save-fails`: none
    can be saved. `list-fails`: nothing can be listed. `cleanup-fails`: `sessions cleanup` ends with an error.
    """

    DROPPED = "dropped"
    PRUNED = "pruned"
    LOAD_FAILS = "load-fails"
    SAVE_FAILS = "save-fails"
    LIST_FAILS = "list-fails"
    CLEANUP_FAILS = "cleanup-fails"


class OddField(Struct, frozen=True):
    """One field of a row whose value has a type that some release minds. `number` is what JavaScript makes of it."""

    name: str
    shape: Shape
    number: float = math.nan


_NO_TEXT = frozenset(
    {Shape.BOOLEAN, Shape.NUMBER, Shape.INFINITE, Shape.LIST, Shape.BROKEN_LIST, Shape.OBJECT},
)
_EVERY = frozenset(Shape)

_V4_25: Mapping[str, tuple[Fate, frozenset[Shape]]] = {
    "sessionId": (Fate.CLEANUP_FAILS, _NO_TEXT | {Shape.UNSAFE_TEXT, Shape.NAMELESS_TEXT}),
    "sessionFile": (Fate.LIST_FAILS, _NO_TEXT),
    "lastAccountId": (Fate.LOAD_FAILS, _NO_TEXT),
    "deliveryContext.accountId": (Fate.LOAD_FAILS, _NO_TEXT),
    "modelOverride": (Fate.LIST_FAILS, _NO_TEXT),
    "providerOverride": (Fate.LIST_FAILS, _NO_TEXT),
    "entry": (Fate.LIST_FAILS, frozenset({Shape.NULL})),
}

FATES: Mapping[Policy, Mapping[str, tuple[Fate, frozenset[Shape]]]] = {
    Policy.V2026_3_28: {
        **{name: fate for name, fate in _V4_25.items() if name != "providerOverride"},
        "lastAccountId": (Fate.SAVE_FAILS, _NO_TEXT),
        "deliveryContext.accountId": (Fate.SAVE_FAILS, _NO_TEXT),
        "model": (Fate.SAVE_FAILS, _NO_TEXT),
        "modelProvider": (Fate.SAVE_FAILS, _NO_TEXT),
        "spawnedBy": (Fate.LIST_FAILS, _NO_TEXT),
        "channel": (Fate.LIST_FAILS, _NO_TEXT - {Shape.BOOLEAN}),
    },
    Policy.V2026_4_25: _V4_25,
    Policy.V2026_5_22: {
        "sessionId": (Fate.DROPPED, _EVERY - {Shape.TEXT, Shape.NAMELESS_TEXT}),
        "compactionCheckpoints": (
            Fate.CLEANUP_FAILS,
            frozenset({Shape.BOOLEAN, Shape.NUMBER, Shape.TEXT, Shape.OBJECT, Shape.BROKEN_LIST}),
        ),
        "modelOverride": (Fate.LIST_FAILS, _NO_TEXT),
        "providerOverride": (Fate.LIST_FAILS, _NO_TEXT),
        "entry": (Fate.DROPPED, _EVERY - {Shape.OBJECT}),
    },
    Policy.V2026_9_6: {
        "sessionId": (Fate.DROPPED, _NO_TEXT | {Shape.NULL}),
        "entry": (Fate.DROPPED, _EVERY - {Shape.OBJECT}),
    },
}
"""By release: field -> fate of the row, and the shapes that meet it. `entry` is the row's own value. `updatedAt` is
judged by `time_of`."""

TEXT_FIELDS = ("model", "modelProvider", "modelOverride", "providerOverride", "lastAccountId", "spawnedBy", "channel")
"""Judged fields that should be text, next to sessionId and sessionFile."""

_SAFE_ID = regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}")
_NAMES_A_FILE = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def fate_of(policy: Policy, odd: OddField) -> Fate | None:
    """What this release makes of a row with that field; None where it takes it as it is."""
    found = FATES[policy].get(odd.name)
    return found[0] if found is not None and odd.shape in found[1] else None


def time_of(policy: Policy, odd: OddField) -> float | None:
    """The time in epoch ms that a release compares with its limit, for an updatedAt that is not an usual number; None
    where the row is never pruned. Up to 2026.4.25 JavaScript makes a number of it: `true` is 1, `""` and `[]` are 0,
    and text that is not a number prunes nothing. 2026.5.22 takes anything but a finite number from 0 on for 0."""
    if BEHAVIOURS[policy].coerces_times:
        return None if odd.shape is Shape.NULL or math.isnan(odd.number) else odd.number
    return odd.number if odd.shape is Shape.NUMBER and odd.number >= 0 else 0.0


def is_plain_id(text: str) -> bool:
    """Whether every release takes this text for a session id."""
    return _NAMES_A_FILE.fullmatch(text) is not None


def shape_of(value: object) -> Shape:
    """The shape of a decoded JSON value, whatever field it is of."""
    match value:
        case None:
            return Shape.NULL
        case bool():
            return Shape.BOOLEAN
        case int() | float():
            return Shape.NUMBER if math.isfinite(value) else Shape.INFINITE
        case str():
            return Shape.TEXT if value else Shape.EMPTY_TEXT
        case list():
            return Shape.LIST
        case _:
            return Shape.OBJECT


def id_shape(value: object) -> Shape:
    """The shape of a sessionId, with blanks around it left out as the gateway does."""
    if not isinstance(value, str) or not value:
        return shape_of(value)
    text = value.strip()
    if is_plain_id(text):
        return Shape.TEXT
    return Shape.NAMELESS_TEXT if _SAFE_ID.fullmatch(text) else Shape.UNSAFE_TEXT


def checkpoints_shape(value: object) -> Shape:
    """The shape of compactionCheckpoints: a cleanup reads preCompaction.sessionFile of every item."""
    if not isinstance(value, list):
        return shape_of(value)
    return Shape.LIST if all(map(_is_checkpoint, value)) else Shape.BROKEN_LIST


def _is_checkpoint(item: object) -> bool:
    before = item.get("preCompaction") if isinstance(item, dict) else None
    file = before.get("sessionFile") if isinstance(before, dict) else None
    return before is not None and (file is None or isinstance(file, str))


def number_of(value: object) -> float:
    """JavaScript's Number(value)."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0] if not isinstance(value[0], bool) else "true"
        value = "" if value is None else value
    match value:
        case bool() | int() | float():
            return float(value)
        case None | []:
            return 0.0
        case str():
            return _text_number(value)
        case _:
            return math.nan


def _text_number(text: str) -> float:
    stripped = text.strip()
    try:
        if stripped[:2].lower() in ("0x", "0o", "0b") and "_" not in stripped:
            return float(int(stripped, 0))
        # Python reads `1_000`, `inf` and `nan`, too.
        return float(stripped or 0) if not set(stripped) & set("_nN") else math.nan
    except (ValueError, OverflowError):
        return math.nan
