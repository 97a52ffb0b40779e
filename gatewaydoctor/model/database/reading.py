"""What reading a database gave: why it could not be read, where its bytes are, and what the rows of an agent's and of
the state database say besides sessions. Times in epoch ms."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob, JobProblem, ParkedJob
    from gatewaydoctor.model.gateway.subagents import SubagentRun


class DatabaseFaultKind(StrEnum):
    """`missing`: no file (a -wal alone is not a database). `unreadable`: the system refuses. `empty`: 0 bytes.
    `not-a-database`: no header, garbage or encrypted. `log`: the -wal belongs to another page size or format.
    `newer`: a schema that is not known here. `damaged`: pages or rows that do not hold together. `schema`: SQLite
    cannot make sense of its tables. `changed`: it changed each time it was read. `query`: a table or column that was
    asked for is not there."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_A_DATABASE = "not-a-database"
    LOG = "log"
    NEWER = "newer"
    DAMAGED = "damaged"
    SCHEMA = "schema"
    CHANGED = "changed"
    QUERY = "query"


UNOPENABLE = frozenset({DatabaseFaultKind.NOT_A_DATABASE, DatabaseFaultKind.DAMAGED, DatabaseFaultKind.SCHEMA})
"""What is wrong with a file whose pages may still be read one by one."""


NOT_REGULAR = "Not a regular file"
"""Reason of a fault where a pipe or a device is in place of a file."""

A_DIRECTORY = "it is a directory"
"""Reason of a fault where a directory is."""

LINKED_LOG, ODD_SHM = "its -wal is a symbolic link", "its -shm is not a regular file"
"""Reasons of faults that only a writer meets."""


class DatabaseFault(Struct, frozen=True):
    """Why a database, or a part of it, was not read. `reason` completes "it cannot be read: ". `page` is the number
    of the first bad page (1 is the header's), where one is known."""

    kind: DatabaseFaultKind
    path: Path
    reason: str
    page: int | None = None


class LogFacts(Struct, frozen=True):
    """A -wal as recovery would take it. `frames` and `commits` count what is committed, `tail` the frames after the
    last commit (uncommitted, torn, or left over from before a restart). `used` is False where no frame counts:
    then `reason` says why. `verified` is False where only the checksums of the last transaction were compared."""

    bytes: int
    frames: int = 0
    commits: int = 0
    tail: int = 0
    verified: bool = True
    reason: str | None = None

    @property
    def used(self) -> bool:
        return self.frames > 0


class JournalFacts(Struct, frozen=True):
    """A rollback journal. `hot`: an unfinished transaction, which the next writer undoes; `pages` are put back."""

    bytes: int
    hot: bool
    pages: int = 0
    reason: str | None = None


class TableBytes(Struct, frozen=True):
    """One table with its indexes, in bytes of whole pages (`rows` of the table alone). `payload` is what its rows
    hold; `faults` counts pages of it that could not be read."""

    name: str
    rows: int
    bytes: int
    index_bytes: int
    payload: int
    faults: int = 0

    @property
    def total(self) -> int:
        return self.bytes + self.index_bytes


class DatabaseBytes(Struct, frozen=True):
    """Where the bytes of a database are. `main` is the file's size, `live` the size its pages take with the log laid
    over, `freelist` those of them that hold nothing and are used again before the file grows."""

    main: int
    wal: int
    shm: int
    journal: int
    page_size: int
    live: int
    freelist: int
    tables: tuple[TableBytes, ...]


class Windows(Struct, frozen=True):
    """Transcript generations: one a sessionId. `former` are not the current one of any session; `running_former` of
    those are marked running, which nothing ever clears. `by_status` counts NULL under an empty word."""

    count: int = 0
    former: int = 0
    running_former: int = 0
    by_status: Counter[str] = field(default_factory=Counter)


class Events(Struct, frozen=True):
    """Transcript events: `bytes` as stored, `compressed` how many are zstd. `large` ones have at least 64 KiB, mostly
    pictures and tool results; `large_bytes` are theirs. `newest` is epoch ms."""

    sessions: int = 0
    count: int = 0
    bytes: int = 0
    compressed: int = 0
    large: int = 0
    large_bytes: int = 0
    newest: int | None = None


class Stored(Struct, frozen=True):
    """Rows of one sort and the bytes of their content."""

    count: int = 0
    bytes: int = 0


