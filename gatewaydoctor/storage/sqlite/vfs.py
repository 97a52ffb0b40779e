"""SQLite over what is read here: a VFS that opens nothing by itself, locks nothing and cannot write.

It knows one main file and perhaps one log, both given; a temp file is refused, for it could fall into the
working directory.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_numbers = itertools.count(1)


class ReadOnlyFile:
    """What SQLite asks of a file, for one that is only read. Subclasses give `xRead` and `xFileSize`."""

    def xRead(self, amount: int, offset: int) -> bytes:
        raise NotImplementedError

    def xFileSize(self) -> int:
        raise NotImplementedError

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xWrite(self, data: bytes, offset: int) -> None:
        raise apsw.ReadOnlyError("read-only")

    def xTruncate(self, size: int) -> None:
        raise apsw.ReadOnlyError("read-only")

    def xSync(self, flags: int) -> None:
        raise apsw.ReadOnlyError("read-only")


class ReadOnlyVfs(apsw.VFS):
    def __init__(self, opener: Callable[[bool], ReadOnlyFile], *, log: bool, checks: bool) -> None:
        self.name = f"gatewaydoctor-{next(_numbers)}"
        self.path = f"/{self.name}"
        self._opener = opener
        self._log = log
        self._mode = apsw.SQLITE_OPEN_READWRITE if checks else apsw.SQLITE_OPEN_READONLY
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> ReadOnlyFile:  # type: ignore[override]
        asked = flags[0]
        if asked & apsw.SQLITE_OPEN_MAIN_DB or (self._log and asked & apsw.SQLITE_OPEN_WAL):
            flags[1] = self._mode
            return self._opener(bool(asked & apsw.SQLITE_OPEN_WAL))
        raise apsw.CantOpenError("no other file is opened")

    def xAccess(self, pathname: str, flags: int) -> bool:
        return self._log and pathname == f"{self.path}-wal"

    def xFullPathname(self, name: str) -> str:
        return name

    def xDelete(self, filename: str, syncdir: bool) -> None:
        raise apsw.ReadOnlyError("read-only")


@contextmanager
def registered(
    opener: Callable[[bool], ReadOnlyFile], *, log: bool = False, checks: bool = False
) -> Iterator[ReadOnlyVfs]:
    """A VFS for one connection. `opener` is asked with True for the log, which is offered only with `log`. With
    `checks` the file claims that it could be written: SQLite forgets the CHECK constraints of one that cannot, and
    its integrity check passes over them. Writing fails anyway."""
    vfs = ReadOnlyVfs(opener, log=log, checks=checks)
    try:
        yield vfs
    finally:
        vfs.unregister()
