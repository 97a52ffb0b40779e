"""Names and places of session files as the gateway resolves them (docs/gateway.md sections 2 and 5)."""

# The gateway resolves paths as text; Path would tidy them on the way.
# ruff: noqa: PTH109, PTH117, PTH118, PTH119
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js

if TYPE_CHECKING:
    from gatewaydoctor.simulate.refstore.policy import Policy

STORE_NAME: Final = "sessions.json"

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}(?:\.[0-9]{3})?Z\Z")
_STORE_BACKUP = re.compile(r"sessions\.json\.bak\.[0-9]+\Z")
_CHECKPOINT = re.compile(
    r".+\.checkpoint\.[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.jsonl\Z", re.I
)
_GENERATED_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z", re.I)
_FORK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[A-Za-z0-9_-]+(?:Z|[+-][0-9]{2}(?:-[0-9]{2})?)?_(.+)\Z")
_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z", re.I | re.A)
_AGENT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z", re.I | re.A)


class PathRefused(ValueError):
    """The gateway does not resolve this session id or path."""


@dataclass(frozen=True, slots=True)
class SessionsDir:
    """The directory of one store; `policy` decides which ids are valid."""

    path: str
    policy: Policy

    def transcript(self, session_id: Any) -> str:
        """Path of `<sessionId>.jsonl`. Raises PathRefused on an unsafe id, GatewayTypeError where it is no text."""
        trimmed = js.trim(session_id)
        unsafe = not _SESSION_ID.match(trimmed)
        if unsafe or (self.policy.trajectories and is_checkpoint(f"{trimmed}.jsonl")):
            raise PathRefused("invalid session id")
        return self.within(f"{trimmed}.jsonl")

    def session_file(self, session_id: Any, session_file: Any) -> str:
        """Path of an entry's transcript: its sessionFile where that can be resolved, else `<sessionId>.jsonl`."""
        candidate = "" if js.is_nullish(session_file) else js.trim(session_file)
        if candidate:
            try:
                return self.within(candidate)
            except PathRefused:
                pass
        return self.transcript(session_id)

    def within(self, candidate: str) -> str:
        """The path of a sessionFile text: inside this directory, or in another agent's sessions directory.

        Raises PathRefused for anything else. A relative text is only checked for a leading `..`.
        """
        if not candidate:
            raise PathRefused("empty path")
        base = real(self.path)
        target = (_real_or_none(candidate) or candidate) if os.path.isabs(candidate) else candidate
        relative = relative_path(base, target) if os.path.isabs(target) else target
        if relative.startswith("..") and os.path.isabs(target):
            sibling = _other_agents_file(base, target)
            if sibling is not None:
                return sibling
        if not relative or relative.startswith("..") or os.path.isabs(relative):
            raise PathRefused("outside the sessions directory")
        return resolve(base, relative)

    def contains(self, path: str) -> bool:
        """Whether the path, links followed, lies below this directory."""
        relative = relative_path(real(self.path), real(path))
        return bool(relative) and not relative.startswith("..")


def resolve(*parts: str) -> str:
    """path.resolve: absolute and normalised, links left alone."""
    joined = os.path.normpath(os.path.join(os.getcwd(), *parts))
    return "/" + joined.lstrip("/")


def relative_path(base: str, target: str) -> str:
    """path.relative of two absolute paths; empty where they are the same."""
    found = os.path.relpath(resolve(target), resolve(base))
    return "" if found == "." else found


def real(path: str) -> str:
    """The path with links followed, or as it is where it does not exist."""
    return _real_or_none(resolve(path)) or resolve(path)


def is_archive(name: str) -> bool:
    """A store backup, or a file archived as deleted, reset or bak."""
    if _STORE_BACKUP.match(name):
        return True
    return any(archive_stamp(name, reason) is not None for reason in ("deleted", "reset", "bak"))


def is_checkpoint(name: str) -> bool:
    return _CHECKPOINT.match(name) is not None


def is_trajectory(name: str) -> bool:
    return name.endswith((".trajectory.jsonl", ".trajectory-path.json"))


