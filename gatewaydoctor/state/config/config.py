"""openclaw.json as a value: parsed, includes merged, settings typed. Nothing in it raises (architecture.md
section 3)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.config import Config, ConfigProblem
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.gateway.place import ConfigSource, StateDirSource
from gatewaydoctor.state.config.accepted import refused
from gatewaydoctor.state.config.includes import Includes, include_roots
from gatewaydoctor.state.config.outside import Outside
from gatewaydoctor.state.config.settings import Settings, text_setting, whole_minutes
from gatewaydoctor.state.config.text import MAX_BYTES, Unreadable, parse_config
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.state.place.locate import STATE_DIR_NAME
from gatewaydoctor.state.place.release import guess_release
from gatewaydoctor.system.fs import is_there
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatewaydoctor.model.gateway.config import AgentSettings
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.system.fs import FileStat, ReadFs


def load_config(fs: ReadFs, place: Place, env: Mapping[str, str]) -> Config:
    """The config of a place, whatever state it is in. A file that cannot be read or parsed, or is not an object,
    gives defaults and a `problem`; where only an include fails, what the file itself says still counts."""
    path = place.config_path
    size, exists, data = 0, True, b""
    document: dict[str, object] = {}
    problem: ConfigProblem | None = None
    includes = Includes(fs, include_roots(path, env, place.home))
    try:
        data = read_up_to(fs, path, MAX_BYTES + 1)
        size = fs.stat(path).size
    except FileNotFoundError:
        exists = False
    except OSError as error:
        seen = unreadable(path, error)
        problem = ConfigProblem(path, seen.reason, obstacle=seen.obstacle)
    except ValueError as error:
        problem = ConfigProblem(path, f"an impossible path: {error}")
    else:
        document, problem = _document(data, path, includes)
    release = guess_release(fs, place.state_dir, document)
    config = _typed(fs, document, place, env, release, problem, size, exists, tuple(includes.read))
    return replace(config, digest=_digest(data)) if release.behaviour.sessions_in_database else config


def _digest(data: bytes) -> str | None:
    from hashlib import sha256  # brings in OpenSSL

    return sha256(data).hexdigest() if data else None


def _document(data: bytes, path: Path, includes: Includes) -> tuple[dict[str, object], ConfigProblem | None]:
    parsed: object = {}
    try:
        parsed = parse_config(data, path)
        merged = includes.resolve(parsed, path)
        problem = None
    except Unreadable as error:
        merged, problem = parsed, error.problem
    except RecursionError:
        merged, problem = parsed, ConfigProblem(path, "it is nested too deeply", obstacle=Obstacle.BEYOND_LIMIT)
    if isinstance(merged, dict):
        return merged, problem
    # The gateway takes a scalar for an empty config, and a list fails its validation. Neither is what anyone meant.
    return {}, problem or ConfigProblem(path, "the top level is not an object")


def _outside(fs: ReadFs, place: Place, settings: Settings, agents: Sequence[AgentSettings]) -> Outside:
    """Plugins of another origin are named by the config, or lie in the state directory or a workspace."""
    named = any(settings.get("plugins", *keys) for keys in (("load", "paths"), ("installs",)))
    folders = [place.state_dir / name for name in ("extensions", "npm", "git", "plugins")]
    folders += [each.workspace / STATE_DIR_NAME / "extensions" for each in agents]
    config = _lstat(fs, str(place.config_path))
    return Outside(
        place.state_dir,
        config.uid if config else None,
        partial(_is_there, fs),
        partial(_lstat, fs),
        partial(_read, fs),
        partial(_has_address, fs),
        named or any(_lstat(fs, str(each)) is not None for each in folders),
        frozenset(each.agent_id for each in agents if _is_below_a_file(fs, each.workspace)),
    )


def _is_below_a_file(fs: ReadFs, folder: Path) -> bool:
    try:
        fs.lstat(folder / "x")
    except NotADirectoryError:
        return True
    except OSError:
        return False
    return False


def _is_there(fs: ReadFs, path: str) -> bool:
    return "\0" in path or is_there(fs, Path(path))


def _has_address(fs: ReadFs, address: str) -> bool | None:
    """Whether it is an IPv4 address of this host; None where the system does not list them."""
    if address.startswith("127.") or address == "0.0.0.0":
        return True
    try:
        listed = read_up_to(fs, Path("/proc/net/fib_trie"), MAX_BYTES).decode(errors="replace")
    except OSError:
        return None
    return address in re.findall(r"\|-- (\S+)\n +/32 host LOCAL", listed)


def _lstat(fs: ReadFs, path: str) -> FileStat | None:
    try:
        return fs.lstat(Path(path))
    except OSError:
        return None


def _read(fs: ReadFs, path: str, limit: int) -> bytes | None:
    try:
        return read_up_to(fs, Path(path), limit)
    except OSError:
        return None


def _typed(
    fs: ReadFs,
    document: dict[str, object],
    place: Place,
    env: Mapping[str, str],
    release: Release,
    problem: ConfigProblem | None,
    size: int,
    exists: bool,
    includes: tuple[Path, ...],
) -> Config:
    settings = Settings(document, _with_config_env(document, env), release)
    agents = settings.agents(place.home, place.state_dir)
    mode = settings.get("gateway", "mode")
    return Config(
        path=place.config_path,
        exists=exists,
        problem=problem,
        size=size,
        release=release,
        maintenance=settings.maintenance(),
        cron=settings.cron(place.home, _config_dir(place, release)),
        session_store=settings.read("session.store", text_setting, settings.default(None)),
        main_key=settings.read("session.mainKey", _lowered, settings.default("main")),
        scope=settings.read("session.scope", _scope, settings.default("per-sender")),
        port=settings.port(place.profile),
        agents=agents,
        default_agent=next(agent.agent_id for agent in agents if agent.default),
        names_cron_store=settings.get("cron", "store") is not None,
        archive_after_minutes=settings.read(
            "agents.defaults.subagents.archiveAfterMinutes", whole_minutes, settings.default(60)
        ),
        has_meta=isinstance(document.get("meta"), dict),
        gateway_mode=mode.strip() or None if isinstance(mode, str) else None,
        includes=includes,
        notes=tuple(dict.fromkeys(settings.notes)),
        refused=refused(settings, _outside(fs, place, settings, agents)) if problem is None else (),
    )


def _lowered(raw: object) -> str | None:
    return raw.strip().lower() or "main" if isinstance(raw, str) else None


def _scope(raw: object) -> str | None:
    return raw if raw in ("per-sender", "global") and isinstance(raw, str) else None


def _config_dir(place: Place, release: Release) -> Path:
    """The directory the cron store defaults to. It never follows a legacy name (docs/gateway.md section 1)."""
    if place.source not in (StateDirSource.HOME, StateDirSource.LEGACY_NAME):
        return place.state_dir
    if place.config_source is ConfigSource.ENVIRONMENT and release.behaviour.cron_beside_config:
        return place.config_path.parent
    return place.home / STATE_DIR_NAME


def _with_config_env(document: Mapping[str, object], env: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the config's own `env` block below it: what is set outside, and not blank, wins."""
    block = document.get("env")
    if not isinstance(block, dict):
        return env
    inner = block.get("vars")
    rows = {**(inner if isinstance(inner, dict) else {}), **block}
    own = {name: value for name, value in rows.items() if isinstance(value, str) and "${" not in value}
    return own | {name: value for name, value in env.items() if value.strip()}
