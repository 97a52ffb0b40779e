"""Which clock ages are told by: the machine's, or one that was fixed."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ClockSource(StrEnum):
    """What gave the time, in the words an operator knows."""

    MACHINE = "machine"
    OPTION = "--now"
    ENVIRONMENT = "GATEWAYDOCTOR_NOW"


class Clock(Struct, frozen=True):
    """`now` is what ages are told by, `machine` the machine's own clock at the start; both epoch ms."""

    now: int
    machine: int
    source: ClockSource = ClockSource.MACHINE

    @property
    def fixed(self) -> bool:
        return self.source is not ClockSource.MACHINE
