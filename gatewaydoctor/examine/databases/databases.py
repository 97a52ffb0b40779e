"""The databases of a state directory as facts: an agent's sessions in rows, and what the state database tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.sessions.stores import SessionFacts, row_facts
from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind, StateRows
from gatewaydoctor.model.gateway.cron import Cron, CronFile, CronRead
from gatewaydoctor.model.gateway.era import Era

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.examine.sessions.copies import StoreCopy
    from gatewaydoctor.model.database.reading import AgentRows, DatabaseBytes, JournalFacts, LogFacts
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import AgentEra, Database
    from gatewaydoctor.state.history.references import References
    from gatewaydoctor.storage.database.sessions import DatabaseSessions
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs


class Read(Struct, frozen=True):
    """What one reading of an agent's database gave. `sessions` is None where it has no session table, `weight` where
    the bytes were not asked for."""

    sessions: DatabaseSessions | None
    rows: AgentRows
    log: LogFacts | None
    journal: JournalFacts | None
    weight: DatabaseBytes | None


class DatabaseFacts(SessionFacts, frozen=True):
    """An agent's database. `read` is a DatabaseFault where nothing of it could be read. `copies` are renamed ones
    next to it that know more conversations."""

    agent_id: str
    database: Database
    read: Read | DatabaseFault
    era: Era = Era.SQLITE
    copies: tuple[StoreCopy, ...] = ()

    @property
    def path(self) -> Path:
        return self.database.path

    @property
    def inode(self) -> tuple[int, int] | None:
        """(device, inode)"""
        return self.database.inode

    @property
    def sessions(self) -> DatabaseSessions | None:
        return None if isinstance(self.read, DatabaseFault) else self.read.sessions

    @property
    def refused(self) -> bool:
        """Whether the system did not let it be read; damage is another matter."""
        return isinstance(self.read, DatabaseFault) and self.read.kind is DatabaseFaultKind.UNREADABLE

    @property
    def is_empty(self) -> bool:
        """Whether the file has no bytes, or no table: all that is in it is known."""
        return isinstance(self.read, DatabaseFault) and self.read.kind is DatabaseFaultKind.EMPTY

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why rows of it may be unknown; each a sentence without its full stop."""
        if isinstance(self.read, DatabaseFault):
            return (f"its sessions are not known: {self.read.reason}",)
        found = [f"table {table} could not be read: {fault.reason}" for table, fault in self.read.rows.faults]
        sessions = self.read.sessions
        if sessions is None:
            from gatewaydoctor.storage.database.sessions import TABLE

            found.insert(0, f"it has no table {TABLE}, so its sessions are not known")
        elif sessions.fault is not None:
            found.insert(0, f"{sessions.lost:,} of its pages could not be read: {sessions.fault.reason}")
        if self.read.log is not None and not self.read.log.verified:
            found.append("only the last transaction of its -wal was verified; scan --verify reads all")
        return tuple(found)

    @property
    def whole(self) -> bool:
        """Whether every session row is known."""
        return self.sessions is not None and self.sessions.fault is None


def read_agent_database(
    fs: ReadFs, agent: AgentEra, main_key: str, references: References, *, weigh: bool, verify: bool = False
) -> tuple[Database, Read | DatabaseFault] | None:
    """Reads an agent's database once, None without one. `weigh` reads every entry's fields and counts bytes by
    table; `verify` compares every checksum of a log of any size. What its rows reference is fed to `references`."""
    database = agent.database
    if not agent.era.sessions_in_database or database is None:
        return None
    if database.newer_schema:
        reason = f"its schema {database.user_version} is newer than any known here"
        return database, DatabaseFault(DatabaseFaultKind.NEWER, database.path, reason)
    from gatewaydoctor.storage.sqlite.opened import read_database_once  # many directories have none

    def refer(entry: Entry) -> None:
        references.add(agent.agent_id, entry.session_id, None, ())

    def read(opened: Opened) -> Read:
        return _read(opened, main_key, refer, weigh=weigh)

    return database, read_database_once(fs, database.path, read, verify=verify)


