"""Typed settings out of a parsed config, each with the default of its release (gateway.md sections 1, 5 and 7)."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.model.gateway.config import AgentSettings, CronSettings, Maintenance, Origin, Setting
from gatewaydoctor.model.regex import regex
from gatewaydoctor.model.units import DAY_MS
from gatewaydoctor.state.config.units import parse_bytes, parse_duration
from gatewaydoctor.state.place.home import trimmed, user_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.release import Behaviour, Release

T = TypeVar("T")

DEFAULT_PORT = 18789
DEV_PORT = 19001
DEFAULT_AGENT = "main"

_VALID_AGENT_ID = regex(r"[a-z0-9][a-z0-9_-]{0,63}")
_ENV_TOKEN = regex(r"\$(\$?)\{([A-Z_][A-Z0-9_]*)\}")
_PORT = regex(r"(?:(?:\[[^\]]+\]|[^:\[\]]+):)?([0-9]{1,9})")


def normalize_agent_id(raw: object) -> str:
    """An agent id as the gateway spells it: lower case, illegal runs as one dash, at most 64 characters, else
    `main`."""
    text = raw.strip().lower() if isinstance(raw, str) else ""
    if _VALID_AGENT_ID.fullmatch(text):
        return text
    return re.sub(r"[^a-z0-9_-]+", "-", text).strip("-")[:64] or DEFAULT_AGENT


class Settings(Struct):
    """Looks settings up in one config document. `notes` fills with what the gateway would stumble over."""

    document: Mapping[str, object]
    env: Mapping[str, str]
    release: Release
    notes: list[str] = field(default_factory=list)

    def get(self, *keys: str) -> object:
        """The value at a path of keys with `${NAME}` filled in; None where absent or null."""
        value: object = self.document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return self._filled(value, ".".join(keys)) if isinstance(value, str) else value

    def _filled(self, text: str, where: str) -> str:
        def fill(found: re.Match[str]) -> str:
            if found[1]:
                return found[0][1:]
            if value := self.env.get(found[2]):
                return value
            self.notes.append(f"{where} names the environment variable {found[2]}, which is not set here")
            return found[0]

        return _ENV_TOKEN.sub(fill, text)

    def default(self, value: T, *, per_release: bool = False) -> Setting[T]:
        """A default; `per_release` where releases differ, so that an unknown release makes it an assumption."""
        return Setting(value, Origin.ASSUMED if per_release and not self.release.known else Origin.DEFAULT)

    def read(self, keys: str, convert: Callable[[object], T | None], default: Setting[T]) -> Setting[T]:
        """The setting at the dotted path. `convert` gives None for what the gateway refuses."""
        raw = self.get(*keys.split("."))
        if raw is None or raw == "":
            return default
        value = convert(raw)
        if value is None:
            self.notes.append(f"{keys} has a value the gateway refuses")
            return Setting(default.value, Origin.INVALID)
        return Setting(value, Origin.GIVEN)

    def maintenance(self) -> Maintenance:
        base = "session.maintenance."
        rules = self.release.behaviour
        alias = "pruneAfter" if self.get("session", "maintenance", "pruneAfter") is not None else "pruneDays"
        prune_after = self.read(base + alias, _days, self.default(30 * DAY_MS))
        disk: Setting[int | None] = self.default(rules.max_disk_bytes, per_release=True)
        disk = self.read(base + "maxDiskBytes", parse_bytes, disk)
        return Maintenance(
            mode=self.read(
                base + "mode", _one_of("warn", "enforce"), self.default(rules.maintenance_mode, per_release=True)
            ),
            prune_after=prune_after,
            max_entries=self.read(base + "maxEntries", _positive, self.default(rules.max_entries, per_release=True)),
            rotate_bytes=self._rotate_bytes(rules),
            reset_archive_retention=self._reset_retention(rules, prune_after.value),
            max_disk_bytes=disk,
            high_water_bytes=self._high_water(disk.value),
        )

    def _rotate_bytes(self, rules: Behaviour) -> Setting[int | None]:
        default: Setting[int | None] = self.default(rules.rotate_bytes, per_release=True)
        return (
            default
            if rules.rotate_bytes is None
            else self.read("session.maintenance.rotateBytes", parse_bytes, default)
        )

    def _reset_retention(self, rules: Behaviour, prune_after: int) -> Setting[int | None]:
        if self.get("session", "maintenance", "resetArchiveRetention") is False:
            return Setting(None, Origin.GIVEN)
        default: Setting[int | None] = self.default(
            None if rules.keeps_reset_archives else prune_after, per_release=True
        )
        return self.read("session.maintenance.resetArchiveRetention", _days, default)

    def _high_water(self, disk: int | None) -> Setting[int | None]:
        if disk is None:
            return Setting(None, Origin.DEFAULT)
        # 80 % of the budget, at least one byte where there is a budget at all.
        default: Setting[int | None] = self.default(max(min(1, disk), math.floor(disk * 0.8)))
        found = self.read("session.maintenance.highWaterBytes", parse_bytes, default)
        return Setting(None if found.value is None else min(found.value, disk), found.origin)

    def cron(self, home: Path, config_dir: Path) -> CronSettings:
        retention = self._session_retention()
        slots = self.default(self.release.behaviour.cron_slots, per_release=True)
        return CronSettings(
            store=self.read("cron.store", _path_in(home), self.default(config_dir / "cron" / "jobs.json")),
            enabled=self.read("cron.enabled", _boolean, self.default(True)),
            session_retention=retention,
            max_concurrent_runs=self.read("cron.maxConcurrentRuns", _positive, slots),
        )

    def _session_retention(self) -> Setting[int | None]:
        """`false` switches the reaper off; in 2026.9.6 no time at all does, too (docs/gateway.md section 5)."""
        if self.get("cron", "sessionRetention") is False:
            return Setting(None, Origin.GIVEN)
        usual: Setting[int | None] = self.default(DAY_MS)
        found = self.read("cron.sessionRetention", _hours, usual)
        off = found.value == 0 and self.release.behaviour.no_retention_is_off
        return replace(found, value=None) if off else found

    def port(self, profile: str | None) -> Setting[int]:
        """OPENCLAW_GATEWAY_PORT, the dev profile's port, `gateway.port`, 18789."""
        if (found := _PORT.fullmatch(trimmed(self.env, "OPENCLAW_GATEWAY_PORT") or "")) and 0 < int(found[1]) < 65536:
            return Setting(int(found[1]), Origin.ENVIRONMENT)
        if profile == "dev":
            return Setting(DEV_PORT, Origin.ENVIRONMENT)
        return self.read("gateway.port", _port, self.default(DEFAULT_PORT))

    def agents(self, home: Path, state_dir: Path) -> tuple[AgentSettings, ...]:
        """Configured agents by normalised id, first mention wins; exactly one is the default. Never empty."""
        rows = self._agent_rows() or [(DEFAULT_AGENT, {})]
        chosen = next((agent_id for agent_id, row in rows if row.get("default")), rows[0][0])
        own = {
            agent_id: self._filled(text, "workspace")
            for agent_id, row in reversed(rows)
            if (text := _words(row, "workspace"))
        }
        shared = self.get("agents", "defaults", "workspace")
        base = user_path(shared, home) if isinstance(shared, str) and shared.strip() else None

        def workspace(agent_id: str) -> Path:
            if agent_id in own:
                return user_path(own[agent_id], home)
            if base is not None:
                return base if agent_id == chosen else base / agent_id
            return state_dir / ("workspace" if agent_id == chosen else f"workspace-{agent_id}")

        ids = dict.fromkeys(agent_id for agent_id, _ in rows)
        return tuple(AgentSettings(each, workspace(each), each == chosen) for each in ids)

    def _agent_rows(self) -> list[tuple[str, Mapping[str, object]]]:
        rows: list[tuple[str, Mapping[str, object]]] = []
        if isinstance(listed := self.get("agents", "list"), list):
            rows += [(normalize_agent_id(row.get("id")), row) for row in listed if isinstance(row, dict)]
        if isinstance(keyed := self.get("agents", "entries"), dict):  # 9.6 keeps agents in a record
            rows += [(normalize_agent_id(name), row) for name, row in keyed.items() if isinstance(row, dict)]
        return rows


