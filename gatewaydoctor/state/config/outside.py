"""What a config refers to outside of itself, as far as its judgement asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat


class Outside(Struct, frozen=True):
    """What a config refers to: the state directory, the user who owns the config, whether a path is there, what it is
    (None where nothing is) and the first bytes of it (None where they cannot be read), whether this host has an IPv4
    address (None where that cannot be told), whether there may be plugins of another origin than the release, and the
    agents whose workspace is no directory and cannot become one."""

    state_dir: Path
    owner: int | None
    there: Callable[[str], bool]
    lstat: Callable[[str], FileStat | None]
    read: Callable[[str, int], bytes | None]
    has_address: Callable[[str], bool | None]
    plugins: bool
    no_workspace: frozenset[str]