def is_primary(name: str, policy: Policy) -> bool:
    """Whether this release takes the file for a transcript in use."""
    if not name.endswith(".jsonl") or is_archive(name):
        return False
    if policy.trajectories and name.endswith(".trajectory.jsonl"):
        return False
    return not (policy.checkpoints and is_checkpoint(name))


def trajectory_files(transcript: str) -> tuple[str, str]:
    """Pointer and runtime file beside a transcript."""
    stem = transcript.removesuffix(".jsonl")
    return f"{stem}.trajectory-path.json", f"{stem}.trajectory.jsonl"


def archive_stamp(name: str, reason: str) -> str | None:
    """The timestamp text behind the last `.reason.`, None where there is none."""
    _, marker, stamp = name.rpartition(f".{reason}.")
    return stamp if marker and _STAMP.match(stamp) else None


def archived_at(name: str, reason: str) -> int | None:
    """Epoch ms of an archive name, None where it is no archive or no date V8 accepts."""
    stamp = archive_stamp(name, reason)
    return None if stamp is None else _stamp_ms(stamp)


def stamp(now_ms: int) -> str:
    """`now` as archive names carry it: ISO time in UTC with ms, colons as dashes."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)
    return f"{moment:%Y-%m-%dT%H-%M-%S}.{moment.microsecond // 1000:03d}Z"


def names_generated_session(session_file: Any) -> str | None:
    """The session id a generated transcript name carries (plain, topic or fork), None for a custom name."""
    trimmed = "" if js.is_nullish(session_file) else js.trim(session_file)
    base = os.path.basename(trimmed.rstrip("/"))
    if not base.endswith(".jsonl"):
        return None
    stem = base.removesuffix(".jsonl")
    topic = stem.find("-topic-")
    if topic > 0:
        found = stem[:topic]
    else:
        fork = _FORK.match(stem)
        found = fork[1] if fork else stem
    return found if _GENERATED_ID.match(found) else None


def normalise_agent_id(text: str) -> str:
    """An agent id as the gateway spells it (docs/gateway.md section 1)."""
    trimmed = js.trim(text)
    if not trimmed:
        return "main"
    if _AGENT_ID.match(trimmed):
        return trimmed.lower()
    slug = re.sub(r"[^a-z0-9_-]+", "-", trimmed.lower()).lstrip("-").rstrip("-")[:64]
    return slug or "main"


def _real_or_none(path: str) -> str | None:
    try:
        return os.path.realpath(path, strict=True)
    except (OSError, ValueError):
        return None


def _other_agents_file(base: str, target: str) -> str | None:
    """A path below `…/agents/<id>/sessions/`, accepted for another agent of this tree or by its shape alone."""
    parts = [part for part in resolve(target).split("/") if part]
    at = len(parts) - 1 - parts[::-1].index("sessions") if "sessions" in parts else 0
    if at < 2 or parts[at - 2] != "agents":
        return None
    agent_id = normalise_agent_id(parts[at - 1])
    sibling = _sibling_sessions_dir(base, agent_id)
    if sibling is not None:
        relative = relative_path(real(sibling), _real_or_none(target) or target)
        if relative and not relative.startswith(".."):
            return resolve(real(sibling), relative)
    if agent_id == parts[at - 1].lower() and len(parts) == at + 2:
        return resolve(target)
    return None


def _sibling_sessions_dir(base: str, agent_id: str) -> str | None:
    parts = resolve(base).split("/")
    if len(parts) < 4 or parts[-1] != "sessions" or parts[-3] != "agents":
        return None
    return "/".join((*parts[:-2], agent_id, "sessions"))


def _stamp_ms(text: str) -> int | None:
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    ms = int(text[20:23]) if text[19] == "." else 0
    midnight = hour == 24 and not (minute or second or ms)
    if not (1 <= month <= 12 and 1 <= day <= 31 and minute < 60 and second < 60 and (hour < 24 or midnight)):
        return None
    # V8 rolls 30 February over into March, and year 0 lies before Python's calendar by exactly one leap year.
    first = datetime(year or 4, month, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    days = first.days + day - 1 - (0 if year else 1461)
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms
