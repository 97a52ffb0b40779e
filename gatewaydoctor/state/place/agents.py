"""The agents' session stores: those the config names and those the disk shows (docs/gateway.md section 1,
sessions/targets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.model.gateway.place import Skipped, StoreOrigin, StoreRef
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.place.home import absolute, user_path
from gatewaydoctor.system.fs import is_directory, may_be_there

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs

STORE_NAME = "sessions.json"
AGENT_DATABASE = "openclaw-agent.sqlite"
_PLACEHOLDER = "{agentId}"


def list_stores(fs: ReadFs, place: Place, config: Config, agent: str | None = None) -> tuple[StoreRef, ...]:
    """All stores of a place, configured ones first, then by agent id; a file several agents share comes once.

    A sessions directory without a store is listed too (`exists` False), and so is a configured store that is not
    there. A store option narrows to that file, `agent` to that agent's stores. Raises CannotExamine for a store
    option that is not there and for an unknown agent.
    """
    if place.store:
        return (_store_option(fs, place, config, place.store),)
    stores = _merged(
        [*_configured(fs, place, config), *_discovered(fs, place, config), *_old_layout(fs, place, config)]
    )
    if agent is None:
        return stores
    wanted = normalize_agent_id(agent)
    narrowed = tuple(store for store in stores if wanted in store.agent_ids)
    if not narrowed and not _has_database(fs, place, wanted):
        known = ", ".join(dict.fromkeys(name for store in stores for name in store.agent_ids))
        raise CannotExamine(f"There is no agent {wanted} in {place.state_dir}.", f"Use one of: {known}.")
    return narrowed


def store_path(template: str | None, agent_id: str, place: Place) -> Path:
    """Where `session.store` puts an agent's store: `{agentId}` is filled in, `~` is the effective home."""
    if not template:
        return place.state_dir / "agents" / agent_id / "sessions" / STORE_NAME
    filled = template.replace(_PLACEHOLDER, agent_id)
    return user_path(filled, place.home) if filled.startswith("~") else absolute(filled)


def agents_root_of(store: Path) -> Path | None:
    """The `agents` directory a path of the shape `agents/<id>/sessions/sessions.json` lies in."""
    parents = store.parents
    if (
        store.name == STORE_NAME
        and len(parents) > 2
        and parents[0].name == "sessions"
        and parents[2].name == "agents"
    ):
        return parents[2]
    return None


def _configured(fs: ReadFs, place: Place, config: Config) -> Iterator[StoreRef]:
    for agent in config.agents:
        path = store_path(config.session_store.value, agent.agent_id, place)
        exists = may_be_there(fs, path)
        # Inside an agents directory the gateway checks a configured store like a found one; elsewhere it may be a
        # link.
        root = agents_root_of(path)
        skipped = _skipped(fs, path, root) if root and exists else None
        yield StoreRef(agent.agent_id, path, StoreOrigin.CONFIGURED, exists, (agent.agent_id,), skipped)


def _discovered(fs: ReadFs, place: Place, config: Config) -> Iterator[StoreRef]:
    roots = [place.state_dir / "agents"]
    for agent in config.agents:
        root = agents_root_of(store_path(config.session_store.value, agent.agent_id, place))
        if root and root not in roots:
            roots.append(root)
    for root in roots:
        for name, is_link in agent_directories(fs, root):
            path = root / name / "sessions" / STORE_NAME
            exists = may_be_there(fs, path)
            if not exists and not may_be_there(fs, path.parent):
                continue
            agent_id = normalize_agent_id(name)
            skipped = _skipped(fs, path, root) if exists else None
            if is_link:
                skipped = Skipped.SYMLINK
            elif agent_id == "main" and name.strip().lower() != "main":
                skipped = Skipped.SHADOWS_MAIN
            yield StoreRef(agent_id, path, StoreOrigin.DISCOVERED, exists, (agent_id,), skipped)


def _old_layout(fs: ReadFs, place: Place, config: Config) -> Iterator[StoreRef]:
    path = place.state_dir / "sessions" / STORE_NAME
    if may_be_there(fs, path):
        yield StoreRef(config.default_agent, path, StoreOrigin.OLD_LAYOUT, True, (config.default_agent,))


def _store_option(fs: ReadFs, place: Place, config: Config, path: Path) -> StoreRef:
    if not may_be_there(fs, path):
        raise CannotExamine(f"{path} does not exist (from --store).", "Pass a sessions.json: --store FILE.")
    root = agents_root_of(path)
    agent_id = normalize_agent_id(path.parents[1].name) if root else config.default_agent
    return StoreRef(
        agent_id, path, StoreOrigin.OPTION, True, (agent_id,), None if fs.stat(path).is_file else Skipped.NOT_REGULAR
    )


def _merged(stores: list[StoreRef]) -> tuple[StoreRef, ...]:
    """Each path once. The first mention decides whether it is skipped, as in the gateway."""
    merged: dict[Path, StoreRef] = {}
    for store in stores:
        if known := merged.get(store.path):
            agent_ids = tuple(dict.fromkeys((*known.agent_ids, *store.agent_ids)))
            merged[store.path] = replace(known, agent_ids=agent_ids)
        else:
            merged[store.path] = store
    return tuple(merged.values())


def _skipped(fs: ReadFs, path: Path, root: Path) -> Skipped | None:
    try:
        stat = fs.lstat(path)
        if stat.is_symlink:
            return Skipped.SYMLINK
        if not stat.is_file:
            return Skipped.NOT_REGULAR
        inside = fs.realpath(path).is_relative_to(fs.realpath(root))
    except OSError:
        return Skipped.UNREADABLE
    return None if inside else Skipped.OUTSIDE


def agent_directories(fs: ReadFs, root: Path) -> list[tuple[str, bool]]:
    """Names in an agents directory that lead to directories, and whether by a symlink, which the gateway passes
    over."""
    try:
        rows = sorted(fs.entries(root), key=lambda row: row[0])
    except OSError:
        return []
    return [
        (name, stat.is_symlink)
        for name, stat in rows
        if stat.is_dir or (stat.is_symlink and is_directory(fs, root / name))
    ]


def homes_of_agents(fs: ReadFs, state_dir: Path) -> dict[str, tuple[Path, ...]]:
    """The directories that the gateway takes for each agent's: those whose name it spells so."""
    root = state_dir / "agents"
    homes: dict[str, tuple[Path, ...]] = {}
    for name, is_link in agent_directories(fs, root):
        agent_id = normalize_agent_id(name)
        if not is_link or name == agent_id:
            homes[agent_id] = (*homes.get(agent_id, ()), root / name)
    return homes


def homes_of(fs: ReadFs, state_dir: Path, agent_id: str) -> tuple[Path, ...]:
    """Those of one agent."""
    return homes_of_agents(fs, state_dir).get(agent_id, ())


def _has_database(fs: ReadFs, place: Place, agent_id: str) -> bool:
    return any(may_be_there(fs, home / "agent" / AGENT_DATABASE) for home in homes_of(fs, place.state_dir, agent_id))
