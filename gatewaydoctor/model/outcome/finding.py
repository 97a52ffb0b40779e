"""Findings: what is wrong, the evidence, what the next start does with it, and the command that repairs it."""

from __future__ import annotations

from enum import IntEnum
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


class Fix(Struct, frozen=True):
    """The repairs that repair it, in their order; `safe` means it drops no conversation and can be undone."""

    repairs: tuple[str, ...]
    safe: bool

    @property
    def command(self) -> Command:
        return typed("repair", *self.repairs)


class Finding(Struct, frozen=True):
    """`count` is how many things the finding covers; `evidence` holds JSON-able values only, capped lists, exact
    numbers. `consequence` is what the next start of the gateway will do. `by_hand` is the remedy in words while
    no repair exists for it, `by_command` the command that does what it says. `access` is what to type first where
    permission is missing."""

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
