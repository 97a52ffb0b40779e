"""What an undo would do with each file of a run, and what ends one that was interrupted. Nothing is written."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct

from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, RunState
from gatewaydoctor.model.repair.way_out import WayOut
from gatewaydoctor.repair.run.acts import ActState, between, log_appeared, performed, standing
from gatewaydoctor.repair.run.context import load_run
from gatewaydoctor.repair.run.discard_run import needed
from gatewaydoctor.repair.vault.codec import read_plan
from gatewaydoctor.repair.writing.errors import BadPlan, OutOfBounds, Refused, VaultDamaged
from gatewaydoctor.repair.writing.guard import check_inside, check_unchanged, is_same, lstat_or_none, target_of

if TYPE_CHECKING:
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.writing.tools import Tools


class UndoAction(StrEnum):
    """What undo does with one file. `changed`: it was written since, so it is not changed. `damaged`: the vault
    does not hold it as it was. For either undo refuses."""

    RESTORE = "restore"
    REMOVE = "remove"
    NOTHING = "nothing"
    CHANGED = "changed"
    DAMAGED = "damaged"

    @property
    def refused(self) -> bool:
        return self in (UndoAction.CHANGED, UndoAction.DAMAGED)


class UndoStep(Struct, frozen=True):
    """What undo does with one file. `bytes` are those that come back."""

    target: str
    action: UndoAction
    bytes: int


def returns_of(context: RunContext, run: RunInfo) -> tuple[UndoStep, ...]:
    """What an undo would do with the target of each act, in the order of the plan. Raises OSError."""
    whole = run.state in (RunState.DONE, RunState.UNDOING)
    return tuple(
        _return(context, number, done=whole or performed(context, number) or between(context, number))
        for number in range(len(context.plan.acts))
    )


def _return(context: RunContext, number: int, *, done: bool) -> UndoStep:
    kept, target = context.manifest.items[number], target_of(context.plan.acts[number], context.plan)
    state = standing(context, number)[0] if done else ActState.BEFORE
    match state:
        case ActState.BEFORE:
            return UndoStep(target, UndoAction.NOTHING, 0)
        case ActState.CHANGED:
            return UndoStep(target, UndoAction.CHANGED, 0)
        case ActState.AFTER:
            return UndoStep(target, UndoAction.RESTORE, kept.size) if kept else UndoStep(target, UndoAction.REMOVE, 0)
    assert_never(state)


def way_out(run: RunInfo, tools: Tools) -> WayOut:
    """What ends this run. A start of the gateway since, or whatever wrote to its files, decides it."""
    if run.worker is not None:
        return WayOut.WAIT
    if run.problem is not None:
        return WayOut.BY_HAND
    try:
        return _not_begun(run, tools) if run.state in BEFORE_ACTING else _begun(run, tools)
    except (Refused, OSError):
        return WayOut.BY_HAND


def _not_begun(run: RunInfo, tools: Tools) -> WayOut:
    place, fs = run.place, tools.fs
    try:
        plan = read_plan(fs, place.plan)
        check_inside(fs, place.state_dir, (target_of(act, plan) for act in plan.acts))
    except (BadPlan, OutOfBounds):
        return WayOut.UNDO
    if needed(tools, place, plan) is not None and lstat_or_none(fs, place.manifest) is not None:
        return WayOut.MERGE
    try:
        check_unchanged(fs, plan)
    except Refused:
        return WayOut.UNDO
    return WayOut.RESUME


def _begun(run: RunInfo, tools: Tools) -> WayOut:
    try:
        context = load_run(tools, run.place)
    except VaultDamaged:
        load_run(tools, run.place, as_it_stands=True)
        return WayOut.MERGE
    if any(each.action is UndoAction.CHANGED for each in returns_of(context, run)):
        return WayOut.MERGE
    if run.state in (RunState.PUTTING_BACK, RunState.UNDOING):
        return WayOut.RESUME
    left = (number for number in range(len(context.plan.acts)) if not performed(context, number))
    return WayOut.RESUME if all(_can_be_done(context, number) for number in left) else WayOut.UNDO


def _can_be_done(context: RunContext, number: int) -> bool:
    """Whether what an act is to change is still as the run found it."""
    kept, stat = context.manifest.items[number], lstat_or_none(context.tools.fs, context.target(number))
    found = is_same(stat, kept) if kept is not None and stat is not None else stat is None and kept is None
    return (found or between(context, number)) and not log_appeared(context, number)
