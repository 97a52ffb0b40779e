"""Session entries as values: status, kind and what one row of sessions.json says (gateway.md sections 3 and 4)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.fieldtypes import OddField


class Status(StrEnum):
    """The gateway's words; anything absent or else is `unknown`, which is neither stuck nor done. `interrupted` is
    written by releases with databases only."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    KILLED = "killed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"

    # Counted once a row: the hash an Enum brings along is a Python call.
    __hash__ = str.__hash__


STATUS_BY_WORD = {status.value: status for status in Status if status not in (Status.UNKNOWN, Status.INTERRUPTED)}
"""The words of the file era."""


class Kind(StrEnum):
    """What a session key means, decided by the key alone."""

    MAIN = "main"
    GLOBAL = "global"
    CRON_BASE = "cron-base"
    CRON_RUN = "cron-run"
    SUBAGENT = "subagent"
    ACP = "acp"
    HOOK = "hook"
    NODE = "node"
    HEARTBEAT = "heartbeat"
    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"
    THREAD = "thread"
    EXPLICIT = "explicit"
    MODEL_RUN = "model-run"
    DASHBOARD = "dashboard"
    TUI = "tui"
    SLASH = "slash"
    API = "api"
    OTHER = "other"

    __hash__ = str.__hash__


DISPOSABLE = frozenset({Kind.CRON_RUN, Kind.MODEL_RUN, Kind.HEARTBEAT, Kind.HOOK})
"""Kinds a repair may remove by default. Everything else is a conversation (promise P7)."""

DISPOSABLE_WHEN_NAMED = frozenset({Kind.SUBAGENT, Kind.ACP})

MACHINE_KINDS = DISPOSABLE | DISPOSABLE_WHEN_NAMED | {Kind.CRON_BASE}
"""Kinds that are not conversation of a person, removable or not."""


CONVERSATION_PLACES = frozenset({Kind.GROUP, Kind.CHANNEL, Kind.THREAD})
"""Kinds that 2026.5.22 keeps whatever their age, and counts against the cap anyway."""


class KeyParts(Struct, frozen=True):
    """A session key taken apart. `job_id` and `run_id` are set for cron keys only, in the key's own case. An id
    with colons in it makes no run of a key: every release takes such rows for rows of a job."""

    kind: Kind
    agent_id: str | None = None
    job_id: str | None = None
    run_id: str | None = None


_CRON_RUN = regex(r"cron:([^:]+):run:([^:]+)(?::|$)", re.IGNORECASE)
_PEER = regex(r"(?:[^:]+:){0,2}(direct|dm|group|channel|slash):.", re.IGNORECASE)
_PREFIXES: tuple[tuple[str, Kind], ...] = (
    ("cron:", Kind.CRON_BASE),
    ("subagent:", Kind.SUBAGENT),
    ("acp:", Kind.ACP),
    ("acp-bridge:", Kind.ACP),
    ("hook:", Kind.HOOK),
    ("node-", Kind.NODE),
    ("node:", Kind.NODE),
    ("explicit:model-run-", Kind.MODEL_RUN),
    ("explicit:", Kind.EXPLICIT),
    ("dashboard:", Kind.DASHBOARD),
    ("tui-", Kind.TUI),
    ("tui-local:", Kind.TUI),
    ("openai:", Kind.API),
    ("openai-user:", Kind.API),
    ("openresponses:", Kind.API),
    ("openresponses-user:", Kind.API),
    ("heartbeat-recovered-", Kind.HEARTBEAT),
)
_PEER_KINDS = {
    "direct": Kind.DIRECT,
    "dm": Kind.DIRECT,
    "group": Kind.GROUP,
    "channel": Kind.CHANNEL,
    "slash": Kind.SLASH,
}


def parse_key(key: str, main_key: str = "main") -> KeyParts:
    """Classify a session key. Total: any string gets a kind, `other` when nothing fits (docs/gateway.md section 4).

    A key below a cron run (`…:run:<id>:heartbeat`) is part of that run, as 5.22 and 9.6 see it.
    """
    # Run rows come by the thousand and differ in what follows their job only, so the job's part is parsed once.
    head, mark, tail = key.partition(":run:")
    base = _parse(head if mark else key, main_key)
    if not mark or base.kind is not Kind.CRON_BASE:
        return _parse(key, main_key)
    if ":" in (base.job_id or ""):
        return _parse(key, main_key)
    run_id = tail.lstrip(":").partition(":")[0]
    return KeyParts(Kind.CRON_RUN, base.agent_id, base.job_id, run_id) if run_id else base


