"""What an examination was told by, besides the files it lists: their identity before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.state.cron.cron import state_path
from gatewaydoctor.state.place.agents import agents_root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.sessions.stores import StoreRead
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import FileStat, ReadFs

Inputs = dict["Path", "FileStat | None"]
"""The stat of each, symbolic links followed; None where there was nothing."""


def registry_path(place: Place) -> Path:
    return place.state_dir / "subagents" / "runs.json"


def identities(fs: ReadFs, paths: Iterable[Path]) -> Inputs:
    """What may not be asked is left out."""
    found: Inputs = {}
    for path in paths:
        try:
            found[path] = fs.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            found[path] = None
        except (OSError, ValueError):
            continue
    return found


def files_beside_stores(place: Place, config: Config, eras: Eras) -> Iterator[Path]:
    """Config, cron files, subagent registry, and databases."""
    yield from (config.path, *config.includes)
    yield from (config.cron.store.value, state_path(config.cron.store.value))
    yield registry_path(place)
    yield from (database.path for database in eras.databases)


def store_inputs(fs: ReadFs, place: Place, reads: Iterable[StoreRead]) -> Inputs:
    """The stores that were read or are not there, and the directories in which another one would appear."""
    found: Inputs = {read.ref.path: read.stat for read in reads if read.stat is not None or not read.ref.exists}
    known = {path.parent.parent for path in found}
    roots = {place.state_dir / "agents", *(root for path in found if (root := agents_root_of(path)))}
    return found | identities(fs, (path for root in sorted(roots) for path in _where_stores_appear(fs, root, known)))


def _where_stores_appear(fs: ReadFs, root: Path, known: set[Path]) -> Iterator[Path]:
    yield root
    try:
        names = sorted(fs.names(root))
    except OSError:
        return
    yield from (root / name for name in names if root / name not in known)


def links_on_the_way(fs: ReadFs, state_dir: Path, paths: Iterable[Path]) -> frozenset[Path]:
    """The symbolic links below the state directory through which these paths lead, the paths themselves included."""
    ways = {each for path in paths for each in (path, *path.parents) if state_dir in each.parents}
    return frozenset(each for each in ways if _is_link(fs, each))


def _is_link(fs: ReadFs, path: Path) -> bool:
    try:
        return fs.lstat(path).is_symlink
    except (OSError, ValueError):
        return False
