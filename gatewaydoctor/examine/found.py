"""The first steps of every look: the directory, its config, its stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.storefile import require_sessions
from gatewaydoctor.model.gateway.agents import StoreOrigin, StoreRef
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.era import read_eras
from gatewaydoctor.state.place.locate import KEPT, locate
from gatewaydoctor.state.place.recognise import require_outermost, require_state

if TYPE_CHECKING:
    from gatewaydoctor.examine.world import Where, World
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs


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
        if each.era is Era.SQLITE and each.database is not None and wanted in (None, each.agent_id)
    )
    return (*files, *databases)
