"""The originals of a run, in the vault or next to their targets, and what else an act leaves there: found, copied
back, given to the vault, cleared away. Nothing goes that is the last copy of something."""

from __future__ import annotations

import errno
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.plan import Move
from gatewaydoctor.repair.writing.errors import VaultDamaged
from gatewaydoctor.repair.writing.guard import MARGIN_BYTES, is_same, lstat_or_none
from gatewaydoctor.repair.writing.stream import FileAttributes, content_of, copy_file

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.run.context import RunContext


def is_kept(context: RunContext, path: Path, kept: Kept) -> bool:
    """Whether this file of the run is the original, or a whole copy of it. A file that was moved may have grown: a
    process that had it open wrote on. What such a process does to the index of a log, which whoever opens the
    database first makes again, is no change."""
    stat = lstat_or_none(context.tools.fs, path)
    if stat is None or not stat.is_file:
        return False
    if kept.moved and kept.path.endswith("-shm") and (stat.dev, stat.ino) == (kept.dev, kept.ino):
        return True
    first = kept.size if kept.moved else None
    return content_of(context.tools.fs, path, first=first).sha256 == kept.sha256


def can_rename_back(context: RunContext, number: int, kept: Kept) -> bool:
    """Whether the vault's own copy may take the original's place: it is on the same filesystem."""
    fs = context.tools.fs
    stored = lstat_or_none(fs, original_path(context, number, kept))
    return stored is not None and stored.dev == fs.stat(context.target(number).parent).dev


def original_path(context: RunContext, number: int, kept: Kept) -> Path:
    """Where the run has the original's bytes: in the vault, or next to the target, on its way back already."""
    stored = context.place.directory / kept.stored
    if kept.moved or lstat_or_none(context.tools.fs, stored) is not None:
        return stored
    beside = context.place.old_file(context.target(number), number)
    return stored if lstat_or_none(context.tools.fs, beside) is None else beside


def whole_copy(context: RunContext, number: int, kept: Kept) -> Path | None:
    """A file of the run that is the original or a whole copy of it, the vault's before those next to the target; None
    where it is lost."""
    target, stored = context.target(number), context.place.directory / kept.stored
    alone = kept.moved and isinstance(context.plan.acts[number], Move)
    beside = () if alone else (context.place.old_file(target, number), context.place.new_file(target, number))
    return next((path for path in (stored, *beside) if is_kept(context, path, kept)), None)


def rebuilt(context: RunContext, number: int, target: Path, kept: Kept) -> Path:
    """The original next to its target: copied, or where there is no room for a copy the vault's own."""
    fs, path = context.tools.fs, context.place.old_file(target, number)
    if is_kept(context, path, kept):
        return _brought_beside(context, path, path, kept)
    discard(context, number, path)
    source = original_path(context, number, kept)
    scarce = fs.space(target.parent).available < kept.size + MARGIN_BYTES
    if (kept.moved or scarce) and can_rename_back(context, number, kept):
        return _brought_beside(context, source, path, kept)
    attributes = FileAttributes(kept.mode, kept.uid, kept.gid, kept.mtime_ns, kept.attributes)
    half = context.place.half_file(target, number)
    with suppress(FileNotFoundError):
        fs.unlink(half)  # a crash left it
    content = copy_file(fs, context.place.directory / kept.stored, half, attributes, context.tools.progress.advance)
    if content.sha256 != kept.sha256:
        fs.unlink(half)
        raise damaged(context, kept)
    fs.rename_new(half, path)
    return path


def _brought_beside(context: RunContext, source: Path, path: Path, kept: Kept) -> Path:
    fs = context.tools.fs
    if content_of(fs, source).sha256 != kept.sha256:
        raise damaged(context, kept)
    if source != path:
        fs.rename_new(source, path)
        # The vault's directory is synced with all others: now it would forget files that another act has moved out of
        # it, into a directory that is not synced yet.
        fs.fsync_dir(path.parent)
    stat = fs.lstat(path)
    if (stat.uid, stat.gid) != (kept.uid, kept.gid):
        fs.own(path, kept.uid, kept.gid)
    # After the owner: a change of owner clears the set-id bits.
    fs.set_mode(path, kept.mode)
    fs.set_attributes(path, kept.attributes)
    return path


