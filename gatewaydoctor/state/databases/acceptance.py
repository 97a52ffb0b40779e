"""What 2026.9.6 makes at a start of a cron job of its state database that is not as it writes it. Pure.

Seen by starting it over rows of about 200 shapes (docs/database.md, section 2); tests/conformance does it again."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.cron import NOT_JSON, Fate
from gatewaydoctor.model.gateway.release import Policy, Release
from gatewaydoctor.state.cron import expression, zones
from gatewaydoctor.state.cron.jobids import string
from gatewaydoctor.state.cron.jobs import LAST_MOMENT, is_enabled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class JobFault(Struct, frozen=True):
    """The field of the job or of its state, what is wrong there, without its contents, and what becomes of the
    job."""

    field: str
    reason: str
    fate: Fate = Fate.SET_ASIDE


AS_NOW = Release(policy=Policy.V2026_9_6)
KINDS = ("at", "every", "cron", "on-exit", "stream")
_TEXTS = {"systemEvent": "text", "agentTurn": "message", "script": "script"}
"""Kind of payload -> the field that must be text."""
_MANAGED = ("heartbeat", "skillCollectionReview")
"""Kinds of payload of jobs that the gateway makes itself."""
_TIMES = (
    "nextRunAtMs",
    "scheduleActivatedAtMs",
    "startupCatchupAtMs",
    "pacedNextRunAtMs",
    "forcePreservedNextRunAtMs",
    "queuedAtMs",
    "runningAtMs",
    "lastRunAtMs",
    "lastFailureAlertAtMs",
    "lastTriggerEvalAtMs",
    "lastTriggerFireAtMs",
    "streamLastStartedAtMs",
    "streamLastExitAtMs",
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")


def faults(job: object, state: object) -> list[JobFault]:
    """Of the JSON of the two columns, None where a column is none. Where the start sets the job aside, nothing else
    of it counts."""
    if not isinstance(job, dict):
        return [JobFault("job", NOT_JSON if job is None else "not an object")]
    aside = list(_aside(job, state))
    return aside or list(_kept(job))


def _aside(job: Mapping[str, object], state: object) -> Iterator[JobFault]:
    if string(job.get("id")) is None:
        yield JobFault("id", "missing")
    if not isinstance(state, dict):
        yield JobFault("state", "not an object")
    for held in (state, job.get("state")):
        if isinstance(held, dict) and (wrong := _wrong_time(held)):
            yield JobFault(f"state.{wrong}", "no moment in milliseconds")
    yield from _of_schedule(job.get("schedule"))
    if "trigger" in job:
        yield from _of_trigger(job["trigger"], job.get("schedule"))
    yield from _of_payload(job.get("payload"), job.get("schedule"))


def _wrong_time(state: Mapping[str, object]) -> str | None:
    for name in _TIMES:
        if name in state and not _whole(state[name], 0):
            return name
    disabled = state.get("autoDisabled")
    wrong = isinstance(disabled, dict) and "atMs" in disabled and not _whole(disabled["atMs"], 0)
    return "autoDisabled.atMs" if wrong else None


def _whole(value: object, least: int) -> bool:
    """Whether JavaScript has a whole number there, of at least `least` and no later than its last moment."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= LAST_MOMENT and value == int(value)


def _of_schedule(schedule: object) -> Iterator[JobFault]:
    match schedule:
        case str() if schedule:
            return  # is kept, and never due
        case dict():
            yield from _of_kind(schedule)
        case None:
            yield JobFault("schedule", "missing")
        case _:
            yield JobFault("schedule", "not an object")


