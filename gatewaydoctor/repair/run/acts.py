"""Doing and undoing one act. How things stand is read from the files themselves, so every step can be repeated after
a crash without being told how far the last one came."""

from __future__ import annotations

import stat as stat_module
from contextlib import nullcontext
from enum import Enum, auto
from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.plan import Move, Transact
from gatewaydoctor.repair.run.originals import damaged, discard, is_kept, rebuilt, remove_leftovers
from gatewaydoctor.repair.writing.errors import InputChanged
from gatewaydoctor.repair.writing.guard import (
    DATABASE,
    database_of,
    is_of_database,
    is_same,
    lstat_or_none,
    other_log,
    target_of,
)
from gatewaydoctor.repair.writing.storelock import holding
from gatewaydoctor.repair.writing.stream import FileAttributes, content_of, copy_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.system.fs import FileStat


class ActState(Enum):
    """What is at an act's target: what was there before the run, what the run put there, or something else."""

    BEFORE = auto()
    AFTER = auto()
    CHANGED = auto()


def performed(context: RunContext, number: int) -> bool:
    """Whether a run that is not finished has done this act."""
    fs, target = context.tools.fs, context.target(number)
    kept, staged = context.manifest.items[number], context.staged.get(number)
    if staged is not None and staged.aside:
        stat = lstat_or_none(fs, target)
        return stat is not None and kept is not None and not is_same(stat, kept)
    if staged is not None:
        waiting = lstat_or_none(fs, context.place.new_file(target, number))
        return waiting is None or (waiting.dev, waiting.ino) != (staged.dev, staged.ino)
    assert kept is not None
    gone = not kept.moved and lstat_or_none(fs, target) is None
    return gone or lstat_or_none(fs, _where_it_goes(context, number, target, kept)) is not None


def standing(context: RunContext, number: int) -> tuple[ActState, FileStat | None]:
    """How things stand, by identity or else by content, and the stat that goes with it. What would come back into a
    database that was written since, or under its log, is changed too."""
    how, stat = _found(context, number)
    return (ActState.CHANGED if how is ActState.AFTER and _would_mix(context, number) else how), stat


def _would_mix(context: RunContext, number: int) -> bool:
    """Whether a log would come back to a database that was written since, or a database to a log that another one has
    got since."""
    target = target_of(context.plan.acts[number], context.plan)
    if not is_of_database(target):
        return False
    if (main := database_of(target)) is None:
        return log_appeared(context, number)
    numbers = {target_of(act, context.plan): other for other, act in enumerate(context.plan.acts)}
    if main in numbers:
        return standing(context, numbers[main])[0] is ActState.CHANGED
    then, now = context.databases.get(main), lstat_or_none(context.tools.fs, context.place.at(main))
    return then is not None and now is not None and now.mtime_ns != then


def log_appeared(context: RunContext, number: int) -> bool:
    """Whether a process has written to the database at this act's target since the run read or made it: it has a log
    that the run did not find or put there."""
    target = target_of(context.plan.acts[number], context.plan)
    if not target.endswith(DATABASE):
        return False
    others = ((target_of(act, context.plan), other) for other, act in enumerate(context.plan.acts))
    logs = {path: other for path, other in others if database_of(path) == target}
    known = {path for path, other in logs.items() if _found(context, other)[0] is not ActState.CHANGED}
    return other_log(context.tools.fs, context.place.state_dir, target, known) is not None


def _found(context: RunContext, number: int) -> tuple[ActState, FileStat | None]:
    fs, target = context.tools.fs, context.target(number)
    kept, staged = context.manifest.items[number], context.staged.get(number)
    stat = lstat_or_none(fs, target)
    if stat is None and between(context, number):
        return ActState.AFTER, None
    if stat is None:
        gone = ActState.BEFORE if kept is None else ActState.CHANGED
        return (ActState.AFTER if staged is None else gone), None
    if kept is not None and (is_same(stat, kept) or _is_moved_file(context, stat, kept)):
        return ActState.BEFORE, stat
    known = {
        (each.sha256, each.size): how
        for each, how in ((kept, ActState.BEFORE), (staged, ActState.AFTER))
        if each is not None
    }
    if not stat.is_file or stat.size not in {size for _, size in known}:
        return ActState.CHANGED, stat
    content = content_of(fs, target)
    return known.get((content.sha256, content.size), ActState.CHANGED), stat


def between(context: RunContext, number: int) -> bool:
    """Whether a database has left its place and the new one is not there yet: where two names cannot be exchanged, or
    where there is no room for both."""
    if not isinstance(context.plan.acts[number], Transact):
        return False
    fs, target, kept = context.tools.fs, context.target(number), context.manifest.items[number]
    if kept is None or lstat_or_none(fs, target) is not None:
        return False
    if (staged := context.staged.get(number)) is not None and staged.aside:
        return True
    old = lstat_or_none(fs, context.place.old_file(target, number))
    return old is not None and is_same(old, kept)


