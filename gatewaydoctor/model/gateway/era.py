"""Which generation of files an agent lives in, and what its databases say without being opened."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Era(StrEnum):
    """`files`: sessions.json and .jsonl. `mixed`: the same, but cron is in the state database. `sqlite`: the agent
    has a database of its own with its sessions in it (docs/architecture.md section 2)."""

    FILES = "files"
    MIXED = "mixed"
    SQLITE = "sqlite"

    @property
    def sessions_in_database(self) -> bool:
        return self is Era.SQLITE

    @property
    def cron_in_database(self) -> bool:
        return self is not Era.FILES


class DatabaseRole(StrEnum):
    AGENT = "agent"
    STATE = "state"
    QUARANTINE = "quarantine"


SCHEMAS: tuple[tuple[str, int, int], ...] = (
    ("2026.6.1", 1, 1),
    ("2026.7.2-beta.1", 4, 2),
    ("2026.7.2-beta.7", 16, 6),
    ("2026.9.1-beta.1", 17, 12),
    ("2026.8.1", 19, 15),
    ("2026.9.3", 19, 16),
    ("2026.9.4", 19, 17),
    ("2026.9.5", 21, 17),
    ("2026.9.6", 23, 18),
)
"""First release of each pair of agent and state schema, in the order of the schemas."""

KNOWN_SCHEMA: Mapping[DatabaseRole, int] = {
    DatabaseRole.AGENT: max(agent for _, agent, _ in SCHEMAS),
    DatabaseRole.STATE: max(state for _, _, state in SCHEMAS),
    DatabaseRole.QUARANTINE: 2,
}
"""Newest `user_version` of each database that was read (docs/database.md section 1)."""

FIRST_OWNED = 2
"""First schema version of either kind that belongs to a release with sessions in databases."""


class SqliteHeader(Struct, frozen=True):
    """The fixed part of a database's first page. `user_version` is the schema version. `wal` is the write-ahead mode.
    `pages` is the size the header claims, 0 where it does not count. SQLite only reads a file whose `write_version`
    is above 2."""

    page_size: int
    user_version: int
    application_id: int
    wal: bool
    pages: int
    write_version: int = 2


class Database(Struct, frozen=True):
    """A database file with its siblings, examined and never opened. Sizes in bytes, None where the sibling is
    absent. `user_version` is the newest committed one: where the -wal holds a later first page, that page's.
    `problem` says why there is no header. `inode` is (device, inode): two names of one file share it."""

    role: DatabaseRole
    path: Path
    size: int
    mtime: int
    wal_size: int | None
    shm_size: int | None
    journal_size: int | None
    header: SqliteHeader | None
    user_version: int | None
    problem: str | None = None
    inode: tuple[int, int] | None = None

    @property
    def newer_schema(self) -> bool:
        """Whether the schema is newer than any that was read, so that nothing may be concluded from its rows."""
        return self.user_version is not None and self.user_version > KNOWN_SCHEMA[self.role]

    @property
    def settled(self) -> bool:
        """Whether the main file alone is the whole truth: no frames in a -wal, no rollback journal."""
        return not self.wal_size and not self.journal_size


class Leftover(Struct, frozen=True):
    """A file or directory another generation left. `kind` is one of import-archive, migration-run, migration-failure,
    migrated-source, corrupt-database, schema-backup, database-copy."""

    kind: str
    path: Path
    size: int
    mtime: int

    def is_copy_of(self, database: Path) -> bool:
        """Whether it is a database that was set aside next to this one, and not the log of such a one."""
        name = self.path.name
        ours = self.path.parent == database.parent and name.startswith(database.name) and self.kind in _COPIES
        beside = name.endswith(("-wal", "-shm", "-journal")) or "-wal." in name or "-shm." in name
        return ours and not beside


_COPIES = frozenset({"corrupt-database", "schema-backup", "database-copy"})


class LegacyStore(Struct, frozen=True):
    """A sessions.json of an agent whose sessions are, or are about to be, in a database. Whether it is sound is
    decided where stores are read. `links` above 1 makes 2026.9.6 refuse it."""

    path: Path
    size: int
    links: int


class AgentEra(Struct, frozen=True):
    """`reason` names what decided. `legacy_store` is set where a release with databases would meet it at start."""

    agent_id: str
    era: Era
    reason: str
    database: Database | None = None
    legacy_store: LegacyStore | None = None
    leftovers: tuple[Leftover, ...] = ()


class Eras(Struct, frozen=True):
    """All agents by id. `sqlite_release` says that a release which keeps sessions in databases has written here."""

    agents: tuple[AgentEra, ...]
    state: Database | None = None
    quarantine: Database | None = None
    leftovers: tuple[Leftover, ...] = ()
    sqlite_release: bool = False

    def of(self, agent_id: str) -> Era:
        """The era of an agent; `files` for one that has nothing on disk yet."""
        return next((agent.era for agent in self.agents if agent.agent_id == agent_id), Era.FILES)

    @property
    def sessions_in_database(self) -> bool:
        """Whether those of any agent are."""
        return any(agent.era.sessions_in_database for agent in self.agents)

    @property
    def cron_in_database(self) -> bool:
        """Whether an agent's release keeps its cron jobs there."""
        return any(agent.era.cron_in_database for agent in self.agents)

    @property
    def databases(self) -> tuple[Database, ...]:
        own = tuple(agent.database for agent in self.agents if agent.database)
        return (*own, *(database for database in (self.state, self.quarantine) if database))

    @property
    def has_databases(self) -> bool:
        """Whether there is a database, or what a release with one left."""
        return bool(self.databases) or self.sqlite_release or self.cron_in_database


class DatabaseRows(Struct, frozen=True):
    """What a settled database said about itself. `status` counts session rows by status word, rows without one under
    `unknown`; `cron_jobs` is for the state database. `not_read` says why nothing is known."""

    app_version: str | None = None
    sessions: int | None = None
    status: Mapping[str, int] = field(default_factory=dict)
    cron_jobs: int | None = None
    not_read: str | None = None
