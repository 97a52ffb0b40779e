"""One map from the paths of the host that wrote the state to the paths here (architecture.md section 3, gateway.md,
failure 7)."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.gateway.transcript import DerivedMap, PathMap
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

MOST_PREFIXES = 1000
"""Different source directories examined; real trees have a handful."""

_WINDOWS = regex(r"[A-Za-z]:[\\/]|\\\\")
_SESSIONS_DIR = regex(r"(.*)/agents/([^/]+)/sessions", re.DOTALL)


def parse_path_map(text: str, cwd: str) -> PathMap:
    """`FROM=TO` as typed. FROM is absolute on its own system; TO may be relative to `cwd`. Raises UsageError."""
    source, sign, target = (part.strip() for part in text.partition("="))
    if not sign or not source or not target:
        raise UsageError(f"--path-map {text!r} is not FROM=TO.", "Try --path-map /home/node/.openclaw=$PWD")
    if not is_absolute(source):
        raise UsageError(
            f"--path-map: {source!r} is not an absolute path.", "FROM is the path as written in the sessions."
        )
    return PathMap(_trimmed(normal(source)), _trimmed(posixpath.normpath(posixpath.join(cwd, target))))


def is_absolute(path: str) -> bool:
    """Absolute on Linux, macOS or Windows."""
    return path.startswith("/") or _WINDOWS.match(path) is not None


def normal(path: str) -> str:
    """The path with forward slashes and without `.`, `..` and doubled separators."""
    if _WINDOWS.match(path):
        return posixpath.normpath(path.replace("\\", "/"))
    # POSIX leaves two leading slashes alone; the gateway's path.resolve makes them one.
    return re.sub("^//", "/", posixpath.normpath(path))


def sessions_root(path: str) -> tuple[str, str] | None:
    """For `<root>/agents/<id>/sessions/<name>`, as the gateway lays files out: root and agent id."""
    there = _SESSIONS_DIR.fullmatch(normal(path).rpartition("/")[0])
    return (there[1], there[2]) if there else None


def mapped(path: str, maps: Iterable[PathMap]) -> str | None:
    """The path here, by the first map whose source is the path or a directory above it; None where none is."""
    path = normal(path)
    for each in maps:
        if path == each.source:
            return each.target or "/"
        if path.startswith(f"{each.source}/"):
            return each.target + path[len(each.source) :]
    return None


class MapEvidence:
    """Gathers foreign pointers one by one and says which single map they support. `directories` are the sessions
    directories here, by path, with the names each holds."""

    def __init__(self, directories: Mapping[str, Container[str]], store_dir: str) -> None:
        self._directories = directories
        self._store_dir = store_dir
        self._maps: dict[str, tuple[PathMap, str] | None] = {}
        self._matched: Counter[PathMap] = Counter()
        self._foreign = 0

    def add(self, session_file: str) -> None:
        """Take in one foreign absolute sessionFile."""
        self._foreign += 1
        directory, _, name = normal(session_file.strip()).rpartition("/")
        candidate = self._candidate(directory)
        if candidate is not None and name in self._directories[candidate[1]]:
            self._matched[candidate[0]] += 1

    def best(self) -> DerivedMap | None:
        """The map most pointers support; None where no pointer leads anywhere, or two maps lead equally far."""
        ranked = self._matched.most_common(2)
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            return None
        path_map, matched = ranked[0]
        return DerivedMap(path_map, matched, self._foreign, len(self._matched) - 1)

    def _candidate(self, directory: str) -> tuple[PathMap, str] | None:
        if directory not in self._maps:
            if len(self._maps) >= MOST_PREFIXES:
                return None
            self._maps[directory] = self._guess(directory)
        return self._maps[directory]

    def _guess(self, directory: str) -> tuple[PathMap, str] | None:
        """The state directory for the state directory where the path has the gateway's shape and the agent is known
        here; else this store's directory for that directory."""
        there = _SESSIONS_DIR.fullmatch(directory)
        for here in self._directories if there else ():
            ours = _SESSIONS_DIR.fullmatch(here)
            if there and ours and ours[2] == there[2]:
                return PathMap(there[1], ours[1]), here
        if self._store_dir not in self._directories:
            return None
        return PathMap(directory, self._store_dir), self._store_dir


def derive_path_map(
    session_files: Iterable[str], directories: Mapping[str, Container[str]], store_dir: str
) -> DerivedMap | None:
    """The one map that these foreign pointers support, if any; see MapEvidence."""
    evidence = MapEvidence(directories, store_dir)
    for session_file in session_files:
        evidence.add(session_file)
    return evidence.best()


def _trimmed(path: str) -> str:
    return path.rstrip("/")
