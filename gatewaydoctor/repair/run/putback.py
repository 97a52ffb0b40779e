"""Undoing what a run has done so far, after a failure or a crash."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run.acts import ActState, between, changed, performed, revert, standing, sync
from gatewaydoctor.repair.run.directory_times import give_back
from gatewaydoctor.repair.run.originals import remove_leftovers
from gatewaydoctor.repair.vault.catalog import own_mark
from gatewaydoctor.repair.vault.directory import note, remove_run
from gatewaydoctor.repair.vault.journal import ignoring_full_disk, read_journal, workers
from gatewaydoctor.repair.vault.layout import SETTLED
from gatewaydoctor.repair.writing.errors import (
    GatewayLive,
    GatewayUnknown,
    InputChanged,
    LeftHalfway,
    PutBack,
    Refused,
    Stopped,
)
from gatewaydoctor.repair.writing.guard import full_disks, target_of
from gatewaydoctor.repair.writing.storelock import drop_leftover

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.run.watch import Watch
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools


def abandon(tools: Tools, place: RunPlace, plan: Plan, times: Mapping[str, int]) -> None:
    """Take away all traces of a run that has changed nothing yet. `times` are the mtimes that its directories had.
    Raises OSError."""
    for number, act in enumerate(plan.acts):
        target = place.at(target_of(act, plan))
        for path in (place.new_file(target, number), place.old_file(target, number), place.half_file(target, number)):
            with suppress(FileNotFoundError):
                tools.fs.unlink(path)
    for directory in {place.at(target_of(act, plan)).parent for act in plan.acts}:
        with suppress(FileNotFoundError):
            tools.fs.fsync_dir(directory)
    remove_run(tools.fs, place)
    give_back(tools, place.state_dir, times)


def put_back(context: RunContext, watch: Watch | None = None) -> None:
    """Undo every act that was performed, last first, then the run's own traces. Can be repeated after a crash.
    Raises Refused where a target changed since, or where `watch` finds a gateway, and OSError. After a
    failure there is no watch: half a run left under a gateway that has just started would be worse."""
    # A full disk must not keep the originals from coming back; how things stand can be seen without the journal.
    with suppress(OSError):
        context.journal.say(RunState.PUTTING_BACK, **own_mark(context.tools))
    drop_locks(context)
    numbers = range(len(context.plan.acts))
    for number in reversed(numbers):
        if performed(context, number) or between(context, number):
            if watch is not None:
                context.tools.check_stop()
                watch.check(often=True)
            take_back(context, number)
    sync(context, numbers, going_back=True)
    for number in numbers:
        remove_leftovers(context, number)
    sync(context, numbers, going_back=True)
    times, state_dir = context.manifest.directories, context.place.state_dir
    give_back(context.tools, state_dir, times)
    with ignoring_full_disk():
        context.journal.say(RunState.PUT_BACK)
        note(context.tools, context.place, SETTLED)
    remove_run(context.tools.fs, context.place)
    give_back(context.tools, state_dir, {path: mtime for path, mtime in times.items() if path == "."})


def take_back(context: RunContext, number: int) -> None:
    """Revert one act, if it is not reverted already."""
    how, seen = standing(context, number)
    match how:
        case ActState.BEFORE:
            return
        case ActState.AFTER:
            revert(context, number, seen)
        case ActState.CHANGED:
            raise changed(context.target(number))


def drop_locks(context: RunContext) -> None:
    """Remove store locks that processes of this run left."""
    pids = workers(read_journal(context.tools.fs, context.place.journal))
    for number in context.staged:
        drop_leftover(context.tools, context.target(number), pids)


def put_back_after(context: RunContext, error: BaseException) -> NoReturn:
    """Put everything back and say why it was necessary."""
    why = said(error) + full_disks(context.tools.fs, (context.place.directory, context.place.state_dir), error)
    untouched = not any(
        performed(context, number) or between(context, number) for number in range(len(context.plan.acts))
    )
    try:
        put_back(context)
    except Exception as second:
        raise halfway(context, f"{why} Rolling back failed too. {said(second)}", second) from error
    except KeyboardInterrupt:
        raise stopped_halfway(context) from None
    if isinstance(error, KeyboardInterrupt):
        raise Stopped("Stopped; all changes were rolled back.", "Run the same command to start again.") from None
    if isinstance(error, (GatewayLive, GatewayUnknown)):
        if untouched:
            raise error
        raise PutBack(f"{why} All changes were rolled back.", "Stop the gateway, then repeat the repair.") from error
    if isinstance(error, (OSError, Refused, MemoryError)):
        raise PutBack(f"{why} All changes were rolled back.", "Fix the cause before you try again.") from error
    raise error


def halfway(context: RunContext, message: str, cause: Exception) -> LeftHalfway:
    """What to say of a run that is neither done nor back, with the command that ends it."""
    place = context.place
    if isinstance(cause, InputChanged):
        hint = f"Keep the current files and restore what is missing: `{place.command('undo', options=('--merge',))}`."
    else:
        hint = f"Fix the cause, then undo it: `{place.command('undo')}`."
    return LeftHalfway(message, hint, place.run_id)


def stopped_halfway(context: RunContext) -> Stopped:
    """What to say where the operator stopped the way back itself."""
    place = context.place
    return Stopped(f"Stopped: run {place.run_id} is only partly undone.", f"To continue: `{place.command('undo')}`.")


def said(error: BaseException) -> str:
    """The error as a sentence."""
    if isinstance(error, Refused):
        return error.message
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}: {error.filename or 'while writing'}."
    return "Out of memory." if isinstance(error, MemoryError) else f"{type(error).__name__}."