def _is_moved_file(context: RunContext, stat: FileStat, kept: Kept) -> bool:
    """Whether this is the very file that had been moved, even if a process that had it open wrote on meanwhile. Not
    of a database: a process writes into the middle of it, not only at its end."""
    if is_of_database(kept.path) and not kept.path.endswith("-shm"):
        return False
    very = kept.moved and (stat.dev, stat.ino) == (kept.dev, kept.ino)
    return very and lstat_or_none(context.tools.fs, context.place.directory / kept.stored) is None


def perform(context: RunContext, number: int) -> None:
    """Do the act, which then has to be synced. Raises InputChanged, with the target untouched, where it is not what
    the plan saw, and OSError."""
    target = context.target(number)
    kept = context.manifest.items[number]
    if log_appeared(context, number):
        raise changed(target)
    if isinstance(context.plan.acts[number], Move):
        _take_out(context, number, target)
    elif kept is None:
        _put(context, context.place.new_file(target, number), target)
    elif context.staged[number].aside:
        _change_over(context, number, target, kept)
    elif isinstance(context.plan.acts[number], Transact):
        _replace(context, number, target, kept)
    else:
        with _held(context, number, target, going_back=False):
            _swap(context, number, context.place.new_file(target, number), kept)


def _held(context: RunContext, number: int, target: Path, *, going_back: bool) -> AbstractContextManager[None]:
    stores = {store.path for store in context.plan.after.stores}
    if not context.plan.lock_stores or target_of(context.plan.acts[number], context.plan) not in stores:
        return nullcontext()
    beside = context.place.lock_file(target, number)
    return holding(
        context.tools, target, beside, going_back=going_back, operator_says_stopped=context.operator_says_stopped
    )


def _swap(context: RunContext, number: int, waiting: Path, expected: Kept | FileStat) -> None:
    """Put `waiting` in the place of the act's target, which must be `expected`. Where the system can exchange two
    names, a file that another process put there in the last moment is noticed and given back, and so is a database
    that one wrote to."""
    fs, target = context.tools.fs, context.target(number)
    _expect(lstat_or_none(fs, target), expected, target)
    if not fs.exchange(waiting, target):
        fs.rename(waiting, target)
        return
    displaced = lstat_or_none(fs, waiting)
    if displaced is None or not _identical(displaced, expected) or log_appeared(context, number):
        fs.exchange(waiting, target)
        raise changed(target)


def _replace(context: RunContext, number: int, target: Path, kept: Kept) -> None:
    """Put a new database in the place of the old one, which stays next to it: it is to be the vault's own."""
    fs, waiting = context.tools.fs, context.place.new_file(target, number)
    if not between(context, number):
        _expect(lstat_or_none(fs, target), kept, target)
        if fs.exchange(waiting, target):
            if not is_same(fs.lstat(waiting), kept) or log_appeared(context, number):
                fs.exchange(waiting, target)
                raise changed(target)
            return
        old = context.place.old_file(target, number)
        fs.rename_new(target, old)
        if not is_same(fs.lstat(old), kept) or log_appeared(context, number):
            fs.rename_new(old, target)
            raise changed(target)
    fs.rename_new(waiting, target)


def _change_over(context: RunContext, number: int, target: Path, kept: Kept) -> None:
    """Where there is no room for both databases: the old one goes, which the vault has on another disk, and then the
    new one comes from there."""
    fs, staged = context.tools.fs, context.staged[number]
    if not between(context, number):
        _expect(lstat_or_none(fs, target), kept, target)
        _set_out(context, number, target, kept)
    for other in (*_log_of(context, number), number):
        remove_leftovers(context, other)
    half = context.place.half_file(target, number)
    attributes = FileAttributes(kept.mode, kept.uid, kept.gid, None, kept.attributes)
    content = copy_file(fs, context.place.waiting_file(number), half, attributes, context.tools.progress.advance)
    if content.sha256 != staged.sha256:
        raise changed(context.place.waiting_file(number))
    fs.rename_new(half, target)


def _log_of(context: RunContext, number: int) -> Iterator[int]:
    """Acts that took away what belongs to this database."""
    beside = f"{target_of(context.plan.acts[number], context.plan)}-"
    for other, act in enumerate(context.plan.acts[:number]):
        if isinstance(act, Move) and target_of(act, context.plan).startswith(beside):
            yield other


