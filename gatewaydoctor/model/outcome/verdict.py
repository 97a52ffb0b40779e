"""The verdict: will this gateway start, what is at stake, why, and what to type (docs/architecture.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.command import Command  # noqa: TC001 - msgspec needs it to read a step

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.finding import Finding


class Start(StrEnum):
    """`no`: this release was seen to refuse or to die on what was found. `at-risk`: it starts and loses data without
    a word, or an estimate says that it exits or loops. `unknown`: something that decides was not read. `yes`: every
    source was read and none speaks against it."""

    YES = "yes"
    NO = "no"
    AT_RISK = "at-risk"
    UNKNOWN = "unknown"


class Effect(StrEnum):
    """What a start makes of one finding, worst first: losing silently outranks refusing, and a known failure an
    estimated one."""

    LOSES = "loses"
    FAILS = "fails"
    RISKS = "risks"
    UNREAD = "unread"

    @property
    def start(self) -> Start:
        return _STARTS[self]

    @property
    def stops_gate(self) -> bool:
        """Whether a start with this ahead is to be held back."""
        return self in (Effect.LOSES, Effect.FAILS)


_STARTS = {
    Effect.LOSES: Start.AT_RISK,
    Effect.FAILS: Start.NO,
    Effect.RISKS: Start.AT_RISK,
    Effect.UNREAD: Start.UNKNOWN,
}


class NextStep(Struct, frozen=True):
    """What to do next. `command` goes without the options that say where to look; it is None where the step is
    none; `why` is half a sentence."""

    command: Command | None
    why: str


class StartEffect(Struct, frozen=True):
    """What a start makes of a finding. `reason` says it in a whole sentence, `cause` what was found, with the place
    and without a full stop. `at_stake` is a sentence where counting what was read would not tell it. `step` is what
    to do about it, where no finding tells."""

    effect: Effect
    reason: str
    cause: str
    at_stake: str = ""
    step: NextStep | None = None


class Stake(Struct, frozen=True):
    """What the directory holds, as far as it was read: `conversations` in its stores, enabled cron `jobs`, and
    `deliveries` that wait in its queues. `complete` is False where more may be there. `text` is for people, in whole
    sentences. `without_transcript` are conversations that have a row and no history."""

    conversations: int
    jobs: int
    deliveries: int
    complete: bool
    text: str
    without_transcript: int = 0


class StartVerdict(Struct, frozen=True):
    """`effect` is None exactly where `start` is yes. `reason` is one or two whole sentences, `cause` one without a
    full stop: what decided, else the worst finding that stops no start, empty where there is none. `rules`
    are those of the findings that decided. `release` is the one that will start, as far as is known, and
    `release_source` what tells it. `losses` are all that is silently lost if it comes up, with the findings of it.
    `step` is that of what decided."""

    start: Start
    reason: str
    cause: str
    stake: Stake
    release: str | None
    release_source: str
    effect: Effect | None = None
    rules: tuple[str, ...] = ()
    losses: tuple[tuple[Finding, StartEffect], ...] = ()
    step: NextStep | None = None
