"""From the JSON of jobs.json and jobs-state.json to jobs, as 2026.5.22 loads them (gateway.md section 7). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.cron import UNDEFINED, CronJob, JobProblem, JobState, Schedule
from gatewaydoctor.model.gateway.release import UNKNOWN_RELEASE, Release
from gatewaydoctor.state.cron.acceptance import Shape, fate, reads_text_false
from gatewaydoctor.state.cron.jobids import job_id_of, string
from gatewaydoctor.state.cron.shapes import shapes_of
from gatewaydoctor.storage.files.gateway_json import parse
from gatewaydoctor.storage.files.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_MOMENT = 8_640_000_000_000_000
_TURNED_OFF = 3
"""Schedule errors after which a release disables a job."""


def read_jobs(
    raw_jobs: list[object], states: Mapping[str, object] | None, release: Release = UNKNOWN_RELEASE
) -> tuple[tuple[CronJob, ...], tuple[JobProblem, ...]]:
    """Every job that is an object, and how jobs differ from what the gateway writes. `states` is `jobs` of the state
    file, None where that file is absent or ignored: then the state inside the job counts."""
    jobs: list[CronJob] = []
    problems: list[JobProblem] = []
    seen: set[str] = set()
    for index, raw in enumerate(raw_jobs):
        shapes = list(shapes_of(raw))
        job_id = job_id_of(raw)
        if job_id is not None and job_id in seen:
            shapes.append(Shape.ID_TWICE)
        seen.add(job_id or UNDEFINED)
        job = None
        if isinstance(raw, dict):
            key = job_id or UNDEFINED
            job = _job(index, key, raw, states.get(key) if states else None, release)
            jobs.append(job)
        problems += [_problem(index, job_id, job, shape, release) for shape in shapes]
    return tuple(jobs), tuple(problems)


def _problem(index: int, job_id: str | None, job: CronJob | None, shape: Shape, release: Release) -> JobProblem:
    enabled = job is None or job.enabled
    return JobProblem(
        index,
        job_id,
        shape.field,
        shape.reason,
        fate(shape, release),
        job.name if job else None,
        enabled,
        job is not None and not enabled and job.state.schedule_errors >= _TURNED_OFF,
    )


def whole_number(value: object) -> int | None:
    """A number of JSON as an int where a date or a count can hold it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LAST_MOMENT:
        return None
    return int(value)


def is_enabled(value: object, release: Release) -> bool:
    """Only false disables a job, and since 2026.4.25 the text false, too; 0, null and a missing field do not."""
    if isinstance(value, str) and value.strip().lower() == "false":
        return not reads_text_false(release)
    return value is not False


def _job(index: int, job_id: str, raw: Mapping[str, object], kept: object, release: Release) -> CronJob:
    state, changed = _state(raw, kept)
    payload = _object(raw.get("payload"))
    timeout = whole_number(payload.get("timeoutSeconds"))
    return CronJob(
        index,
        job_id,
        string(raw.get("name")),
        is_enabled(raw.get("enabled"), release),
        string(raw.get("agentId")),
        schedule_of(raw),
        string(raw.get("sessionTarget")),
        string(payload.get("kind")),
        None if timeout is None else timeout * 1000,
        raw.get("deleteAfterRun") is True,
        state,
        changed,
        whole_number(raw.get("createdAtMs")),
        whole_number(raw.get("updatedAtMs")),
    )


def _state(raw: Mapping[str, object], kept: object) -> tuple[JobState, bool]:
    """The state file wins where it has a row for the job, an empty one included."""
    if not isinstance(kept, dict):
        return _job_state(_object(raw.get("state"))), False
    identity = kept.get("scheduleIdentity")
    changed = isinstance(identity, str) and not _same_schedule(identity, raw)
    return _job_state(_object(kept.get("state")), recompute=changed), changed


def _job_state(state: Mapping[str, object], *, recompute: bool = False) -> JobState:
    return JobState(
        whole_number(state.get("runningAtMs")),
        None if recompute else whole_number(state.get("nextRunAtMs")),
        whole_number(state.get("lastRunAtMs")),
        string(state.get("lastRunStatus")) or string(state.get("lastStatus")),
        whole_number(state.get("consecutiveErrors")) or 0,
        whole_number(state.get("scheduleErrorCount")) or 0,
    )


def schedule_of(raw: Mapping[str, object]) -> Schedule:
    """The schedule of a job, also where it is text or is at the top of the job."""
    schedule = raw.get("schedule")
    if isinstance(schedule, str):
        return Schedule("cron", expr=string(schedule), tz=string(raw.get("tz")))
    return _schedule(raw if schedule is None else _object(schedule))


def _schedule(schedule: Mapping[str, object]) -> Schedule:
    at_ms = whole_number(schedule.get("atMs"))
    return Schedule(
        string(schedule.get("kind")),
        whole_number(schedule.get("everyMs")),
        string(schedule.get("expr")) or string(schedule.get("cron")),
        string(schedule.get("tz")),
        string(schedule.get("at")) or (None if at_ms is None else str(at_ms)),
        whole_number(schedule.get("anchorMs")),
        whole_number(schedule.get("staggerMs")),
    )


def _same_schedule(identity: str, raw: Mapping[str, object]) -> bool:
    """Whether the identity kept with the state is of the job's present schedule; compared as values, not as text."""
    try:
        kept = parse(identity.encode("utf-8", "replace"))
    except Illegal:
        return False
    enabled = raw.get("enabled")
    schedule = _identity(raw.get("schedule") if isinstance(raw.get("schedule"), dict) else raw)
    return kept == {"version": 1, "enabled": enabled if isinstance(enabled, bool) else True, "schedule": schedule}


def _identity(source: object) -> dict[str, object] | None:
    raw = _object(source)
    schedule = _schedule(raw)
    kind = (schedule.kind or "").lower()
    if kind not in ("at", "every", "cron"):
        kind = "at" if schedule.at else "every" if raw.get("everyMs") is not None else "cron" if schedule.expr else ""
    wanted: dict[str, tuple[str, ...]] = {"every": ("everyMs", "anchorMs"), "cron": ("staggerMs",)}
    numbers = {name: raw[name] for name in wanted.get(kind, ()) if whole_number(raw.get(name)) is not None}
    texts = (
        {"at": schedule.at} if kind == "at" else {"expr": schedule.expr, "tz": schedule.tz} if kind == "cron" else {}
    )
    return {"kind": kind} | {name: text for name, text in texts.items() if text} | numbers if kind else None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
