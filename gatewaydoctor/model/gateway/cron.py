"""What the cron directory says: jobs with their state, what is wrong with them, and jobs that are no longer there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import FileRecord, Unreadable
    from gatewaydoctor.model.gateway.store import Fault


@dataclass(frozen=True, slots=True)
class Schedule:
    """`kind` is at, every, cron or as stored; None where absent. Intervals in ms; `at` is text as stored."""

    kind: str | None
    every_ms: int | None = None
    expr: str | None = None
    tz: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """Times in epoch ms. `running_at`: a job with it is not started again (facts.md section 7)."""

    running_at: int | None = None
    next_run_at: int | None = None
    last_run_at: int | None = None
    last_run_status: str | None = None
    consecutive_errors: int = 0
    schedule_errors: int = 0


@dataclass(frozen=True, slots=True)
class CronJob:
    """One job of jobs.json with the state the gateway would load. `index` is its place in the list. `timeout_ms` is
    the payload's own; None means the default. `schedule_changed`: the state was kept for another schedule, so the
    gateway recomputes the next run."""

    index: int
    job_id: str
    name: str | None
    enabled: bool
    agent_id: str | None
    schedule: Schedule
    session_target: str | None
    payload_kind: str | None
    timeout_ms: int | None
    delete_after_run: bool
    state: JobState
    schedule_changed: bool = False


@dataclass(frozen=True, slots=True)
class JobProblem:
    """Why a job is malformed: the field and the reason, without its contents."""

    index: int
    job_id: str | None
    field: str
    reason: str


class CronRead(StrEnum):
    """`empty-for-gateway`: it is JSON, but of a shape that holds no jobs for the gateway."""

    OK = "ok"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNPARSEABLE = "unparseable"
    EMPTY_FOR_GATEWAY = "empty-for-gateway"


@dataclass(frozen=True, slots=True)
class CronFile:
    """How one JSON file of the cron directory reads. Unparseable jobs.json stops cron, the file stays untouched; an
    unparseable or oddly shaped jobs-state.json is ignored and the run state is lost."""

    path: Path
    read: CronRead
    bytes: int = 0
    fault: Fault | None = None
    problem: Unreadable | None = None

    @property
    def reason(self) -> str | None:
        """Why it does not read, in a few words; None where it does or is not there."""
        if self.fault is not None:
            return self.fault.sentence
        if self.problem is not None:
            return self.problem.reason
        return "no list of jobs in it" if self.read is CronRead.EMPTY_FOR_GATEWAY else None


@dataclass(frozen=True, slots=True)
class LostJob:
    """A job named elsewhere and absent from jobs.json: evidence, not proof, for jobs are also deleted on purpose.
    `sources` are file names."""

    job_id: str
    name: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunLog:
    """One cron/runs/<jobId>.jsonl. The last_ fields are of its last readable line (epoch ms; duration in ms)."""

    job_id: str
    bytes: int
    mtime: int
    last_at: int | None = None
    last_status: str | None = None
    last_duration: int | None = None


@dataclass(frozen=True, slots=True)
class Cron:
    """The cron directory. `copies` are names of backups and retired originals of jobs.json, newest first; `migrated`
    are the retired ones among them (`jobs.json.migrated*`): with one and without a jobs.json the jobs live in SQLite.
    `quarantined` counts jobs a release parked in jobs-quarantine.json."""

    store: CronFile
    state: CronFile
    jobs: tuple[CronJob, ...] = ()
    problems: tuple[JobProblem, ...] = ()
    copies: tuple[str, ...] = ()
    lost: tuple[LostJob, ...] = ()
    migrated: tuple[str, ...] = ()
    quarantined: int = 0
    temps: tuple[FileRecord, ...] = ()
    run_logs: tuple[RunLog, ...] = ()

    @property
    def known_ids(self) -> frozenset[str]:
        return frozenset(job.job_id for job in self.jobs)
