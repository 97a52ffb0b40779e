"""Every database of a state directory: what is wrong with it, what is missing, who claims it. Nothing is judged."""

from __future__ import annotations

import socket
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.databases.leftover import compare_leftovers
from gatewaydoctor.model.gateway.cron import parked_key
from gatewaydoctor.model.gateway.database import LINKED_LOG, SHM_DIRECTORY, Fault, FaultKind
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, parse_key
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.gateway.health import (
    BrokenPages,
    DatabaseHealth,
    ForeignLog,
    Health,
    Lease,
    LogGone,
    Misregistered,
    MissingDatabase,
    OtherOwner,
    Quarantined,
    Unopened,
)
from gatewaydoctor.model.gateway.parked import parked_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.database import LogFacts
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.model.gateway.health import Problem
    from gatewaydoctor.storage.database.opened import Opened
    from gatewaydoctor.storage.database.pages import Value
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes

_COUNTED = {
    "session_nodes": "sessions",
    "transcript_events": "events",
    "cron_jobs": "jobs",
    "delivery_queue_entries": "deliveries",
}
_NAMES = ("session_key", "current_session_id")
_SLACK_MS = 2_000
_MAINTENANCE = "core:agent-database-maintenance"
UNOPENABLE = frozenset({FaultKind.NOT_A_DATABASE, FaultKind.DAMAGED, FaultKind.SCHEMA})
"""What is wrong with a file whose pages may still be read one by one."""
STATE = Path("state", "openclaw.sqlite")
AGENT = Path("agent", "openclaw-agent.sqlite")


def read_health(
    fs: ReadFs,
    processes: Processes,
    state_dir: Path,
    eras: Eras,
    stores: tuple[StoreFacts, ...],
    *,
    verify: bool = False,
) -> Health:
    """Facts about every database below a state directory. Never raises; what cannot be read becomes a problem.
    `verify` compares every checksum of their logs, and every entry of their indexes."""
    if not eras.has_databases:
        return Health()
    found = _Reader(fs, processes, state_dir, eras, verify=verify).read()
    return replace(found, leftovers=tuple(compare_leftovers(fs, eras, stores)))


