"""What reading a database gave: why it could not be read, and where its bytes are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class FaultKind(StrEnum):
    """`missing`: no file (a -wal alone is not a database). `unreadable`: the system refuses. `empty`: 0 bytes.
    `not-a-database`: no header, garbage or encrypted. `log`: the -wal belongs to another page size or format.
    `newer`: a schema that is not known here. `damaged`: pages or rows that do not hold together. `schema`: SQLite
    cannot make sense of its tables. `changed`: it changed each time it was read. `query`: a table or column that was
    asked for is not there."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_A_DATABASE = "not-a-database"
    LOG = "log"
    NEWER = "newer"
    DAMAGED = "damaged"
    SCHEMA = "schema"
    CHANGED = "changed"
    QUERY = "query"


NOT_REGULAR = "Not a regular file"
"""Reason of a fault where a pipe or a device is in place of a file."""

LINKED_LOG, SHM_DIRECTORY = "its -wal is a symbolic link", "its -shm is a directory"
"""Reasons of faults that only a writer meets."""


class Fault(Struct, frozen=True):
    """Why a database, or a part of it, was not read. `reason` completes "it cannot be read: ". `page` is the number
    of the first bad page (1 is the header's), where one is known."""

    kind: FaultKind
    path: Path
    reason: str
    page: int | None = None


class LogFacts(Struct, frozen=True):
    """A -wal as recovery would take it. `frames` and `commits` count what is committed, `tail` the frames after the
    last commit (uncommitted, torn, or left over from before a restart). `used` is False where no frame counts:
    then `reason` says why. `verified` is False where only the checksums of the last transaction were compared."""

    bytes: int
    frames: int = 0
    commits: int = 0
    tail: int = 0
    verified: bool = True
    reason: str | None = None

    @property
    def used(self) -> bool:
        return self.frames > 0


class JournalFacts(Struct, frozen=True):
    """A rollback journal. `hot`: an unfinished transaction, which the next writer undoes; `pages` are put back."""

    bytes: int
    hot: bool
    pages: int = 0
    reason: str | None = None


class TableBytes(Struct, frozen=True):
    """One table with its indexes, in bytes of whole pages (`rows` of the table alone). `payload` is what its rows
    hold; `faults` counts pages of it that could not be read."""

    name: str
    rows: int
    bytes: int
    index_bytes: int
    payload: int
    faults: int = 0

    @property
    def total(self) -> int:
        return self.bytes + self.index_bytes


class DatabaseBytes(Struct, frozen=True):
    """Where the bytes of a database are. `main` is the file's size, `live` the size its pages take with the log laid
    over, `freelist` those of them that hold nothing and are used again before the file grows."""

    main: int
    wal: int
    shm: int
    journal: int
    page_size: int
    live: int
    freelist: int
    tables: tuple[TableBytes, ...]
