"""Session stores and whose they are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class StoreOrigin(StrEnum):
    """How a store came to be known."""

    CONFIGURED = "configured"
    DISCOVERED = "discovered"
    OPTION = "--store"
    OLD_LAYOUT = "layout before agents"


class Skipped(StrEnum):
    """Why the gateway's own search passes over a store that is there."""

    SYMLINK = "a symbolic link"
    NOT_REGULAR = "not a regular file"
    OUTSIDE = "outside the agents directory"
    SHADOWS_MAIN = "its directory name is not an agent id"
    UNREADABLE = "no permission to read it"


class StoreRef(Struct, frozen=True):
    """One sessions.json and the agent it is of. `agent_ids` are all agents that share it, `agent_id` the first of
    them. `exists` is about the file. A store with `skipped` is not read by the gateway's search and should be
    reported."""

    agent_id: str
    path: Path
    origin: StoreOrigin
    exists: bool
    agent_ids: tuple[str, ...]
    skipped: Skipped | None = None

    @property
    def sessions_dir(self) -> Path:
        return self.path.parent
