"""What a start of 2026.9.6 makes of damage where its startup migrations are done, and where they are due."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import run
from tests.fixtures_source.databases import quarantine_database

from .made import AGENT, STATE, Made, connect, insert, node
from .test_facts import job

NOW = 1_796_000_000_000


@pytest.fixture(params=["done", "state alone", "due", "moved", "moved, jobs filed"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bool]:
    """A state directory, and whether its startup migrations are done."""
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}, "meta": {"lastTouchedVersion": "2026.9.6"}}')
    agent = Made(root / "agents/main/agent/openclaw-agent.sqlite", AGENT, 23).path
    made = Made(root / "state/openclaw.sqlite", STATE, 18).path
    with closing(connect(agent)) as one, closing(connect(made)) as two:
        node(one, "agent:main:telegram:direct:7", "done", at=NOW)
        if request.param != "due":
            row = "state-migrations" if request.param == "state alone" else "startup-migrations"
            insert(two, "schema_meta", meta_key=row, app_version="2026.9.6\n3\nx")
        directory = root if request.param != "moved" else "/elsewhere"
        insert(two, "cron_jobs", store_key=f"{directory}/cron/jobs.json", **job("job-1"))
    if request.param in ("done", "moved, jobs filed"):
        closed = root if request.param == "done" else Path("/elsewhere")
        records = quarantine_database(verified=[(str(closed / agent.relative_to(root)), NOW, 1)])
        (root / "state/openclaw-quarantine.sqlite").write_bytes(records)
    return root, request.param in ("done", "state alone")


def finding(state: Path, rule: str) -> dict[str, Any]:
    told = run("check", "--all", "--json", "--state-dir", str(state), "--now", str(NOW)).document
    found: dict[str, Any] = next(each for each in told["findings"] if each["rule"] == rule)
    return found


def test_an_agent_database_of_0_bytes(state: tuple[Path, bool]) -> None:
    (state[0] / "agents/main/agent/openclaw-agent.sqlite").write_bytes(b"")
    found = finding(state[0], "database-empty")
    assert found["severity"] == ("critical" if state[1] else "error")
    assert ("EMPTY history" in found["consequence"]) is state[1]


def test_an_entry_that_is_no_json(state: tuple[Path, bool]) -> None:
    with closing(connect(state[0] / "agents/main/agent/openclaw-agent.sqlite")) as database:
        database.execute("UPDATE session_nodes SET entry_valid = 0, entry_json = '{torn'")
    found = finding(state[0], "database-entry-invalid")
    assert found["severity"] == ("error" if state[1] else "critical")
    assert ("exit 1" in found["consequence"]) is state[1]


def test_a_leftover_store_with_an_older_row(state: tuple[Path, bool]) -> None:
    store = {"agent:main:telegram:direct:7": {"sessionId": "another", "updatedAt": 5}}
    (state[0] / "agents/main/sessions/sessions.json").write_text(json.dumps(store))
    found = finding(state[0], "legacy-store-beside-sqlite")
    assert found["severity"] == ("error" if state[1] else "critical")
    assert ("exit 78" in found["consequence"]) is state[1]


def test_a_leftover_row_that_the_database_lacks_is_imported_after_the_repair(state: tuple[Path, bool]) -> None:
    """The file stays with it, and where the migrations are done the records of that go."""
    root, done = state
    store = {"agent:main:telegram:direct:8": {"sessionId": "another", "updatedAt": 5}}
    (root / "agents/main/sessions/sessions.json").write_text(json.dumps(store))
    with closing(connect(root / "state/openclaw.sqlite")) as database:
        if done:
            database.execute("DELETE FROM schema_meta WHERE meta_key LIKE '%-migrations'")
            for row in ("startup-migrations", "state-migrations"):
                insert(database, "schema_meta", meta_key=row, app_version="2026.9.6\n3\nx")
    words = ("--state-dir", str(root), "--now", str(NOW), "--json")
    assert (finding(root, "legacy-store-beside-sqlite")["severity"] == "error") is done
    counted = "SELECT count(*) FROM schema_meta WHERE meta_key LIKE '%-migrations'"
    with closing(connect(root / "state/openclaw.sqlite")) as database:
        before = database.execute(counted).fetchone()
    run("repair", "leftover", "--apply", "--yes", *words)
    with closing(connect(root / "state/openclaw.sqlite")) as database:
        assert database.execute(counted).fetchone() == ((0,) if done else before)
    assert json.loads((root / "agents/main/sessions/sessions.json").read_text()) == store
    assert finding(root, "legacy-store-beside-sqlite")["severity"] == "warning"


def test_a_store_of_an_agent_without_a_database_is_imported_after_the_repair(state: tuple[Path, bool]) -> None:
    root, done = state
    (root / "agents/third/sessions").mkdir(parents=True)
    store = {"agent:third:main": {"sessionId": "another", "updatedAt": 5}}
    (root / "agents/third/sessions/sessions.json").write_text(json.dumps(store))
    found = finding(root, "legacy-store-beside-sqlite")
    assert ("repair leftover" in json.dumps(found)) is done
    run("repair", "leftover", "--apply", "--yes", "--state-dir", str(root), "--now", str(NOW), "--json")
    assert finding(root, "legacy-store-beside-sqlite")["severity"] != "error"
