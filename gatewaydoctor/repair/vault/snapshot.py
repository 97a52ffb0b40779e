"""A consistent copy of a state directory, for before anything else: reflinked where the filesystem can, else copied,
never hard-linked (a second name of a store makes 2026.9.6 refuse it). A database goes with its -wal, -shm and
-journal, or not at all. What is not in the copy is named in the manifest."""

from __future__ import annotations

import errno
import re
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.repair.snapshot import (
    LeftOut,
    SnapshotDirectory,
    SnapshotFile,
    SnapshotLink,
    SnapshotManifest,
)
from gatewaydoctor.repair.vault.codec import encode, read_part
from gatewaydoctor.repair.vault.directory import (
    attributes_of,
    existing,
    make_directories,
    named_place,
    owner_for,
    refusal,
)
from gatewaydoctor.repair.vault.layout import SNAPSHOTS, TEMP_PREFIX, VAULT_NAME, vault_of
from gatewaydoctor.repair.vault.proof import prove
from gatewaydoctor.repair.writing.errors import NoSpace, NotWritable, OutOfBounds, Refused, VaultDamaged
from gatewaydoctor.repair.writing.guard import check_space, lstat_or_none
from gatewaydoctor.repair.writing.stream import FileAttributes, content_of, copy_file, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import FileStat, ReadFs

MANIFEST = "snapshot.json"
TREE = "state"
ATTEMPTS = 3
"""A file that changes while it is copied is copied again, so often."""

MOST_A_SECOND = 1000

LOG_HEADER_BYTES = 32
"""A -wal with the same header was not restarted."""

LARGEST_LOG = 1024 * 1024
"""Bytes. Larger files below logs/ are left out: there are logs of 46 GB on record (docs/gateway.md, failure 22)."""

_DATABASE = re.compile(r"(.+\.(?:sqlite|db))(?:-wal|-shm|-journal)?")


class _Walk(Struct):
    """What was found in the directory. `groups` are files that only make sense together, by path."""

    groups: dict[str, list[tuple[str, FileStat]]] = field(default_factory=lambda: defaultdict(list))
    links: list[SnapshotLink] = field(default_factory=list)
    directories: list[SnapshotDirectory] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(stat.size for group in self.groups.values() for _, stat in group)


def snapshot(tools: Tools, state_dir: Path, destination: Path | None = None) -> tuple[Path, SnapshotManifest]:
    """Copy `state_dir` (its real path) into the new directory `destination`, without one next to the vault. A gateway
    may go on working: files that change meanwhile are tried again. Raises Refused with nothing left behind."""
    fs = tools.fs
    target = _destination(tools, state_dir, destination)
    walk = _walked(fs, state_dir)
    hint = "Free space, or use a directory on another disk."
    check_space(fs, [(existing(fs, target.parent), walk.bytes)], hint, what="snapshot")
    tools.progress.phase("copying", walk.bytes)
    owner = owner_for(tools, state_dir, target)
    made = None
    try:
        make_directories(fs, target.parent, owner)
        made = partial = _new_directory(fs, target)
        if owner is not None:
            fs.own(partial, *owner)
        make_directories(fs, partial / TREE, owner)
        manifest = _Copier(tools, state_dir, partial / TREE, walk).copied()
        write_whole(fs, partial / MANIFEST, encode(manifest), attributes_of(owner))
        fs.fsync_dir(partial)
        made = target = _give_name(tools, partial, target, state_dir, destination)
        fs.fsync_dir(target.parent)
    except BaseException as error:
        if made is not None:
            with suppress(OSError):
                _remove(tools, made)
        if isinstance(error, OSError):
            raise _cannot_write(error, target) from error
        raise
    return target, manifest


def _cannot_write(error: OSError, target: Path) -> Refused:
    """What cannot be read is left out, so that what fails is the writing."""
    refused = refusal(error, f"Cannot write the snapshot {target}")
    if isinstance(refused, NotWritable):
        return NotWritable(refused.message, "Name a place where this user may write: `gatewaydoctor snapshot DEST`.")
    if isinstance(refused, NoSpace):
        return NoSpace(refused.message, "Free space, or use a directory on another disk.")
    return Refused(refused.message, "Nothing is left of it. Check the disk before you try again.")


def unfinished(fs: WriteFs, beside: Path) -> tuple[Path, ...]:
    """Directories next to a snapshot that one before it left when it was killed, or that one still works in."""
    try:
        found = sorted(name for name in fs.names(beside.parent) if name.startswith(".") and name.endswith(".partial"))
    except OSError:
        return ()
    return tuple(beside.parent / name for name in found)


