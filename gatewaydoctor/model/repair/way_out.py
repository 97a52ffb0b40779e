"""What ends a run that was interrupted, and how that is told. Every command loads it: so it is apart from plans and
receipts."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.command import Command


class WayOut(StrEnum):
    """What ends a run that was interrupted, as its files are now. `wait`: a process is at work on it. `resume`: to
    finish it, or to undo it. `undo` alone: its plan no longer fits. `merge` alone: something was written since. `by
    hand`: the refusal of an undo tells what to do."""

    WAIT = "wait"
    RESUME = "resume"
    UNDO = "undo"
    MERGE = "merge"
    BY_HAND = "by hand"


class Steps(Struct, frozen=True):
    """`verbs` are the commands, the best first: the words before and after the run id. `sentence` has a place for
    each of them, `why` is the reason that is told next to the first one."""

    verbs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    sentence: str
    why: str

    def told(self, commands: Iterable[Command]) -> str:
        return self.sentence.format(*(f"`{each}`" for each in commands))


def steps_of(way: WayOut) -> Steps:
    undo = (("undo",), ())
    match way:
        case WayOut.WAIT:
            verbs = ((("runs", "show"), ()),)
            return Steps(verbs, "Wait until it has finished.", "a repair is at work; wait until it has finished")
        case WayOut.RESUME:
            why = "a repair was interrupted; finish it, or undo it"
            return Steps(((("repair", "--resume"), ()), undo), "{} finishes it, {} undoes it.", why)
        case WayOut.UNDO:
            why = "a repair was interrupted, and can only be undone"
            return Steps((undo,), "It can only be undone: {}.", why)
        case WayOut.MERGE:
            why = "a repair was interrupted, and files changed since; end it and restore what is missing"
            sentence = "Files changed since: {} ends it and restores what is missing."
            return Steps(((("undo",), ("--merge",)),), sentence, why)
        case WayOut.BY_HAND:
            why = "a repair was interrupted; undo shows what to do by hand"
            return Steps((undo,), "{} shows what to do by hand.", why)
    assert_never(way)
