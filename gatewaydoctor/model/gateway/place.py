"""Where a state directory was found and which others looked like one; its session stores and whose they are; owners
and modes across it (docs/gateway.md, failure 26)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from gatewaydoctor.model.errors import CannotExamine, DoctorError

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import OwnerMode, Unreadable


class StateDirSource(StrEnum):
    """What decided the state directory, in the words an operator knows."""

    OPTION = "--state-dir"
    STORE = "--store"
    ENVIRONMENT = "OPENCLAW_STATE_DIR"
    PROFILE = "--profile"
    LEGACY_ENVIRONMENT = "CLAWDBOT_STATE_DIR"
    HOME = "home directory"
    LEGACY_NAME = "legacy name in the home directory"


class ConfigSource(StrEnum):
    OPTION = "--config"
    ENVIRONMENT = "OPENCLAW_CONFIG_PATH"
    STATE_DIR = "state directory"
    LEGACY_NAME = "legacy name in the state directory"


class Candidate(Struct, frozen=True):
    """An existing directory that could be the state directory. `stores` counts agents with a session store or agent
    database; `newest` is the latest mtime among those (epoch ms). `option` selects this directory on the command
    line."""

    path: Path
    option: str
    stores: int
    newest: int | None
    looks_live: bool


class Place(Struct, frozen=True):
    """The state directory to examine. `state_dir` is absolute and spelled as the gateway spells it (symlinks kept,
    for the gateway hashes that spelling); `real_dir` has them resolved. `config_path` need not exist. `others` are
    further candidates that exist. `owner` is the uid of the directory, `mode` its permission
    bits."""

    state_dir: Path
    real_dir: Path
    source: StateDirSource
    config_path: Path
    config_source: ConfigSource
    home: Path
    owner: int
    profile: str | None = None
    store: Path | None = None
    others: tuple[Candidate, ...] = ()
    mode: int = 0o700


class NothingKept(CannotExamine):
    """The directory is there and holds nothing of a gateway: an unmounted volume, or a mistyped path."""

    code: ClassVar[str] = "nothing-kept"


class SeveralStateDirs(DoctorError):
    """Two or more directories look live and none was named: gatewaydoctor does not choose between them."""

    code: ClassVar[str] = "several-state-dirs"

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        named = ", ".join(str(candidate.path) for candidate in candidates)
        options = " or ".join(candidate.option for candidate in candidates)
        super().__init__(
            f"{len(candidates)} directories appear to be state directories in use: {named}.",
            f"Choose one: {options}.",
        )
        self.candidates = candidates


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
