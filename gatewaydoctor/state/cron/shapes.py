"""How a job in jobs.json differs from what the gateway writes. Pure. What a release makes of it: `acceptance`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.state.cron import expression, zones
from gatewaydoctor.state.cron.acceptance import Shape
from gatewaydoctor.state.cron.jobids import job_id_of, string

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
