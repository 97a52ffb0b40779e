"""The only place that asks which engine keeps the sessions of an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.storage.database.sessions import DatabaseStore
from gatewaydoctor.storage.files.sessions import FileStore

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.storage.protocol import SessionStore
    from gatewaydoctor.system.fs import ReadFs


def open_sessions(fs: ReadFs, era: Era, path: Path, main_key: str) -> SessionStore:
    """The sessions in the store at `path`: a sessions.json, or the database of an agent of that era. Nothing is
    opened before they are asked for."""
    match era:
        case Era.FILES | Era.MIXED:
            return FileStore(fs, path, main_key)
        case Era.SQLITE:
            return DatabaseStore(fs, path, main_key)
        case _:
            assert_never(era)
