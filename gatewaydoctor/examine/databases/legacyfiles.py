"""Files of the file era that a start wants in a database before it comes up (docs/database.md, section 4). Nothing is
judged."""

from __future__ import annotations

import errno
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.legacy import (
    TAKEN_OVER,
    FoundLegacyFile,
    LegacyFault,
    LegacyForm,
    WorkspaceFile,
)
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.state.history.pathmap import mapped
from gatewaydoctor.storage.jsontext.gateway_json import TooMuch, parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.storage.sqlite.header import MAGIC
from gatewaydoctor.system.fs import is_there
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatewaydoctor.model.database.legacy import LegacyFile
    from gatewaydoctor.model.gateway.config import AgentSettings, Config
    from gatewaydoctor.model.gateway.transcript import PathMap
    from gatewaydoctor.system.fs import ReadFs

_CLAIM = ".doctor-importing"
"""Suffix under which the gateway's doctor takes such a file while it imports it."""
_HEADER = b"openclaw-workspace-attestation:v1\n"
_LARGEST = 64 * 1024 * 1024
"""Of a document, or of a line of a log."""
_MOST_BYTES = 1 << 20
_SETUP = ("openclaw-workspace-state.json", ".openclaw/workspace-state.json")


def workspace_files(
    fs: ReadFs, state_dir: Path, config: Config, maps: Sequence[PathMap] = ()
) -> Iterator[WorkspaceFile]:
    """Those of each configured agent that are there, be it as a link to nothing. `maps` bring a workspace of the host
    that wrote the config here."""
    for agent in config.agents:
        there = Path(mapped(str(agent.workspace), maps) or agent.workspace)
        for path in _of_workspace(state_dir, agent, there):
            for each in (path, path.with_name(f"{path.name}{_CLAIM}")):
                if is_there(fs, each):
                    yield WorkspaceFile(each, agent.agent_id, _is_sound(fs, each))
        beside = there.with_name(f"{there.name}.attested")
        if _read(fs, beside).startswith(_HEADER):  # another file of that name is not the gateway's
            yield WorkspaceFile(beside, agent.agent_id, sound=True)


def _is_sound(fs: ReadFs, path: Path) -> bool:
    data = _read(fs, path)
    try:
        return data.startswith(_HEADER) or isinstance(parse(data), dict)
    except Illegal:
        return False


def _read(fs: ReadFs, path: Path) -> bytes:
    """Empty where it cannot be read."""
    try:
        return read_up_to(fs, path, _MOST_BYTES)
    except OSError:
        return b""


def _of_workspace(state_dir: Path, agent: AgentSettings, there: Path) -> Iterator[Path]:
    """Where releases of the file era noted that the workspace of an agent, `there` on this host, was set up."""
    yield from (there / name for name in _SETUP)
    digest = sha256(str(agent.workspace).encode()).hexdigest()
    yield state_dir / "workspace-attestations" / f"{digest}.attested"


def legacy_files(fs: ReadFs, state_dir: Path, skipped: list[tuple[str, str]]) -> Iterator[FoundLegacyFile]:
    """Every one that is there is read whole. What could not be read is added to `skipped` with the reason; nothing is
    raised."""
    for each in TAKEN_OVER:
        for path in _paths(fs, state_dir, each):
            try:
                found = _damage(fs, path, each)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                skipped.append((str(path), unreadable(path, error).reason))
            else:
                if found is not None:
                    yield found


def _paths(fs: ReadFs, state_dir: Path, each: LegacyFile) -> Iterator[Path]:
    path = state_dir / each.pattern
    if "*" not in each.pattern:
        yield path
        return
    try:
        yield from sorted(path.parent / name for name in fs.names(path.parent) if fnmatchcase(name, path.name))
    except OSError:
        return  # without the directory there is none, and one that is closed is told by its permissions


def _damage(fs: ReadFs, path: Path, known: LegacyFile) -> FoundLegacyFile | None:
    if known.form is LegacyForm.LINES:
        return _damaged_line(fs, path, known)
    most = len(MAGIC) if known.form is LegacyForm.DATABASE else _LARGEST
    data = read_up_to(fs, path, most)
    if len(data) == _LARGEST:
        raise _too_long()
    found = _judge(data, known.form)
    return FoundLegacyFile(path, known, found[0], fs.stat(path).size, found[1]) if found else None


def _judge(data: bytes, form: LegacyForm) -> tuple[LegacyFault, int] | None:
    """What is wrong, and the offset of it."""
    if form is LegacyForm.DATABASE:
        # SQLite takes a file of 0 bytes for a new database.
        return None if data in (b"", MAGIC) else (LegacyFault.NOT_A_DATABASE, 0)
    try:
        value = parse(data)
    except TooMuch:
        return None
    except Illegal as error:
        return (LegacyFault.NOT_JSON if data else LegacyFault.EMPTY), error.fault.offset
    if form is LegacyForm.CREDENTIALS:
        return LegacyFault.LEFT, len(data)
    is_object = isinstance(value, dict)
    return (LegacyFault.NOT_AN_OBJECT, 0) if form is LegacyForm.OBJECT and not is_object else None


def _too_long() -> OSError:
    return OSError(errno.EFBIG, "it is too large to be read")


def _damaged_line(fs: ReadFs, path: Path, known: LegacyFile) -> FoundLegacyFile | None:
    """The first line that is not JSON. A log may be long: it is read a line at a time."""
    offset = 0
    with fs.open(path) as stream:
        while line := stream.readline(_LARGEST):
            if len(line) == _LARGEST:
                raise _too_long()
            if line.strip() and _judge(line.strip(), LegacyForm.JSON):
                return FoundLegacyFile(path, known, LegacyFault.BAD_LINE, fs.stat(path).size, offset)
            offset += len(line)
    return None
