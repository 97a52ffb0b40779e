"""From the JSON of jobs.json and jobs-state.json to jobs, as 2026.5.22 loads them (gateway.md section 7), and
how a job differs from what the gateway writes. Pure. What a release makes of that: `acceptance`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.cron import UNDEFINED, CronJob, JobProblem, JobState, Schedule
from gatewaydoctor.model.gateway.release import UNKNOWN_RELEASE, Release
from gatewaydoctor.state.cron import expression, zones
from gatewaydoctor.state.cron.acceptance import Shape, fate, reads_text_false
from gatewaydoctor.state.cron.jobids import job_id_of, string
from gatewaydoctor.storage.jsontext.gateway_json import as_object, parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_OUTSIDE = ("cron", "expr", "everyMs", "at", "atMs")
_TEXT_OUTSIDE = ("message", "text")
_NEWER_SCHEDULES = ("on-exit", "stream")
"""Kinds of releases that keep jobs in a database."""


def shapes_of(raw: object) -> Iterator[Shape]:
    """Every difference in one element of the list of jobs, but for an id that another job has."""
    if raw is None:
        yield Shape.NULL
    elif not isinstance(raw, dict):
        yield Shape.NO_OBJECT
    else:
        yield from _of_id(raw)
        # A list does not stop the scheduler.
        if not isinstance(raw.get("state"), (dict, list)):
            yield Shape.STATE_MISSING
        yield from _of_schedule(raw)
        yield from _of_payload(raw)


def _of_id(raw: Mapping[str, object]) -> Iterator[Shape]:
    if string(raw.get("id")) is not None:
        return
    if string(raw.get("jobId")) is not None:
        yield Shape.ID_OLD_NAME
    else:
        yield Shape.ID_NO_TEXT if job_id_of(raw) else Shape.ID_MISSING


def _of_schedule(raw: Mapping[str, object]) -> Iterator[Shape]:
    match raw.get("schedule"):
        case None:
            yield (
                Shape.SCHEDULE_OUTSIDE
                if any(raw.get(name) is not None for name in _OUTSIDE)
                else Shape.SCHEDULE_MISSING
            )
        case str(text) if not text.strip():
            yield Shape.SCHEDULE_EMPTY_TEXT
        case str(text):
            yield Shape.SCHEDULE_TEXT
            yield from _of_expression(text, None)
        case dict(schedule):
            yield from _of_timing(schedule)
        case _:
            yield Shape.SCHEDULE_NO_OBJECT


def _of_timing(schedule: Mapping[str, object]) -> Iterator[Shape]:
    kind = (string(schedule.get("kind")) or "").lower()
    if kind not in ("at", "every", "cron"):
        kind = _guessed(schedule)
        if kind == "every":
            yield Shape.KIND_GUESSED_EVERY
    match kind:
        case "cron":
            yield from _of_cron(schedule)
        case "every":
            yield from _of_interval(schedule.get("everyMs"))
        case "at":
            yield from _of_moment(schedule)
        case _ if schedule.get("kind") not in _NEWER_SCHEDULES:
            yield Shape.KIND_UNKNOWN


def _guessed(schedule: Mapping[str, object]) -> str:
    """The kind that releases read from the other fields."""
    if string(schedule.get("expr")) or string(schedule.get("cron")):
        return "cron"
    if schedule.get("at") is not None or schedule.get("atMs") is not None:
        return "at"
    return "every" if schedule.get("everyMs") is not None else ""


def _of_cron(schedule: Mapping[str, object]) -> Iterator[Shape]:
    expr, old = string(schedule.get("expr")), string(schedule.get("cron"))
    if expr is None and old is None:
        yield Shape.EXPR_MISSING
        return
    if expr is None:
        yield Shape.EXPR_OLD_NAME
    yield from _of_expression(expr or old or "", string(schedule.get("tz")))


def _of_expression(text: str, tz: str | None) -> Iterator[Shape]:
    if not expression.is_valid(text):
        yield Shape.EXPR_INVALID
    elif expression.never_matches(text):
        yield Shape.EXPR_NEVER
    if tz is not None and zones.is_unknown(tz):
        yield Shape.ZONE_UNKNOWN


def _of_interval(every: object) -> Iterator[Shape]:
    match every:
        case bool() | None:
            yield Shape.EVERY_MISSING
        case int() | float():
            if every < 1:
                yield Shape.EVERY_TOO_SMALL
        case str(text) if re.fullmatch(r"\s*[0-9]+(?:\.[0-9]+)?\s*", text):
            yield Shape.EVERY_TEXT
        case _:
            yield Shape.EVERY_MISSING


def _of_moment(schedule: Mapping[str, object]) -> Iterator[Shape]:
    at = schedule.get("at")
    if at is None and schedule.get("atMs") is not None:
        return
    if string(at) is None:
        yield Shape.AT_MISSING
    elif isinstance(at, str) and not re.search(r"[0-9]{4}", at):
        # Dates are taken in many spellings; without a year none was.
        yield Shape.AT_INVALID


def _of_payload(raw: Mapping[str, object]) -> Iterator[Shape]:
    match raw.get("payload"):
        case None:
            yield _without_payload(raw)
        case dict(payload):
            yield from _of_kind(raw.get("sessionTarget"), payload)
        case _:
            yield Shape.PAYLOAD_NO_OBJECT


def _without_payload(raw: Mapping[str, object]) -> Shape:
    if any(string(raw.get(name)) for name in _TEXT_OUTSIDE):
        return Shape.PAYLOAD_OUTSIDE
    # 2026.3.28 makes a systemEvent of the command, which only the main session takes.
    elsewhere = string(raw.get("sessionTarget")) not in (None, "main")
    return Shape.PAYLOAD_COMMAND if string(raw.get("command")) and not elsewhere else Shape.PAYLOAD_MISSING


def _of_kind(target: object, payload: Mapping[str, object]) -> Iterator[Shape]:
    kind = (string(payload.get("kind")) or "").lower()
    if payload.get("kind") in (None, "") and (string(payload.get("message")) or string(payload.get("text"))):
        kind = "agentturn" if string(payload.get("message")) else "systemevent"
    main = target == "main" or (string(target) is None and kind == "systemevent")
    match kind:
        case "agentturn":
            if main:
                yield Shape.TURN_IN_MAIN
            elif string(payload.get("message")) is None:
                yield Shape.MESSAGE_MISSING
        case "systemevent":
            text = payload.get("text")
            if not main:
                yield Shape.EVENT_ELSEWHERE
            elif string(text) is None:
                yield Shape.TEXT_EMPTY if isinstance(text, str) else Shape.TEXT_MISSING
        case _:
            yield Shape.PAYLOAD_KIND


LAST_MOMENT = 8_640_000_000_000_000
TURNED_OFF = 3
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
        job is not None and not enabled and job.state.schedule_errors >= TURNED_OFF,
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
    payload = as_object(raw.get("payload"))
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
        return _job_state(as_object(raw.get("state"))), False
    identity = kept.get("scheduleIdentity")
    changed = isinstance(identity, str) and not _same_schedule(identity, raw)
    return _job_state(as_object(kept.get("state")), recompute=changed), changed


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
    return _schedule(raw if schedule is None else as_object(schedule))


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
    raw = as_object(source)
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
