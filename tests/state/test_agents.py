from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.model.gateway.place import Skipped, StoreOrigin, StoreRef
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.agents import agents_root_of, list_stores, store_path
from gatewaydoctor.state.place.locate import locate
from gatewaydoctor.system.fs import OsReadFs
from tests.state.fakes import ClosedFs, config_of, place_of

if TYPE_CHECKING:
    from pathlib import Path

FS = OsReadFs()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def add_store(state: Path, name: str) -> Path:
    store = state / "agents" / name / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    store.write_text("{}")
    return store


def stores_of(state: Path, config: object = None, agent: str | None = None) -> tuple[StoreRef, ...]:
    text = None if config is None else json.dumps(config)
    return list_stores(FS, place_of(state), config_of(state, text), agent)


def agents(*names: str) -> dict[str, object]:
    return {"list": [{"id": name} for name in names]}


def test_an_empty_directory_has_the_default_agents_store_which_is_not_there(state: Path) -> None:
    path = state / "agents" / "main" / "sessions" / "sessions.json"
    assert stores_of(state) == (StoreRef("main", path, StoreOrigin.CONFIGURED, False, ("main",)),)


def test_configured_ones_first_then_what_the_disk_shows(state: Path) -> None:
    for name in ("zeta", "main", "Ops"):
        add_store(state, name)
    found = stores_of(state, {"agents": agents("zeta", "new")})
    assert [(store.agent_id, store.origin, store.exists) for store in found] == [
        ("zeta", StoreOrigin.CONFIGURED, True),
        ("new", StoreOrigin.CONFIGURED, False),
        ("ops", StoreOrigin.DISCOVERED, True),
        ("main", StoreOrigin.DISCOVERED, True),
    ]
    assert all(store.skipped is None for store in found)


def test_the_template_names_each_agents_store(state: Path) -> None:
    place = place_of(state)
    assert store_path("~/s/{agentId}/{agentId}.json", "ops", place) == state.parent / "s/ops/ops.json"
    assert store_path("/x/../s.json", "ops", place).as_posix() == "/s.json"
    assert store_path(None, "ops", place) == state / "agents/ops/sessions/sessions.json"


def test_a_store_shared_by_all_agents_comes_once(state: Path) -> None:
    shared = state / "all.json"
    shared.write_text("{}")
    found = stores_of(state, {"session": {"store": str(shared)}, "agents": agents("a", "b")})
    assert [(store.path, store.agent_id, store.agent_ids) for store in found] == [(shared, "a", ("a", "b"))]
    assert [store.agent_id for store in stores_of(state, agent="B ")] == ["a"]


def test_stores_under_another_agents_directory_are_found_there(state: Path, tmp_path: Path) -> None:
    add_store(tmp_path / "else", "seen")
    found = stores_of(state, {"session": {"store": f"{tmp_path}/else/agents/{{agentId}}/sessions/sessions.json"}})
    assert [(store.agent_id, store.exists) for store in found] == [("main", False), ("seen", True)]


def test_what_the_gateways_search_passes_over(state: Path, tmp_path: Path) -> None:
    outside = add_store(tmp_path / "outside", "x")
    (state / "agents" / "link" / "sessions").mkdir(parents=True)
    (state / "agents" / "link" / "sessions" / "sessions.json").symlink_to(outside)
    (state / "agents" / "fifo" / "sessions" / "sessions.json").mkdir(parents=True)
    (state / "agents" / "far").mkdir()
    (state / "agents" / "far" / "sessions").symlink_to(outside.parent)
    (state / "agents" / "linked").symlink_to(outside.parent.parent)
    add_store(state, "!!")
    (state / "agents" / "notes.txt").touch()
    found = {store.path.parent.parent.name: store.skipped for store in stores_of(state)}
    assert found == {
        "main": None,
        "!!": Skipped.SHADOWS_MAIN,
        "far": Skipped.OUTSIDE,
        "fifo": Skipped.NOT_REGULAR,
        "link": Skipped.SYMLINK,
        "linked": Skipped.SYMLINK,
    }


def test_a_configured_store_outside_any_agents_directory_may_be_a_link(state: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text("{}")
    (state / "s.json").symlink_to(real)
    (found,) = stores_of(state, {"session": {"store": f"{state}/s.json"}})
    assert (found.exists, found.skipped) == (True, None)


def test_a_sessions_directory_without_a_store_is_listed(state: Path) -> None:
    (state / "agents" / "lost" / "sessions").mkdir(parents=True)
    (state / "agents" / "none").mkdir()
    found = {store.agent_id: store.exists for store in stores_of(state)}
    assert found == {"main": False, "lost": False}


def test_the_layout_before_agents(state: Path) -> None:
    (state / "sessions").mkdir()
    (state / "sessions" / "sessions.json").write_text("{}")
    assert [store.origin for store in stores_of(state)] == [StoreOrigin.CONFIGURED, StoreOrigin.OLD_LAYOUT]


def test_narrowing_to_one_agent(state: Path) -> None:
    add_store(state, "ops")
    assert [store.agent_id for store in stores_of(state, agent="OPS")] == ["ops"]
    with pytest.raises(CannotExamine) as caught:
        stores_of(state, agent="gone")
    assert caught.value.hint == "Use one of: main, ops."
    # An agent whose sessions are all in its database has no store to name.
    (state / "agents" / "gone" / "agent").mkdir(parents=True)
    (state / "agents" / "gone" / "agent" / "openclaw-agent.sqlite").touch()
    assert stores_of(state, agent="gone") == ()


def test_a_store_option_is_the_only_store(state: Path, tmp_path: Path) -> None:
    add_store(state, "main")
    path = add_store(state, "Ops")
    env = {"HOME": str(tmp_path)}
    place = locate(FS, env, store=str(path))
    (found,) = list_stores(FS, place, load_config(FS, place, env))
    assert (found.agent_id, found.path, found.origin) == ("ops", path, StoreOrigin.OPTION)
    place = locate(FS, env, state_dir=str(state), store=str(tmp_path / "gone.json"))
    with pytest.raises(CannotExamine, match="from --store"):
        list_stores(FS, place, load_config(FS, place, env))


def test_an_agents_directory_that_may_not_be_listed(state: Path) -> None:
    add_store(state, "ops")
    found = list_stores(ClosedFs(state / "agents"), place_of(state), config_of(state))
    assert [store.agent_id for store in found] == ["main"]


def test_the_shape_of_a_store_path(tmp_path: Path) -> None:
    assert agents_root_of(tmp_path / "agents/x/sessions/sessions.json") == tmp_path / "agents"
    for other in (
        "agents/x/sessions/s.json",
        "agents/x/other/sessions.json",
        "sessions.json",
        "x/sessions/sessions.json",
    ):
        assert agents_root_of(tmp_path / other) is None
