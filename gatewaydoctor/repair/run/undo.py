"""Going back, and going on after a crash."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, Receipt, RunState
from gatewaydoctor.repair.run.acts import sync
from gatewaydoctor.repair.run.apply import apply, carry_out
from gatewaydoctor.repair.run.context import changed_by, later_run, load_run
from gatewaydoctor.repair.run.directory_times import give_back, unchanged
from gatewaydoctor.repair.run.discard_run import drop
from gatewaydoctor.repair.run.originals import can_rename_back, remove_leftovers, whole_copy
from gatewaydoctor.repair.run.putback import drop_locks, halfway, put_back, said, stopped_halfway, take_back
from gatewaydoctor.repair.run.returns import UndoAction, UndoStep, returns_of
from gatewaydoctor.repair.run.watch import Watch
from gatewaydoctor.repair.vault.catalog import RunInfo, check_idle, check_readable, own_mark
from gatewaydoctor.repair.vault.codec import read_plan, with_id
from gatewaydoctor.repair.vault.directory import note
from gatewaydoctor.repair.vault.journal import ignoring_full_disk
from gatewaydoctor.repair.vault.layout import SETTLED, WORKING
from gatewaydoctor.repair.writing.errors import (
    BadPlan,
    InputChanged,
    NoSpace,
    NoSuchRun,
    Refused,
    VaultDamaged,
)
from gatewaydoctor.repair.writing.guard import (
    MARGIN_BYTES,
    check_gateway,
    check_space,
    check_unused,
    database_of,
    lstat_or_none,
    require_loose,
    require_writable,
)
from gatewaydoctor.repair.writing.storelock import check_locks

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.writing.tools import Permission, Tools


def preview(tools: Tools, run: RunInfo) -> tuple[UndoStep, ...]:
    """What undo would do now; nothing is written. A run that changed nothing yet has nothing to return."""
    check_readable(run)
    if run.state in BEFORE_ACTING or run.state.over:
        return ()
    context = load_run(tools, run.place)
    return tuple(
        replace(each, action=UndoAction.DAMAGED) if _lost(context, number, each) else each
        for number, each in enumerate(returns_of(context, run))
    )


def _lost(context: RunContext, number: int, each: UndoStep) -> bool:
    kept = context.manifest.items[number]
    return each.action is UndoAction.RESTORE and kept is not None and whole_copy(context, number, kept) is None


def undo(run: RunInfo, tools: Tools, permission: Permission) -> tuple[UndoStep, ...]:
    """Take a run back, finished or interrupted, byte for byte; what was done is returned. Raises Refused with nothing
    changed, where a target changed since among others, and LeftHalfway where it broke off: undo can then be
    repeated."""
    check_undo(run, permission)
    if run.state in BEFORE_ACTING:
        drop(run, tools)
        return ()
    context = replace(load_run(tools, run.place), operator_says_stopped=permission.operator_says_stopped)
    returns = returns_of(context, run)
    _check_returns(context, returns)
    check_unused(tools.processes, _databases(context))
    watch = Watch(permission, tools.clock)
    if run.state not in (RunState.DONE, RunState.UNDOING):
        _or_halfway(context, partial(put_back, watch=watch))
        return returns
    _check_space(context, returns)
    check_locks(tools, context.plan, operator_says_stopped=permission.operator_says_stopped)
    watch.check()
    _or_halfway(context, partial(_go_back, watch=watch))
    return returns


def _databases(context: RunContext) -> dict[tuple[int, int], str]:
    """The databases that are where this run has something to do."""
    targets = (context.target(number) for number, act in enumerate(context.plan.acts) if isinstance(act, Transact))
    found = ((lstat_or_none(context.tools.fs, path), path) for path in targets)
    return {(stat.dev, stat.ino): path.name for stat, path in found if stat is not None}


def check_undo(run: RunInfo, permission: Permission) -> None:
    """There is something to undo, and no gateway that keeps it from being undone. Raises Refused."""
    check_idle(run)
    if run.state.over:
        raise over(run)
    check_gateway(permission.gateway, operator_says_stopped=permission.operator_says_stopped)


def over(run: RunInfo) -> NoSuchRun:
    """Why there is nothing left to undo."""
    hint = "See `gatewaydoctor runs list`."
    if run.state is RunState.PRUNED:
        return NoSuchRun(f"The originals of run {run.run_id} were deleted by `runs prune`.", hint)
    return NoSuchRun(f"The run {run.run_id} is already undone.", hint)


def _check_returns(context: RunContext, returns: tuple[UndoStep, ...]) -> None:
    """Everything can come back. Raises InputChanged, NotWritable and VaultDamaged."""
    _check_changed(context, returns)
    place, fs = context.place, context.tools.fs
    back = [
        (number, each)
        for number, each in enumerate(returns)
        if each.action in (UndoAction.RESTORE, UndoAction.REMOVE)
    ]
    parents = sorted({context.target(number).parent for number, _ in back})
    for parent in parents:
        stat = lstat_or_none(fs, parent)
        if stat is None or not stat.is_dir:
            raise InputChanged(
                f"The directory {parent} is missing.", f"Create it, then run `{place.command('undo')}`."
            )
    for directory in (place.directory, place.files, *parents):
        if lstat_or_none(fs, directory) is not None:
            require_writable(fs, directory, "Run as its owner, or as root.")
    for number, each in back:
        if lstat_or_none(fs, context.target(number)) is not None:
            require_loose(fs, context.target(number))
        # Hashed before anything moves: bytes found wrong on the way would leave the directory between two states.
        if _lost(context, number, each):
            raise VaultDamaged(
                f"The vault's copy of {each.target} has changed; nothing was restored.",
                f"For details: `{place.command('runs', 'verify')}`. To restore what is intact: "
                f"`{place.command('undo', options=('--merge',))}`.",
            )


def _check_changed(context: RunContext, returns: tuple[UndoStep, ...]) -> None:
    found = [each.target for each in returns if each.action is UndoAction.CHANGED]
    changed = [target for target in found if database_of(target) not in found]
    if changed:
        if later := later_run(context, context.place.at(changed[0])):
            raise changed_by(changed[0], later)
        raise InputChanged(
            f"{changed[0]} {_how(context, changed[0])} since run {context.place.run_id}"
            + (f", and {len(changed) - 1:,} more files." if len(changed) > 1 else "."),
            "To keep the current files and restore only what is missing: "
            f"`{context.place.command('undo', options=('--merge',))}`.",
        )


def _how(context: RunContext, target: str) -> str:
    return "is gone" if lstat_or_none(context.tools.fs, context.place.at(target)) is None else "has changed"


def _check_space(context: RunContext, returns: tuple[UndoStep, ...]) -> None:
    # What the vault holds on the same filesystem is renamed back where there is no room for a copy.
    needs = [
        (context.target(number).parent, kept.size - _given(context, number))
        for number, (each, kept) in enumerate(zip(returns, context.manifest.items, strict=True))
        if each.action is UndoAction.RESTORE
        and kept
        and not kept.moved
        and not can_rename_back(context, number, kept)
    ]
    again = f"then again: `{context.place.command('undo')}`. Nothing was changed."
    # Where there was no room for both, there need not be any besides.
    cramped = any(each.aside for each in context.staged.values())
    check_space(context.tools.fs, needs, f"Make that much room there, {again}", margin=0 if cramped else MARGIN_BYTES)
    copied = [number for number, kept in enumerate(context.manifest.items) if kept and not kept.moved]
    makes = Counter(
        context.target(number).parent for number in copied if returns[number].action is UndoAction.RESTORE
    )
    for directory, files in makes.items():
        free = context.tools.fs.space(directory).inodes
        if free is not None and free <= files:
            raise NoSpace(f"{directory} has room for only {free:,} more files.", f"Delete some, {again}")


_BLOCK = 4096
"""Bytes in which a disk gives room."""


def _given(context: RunContext, number: int) -> int:
    """Bytes that need no more room: of the new file, and of what a crash left next to the target."""
    staged, target = context.staged.get(number), context.target(number)
    beside = (context.place.half_file(target, number), context.place.old_file(target, number))
    left = sum(
        -(-stat.size // _BLOCK) * _BLOCK
        for path in beside
        if (stat := lstat_or_none(context.tools.fs, path)) is not None
    )
    return left + (staged.size if staged is not None and staged.aside else 0)


def _go_back(context: RunContext, watch: Watch) -> None:
    """Revert a finished run, last act first, and say so in its journal. Can be repeated after a crash. Raises Refused
    where a gateway has appeared."""
    times = unchanged(context)
    with ignoring_full_disk():
        note(context.tools, context.place, WORKING)
        context.journal.say(RunState.UNDOING, restore=times, **own_mark(context.tools))
    drop_locks(context)
    numbers = range(len(context.plan.acts))
    for number in reversed(numbers):
        context.tools.check_stop()
        watch.check(often=True)
        take_back(context, number)
    sync(context, numbers, going_back=True)
    for number in numbers:
        remove_leftovers(context, number)
    sync(context, numbers, going_back=True)
    give_back(context.tools, context.place.state_dir, times)
    context.journal.say(RunState.UNDONE)
    note(context.tools, context.place, SETTLED)


def _or_halfway(context: RunContext, going: Callable[[RunContext], None]) -> None:
    try:
        going(context)
    except (OSError, Refused, MemoryError) as error:
        message = f"Run {context.place.run_id} was undone only in part: {said(error)}"
        raise halfway(context, message, error) from error
    except KeyboardInterrupt:
        raise stopped_halfway(context) from None


def resume(run: RunInfo, tools: Tools, permission: Permission) -> Receipt | None:
    """Finish an interrupted run in the direction it was going. None where that direction was back. Raises like
    `apply`."""
    check_resume(run, permission)
    match run.state:
        case state if state in BEFORE_ACTING:
            return _start_over(run, tools, permission)
        case RunState.PUTTING_BACK | RunState.UNDOING:
            undo(run, tools, permission)
            return None
        case _:
            context = replace(load_run(tools, run.place), operator_says_stopped=permission.operator_says_stopped)
            _check_changed(context, returns_of(context, run))
            check_unused(tools.processes, _databases(context))
            drop_locks(context)
            return carry_out(context, permission)


def check_resume(run: RunInfo, permission: Permission) -> None:
    """The run is interrupted, and a gateway does not keep it from being finished. Raises Refused."""
    check_idle(run)
    if run.state.over:
        raise over(run)
    if run.state.settled:
        raise NoSuchRun(f"The run {run.run_id} is finished.", "See `gatewaydoctor runs list`.")
    check_gateway(permission.gateway, operator_says_stopped=permission.operator_says_stopped)


def _start_over(run: RunInfo, tools: Tools, permission: Permission) -> Receipt | None:
    try:
        plan = read_plan(tools.fs, run.place.plan)
    except BadPlan:
        raise BadPlan(
            f"Run {run.run_id} was interrupted before its plan was saved; nothing was changed.",
            f"Remove it with `{run.place.command('undo')}`, then start again.",
        ) from None
    drop(run, tools)
    if plan.state_dir != str(run.place.state_dir):
        # The directory was moved, with its vault inside.
        plan = with_id(msgspec.structs.replace(plan, state_dir=str(run.place.state_dir)))
    return apply(plan, tools, permission, run.place.directory.parent.parent, run.place.work)
