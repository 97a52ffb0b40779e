"""The session rows of an agent's database one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.database import Fault
from gatewaydoctor.storage.database.opened import read_database_once
from gatewaydoctor.storage.database.sessions import TABLE, read_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.system.fs import ReadFs


class DatabaseSessions:
    """The rows in the order of their rowids, taken at one moment. `opened` and `problem` are known once they were
    asked for."""

    def __init__(self, fs: ReadFs, path: Path, main_key: str) -> None:
        self.path = path
        self.opened = False
        self.problem: str | None = None
        self._fs = fs
        self._main_key = main_key

    def entries(self) -> Iterator[Entry]:
        found = read_database_once(self._fs, self.path, lambda opened: read_sessions(opened, self._main_key))
        match found:
            case Fault() as fault:
                self.problem = f"could not be read: {fault.reason}"
                return
            case None:
                self.problem = f"has no table {TABLE}"
                return
            case rows:
                self.opened = True
                yield from (entry for _, entry in rows.rows())
        if rows.fault is not None:
            self.problem = f"{rows.fault.reason}; the entries of the sound pages are listed"
