"""Records in sound databases that a start has to read: credentials of model providers, installed plugins."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.harness import run

FIXTURE = Path(__file__).parents[2] / "fixtures" / "database-quarantined"
TABLE = "CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL)"


@pytest.mark.parametrize(
    ("kept", "refused"),
    [
        ("{torn", True),
        ("", True),
        ("[]", True),
        ("{}", True),
        ('{"profiles": []}', True),
        ("null", True),
        ('{"profiles": {}}', False),
    ],
)
def test_a_start_is_refused_where_they_are_not_an_object(tmp_path: Path, kept: str, refused: bool) -> None:
    state = tmp_path / "state"
    shutil.copytree(FIXTURE / "state", state)
    agent = state / "agents/main/agent/openclaw-agent.sqlite"
    with closing(sqlite3.connect(agent, isolation_level=None)) as database:
        database.execute(TABLE)
        database.execute("INSERT INTO auth_profile_store VALUES ('primary', ?)", (kept,))
    document = run("scan", "--json", "--state-dir", str(state), "--now", "2026-05-02T09:00:00Z").document
    told = [each for each in document["findings"] if each["rule"] == "database-corrupt"]
    assert bool(told) is refused
    assert not refused or "credentials" in document["verdict"]["cause"]


def test_a_start_passes_over_those_of_an_agent_that_the_config_does_not_have(tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(FIXTURE / "state", state)
    other = state / "agents/other/agent/openclaw-agent.sqlite"
    other.parent.mkdir(parents=True)
    shutil.copyfile(state / "agents/main/agent/openclaw-agent.sqlite", other)
    with closing(sqlite3.connect(other, isolation_level=None)) as database:
        database.execute("UPDATE schema_meta SET agent_id = 'other'")
        database.execute("DELETE FROM session_windows")
        database.execute("DELETE FROM session_nodes")
        database.execute(TABLE)
        database.execute("INSERT INTO auth_profile_store VALUES ('primary', '{torn')")
    document = run("scan", "--json", "--state-dir", str(state), "--now", "2026-05-02T09:00:00Z").document
    told = [each["severity"] for each in document["findings"] if "credentials" in each["message"]]
    assert (told, document["verdict"]["start"]) == (["info"], "yes")


@pytest.mark.parametrize(
    ("key", "kept", "refused"),
    [
        ("plugins.installedIndex", "{torn", True),
        ("plugins.installedIndex", '{"revision": 1}', False),
        ("auth.sharedStore", "{torn", True),
        ("update.other", "{torn", False),
    ],
)
def test_a_start_is_refused_where_a_record_it_needs_is_not_json(
    tmp_path: Path, key: str, kept: str, refused: bool
) -> None:
    state = tmp_path / "state"
    shutil.copytree(FIXTURE / "state", state)
    with closing(sqlite3.connect(state / "state/openclaw.sqlite", isolation_level=None)) as database:
        database.execute("CREATE TABLE config_machine_state (state_key TEXT PRIMARY KEY, value_json TEXT NOT NULL)")
        database.execute("INSERT INTO config_machine_state VALUES (?, ?)", (key, kept))
    document = run("scan", "--json", "--state-dir", str(state), "--now", "2026-05-02T09:00:00Z").document
    told = [each["severity"] for each in document["findings"] if "The record of" in each["message"]]
    assert told == (["error"] if refused else [])
    assert (document["verdict"]["start"] == "no") is refused


@pytest.mark.parametrize(("key", "refused"), [("garbage", True), ("-----BEGIN PRIVATE KEY-----\nx\n", False)])
def test_a_start_is_refused_where_this_device_has_no_private_key(tmp_path: Path, key: str, refused: bool) -> None:
    state = tmp_path / "state"
    shutil.copytree(FIXTURE / "state", state)
    with closing(sqlite3.connect(state / "state/openclaw.sqlite", isolation_level=None)) as database:
        database.execute("CREATE TABLE device_identities (identity_key TEXT PRIMARY KEY, private_key_pem TEXT)")
        database.execute("INSERT INTO device_identities VALUES ('primary', ?)", (key,))
    verdict = run("scan", "--json", "--state-dir", str(state), "--now", "2026-05-02T09:00:00Z").document["verdict"]
    assert (verdict["start"] == "no") is refused
