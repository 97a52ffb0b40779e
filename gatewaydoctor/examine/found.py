"""The first steps of every look: the directory, its config, its stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.locate import locate, require_kept

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


def find(world: World, where: Where) -> Found:
    """Raises DoctorError where the directory cannot be found or opened, or an option makes no sense."""
    place = locate(
        world.fs,
        world.env,
        state_dir=where.state_dir,
        config=where.config,
        profile=where.profile,
        store=where.store,
    )
    config = load_config(world.fs, place, world.env)
    stores = list_stores(world.fs, place, config, where.agent)
    if not (place.store or config.exists or any(store.exists for store in stores)):
        require_kept(world.fs, place.state_dir)
    return Found(place, config, stores)
