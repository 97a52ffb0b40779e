"""Findings: what is wrong, the evidence, what the next start does with it, and the command that repairs it."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from gatewaydoctor.model.command import Command, typed

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(IntEnum):
    """Ordered, worst highest, so that `max` and `>=` mean what they say."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def word(self) -> SeverityWord:
        return _WORDS[self]


SeverityWord = Literal["critical", "error", "warning", "info"]
_WORDS: Mapping[Severity, SeverityWord] = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.CRITICAL: "critical",
}


class Harm(Enum):
    """What of the directory is not intact, in words for one and for many: conversations before machines, the gravest
    first."""

    NO_TRANSCRIPT = "conversation without a transcript", "conversations without a transcript"
    TRANSCRIPT_ELSEWHERE = (
        "conversation whose transcript is elsewhere",
        "conversations whose transcripts are elsewhere",
    )
    FOREIGN_PATH = "session with a path of another host", "sessions with paths of another host"
    UNUSABLE_VALUE = (
        "conversation with a value that the gateway cannot use",
        "conversations with values that the gateway cannot use",
    )
    HIDDEN = "session hidden by another", "sessions hidden by others"
    DAMAGED_ROW = "session row that is damaged", "session rows that are damaged"
    ORPHAN_ROW = "row that refers to a missing one", "rows that refer to missing ones"
    NO_HEADER = "transcript without a header", "transcripts without a header"
    CUT = "transcript cut in its last line", "transcripts cut in the last line"
    ARCHIVED_ALONE = "human turn only in an archive", "human turns only in archives"
    JOB_NOT_IMPORTED = "cron job not in the database", "cron jobs not in the database"
    JOB_ELSEWHERE = "cron job that would not run", "cron jobs that would not run"
    JOB_LOST = "cron job known to backups only", "cron jobs known to backups only"
    JOB_UNUSABLE = "cron job that cannot run", "cron jobs that cannot run"

    @property
    def one(self) -> str:
        return self.value[0]

    @property
    def many(self) -> str:
        return self.value[1]


class Fix(Struct, frozen=True):
    """The repairs that repair it, in their order; `safe` means it drops no conversation and can be undone."""

    repairs: tuple[str, ...]
    safe: bool

    @property
    def command(self) -> Command:
        return typed("repair", *self.repairs)


class Finding(Struct, frozen=True):
    """`count` is how many things the finding covers; `evidence` holds JSON-able values only, capped lists, exact
    numbers. `consequence` is what the next start of the gateway will do. `brief` says what was found in a few words,
    for a line among others: no full stop, no name and no id from a file; empty where the first clause of `message`
    does. `harms` counts what is not intact because of it. `by_hand` is the remedy in words while no repair exists for
    it, `by_command` the command that does what it says. `access` is what to type first without permission."""

    rule: str
    severity: Severity
    title: str
    message: str
    consequence: str
    agent_id: str | None = None
    path: str | None = None
    key: str | None = None
    count: int = 1
    evidence: Mapping[str, object] = field(default_factory=dict)
    fix: Fix | None = None
    by_hand: str | None = None
    by_command: Command | None = None
    access: Command | None = None
    brief: str = ""
    harms: Mapping[Harm, int] = field(default_factory=dict)
