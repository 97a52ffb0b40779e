"""What is wrong with a database, as values that rules take apart with match."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.database.legacy import WorkspaceFile
    from gatewaydoctor.model.database.reading import DatabaseFault
    from gatewaydoctor.model.gateway.era import DatabaseRole


class Unopened(Struct, frozen=True):
    """Nothing of it can be read the ordinary way: garbage, zeros, 0 bytes, or refused by the system."""

    fault: DatabaseFault


class BrokenPages(Struct, frozen=True):
    """Its pages do not hold together. `messages` are SQLite's, the first ones; `tables` the tables they are about,
    `pages` the page numbers named. `index_only`: every message is about an index, so that no row is lost.
    `rows_differ`: an index lacks rows or has too many, its pages hold together. `constraints`: the pages hold
    together, and every message is about a value that its table forbids."""

    messages: tuple[str, ...]
    tables: tuple[str, ...]
    pages: tuple[int, ...]
    index_only: bool
    rows_differ: bool = False
    constraints: bool = False


class OtherOwner(Struct, frozen=True):
    """The database belongs to another agent, or, with `found` None, does not say whose it is. `shared`: it is the
    very file of that agent, under a second name. `rows_of` is the one agent whose sessions it holds, None where
    there are none, or of several. `record_wrong`: what it holds is what its place asks for, just the record is
    not."""

    found: str | None
    shared: bool = False
    rows_of: str | None = None
    record_wrong: bool = False


class Doubled(Struct, frozen=True):
    """Another directory of the agent, spelled in another way, has a database with `rows` of the same sessions."""

    path: Path
    rows: int


class Misregistered(Struct, frozen=True):
    """The registry in the state database lists the file as that of agent `found`, too."""

    found: str


class ReadOnlyFormat(Struct, frozen=True):
    """The write version in its header is newer than SQLite's: it is read and cannot be written."""

    version: int


class Unchangeable(Struct, frozen=True):
    """The file has an attribute that keeps everybody from changing it: the word for it, and what takes it away.
    `folder`: its directory has it, in which no log can be made."""

    word: str
    command: str
    folder: bool = False


class HotJournal(Struct, frozen=True):
    """A rollback journal of an unfinished transaction is next to an agent's database, which a start only reads at
    first: SQLite undoes it for one who may write. `bytes` of the journal."""

    bytes: int


class TornCredentials(Struct, frozen=True):
    """The credentials of model providers in an agent's database are not a JSON object with `profiles`."""


DEVICE = "primary"
"""The key of the record with the identity of this device."""


class TornRecord(Struct, frozen=True):
    """A record of the state database that a start reads is not JSON, or that of this device holds no private key: the
    one under `key`."""

    key: str


class VersionsDiffer(Struct, frozen=True):
    """The number in the header and the one in schema_meta are not the same. `fits` is the one of the two whose
    tables, triggers and columns the database has; None if neither or both."""

    header: int
    recorded: int
    fits: int | None = None


class OrphanRows(Struct, frozen=True):
    """Rows that refer to a row that is not there: (table, parent table) -> how many."""

    counts: Mapping[tuple[str, str], int]


class SchemaDrift(Struct, frozen=True):
    """What differs from the schema its release writes."""

    missing_tables: tuple[str, ...]
    missing_triggers: tuple[str, ...]
    changed_triggers: tuple[str, ...]
    unexpected_unique: tuple[str, ...]
    unexpected_triggers: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    """As table.column."""
    changed_tables: tuple[str, ...] = ()
    """Columns as table.column; a table alone where its constraints or options differ."""
    made_again: tuple[str, ...] = ()
    """Those of the missing tables that a start makes again where nothing else differs."""

    @property
    def lost_tables(self) -> tuple[str, ...]:
        """Those of the missing tables that no start makes again."""
        return tuple(name for name in self.missing_tables if name not in self.made_again)

    @property
    def mends_itself(self) -> bool:
        """Whether only tables are missing that a start makes again."""
        return replace(self, missing_tables=(), made_again=()) == SOUND_SCHEMA and not self.lost_tables

    @property
    def remade(self) -> bool:
        """Whether it takes a new database, with the tables of another one of the same release."""
        return bool(self.lost_tables or self.missing_columns or self.changed_tables)