def _days(raw: object) -> int | None:
    return parse_duration(raw, "d")


def _hours(raw: object) -> int | None:
    return parse_duration(raw, "h") if isinstance(raw, str) else None


def _positive(raw: object) -> int | None:
    number = _whole(raw)
    return number if number is not None and number > 0 else None


def whole_minutes(raw: object) -> int | None:
    number = _whole(raw)
    return number if number is not None and number >= 0 else None


def _port(raw: object) -> int | None:
    number = _positive(raw)
    return number if number is not None and number < 65536 else None


def _whole(raw: object) -> int | None:
    match raw:
        case bool():
            return None
        case int():
            return raw
        case float() if math.isfinite(raw) and raw.is_integer():
            return int(raw)
        case _:
            return None


def _boolean(raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else None


def text_setting(raw: object) -> str | None:
    return raw.strip() or None if isinstance(raw, str) else None


def _one_of(*words: str) -> Callable[[object], str | None]:
    return lambda raw: raw if isinstance(raw, str) and raw in words else None


def _words(row: Mapping[str, object], name: str) -> str:
    """The text under a name, empty for anything else."""
    found = row.get(name)
    return found.strip() if isinstance(found, str) else ""


def _path_in(home: Path) -> Callable[[object], Path | None]:
    return lambda raw: user_path(raw, home) if isinstance(raw, str) and raw.strip() and "\0" not in raw else None
