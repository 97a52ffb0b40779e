"""When a transcript that a row names was last written to: a sign of life of the row (architecture.md section 6)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, FileClass
from gatewaydoctor.state.history.names import parse_name, topic_owners
from gatewaydoctor.system.fs import is_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.files import Listing
    from gatewaydoctor.state.history.pointers import Pointers
    from gatewaydoctor.system.fs import ReadFs

MOST_DIRECTORIES = 1000


class ListedTimes:
    """The newest mtime (epoch ms) of the listed transcripts, by their name and, for topics and forks, by their
    session. Names count whatever directory they are in."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self.by_name: dict[str, int] = {}
        self.by_session: dict[str, int] = {}
        for listing in listings:
            for record in listing.files:
                if record.cls in PRIMARY:
                    _note(self.by_name, record.name, record.mtime)
                    for session_id in _parents(record.name, record.cls):
                        _note(self.by_session, session_id, record.mtime)


def _note(times: dict[str, int], name: str, mtime: int) -> None:
    times[name] = max(mtime, times.get(name, mtime))


def _parents(name: str, cls: FileClass) -> tuple[str, ...]:
    if cls is FileClass.TOPIC:
        return topic_owners(name)
    session_id = parse_name(name).session_id if cls is FileClass.FORK else None
    return (session_id,) if session_id else ()


class TranscriptSigns:
    """For the rows of one store. Where a sessionFile leads to a directory that was not listed, that file is asked
    for."""

    def __init__(self, fs: ReadFs, listed: ListedTimes, pointers: Pointers) -> None:
        self._fs = fs
        self._listed = listed
        self._pointers = pointers
        self._directories: dict[str, Path | None] = {}

    def newest(self, entry: Entry, row: int = 0) -> int | None:
        """The newest mtime (epoch ms) of any transcript the row may mean; None where none is there."""
        found = [self._listed.by_name.get(name) for name in entry.transcript_names]
        if entry.session_id:
            found.append(self._listed.by_session.get(entry.session_id))
        if entry.session_file:
            found.append(self._elsewhere(entry.session_file))
        return max((mtime for mtime in found if mtime is not None), default=None)

    def _elsewhere(self, session_file: str) -> int | None:
        pointer = session_file.strip()
        name = pointer.replace("\\", "/").rpartition("/")[2]
        spelled = pointer[: len(pointer) - len(name)]
        if not spelled or not name:
            return None
        directory = self._directories.get(spelled) if spelled in self._directories else self._find(spelled, pointer)
        return _mtime(self._fs, directory / name) if directory else None

    def _find(self, spelled: str, pointer: str) -> Path | None:
        """The directory a pointer leads to, None where it was listed or is not there."""
        directory = Path(self._pointers.directory_of(pointer) or "/")
        elsewhere = str(directory) not in self._pointers.directories
        found = directory if elsewhere and is_directory(self._fs, directory) else None
        if len(self._directories) < MOST_DIRECTORIES:
            self._directories[spelled] = found
        return found


def _mtime(fs: ReadFs, path: Path) -> int | None:
    try:
        stat = fs.stat(path)
    except OSError:
        return None
    return stat.mtime if stat.is_file else None
