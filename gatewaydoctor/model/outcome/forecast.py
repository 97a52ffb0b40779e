"""What happens from the moment a gateway starts, in order."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from gatewaydoctor.model.units import HOUR_MS


class Certainty(StrEnum):
    """`will`: seen with this release under the same conditions. `may`: it depends on what no file tells, or on a
    release that was not seen to do it."""

    WILL = "will"
    MAY = "may"


class EventKind(StrEnum):
    """What sort of event it is: stable words for JSON."""

    REFUSES = "refuses"
    LOADS = "loads"
    VALIDATES = "validates"
    EMPTIES = "empties"
    IMPORTS = "imports"
    EVICTS = "evicts"
    RESUMES = "resumes"
    SETTLES = "settles"
    ANNOUNCES = "announces"
    SWEEPS = "sweeps"
    REAPS = "reaps"
    CLEARS_MARKS = "clears-marks"
    FIRES = "fires"
    CATCHES_UP = "catches-up"
    IDLE = "idle"
    SENDS = "sends"
    GIVES_UP = "gives-up"
    NOTICE = "notice"
    WRITES = "writes"
    BLOCKS = "blocks"
    UNKNOWN = "unknown"


class Cost(Struct, frozen=True):
    """What an event costs: model turns, messages sent, bytes read or written, bytes of heap, ms of time. 0 where it
    costs none, or none that is known."""

    turns: int = 0
    messages: int = 0
    bytes: int = 0
    heap: int = 0
    ms: int = 0


class Event(Struct, frozen=True):
    """`at` is ms after the start, None for later. `what` is a sentence without subject and full stop: `resumes 2
    conversations with a model turn`. `who` are keys, job names or paths, all of them; `how_many` counts them, also
    where they have no names. `source` says what the event follows from."""

    kind: EventKind
    at: int | None
    what: str
    who: tuple[str, ...] = ()
    how_many: int = 1
    cost: Cost = Cost()
    certainty: Certainty = Certainty.WILL
    source: str = ""


class Forecast(Struct, frozen=True):
    """The events of a start of `release` at `now` (epoch ms), in order. `starts` is False where it is refused."""

    release: str | None
    now: int
    events: tuple[Event, ...]
    starts: bool = True

    @property
    def turns(self) -> int:
        """Model turns that will or may be run within the hour, heartbeats left out."""
        return sum(event.cost.turns for event in self._within_the_hour)

    @property
    def messages(self) -> int:
        """Messages that will or may be sent within the hour."""
        return sum(event.cost.messages for event in self._within_the_hour)

    @property
    def _within_the_hour(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.at is None or event.at <= HOUR_MS)
