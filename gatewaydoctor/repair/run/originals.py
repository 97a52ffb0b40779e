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
from gatewaydoctor.repair.writing.stream import Dress, content_of, copy_file

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.run.context import Work


def is_kept(work: Work, path: Path, kept: Kept) -> bool:
    """Whether this file of the run is the original, or a whole copy of it. A file that was moved may have grown: a
    process that had it open wrote on. What such a process does to the index of a log, which whoever opens the
    database first makes again, is no change."""
    stat = lstat_or_none(work.tools.fs, path)
    if stat is None or not stat.is_file:
        return False
    if kept.moved and kept.path.endswith("-shm") and (stat.dev, stat.ino) == (kept.dev, kept.ino):
        return True
    first = kept.size if kept.moved else None
    return content_of(work.tools.fs, path, first=first).sha256 == kept.sha256


def can_rename_back(work: Work, number: int, kept: Kept) -> bool:
    """Whether the vault's own copy may take the original's place: it is on the same filesystem."""
    fs = work.tools.fs
    stored = lstat_or_none(fs, held(work, number, kept))
    return stored is not None and stored.dev == fs.stat(work.target(number).parent).dev


def held(work: Work, number: int, kept: Kept) -> Path:
    """Where the run has the original's bytes: in the vault, or next to the target, on its way back already."""
    stored = work.place.directory / kept.stored
    if kept.moved or lstat_or_none(work.tools.fs, stored) is not None:
        return stored
    beside = work.place.old_file(work.target(number), number)
    return stored if lstat_or_none(work.tools.fs, beside) is None else beside


def whole_copy(work: Work, number: int, kept: Kept) -> Path | None:
    """A file of the run that is the original or a whole copy of it, the vault's before those next to the target; None
    where it is lost."""
    target, stored = work.target(number), work.place.directory / kept.stored
    alone = kept.moved and isinstance(work.plan.acts[number], Move)
    beside = () if alone else (work.place.old_file(target, number), work.place.new_file(target, number))
    return next((path for path in (stored, *beside) if is_kept(work, path, kept)), None)


def rebuilt(work: Work, number: int, target: Path, kept: Kept) -> Path:
    """The original next to its target: copied, or where there is no room for a copy the vault's own."""
    fs, path = work.tools.fs, work.place.old_file(target, number)
    if is_kept(work, path, kept):
        return _brought_beside(work, path, path, kept)
    discard(work, number, path)
    source = held(work, number, kept)
    scarce = fs.space(target.parent).available < kept.size + MARGIN_BYTES
    if (kept.moved or scarce) and can_rename_back(work, number, kept):
        return _brought_beside(work, source, path, kept)
    dress = Dress(kept.mode, kept.uid, kept.gid, kept.mtime_ns, kept.attributes)
    half = work.place.half_file(target, number)
    with suppress(FileNotFoundError):
        fs.unlink(half)  # a crash left it
    content = copy_file(fs, work.place.directory / kept.stored, half, dress, work.tools.progress.advance)
    if content.sha256 != kept.sha256:
        fs.unlink(half)
        raise damaged(work, kept)
    fs.rename_new(half, path)
    return path


def _brought_beside(work: Work, source: Path, path: Path, kept: Kept) -> Path:
    fs = work.tools.fs
    if content_of(fs, source).sha256 != kept.sha256:
        raise damaged(work, kept)
    if source != path:
        fs.rename_new(source, path)
        # The vault's directory is synced with all others: now it would forget files that another act has moved out of
        # it, into a directory that is not synced yet.
        fs.fsync_dir(path.parent)
    stat = fs.lstat(path)
    if (stat.uid, stat.gid) != (kept.uid, kept.gid):
        fs.own(path, kept.uid, kept.gid)
    # After the owner: a change of owner clears the set-id bits.
    fs.redress(path, kept.mode)
    fs.set_attributes(path, kept.attributes)
    return path


def damaged(work: Work, kept: Kept) -> VaultDamaged:
    return VaultDamaged(
        f"What the vault holds of {kept.path} is damaged.", f"For details: `{work.place.command('runs', 'verify')}`."
    )


def secure(work: Work, number: int) -> None:
    """See that the vault has the original, where it is only next to its target now."""
    kept, fs = work.manifest.items[number], work.tools.fs
    whole = whole_copy(work, number, kept) if kept is not None else None
    if kept is None or whole is None or whole == work.place.directory / kept.stored:
        return
    stored = work.place.directory / kept.stored
    if lstat_or_none(fs, stored) is not None:
        _set_aside(work, number, stored)
    _to_vault(work, whole, kept)


def tidy(work: Work, number: int) -> None:
    """Remove what the act left next to its target. Another process's file that the vault cannot take stays there.
    Raises OSError where the run's own cannot be removed."""
    target, fs = work.target(number), work.tools.fs
    for path in (work.place.new_file(target, number), work.place.old_file(target, number)):
        if (kept := _last(work, number, path)) is not None:
            _to_vault(work, path, kept)
        elif _is_spare(work, number, path):
            fs.unlink(path)
        elif lstat_or_none(fs, path) is not None:
            with suppress(OSError):
                _set_aside(work, number, path)
    for path in (work.place.lock_file(target, number), work.place.half_file(target, number)):
        with suppress(FileNotFoundError):
            fs.unlink(path)


def _last(work: Work, number: int, path: Path) -> Kept | None:
    """What the vault shall have, where this file next to its target is it and the vault has it not yet."""
    kept, fs = work.manifest.items[number], work.tools.fs
    stat = lstat_or_none(fs, path)
    if kept is None or not kept.moved or stat is None or not is_same(stat, kept):
        return None
    return kept if lstat_or_none(fs, work.place.directory / kept.stored) is None else None


def _to_vault(work: Work, path: Path, kept: Kept) -> None:
    """The file itself, closed to other users."""
    work.tools.fs.redress(path, 0o600)
    work.tools.fs.set_attributes(path, {})
    _carry(work, path, work.place.directory / kept.stored)


def discard(work: Work, number: int, path: Path) -> None:
    """Unlink a file of the run's own next to a target; what has content of its own the vault takes. Raises
    OSError."""
    if _is_spare(work, number, path):
        work.tools.fs.unlink(path)
    elif lstat_or_none(work.tools.fs, path) is not None:
        _set_aside(work, number, path)


def _is_spare(work: Work, number: int, path: Path) -> bool:
    """Whether it is a file whose content the run has elsewhere, or can make again."""
    stat = lstat_or_none(work.tools.fs, path)
    if stat is None:
        return False
    kept, staged = work.manifest.items[number], work.staged.get(number)
    known = (kept is not None and is_same(stat, kept)) or (
        staged is not None and (stat.dev, stat.ino) == (staged.dev, staged.ino)
    )
    known_content = {each.sha256 for each in (kept, staged) if each is not None}
    return known or (stat.is_file and content_of(work.tools.fs, path).sha256 in known_content)


def _set_aside(work: Work, number: int, path: Path) -> None:
    """Another process's file caught in between goes to the vault."""
    names = (work.place.displaced(number, attempt) for attempt in count())
    _carry(work, path, next(name for name in names if lstat_or_none(work.tools.fs, name) is None))


def _carry(work: Work, path: Path, free: Path) -> None:
    """Into the vault, on another filesystem as a copy."""
    fs = work.tools.fs
    try:
        fs.rename_new(path, free)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if copy_file(fs, path, free, Dress(mtime_ns=fs.lstat(path).mtime_ns)) == content_of(fs, path):
            fs.fsync_dir(free.parent)
            fs.unlink(path)
    else:
        fs.fsync_dir(free.parent)
