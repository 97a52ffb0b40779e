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
from gatewaydoctor.repair.run.context import load_work
from gatewaydoctor.repair.run.directory_times import give_back, unchanged
from gatewaydoctor.repair.run.discard_run import drop
from gatewaydoctor.repair.run.originals import can_rename_back, tidy, whole_copy
from gatewaydoctor.repair.run.putback import drop_locks, halfway, put_back, said, stopped_halfway, take_back
from gatewaydoctor.repair.run.returns import UndoAction, UndoStep, returns_of
from gatewaydoctor.repair.run.watch import Watch
from gatewaydoctor.repair.vault.catalog import RunInfo, check_idle, check_readable, own_mark
from gatewaydoctor.repair.vault.codec import read_plan, with_id
from gatewaydoctor.repair.vault.directory import note
from gatewaydoctor.repair.vault.journal import or_no_room
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

    from gatewaydoctor.repair.run.context import Work
    from gatewaydoctor.repair.writing.tools import Permission, Tools


def preview(tools: Tools, run: RunInfo) -> tuple[UndoStep, ...]:
    """What undo would do now; nothing is written. A run that changed nothing yet has nothing to return."""
    check_readable(run)
    if run.state in BEFORE_ACTING or run.state.over:
        return ()
    work = load_work(tools, run.place)
    return tuple(
        replace(each, action=UndoAction.DAMAGED) if _lost(work, number, each) else each
        for number, each in enumerate(returns_of(work, run))
    )


def _lost(work: Work, number: int, each: UndoStep) -> bool:
    kept = work.manifest.items[number]
    return each.action is UndoAction.RESTORE and kept is not None and whole_copy(work, number, kept) is None


def undo(run: RunInfo, tools: Tools, permission: Permission) -> tuple[UndoStep, ...]:
    """Take a run back, finished or interrupted, byte for byte; what was done is returned. Raises Refused with nothing
    changed, where a target changed since among others, and LeftHalfway where it broke off: undo can then be
    repeated."""
    check_undo(run, permission)
    if run.state in BEFORE_ACTING:
        drop(run, tools)
        return ()
    work = replace(load_work(tools, run.place), stopped_by_word=permission.stopped_by_word)
    returns = returns_of(work, run)
    _check_returns(work, returns)
    check_unused(tools.processes, _databases(work))
    watch = Watch(permission, tools.clock)
    if run.state not in (RunState.DONE, RunState.UNDOING):
        _or_halfway(work, partial(put_back, watch=watch))
        return returns
    _check_space(work, returns)
    check_locks(tools, work.plan, stopped_by_word=permission.stopped_by_word)
    watch.check()
    _or_halfway(work, partial(_go_back, watch=watch))
    return returns


def _databases(work: Work) -> dict[tuple[int, int], str]:
    """The databases that are where this run has something to do."""
    targets = (work.target(number) for number, act in enumerate(work.plan.acts) if isinstance(act, Transact))
    found = ((lstat_or_none(work.tools.fs, path), path) for path in targets)
    return {(stat.dev, stat.ino): path.name for stat, path in found if stat is not None}


def check_undo(run: RunInfo, permission: Permission) -> None:
    """There is something to undo, and no gateway that keeps it from being undone. Raises Refused."""
    check_idle(run)
    if run.state.over:
        raise over(run)
    check_gateway(permission.gateway, stopped_by_word=permission.stopped_by_word)


def over(run: RunInfo) -> NoSuchRun:
    """Why there is nothing left to undo."""
    hint = "See `gatewaydoctor runs list`."
    if run.state is RunState.PRUNED:
        return NoSuchRun(f"The originals of run {run.run_id} were deleted by `runs prune`.", hint)
    return NoSuchRun(f"The run {run.run_id} is already undone.", hint)


def _check_returns(work: Work, returns: tuple[UndoStep, ...]) -> None:
    """Everything can come back. Raises InputChanged, NotWritable and VaultDamaged."""
    _check_changed(work, returns)
    place, fs = work.place, work.tools.fs
    back = [
        (number, each)
        for number, each in enumerate(returns)
        if each.action in (UndoAction.RESTORE, UndoAction.REMOVE)
    ]
    parents = sorted({work.target(number).parent for number, _ in back})
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
        if lstat_or_none(fs, work.target(number)) is not None:
            require_loose(fs, work.target(number))
        # Hashed before anything moves: bytes found wrong on the way would leave the directory between two states.
        if _lost(work, number, each):
            raise VaultDamaged(
                f"The vault's copy of {each.target} has changed; nothing was restored.",
                f"For details: `{place.command('runs', 'verify')}`. To restore what is intact: "
                f"`{place.command('undo', options=('--merge',))}`.",
            )


