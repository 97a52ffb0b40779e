"""What `--store FILE` may name: a file of session rows, damaged or not, and no other file of a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.state.place.agents import STORE_NAME
from gatewaydoctor.state.place.recognise import CONFIG_NAMES, enclosing
from gatewaydoctor.storage.files.reader import StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

_DATABASE = b"SQLite format 3\0"
_ROW_FIELDS = ("sessionId", "updatedAt")


def require_sessions(fs: ReadFs, path: Path) -> None:
    """Raises CannotExamine for a file that is surely no session store: a database, a transcript, a config, or JSON
    without one session row in it. A store by its name is one whatever is in it; what cannot be read is told where it
    is read."""
    if path.name.startswith(STORE_NAME):
        return
    try:
        what = _other(fs, path)
    except (OSError, ValueError):
        return
    if what is not None:
        outer = enclosing(fs, path)
        hint = (
            f"For the whole state directory: --state-dir {outer}" if outer else "Name a sessions.json: --store FILE"
        )
        raise CannotExamine(f"{path} is {what}, not a session store (from --store).", hint)


def _other(fs: ReadFs, path: Path) -> str | None:
    with fs.open(path) as stream:
        if stream.read(len(_DATABASE)) == _DATABASE:
            return "a database"
    if path.name in CONFIG_NAMES:
        return "a config"
    if path.suffix == ".jsonl":
        return "a transcript or log"
    with fs.open(path) as stream:
        rows = 0
        # Of size 0: the reading may end early, and no thread may wait for the rest.
        for cut in (reader := StoreReader(stream, 0)):
            rows += 1
            if cut.unread or any(name in (cut.fields or ()) for name in _ROW_FIELDS):
                return None
    return "JSON without a session in it" if rows and reader.verdict.fault is None else None