def rows_of_main(
    fs: ReadFs, path: Path, read: Read | DatabaseFault, main_key: str, *, weigh: bool
) -> Read | DatabaseFault:
    """What the file itself holds, for one whose log is another database's. `read` where that cannot be read."""
    from gatewaydoctor.storage.sqlite.opened import open_database

    opened = open_database(fs, path, with_log=False)
    if isinstance(opened, DatabaseFault):
        return read
    with opened:
        return _read(opened, main_key, lambda entry: None, weigh=weigh)


def _read(opened: Opened, main_key: str, refer: Callable[[Entry], None], *, weigh: bool) -> Read:
    from gatewaydoctor.state.databases.agent import read_agent
    from gatewaydoctor.storage.database.sessions import read_sessions

    return Read(
        read_sessions(opened, main_key, weigh=weigh, on_entry=refer),
        read_agent(opened),
        opened.log,
        opened.journal,
        opened.bytes_by_table() if weigh else None,
    )


def database_facts(
    agent_id: str,
    database: Database,
    read: Read | DatabaseFault,
    cron: Cron,
    *,
    now: int,
    stuck_after: int,
    gateway_live: bool,
) -> DatabaseFacts:
    """What follows from the session rows once liveness and jobs are known."""
    sessions = None if isinstance(read, DatabaseFault) else read.sessions
    if sessions is None:
        return DatabaseFacts(None, None, None, agent_id, database, read)
    facts = row_facts(
        sessions,
        WrittenEvents(sessions),
        None,
        cron,
        now=now,
        stuck_after=stuck_after,
        gateway_live=gateway_live,
    )
    oldest, newest = sessions.table.updated_span()
    return DatabaseFacts(facts, oldest, newest, agent_id, database, read)


class WrittenEvents:
    """When the transcript of a running row was last written to, as its window says."""

    def __init__(self, sessions: DatabaseSessions) -> None:
        self._written = sessions.written

    def newest(self, entry: Entry, row: int) -> int | None:
        return self._written.get(row)


def state_facts(
    fs: ReadFs, database: Database | None, store_key: str, is_known: Callable[[str], bool]
) -> StateRows | DatabaseFault | None:
    """What the state database tells; None without one."""
    if database is None:
        return None
    if database.newer_schema:
        reason = f"its schema {database.user_version} is newer than any known here"
        return DatabaseFault(DatabaseFaultKind.NEWER, database.path, reason)
    from gatewaydoctor.state.databases.state import read_state
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    return read_database_once(fs, database.path, lambda opened: read_state(opened, store_key, is_known))


def weigh(fs: ReadFs, database: Database | None) -> DatabaseBytes | None:
    """Where the bytes of a database are; None without one, and where it cannot be read."""
    if database is None:
        return None
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    found = read_database_once(fs, database.path, lambda opened: opened.bytes_by_table())
    return None if isinstance(found, DatabaseFault) else found


def cron_of(database: Database | None, state: StateRows | DatabaseFault | None, files: Cron) -> Cron:
    """The jobs a gateway with a state database runs, in the shape of the cron directory. Those of the files where
    there is no database."""
    match state:
        case None:
            return files
        case DatabaseFault() as fault:
            path, read = fault.path, CronRead.UNREADABLE
            return Cron(CronFile(path, read), CronFile(path, CronRead.MISSING))
        case StateRows() as rows:
            assert database is not None  # its rows were read
            file = CronFile(database.path, CronRead.OK, database.size)
            return Cron(file, CronFile(database.path, CronRead.MISSING), rows.jobs, rows.problems, parked=rows.parked)


def gaps_of(found: Sequence[DatabaseFacts], state: StateRows | DatabaseFault | None) -> Iterator[tuple[str, str]]:
    """Path and reason of everything in databases that was not read."""
    for each in found:
        yield from ((str(each.path), gap) for gap in (() if each.is_empty else each.gaps))
    match state:
        case DatabaseFault() as fault:
            yield str(fault.path), f"its rows are not known: {fault.reason}"
        case StateRows() as rows:
            yield from (
                (str(fault.path), f"table {table} could not be read: {fault.reason}") for table, fault in rows.faults
            )
        case None:
            pass