def _check_changed(work: Work, returns: tuple[UndoStep, ...]) -> None:
    found = [each.target for each in returns if each.action is UndoAction.CHANGED]
    changed = [target for target in found if database_of(target) not in found]
    if changed:
        raise InputChanged(
            f"{changed[0]} {_how(work, changed[0])} since run {work.place.run_id}"
            + (f", and {len(changed) - 1:,} more files." if len(changed) > 1 else "."),
            "Undo later runs first, or keep the current files and restore only what is missing: "
            f"`{work.place.command('undo', options=('--merge',))}`.",
        )


def _how(work: Work, target: str) -> str:
    return "is gone" if lstat_or_none(work.tools.fs, work.place.at(target)) is None else "has changed"


def _check_space(work: Work, returns: tuple[UndoStep, ...]) -> None:
    # What the vault holds on the same filesystem is renamed back where there is no room for a copy.
    needs = [
        (work.target(number).parent, kept.size - _given(work, number))
        for number, (each, kept) in enumerate(zip(returns, work.manifest.items, strict=True))
        if each.action is UndoAction.RESTORE and kept and not kept.moved and not can_rename_back(work, number, kept)
    ]
    again = f"then again: `{work.place.command('undo')}`. Nothing was changed."
    # Where there was no room for both, there need not be any besides.
    cramped = any(each.aside for each in work.staged.values())
    check_space(work.tools.fs, needs, f"Make that much room there, {again}", margin=0 if cramped else MARGIN_BYTES)
    copied = [number for number, kept in enumerate(work.manifest.items) if kept and not kept.moved]
    makes = Counter(work.target(number).parent for number in copied if returns[number].action is UndoAction.RESTORE)
    for directory, files in makes.items():
        free = work.tools.fs.space(directory).inodes
        if free is not None and free <= files:
            raise NoSpace(f"{directory} has room for only {free:,} more files.", f"Delete some, {again}")


_BLOCK = 4096
"""Bytes in which a disk gives room."""


def _given(work: Work, number: int) -> int:
    """Bytes that need no more room: of the new file, and of what a crash left next to the target."""
    staged, target = work.staged.get(number), work.target(number)
    beside = (work.place.half_file(target, number), work.place.old_file(target, number))
    left = sum(
        -(-stat.size // _BLOCK) * _BLOCK
        for path in beside
        if (stat := lstat_or_none(work.tools.fs, path)) is not None
    )
    return left + (staged.size if staged is not None and staged.aside else 0)


def _go_back(work: Work, watch: Watch) -> None:
    """Revert a finished run, last act first, and say so in its journal. Can be repeated after a crash. Raises Refused
    where a gateway has appeared."""
    times = unchanged(work)
    with or_no_room():
        note(work.tools, work.place, WORKING)
        work.journal.say(RunState.UNDOING, restore=times, **own_mark(work.tools))
    drop_locks(work)
    numbers = range(len(work.plan.acts))
    for number in reversed(numbers):
        work.tools.check_stop()
        watch.check(often=True)
        take_back(work, number)
    sync(work, numbers, going_back=True)
    for number in numbers:
        tidy(work, number)
    sync(work, numbers, going_back=True)
    give_back(work.tools, work.place.state_dir, times)
    work.journal.say(RunState.UNDONE)
    note(work.tools, work.place, SETTLED)


def _or_halfway(work: Work, going: Callable[[Work], None]) -> None:
    try:
        going(work)
    except (OSError, Refused, MemoryError) as error:
        message = f"Run {work.place.run_id} was undone only in part: {said(error)}"
        raise halfway(work, message, error) from error
    except KeyboardInterrupt:
        raise stopped_halfway(work) from None


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
            work = replace(load_work(tools, run.place), stopped_by_word=permission.stopped_by_word)
            _check_changed(work, returns_of(work, run))
            check_unused(tools.processes, _databases(work))
            drop_locks(work)
            return carry_out(work, permission)


def check_resume(run: RunInfo, permission: Permission) -> None:
    """The run is interrupted, and a gateway does not keep it from being finished. Raises Refused."""
    check_idle(run)
    if run.state.over:
        raise over(run)
    if run.state.settled:
        raise NoSuchRun(f"The run {run.run_id} is finished.", "See `gatewaydoctor runs list`.")
    check_gateway(permission.gateway, stopped_by_word=permission.stopped_by_word)


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