SOUND_SCHEMA = SchemaDrift((), (), (), ())
"""Nothing differs."""


class EntryFault(StrEnum):
    """What is wrong with a session row. `key`: it is not spelled as the gateway spells it, and no gateway has judged
    it yet or another row has it in lower case. `other-origin`: the columns name another parent than the entry.
    `cleared`: it is marked as a session that was cleared, and has an entry, or no window. `too-deep`: its
    values are nested deeper than was seen to start."""

    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    OTHER_ID = "other-id"
    NO_TIME = "no-time"
    OTHER_ORIGIN = "other-origin"
    KEY = "key"
    CLEARED = "cleared"
    TOO_DEEP = "too-deep"


class BadEntries(Struct, frozen=True):
    """Session rows that a start refuses, or whose entry it rebuilds from the columns, with the loss of the rest.
    `keys` are the first ones of each fault."""

    keys: Mapping[EntryFault, tuple[str, ...]]
    count: int


class ForeignLog(Struct, frozen=True):
    """With its -wal laid over, the database belongs to `found` (None: it does not hold together); without the -wal
    it is sound and its own. `journal`: the same of a rollback journal, which SQLite would write into the database."""

    found: str | None
    journal: bool = False

    @property
    def suffix(self) -> str:
        return "-journal" if self.journal else "-wal"


class LogGone(Struct, frozen=True):
    """The gateway did not close it cleanly, and the -wal with the last commits is not there or cannot be used.
    `sure`: the file was last written before the gateway's last sign of life; else another program may have folded
    the log in since. `commits` counts those of a -wal of which just the header is damaged, and can be told from its
    frames."""

    reason: str
    opened_at: int | None
    sure: bool
    commits: int = 0


class Quarantined(Struct, frozen=True):
    """The gateway has put it under quarantine. `reason` is what it recorded; `refuted`: a check finds nothing.
    `elsewhere`: under a path that the database no longer has, which a start passes over (seen with 2026.9.6)."""

    reason: str
    at: int | None
    refuted: bool
    elsewhere: bool = False


Problem = (
    Unopened
    | BrokenPages
    | OtherOwner
    | Doubled
    | Misregistered
    | ReadOnlyFormat
    | Unchangeable
    | HotJournal
    | TornCredentials
    | TornRecord
    | VersionsDiffer
    | OrphanRows
    | SchemaDrift
    | BadEntries
    | ForeignLog
    | LogGone
    | Quarantined
)


class DatabaseHealth(Struct, frozen=True):
    """One database that was examined. `agent_id` is that of its directory, None for the state database. `rows` counts
    what could be read: sessions, events, jobs, and conversations where something is wrong. `schema_known`: its
    version is one whose triggers and indexes are known, so that a difference would have been seen. `registered`: the
    registry in the state database lists the file. `indexes_compared`: each index was compared with its table.
    `lender`: a copy set aside next to it that has the tables of its release, looked for where it lacks some."""

    role: DatabaseRole
    path: Path
    agent_id: str | None
    problems: tuple[Problem, ...] = ()
    user_version: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    schema_known: bool = False
    registered: bool = False
    indexes_compared: bool = True
    lender: Path | None = None

    def lends(self, role: DatabaseRole, path: Path, version: int | None) -> bool:
        """Whether the tables of another database, in that role at that path, can be made as they are here: it is
        sound and has the schema of that version, of any where it is None."""
        alike = self.role is role and self.path != path and version in (None, self.user_version)
        return alike and self.schema_known and not self.problems

    @property
    def log_lost(self) -> bool:
        """Whether its last commits went with its log. Its age shows it: no file does once a repair has made the
        database again."""
        return any(isinstance(each, LogGone) and each.sure and not each.commits for each in self.problems)

    @property
    def of_another(self) -> bool:
        """Whether it is another agent's, or may be: no repair takes it for that of its place."""
        owners = (each for each in self.problems if isinstance(each, OtherOwner))
        own = self.agent_id is not None
        return any(
            each.shared or not (each.record_wrong or (own and each.rows_of == self.agent_id)) for each in owners
        )


