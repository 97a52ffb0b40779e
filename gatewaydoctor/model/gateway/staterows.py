"""What the rows of the state database say: cron, deliveries, subagents, leases, starts. Times are epoch ms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.cron import CronJob, JobProblem, ParkedJob
    from gatewaydoctor.model.gateway.database import Fault
    from gatewaydoctor.model.gateway.subagents import SubagentRun


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


class Receipt(Struct, frozen=True):
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
    that were imported as failed. `runs_of` counts finished cron runs a job, `newest` is the last start."""

    by_status: Counter[tuple[str, str]] = field(default_factory=Counter)
    imported_ok: int = 0
    runs_of: Counter[str] = field(default_factory=Counter)
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


class Migration(Struct, frozen=True):
    """A source of the file era that was taken into the database. `removed`: the file was retired. `discarded`:
    none of it was taken."""

    kind: str
    source: str
    target: str
    status: str
    records: int | None
    sha256: str | None
    removed: bool
    at: int | None
    discarded: bool = False


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


class StateRows(Struct, frozen=True):
    """`started` is the release that last booted here (None where no row tells), `app_version` the creator's or last
    migrator's. `job_ids` are those of all store paths, `jobs` those the gateway runs from here, `problems` what is
    wrong with them. `placements` counts sessions with a placement. `boots` come newest first. `faults` name what
    could not be read (table -> why)."""

    app_version: str | None = None
    started: str | None = None
    schema: int | None = None
    partitions: tuple[Partition, ...] = ()
    job_ids: frozenset[str] = frozenset()
    jobs: tuple[CronJob, ...] = ()
    problems: tuple[JobProblem, ...] = ()
    quarantined: tuple[QuarantinedJob, ...] = ()
    receipts: Counter[str] = field(default_factory=Counter)
    running: tuple[Receipt, ...] = ()
    history: RunHistory = field(default_factory=RunHistory)
    queues: tuple[QueueRows, ...] = ()
    subagents: SubagentRows = field(default_factory=SubagentRows)
    leases: tuple[Lease, ...] = ()
    database_leases: tuple[DatabaseLease, ...] = ()
    placements: int = 0
    open_turns: tuple[OpenTurn, ...] = ()
    boots: tuple[Boot, ...] = ()
    migrations: tuple[Migration, ...] = ()
    databases: tuple[RegisteredDatabase, ...] = ()
    faults: tuple[tuple[str, Fault], ...] = ()
    parked: tuple[ParkedJob, ...] = ()
