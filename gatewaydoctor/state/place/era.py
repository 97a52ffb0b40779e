"""The era of every agent, decided by evidence: which databases there are, what they list, what was retired. Never by
how many rows there are: a state database without a cron job next to a jobs.json with four is a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.era import AgentEra, DatabaseRole, Era, Eras, Leftover, LegacyStore
from gatewaydoctor.model.gateway.place import StoreOrigin
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.place.agents import AGENT_DATABASE, agents_root_of
from gatewaydoctor.storage.sqlite.header import read_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.era import Database
    from gatewaydoctor.model.gateway.place import StoreRef
    from gatewaydoctor.system.fs import ReadFs

SESSIONS_IN_DATABASE_SCHEMA = 4
"""First agent schema with the sessions in it (2026.7.2-beta.1)."""
MIXED_STATE_SCHEMA = 1
"""State schema of the releases that had only cron in it; any later one belongs to a release with sessions in
SQLite."""

IMPORT_ARCHIVE = "session-sqlite-import-archive"

_LEFTOVERS = tuple(
    (regex(pattern), kind)
    for pattern, kind in (
        (r".+\.sqlite\.corrupt-.+", "corrupt-database"),
        (r".*(\.bak-schema|schema-backup\.|\.moved-schema).*", "schema-backup"),
        (r".+\.sqlite(\..+)?\.bak([.-].*)?", "database-copy"),
        (r".+\.migrated(\.[0-9]+)?", "migrated-source"),
        (r".+\.imported-[0-9]+", "import-archive"),
        (r"session-sqlite-.+\.failure\.(md|json)", "migration-failure"),
        (r"session-sqlite-.+\.json", "migration-run"),
    )
)


def read_eras(fs: ReadFs, state_dir: Path, stores: Iterable[StoreRef]) -> Eras:
    """Eras of all agents that have a store, a database or a directory. Reads headers and listings only, never
    raises."""
    state = read_database(fs, state_dir / "state" / "openclaw.sqlite", DatabaseRole.STATE)
    quarantine = read_database(fs, state_dir / "state" / "openclaw-quarantine.sqlite", DatabaseRole.QUARANTINE)
    homes = {normalize_agent_id(name): state_dir / "agents" / name for name in _names(fs, state_dir / "agents")}
    stores = tuple(stores)
    files = {agent_id: store.path for store in stores if store.exists for agent_id in store.agent_ids}
    registry = _registry(fs, state)
    set_places = _set_places(stores, registry, state_dir)
    databases = {
        agent_id: read_database(fs, path, DatabaseRole.AGENT)
        for agent_id, path in (_canonical(homes) | set_places).items()
    }
    leftovers = tuple(_leftovers(fs, state_dir, "", "state", "cron", "subagents", "session-sqlite-migration-runs"))
    cron_moved = next(
        (row for row in leftovers if row.kind == "migrated-source" and row.path.parent.name == "cron"), None
    )
    sqlite_release = any(_has_sessions(database) for database in databases.values()) or _is_late(state)
    listed = frozenset(registry)
    agents = []
    for agent_id in sorted({*homes, *files, *listed}):
        database = databases.get(agent_id)
        own = tuple(_leftovers(fs, homes[agent_id], "agent", IMPORT_ARCHIVE)) if agent_id in homes else ()
        gone = None if database else _missing(fs, state_dir, agent_id, listed)
        if not database and not gone and agent_id not in files and any(map(is_archived, own)):
            gone = "the archive of its import is there, its database is not"
        era, reason = (Era.SQLITE, gone) if gone else _era(database, state, cron_moved)
        legacy = _legacy_store(fs, files.get(agent_id)) if sqlite_release else None
        agents.append(AgentEra(agent_id, era, reason, database, legacy, own))
    return Eras(tuple(agents), state, quarantine, leftovers, sqlite_release)


def is_archived(leftover: Leftover) -> bool:
    """Whether an import moved the file out of its way: what it held went into a database."""
    return leftover.kind == "import-archive"


def _era(database: Database | None, state: Database | None, cron_moved: Leftover | None) -> tuple[Era, str]:
    if database and _has_sessions(database):
        return Era.SQLITE, f"{database.path.name} is there ({_schema(database)})"
    if cron_moved:
        return Era.MIXED, f"{cron_moved.path.name} is there"
    if state:
        # The first release with a state database (2026.6.1) has its cron jobs in it.
        return Era.MIXED, f"{state.path.name} is there ({_schema(state)}), and no agent database with sessions"
    return Era.FILES, "no database"


def _canonical(homes: Mapping[str, Path]) -> dict[str, Path]:
    return {agent_id: home / "agent" / AGENT_DATABASE for agent_id, home in homes.items()}


def _set_places(
    stores: Iterable[StoreRef], registry: Mapping[str, tuple[str, ...]], state_dir: Path
) -> dict[str, Path]:
    """Where `session.store` of the config puts databases: next to the file it names, as the registry has them. Until
    a start has moved the sessions there, they are in the usual place."""
    found = {}
    for store in stores:
        if store.origin is not StoreOrigin.CONFIGURED or agents_root_of(store.path) is not None:
            continue
        for agent_id in store.agent_ids:
            names = (f"{store.path.stem}.sqlite", f"{store.path.stem}.{agent_id}.")
            listed = (state_dir / path for path in registry.get(agent_id, ()))
            own = [path for path in listed if path.parent == store.path.parent and path.name.startswith(names)]
            if own:
                found[agent_id] = own[-1]
    return found


def _registry(fs: ReadFs, state: Database | None) -> dict[str, tuple[str, ...]]:
    """Agents, and the databases that the state database lists for them, as recorded; none where it cannot be read."""
    if state is None or state.newer_schema:
        return {}
    from gatewaydoctor.storage.database.select import Tables, text
    from gatewaydoctor.storage.sqlite.opened import read_database_once  # many directories have none

    found = read_database_once(fs, state.path, lambda opened: list(Tables(opened).rows("agent_databases", _LISTED)))
    agents: dict[str, tuple[str, ...]] = {}
    for row in found if isinstance(found, list) else []:
        agent_id, schema, path = text(row[0]), row[1], text(row[2])
        if agent_id and isinstance(schema, int) and schema >= SESSIONS_IN_DATABASE_SCHEMA:
            name = normalize_agent_id(agent_id)
            agents[name] = (*agents.get(name, ()), path or "")
    return agents


_LISTED = ("agent_id", "schema_version", "path")


def _missing(fs: ReadFs, state_dir: Path, agent_id: str, listed: frozenset[str]) -> str | None:
    """What tells that an agent's sessions were in a database that is gone."""
    wal = state_dir / "agents" / agent_id / "agent" / f"{AGENT_DATABASE}-wal"
    try:
        if fs.stat(wal).size:
            return f"{wal.name} is there, its database is not"
    except OSError:
        pass
    return "the state database lists its database, which is not there" if agent_id in listed else None