def _new_directory(fs: WriteFs, target: Path) -> Path:
    """A new directory next to the target that no other process works in. Raises OSError."""
    for attempt in range(1, MOST_A_SECOND):
        partial = target.with_name(f".{target.name}.{attempt}.partial")
        try:
            fs.mkdir(partial)
        except FileExistsError:
            continue
        return partial
    raise FileExistsError(errno.EEXIST, "too many unfinished snapshots", str(target.parent))


def _give_name(tools: Tools, partial: Path, target: Path, state_dir: Path, asked: Path | None) -> Path:
    """The name under which the snapshot now stands; where none was asked for and it was taken meanwhile, another.
    Raises OSError, FileExistsError too."""
    while True:
        try:
            tools.fs.rename_new(partial, target)
        except FileExistsError:
            if asked is not None:
                raise
            target = _destination(tools, state_dir, None)
        else:
            return target


def _destination(tools: Tools, state_dir: Path, asked: Path | None) -> Path:
    fs = tools.fs
    if asked is None:
        stamp = datetime.fromtimestamp(tools.clock() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        names = (stamp, *(f"{stamp}-{attempt}" for attempt in range(2, MOST_A_SECOND)))
        places = (vault_of(state_dir) / SNAPSHOTS / name for name in names)
        return next(place for place in places if lstat_or_none(fs, place) is None)
    real = named_place(fs, asked)
    if real.is_relative_to(state_dir) or state_dir.is_relative_to(real):
        raise OutOfBounds(f"{asked} and the state directory overlap.", "Use a directory elsewhere.")
    if lstat_or_none(fs, real) is not None:
        raise OutOfBounds(f"{asked} already exists.", _other_place(fs, real, asked))
    return real


def _other_place(fs: ReadFs, real: Path, asked: Path) -> str:
    if all(lstat_or_none(fs, real / name) is None for name in ("openclaw.json", "agents")):
        return "Use a new directory."
    return f"For a state directory: --state-dir {quote(str(asked))}"


def _walked(fs: ReadFs, root: Path) -> _Walk:
    walk = _Walk()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            found = sorted(fs.entries(root / folder), key=lambda item: item[0])
        except OSError as error:
            walk.left_out.append(LeftOut(path=folder or ".", reason=error.strerror or type(error).__name__))
            continue
        for name, stat in found:
            path = f"{folder}/{name}" if folder else name
            if path == VAULT_NAME or name.startswith(TEMP_PREFIX):
                continue
            if stat.is_dir:
                walk.directories.append(SnapshotDirectory(path=path, mode=stat.mode & 0o7777))
                waiting.append(path)
            else:
                _sort_in(fs, root, walk, path, stat)
    return walk


def _sort_in(fs: ReadFs, root: Path, walk: _Walk, path: str, stat: FileStat) -> None:
    if stat.is_symlink:
        with suppress(FileNotFoundError):
            walk.links.append(SnapshotLink(path=path, to=fs.readlink(root / path)))
    elif not stat.is_file:
        walk.left_out.append(LeftOut(path=path, reason="neither file, directory nor link", harmless=True))
    elif path.startswith("logs/") and stat.size > LARGEST_LOG:
        walk.left_out.append(LeftOut(path=path, reason="a large log", harmless=True))
    else:
        database = _DATABASE.fullmatch(path)
        walk.groups[database[1] if database else path].append((path, stat))


def _set_of(path: str) -> list[str]:
    """The files of the database that `path` is one of, the main one first; none where it is of no database."""
    main = _DATABASE.fullmatch(path)
    return [f"{main[1]}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")] if main else []


