"""`$include` in the config: other files merged in, within bounds (docs/gateway.md section 1, config/includes of
2026.3.28)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.config import ConfigProblem
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.state.config.text import Unreadable, parse_config
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.state.place.home import trimmed, user_path
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.system.fs import ReadFs

INCLUDE = "$include"
MAX_BYTES = 2 * 1024 * 1024
"""The gateway's own limit for one included file."""

MAX_DEPTH = 10
MAX_FILES = 200
MAX_TOTAL_BYTES = 4 * MAX_BYTES
_BLOCKED_KEYS = frozenset({"__proto__", "prototype", "constructor"})


class Includes(Struct):
    """Resolves the includes of one config. `read` fills with the files read, in order."""

    fs: ReadFs
    roots: tuple[Path, ...]
    read: list[Path] = field(default_factory=list)
    bytes_read: int = 0

    def resolve(self, value: object, file: Path, chain: tuple[Path, ...] = ()) -> object:
        """`value` with every include merged in; `file` is where it stands. Raises Unreadable, and RecursionError for
        a document with includes that is nested too deeply."""
        return self._resolved(value, file, chain) if _includes_any(value) else value

    def _resolved(self, value: object, file: Path, chain: tuple[Path, ...]) -> object:
        match value:
            case list():
                return [self._resolved(item, file, chain) for item in value]
            case dict() if INCLUDE in value:
                included = self._included(value[INCLUDE], file, chain)
                beside = {key: self._resolved(item, file, chain) for key, item in value.items() if key != INCLUDE}
                if beside and not isinstance(included, dict):
                    raise _refused(file, "keys next to $include need an included object")
                return deep_merge(included, beside) if beside else included
            case dict():
                return {key: self._resolved(item, file, chain) for key, item in value.items()}
            case _:
                return value

    def _included(self, what: object, file: Path, chain: tuple[Path, ...]) -> object:
        match what:
            case str():
                return self._load(what, file, chain)
            case list():
                merged: object = {}
                for item in what:
                    if not isinstance(item, str):
                        raise _refused(file, "$include lists something that is not a path")
                    merged = deep_merge(merged, self._load(item, file, chain))
                return merged
            case _:
                raise _refused(file, "$include is neither a path nor a list of paths")

    def _load(self, text: str, file: Path, chain: tuple[Path, ...]) -> object:
        path = Path(os.path.normpath(file.parent / text))
        chain = (*chain, file)
        self._guard(path, file, chain)
        try:
            stat = self.fs.stat(path)
            if not stat.is_file or stat.size > MAX_BYTES or stat.nlink > 1:
                raise _refused(
                    path, f"an included file must be a regular file of at most {MAX_BYTES} bytes, one link"
                )
            data = read_up_to(self.fs, path, MAX_BYTES + 1)
        except OSError as error:
            seen = unreadable(path, error)
            if seen.missing:  # and so it is for the gateway
                raise _refused(path, f"it cannot be read: {seen.reason}") from None
            raise Unreadable(ConfigProblem(path, seen.reason, obstacle=seen.obstacle)) from None
        self.read.append(path)
        self.bytes_read += len(data)
        return self.resolve(parse_config(data, path), path, chain)

    def _guard(self, path: Path, file: Path, chain: tuple[Path, ...]) -> None:
        if "\0" in str(path):
            raise _refused(file, "$include names an impossible path")
        if path in chain:
            raise _refused(file, "includes go round in a circle")
        if len(chain) > MAX_DEPTH:
            raise _refused(file, f"includes are nested more than {MAX_DEPTH} deep")
        # The gateway has no such bound, and does not come back from files that include each other twice, ten deep.
        if len(self.read) >= MAX_FILES or self.bytes_read > MAX_TOTAL_BYTES:
            problem = ConfigProblem(file, "too many or too large includes", obstacle=Obstacle.BEYOND_LIMIT)
            raise Unreadable(problem)
        inside = any(path.is_relative_to(root) for root in self.roots)
        try:
            real = self.fs.realpath(path)
            real_roots = [self.fs.realpath(root) for root in self.roots]
        except (OSError, RuntimeError):
            raise _refused(file, "$include names a path that cannot be resolved") from None
        if not inside or not any(real.is_relative_to(root) for root in real_roots):
            raise _refused(file, "$include leaves the directory of the config")


def _includes_any(document: object) -> bool:
    """Whether $include is a key anywhere in it, at any depth."""
    waiting = [document]
    while waiting:
        match waiting.pop():
            case dict() as found:
                if INCLUDE in found:
                    return True
                waiting += found.values()
            case list() as found:
                waiting += found
    return False


def _refused(path: Path, text: str) -> Unreadable:
    return Unreadable(ConfigProblem(path, text))


def include_roots(config: Path, env: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The config's directory and those in OPENCLAW_INCLUDE_ROOTS (honoured since 5.22)."""
    listed = (trimmed(env, "OPENCLAW_INCLUDE_ROOTS") or "").split(os.pathsep)
    return config.parent, *(user_path(entry, home) for entry in listed if entry.strip())


def deep_merge(base: object, over: object) -> object:
    """Lists are joined, objects merged key by key, anything else is replaced by `over`."""
    match base, over:
        case list(), list():
            return [*base, *over]
        case dict(), dict():
            merged = dict(base)
            for key, value in over.items():
                if key not in _BLOCKED_KEYS:
                    merged[key] = deep_merge(merged[key], value) if key in merged else value
            return merged
        case _:
            return over