class MissingDatabase(Struct, frozen=True):
    """A database that has to be there and is not. `source` says what names it; `log` whether its -wal is left;
    `folder` whether its agent has a directory; `blocked` whether a file is in place of the database's own."""

    role: DatabaseRole
    path: Path
    agent_id: str | None
    source: str
    log: bool
    folder: bool = True
    blocked: bool = False


class Lease(Struct, frozen=True):
    """A claim on a database or on the directory. `holder` names its process; `alive` is None where that cannot be
    told (another host). Times in epoch ms."""

    kind: str
    holder: str
    pid: int | None
    host: str | None
    alive: bool | None
    expires_at: int | None


class Replaced(Struct, frozen=True):
    """A row of a database that an import of a leftover store would replace. `older`: the store's is not newer, so
    that the newer one is lost. `other_session`: it would also point to another session id. Times in epoch ms."""

    key: str
    in_file: int | None
    in_database: int | None
    other_session: bool

    @property
    def older(self) -> bool:
        return (self.in_file or 0) < (self.in_database or 0) or self.other_session


class ComparedLeftover(Struct, frozen=True):
    """A sessions.json next to the database of its agent, compared with it key by key. `replaced` are keys in both
    with different rows, `same` counts those that do not, `missing` are keys the database lacks. `null_entries` and
    `unsafe_ids` stop the import of 2026.9.6; `skipped` counts entries it passes over. `refusal` is what makes it
    refuse the file whole, None where nothing does. Of a damaged file the whole entries are compared. `compared` is
    False where the database could not be read."""

    agent_id: str
    path: Path
    entries: int | None
    replaced: tuple[Replaced, ...] = ()
    same: int = 0
    missing: tuple[str, ...] = ()
    null_entries: tuple[str, ...] = ()
    unsafe_ids: tuple[str, ...] = ()
    skipped: int = 0
    refusal: str | None = None
    compared: bool = True


class Health(Struct, frozen=True):
    """Every database of the directory, with what is missing and who claims them. `jobs_elsewhere` counts cron jobs by
    the store path they are filed under, where that is not the path of this directory and this path does not have them
    too; `own_jobs` counts those that
    are. `last_boot` is how the last start ended: (started at, completed at or None, outcome). `moved`: gateways have
    recorded databases under other paths alone. `bad_locks` are files of locks that are not databases, or what is in
    place of their directory."""

    databases: tuple[DatabaseHealth, ...] = ()
    missing: tuple[MissingDatabase, ...] = ()
    leases: tuple[Lease, ...] = ()
    jobs_elsewhere: Mapping[str, int] = field(default_factory=dict)
    own_jobs: int = 0
    last_boot: tuple[int, int | None, str | None] | None = None
    unclean_boots: int = 0
    leftovers: tuple[ComparedLeftover, ...] = ()
    moved: bool = False
    bad_locks: tuple[Path, ...] = ()
    workspace_files: tuple[WorkspaceFile, ...] = ()

    @property
    def beside_foreign_logs(self) -> frozenset[Path]:
        """Databases that are sound and their own without the -wal next to them."""
        return frozenset(
            each.path
            for each in self.databases
            if any(isinstance(problem, ForeignLog) and not problem.journal for problem in each.problems)
        )

    def of(self, path: Path) -> DatabaseHealth | None:
        return next((each for each in self.databases if each.path == path), None)
