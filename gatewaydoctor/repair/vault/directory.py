"""The directories of runs: where the vault is, opening a run's own, taking one away."""

from __future__ import annotations

import errno
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING

from gatewaydoctor.repair.vault.layout import (
    DISPLACED,
    ELSEWHERE,
    OWN_FILES,
    RUNS,
    STORED,
    RunPlace,
    run_name,
    vault_of,
)
from gatewaydoctor.repair.writing.errors import MOUNT_AGAIN, NoSpace, NotWritable, OutOfBounds, Refused
from gatewaydoctor.repair.writing.guard import lstat_or_none
from gatewaydoctor.repair.writing.stream import FileAttributes, write_whole
from gatewaydoctor.system.links import without_links

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.repair.writing.tools import Tools

MOST_RUNS_A_SECOND = 1000
_OTHERS = 0o077


def vault_root(tools: Tools, state_dir: Path, asked: Path | None) -> Path:
    """The vault's real path. Raises OutOfBounds for one that the gateway would look into, is behind a symbolic link,
    belongs to another user, or was asked for and is open to other users."""
    root = _vault_path(tools.fs, state_dir, asked)
    stat = lstat_or_none(tools.fs, root)
    if stat is None or not stat.is_dir:
        return root
    if stat.uid not in (tools.processes.own_uid, tools.fs.stat(state_dir).uid):
        raise OutOfBounds(
            f"The vault {root} belongs to user id {stat.uid}, who could read and change what it keeps.",
            "Move it away, or use another vault: --vault DIR.",
        )
    if root != vault_of(state_dir) and stat.mode & _OTHERS:
        raise OutOfBounds(
            f"The vault {root} is open to other users (mode {stat.mode & 0o777:04o}).",
            f"Close it with `chmod 700 {quote(str(root))}`, or name a directory that does not exist yet.",
        )
    return root


def narrowed(tools: Tools, root: Path) -> tuple[str, ...]:
    """Close the vault's directories to other users; a sentence for each that was open. Raises OSError."""
    told = []
    for directory in (root, root / RUNS):
        mode = tools.fs.lstat(directory).mode & 0o777
        if mode & _OTHERS:
            tools.fs.set_mode(directory, 0o700)
            told.append(f"{directory} was open to other users (mode {mode:04o}); it is 0700 now.")
    return tuple(told)


def _vault_path(fs: WriteFs, state_dir: Path, asked: Path | None) -> Path:
    own = vault_of(state_dir)
    if asked is None:
        stat = lstat_or_none(fs, own)
        if stat is not None and not stat.is_dir:
            raise OutOfBounds(f"{own} is not a directory.", "Move it away, or use another vault: --vault DIR.")
        return own
    real = named_place(fs, asked)
    if real != own and (real.is_relative_to(state_dir) or state_dir.is_relative_to(real)):
        raise OutOfBounds(
            f"The vault {asked} and the state directory overlap.",
            "Omit --vault, or use a directory elsewhere.",
        )
    return real


def named_place(fs: WriteFs, asked: Path) -> Path:
    """The real path of a directory that was named for writing. Raises OutOfBounds for a link of another user."""
    try:
        return without_links(fs, asked)
    except OSError as error:
        raise OutOfBounds(
            f"Cannot use {asked}: {error.strerror or error}.", "Name the directory itself, without a link."
        ) from error


def existing(fs: WriteFs, path: Path) -> Path:
    """The path, or the nearest directory above it that exists."""
    while lstat_or_none(fs, path) is None and path != path.parent:
        path = path.parent
    return path


def work_place(tools: Tools, state_dir: Path, asked: Path | None) -> Path | None:
    """The real path of the directory that was named for private copies of databases. Raises OutOfBounds for one that
    is not there, or that the gateway would look into."""
    if asked is None:
        return None
    real = named_place(tools.fs, asked)
    stat = lstat_or_none(tools.fs, real)
    if stat is None or not stat.is_dir:
        raise OutOfBounds(f"The work directory {asked} is not there.", f"Create it: mkdir -p {quote(str(asked))}")
    if real.is_relative_to(state_dir) or state_dir.is_relative_to(real):
        raise OutOfBounds(
            f"The work directory {asked} and the state directory overlap.", "Use a directory elsewhere."
        )
    return real


