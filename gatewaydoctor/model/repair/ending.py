"""What ends a run that was interrupted: apart from plans and receipts, which every command would load for it."""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """What ends a run that was interrupted, as its files are now. `wait`: a process is at work on it. `resume`: to
    finish it, or to undo it. `undo` alone: its plan no longer fits. `merge` alone: something was written since. `by
    hand`: the refusal of an undo tells what to do."""

    WAIT = "wait"
    RESUME = "resume"
    UNDO = "undo"
    MERGE = "merge"
    BY_HAND = "by hand"
