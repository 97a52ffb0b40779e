"""Owners and modes across a state directory (docs/gateway.md, failure 26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import OwnerMode, Unreadable


class Stranger(Struct, frozen=True):
    """A path whose owner is not the one that owns most of the tree."""

    path: Path
    uid: int
    gid: int
    mode: int


class Barred(Struct, frozen=True):
    """A path that `user` (uid) may not `verb` (read or write), by its owner and permission bits. `role` says what it
    is, with its article."""

    path: Path
    role: str
    verb: str
    user: int
    owner: int
    mode: int


class Census(Struct, frozen=True):
    """`majority` is the uid that owns most files, None in an empty tree. `foreign` counts paths of other owners,
    `strangers` are the first of them. `exposed` are secret files that others may read or write; `closed` paths their
    own owner may not read and write. `unreadable` are directories that could not be listed by us."""

    owners: tuple[OwnerMode, ...]
    majority: int | None
    foreign: int
    strangers: tuple[Stranger, ...] = ()
    exposed: tuple[Stranger, ...] = ()
    closed: tuple[Stranger, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