class AgentRows(Struct, frozen=True):
    """`owner` is the agent the database says it belongs to. `app_version` is the creator's or last migrator's.
    `archives` are transcripts of deleted sessions, `cold` those moved out of the events, `trajectories` telemetry.
    `inputs` counts user inputs by state: a queued one was accepted and never processed. `unjudged` and `cleared` are
    session rows by entry_valid 0 and -1. `silent` sessions have no event; `lost_events` are sessionIds with events
    and no window, which a start refuses; people speak in `lost_of_people` of the first of them, those that cannot be
    unpacked included. `faults` name what could not be read (table -> why)."""

    owner: str | None = None
    app_version: str | None = None
    schema: int | None = None
    windows: Windows = field(default_factory=Windows)
    events: Events = field(default_factory=Events)
    archives: Stored = field(default_factory=Stored)
    cold: Stored = field(default_factory=Stored)
    trajectories: Stored = field(default_factory=Stored)
    inputs: Mapping[str, int] = field(default_factory=dict)
    unjudged: int = 0
    cleared: int = 0
    silent: int = 0
    lost_events: int = 0
    lost_of_people: int = 0
    faults: tuple[tuple[str, DatabaseFault], ...] = ()


class OwnerBytes(Struct, frozen=True):
    """What a group of tables is for, and its bytes with all indexes."""

    owner: str
    bytes: int


OWNERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sessions", ("session_nodes", "session_windows", "session_canonical_", "session_key_", "session_participants")),
    ("transcripts", ("transcript_", "session_transcript_active", "session_transcript_index")),
    ("search index", ("session_transcript_fts",)),
    ("transcript archives", ("session_transcript_archives", "session_transcript_cold")),
    ("trajectories", ("trajectory_",)),
    ("memory", ("memory_", "standing_intents")),
    ("cache", ("cache_entries",)),
    ("run history", ("task_runs", "cron_run_", "flow_runs")),
    ("audit", ("audit_", "diagnostic_")),
)
"""First words of table names by what they are for; the rest is `other`."""


def bytes_by_owner(found: DatabaseBytes) -> tuple[OwnerBytes, ...]:
    """The live bytes of a database by what they are for, most first; the freelist, and the log next to it, last."""
    totals: Counter[str] = Counter()
    for table in found.tables:
        owner = next((owner for owner, words in OWNERS if table.name.startswith(words)), "other")
        totals[owner] += table.total
    totals["other"] += found.live - found.freelist - totals.total()
    ranked = [OwnerBytes(owner, size) for owner, size in totals.most_common() if size > 0]
    beside = (("free pages", found.freelist), ("-wal", found.wal), ("-journal", found.journal))
    return (*ranked, *(OwnerBytes(owner, size) for owner, size in beside if size))


class Partition(Struct, frozen=True):
    """The jobs of one cron store path. The gateway runs those of its own path only (`store_key` is absolute: a moved
    directory loses its jobs). `managed` are the gateway's own, such as heartbeats."""

    store_key: str
    jobs: int
    enabled: int
    managed: int


class QuarantinedJob(Struct, frozen=True):
    """A job that a release set aside because it is malformed. `reason` is the gateway's word."""

    store_key: str
    job_id: str | None
    name: str | None
    reason: str
    at: int | None


class CronReceipt(Struct, frozen=True):
    """One started cron run. `owner_start` is the start time of the process in clock ticks."""

    job_id: str
    store_key: str
    status: str
    owner_pid: int | None
    owner_start: int | None
    started_at: int | None
    finished_at: int | None


class RunHistory(Struct, frozen=True):
    """Finished and open runs. `by_status` counts (runtime, status); `imported_ok` are successful runs of the file era
    that were imported as failed. `times_of` has when the latest runs of each job started (epoch ms, newest
    first), `newest` is the last start."""

    by_status: Counter[tuple[str, str]] = field(default_factory=Counter)
    imported_ok: int = 0
    times_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    newest: int | None = None


class QueueRows(Struct, frozen=True):
    """Deliveries of one queue and status (pending, failed)."""

    queue: str
    status: str
    count: int
    oldest: int | None