class _Copier:
    def __init__(self, tools: Tools, root: Path, tree: Path, walk: _Walk) -> None:
        self._tools = tools
        self._fs = tools.fs
        self._root = root
        self._tree = tree
        self._walk = walk
        self._left_out = list(walk.left_out)

    def copied(self) -> SnapshotManifest:
        for directory in self._walk.directories:
            self._fs.mkdir(self._tree / directory.path)
        files = [file for group in self._walk.groups.values() for file in self._group(group)]
        paths = [file.path for file in files]
        # A lock of the gateway is named like a database, and empty.
        databases = [
            path
            for path in paths
            if (found := _DATABASE.fullmatch(path)) and found[1] == path and not path.endswith(".lock.sqlite")
        ]
        for link in self._walk.links:
            self._fs.symlink(link.to, self._tree / link.path)
        for folder in ("", *(each.path for each in self._walk.directories)):
            self._fs.fsync_dir(self._tree / folder)
        return SnapshotManifest(
            created_at=self._tools.clock(),
            state_dir=str(self._root),
            files=tuple(files),
            links=tuple(self._walk.links),
            directories=tuple(self._walk.directories),
            left_out=tuple(self._left_out),
            databases=tuple(prove(self._fs, self._root, self._tree, path) for path in databases),
        )

    def _group(self, group: list[tuple[str, FileStat]]) -> list[SnapshotFile]:
        """Files that belong together, all of one moment; none of them where that cannot be had."""
        for _ in range(ATTEMPTS):
            try:
                files = [self._file(path, stat) for path, stat in group]
                if self._rested(group):
                    return files
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                    raise
                self._drop(group, error.strerror or type(error).__name__)
                return []
            self._clear(group)
            paths = _set_of(group[0][0]) or [path for path, _ in group]
            group = [(path, stat) for path in paths if (stat := lstat_or_none(self._fs, self._root / path))]
        if group:
            self._drop(group, "it kept changing while it was copied")
        return []

    def _file(self, path: str, stat: FileStat) -> SnapshotFile:
        root = self._tools.processes.own_uid == 0
        attributes = FileAttributes(stat.mode, stat.uid if root else None, stat.gid if root else None, stat.mtime_ns)
        content = copy_file(self._fs, self._root / path, self._tree / path, attributes, self._tools.progress.advance)
        return SnapshotFile(
            path=path,
            size=content.size,
            sha256=content.sha256,
            mode=stat.mode & 0o7777,
            uid=stat.uid,
            gid=stat.gid,
            mtime_ns=stat.mtime_ns,
        )

    def _rested(self, group: list[tuple[str, FileStat]]) -> bool:
        """Whether the copies are of one moment. Of a database the -wal may have grown meanwhile: what was appended is
        a later commit, and no part of the copy. It may not have been restarted, for that follows a checkpoint."""
        siblings = _set_of(group[0][0])
        if not siblings:
            return all(self._still(path, stat) for path, stat in group)
        known = {path for path, _ in group}
        for path, stat in group:
            if path.endswith("-wal"):
                if not self._same_log(path, stat):
                    return False
            elif not path.endswith("-shm") and not self._still(path, stat):
                return False
        absent = (path for path in siblings if path not in known and not path.endswith("-shm"))
        come = (lstat_or_none(self._fs, self._root / path) for path in absent)
        return not any(stat is not None and stat.size for stat in come)

    def _same_log(self, path: str, stat: FileStat) -> bool:
        now = lstat_or_none(self._fs, self._root / path)
        if now is None or now.ino != stat.ino or now.size < stat.size:
            return False
        return self._head(self._root / path) == self._head(self._tree / path)

    def _head(self, path: Path) -> bytes:
        return self._fs.head_and_tail(path, LOG_HEADER_BYTES, 0)[0]

    def _still(self, path: str, stat: FileStat) -> bool:
        now = lstat_or_none(self._fs, self._root / path)
        return now is not None and (now.ino, now.size, now.mtime_ns) == (stat.ino, stat.size, stat.mtime_ns)

    def _drop(self, group: list[tuple[str, FileStat]], reason: str) -> None:
        self._clear(group)
        self._left_out += [LeftOut(path=path, reason=reason) for path, _ in group]

    def _clear(self, group: list[tuple[str, FileStat]]) -> None:
        for path, _ in group:
            with suppress(FileNotFoundError):
                self._fs.unlink(self._tree / path)


def _remove(tools: Tools, directory: Path) -> None:
    fs = tools.fs
    if lstat_or_none(fs, directory) is None:
        return
    for name, stat in list(fs.entries(directory)):
        if stat.is_dir:
            _remove(tools, directory / name)
        else:
            fs.unlink(directory / name)
    fs.rmdir(directory)


class SnapshotCheck(Struct, frozen=True):
    """One file that is not as the manifest says, and why."""

    path: str
    problem: str


def verify_snapshot(tools: Tools, directory: Path) -> tuple[SnapshotManifest, tuple[SnapshotCheck, ...]]:
    """Hash every file of a snapshot again. Raises VaultDamaged where there is no readable manifest."""
    directory = tools.fs.realpath(directory)
    if lstat_or_none(tools.fs, directory / MANIFEST) is None:
        raise VaultDamaged(
            f"{directory} is not a snapshot: it has no {MANIFEST}.", "Pass the directory of a snapshot."
        )
    manifest = read_part(tools.fs, directory / MANIFEST, SnapshotManifest)
    tools.progress.phase("verifying", manifest.bytes)
    wrong: list[SnapshotCheck] = []
    for file in manifest.files:
        try:
            content = content_of(tools.fs, directory / TREE / file.path, tools.progress.advance)
        except FileNotFoundError:
            wrong.append(SnapshotCheck(file.path, "is gone"))
            continue
        except OSError as error:
            wrong.append(SnapshotCheck(file.path, error.strerror or type(error).__name__))
            continue
        if content.sha256 != file.sha256:
            wrong.append(SnapshotCheck(file.path, "has changed"))
    return manifest, tuple(wrong)
