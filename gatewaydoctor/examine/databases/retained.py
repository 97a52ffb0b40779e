"""Files of earlier releases that an import left where they are, against what its receipt names."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.database.migration import RetainedSource
from gatewaydoctor.model.database.reading import ReceiptFile
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.database.reading import MigratedSource, StateRows
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.system.fs import FileStat, ReadFs

ARCHIVED_STORE = regex(r"legacy-store\.(.+)\.imported-[0-9]+")
_BLOCK = 1 << 20


def retained(fs: ReadFs, state_dir: Path, state: StateRows, eras: Eras, *, whole: bool) -> Iterator[RetainedSource]:
    """Sources that an import left where they are. Without an audit only one that was written later is hashed."""
    for row in state.migrations:
        path = _here(state_dir, row.source)
        if row.removed or row.sha256 is None or path is None or path.name.endswith(".sqlite"):
            continue
        moved = _is_moved(fs, state_dir, path, row, eras)
        told = RetainedSource(row.kind, path, row.status, row.sha256, moved=moved)
        others = {at: seen for name, seen in row.files.items() if (at := _here(state_dir, name)) not in (None, path)}
        changed = tuple(at for at, seen in others.items() if at is not None and _is_changed(fs, at, seen, eras))
        told = replace(told, files=tuple(filter(None, others)), changed=changed)
        try:
            stat = fs.stat(path)
            if row.at is None or stat.mtime > row.at:
                told = replace(told, rewritten_at=stat.mtime)
            yield _hashed(fs, told, eras) if whole or told.rewritten_at is not None else told
        except FileNotFoundError:
            yield replace(told, gone=True)
        except OSError as error:
            yield replace(told, reason=error.strerror or type(error).__name__)


def _is_moved(fs: ReadFs, state_dir: Path, source: Path, row: MigratedSource, eras: Eras) -> bool:
    """Whether the agent's database, or a file that is there still, is another one than its receipt names."""
    for agent in eras.agents:
        if row.database and agent.database and agent.legacy_store and agent.legacy_store.path == source:
            with suppress(OSError):
                stat = fs.stat(agent.database.path)
                if f"{stat.dev}:{stat.ino}" != row.database:
                    return True
    for name, recorded in row.files.items():
        path = _here(state_dir, name)
        with suppress(OSError):
            if path is not None and _is_another(fs.stat(path), recorded):
                return True
    return False


def _is_another(stat: FileStat, recorded: ReceiptFile) -> bool:
    """Whether the receipt names another file, or one of another time or size."""
    now = ReceiptFile((stat.dev, stat.ino), stat.mtime_ns, stat.size)
    pairs = ((now.identity, recorded.identity), (now.mtime_ns, recorded.mtime_ns), (now.size, recorded.size))
    return any(known is not None and known != seen for seen, known in pairs)


def _is_changed(fs: ReadFs, path: Path, recorded: ReceiptFile, eras: Eras) -> bool:
    """Whether the file has other bytes than its receipt names. One that went to the archive of an import has not; of
    one that cannot be read, or of which the receipt tells nothing, that is not said."""
    try:
        stat = fs.stat(path)
        if (stat.mtime_ns, stat.size) == (recorded.mtime_ns, recorded.size):
            return False  # perhaps in a copy of the directory
        if recorded.size is not None and recorded.size != stat.size:
            return True
        return recorded.sha256 is not None and _sha256(fs, path) != recorded.sha256
    except FileNotFoundError:
        own = (each.path.name for agent in eras.agents if agent.agent_id in path.parts for each in agent.leftovers)
        return not any(path.name in name for name in own)
    except OSError:
        return False


def _hashed(fs: ReadFs, told: RetainedSource, eras: Eras) -> RetainedSource:
    told = replace(told, found=_sha256(fs, told.path))
    if told.found == told.recorded:
        return replace(told, rewritten_at=None)
    for agent in eras.agents:
        if agent.agent_id not in told.path.parts:
            continue
        for each in agent.leftovers:
            if ARCHIVED_STORE.fullmatch(each.path.name):
                with suppress(OSError):
                    if _sha256(fs, each.path) == told.recorded:
                        return replace(told, original=each.path)
    return told


def _sha256(fs: ReadFs, path: Path) -> str:
    digest = hashlib.sha256()
    with fs.open(path) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _here(state_dir: Path, recorded: str) -> Path | None:
    """A recorded path in this directory, also where the directory was elsewhere then."""
    path = Path(recorded)
    if not path.is_absolute() or ".." in path.parts:
        return None
    if path.is_relative_to(state_dir):
        return path
    for top in ("agents", "cron", "subagents", "delivery-queue"):
        if top in path.parts:
            return state_dir.joinpath(*path.parts[path.parts.index(top) :])
    return None