class _Reader:
    def __init__(
        self, fs: ReadFs, processes: Processes, state_dir: Path, eras: Eras, *, verify: bool = False
    ) -> None:
        self.fs = fs
        self.verify = verify
        self.processes = processes
        self.state_dir = state_dir
        self.eras = eras
        self.closings = self._closings()
        self.quarantined = self._quarantined()
        self.listed = self._listed()

    def read(self) -> Health:
        agents = [
            self._health(DatabaseRole.AGENT, each.database.path, each.agent_id)
            for each in self.eras.agents
            if each.database is not None
        ]
        found = Health(databases=tuple(agents), missing=tuple(self._missing_agents()))
        if self.eras.state is None:
            missing = self._missing_state()
            return replace(found, missing=(*found.missing, *missing))
        state = self._health(DatabaseRole.STATE, self.eras.state.path, None)
        found = replace(found, databases=(*found.databases, state, *self._quarantine_health()))
        return self._with_state(found, self.eras.state.path)

    # One database

    def _health(self, role: DatabaseRole, path: Path, agent_id: str | None) -> DatabaseHealth:
        from gatewaydoctor.storage.database.opened import read_database_once  # brings in apsw

        found = read_database_once(
            self.fs, path, lambda database: self._opened(database, role, path, agent_id), verify=self.verify
        )
        if isinstance(found, Fault):
            rows = self._left_in(path) if found.kind in UNOPENABLE else {}
            found = DatabaseHealth(role, path, agent_id, (Unopened(found),), rows=rows)
        return replace(
            found,
            problems=(
                *(*self._about_log(found), *found.problems),
                *(*self._about_registry(found), *self._about_quarantine(found)),
            ),
        )

    def _left_in(self, path: Path) -> dict[str, int]:
        """Rows that can be read off the pages where SQL may not be trusted."""
        from gatewaydoctor.storage.database.rescue import rescue

        try:
            left = rescue(self.fs, path)
        except OSError:
            return {}
        if left is None:
            return {}
        with left:
            counts = {name: sum(1 for _ in left.records(table, ())) for table, name in _COUNTED.items()}
            keys = [key for key, session in left.rows("session_nodes", _NAMES) if isinstance(session, str)]
        people = sum(parse_key(key).kind not in MACHINE_KINDS for key in keys if isinstance(key, str))
        counts |= {"sessions": len(keys), "conversations": people}
        return {name: count for name, count in counts.items() if count}

    def _opened(self, database: Opened, role: DatabaseRole, path: Path, agent_id: str | None) -> DatabaseHealth:
        from gatewaydoctor.storage.database.integrity import problems
        from gatewaydoctor.storage.database.schema import is_known

        found = tuple(problems(database, role, agent_id, whole=self.verify))
        if any(isinstance(each, OtherOwner) for each in found) and self._is_of_another(path, agent_id):
            found = tuple(replace(each, shared=True) if isinstance(each, OtherOwner) else each for each in found)
        broken = any(isinstance(each, BrokenPages) and not each.index_only for each in found)
        version = database.user_version
        return DatabaseHealth(
            role,
            path,
            agent_id,
            found,
            version,
            self._left_in(path) if broken else _counts(database),
            is_known(role, version),
        )

    def _is_of_another(self, path: Path, agent_id: str | None) -> bool:
        """Whether the database of another agent is the same file."""
        others = (each.database.path for each in self.eras.agents if each.database and each.agent_id != agent_id)
        try:
            mine = self.fs.stat(path)
            return any((mine.dev, mine.ino) == ((other := self.fs.stat(each)).dev, other.ino) for each in others)
        except OSError:
            return False

    def _about_log(self, health: DatabaseHealth) -> Iterable[Problem]:
        """A log that is another database's explains every other problem; one that is gone explains none."""
        log = health.path.with_name(f"{health.path.name}-wal")
        if reason := self._side_file(health.path):
            yield Unopened(Fault(FaultKind.LOG, health.path, reason))
            return
        if self._is_directory(log) or self._is_directory(health.path):
            return
        if self._size(health.path, "-wal"):
            if any(_may_be_the_logs(each) for each in health.problems) and (foreign := self._foreign_log(health)):
                yield foreign
                return
            if _log_used(self.fs, health.path):
                return
            reason = "its -wal cannot be used"
        elif self._exists(log):
            return  # the gateway truncated it after a checkpoint
        else:
            reason = "there is no -wal"
        if gone := self._log_gone(health, reason):
            yield gone

    def _side_file(self, path: Path) -> str | None:
        """What SQLite does not open for writing next to a database that can be read."""
        try:
            if self.fs.lstat(path.with_name(f"{path.name}-wal")).is_symlink:
                return LINKED_LOG
        except OSError:
            pass
        return SHM_DIRECTORY if self._is_directory(path.with_name(f"{path.name}-shm")) else None

    def _foreign_log(self, health: DatabaseHealth) -> ForeignLog | None:
        from gatewaydoctor.storage.database.integrity import problems
        from gatewaydoctor.storage.database.opened import open_database

        match open_database(self.fs, health.path, with_log=False):
            case Fault():
                return None
            case database:
                with database:
                    own = tuple(problems(database, health.role, health.agent_id))
        if any(isinstance(each, OtherOwner | BrokenPages) for each in own):
            return None
        owners = [each.found for each in health.problems if isinstance(each, OtherOwner)]
        return ForeignLog(owners[0] if owners else None)

    def _log_gone(self, health: DatabaseHealth, reason: str) -> LogGone | None:
        """A database that was not closed has its last commits in the log. Where the file was written after the last
        sign of the gateway, another program may have folded the log in."""
        mine = self._closing(health)
        if mine is None or mine[0]:
            return None
        try:
            written = self.fs.stat(health.path).mtime
        except OSError:
            return None
        last = self._last_sign()
        sure = last is not None and written <= last + _SLACK_MS
        found = header_of_log(self.fs, health.path) if sure else None
        return LogGone(reason, mine[1], sure=sure, commits=found[1].commits if found else 0)

    def _last_sign(self) -> int | None:
        """When the gateway last wrote to the log of any database, or renewed its lease."""
        signs = [_number(at) for (at,) in self._rows(self._state_path(), "SELECT heartbeat_at FROM state_leases")]
        for database in self.eras.databases:
            try:
                signs.append(self.fs.stat(database.path.with_name(f"{database.path.name}-wal")).mtime)
            except OSError:
                continue
        return max((at for at in signs if at is not None), default=None)

    def _closing(self, health: DatabaseHealth) -> tuple[bool, int | None] | None:
        """Whether it was closed cleanly, and when it was last checked. The state database has no record of its own:
        it is open whenever an agent's is."""
        if health.role is DatabaseRole.AGENT:
            return next((row for path, row in self.closings.items() if same_place(path, health.path)), None)
        if health.role is DatabaseRole.STATE:
            return next((row for row in self.closings.values() if not row[0]), None)
        return None

    def _about_quarantine(self, health: DatabaseHealth) -> Iterable[Problem]:
        for path, (reason, at) in self.quarantined.items():
            if same_place(path, health.path):
                elsewhere = not self._is_path_of(path, health.path)
                yield Quarantined(reason, at, refuted=not health.problems, elsewhere=elsewhere)

    def _is_path_of(self, recorded: str, path: Path) -> bool:
        if PurePath(recorded) == path:
            return True
        try:
            return self.fs.realpath(Path(recorded)) == self.fs.realpath(path)
        except (OSError, ValueError):
            return False

    def _quarantine_health(self) -> Iterable[DatabaseHealth]:
        if self.eras.quarantine is not None:
            yield self._health(DatabaseRole.QUARANTINE, self.eras.quarantine.path, None)

    # What other databases say

    def _rows(self, path: Path | None, statement: str) -> list[tuple[Value, ...]]:
        """The rows of a statement; none where the table or the database is not there."""
        from gatewaydoctor.storage.database.opened import open_database

        if path is None:
            return []
        match open_database(self.fs, path):
            case Fault():
                return []
            case database:
                with database:
                    return list(database.rows(statement))

    def _quarantine_path(self) -> Path | None:
        return self.eras.quarantine.path if self.eras.quarantine else None

    def _closings(self) -> dict[str, tuple[bool, int | None]]:
        """Path -> (closed cleanly, verified at), as 2026.9.3 and later record it."""
        statement = "SELECT path, clean_close, verified_at FROM agent_integrity_verifications"
        rows = self._rows(self._quarantine_path(), statement)
        return {str(path): (clean == 1, _number(at)) for path, clean, at in rows}

    def _state_path(self) -> Path | None:
        return self.eras.state.path if self.eras.state else None

    def _quarantined(self) -> dict[str, tuple[str, int | None]]:
        statement = "SELECT path, reason, quarantined_at FROM quarantined_databases"
        rows = self._rows(self._quarantine_path(), statement)
        return {str(path): (str(reason), _number(at)) for path, reason, at in rows}

    def _listed(self) -> tuple[tuple[str, Path | None], ...]:
        """Agents and their files by the registry of the state database, None for a file outside of this directory."""
        rows = self._rows(self._state_path(), "SELECT agent_id, path FROM agent_databases")
        return tuple(sorted((str(agent), self._here(str(path))) for agent, path in rows))

    def _about_registry(self, health: DatabaseHealth) -> Iterable[Problem]:
        for agent_id, path in self.listed:
            if path == health.path and agent_id != health.agent_id:
                yield Misregistered(agent_id)
                return

    def _missing_agents(self) -> Iterable[MissingDatabase]:
        """Agents the registry lists, or whose log is left, without a database."""
        listed = dict(self.listed)
        for agent_id, path in listed.items():
            if path is not None and not self._exists(path) and not self._is_parked(path):
                yield MissingDatabase(
                    DatabaseRole.AGENT,
                    path,
                    agent_id,
                    "the registry in the state database",
                    self._size(path, "-wal") > 0,
                    self._exists(self.state_dir / "agents" / agent_id),
                    blocked=self._exists(path.parent) and not self._is_directory(path.parent),
                )
        for agent in self.eras.agents:
            path = self.state_dir / "agents" / agent.agent_id / AGENT
            if agent.agent_id in listed or agent.database is not None:
                continue
            if self._size(path, "-wal"):
                yield MissingDatabase(DatabaseRole.AGENT, path, agent.agent_id, "its -wal, which is left", log=True)
            elif agent.era.sessions_in_database and not self._is_parked(path):
                source = "the archive of its import"
                yield MissingDatabase(DatabaseRole.AGENT, path, agent.agent_id, source, log=False)

    def _is_parked(self, path: Path) -> bool:
        """Whether the file waits next to its place until it is put back."""
        try:
            names = [name for name, _ in self.fs.entries(path.parent)]
        except OSError:
            return False
        return any(found[1] == path.name for name in names if (found := parked_name(name)))

    def _missing_state(self) -> Iterable[MissingDatabase]:
        path = self.state_dir / STATE
        log = self._size(path, "-wal") > 0
        if log:
            yield MissingDatabase(DatabaseRole.STATE, path, None, "its -wal, which is left", log=True)
        elif self.eras.sessions_in_database:
            there = any(agent.database is not None for agent in self.eras.agents)
            source = "the databases of the agents" if there else "the archives of imports"
            yield MissingDatabase(DatabaseRole.STATE, path, None, source, log=False)

    def _with_state(self, found: Health, path: Path) -> Health:
        from gatewaydoctor.storage.database.opened import open_database

        match open_database(self.fs, path):
            case Fault():
                return found
            case database:
                with database:
                    jobs = database.all("SELECT store_key, count(*) FROM cron_jobs GROUP BY store_key")
                    boots = database.all(
                        "SELECT started_at_ms, completed_at_ms, outcome FROM gateway_boot_lifecycle "
                        "ORDER BY started_at_ms DESC LIMIT 10"
                    )
                    leases = (
                        *self._owner_leases(database),
                        *self._database_leases(database),
                        *self._maintenance_leases(database),
                    )
        own, elsewhere = 0, {}
        for key, count in () if isinstance(jobs, Fault) else jobs:
            if is_store_key_of(str(key), self.state_dir):
                own += _number(count) or 0
            elif str(key) == parked_key(str(self.state_dir / "cron" / "jobs.json")):
                continue  # told as parked
            elif lacking := lacking_jobs(self.fs, path, str(key), self.state_dir):
                elsewhere[str(key)] = len(lacking)
        rows = () if isinstance(boots, Fault) else boots
        last = None
        if rows:
            started, completed, outcome = rows[0]
            last = (_number(started) or 0, _number(completed), None if outcome is None else str(outcome))
        unclean = sum(outcome not in ("clean_stop", "forced_stop") for _, _, outcome in rows)
        return replace(
            found, leases=leases, jobs_elsewhere=elsewhere, own_jobs=own, last_boot=last, unclean_boots=unclean
        )

    def _owner_leases(self, database: Opened) -> Iterable[Lease]:
        told = "CASE WHEN json_valid(payload_json) THEN payload_json ELSE '{}' END"
        statement = (
            f"SELECT json_extract({told}, '$.owner.pid'), json_extract({told}, '$.owner.host'), "
            f"json_extract({told}, '$.owner.startedAt'), expires_at FROM state_leases WHERE scope = 'gateway-owner'"
        )
        for pid, host, started, expires in database.rows(statement):
            if pid is None:  # the next start waits for it all the same
                yield Lease("gateway", "an owner without a name", None, None, None, _number(expires))
                continue
            yield self._lease(
                "gateway", _number(pid), None if host is None else str(host), _number(started), _number(expires)
            )

    def _maintenance_leases(self, database: Opened) -> Iterable[Lease]:
        statement = f"SELECT owner, expires_at FROM state_leases WHERE scope = '{_MAINTENANCE}'"
        for _, expires in database.rows(statement):
            yield Lease("maintenance", "the maintenance of databases", None, None, None, _number(expires))

    def _database_leases(self, database: Opened) -> Iterable[Lease]:
        statement = "SELECT DISTINCT owner_pid, owner_start_time FROM agent_database_leases"
        for pid, started in database.rows(statement):
            yield self._lease("database", _number(pid), None, _number(started), None)

    def _lease(self, kind: str, pid: int | None, host: str | None, started: int | None, expires: int | None) -> Lease:
        elsewhere = host is not None and host != socket.gethostname()
        holder = f"pid {pid}" + (f" on {host}" if elsewhere else "")
        alive = None if elsewhere else self._runs(pid, started)
        return Lease(kind, holder, pid, host, alive, expires)

    def _runs(self, pid: int | None, started: int | None) -> bool | None:
        """Whether that process runs; None where its start time cannot be compared."""
        if pid is None or not self.processes.exists(pid):
            return False
        info = self.processes.info(pid)
        if info is None or info.start_time is None or started is None:
            return None
        return info.start_time == started and not info.zombie

    # Paths

    def _here(self, text: str) -> Path | None:
        """A path of the registry in this directory: relative ones as they are, absolute ones by their tail."""
        path = PurePath(text)
        if not path.is_absolute():
            return self.state_dir / path if ".." not in path.parts else None
        if path.is_relative_to(self.state_dir):
            return Path(path)
        tail = path.parts[-4:]
        return self.state_dir.joinpath(*tail) if tail[:1] == ("agents",) else None

    def _exists(self, path: Path) -> bool:
        try:
            self.fs.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def _is_directory(self, path: Path) -> bool:
        try:
            return self.fs.stat(path).is_dir
        except OSError:
            return False

    def _size(self, path: Path, suffix: str) -> int:
        try:
            return self.fs.stat(path.with_name(path.name + suffix)).size
        except OSError:
            return 0


