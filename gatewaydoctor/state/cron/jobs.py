"""From the JSON of jobs.json and jobs-state.json to jobs, as 2026.5.22 loads them (facts.md section 7). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.cron import CronJob, JobProblem, JobState, Schedule
from gatewaydoctor.state.cron.jobids import job_id_of, string
from gatewaydoctor.storage.files.gateway_json import parse
from gatewaydoctor.storage.files.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LAST_MOMENT = 8_640_000_000_000_000
_SCHEDULES = frozenset({"at", "every", "cron", "on-exit", "stream"})
_PAYLOAD_TEXT = {"systemEvent": "text", "agentTurn": "message", "script": "script"}
_TARGETS = frozenset({"main", "isolated", "current"})
_STATE_TIMES = ("nextRunAtMs", "runningAtMs", "lastRunAtMs")


def read_jobs(
    raw_jobs: list[object], states: Mapping[str, object] | None
) -> tuple[tuple[CronJob, ...], tuple[JobProblem, ...]]:
    """Jobs that have an id, and every fault found. `states` is `jobs` of the state file, None where that file is
    absent or ignored: then the state inside the job counts."""
    jobs: list[CronJob] = []
    problems: list[JobProblem] = []
    seen: set[str] = set()
    for index, raw in enumerate(raw_jobs):
        problems.extend(_problems(index, raw))
        job_id = job_id_of(raw)
        if job_id is None or not isinstance(raw, dict):
            continue
        if job_id in seen:
            problems.append(JobProblem(index, job_id, "id", "another job has the same id"))
        seen.add(job_id)
        jobs.append(_job(index, job_id, raw, states.get(job_id) if states else None))
    return tuple(jobs), tuple(problems)


def whole_number(value: object) -> int | None:
    """A number of JSON as an int where a date or a count can hold it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LAST_MOMENT:
        return None
    return int(value)


def _job(index: int, job_id: str, raw: Mapping[str, object], kept: object) -> CronJob:
    state, changed = _state(raw, kept)
    payload = _object(raw.get("payload"))
    timeout = whole_number(payload.get("timeoutSeconds"))
    return CronJob(
        index,
        job_id,
        string(raw.get("name")),
        raw.get("enabled") is not False,
        string(raw.get("agentId")),
        _schedule(_object(raw.get("schedule"))),
        string(raw.get("sessionTarget")),
        string(payload.get("kind")),
        None if timeout is None else timeout * 1000,
        raw.get("deleteAfterRun") is True,
        state,
        changed,
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


def _schedule(schedule: Mapping[str, object]) -> Schedule:
    at_ms = whole_number(schedule.get("atMs"))
    return Schedule(
        string(schedule.get("kind")),
        whole_number(schedule.get("everyMs")),
        string(schedule.get("expr")) or string(schedule.get("cron")),
        string(schedule.get("tz")),
        string(schedule.get("at")) or (None if at_ms is None else str(at_ms)),
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


def _problems(index: int, raw: object) -> Iterator[JobProblem]:
    if not isinstance(raw, dict):
        yield JobProblem(index, None, "job", f"{_a(raw)}, not an object")
        return
    job_id = job_id_of(raw)
    for field, reason in (*_id_faults(raw), *_schedule_faults(raw), *_payload_faults(raw), *_state_faults(raw)):
        yield JobProblem(index, job_id, field, reason)


def _id_faults(raw: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if string(raw.get("id")) is None:
        yield "id", "only the old name jobId is there" if job_id_of(raw) else "missing or not text"
    target = raw.get("sessionTarget")
    if target is not None and not (isinstance(target, str) and (target in _TARGETS or target.startswith("session:"))):
        yield "sessionTarget", "not main, isolated, current or session:<id>"


def _schedule_faults(raw: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    schedule = raw.get("schedule")
    if not isinstance(schedule, dict):
        yield "schedule", "missing" if schedule is None else f"{_a(schedule)}, not an object"
        return
    match schedule.get("kind"):
        case "at" if string(schedule.get("at")) is None:
            yield "schedule.at", "missing or not text"
        case "every" if (every := whole_number(schedule.get("everyMs"))) is None or every < 1:
            yield "schedule.everyMs", "not a number of at least 1"
        case "cron" if string(schedule.get("expr")) is None:
            yield "schedule.expr", "the old name cron is used" if schedule.get("cron") else "missing or not text"
        case kind if not isinstance(kind, str) or kind not in _SCHEDULES:
            yield "schedule.kind", "missing" if kind is None else "not at, every or cron"


def _payload_faults(raw: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    payload = raw.get("payload")
    if not isinstance(payload, dict):
        yield "payload", "missing" if payload is None else f"{_a(payload)}, not an object"
        return
    kind = payload.get("kind")
    if not isinstance(kind, str):
        yield "payload.kind", "missing or not text"
    elif kind in _PAYLOAD_TEXT and string(payload.get(_PAYLOAD_TEXT[kind])) is None:
        yield f"payload.{_PAYLOAD_TEXT[kind]}", "missing or not text"
    elif raw.get("sessionTarget") == "main" and kind == "agentTurn":
        yield "payload.kind", "a job for the main session must be a systemEvent"
    elif raw.get("sessionTarget") in ("isolated", "current") and kind == "systemEvent":
        yield "payload.kind", "a job for a session of its own must be an agentTurn"


def _state_faults(raw: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    state = _object(raw.get("state"))
    for name in _STATE_TIMES:
        value = state.get(name)
        if value is not None and ((number := whole_number(value)) is None or number < 0):
            yield f"state.{name}", "not a time in milliseconds"


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _a(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