def damaged(context: RunContext, kept: Kept) -> VaultDamaged:
    return VaultDamaged(
        f"What the vault holds of {kept.path} is damaged.",
        f"For details: `{context.place.command('runs', 'verify')}`.",
    )


def ensure_in_vault(context: RunContext, number: int) -> None:
    """See that the vault has the original, where it is only next to its target now."""
    kept, fs = context.manifest.items[number], context.tools.fs
    whole = whole_copy(context, number, kept) if kept is not None else None
    if kept is None or whole is None or whole == context.place.directory / kept.stored:
        return
    stored = context.place.directory / kept.stored
    if lstat_or_none(fs, stored) is not None:
        _set_aside(context, number, stored)
    _to_vault(context, whole, kept)


def remove_leftovers(context: RunContext, number: int) -> None:
    """Remove what the act left next to its target. Another process's file that the vault cannot take stays there.
    Raises OSError where the run's own cannot be removed."""
    target, fs = context.target(number), context.tools.fs
    for path in (context.place.new_file(target, number), context.place.old_file(target, number)):
        if (kept := _last(context, number, path)) is not None:
            _to_vault(context, path, kept)
        elif _is_spare(context, number, path):
            fs.unlink(path)
        elif lstat_or_none(fs, path) is not None:
            with suppress(OSError):
                _set_aside(context, number, path)
    for path in (context.place.lock_file(target, number), context.place.half_file(target, number)):
        with suppress(FileNotFoundError):
            fs.unlink(path)


def _last(context: RunContext, number: int, path: Path) -> Kept | None:
    """What the vault shall have, where this file next to its target is it and the vault has it not yet."""
    kept, fs = context.manifest.items[number], context.tools.fs
    stat = lstat_or_none(fs, path)
    if kept is None or not kept.moved or stat is None or not is_same(stat, kept):
        return None
    return kept if lstat_or_none(fs, context.place.directory / kept.stored) is None else None


def _to_vault(context: RunContext, path: Path, kept: Kept) -> None:
    """The file itself, closed to other users."""
    context.tools.fs.set_mode(path, 0o600)
    context.tools.fs.set_attributes(path, {})
    _carry(context, path, context.place.directory / kept.stored)


def discard(context: RunContext, number: int, path: Path) -> None:
    """Unlink a file of the run's own next to a target; what has content of its own the vault takes. Raises
    OSError."""
    if _is_spare(context, number, path):
        context.tools.fs.unlink(path)
    elif lstat_or_none(context.tools.fs, path) is not None:
        _set_aside(context, number, path)


def _is_spare(context: RunContext, number: int, path: Path) -> bool:
    """Whether it is a file whose content the run has elsewhere, or can make again."""
    stat = lstat_or_none(context.tools.fs, path)
    if stat is None:
        return False
    kept, staged = context.manifest.items[number], context.staged.get(number)
    known = (kept is not None and is_same(stat, kept)) or (
        staged is not None and (stat.dev, stat.ino) == (staged.dev, staged.ino)
    )
    known_content = {each.sha256 for each in (kept, staged) if each is not None}
    return known or (stat.is_file and content_of(context.tools.fs, path).sha256 in known_content)


def _set_aside(context: RunContext, number: int, path: Path) -> None:
    """Another process's file caught in between goes to the vault."""
    names = (context.place.displaced(number, attempt) for attempt in count())
    _carry(context, path, next(name for name in names if lstat_or_none(context.tools.fs, name) is None))


def _carry(context: RunContext, path: Path, free: Path) -> None:
    """Into the vault, on another filesystem as a copy."""
    fs = context.tools.fs
    try:
        fs.rename_new(path, free)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if copy_file(fs, path, free, FileAttributes(mtime_ns=fs.lstat(path).mtime_ns)) == content_of(fs, path):
            fs.fsync_dir(free.parent)
            fs.unlink(path)
    else:
        fs.fsync_dir(free.parent)
