"""Where a state directory was found, and which other directories looked like one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from gatewaydoctor.model.errors import CannotExamine, DoctorError

if TYPE_CHECKING:
    from pathlib import Path


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
