"""The record of whose a database is, where everything else of it says that it is its own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.storage.database import schema
from tests.repair import agentdb
from tests.repair.test_database_repairs import _one_version, doctor_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.outcome.finding import Finding
    from tests.repair.doctor import Doctor

OWN = "SELECT role, schema_version, agent_id FROM schema_meta WHERE meta_key = 'primary'"
WRONG = {
    "another agent": "UPDATE schema_meta SET agent_id = 'second'",
    "no agent": "UPDATE schema_meta SET agent_id = NULL",
    "another role": "UPDATE schema_meta SET role = 'global'",
    "another version as well": "UPDATE schema_meta SET agent_id = 'second', schema_version = 22",
    "no record": "DELETE FROM schema_meta",
}


def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *statements: str) -> tuple[Doctor, Path]:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    _one_version(monkeypatch, path)
    with closing(agentdb.connected(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return doctor, path


def about_owner(doctor: Doctor) -> Finding:
    return doctor.state.only("database-owner")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_record_is_set_right(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = ready(tmp_path, monkeypatch, WRONG[wrong])
    found = about_owner(doctor)
    assert found.fix is not None
    assert found.fix.repairs == ("schema",)
    rows = agentdb.ask(path, "SELECT * FROM session_nodes ORDER BY 1")
    doctor.there_and_back("schema")
    doctor.apply("schema")
    assert agentdb.ask(path, OWN) == [("agent", 23, "main")]
    assert agentdb.ask(path, "SELECT * FROM session_nodes ORDER BY 1") == rows
    assert "database-owner" not in doctor.rules()


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE session_nodes SET session_key = replace(session_key, 'agent:main:', 'agent:second:')",
        "UPDATE session_nodes SET session_key = 'agent:second:x' WHERE session_key = 'agent:main:main'",
        "DELETE FROM session_nodes",
        "DROP TABLE session_goal_operations",
    ],
    ids=["all of another", "one of another", "no rows", "other tables"],
)
def test_a_database_that_may_be_another_agents_stays_as_it_is(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, path = ready(tmp_path, monkeypatch, WRONG["another agent"], what)
    assert about_owner(doctor).fix is None
    for repair in ("schema", "salvage"):
        assert not any(str(path).endswith(step.target) for step in doctor.plan(repair).steps)


def test_it_is_told_whose_the_rows_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = "UPDATE session_nodes SET session_key = replace(session_key, 'agent:main:', 'agent:second:')"
    doctor, path = ready(tmp_path, monkeypatch, WRONG["another agent"], moved)
    by_hand = about_owner(doctor).by_hand
    assert by_hand is not None
    assert by_hand.startswith("All its sessions are those of the agent second.")
    assert str(path) in by_hand


def test_pages_are_mended_first_and_the_record_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = ready(tmp_path, monkeypatch, WRONG["another agent"])
    index = agentdb.ask(path, "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_session_windows_1'")
    size = int(str(agentdb.ask(path, "PRAGMA page_size")[0][0]))
    with path.open("r+b") as file:
        file.seek((int(str(index[0][0])) - 1) * size)
        file.write(bytes(size))
    assert "database-corrupt" in doctor.rules()
    doctor.apply("salvage")
    assert "database-corrupt" not in doctor.rules()
    doctor.apply("schema")
    assert "database-owner" not in doctor.rules()
    assert agentdb.ask(path, OWN) == [("agent", 23, "main")]


def test_tables_that_fit_two_versions_are_those_of_the_later_one_that_added_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, path = ready(tmp_path, monkeypatch, "PRAGMA user_version = 22")
    (known,) = schema._known()["agent"].values()
    earlier = known | {"tables": [each for each in known["tables"] if each != "session_goal_operations"]}
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"22": earlier, "23": known}})
    doctor.apply("schema")
    assert agentdb.ask(path, "PRAGMA user_version") == [(23,)]
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"22": known, "23": known}})
    with closing(agentdb.connected(path)) as connection:
        connection.execute("PRAGMA user_version = 22")
    assert doctor.plan("schema").empty
