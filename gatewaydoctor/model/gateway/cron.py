"""What the cron directory says: jobs with their state, what is wrong with them, and jobs that are no longer there."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import FileRecord, Unreadable
    from gatewaydoctor.model.gateway.store import JsonFault


UNDEFINED = "undefined"
"""What means the id of a job without one: up to 2026.4.25 in its session keys, its run log and its state."""


class Schedule(Struct, frozen=True):
    """`kind` is at, every, cron or as stored; None where absent. Intervals in ms; `at` is text as stored. `anchor_ms`
    (epoch ms) is from where an interval counts, `stagger_ms` the window in which a cron time is moved."""

    kind: str | None
    every_ms: int | None = None
    expr: str | None = None
    tz: str | None = None
    at: str | None = None
    anchor_ms: int | None = None
    stagger_ms: int | None = None

    @property
    def words(self) -> str:
        """As a person would say it: `every 30 min`, `0 7 * * * Europe/Berlin`, `at 2026-04-02T07:00:00Z`."""
        if self.every_ms is not None and self.kind not in ("cron", "at"):
            return f"every {duration(self.every_ms)}" if self.every_ms > 0 else f"every {self.every_ms} ms"
        if self.expr is not None and self.kind not in ("every", "at"):
            return f"{self.expr}{' ' + self.tz if self.tz else ''}"
        if self.at is not None and self.kind not in ("every", "cron"):
            return f"at {self.at}"
        return {"every": "every ?", "at": "at ?", "cron": "?"}.get(self.kind or "", self.kind or "?")


class JobState(Struct, frozen=True):
    """Times in epoch ms. `running_at`: a job with it is not started again (docs/gateway.md section 7)."""

    running_at: int | None = None
    next_run_at: int | None = None
    last_run_at: int | None = None
    last_run_status: str | None = None
    consecutive_errors: int = 0
    schedule_errors: int = 0


class CronJob(Struct, frozen=True):
    """One job of jobs.json with the state the gateway would load. `index` is its place in the list. `job_id` is
    UNDEFINED where it has none. `timeout_ms` is the payload's own; None means the default. `schedule_changed`: the
    state was kept for another schedule, so the gateway recomputes the next run. `created_at` and `updated_at` are
    epoch ms."""

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
    created_at: int | None = None
    updated_at: int | None = None

    @property
    def label(self) -> str:
        """Its name, else its id, else its place in the file, as `repair cron` takes it."""
        return self.name or (self.job_id if self.job_id != UNDEFINED else f"#{self.index + 1}")


NOT_JSON = "not JSON"
"""Why a job is not taken that 2026.9.6 sets aside, and 2026.8.1 and 9.3 were not seen to."""


class Fate(StrEnum):
    """What a release makes of a job, the mildest first. `runs`: as it is, or with what is missing filled in.
    `shares-state`: it runs, and its state, rows and log are kept under an id that other jobs have too. `never-runs`:
    no time is computed for it; most releases disable it after three tries. `fails`: it is due by its schedule, and
    each run is skipped or fails. `holds-up`: when it is due the scheduler's pass breaks off, and jobs due with it
    wait. `set-aside`: the start takes it out of the jobs of the state database and keeps its text. `dropped`: the
    start removes it from jobs.json. `stops-cron`: the scheduler does not start, or breaks off every
    pass: no job runs."""

    RUNS = "runs"
    SHARES_STATE = "shares-state"
    NEVER_RUNS = "never-runs"
    FAILS = "fails"
    HOLDS_UP = "holds-up"
    SET_ASIDE = "set-aside"
    DROPPED = "dropped"
    STOPS_CRON = "stops-cron"

    @property
    def cannot_run(self) -> bool:
        return self not in (Fate.RUNS, Fate.SHARES_STATE)


class JobProblem(Struct, frozen=True):
    """How a job differs from what the gateway writes: the field and the reason, without its contents. `fate` is what
    the release in use makes of it, None where that is not known. `switched_off`: it is disabled, and as many schedule
    errors are counted on it as make a release disable a job."""

    index: int
    job_id: str | None
    field: str
    reason: str
    fate: Fate | None = None
    name: str | None = None
    enabled: bool = True
    switched_off: bool = False

    @property
    def label(self) -> str:
        return self.name or self.job_id or f"#{self.index + 1}"

    @property
    def missing(self) -> bool:
        """Whether the field is not there, or only under another name or in another place."""
        return self.reason.startswith("missing")

    @property
    def harmful(self) -> bool:
        """Whether something does not happen because of it. A job that was disabled on purpose does not run anyway,
        but may be dropped or set aside, or stop the others."""
        if self.fate is None or not self.fate.cannot_run:
            return False
        return self.enabled or self.switched_off or self.fate in (Fate.DROPPED, Fate.SET_ASIDE, Fate.STOPS_CRON)


class ParkedJob(Struct, frozen=True):
    """A job that `repair cron` took out of jobs.json. `index` is its place in the file `file`. A job of
    a database keeps its row there, filed under `parked_key`."""

    file: str
    index: int
    job_id: str | None
    name: str | None
    schedule: Schedule

    @property
    def label(self) -> str:
        return self.name or self.job_id or f"#{self.index + 1}"


def parked_key(store_key: str) -> str:
    """The path under which parked jobs of a database are filed: no gateway runs jobs of another path than its own."""
    return f"{store_key}.parked"


class DisabledJob(Struct, frozen=True):
    """A job that `repair cron` disabled, by id or by name where it has no id, and when (epoch ms)."""

    job_id: str | None
    name: str | None
    at: int | None


def answers_to(job: CronJob | ParkedJob, word: str) -> bool:
    """Whether `repair cron` takes the word for this job: its name, its id in any case, or its place as `#N`."""
    own = job.job_id if job.job_id != UNDEFINED else None
    return word == job.name or (own is not None and word.lower() == own.lower()) or word == f"#{job.index + 1}"


def word_for(job: CronJob, jobs: Iterable[CronJob]) -> str:
    """What to type for this job and no other of `jobs`: its name, else its id, else its place."""
    others = [each for each in jobs if each.index != job.index]
    words = (job.name, job.job_id if job.job_id != UNDEFINED else None)
    mine = (word for word in words if word and not any(answers_to(each, word) for each in others))
    return next(mine, f"#{job.index + 1}")


class CronRead(StrEnum):
    """`empty-for-gateway`: it is JSON, but of a shape that holds no jobs for the gateway."""

    OK = "ok"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNPARSEABLE = "unparseable"
    EMPTY_FOR_GATEWAY = "empty-for-gateway"


class CronFile(Struct, frozen=True):
    """How one JSON file of the cron directory reads. Unparseable jobs.json stops cron, the file stays untouched; an
    unparseable or oddly shaped jobs-state.json is ignored and the run state is lost."""

    path: Path
    read: CronRead
    bytes: int = 0
    fault: JsonFault | None = None
    problem: Unreadable | None = None

    @property
    def reason(self) -> str | None:
        """Why it does not read, in a few words; None where it does or is not there."""
        if self.fault is not None:
            return self.fault.sentence
        if self.problem is not None:
            return self.problem.reason
        return "no list of jobs in it" if self.read is CronRead.EMPTY_FOR_GATEWAY else None


class LostJob(Struct, frozen=True):
    """A job named elsewhere and absent from jobs.json: evidence, not proof, for jobs are also deleted on purpose.
    `sources` are file names."""

    job_id: str
    name: str | None
    sources: tuple[str, ...]


class RunLog(Struct, frozen=True):
    """One cron/runs/<jobId>.jsonl. The last_ fields are of its last readable line (epoch ms; duration in ms)."""

    job_id: str
    bytes: int
    mtime: int
    last_at: int | None = None
    last_status: str | None = None
    last_duration: int | None = None


class Cron(Struct, frozen=True):
    """The cron directory. `copies` are names of backups and retired originals of jobs.json, newest first; `migrated`
    are the retired ones among them (`jobs.json.migrated*`): with one and without a jobs.json the jobs live in SQLite.
    `quarantined` counts jobs a release parked in jobs-quarantine.json, `set_aside` are those of them with an id.
    `parked` are those this program took out, `disabled` those of `jobs` that it disabled and that still are."""

    store: CronFile
    state: CronFile
    jobs: tuple[CronJob, ...] = ()
    problems: tuple[JobProblem, ...] = ()
    copies: tuple[str, ...] = ()
    lost: tuple[LostJob, ...] = ()
    migrated: tuple[str, ...] = ()
    quarantined: int = 0
    set_aside: tuple[LostJob, ...] = ()
    temps: tuple[FileRecord, ...] = ()
    run_logs: tuple[RunLog, ...] = ()
    parked: tuple[ParkedJob, ...] = ()
    disabled: tuple[DisabledJob, ...] = ()

    @property
    def under_undefined(self) -> tuple[JobProblem, ...]:
        """The jobs whose rows, run log and state are kept under UNDEFINED."""
        return tuple(
            each for each in self.problems if each.field == "id" and each.fate is not Fate.RUNS and each.missing
        )

    @property
    def known_ids(self) -> frozenset[str]:
        """Ids under which jobs of the file keep rows and logs."""
        return frozenset(job.job_id for job in self.jobs) | ({UNDEFINED} if self.under_undefined else frozenset())