def _schema(database: Database) -> str:
    return database.problem or f"schema {database.user_version}"


def _has_sessions(database: Database | None) -> bool:
    """A database whose version cannot be read counts as one with sessions: what it held is not in files any more."""
    if database is None:
        return False
    return database.user_version is None or database.user_version >= SESSIONS_IN_DATABASE_SCHEMA


def _is_late(state: Database | None) -> bool:
    return state is not None and state.user_version is not None and state.user_version > MIXED_STATE_SCHEMA


def _legacy_store(fs: ReadFs, path: Path | None) -> LegacyStore | None:
    if path is None:
        return None
    try:
        stat = fs.stat(path)
    except OSError:
        return None
    return LegacyStore(path, stat.size, stat.nlink)


def _leftovers(fs: ReadFs, base: Path, *places: str) -> Iterator[Leftover]:
    for place in places:
        directory = base / place
        try:
            rows = sorted(fs.entries(directory), key=lambda row: row[0])
        except OSError:
            continue
        for name, stat in rows:
            if kind := next((kind for pattern, kind in _LEFTOVERS if pattern.fullmatch(name)), None):
                yield Leftover(kind, directory / name, stat.size, stat.mtime)


def _names(fs: ReadFs, directory: Path) -> list[str]:
    try:
        return sorted(name for name, stat in fs.entries(directory) if stat.is_dir or stat.is_symlink)
    except OSError:
        return []
