"""The rows of a sessions.json one by one, while it is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.storage.files.reader import StoreReader
from gatewaydoctor.storage.files.survey import entries, hidden_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.system.fs import ReadFs


class FileSessions:
    """The rows the gateway sees, in file order. `opened` and `problem` are known once they were asked for."""

    def __init__(self, fs: ReadFs, path: Path, main_key: str) -> None:
        self.path = path
        self.opened = False
        self.problem: str | None = None
        self._fs = fs
        self._main_key = main_key

    def entries(self) -> Iterator[Entry]:
        try:
            with self._fs.open(self.path) as stream:
                self.opened = True
                size = self._fs.stat(self.path).size
                hidden = frozenset(hidden_rows(StoreReader(stream, size)))
                stream.seek(0)
                reader = StoreReader(stream, size)
                rows = enumerate(entries(reader, self._main_key))
                yield from (entry for row, (entry, _) in rows if row not in hidden)
                fault = reader.verdict.fault
        except OSError as error:
            self.problem = f"could not be read: {error.strerror or type(error).__name__}"
            return
        if fault is not None:
            self.problem = f"{fault.sentence}; only the sessions before the damage are listed"
