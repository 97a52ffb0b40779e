"""What is wrong with every database of a state directory. Nothing is judged."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.databases.leftover import compare_leftovers
from gatewaydoctor.examine.databases.records import AGENT, Records, same_place
from gatewaydoctor.examine.databases.state import number, with_state
from gatewaydoctor.model.database.health import (
    BrokenPages,
    DatabaseHealth,
    Doubled,
    ForeignLog,
    Health,
    LogGone,
    Misregistered,
    OtherOwner,
    Quarantined,
    SchemaDrift,
    Unchangeable,
    Unopened,
)
from gatewaydoctor.model.database.reading import LINKED_LOG, ODD_SHM, UNOPENABLE, DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, parse_key
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.storage.sqlite.header import MAGIC
from gatewaydoctor.system.fs import is_directory, may_be_there, size_of
from gatewaydoctor.system.immutable import Fixed, fixed, fixed_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.database.health import Problem
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.storage.sqlite.opened import Opened
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


def read_health(
    fs: ReadFs,
    processes: Processes,
    state_dir: Path,
    eras: Eras,
    stores: tuple[StoreFacts, ...],
    store_key: str,
    *,
    verify: bool = False,
) -> Health:
    """Facts about every database below a state directory. Never raises; what cannot be read becomes a problem.
    `store_key` is the path of the gateway's cron store. `verify` compares every checksum of their logs, and every
    entry of their indexes."""
    if not eras.has_databases:
        return Health()
    found = _Reader(fs, state_dir, eras, verify=verify).read()
    if eras.state is not None:
        found = with_state(found, fs, processes, eras.state.path, store_key)
    leftovers = tuple(compare_leftovers(fs, eras, stores))
    return replace(found, leftovers=leftovers, bad_locks=tuple(_bad_locks(fs, state_dir / "tmp")))


def _bad_locks(fs: ReadFs, folder: Path) -> Iterable[Path]:
    """Files of the locks that 2026.9.6 keeps in <state>/tmp/openclaw-<user>, which it opens as databases."""
    if may_be_there(fs, folder) and not is_directory(fs, folder):
        yield folder
    for user in _below(fs, folder, "openclaw-"):
        for path in _below(fs, user, "gateway."):
            if path.name.endswith(".lock.sqlite") and not _is_database(fs, path):
                yield path


def _below(fs: ReadFs, folder: Path, start: str) -> list[Path]:
    try:
        return sorted(folder / name for name, _ in fs.entries(folder) if name.startswith(start))
    except OSError:
        return []


def _is_database(fs: ReadFs, path: Path) -> bool:
    """Whether SQLite can open the file as one: an empty one too. One that cannot be read counts as one."""
    if is_directory(fs, path):
        return False
    try:
        head, _, size = fs.head_and_tail(path, len(MAGIC), 0)
    except OSError:
        return True
    return size == 0 or head == MAGIC


class _Reader:
    def __init__(self, fs: ReadFs, state_dir: Path, eras: Eras, *, verify: bool = False) -> None:
        self.fs = fs
        self.verify = verify
        self.eras = eras
        self.records = Records(fs, state_dir, eras)

    def read(self) -> Health:
        agents = [
            self._health(DatabaseRole.AGENT, each.database.path, each.agent_id)
            for each in self.eras.agents
            if each.database is not None
        ]
        missing = tuple(self.records.missing())
        found = Health(databases=tuple(agents), missing=missing, moved=self.records.moved())
        if self.eras.state is None:
            return found
        state = self._health(DatabaseRole.STATE, self.eras.state.path, None)
        return replace(found, databases=(*found.databases, state, *self._quarantine_health()))

    def _health(self, role: DatabaseRole, path: Path, agent_id: str | None) -> DatabaseHealth:
        from gatewaydoctor.storage.sqlite.opened import read_database_once  # brings in apsw

        found = read_database_once(
            self.fs, path, lambda database: self._opened(database, role, path, agent_id), verify=self.verify
        )
        if isinstance(found, DatabaseFault):
            rows = self._left_in(path) if found.kind in UNOPENABLE else {}
            found = DatabaseHealth(role, path, agent_id, (Unopened(found),), rows=rows)
        return replace(
            found,
            problems=(
                *(*self._about_log(found), *found.problems, *self._about_attributes(path)),
                *(*self._about_registry(found), *self._about_twin(found), *self._about_quarantine(found)),
            ),
            registered=any(listed == path for _, listed in self.records.listed),
            lender=self._lender(found),
        )

    def _lender(self, health: DatabaseHealth) -> Path | None:
        if health.user_version is None or not any(_takes_another(each) for each in health.problems):
            return None
        agents = (each.leftovers for each in self.eras.agents if each.agent_id == health.agent_id)
        found = next(agents, ()) if health.role is DatabaseRole.AGENT else self.eras.leftovers
        copies = (each.path for each in found if each.is_copy_of(health.path))
        return next((path for path in copies if self._has_tables(path, health.role, health.user_version)), None)

    def _has_tables(self, path: Path, role: DatabaseRole, version: int) -> bool:
        """Whether this is a database with the tables that a release of this schema version makes."""
        from gatewaydoctor.storage.database.schema import drift
        from gatewaydoctor.storage.sqlite.opened import read_database_once

        found = read_database_once(self.fs, path, lambda opened: (opened.user_version, opened.schema))
        return not isinstance(found, DatabaseFault) and found[0] == version and drift(role, version, found[1]) is None

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
        from gatewaydoctor.storage.database.integrity import compares_indexes, problems
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
            self._left_in(path) if broken else _counts(database, people=bool(found)),
            is_known(role, version),
            indexes_compared=compares_indexes(database, whole=self.verify),
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
            yield Unopened(DatabaseFault(DatabaseFaultKind.LOG, health.path, reason))
            return
        if is_directory(self.fs, log) or is_directory(self.fs, health.path):
            return
        journal = self._has_journal(health.path)
        foreign = None
        if any(_may_be_the_logs(each) for each in health.problems) and (size_of(self.fs, log) or journal):
            foreign = self._foreign_log(health)
        if foreign is not None:
            yield replace(foreign, journal=not size_of(self.fs, log))
            return
        if size_of(self.fs, log):
            if _log_used(self.fs, health.path):
                return
            reason = "its -wal cannot be used"
        elif may_be_there(self.fs, log):
            return  # the gateway truncated it after a checkpoint
        else:
            reason = "there is no -wal"
        if gone := self._log_gone(health, reason):
            yield gone

    def _has_journal(self, path: Path) -> bool:
        try:
            stat = self.fs.lstat(path.with_name(f"{path.name}-journal"))
        except OSError:
            return False
        return stat.is_file and stat.size > 0

    def _side_file(self, path: Path) -> str | None:
        """What SQLite does not open for writing next to a database that can be read."""
        try:
            if self.fs.lstat(path.with_name(f"{path.name}-wal")).is_symlink:
                return LINKED_LOG
        except OSError:
            pass
        try:
            return None if self.fs.lstat(path.with_name(f"{path.name}-shm")).is_file else ODD_SHM
        except OSError:
            return None

    def _about_attributes(self, path: Path) -> Iterable[Problem]:
        try:
            with self.fs.open(path) as stream:
                found = fixed(stream.fileno())
        except OSError:
            return
        if found is not None:
            yield Unchangeable(found.word, found.command)
        elif (around := fixed_directory(path.parent)) is Fixed.IMMUTABLE:
            yield Unchangeable(around.word, around.command, folder=True)

    def _foreign_log(self, health: DatabaseHealth) -> ForeignLog | None:
        from gatewaydoctor.storage.database.integrity import problems
        from gatewaydoctor.storage.sqlite.opened import open_database

        match open_database(self.fs, health.path, with_log=False):
            case DatabaseFault():
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
        sign of the gateway, another program may have folded the log in, unless that is the moment of a copy."""
        from gatewaydoctor.storage.sqlite.opened import header_of_log

        mine = self.records.closing(health.role, health.path)
        if mine is None or mine[0]:
            return None
        try:
            written = self.fs.stat(health.path).mtime
        except OSError:
            return None
        last = self.records.last_sign(health.role, health.path)
        sure = last is not None and (written <= last + _SLACK_MS or self.records.copied(written, last + _SLACK_MS))
        found = header_of_log(self.fs, health.path) if sure else None
        return LogGone(reason, mine[1], sure=sure, commits=found[1].commits if found else 0)

    def _about_quarantine(self, health: DatabaseHealth) -> Iterable[Problem]:
        for path, (reason, at) in self.records.quarantined.items():
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

    def _about_registry(self, health: DatabaseHealth) -> Iterable[Problem]:
        for agent_id, path in self.records.listed:
            if path == health.path and agent_id != health.agent_id:
                yield Misregistered(agent_id)
                return

    def _about_twin(self, health: DatabaseHealth) -> Iterable[Problem]:
        """A directory of the same agent in another spelling: the gateway takes the rows of both."""
        own = health.path.parent.parent
        if health.role is not DatabaseRole.AGENT or own.parent.name != "agents" or health.problems:
            return
        try:
            # Hidden directories are passed over (seen with 2026.9.6).
            names = sorted(name for name, _ in self.fs.entries(own.parent) if not name.startswith("."))
        except OSError:
            return
        for name in names:
            other = own.parent / name / AGENT
            if name == own.name or normalize_agent_id(name) != health.agent_id or not may_be_there(self.fs, other):
                continue
            mine, theirs = (_keys_of(self.fs, path) for path in (health.path, other))
            if both := len(mine & theirs):
                yield Doubled(other, both)


