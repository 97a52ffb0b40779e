"""Databases that hold rows of a damaged one: what the gateway or an operator set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.storage.database.rescue import rescue

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.system.fs import ReadFs

_MARK = ".corrupt-"


def open_source(fs: ReadFs, path: Path) -> Rescue | None:
    """What can be read of a database; of one that the gateway's recovery renamed, with the log it renamed too. Raises
    OSError."""
    name, mark, stamp = path.name.partition(_MARK)
    return rescue(fs, path, path.with_name(f"{name}-wal{mark}{stamp}") if mark else None)
