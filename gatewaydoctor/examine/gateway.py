"""Whether a gateway runs on what was found. A store alone may be that of a state directory elsewhere."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.gateway.liveness import Evidence, GatewayState, Liveness, Witness
from gatewaydoctor.model.gateway.place import StateDirSource
from gatewaydoctor.state.alive.liveness import gateway_liveness
from gatewaydoctor.state.alive.programs import is_openclaw
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.locate import locate, surely_kept, usual_state_dirs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.examine.found import Found
    from gatewaydoctor.examine.world import Where, World
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.place import Place


_PATHS = ("OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR", "HOME")


def gateway_of(world: World, where: Where, found: Found) -> GatewayState:
    """The verdict, with everything that was asked. For a store alone every gateway counts whose state directory has
    it among its stores. Where none is found, and the store lies in no state directory either, that cannot be known:
    its folder has no lock and no port."""
    place = found.place
    own = _ask(world, place, found.config)
    if place.store is None or place.source is not StateDirSource.STORE:
        return own
    owners = [_owner(world, *each) for each in _owners(world, where, place.store, place.real_dir)]
    if own.liveness is Liveness.LIVE or surely_kept(world.fs, place):
        return _together([own, *owners])
    return _together(owners or [_of_unknown_directory(place.store)])


def _ask(world: World, place: Place, config: Config) -> GatewayState:
    return gateway_liveness(world.fs, place, config, world.env, world.processes, world.now, world.probe)


def _owner(world: World, place: Place, config: Config) -> GatewayState:
    state = _ask(world, place, config)
    text = f"This store is one of the state directory {place.state_dir}."
    note = Evidence(Witness.STORE, state.liveness, text, path=place.state_dir)
    return GatewayState(state.liveness, (*state.evidence, note))


def _owners(world: World, where: Where, store: Path, but: Path) -> Iterator[tuple[Place, Config]]:
    """State directories, the usual ones here and of whatever OpenClaw runs, that have the store among theirs."""
    fs, real = world.fs, world.fs.realpath(store)
    usual = (directory for env in (world.env, *_running(world)) for directory in usual_state_dirs(fs, env))
    for directory in dict.fromkeys(map(fs.realpath, usual)):
        if directory == but:
            continue
        try:
            place = locate(fs, world.env, state_dir=str(directory), config=where.config)
            config = load_config(fs, place, world.env)
            if any(fs.realpath(each.path) == real for each in list_stores(fs, place, config)):
                yield place, config
        except (DoctorError, OSError):
            continue


def _running(world: World) -> Iterator[Mapping[str, str]]:
    """The environments of running OpenClaw processes, as far as they may be seen."""
    try:
        for pid, argv in world.processes.command_lines():
            if argv is not None and is_openclaw(argv) and (env := world.processes.environ(pid)) is not None:
                yield _absolute(env, world.processes.working_directory(pid) or "/")
    except OSError:
        return


def _absolute(env: Mapping[str, str], directory: str) -> Mapping[str, str]:
    """The environment with the relative paths of its process resolved against that process's directory."""
    return {
        name: posixpath.join(directory, value.strip())
        if name in _PATHS and value.strip()[:1] not in ("", "~")
        else value
        for name, value in env.items()
    }


def _of_unknown_directory(store: Path) -> GatewayState:
    text = f"Cannot tell which state directory {store} belongs to, so its gateway cannot be checked."
    return GatewayState(Liveness.UNKNOWN, (Evidence(Witness.STORE, Liveness.UNKNOWN, text, path=store),))


def _together(states: list[GatewayState]) -> GatewayState:
    found = {state.liveness for state in states}
    worst = next(each for each in (Liveness.LIVE, Liveness.UNKNOWN, Liveness.DEAD) if each in found)
    return GatewayState(worst, tuple(evidence for state in states for evidence in state.evidence))