def _may_be_the_logs(problem: Problem) -> bool:
    """Whether a log of another database can bring this about; one that the system does not let us read cannot."""
    if isinstance(problem, Unopened):
        return problem.fault.kind not in (FaultKind.UNREADABLE, FaultKind.CHANGED)
    return isinstance(problem, OtherOwner | BrokenPages)


def _log_used(fs: ReadFs, path: Path) -> bool:
    """Whether frames of the -wal count. One that was wholly checkpointed and restarted has none to lose."""
    from gatewaydoctor.storage.database.opened import open_database

    match open_database(fs, path):
        case Fault(kind=FaultKind.NOT_A_DATABASE | FaultKind.LOG):
            return False
        case Fault():
            return True
        case database:
            with database:
                log = database.log
                return log is None or log.used or log.tail > 0


def header_of_log(fs: ReadFs, path: Path) -> tuple[bytes, LogFacts] | None:
    """The header that the -wal of this database had, where its own is damaged and its frames tell it, and what counts
    of the log then."""
    from gatewaydoctor.storage.database.log import with_lost_header
    from gatewaydoctor.storage.database.opened import open_database
    from gatewaydoctor.storage.database.raw import RawFile

    match open_database(fs, path, with_log=False):
        case Fault():
            return None
        case database:
            with database:
                page_size = database.header.page_size
    try:
        file = RawFile.open(fs, path.with_name(f"{path.name}-wal"))
    except OSError:
        return None
    try:
        return with_lost_header(file, page_size)
    except OSError:
        return None
    finally:
        file.close()


