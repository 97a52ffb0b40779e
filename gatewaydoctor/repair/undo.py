"""Going back, and going on after a crash."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from gatewaydoctor.model.plan import Plan
from gatewaydoctor.model.receipt import Manifest, Receipt, RunState
from gatewaydoctor.repair.acts import Standing, Work, can_rename_back, held, standing, sync, tidy
from gatewaydoctor.repair.apply import apply, carry_out
from gatewaydoctor.repair.codec import read_part, read_plan
from gatewaydoctor.repair.errors import BadPlan, InputChanged, LeftHalfway, NoSuchRun, Refused, VaultDamaged
from gatewaydoctor.repair.guard import check_gateway, check_space, lstat_or_none, target_of
from gatewaydoctor.repair.loading import load_work
from gatewaydoctor.repair.places import SETTLED, WORKING
from gatewaydoctor.repair.putback import abandon, drop_locks, put_back, take_back
from gatewaydoctor.repair.rundir import note, refusal, remove_run
from gatewaydoctor.repair.runs import RunInfo, check_idle, own_mark
from gatewaydoctor.repair.storelock import check_locks
from gatewaydoctor.repair.stream import content_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.repair.tools import Permission, Tools


class Way(StrEnum):
    """What undo does with one file. `changed`: somebody wrote there since, so it is left alone."""

    RESTORE = "restore"
    REMOVE = "remove"
    NOTHING = "nothing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Return:
    """One file on its way back. `bytes` are those that come back."""

    target: str
    way: Way
    bytes: int


def preview(tools: Tools, run: RunInfo) -> tuple[Return, ...]:
    """What undo would do now; nothing is written. A run that changed nothing yet has nothing to return."""
    if run.state in (RunState.PREPARING, RunState.VAULTED, RunState.UNDONE, RunState.PUT_BACK):
        return ()
    work = load_work(tools, run.place)
    return tuple(_return(work, number) for number in range(len(work.plan.acts)))


def _return(work: Work, number: int) -> Return:
    kept, target = work.manifest.items[number], target_of(work.plan.acts[number], work.plan)
    match standing(work, number)[0]:
        case Standing.BEFORE:
            return Return(target, Way.NOTHING, 0)
        case Standing.CHANGED:
            return Return(target, Way.CHANGED, 0)
        case Standing.AFTER:
            return Return(target, Way.RESTORE, kept.size) if kept else Return(target, Way.REMOVE, 0)


def undo(run: RunInfo, tools: Tools, permission: Permission) -> tuple[Return, ...]:
    """Take a run back, finished or interrupted, byte for byte; what was done is returned. Raises Refused with nothing
    changed, where somebody changed a target since among others, and LeftHalfway where it broke off: undo can then be
    repeated."""
    check_idle(run)
    if run.state in (RunState.UNDONE, RunState.PUT_BACK):
        raise NoSuchRun(f"The run {run.run_id} was taken back already.", "gatewaydoctor runs list shows them.")
    check_gateway(permission.gateway, stopped_by_word=permission.stopped_by_word)
    if run.state in (RunState.PREPARING, RunState.VAULTED):
        _drop(run, tools)
        return ()
    work = replace(load_work(tools, run.place), stopped_by_word=permission.stopped_by_word)
    returns = tuple(_return(work, number) for number in range(len(work.plan.acts)))
    if run.state not in (RunState.DONE, RunState.UNDOING):
        _or_halfway(work, _put_back)
        return returns
    _check_returns(work, returns)
    check_locks(tools, work.plan, stopped_by_word=permission.stopped_by_word)
    _or_halfway(work, _go_back)
    return returns


def _drop(run: RunInfo, tools: Tools) -> None:
    """Take away a run that had changed nothing."""
    try:
        if lstat_or_none(tools.fs, run.place.plan) is None:
            remove_run(tools.fs, run.place)
        else:
            abandon(tools, run.place, _plan_or_empty(run, tools))
    except OSError as error:
        raise refusal(error, f"The traces of run {run.run_id} could not be removed") from error


def _plan_or_empty(run: RunInfo, tools: Tools) -> Plan:
    """The plan as far as it was written: a torn one means that nothing was staged yet."""
    try:
        return read_plan(tools.fs, run.place.plan)
    except BadPlan:
        return Plan(created_at=0, state_dir=str(run.place.state_dir), repairs=())


def _check_returns(work: Work, returns: tuple[Return, ...]) -> None:
    changed = [each.target for each in returns if each.way is Way.CHANGED]
    if changed:
        raise InputChanged(
            f"{changed[0]} was written to since run {work.place.run_id}"
            + (f", and {len(changed) - 1:,} more files." if len(changed) > 1 else "."),
            "Take later runs back first, or bring back only what is missing: gatewaydoctor undo --merge.",
        )
    _check_vault(work, returns)
    # What the vault holds on the same filesystem is renamed back where there is no room for a copy.
    needs = [
        (work.target(number).parent, kept.size)
        for number, (each, kept) in enumerate(zip(returns, work.manifest.items, strict=True))
        if each.way is Way.RESTORE and kept and not kept.moved and not can_rename_back(work, number, kept)
    ]
    check_space(
        work.tools.fs,
        needs,
        f"Make that much room there, then again: gatewaydoctor undo {work.place.run_id}. Nothing was changed.",
    )


def _check_vault(work: Work, returns: tuple[Return, ...]) -> None:
    for number, (each, kept) in enumerate(zip(returns, work.manifest.items, strict=True)):
        if each.way is Way.RESTORE and kept is not None:
            stored = held(work, number, kept)
            stat = lstat_or_none(work.tools.fs, stored)
            # Hashed before anything moves: bytes found wrong on the way would leave the directory between two states.
            if stat is None or content_of(work.tools.fs, stored).sha256 != kept.sha256:
                raise VaultDamaged(
                    f"The vault no longer holds {kept.path} as it was; nothing was changed.",
                    f"gatewaydoctor runs verify {work.place.run_id} tells more.",
                )


def _put_back(work: Work) -> None:
    put_back(work)


def _go_back(work: Work) -> None:
    """Revert a finished run, last act first, and say so in its journal. Can be repeated after a crash."""
    with _room_or_not():
        note(work.tools, work.place, WORKING)
        work.journal.say(RunState.UNDOING, **own_mark(work.tools))
    drop_locks(work)
    numbers = range(len(work.plan.acts))
    for number in reversed(numbers):
        take_back(work, number)
    sync(work, numbers)
    for number in numbers:
        tidy(work, number)
    work.journal.say(RunState.UNDONE)
    note(work.tools, work.place, SETTLED)


@contextmanager
def _room_or_not() -> Iterator[None]:
    """A full disk must not keep the originals from coming back; how things stand can be seen without the journal."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _or_halfway(work: Work, going: object) -> None:
    assert callable(going)
    try:
        going(work)
    except (OSError, Refused) as error:
        said = error.message if isinstance(error, Refused) else f"{error.strerror or type(error).__name__}."
        raise LeftHalfway(
            f"The run {work.place.run_id} could not be taken back whole: {said}",
            f"gatewaydoctor undo {work.place.run_id} goes on once the cause is gone.",
            work.place.run_id,
        ) from error


