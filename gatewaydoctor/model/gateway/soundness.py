"""How a gateway takes a session store of the file era (docs/gateway.md section 5). Taken apart with match."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec import Struct

from gatewaydoctor.model.gateway.store import Readable

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.files import Unreadable
    from gatewaydoctor.model.gateway.store import JsonFault


class Absent(Struct, frozen=True):
    """There is no store."""


class Unread(Struct, frozen=True):
    """It could not be examined."""

    problem: Unreadable


class Damaged(Struct, frozen=True):
    """It loads as empty, because no JSON document can follow after the fault."""

    fault: JsonFault


class TooLarge(Struct, frozen=True):
    """It loads as empty by its size alone."""

    bytes: int


class Sound(Struct, frozen=True):
    """It loads as what it is."""


Soundness: TypeAlias = Absent | Unread | Damaged | TooLarge | Sound


def readable(soundness: Soundness) -> Readable:
    """The same in one word of the report. A store that is not there keeps nothing from being read."""
    match soundness:
        case Absent() | Sound():
            return Readable.YES
        case Damaged() | TooLarge():
            return Readable.GATEWAY_EMPTY
        case Unread():
            return Readable.NO
        case _:
            assert_never(soundness)
