"""Listing a directory: one pass, one stat a file, 100,000 files in well under a second."""

from __future__ import annotations

import errno
import stat as stat_module
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.files import (
    ARCHIVES,
    PRIMARY,
    ClassTotals,
    FileClass,
    FileRecord,
    Listing,
    NodeKind,
    Obstacle,
    OwnerMode,
    Unreadable,
)
from gatewaydoctor.state.history.names import STORE_NAME, classify, name_stamp, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat, ReadFs

_NODES = {
    stat_module.S_IFREG: NodeKind.FILE,
    stat_module.S_IFLNK: NodeKind.SYMLINK,
    stat_module.S_IFDIR: NodeKind.DIRECTORY,
}
# EINVAL is what ReadFs.open says of a FIFO or a device, ENXIO what the system says of a socket.
_NOT_A_FILE = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO})
_STAMPED = ARCHIVES | {FileClass.STORE_BACKUP}


def unreadable(path: Path, error: OSError) -> Unreadable:
    """The error as a value. Its own path is left out: it may be relative to something else."""
    return Unreadable(path, error.strerror or type(error).__name__, obstacle(error))


def obstacle(error: OSError) -> Obstacle:
    match error:
        case FileNotFoundError():
            return Obstacle.MISSING
        case PermissionError():
            return Obstacle.FORBIDDEN
        case _ if error.errno in _NOT_A_FILE:
            return Obstacle.NOT_A_FILE
        case _:
            return Obstacle.FAILED


def list_files(fs: ReadFs, directory: Path, store: str = STORE_NAME) -> Listing:
    """List, stat and classify every entry of a directory, usually one of sessions. A file that vanishes meanwhile is
    left out; a directory that cannot be listed is a `problem`. Nothing is raised."""
    files: list[FileRecord] = []
    owners: Counter[tuple[int, int, int, bool]] = Counter()
    problem = None
    try:
        for name, stat in fs.entries(directory):
            files.append(_record(name, stat, store))
            owners[stat.uid, stat.gid, stat.mode & 0o7777, files[-1].node is NodeKind.DIRECTORY] += 1
    except OSError as error:
        problem = unreadable(directory, error)
    return Listing(
        directory,
        tuple(files),
        tuple(OwnerMode(*key, count) for key, count in owners.most_common()),
        problem,
        store,
    )


def seen_by(listing: Listing, store: str) -> Listing:
    """The same directory with its files classed for a store of this name: several stores may lie in one."""
    if listing.store == store:
        return listing
    classed = ((record, classify(record.name, store)) for record in listing.files)
    files = tuple(
        record if record.cls is cls else replace(record, cls=cls, stamp=_stamp(record.name, cls))
        for record, cls in classed
    )
    return replace(listing, files=files, store=store)


def totals(files: Iterable[FileRecord]) -> dict[FileClass, ClassTotals]:
    """Counts, bytes and the span of ages per class, regular files and symlinks only (a link counts no bytes)."""
    groups: dict[FileClass, list[FileRecord]] = defaultdict(list)
    for record in files:
        if record.node in (NodeKind.FILE, NodeKind.SYMLINK):
            groups[record.cls].append(record)
    return {cls: _total(members) for cls, members in groups.items()}


class DirectoryIndex:
    """Which names one sessions directory holds, and which of them are of a given session."""

    def __init__(self, files: Iterable[FileRecord]) -> None:
        self._names: set[str] = set()
        self._others: defaultdict[str, list[str]] = defaultdict(list)
        for record in files:
            self._names.add(record.name)
            if record.cls in _FOUND_BY_SESSION and (owner := parse_name(record.name).session_id):
                self._others[owner].append(record.name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def knows(self, session_id: str) -> bool:
        """Whether any file here is of the session."""
        return session_id in self._others or f"{session_id}.jsonl" in self._names

    def transcript_of(self, session_id: str) -> str | None:
        """A primary transcript of the session: `<id>.jsonl`, else a topic or fork of it (the last by name)."""
        if f"{session_id}.jsonl" in self._names:
            return f"{session_id}.jsonl"
        return self._pick(session_id, PRIMARY)

    def names_of(self, session_id: str) -> tuple[str, ...]:
        """Topic and fork transcripts of the session, and its archives."""
        return tuple(self._others.get(session_id, ()))

    def archive_of(self, session_id: str) -> str | None:
        """The session's newest archive, where the gateway set the transcript aside."""
        return self._pick(session_id, ARCHIVES)

    def _pick(self, session_id: str, classes: frozenset[FileClass]) -> str | None:
        if session_id not in self._others:
            return None
        found = (name for name in self._others[session_id] if classify(name) in classes)
        return max(found, key=lambda name: (name_stamp(name, classify(name)) or 0, name), default=None)


_FOUND_BY_SESSION = ARCHIVES | {FileClass.TOPIC, FileClass.FORK}


def _record(name: str, stat: FileStat, store: str) -> FileRecord:
    cls = classify(name, store)
    node = _NODES.get(stat_module.S_IFMT(stat.mode), NodeKind.OTHER)
    return FileRecord(name, cls, stat.size, stat.mtime, _stamp(name, cls), node, stat.nlink)


def _stamp(name: str, cls: FileClass) -> int | None:
    return name_stamp(name, cls) if cls in _STAMPED else None


def _total(members: list[FileRecord]) -> ClassTotals:
    size = sum(record.size for record in members if record.node is NodeKind.FILE)
    ages = [record.at for record in members]
    return ClassTotals(len(members), size, min(ages), max(ages))