def _keys_of(fs: ReadFs, path: Path) -> set[object]:
    from gatewaydoctor.storage.sqlite.opened import open_database

    match open_database(fs, path):
        case DatabaseFault():
            return set()
        case database:
            with database:
                return {key for (key,) in database.rows("SELECT session_key FROM session_nodes")}


def _takes_another(problem: Problem) -> bool:
    """Whether its repair takes definitions from another database."""
    return isinstance(problem, SchemaDrift) and bool(
        problem.remade or problem.missing_triggers or problem.changed_triggers
    )


def _may_be_the_logs(problem: Problem) -> bool:
    """Whether a log of another database can bring this about; one that the system does not let us read cannot."""
    if isinstance(problem, Unopened):
        return problem.fault.kind not in (DatabaseFaultKind.UNREADABLE, DatabaseFaultKind.CHANGED)
    return isinstance(problem, OtherOwner | BrokenPages)


def _log_used(fs: ReadFs, path: Path) -> bool:
    """Whether frames of the -wal count. One that was wholly checkpointed and restarted has none to lose."""
    from gatewaydoctor.storage.sqlite.opened import open_database

    match open_database(fs, path):
        case DatabaseFault(kind=DatabaseFaultKind.NOT_A_DATABASE | DatabaseFaultKind.LOG):
            return False
        case DatabaseFault():
            return True
        case database:
            with database:
                log = database.log
                return log is None or log.used or log.tail > 0


def _counts(database: Opened, *, people: bool) -> dict[str, int]:
    """How many rows there are; with `people`, how many sessions are conversations, for which all keys are read."""
    found: dict[str, int] = {}
    tables = database.tables
    for table, name in _COUNTED.items():
        if table in tables:
            rows = database.all(f"SELECT count(*) FROM {table}")
            if not isinstance(rows, DatabaseFault):
                found[name] = number(rows[0][0]) or 0
    if people and "session_nodes" in tables:
        keys = (key for (key,) in database.rows("SELECT session_key FROM session_nodes"))
        found["conversations"] = sum(parse_key(key).kind not in MACHINE_KINDS for key in keys if isinstance(key, str))
    return found
