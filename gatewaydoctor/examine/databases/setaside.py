"""Databases that hold rows of another one: what the gateway or an operator set aside next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.examine.databases.inventory import NODES, session_rows
from gatewaydoctor.examine.sessions.copies import LostRow, StoreCopy
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, parse_key
from gatewaydoctor.storage.database.rescue import rescue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.era import Leftover
    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.system.fs import ReadFs

RENAMED = "corrupt-database"
"""What the recovery of the gateway makes of a damaged database: it goes on with an empty one."""
_MARK = ".corrupt-"


def open_source(fs: ReadFs, path: Path) -> Rescue | None:
    """What can be read of a database; of one that the gateway's recovery renamed, with the log it renamed too. Raises
    OSError."""
    name, mark, stamp = path.name.partition(_MARK)
    return rescue(fs, path, path.with_name(f"{name}-wal{mark}{stamp}") if mark else None)


def copies_of(path: Path, leftovers: Iterable[Leftover]) -> list[Leftover]:
    """Which of these are copies of the database at `path`, the newest first."""
    return sorted((each for each in leftovers if each.is_copy_of(path)), key=lambda each: -each.mtime)


def owner_of(source: Rescue) -> str | None:
    """The agent that the database says it is of."""
    rows = source.rows("schema_meta", ("agent_id",))
    return next((value for (value,) in rows if isinstance(value, str)), None)


def is_people(key: str) -> bool:
    """Whether a session under this key is a conversation."""
    return parse_key(key).kind not in MACHINE_KINDS


def conversations_in_renamed(
    fs: ReadFs, path: Path, agent_id: str, leftovers: Iterable[Leftover], is_known: Callable[[str], bool]
) -> tuple[StoreCopy, ...]:
    """The databases of an agent that a recovery renamed, with the conversations in them that no store has, and those
    of which not every session row can be read."""
    found = []
    for each in copies_of(path, leftovers):
        if each.kind != RENAMED:
            continue
        try:
            source = open_source(fs, each.path)
            if source is None:
                continue
            with source:
                if owner_of(source) not in (None, agent_id):
                    continue
                keys = dict.fromkeys(key for key, _ in session_rows(source) if is_people(key) and not is_known(key))
                gap = _gap(source)
        except OSError as error:
            keys, gap = {}, error.strerror or type(error).__name__
        if keys or gap:
            found.append(StoreCopy(each.path, tuple(LostRow(key) for key in keys), gap))
    return tuple(found)


def _gap(source: Rescue) -> str | None:
    """Why session rows of it may be unknown."""
    if NODES not in source.tables:
        return "no table of sessions can be found in it"
    return "some of its session rows cannot be read" if source.damaged(NODES) else None
