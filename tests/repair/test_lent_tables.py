"""A database that lacks tables gets them from another one, and keeps every row of its own."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.storage.database import schema
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.world import HOUR, StateDir

if TYPE_CHECKING:
    from pathlib import Path

LENT = f"{STATE}.bak-schema"


def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Doctor, Path]:
    """A state database with the tables that its release makes, and one that it makes only once it is needed."""
    state = StateDir(tmp_path, "2026.9.6")
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    data = state_database(STATE_VERSION, 3, agents=("main",), store_key=str(state.root / "cron/jobs.json"))
    path = state.file(STATE, data, HOUR)
    _known(monkeypatch, path)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE later (id TEXT PRIMARY KEY, word TEXT UNIQUE)")
        connection.execute("CREATE INDEX later_words ON later (word)")
        connection.execute("INSERT INTO later VALUES ('one', 'kept')")
    return Doctor(state), path


def _known(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """As if the tables of this database were those of its release."""
    items = agentdb.ask(path, "SELECT type, name, tbl_name, sql FROM sqlite_master")
    known = {
        "tables": [name for kind, name, _, _ in items if kind == "table"],
        "triggers": {},
        "unique": {name: schema._digest(str(text or "")) for kind, name, _, text in items if kind == "index"},
        "columns": {},
        "optional": [],
        "also": {},
    }
    monkeypatch.setattr(schema, "_known", lambda: {"state": {str(STATE_VERSION): known}})


def lend(path: Path, root: Path) -> None:
    """What the release makes on an empty directory, next to the database."""
    empty = root / "empty.sqlite"
    shutil.copyfile(path, empty)
    with closing(apsw.Connection(str(empty))) as connection:
        for table in ("later", "cron_jobs", "agent_databases", "state_leases"):
            connection.execute(f"DROP TABLE {table}" if table == "later" else f"DELETE FROM {table}")
    shutil.copyfile(empty, f"{path}.bak-schema")
    empty.unlink()


def drop(path: Path, table: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"DROP TABLE {table}")


def test_without_such_a_database_it_is_told_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = ready(tmp_path, monkeypatch)
    drop(path, "state_leases")
    found = doctor.state.only("database-schema")
    assert found.fix is None
    assert found.by_hand is not None
    assert f"openclaw.sqlite next to this one as {LENT.rpartition('/')[2]}" in found.by_hand
    (refusal,) = doctor.plan("schema").refusals
    assert refusal.hint == "See `gatewaydoctor explain database-schema --found`."


def test_an_empty_database_of_the_release_lends_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = ready(tmp_path, monkeypatch)
    lend(path, tmp_path)
    drop(path, "state_leases")
    found = doctor.state.only("database-schema")
    assert found.fix is not None
    assert found.fix.repairs == ("salvage",)
    assert str(doctor.state.judge().next.command) == "gatewaydoctor repair salvage"
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert "database-schema" not in doctor.rules()
    assert agentdb.ask(path, "SELECT count(*) FROM cron_jobs") == [(3,)]
    assert agentdb.ask(path, "SELECT count(*) FROM state_leases") == [(0,)]
    # A table that the lender does not have stays too, with its rows and its index.
    assert agentdb.ask(path, "SELECT id, word FROM later") == [("one", "kept")]
    assert agentdb.ask(path, "SELECT name FROM sqlite_master WHERE name = 'later_words'") == [("later_words",)]


@pytest.mark.parametrize("wrong", ["another version", "no such table either"])
def test_a_copy_without_those_tables_lends_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    doctor, path = ready(tmp_path, monkeypatch)
    lend(path, tmp_path)
    copy = path.with_name(LENT.rpartition("/")[2])
    with closing(apsw.Connection(str(copy))) as connection:
        connection.execute("PRAGMA user_version = 5" if wrong == "another version" else "DROP TABLE state_leases")
    drop(path, "state_leases")
    assert doctor.state.only("database-schema").fix is None
    assert doctor.plan("salvage").empty
