"""The settings that decide what the gateway does with its sessions, each with where its value comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.gateway.files import Obstacle

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.release import Release

T = TypeVar("T")


class Origin(StrEnum):
    """Where a setting's value comes from. `assumed`: a default, but of an unconfirmed release. `invalid`: given,
    but the gateway cannot use it, so the default is in the value."""

    GIVEN = "given"
    ENVIRONMENT = "environment"
    DEFAULT = "default"
    ASSUMED = "assumed"
    INVALID = "invalid"

    @property
    def told(self) -> str:
        """Where from, for people."""
        return _TOLD.get(self.value, self.value)


_TOLD = {"given": "from the config", "environment": "from the environment"}


class Setting(Struct, Generic[T], frozen=True):
    value: T
    origin: Origin

    @property
    def given(self) -> bool:
        return self.origin in (Origin.GIVEN, Origin.ENVIRONMENT)


class Maintenance(Struct, frozen=True):
    """`session.maintenance` (gateway.md section 5). Durations in ms, sizes in bytes. None means: reset archives are
    kept forever, nothing rotates, there is no disk budget."""

    mode: Setting[str]
    prune_after: Setting[int]
    max_entries: Setting[int]
    rotate_bytes: Setting[int | None]
    reset_archive_retention: Setting[int | None]
    max_disk_bytes: Setting[int | None]
    high_water_bytes: Setting[int | None]


class CronSettings(Struct, frozen=True):
    """`store` is the absolute path of jobs.json. `session_retention` in ms, None where the reaper is switched off."""

    store: Setting[Path]
    enabled: Setting[bool]
    session_retention: Setting[int | None]
    max_concurrent_runs: Setting[int]


class AgentSettings(Struct, frozen=True):
    """One configured agent; `agent_id` is normalised as the gateway does it. `workspace` is the directory it works
    in, there or not."""

    agent_id: str
    workspace: Path
    default: bool = False


class ConfigProblem(Struct, frozen=True):
    """Why a config cannot be used: `text` completes "`path`: …". `offset` counts bytes from the start, `line` and
    `column` from 1. `second_object_at` is where a second object starts behind a whole first one. `obstacle` is set
    where the gateway may well read it, for only this program, or this user, could not."""

    path: Path
    text: str
    offset: int | None = None
    line: int | None = None
    column: int | None = None
    second_object_at: int | None = None
    obstacle: Obstacle | None = None

    @property
    def sentence(self) -> str:
        """What is wrong with it, without a full stop."""
        match self.obstacle:
            case None:
                return f"not usable: {self.text}"
            case Obstacle.BEYOND_LIMIT:
                return f"not read by gatewaydoctor: {self.text}"
            case _:
                return f"could not be read: {self.text}"


UNKNOWN_NAME = "unknown"


class RefusedSetting(Struct, frozen=True):
    """A setting of the config over which the release does not start. `section` is a dotted path, empty for the top
    level; `what` completes "`path`: …" and holds no value of the config; `meant` is the known name next to it.
    `exit_code` is that of the start, where it is not the release's usual one for settings. `unless` completes
    "refuses to start unless": what may be so and cannot be seen here."""

    section: str
    name: str
    what: str
    meant: str | None = None
    exit_code: int | None = None
    unless: str = ""

    @property
    def unknown(self) -> bool:
        """Whether the release does not know the name."""
        return self.what == UNKNOWN_NAME

    @property
    def path(self) -> str:
        return f"{self.section}.{self.name}" if self.section else self.name


class Config(Struct, frozen=True):
    """What openclaw.json says. A missing file is readable and says nothing; with `problem` set every setting that
    could not be read has its default. `notes` name settings the gateway cannot use and
    environment variables that are not set here. `agents` is never empty: without a list there is the agent `main`.
    `refused` is empty for a config with a problem: then nothing in it is judged. `digest` is the SHA-256 of the file
    in hexadecimal digits, where a release with databases is in use. `names_cron_store`: `cron.store` is in it, be it
    that another path counts.
    """

    path: Path
    exists: bool
    problem: ConfigProblem | None
    size: int
    release: Release
    maintenance: Maintenance
    cron: CronSettings
    session_store: Setting[str | None]
    main_key: Setting[str]
    scope: Setting[str]
    port: Setting[int]
    agents: tuple[AgentSettings, ...]
    default_agent: str
    archive_after_minutes: Setting[int]
    has_meta: bool = False
    gateway_mode: str | None = None
    includes: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[RefusedSetting, ...] = ()
    digest: str | None = None
    names_cron_store: bool = False

    @property
    def readable(self) -> bool:
        return self.problem is None


class ConfigCopy(Struct, frozen=True):
    """Another version of the config that lies next to it. `parses` is None where it was not read (too many or too
    big)."""

    name: str
    size: int
    mtime: int
    parses: bool | None = None
    has_meta: bool = False
    gateway_mode: str | None = None


class ConfigHistory(Struct, frozen=True):
    """What the copies say about the config in use. `larger` are those of at least 512 bytes of which the config has
    less than half, the gateway's own measure of a clobbered file. `second_object_at` is the byte offset where a
    second document starts behind the first one. `lost_meta`, `lost_mode`: some sound copy has what the config
    lacks."""

    size: int
    copies: tuple[ConfigCopy, ...] = ()
    larger: tuple[ConfigCopy, ...] = ()
    second_object_at: int | None = None
    lost_meta: bool = False
    lost_mode: bool = False

    @property
    def suspicious(self) -> bool:
        return bool(self.larger) or self.second_object_at is not None or self.lost_meta or self.lost_mode


def with_cron_store(config: Config, path: Path | None) -> Config:
    """The config with another cron store, where there is one."""
    if path is None:
        return config
    return replace(config, cron=replace(config.cron, store=Setting(path, Origin.GIVEN)))
