"""The first steps of every look: the directory, its config, its stores; and what `--store FILE` may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.place import StoreOrigin, StoreRef
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.place.agents import STORE_NAME, list_stores
from gatewaydoctor.state.place.era import read_eras
from gatewaydoctor.state.place.locate import KEPT, locate
from gatewaydoctor.state.place.recognise import CONFIG_NAMES, enclosing, require_outermost, require_state
from gatewaydoctor.storage.files.reader import StoreReader

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.examine.world import Where, World
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place
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
    return "JSON without a session in it" if rows and reader.reading.fault is None else None


class Found(Struct, frozen=True):
    """A state directory with its config and the stores to examine, none of them read yet."""

    place: Place
    config: Config
    stores: tuple[StoreRef, ...]


def find(world: World, where: Where, *, remains: bool = False) -> Found:
    """Raises DoctorError where the directory cannot be found or opened, holds nothing of a gateway, or an option
    makes no sense. With `remains` anything that a gateway keeps is enough, and so is a vault."""
    place = locate(
        world.fs,
        world.env,
        state_dir=where.state_dir,
        config=where.config,
        profile=where.profile,
        store=where.store,
    )
    if place.store is None:
        require_outermost(world.fs, place.state_dir)
    config = load_config(world.fs, place, world.env)
    stores = list_stores(world.fs, place, config, where.agent)
    if place.store is not None:
        require_sessions(world.fs, place.store)
    elif not any(store.exists for store in stores) and not (remains and KEPT & set(world.fs.names(place.state_dir))):
        require_state(world.fs, place.state_dir)
    return Found(place, config, stores)


def sources(fs: ReadFs, found: Found, agent: str | None) -> tuple[tuple[StoreRef, Era], ...]:
    """Every store of sessions that is there, of either era: files, then the databases of agents that have one. A
    store named on the command line is alone."""
    files = tuple((ref, Era.FILES) for ref in found.stores if ref.exists)
    if found.place.store is not None:
        return files
    wanted = normalize_agent_id(agent) if agent is not None else None
    databases = (
        (StoreRef(each.agent_id, each.database.path, StoreOrigin.DISCOVERED, True, (each.agent_id,)), each.era)
        for each in read_eras(fs, found.place.state_dir, found.stores).agents
        if each.era.sessions_in_database and each.database is not None and wanted in (None, each.agent_id)
    )
    return (*files, *databases)