def _counts(database: Opened) -> dict[str, int]:
    """How many rows there are, and how many sessions are conversations."""
    found: dict[str, int] = {}
    tables = database.tables
    for table, name in _COUNTED.items():
        if table in tables:
            rows = database.all(f"SELECT count(*) FROM {table}")
            if not isinstance(rows, Fault):
                found[name] = _number(rows[0][0]) or 0
    if "session_nodes" in tables:
        keys = (key for (key,) in database.rows("SELECT session_key FROM session_nodes"))
        found["conversations"] = sum(parse_key(key).kind not in MACHINE_KINDS for key in keys if isinstance(key, str))
    return found


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def same_place(recorded: str, path: Path) -> bool:
    """Whether a recorded absolute path is this one, here or where the directory was before: the same last parts."""
    parts = 4 if path.name == AGENT.name else 2
    return PurePath(recorded).parts[-parts:] == path.parts[-parts:]


def lacking_jobs(fs: ReadFs, state: Path, before: str, state_dir: Path) -> tuple[str, ...]:
    """Ids of cron jobs filed under the store path `before` that a gateway on this directory does not have under its
    own path, neither by id nor as the same declared job."""
    from gatewaydoctor.storage.database.opened import read_database_once

    def read(database: Opened) -> tuple[str, ...]:
        same = "own.job_id = cron_jobs.job_id"
        if "declaration_key" in database.columns("cron_jobs"):
            same = f"({same} OR own.declaration_key = cron_jobs.declaration_key)"
        statement = (
            "SELECT job_id FROM cron_jobs WHERE store_key = ?1 "
            f"AND NOT EXISTS (SELECT 1 FROM cron_jobs own WHERE own.store_key = ?2 AND {same})"
        )
        return tuple(str(job) for (job,) in database.rows(statement, (before, str(state_dir / "cron" / "jobs.json"))))

    found = read_database_once(fs, state, read)
    return () if isinstance(found, Fault) else found


def is_store_key_of(key: str, state_dir: Path) -> bool:
    """Whether cron jobs filed under this path are run by a gateway on this directory. 2026.7.1 and the releases
    before file them under a word."""
    return not PurePath(key).is_absolute() or PurePath(key) == state_dir / "cron" / "jobs.json"