_SCOPED = regex(r"agent:[^:]*[^:\s][^:]*:[^:]")
_SIGNAL_GROUP = regex(r"(?:^|:)signal:group:([^:]+)", re.IGNORECASE)
_MATRIX_ROOM = regex(r"(?:(?:agent:[^:]*:)+:*)?matrix:(?:channel|group):", re.IGNORECASE)
_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript trims."""


def is_canonical_key(key: str) -> bool:
    """Whether 2026.9.6 takes the key of a row as it is: with an agent, trimmed, in lower case but for the ids of
    Signal groups and Matrix rooms."""
    if key != key.strip(_BLANKS):
        return False
    if room := _MATRIX_ROOM.match(key):
        folded = room[0].lower() + key[room.end() :]
    else:
        folded = key.lower()
        for group in _SIGNAL_GROUP.finditer(key):
            folded = folded[: group.start(1)] + group[1].strip(_BLANKS) + folded[group.end(1) :]
    return key == folded and (key in ("global", "unknown") or _SCOPED.match(key) is not None)


@lru_cache(maxsize=4096)
def _parse(key: str, main_key: str) -> KeyParts:
    parts = [part for part in key.split(":") if part]
    if len(parts) < 3 or parts[0].lower() != "agent":
        return KeyParts(_rest_kind(key, main_key, bare=True))
    rest = ":".join(parts[2:])
    agent_id = parts[1].lower()
    if run := _CRON_RUN.match(rest):
        return KeyParts(Kind.CRON_RUN, agent_id, run[1], run[2])
    kind = _rest_kind(rest, main_key, bare=False)
    if kind is Kind.CRON_BASE:
        return KeyParts(kind, agent_id, ":".join(parts[3:]))
    return KeyParts(kind, agent_id)


def _rest_kind(rest: str, main_key: str, *, bare: bool) -> Kind:
    lowered = rest.lower()
    if lowered in (main_key, "main"):
        return Kind.MAIN
    if bare and lowered == "global":
        return Kind.GLOBAL
    synthetic = next((kind for prefix, kind in _PREFIXES if lowered.startswith(prefix)), None)
    if synthetic is Kind.CRON_BASE and ":" in lowered[5:]:
        synthetic = Kind.HEARTBEAT if lowered.endswith(":heartbeat") else Kind.CRON_BASE
    if synthetic is not None:
        return synthetic
    if lowered.endswith(":heartbeat"):
        return Kind.HEARTBEAT
    if ":thread:" in lowered or ":topic:" in lowered:
        return Kind.THREAD
    if peer := _PEER.match(lowered):
        return _PEER_KINDS[peer[1]]
    return Kind.OTHER


def latest(one: int | None, other: int | None) -> int | None:
    """The later of two times; None where there is neither."""
    if one is None or other is None:
        return other if one is None else one
    return one if one >= other else other


class Entry(Struct, frozen=True):
    """One row of sessions.json. Times are epoch ms, None where absent or not a number. `start` is the byte offset of
    the key's opening quote, `value_start` and `end` bound the value's bytes (end exclusive).

    `cli_backed`: a CLI backend keeps the history elsewhere. `valid` is False where the value is not an object.
    `session_file` is the text as stored, any host's path. `odd` are fields of a type that some release minds, with
    `entry` for a value that is not an object.
    """

    key: str
    kind: Kind
    status: Status
    start: int
    value_start: int
    end: int
    agent_id: str | None = None
    job_id: str | None = None
    run_id: str | None = None
    session_id: str | None = None
    session_file: str | None = None
    updated_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    valid: bool = True
    aborted_last_run: bool = False
    pinned: bool = False
    spawned: bool = False
    cli_backed: bool = False
    odd: tuple[OddField, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of key and value together, in bytes."""
        return self.end - self.start

    @property
    def transcript_names(self) -> tuple[str, ...]:
        """File names its transcript may have: that of its sessionFile, and the usual one of its session."""
        named = (self.session_file or "").strip().replace("\\", "/").rpartition("/")[2]
        usual = f"{self.session_id}.jsonl" if self.session_id else ""
        return tuple(name for name in dict.fromkeys((named, usual)) if name)

    @property
    def last_sign(self) -> int | None:
        """Newest of updatedAt, startedAt, endedAt; the transcript's mtime is not known here."""
        return latest(latest(self.updated_at, self.started_at), self.ended_at)

    @property
    def glance(self) -> Glance:
        return Glance(self.kind, self.status, self.pinned, self.updated_at)


class Glance(NamedTuple):
    """What can be said of a row for which no entry is made. `updated_at` is epoch ms."""

    kind: Kind
    status: Status
    pinned: bool
    updated_at: int | None