def _of_kind(schedule: Mapping[str, object]) -> Iterator[JobFault]:
    match schedule.get("kind"):
        case "at":
            if not _is_moment(schedule.get("at")):
                yield JobFault("schedule.at", "missing or not a date")
        case "every":
            if not _whole(schedule.get("everyMs"), 1):
                yield JobFault("schedule.everyMs", "not a whole number of at least 1")
            if "anchorMs" in schedule and not _whole(schedule["anchorMs"], 0):
                yield JobFault("schedule.anchorMs", "not a whole number of at least 0")
        case "cron":
            if string(schedule.get("expr")) is None:
                yield JobFault("schedule.expr", "missing or not text")
            if "staggerMs" in schedule and not _whole(schedule["staggerMs"], 0):
                yield JobFault("schedule.staggerMs", "not a whole number of at least 0")
        case "on-exit":
            if string(schedule.get("command")) is None:
                yield JobFault("schedule.command", "missing or not text")
        case "stream":
            if not _is_argv(schedule.get("command")):
                yield JobFault("schedule.command", "not a list of texts")
        case _:
            yield JobFault("schedule.kind", f"not {', '.join(KINDS[:-1])} or {KINDS[-1]}")


def _is_moment(value: object) -> bool:
    """Milliseconds as text, or a date of the calendar; other spellings with a year are taken for one."""
    text = string(value)
    if text is None:
        return False
    if re.fullmatch(r"[0-9]+", text):
        return 0 < int(text) <= LAST_MOMENT
    if found := _DATE.match(text):
        try:
            datetime.fromisoformat(found[0])
        except ValueError:
            return False
        return True
    return re.search(r"[0-9]{4}", text) is not None


def _is_argv(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) and each for each in value)


def _of_trigger(trigger: object, schedule: object) -> Iterator[JobFault]:
    kind = schedule.get("kind") if isinstance(schedule, dict) else None
    script = trigger.get("script") if isinstance(trigger, dict) else None
    if string(script) is None:
        yield JobFault("trigger.script", "missing or not text")
    elif kind in ("at", "on-exit"):
        yield JobFault("trigger", f"not for a schedule of kind {kind}")


def _of_payload(payload: object, schedule: object) -> Iterator[JobFault]:
    if not isinstance(payload, dict):
        yield JobFault("payload", "missing" if payload is None else "not an object")
        return
    match payload.get("kind"):
        case "systemEvent" | "agentTurn" | "script" as kind:
            text = payload.get(_TEXTS[kind])
            if not isinstance(text, str) or (kind != "systemEvent" and not text.strip()):
                yield JobFault(f"payload.{_TEXTS[kind]}", "missing, empty or not text")
        case "command":
            if not _is_argv(payload.get("argv")):
                yield JobFault("payload.argv", "not a list of texts")
            elif isinstance(schedule, dict) and schedule.get("kind") == "stream":
                yield JobFault("payload.kind", "no command for a schedule of kind stream")
        case kind if kind not in _MANAGED:
            yield JobFault("payload.kind", "not systemEvent, agentTurn, command or script")


def _kept(job: Mapping[str, object]) -> Iterator[JobFault]:
    """What is wrong with a job that stays in the list."""
    agent, target, schedule = job.get("agentId"), job.get("sessionTarget"), job.get("schedule")
    enabled = is_enabled(job.get("enabled"), AS_NOW)
    if enabled and agent is not None and not isinstance(agent, str):
        yield JobFault("agentId", "not text", Fate.STOPS_CRON)
    if enabled and isinstance(target, str) and target.startswith("session:"):
        session = target.removeprefix("session:").strip()
        if not session or "\0" in session:
            yield JobFault("sessionTarget", "session: without a session id", Fate.STOPS_CRON)
    if isinstance(schedule, str):
        yield JobFault("schedule", "text, not an object", Fate.NEVER_RUNS)
    elif isinstance(schedule, dict) and schedule.get("kind") == "cron":
        yield from _of_expression(string(schedule.get("expr")) or "", string(schedule.get("tz")))


def _of_expression(text: str, tz: str | None) -> Iterator[JobFault]:
    if not expression.is_valid(text):
        yield JobFault("schedule.expr", "no valid cron expression", Fate.NEVER_RUNS)
    elif expression.never_matches(text):
        yield JobFault("schedule.expr", "a date that does not exist", Fate.NEVER_RUNS)
    if tz is not None and zones.is_unknown(tz):
        yield JobFault("schedule.tz", "no known time zone", Fate.NEVER_RUNS)
