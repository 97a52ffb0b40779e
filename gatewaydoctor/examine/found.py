"""The first steps of every look: the directory, its config, its stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.examine.storefile import require_sessions
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.locate import KEPT, locate
from gatewaydoctor.state.place.recognise import require_outermost, require_state

if TYPE_CHECKING:
    from gatewaydoctor.examine.world import Where, World
    from gatewaydoctor.model.gateway.agents import StoreRef
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place


@dataclass(frozen=True, slots=True)
class Found:
    """A state directory with its config and the stores to look at, none of them read yet."""

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