def _set_out(context: RunContext, number: int, target: Path, seen: Kept | FileStat) -> None:
    """Rename what is at the target aside, if it is what was seen there."""
    fs, old = context.tools.fs, context.place.old_file(target, number)
    fs.rename_new(target, old)
    if not _identical(fs.lstat(old), seen):
        fs.rename_new(old, target)
        raise changed(target)


def _take_out(context: RunContext, number: int, target: Path) -> None:
    fs, kept = context.tools.fs, context.manifest.items[number]
    assert kept is not None
    _expect(lstat_or_none(fs, target), kept, target)
    out = _where_it_goes(context, number, target, kept)
    fs.rename_new(target, out)
    if not is_same(fs.lstat(out), kept) or log_appeared(context, number):
        fs.rename_new(out, target)
        raise changed(target)
    if kept.moved:
        fs.set_mode(out, 0o600)


def _where_it_goes(context: RunContext, number: int, target: Path, kept: Kept) -> Path:
    return context.place.directory / kept.stored if kept.moved else context.place.old_file(target, number)


def _put(context: RunContext, waiting: Path, target: Path) -> None:
    fs = context.tools.fs
    try:
        fs.rename_new(waiting, target)
    except FileExistsError:
        one, other = fs.lstat(waiting), fs.lstat(target)
        if (one.dev, one.ino) != (other.dev, other.ino):
            raise changed(target) from None
        # A crash between the two halves of a rename made of link and unlink: both names are the same file.
        fs.unlink(waiting)


def _identical(stat: FileStat, seen: Kept | FileStat) -> bool:
    return (stat.dev, stat.ino, stat.size, stat.mtime_ns) == (seen.dev, seen.ino, seen.size, seen.mtime_ns)


def _expect(stat: FileStat | None, seen: Kept | FileStat, target: Path) -> None:
    if stat is None or not stat.is_file or not _identical(stat, seen):
        raise changed(target)


def changed(target: Path) -> InputChanged:
    return InputChanged(
        f"Something else changed {target} during the repair.", "Make sure nothing writes there, then make a new plan."
    )


def revert(context: RunContext, number: int, seen: FileStat | None) -> None:
    """Restore what was there before. `seen` is the stat of what the run put there. Raises like `perform`."""
    fs, target = context.tools.fs, context.target(number)
    kept = context.manifest.items[number]
    if isinstance(context.plan.acts[number], Move):
        assert kept is not None
        _put(context, _way_back(context, number, target, kept), target)
    elif seen is None and between(context, number):
        assert kept is not None
        fs.rename_new(_original(context, number, target, kept), target)
    elif seen is None:
        raise changed(target)
    elif kept is None:
        _set_out(context, number, target, seen)
    elif (staged := context.staged.get(number)) is not None and staged.aside:
        # As it came: the new one goes first, or there may be no room for what comes back after this one.
        _set_out(context, number, target, seen)
        discard(context, number, context.place.old_file(target, number))
        fs.rename_new(rebuilt(context, number, target, kept), target)
    else:
        with _held(context, number, target, going_back=True):
            _swap(context, number, _original(context, number, target, kept), seen)


def sync(context: RunContext, numbers: Iterable[int], *, going_back: bool = False) -> None:
    """Make the renames of these acts durable: where a file came to before where it left."""
    chosen = tuple(numbers)
    kept = [kept for number in chosen if (kept := context.manifest.items[number]) is not None]
    # On the way back also a copy may be moved out, where there is no room for another one.
    vault = [context.place.files] if any(going_back or each.moved for each in kept) else []
    places = list({context.target(number).parent: None for number in chosen})
    for directory in (*places, *vault) if going_back else (*vault, *places):
        context.tools.fs.fsync_dir(directory)


def _way_back(context: RunContext, number: int, target: Path, kept: Kept) -> Path:
    fs = context.tools.fs
    out = _where_it_goes(context, number, target, kept)
    stat = lstat_or_none(fs, out)
    own = stat is not None and is_same(stat, kept)
    if not kept.moved:
        return out if own else rebuilt(context, number, target, kept)
    if not own and not is_kept(context, out, kept):
        raise damaged(context, kept)
    fs.set_mode(out, kept.mode)
    return out


def _original(context: RunContext, number: int, target: Path, kept: Kept) -> Path:
    """The displaced file itself where it still waits next to the target, else a copy made from the vault."""
    for displaced in (context.place.new_file(target, number), context.place.old_file(target, number)):
        stat = lstat_or_none(context.tools.fs, displaced)
        if stat is not None and is_same(stat, kept):
            if stat_module.S_IMODE(stat.mode) != stat_module.S_IMODE(kept.mode):
                # A crash came after it was closed for the vault and before it went there.
                context.tools.fs.set_mode(displaced, kept.mode)
                context.tools.fs.set_attributes(displaced, kept.attributes)
            return displaced
    return rebuilt(context, number, target, kept)
