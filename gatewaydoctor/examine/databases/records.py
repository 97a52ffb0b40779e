"""What the state and quarantine databases record of every database of a directory, and which of those are missing.
Nothing is judged."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING

from gatewaydoctor.examine.databases.state import number
from gatewaydoctor.model.database.health import MissingDatabase
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.gateway.parked import parked_name
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.system.fs import is_directory, may_be_there, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.storage.sqlite.pages import Value
    from gatewaydoctor.system.fs import ReadFs

STATE = Path("state", "openclaw.sqlite")
AGENT = Path("agent", "openclaw-agent.sqlite")
_BEAT_MS = 60_000
_COPY_MS = 2_000
"""How far apart the times of two files of one copy may lie."""


class Records:
    """Read when it is made; never raises. `closings`: path -> (closed cleanly, verified at), as 2026.9.3 and later
    record it. `quarantined`: path -> (reason, since). `listed`: agents and their files by the registry, None for a
    file outside of this directory. Times in epoch ms; paths as recorded."""

    def __init__(self, fs: ReadFs, state_dir: Path, eras: Eras) -> None:
        self.fs = fs
        self.state_dir = state_dir
        self.eras = eras
        self.closings = self._closings()
        self.quarantined = self._quarantined()
        self.listed = self._listed()

    def closing(self, role: DatabaseRole, path: Path) -> tuple[bool, int | None] | None:
        """Whether it was closed cleanly, and when it was last checked. The state database has no record of its own:
        it is open whenever an agent's is."""
        if role is DatabaseRole.AGENT:
            return next((row for recorded, row in self.closings.items() if same_place(recorded, path)), None)
        if role is DatabaseRole.STATE:
            return next((row for row in self.closings.values() if not row[0]), None)
        return None

    def last_sign(self, role: DatabaseRole, path: Path) -> int | None:
        """When the gateway last wrote to the log of any database, renewed its lease, or updated a session of this
        one. It renews the lease once a minute, so it may have written to the state database a minute later."""
        later = _BEAT_MS if role is DatabaseRole.STATE else 0
        beats = self._rows(self._state_path(), "SELECT heartbeat_at FROM state_leases WHERE lease_key = 'global'")
        signs = [None if (beat := number(at)) is None else beat + later for (at,) in beats]
        if role is DatabaseRole.AGENT:
            signs += [number(at) for (at,) in self._rows(path, "SELECT max(updated_at) FROM session_nodes")]
        for database in self.eras.databases:
            try:
                signs.append(self.fs.stat(database.path.with_name(f"{database.path.name}-wal")).mtime)
            except OSError:
                continue
        return max((at for at in signs if at is not None), default=None)

    def copied(self, written: int, last: int) -> bool:
        """Whether `written`, later than the last sign of the gateway, is the moment of a copy: the quarantine store,
        which only the gateway writes, has the same time."""
        path = self._quarantine_path()
        try:
            kept = self.fs.stat(path).mtime if path else 0
        except OSError:
            return False
        return kept > last and abs(kept - written) <= _COPY_MS

    def missing(self) -> Iterable[MissingDatabase]:
        """Databases that are recorded, or whose log or archive is left, and are not there."""
        yield from self._missing_agents()
        if self.eras.state is None:
            yield from self._missing_state()

    def _missing_agents(self) -> Iterable[MissingDatabase]:
        """Agents the registry lists, or whose log is left, without a database."""
        listed = dict(self.listed)
        for agent_id, path in listed.items():
            if path is not None and not may_be_there(self.fs, path) and not self._is_parked(path):
                yield MissingDatabase(
                    DatabaseRole.AGENT,
                    path,
                    agent_id,
                    "the registry in the state database",
                    _log_size(self.fs, path) > 0,
                    may_be_there(self.fs, self.state_dir / "agents" / agent_id),
                    blocked=self._blocked(path),
                )
        for agent in self.eras.agents:
            path = self.state_dir / "agents" / agent.agent_id / AGENT
            if agent.agent_id in listed or agent.database is not None:
                continue
            if _log_size(self.fs, path):
                yield MissingDatabase(DatabaseRole.AGENT, path, agent.agent_id, "its -wal, which is left", log=True)
            elif agent.era.sessions_in_database and not self._is_parked(path):
                source = "the archive of its import"
                yield MissingDatabase(DatabaseRole.AGENT, path, agent.agent_id, source, log=False)
        known = {*listed, *(agent.agent_id for agent in self.eras.agents)}
        yield from self._once_closed(known)

    def _once_closed(self, known: Iterable[str]) -> Iterable[MissingDatabase]:
        """Databases that a gateway has opened, of agents of which nothing else is left."""
        for recorded in self.closings:
            path = self._here(recorded)
            if path is None or path.parts[-2:] != AGENT.parts or may_be_there(self.fs, path) or self._is_parked(path):
                continue
            agent_id = normalize_agent_id(path.parts[-3])
            if agent_id not in known:
                source = "the record of its last check"
                yield MissingDatabase(DatabaseRole.AGENT, path, agent_id, source, log=_log_size(self.fs, path) > 0)

    def _missing_state(self) -> Iterable[MissingDatabase]:
        path = self.state_dir / STATE
        log = _log_size(self.fs, path) > 0
        if log:
            yield MissingDatabase(DatabaseRole.STATE, path, None, "its -wal, which is left", log=True)
        elif self.eras.sessions_in_database:
            there = any(agent.database is not None for agent in self.eras.agents)
            source = "the databases of the agents" if there else "the archives of imports"
            blocked = self._blocked(path)
            yield MissingDatabase(DatabaseRole.STATE, path, None, source, log=False, blocked=blocked)
        elif moved := self._retired_jobs():
            blocked = self._blocked(path)
            yield MissingDatabase(DatabaseRole.STATE, path, None, moved.name, log=False, blocked=blocked)

    def _retired_jobs(self) -> Path | None:
        """The jobs.json that a start has moved into the state database, where none took its place."""
        for left in self.eras.leftovers:
            name, retired, _ = left.path.name.partition(".migrated")
            if retired and left.path.parent.name == "cron" and not may_be_there(self.fs, left.path.with_name(name)):
                return left.path
        return None

    def _blocked(self, path: Path) -> bool:
        """Whether something that is not a directory is in place of one that leads to the file."""
        above = (each for each in path.parents if each.is_relative_to(self.state_dir) and each != self.state_dir)
        return any(may_be_there(self.fs, each) and not is_directory(self.fs, each) for each in above)

    def _is_parked(self, path: Path) -> bool:
        """Whether the file waits next to its place until it is put back."""
        try:
            names = [name for name, _ in self.fs.entries(path.parent)]
        except OSError:
            return False
        return any(found[1] == path.name for name in names if (found := parked_name(name)))

    def moved(self) -> bool:
        """Whether no gateway has closed or checked a database here, and one did elsewhere: its startup migrations are
        recorded for the path of then."""
        here = [self.state_dir]
        with suppress(OSError, ValueError):
            here.append(self.fs.realpath(self.state_dir))
        recorded = [PurePath(path) for path in self.closings]
        return bool(recorded) and not any(path.is_relative_to(each) for path in recorded for each in here)

    def _closings(self) -> dict[str, tuple[bool, int | None]]:
        """Path -> (closed cleanly, verified at), as 2026.9.3 and later record it."""
        statement = "SELECT path, clean_close, verified_at FROM agent_integrity_verifications"
        rows = self._rows(self._quarantine_path(), statement)
        return {str(path): (clean == 1, number(at)) for path, clean, at in rows}

    def _quarantined(self) -> dict[str, tuple[str, int | None]]:
        statement = "SELECT path, reason, quarantined_at FROM quarantined_databases"
        rows = self._rows(self._quarantine_path(), statement)
        return {str(path): (str(reason), number(at)) for path, reason, at in rows}

    def _listed(self) -> tuple[tuple[str, Path | None], ...]:
        """Agents and their files by the registry of the state database, None for a file outside of this directory."""
        rows = self._rows(self._state_path(), "SELECT agent_id, path FROM agent_databases")
        return tuple(sorted((str(agent), self._here(str(path))) for agent, path in rows))

    def _here(self, text: str) -> Path | None:
        """A path of the registry in this directory: relative ones as they are, absolute ones by their tail."""
        path = _recorded(text)
        if not path.is_absolute():
            return self.state_dir.joinpath(*path.parts) if ".." not in path.parts else None
        if path.is_relative_to(self.state_dir):
            return Path(path)
        tail = path.parts[-4:]
        return self.state_dir.joinpath(*tail) if tail[:1] == ("agents",) else None

    def _state_path(self) -> Path | None:
        return self.eras.state.path if self.eras.state else None

    def _quarantine_path(self) -> Path | None:
        return self.eras.quarantine.path if self.eras.quarantine else None

    def _rows(self, path: Path | None, statement: str) -> list[tuple[Value, ...]]:
        """The rows of a statement; none where the table or the database is not there."""
        from gatewaydoctor.storage.sqlite.opened import open_database

        if path is None:
            return []
        match open_database(self.fs, path):
            case DatabaseFault():
                return []
            case database:
                with database:
                    return list(database.rows(statement))


def same_place(recorded: str, path: Path) -> bool:
    """Whether a recorded absolute path is this one, here or where the directory was before: the same last parts."""
    parts = 4 if path.name == AGENT.name else 2
    return _recorded(recorded).parts[-parts:] == path.parts[-parts:]


def _recorded(text: str) -> PurePath:
    """A path as a gateway recorded it, on this host or on one with Windows."""
    return PureWindowsPath(text) if "\\" in text else PurePath(text)


def _log_size(fs: ReadFs, path: Path) -> int:
    return size_of(fs, path.with_name(f"{path.name}-wal")) or 0
