"""What a snapshot holds, file by file."""

from __future__ import annotations

import msgspec

SNAPSHOT_SCHEMA_VERSION = "1.0"


class SnapshotFile(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One copied file: `path` is relative to the state directory, `size` in bytes, mode and owner as they were."""

    path: str
    size: int
    sha256: str
    mode: int
    uid: int
    gid: int
    mtime_ns: int


class SnapshotLink(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A symbolic link, kept as a link."""

    path: str
    to: str


class SnapshotDirectory(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A directory with the permission bits it had; in the snapshot all are 0700."""

    path: str
    mode: int


class LeftOut(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something that is not in the snapshot. `harmless`: a log, a socket, a file that was already gone."""

    path: str
    reason: str
    harmless: bool = False


class SnapshotDatabase(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A database of the snapshot, read with its -wal. `sound`: SQLite's own check found nothing; None where it is not
    a database that can be opened. `problem` is the check's first line. `rows` are those of the tables that hold what
    people wrote and planned; `same`: the original had as many (None where it changed since, so that nothing can be
    compared)."""

    path: str
    sound: bool | None
    problem: str | None
    rows: dict[str, int]
    same: bool | None


class SnapshotManifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`created_at` is epoch ms."""

    schema_version: str = SNAPSHOT_SCHEMA_VERSION
    created_at: int
    state_dir: str
    files: tuple[SnapshotFile, ...]
    links: tuple[SnapshotLink, ...]
    directories: tuple[SnapshotDirectory, ...]
    left_out: tuple[LeftOut, ...]
    databases: tuple[SnapshotDatabase, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.files)
