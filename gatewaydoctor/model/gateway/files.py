"""Files of a sessions directory as values: what a name says, and what one reading of the directory found."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class FileClass(StrEnum):
    """What a name in a sessions directory means (docs/gateway.md section 2). Decided by the name alone."""

    STORE = "store"
    TRANSCRIPT = "transcript"
    TOPIC = "topic-transcript"
    FORK = "fork-transcript"
    CHECKPOINT = "checkpoint"
    TRAJECTORY = "trajectory"
    TRAJECTORY_POINTER = "trajectory-pointer"
    ARCHIVE_DELETED = "archive-deleted"
    ARCHIVE_RESET = "archive-reset"
    ARCHIVE_BAK = "archive-bak"
    STORE_BACKUP = "store-backup"
    STORE_TEMP = "store-temp"
    TRANSCRIPT_TEMP = "transcript-temp"
    OTHER_TEMP = "other-temp"
    LOCK = "lock"
    REPAIR_BACKUP = "repair-backup"
    USAGE_CACHE = "usage-cache"
    USAGE_CACHE_LOCK = "usage-cache-lock"
    USAGE_CACHE_TEMP = "usage-cache-temp"
    PROMPTS = "prompts"
    COLD = "cold"
    RETIRED = "retired"
    FOREIGN = "foreign"


PRIMARY = frozenset({FileClass.TRANSCRIPT, FileClass.TOPIC, FileClass.FORK})
"""Transcripts proper: what the gateway of 5.22 calls primary."""

SIDECARS = frozenset({FileClass.CHECKPOINT, FileClass.TRAJECTORY, FileClass.TRAJECTORY_POINTER})

ARCHIVES = frozenset({FileClass.ARCHIVE_DELETED, FileClass.ARCHIVE_RESET, FileClass.ARCHIVE_BAK})
"""Users' archives: never rubbish by themselves (docs/gateway.md, failure 19)."""

TEMPS = frozenset({FileClass.STORE_TEMP, FileClass.TRANSCRIPT_TEMP, FileClass.OTHER_TEMP, FileClass.USAGE_CACHE_TEMP})


class TempFamily(StrEnum):
    """Which writer leaves temp files of this shape (table in docs/gateway.md section 2)."""

    UUID = "2026.3.13 to 2026.4.25"
    FS_SAFE = "2026.5.22"
    REPAIR_MS = "2026.3.13 to 2026.4.25 transcript repair"
    REPAIR_UUID = "2026.5.22 transcript repair"
    PID_UUID = "pid and uuid"
    PID_HEX = "pid and hex"
    UNKNOWN = "unknown"


class FileName(Struct, frozen=True):
    """A name taken apart. `base` is the name of the file it belongs to (its own for the file itself), `session_id`
    the session that file is of. `stamp` is the time in the name (epoch ms), `pid` the writer named there."""

    cls: FileClass
    base: str
    session_id: str | None = None
    topic: str | None = None
    stamp: int | None = None
    pid: int | None = None
    family: TempFamily | None = None


class NodeKind(StrEnum):
    FILE = "file"
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    OTHER = "other"


class FileRecord(Struct, frozen=True):
    """One entry of a sessions directory. Size in bytes, times in epoch ms; `stamp` is set for archives and store
    backups whose name holds a readable time."""

    name: str
    cls: FileClass
    size: int
    mtime: int
    stamp: int | None
    node: NodeKind
    links: int

    @property
    def at(self) -> int:
        """The age that counts: an archive's is in its name, not its mtime (docs/gateway.md section 2)."""
        return self.mtime if self.stamp is None else self.stamp


class ClassTotals(Struct, frozen=True):
    """Regular files of one class: how many, bytes together, oldest and newest `FileRecord.at`."""

    count: int
    bytes: int
    oldest: int
    newest: int


class Obstacle(StrEnum):
    """What kept a file or directory from being read, as far as it tells what others would meet. `forbidden`: to
    whoever ran this, while the gateway may be allowed. `not-a-file`: something else is in its place, for
    everyone. `beyond-limit`: this program does not read so much, while the gateway may. `failed`: anything else, such
    as a bad disk."""

    MISSING = "missing"
    FORBIDDEN = "forbidden"
    NOT_A_FILE = "not-a-file"
    BEYOND_LIMIT = "beyond-limit"
    FAILED = "failed"


class Unreadable(Struct, frozen=True):
    """Something that could not be read, and why in the operating system's words."""

    path: Path
    reason: str
    obstacle: Obstacle = Obstacle.FAILED

    @property
    def missing(self) -> bool:
        return self.obstacle is Obstacle.MISSING


class OwnerMode(Struct, frozen=True):
    """How many files (or directories) share this owner and these permission bits."""

    uid: int
    gid: int
    mode: int
    directory: bool
    count: int


class Listing(Struct, frozen=True):
    """One sessions directory, unsorted, its files classed for the store with the name `store`. `problem` is set where
    the listing could not be had or broke off: then `files` holds what was seen until then."""

    directory: Path
    files: tuple[FileRecord, ...]
    owners: tuple[OwnerMode, ...]
    problem: Unreadable | None = None
    store: str = "sessions.json"