def owner_for(tools: Tools, state_dir: Path, root: Path) -> tuple[int, int] | None:
    """Who shall own what is made in the vault: root leaves the directory's owner able to read it."""
    if tools.processes.own_uid != 0 or not root.is_relative_to(state_dir):
        return None
    stat = tools.fs.stat(state_dir)
    return stat.uid, stat.gid


def open_run(tools: Tools, state_dir: Path, root: Path, plan: Plan) -> RunPlace:
    """Make the directory of a new run. Raises OSError, with nothing left behind where that is possible."""
    try:
        place = _new_run(tools, state_dir, root, plan)
        try:
            _furnish(tools, place, root)
        except BaseException:
            with suppress(OSError):
                remove_run(tools.fs, place)
            raise
        return place
    except BaseException:
        remove_empty_vault(tools.fs, state_dir, root)
        raise


def _new_run(tools: Tools, state_dir: Path, root: Path, plan: Plan) -> RunPlace:
    fs, owner = tools.fs, owner_for(tools, state_dir, root)
    make_directories(fs, root / RUNS, owner)
    now = tools.clock()
    for attempt in range(1, MOST_RUNS_A_SECOND):
        place = RunPlace(root / RUNS / run_name(now, plan.plan_id, attempt), state_dir)
        try:
            fs.mkdir(place.directory)
        except FileExistsError:
            continue
        return place
    raise FileExistsError(errno.EEXIST, "too many runs", str(root))


def _furnish(tools: Tools, place: RunPlace, root: Path) -> None:
    fs, owner = tools.fs, owner_for(tools, place.state_dir, root)
    if owner is not None:
        fs.own(place.directory, *owner)
    _make_one(fs, place.files, owner)
    fs.fsync_dir(place.directory)
    fs.fsync_dir(root / RUNS)
    if root != vault_of(place.state_dir):
        _point_to(tools, place.state_dir, root, place)


def note(tools: Tools, place: RunPlace, word: str) -> None:
    """Say in the state directory how a run stands whose vault is elsewhere, for when that is out of reach. Nothing
    for a run in the own vault. Raises OSError."""
    path = vault_of(place.state_dir) / ELSEWHERE / place.run_id
    stat = lstat_or_none(tools.fs, path)
    if stat is None:
        return
    if stat.is_symlink:
        beside = path.with_name(f"{path.name}.new")
        with suppress(FileNotFoundError):
            tools.fs.unlink(beside)
        root = tools.fs.readlink(path).partition("\n")[0]
        tools.fs.symlink(f"{root}\n{word}\n", beside)
        tools.fs.rename(beside, path)
        tools.fs.fsync_dir(path.parent)
        return
    descriptor = tools.fs.append(path)
    try:
        tools.fs.write(descriptor, f"{word}\n".encode())
        tools.fs.fsync(descriptor)
    finally:
        tools.fs.close(descriptor)


def make_directories(fs: WriteFs, path: Path, owner: tuple[int, int] | None) -> None:
    """Make a directory and those above it that are missing, each 0700. Raises OutOfBounds for something else in the
    way, and OSError."""
    stat = lstat_or_none(fs, path)
    if stat is not None:
        if not stat.is_dir:
            raise OutOfBounds(f"{path} is not a directory.", "Move it away, or use another vault: --vault DIR.")
        return
    make_directories(fs, path.parent, owner)
    try:
        _make_one(fs, path, owner)
    except FileExistsError:
        make_directories(fs, path, owner)  # another run made it at the same moment
        return
    fs.fsync_dir(path.parent)


def _make_one(fs: WriteFs, path: Path, owner: tuple[int, int] | None) -> None:
    fs.mkdir(path)
    if owner is not None:
        fs.own(path, *owner)


def _point_to(tools: Tools, state_dir: Path, root: Path, place: RunPlace) -> None:
    """A note in the state directory, so that later commands find the run without being told of the vault. On a full
    disk it is a symbolic link with the same text, which needs no block of its own."""
    directory = vault_of(state_dir) / ELSEWHERE
    owner = owner_for(tools, state_dir, directory)
    make_directories(tools.fs, directory, owner)
    text = f"{root}\n"
    try:
        write_whole(tools.fs, directory / place.run_id, text.encode(errors="surrogateescape"), attributes_of(owner))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        tools.fs.symlink(text, directory / place.run_id)
    tools.fs.fsync_dir(directory)


