"""Whose database is whose: agents of the config, of directories and of the registry."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from .asked import AGENT_PATH, STATE_PATH, rules, started, told
from .made import AGENT, Made, connect, insert

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_databases_that_only_the_archive_of_an_import_shows(state: Path) -> None:
    for path in (AGENT_PATH, STATE_PATH):
        (state / path).unlink()
    archive = state / "agents/main/session-sqlite-import-archive"
    archive.mkdir()
    (archive / "legacy-store.sessions.json.imported-1796000000000").write_text("{}")
    document = told(state)
    sources = {each["evidence"]["source"] for each in document["findings"] if each["rule"] == "database-missing"}
    assert sources == {"the archive of its import", "the archives of imports"}
    assert document["verdict"]["effect"] == "loses"


def test_a_second_directory_of_an_agent_in_another_spelling(plain: Path) -> None:
    """2026.9.6 takes the rows of both, and refuses what is in both."""
    started(plain)
    (plain / "agents/MAIN/sessions").mkdir(parents=True)
    assert "database-owner" not in rules(plain)
    shutil.copytree(plain / "agents/main/agent", plain / "agents/MAIN/agent")
    found = rules(plain)["database-owner"]
    assert (found["count"], "(exit 1)" in found["consequence"]) == (40, True)
    with closing(connect(plain / "agents/MAIN/agent/openclaw-agent.sqlite")) as database:
        database.execute("UPDATE session_nodes SET session_key = session_key || '0000', entry_valid = 1")
    assert "database-owner" not in rules(plain)


def test_a_hidden_copy_of_the_directory_of_an_agent_is_passed_over(plain: Path) -> None:
    started(plain)
    shutil.copytree(plain / "agents/main", plain / "agents/.main")
    assert "database-owner" not in rules(plain)


@pytest.mark.parametrize("due", [True, False])
@pytest.mark.parametrize("also", ["leftover", "quarantined"])
def test_what_a_start_passes_over_with_an_agent_that_it_leaves_out(plain: Path, also: str, due: bool) -> None:
    agents = {"entries": {"main": {"default": True}, "second": {}}}
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    second.write_bytes(b"garbage" * 1_000)
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="second", path=str(second), schema_version=23)
    if not due:
        started(plain)
    if also == "leftover":
        (second.parents[1] / "sessions").mkdir()
        (second.parents[1] / "sessions/sessions.json").write_text('{"agent:second:main": {"sessionId": "x"}}')
    else:
        with closing(connect(plain / "state/openclaw-quarantine.sqlite")) as database:
            columns = "path TEXT, kind TEXT, reason TEXT, quarantined_at INTEGER"
            database.execute(f"CREATE TABLE quarantined_databases ({columns})")
            database.execute("INSERT INTO quarantined_databases VALUES (?, 'agent', 'x', 1)", (str(second),))
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "without the sessions of this agent" in verdict["reason"]) == ("at-risk", True)


def test_an_agent_whose_database_is_that_of_the_first_is_left_out(plain: Path) -> None:
    """2026.9.6 started without its sessions, where the file is hard-linked and where it is a link."""
    agents = {"entries": {"main": {"default": True}, "second": {}}}
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))
    started(plain)
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    os.link(plain / AGENT_PATH, second)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "without the sessions of this agent" in verdict["reason"]) == ("at-risk", True)


@pytest.mark.parametrize(
    ("agents", "start"),
    [({}, "yes"), ({"main": {}, "second": {"default": True}}, "yes"), ({"second": {"default": True}}, "at-risk")],
)
def test_sessions_of_main_where_the_config_does_not_have_it(plain: Path, agents: dict[str, Any], start: str) -> None:
    """2026.9.6 moved the rows to the default agent, and those of the same keys to `legacy-main-conflict-1` and on."""
    config = {"gateway": {"mode": "local"}} | ({"agents": {"entries": agents}} if agents else {})
    (plain / "openclaw.json").write_text(json.dumps(config))
    (plain / "config-journal-fingerprint.key").write_bytes(bytes(32))
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "moves them all to the default agent" in verdict["reason"]) == (
        start,
        start == "at-risk",
    )


@pytest.mark.parametrize(
    ("agents", "told_of"),
    [
        ({"list": [{"id": "main", "default": True}, {"id": "second"}]}, None),
        ({"list": [{"default": True}, {"id": "second"}]}, None),
        ({"list": [{"id": "main"}, {"id": "second"}, {"id": "second"}]}, None),
        ({"list": [{"id": "main"}, {"id": "second", "agentDir": "/srv/second"}]}, None),
        ({"list": [{"id": "main", "default": True}, {"id": "second", "default": True}]}, "2 agents"),
        ({"entries": {"main": {"default": True}, "second": {"default": True}}}, "2 agents"),
        ({"list": [{"id": "main"}, {"id": "second", "agentDir": "STATE/agents/main/agent"}]}, "one agentDir"),
    ],
)
def test_agents_that_2026_9_6_does_not_take_from_the_config(
    plain: Path, agents: dict[str, Any], told_of: str | None
) -> None:
    """As it took each at a start; `openclaw config validate` of the same release wants an id, a start does not."""
    started(plain)
    text = json.dumps({"gateway": {"mode": "local"}, "agents": agents})
    (plain / "openclaw.json").write_text(text.replace("STATE", str(plain)))
    found = rules(plain).get("config-refused")
    assert (told_of is None) is (found is None)
    if found is not None:
        assert str(told_of) in found["message"]
        assert "(exit 78)" in told(plain)["verdict"]["reason"]


def test_databases_are_where_session_store_puts_them(plain: Path) -> None:
    """2026.9.6 moved all sessions of an agent to a database next to the file that `session.store` names, and left
    empty ones behind."""
    started(plain)
    with closing(connect(plain / STATE_PATH)) as database:
        for path in (AGENT_PATH, "my/main.sqlite"):
            insert(database, "agent_databases", agent_id="main", path=path, schema_version=23)
    (plain / "my").mkdir()
    shutil.copyfile(plain / AGENT_PATH, plain / "my/main.sqlite")
    with closing(connect(plain / AGENT_PATH)) as database:
        database.execute("DELETE FROM session_nodes")
    config = {"gateway": {"mode": "local"}, "session": {"store": f"{plain}/my/{{agentId}}.json"}}
    (plain / "openclaw.json").write_text(json.dumps(config))
    assert told(plain)["verdict"]["stake"]["conversations"] == 40
    (plain / "my/main.sqlite").unlink()
    assert rules(plain)["database-missing"]["path"].endswith("my/main.sqlite")


@pytest.mark.parametrize("known", ["nobody", "folder", "config"])
def test_a_registered_agent_without_a_database(state: Path, known: str) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        path = "agents/ghost/agent/openclaw-agent.sqlite"
        insert(database, "agent_databases", agent_id="ghost", path=path, schema_version=23)
    if known == "folder":
        (state / "agents/ghost").mkdir()
    if known == "config":
        config = {"gateway": {"mode": "local"}, "agents": {"list": [{"id": "main"}, {"id": "ghost"}]}}
        (state / "openclaw.json").write_text(json.dumps(config))
    assert rules(state)["database-missing"]["severity"] == ("info" if known == "nobody" else "critical")


def test_a_store_of_an_agent_without_a_database_stops_a_start_that_imports_nothing_any_more(state: Path) -> None:
    (state / "agents/third/sessions").mkdir(parents=True)
    (state / "agents/third/sessions/sessions.json").write_text('{"agent:third:main": {"sessionId": "x"}}')
    assert rules(state)["legacy-store-beside-sqlite"]["severity"] == "warning"
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    found = rules(state)["legacy-store-beside-sqlite"]
    assert (found["severity"], "exit 78" in found["consequence"]) == ("error", True)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_two_agents_with_one_file_keep_no_gateway_from_starting(
    state: Path, link: Callable[[Path, Path], None]
) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=23, agent_id="main")
    second = state / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    link(state / AGENT_PATH, second)

    def owners() -> dict[str, dict[str, Any]]:
        found = [each for each in told(state)["findings"] if each["rule"] == "database-owner"]
        return {each["agentId"]: each for each in found if each["agentId"]}

    assert {agent: each["severity"] for agent, each in owners().items()} == {"second": "warning"}
    assert "second name" in owners()["second"]["message"]
    second.unlink()
    shutil.copyfile(state / AGENT_PATH, second)
    assert owners()["second"]["severity"] == "error"


def test_a_database_that_is_registered_for_another_agent(state: Path) -> None:
    second = AGENT_PATH.replace("main", "second")
    (state / second).parent.mkdir(parents=True)
    Made(state / second, AGENT, 23)
    for path, agent in ((AGENT_PATH, "main"), (second, "second")):
        with closing(connect(state / path)) as database:
            insert(database, "schema_meta", meta_key="primary", role="agent", schema_version=23, agent_id=agent)

    def registered(*rows: tuple[str, str]) -> dict[str, str]:
        with closing(connect(state / STATE_PATH)) as database:
            database.execute("DELETE FROM agent_databases")
            database.execute("DELETE FROM schema_meta")
            insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
            for agent, path in rows:
                insert(database, "agent_databases", agent_id=agent, path=path, schema_version=23)
        found = [each for each in told(state)["findings"] if "registered for" in each["message"]]
        assert all("refuses to start (exit 78)" in each["consequence"] for each in found)
        assert all(each["severity"] == "error" for each in found)
        return {each["agentId"]: each["evidence"]["registeredFor"] for each in found}

    own = ("main", AGENT_PATH), ("second", second)
    assert registered(*own) == {}
    assert registered(("main", second), ("second", AGENT_PATH)) == {"main": "second", "second": "main"}
    assert registered(*own, ("ghost", AGENT_PATH)) == {"main": "ghost"}
    assert registered(*own, ("ghost", "/elsewhere/openclaw-agent.sqlite")) == {}


@pytest.mark.parametrize(
    ("agents", "start"),
    [
        ([{"id": "main", "default": True}, {"id": "second"}], "at-risk"),
        ([{"id": "main"}, {"id": "second", "default": True}], "no"),
        ([{"id": "main"}], "no"),
    ],
)
def test_a_damaged_agent_that_is_not_the_default_keeps_its_own_sessions_from_loading(
    plain: Path, agents: list[dict[str, Any]], start: str
) -> None:
    (plain / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": {"list": agents}}))
    second = plain / AGENT_PATH.replace("main", "second")
    second.parent.mkdir(parents=True)
    second.write_bytes(b"no database here" * 1_000)
    document = told(plain)
    assert document["verdict"]["start"] == start
    (found,) = [each for each in document["findings"] if each["rule"] == "database-corrupt"]
    assert (found["severity"], "startsWithoutAgent" in found["evidence"]) == ("error", start == "at-risk")


def test_an_empty_database_of_an_agent_that_nothing_names_stops_nothing(plain: Path) -> None:
    third = plain / AGENT_PATH.replace("main", "third")
    third.parent.mkdir(parents=True)
    third.write_bytes(b"")
    document = told(plain)
    (found,) = [each for each in document["findings"] if each["rule"] == "database-empty"]
    assert (found["severity"], found["agentId"], document["skipped"]) == ("warning", "third", [])
