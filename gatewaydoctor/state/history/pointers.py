"""From an entry's sessionFile and sessionId to the file, as the gateway goes (2026.3.28, config/sessions/paths)."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.transcript import Exemption, PointerKind, Presence, Resolution
from gatewaydoctor.state.history.files import DirectoryIndex
from gatewaydoctor.state.history.pathmap import is_absolute, mapped, normal, sessions_root
from gatewaydoctor.state.history.references import basename, is_transcript_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.files import Listing
    from gatewaydoctor.model.gateway.transcript import PathMap
    from gatewaydoctor.system.fs import ReadFs

FRESH_MS = 3_600_000
"""A transcript is first written with the first answer, so an entry younger than this may rightly have none."""

MOST_ALIASES = 1000


def _itself(path: str) -> str:
    return path


def _nowhere(_path: str) -> bool:
    return False


class Pointers:
    """Resolves the entries of one store. `directories` are the sessions directories of the whole tree by their real
    path; `store_dir` is the store's own. `real_path` brings another spelling of a directory to that form. `exists`
    answers for files outside of what was listed (a subdirectory, or a directory a path map leads to)."""

    def __init__(
        self,
        directories: Mapping[str, DirectoryIndex],
        store_dir: str,
        maps: tuple[PathMap, ...] = (),
        real_path: Callable[[str], str] = _itself,
        exists: Callable[[str], bool] = _nowhere,
    ) -> None:
        self.directories = directories
        self.store_dir = store_dir
        self._maps = maps
        self._real_path = real_path
        self._exists = exists
        self._aliases: dict[str, str] = {}
        own = sessions_root(f"{store_dir}/x.jsonl")
        # Any agent's sessions directory below the same root, known here or not; nothing where the layout is another.
        self._siblings = re.compile(f"{re.escape(own[0])}/agents/[^/]+/sessions/" if own else r"(?!)", re.DOTALL)

    def resolve(self, entry: Entry, now: int, *, cli_backed: bool = False, in_database: bool = False) -> Resolution:
        """Whether the entry's transcript is there. `cli_backed`: a CLI backend keeps the history of this session;
        `in_database`: its agent is in the sqlite era. Both excuse an absent file only."""
        kind, directory, name = self._target(entry)
        if kind is PointerKind.NONE and not entry.session_id:
            return Resolution(kind, Presence.UNCLAIMED)
        if name and self._holds(directory, name):
            return Resolution(kind, Presence.PRESENT, name)
        if self._falls_back(kind, entry):
            return Resolution(kind, Presence.PRESENT, f"{entry.session_id}.jsonl")
        here = self.directories.get(self.store_dir)
        if here is not None and (other := _other_transcript(here, entry)):
            return Resolution(kind, Presence.ELSEWHERE, other)
        if excuse := _excuse(entry, now, cli_backed=cli_backed, in_database=in_database):
            return Resolution(kind, Presence.EXEMPT, exemption=excuse)
        archive = here.archive_of(entry.session_id) if here and entry.session_id else None
        return Resolution(kind, Presence.ARCHIVED if archive else Presence.ABSENT, archive)

    def kind_of(self, session_file: str) -> PointerKind:
        """What a sessionFile is, whether or not its target exists."""
        return self._locate(session_file)[0]

    def directory_of(self, session_file: str) -> str:
        """The directory a sessionFile leads to here, in the tree or out of it."""
        pointer = session_file.strip()
        _, directory, name = self._locate(pointer)
        return directory if name else normal(posixpath.join(self.store_dir, pointer)).rpartition("/")[0]

    def _target(self, entry: Entry) -> tuple[PointerKind, str, str]:
        pointer = (entry.session_file or "").strip()
        if pointer:
            return self._locate(pointer)
        return PointerKind.NONE, self.store_dir, f"{entry.session_id}.jsonl" if entry.session_id else ""

    def _locate(self, pointer: str) -> tuple[PointerKind, str, str]:
        """Kind of the pointer, and the directory and name it leads to here (no name where it leads nowhere)."""
        if not is_absolute(pointer):
            path = posixpath.normpath(pointer)
            if path.startswith(".."):
                return PointerKind.ESCAPING, self.store_dir, ""
            directory, _, name = posixpath.join(self.store_dir, path).rpartition("/")
            return PointerKind.INSIDE, directory, name
        directory, _, name = normal(pointer).rpartition("/")
        if kind := self._known(directory):
            return kind, self._alias(directory), name
        brought = mapped(pointer, self._maps)
        if brought is None:
            return PointerKind.FOREIGN, directory, ""
        directory, _, name = brought.rpartition("/")
        return PointerKind.MAPPED, self._alias(directory), name

    def _known(self, directory: str) -> PointerKind | None:
        real = self._alias(directory)
        if real == self.store_dir or real.startswith(f"{self.store_dir}/"):
            return PointerKind.INSIDE
        if real in self.directories or self._siblings.match(f"{real}/"):
            return PointerKind.SIBLING
        return None

    def _alias(self, directory: str) -> str:
        if directory == self.store_dir or directory in self.directories:
            return directory
        if directory not in self._aliases:
            if len(self._aliases) >= MOST_ALIASES:
                return directory
            self._aliases[directory] = self._real_path(directory)
        return self._aliases[directory]

    def _holds(self, directory: str, name: str) -> bool:
        index = self.directories.get(directory)
        return name in index if index is not None else self._exists(f"{directory}/{name}")

    def _falls_back(self, kind: PointerKind, entry: Entry) -> bool:
        """The gateway ignores a pointer out of the tree and opens `<id>.jsonl`, unless it ends in
        `agents/<id>/sessions/<name>`: that it takes at its word and looks for on its own disk."""
        if kind is PointerKind.NONE:
            return False
        pointer = (entry.session_file or "").strip()
        # To a gateway on Linux a Windows path is but an odd name in the directory.
        astray = kind is PointerKind.FOREIGN and pointer.startswith("/") and sessions_root(pointer) is None
        if not astray and kind is not PointerKind.ESCAPING:
            return False
        return bool(entry.session_id) and self._holds(self.store_dir, f"{entry.session_id}.jsonl")


def _other_transcript(here: DirectoryIndex, entry: Entry) -> str | None:
    if entry.session_file and (name := basename(entry.session_file)) in here:
        return name
    session_id = entry.session_id
    if not session_id or not here.knows(session_id):
        return None
    named = (name for name in here.names_of(session_id) if is_transcript_of(name, session_id, entry.key))
    return next(named, None) or here.transcript_of(session_id)


def _excuse(entry: Entry, now: int, *, cli_backed: bool, in_database: bool) -> Exemption | None:
    if cli_backed:
        return Exemption.CLI_BACKEND
    if in_database:
        return Exemption.DATABASE
    sign = entry.last_sign
    return Exemption.FRESH if sign is not None and now - sign < FRESH_MS else None


def tree_pointers(
    fs: ReadFs, listings: Iterable[Listing], store_dir: Path, maps: tuple[PathMap, ...] = ()
) -> Pointers:
    """Pointers over what was listed, asking `fs` for the spelling of other directories and for files elsewhere."""

    def real_path(path: str) -> str:
        try:
            return str(fs.realpath(Path(path)))
        except (OSError, ValueError, RuntimeError):
            # A loop of links, or a name no filesystem takes.
            return path

    def exists(path: str) -> bool:
        try:
            return fs.stat(Path(path)).is_file
        except (OSError, ValueError):
            return False

    directories = {real_path(str(listing.directory)): DirectoryIndex(listing.files) for listing in listings}
    return Pointers(directories, real_path(str(store_dir)), maps, real_path, exists)