class Lease(Struct, frozen=True):
    """Who holds the state directory, as the owner wrote it: `expires_at` is its last heartbeat and 300 s. A killed
    gateway leaves it; the next start on the same host passes over it."""

    scope: str
    key: str
    owner: str | None
    expires_at: int | None
    heartbeat_at: int | None
    pid: int | None
    host: str | None
    owner_start: int | None
    port: int | None


class DatabaseLease(Struct, frozen=True):
    """A process that has (or had, when it was killed) an agent's database open."""

    agent_id: str
    path: str
    pid: int | None
    owner_start: int | None
    opened_at: int | None


class OpenTurn(Struct, frozen=True):
    """A model turn in flight when the row was last written."""

    session_key: str
    owner: str | None
    claimed_at: int | None


class Boot(Struct, frozen=True):
    """One start. `outcome` None: it was never completed, so the process was killed or is running."""

    pid: int | None
    started_at: int | None
    completed_at: int | None
    outcome: str | None
    startup_reason: str | None
    reason: str | None


class ReceiptFile(Struct, frozen=True):
    """A file as the receipt of an import has it; what is not in the receipt is None. `identity` is (device, inode),
    `mtime_ns` in ns, `size` in bytes."""

    identity: tuple[int, int] | None = None
    mtime_ns: int | None = None
    size: int | None = None
    sha256: str | None = None


class MigratedSource(Struct, frozen=True):
    """A source of the file era that was taken into the database. `removed`: the file was retired. `discarded`:
    none of it was taken. `database` is the identity of the file that its rows went to (device:inode), `files` are
    those that they came from, by path."""

    kind: str
    source: str
    target: str
    status: str
    records: int | None
    sha256: str | None
    removed: bool
    at: int | None
    discarded: bool = False
    database: str | None = None
    files: Mapping[str, ReceiptFile] = field(default_factory=dict)


class RegisteredDatabase(Struct, frozen=True):
    """An agent database the state database knows of; `path` as stored, relative to the state directory or
    absolute."""

    agent_id: str
    path: str
    schema: int | None
    size: int | None
    last_seen: int | None


class SubagentRows(Struct, frozen=True):
    """Subagent runs by state; `open` are those without an end."""

    count: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    rows: tuple[SubagentRun, ...] = ()


class SeenConfig(Struct, frozen=True):
    """A config as a gateway of 2026.9.6 last read it: the SHA-256 of the file, and its time in epoch ms."""

    path: str
    digest: str
    mtime: int | None


class StateRows(Struct, frozen=True):
    """`started` is the release that last booted here (None where no row tells), `migrated` the one that recorded its
    migrations of the state as done, `app_version` the creator's or last migrator's. `job_ids` are those of all store
    paths, `jobs` those the gateway runs from here, `problems` what is wrong with them. `placements` counts sessions
    with a placement. `boots` come newest first. `faults` name what could not be read (table -> why). `migrated_at` is
    when startup migrations were last recorded as done, in epoch ms. `unfinished` are runs of migrations that a start
    wants completed."""

    app_version: str | None = None
    started: str | None = None
    schema: int | None = None
    partitions: tuple[Partition, ...] = ()
    job_ids: frozenset[str] = frozenset()
    jobs: tuple[CronJob, ...] = ()
    problems: tuple[JobProblem, ...] = ()
    quarantined: tuple[QuarantinedJob, ...] = ()
    receipts: Counter[str] = field(default_factory=Counter)
    running: tuple[CronReceipt, ...] = ()
    history: RunHistory = field(default_factory=RunHistory)
    queues: tuple[QueueRows, ...] = ()
    subagents: SubagentRows = field(default_factory=SubagentRows)
    leases: tuple[Lease, ...] = ()
    database_leases: tuple[DatabaseLease, ...] = ()
    placements: int = 0
    open_turns: tuple[OpenTurn, ...] = ()
    boots: tuple[Boot, ...] = ()
    migrations: tuple[MigratedSource, ...] = ()
    databases: tuple[RegisteredDatabase, ...] = ()
    faults: tuple[tuple[str, DatabaseFault], ...] = ()
    parked: tuple[ParkedJob, ...] = ()
    migrated: str | None = None
    migrated_at: int | None = None
    configs: tuple[SeenConfig, ...] = ()
    unfinished: tuple[str, ...] = ()
    whole_jobs: bool = False
    """Whether the table of cron jobs has the columns of a release that was seen."""
