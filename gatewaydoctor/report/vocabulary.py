"""The program's own words: what may be in shared output as it is, because it never comes from a file.

Under `--redact` any other word is replaced: a name that is not known here cannot leak.
"""

from __future__ import annotations

from gatewaydoctor.model.gateway.config import Origin
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.era import DatabaseRole, Era
from gatewaydoctor.model.gateway.files import FileClass, NodeKind, TempFamily
from gatewaydoctor.model.gateway.liveness import Liveness, Witness
from gatewaydoctor.model.gateway.place import ConfigSource, Skipped, StateDirSource, StoreOrigin
from gatewaydoctor.model.gateway.release import Policy
from gatewaydoctor.model.gateway.store import JsonFaultKind, Layout, Readable
from gatewaydoctor.model.gateway.subagents import RegistryRead, SubagentState
from gatewaydoctor.model.gateway.transcript import ContentClass, Exemption, PointerKind, Presence, TranscriptState
from gatewaydoctor.model.outcome.forecast import EventKind
from gatewaydoctor.model.regex import regex

KEY_WORDS = frozenset(
    (
        *("agent", "main", "global", "unknown", "cron", "run", "subagent", "acp", "acp-bridge", "hook", "node"),
        *("heartbeat", "direct", "dm", "group", "channel", "thread", "topic", "explicit", "dashboard"),
        *("telegram", "discord", "slack", "signal", "whatsapp", "matrix", "imessage", "webchat", "irc", "teams"),
    )
)
"""Words of session keys that say what a session is, not whose."""

PATH_WORDS = frozenset(
    (
        *("sessions.json", "jobs.json", "jobs-state.json", "jobs-quarantine.json", "jobs-disabled.json"),
        *("jobs-parked.json", "runs.json", "openclaw.json"),
        *("openclaw.sqlite", "openclaw-quarantine.sqlite", "openclaw-agent.sqlite", ".usage-cost-cache.json"),
        *("agents", "sessions", "cron", "runs", "subagents", "state", "tmp", "logs", "credentials", "identity"),
        *("delivery-queue", "session-delivery-queue", "failed", "memory", "workspace", "cold", "skills-prompts"),
        *("session-sqlite-import-archive", "session-sqlite-migration-runs", ".gatewaydoctor", ".openclaw"),
        *("home", "root", "var", "lib", "opt", "srv", "mnt", "data", "etc", "usr", "run", "Users", "private"),
        *(".", "..", "~", "", "main", "auth-profiles.json", "oauth.json", "device.json", "device-auth.json"),
    )
)
"""Directories and files that have the same name everywhere."""

SUFFIX_WORDS = frozenset(
    (
        *("json", "jsonl", "sqlite", "sqlite-wal", "sqlite-shm", "lock", "tmp", "bak", "deleted", "reset", "zst"),
        *("checkpoint", "trajectory", "trajectory-path", "repair", "migrated", "failure", "md", "txt", "clobbered"),
    )
)

FIELDS_IN_WORDS = frozenset(
    (
        *("reason", "problem", "note", "notes", "schedule", "sentence", "text", "message", "meaning", "cause"),
        *("gateway", "remedy", "title", "summary", "sha256", "release", "version", "lastRunStatus", "field"),
        *("hint", "code", "what", "source", "age", "certainty", "act", "action", "repair", "repairs"),
    )
)
"""Fields of details and evidence that hold sentences, words or figures of the program, at most with a name inside."""

_ENUMS = (
    *(Skipped, StoreOrigin, Origin, Policy, CronRead, Kind, Status, DatabaseRole, Era, FileClass, NodeKind),
    *(TempFamily, Liveness, Witness, ConfigSource, StateDirSource, Exemption, PointerKind, Presence, JsonFaultKind),
    *(EventKind, Layout, Readable, RegistryRead, SubagentState, ContentClass, TranscriptState),
)
_EXTRA = frozenset(
    (
        *("keep", "delete", "session", "isolated", "current", "agentTurn", "systemEvent", "at", "every", "warn"),
        *("enforce", "ok", "error", "skipped", "critical", "warning", "info", "none", "not-read", "yes", "no"),
    )
)
VOCABULARY: frozenset[str] = frozenset(member.value for enum in _ENUMS for member in enum) | _EXTRA

_FIGURE = regex(r"[0-9]{1,5}|[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,3}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.Z+-]*)?")
_FIELD_NAME = regex(r"[a-z][A-Za-z0-9]{0,40}")


def is_own_word(text: str) -> bool:
    """Whether a value is one of the program's words, a short figure, a release or a time."""
    return text in VOCABULARY or _FIGURE.fullmatch(text) is not None


def is_field_name(text: str) -> bool:
    """Whether a name of a field may be shown: it is spelled as the program and the gateway spell theirs."""
    return text in VOCABULARY or _FIELD_NAME.fullmatch(text) is not None