def attributes_of(owner: tuple[int, int] | None) -> FileAttributes:
    return FileAttributes() if owner is None else FileAttributes(uid=owner[0], gid=owner[1])


def remove_run(fs: WriteFs, place: RunPlace, *, all_of_it: bool = False) -> None:
    """Take away the directory of a run that holds nothing anybody needs, and the vault where it is empty then. Only
    files of the run's own go: without `all_of_it` a run that took in a foreign file stays. What tells how far
    it came goes last, so that this can be repeated after a crash. Raises OSError."""
    inside = dict(fs.entries(place.directory))
    displaced = [name for name in inside if name.startswith(DISPLACED)]
    if displaced and not all_of_it:
        return
    if (files := inside.get(place.files.name)) is not None and files.is_dir:
        _empty(fs, place.files)
    remove_private(fs, place)
    remove_waiting(fs, place)
    last = [place.directory / name for name in (place.manifest.name, place.plan.name, place.journal.name)]
    for path in (place.directory / name for name in (*displaced, *sorted(OWN_FILES)) if name in inside):
        if path not in last:
            fs.unlink(path)
    for path in last:
        fs.fsync_dir(place.directory)
        with suppress(FileNotFoundError):
            if path == place.journal:
                fs.unlink(vault_of(place.state_dir) / ELSEWHERE / place.run_id)
        with suppress(FileNotFoundError):
            fs.unlink(path)
    _remove_if_empty(fs, place.directory)
    remove_empty_vault(fs, place.state_dir, place.directory.parent.parent)


def remove_private(fs: WriteFs, place: RunPlace) -> None:
    """Take away the private copies of databases, all of them made by the run itself. Raises OSError."""
    _remove_own(fs, place.private)


def remove_waiting(fs: WriteFs, place: RunPlace) -> None:
    """Take away the new files that waited in the vault. Raises OSError."""
    _remove_own(fs, place.waiting)


def _remove_own(fs: WriteFs, directory: Path) -> None:
    stat = lstat_or_none(fs, directory)
    if stat is None or not stat.is_dir:
        return
    for name in sorted(fs.names(directory)):
        fs.unlink(directory / name)
    fs.rmdir(directory)


def remove_empty_vault(fs: WriteFs, state_dir: Path, root: Path) -> None:
    """Remove the vault's directories that are empty; those that hold something stay."""
    own = vault_of(state_dir)
    for empty in (own / ELSEWHERE, root / RUNS, own):
        with suppress(OSError):
            fs.rmdir(empty)


def _empty(fs: WriteFs, directory: Path) -> None:
    for name in [name for name in fs.names(directory) if STORED.fullmatch(name)]:
        fs.unlink(directory / name)
    _remove_if_empty(fs, directory)


def _remove_if_empty(fs: WriteFs, directory: Path) -> None:
    try:
        fs.rmdir(directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


ELSEWHERE_HINT = (
    "Free space, or use another disk: --vault DIR for the originals, --work-dir DIR for the copies that are edited."
)
_LIMITS = {errno.EFBIG: "ulimit -f unlimited", errno.EMFILE: "ulimit -n 1024"}


def refusal(error: OSError, what: str, full: str = "") -> Refused:
    """An operating system's error before anything was changed, in our words. `full` names the disks that are."""
    said = error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"{what}: {said}.{full}", ELSEWHERE_HINT if full else "Free space, then try again.")
    if error.errno == errno.EROFS:
        return NotWritable(f"{what}: {said}.", MOUNT_AGAIN)
    if error.errno in (errno.EACCES, errno.EPERM):
        root = " `lsattr -d` shows a directory that root cannot change either." if error.errno == errno.EPERM else ""
        return NotWritable(f"{what}: {said}.", f"Run as the user the gateway runs as.{root}")
    if limit := _LIMITS.get(error.errno or 0):
        hint = f"A limit of this process is in the way: raise it (`{limit}`), then run the same command again."
        return Refused(f"{what}: {said}.", hint)
    return Refused(f"{what}: {said}.", "Check the disk (dmesg names its faults), then run the same command again.")