def resume(run: RunInfo, tools: Tools, permission: Permission) -> Receipt | None:
    """Finish an interrupted run in the direction it was going. None where that direction was back. Raises like
    `apply`."""
    check_idle(run)
    if run.state.settled:
        raise NoSuchRun(f"The run {run.run_id} is finished.", "gatewaydoctor runs list shows them.")
    check_gateway(permission.gateway, stopped_by_word=permission.stopped_by_word)
    match run.state:
        case RunState.PREPARING | RunState.VAULTED:
            return _start_over(run, tools, permission)
        case RunState.PUTTING_BACK | RunState.UNDOING:
            undo(run, tools, permission)
            return None
        case _:
            work = load_work(tools, run.place)
            drop_locks(work)
            return carry_out(work, permission)


def _start_over(run: RunInfo, tools: Tools, permission: Permission) -> Receipt | None:
    try:
        plan = read_plan(tools.fs, run.place.plan)
    except BadPlan:
        raise BadPlan(
            f"The run {run.run_id} was interrupted before its plan was kept; nothing was changed.",
            f"Remove it with gatewaydoctor undo {run.run_id} and start again.",
        ) from None
    vault: Path = run.place.directory.parent.parent
    _drop(run, tools)
    return apply(plan, tools, permission, vault)


def manifest_of(run: RunInfo, tools: Tools) -> Manifest:
    """What the vault holds for the run. Raises VaultDamaged."""
    return read_part(tools.fs, run.place.manifest, Manifest)
