"""Columns of a damaged database that the schema it gets does not have, and the other way round."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.repair.databases.columns import places_of
from gatewaydoctor.storage.database import schema
from tests.fixtures_source.databases import STATE_VERSION
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.repair.test_database_salvage import PEOPLE, leaf_of, whole
from tests.repair.test_lent_tables import drop, lend, ready
from tests.world import StateDir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("own", "into", "places"),
    [
        (("a", "b"), ("b", "a"), {"b": 1, "a": 0}),
        (("id", "LABEL"), ("id", "label"), {"id": 0, "label": 1}),
        (("id", "labem", "xx"), ("id", "label", "yy"), {"id": 0, "label": 1}),
        (("id", "label"), ("id", "labem", "label"), {"id": 0, "label": 1}),
        (("labem", "id"), ("id", "label"), {"id": 1}),
        (("id", "note"), ("id", "time"), {"id": 0}),
    ],
)
def test_a_column_is_known_by_its_name_or_by_its_place(
    own: tuple[str, ...], into: tuple[str, ...], places: dict[str, int]
) -> None:
    assert places_of(own, into) == places


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *statements: str) -> tuple[Doctor, Path]:
    """A state database that lacks a table, with a lender that has it, changed by these statements."""
    doctor, path = ready(tmp_path, monkeypatch)
    lend(path, tmp_path)
    drop(path, "state_leases")
    with closing(apsw.Connection(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)
    return doctor, path


PLAIN = "ALTER TABLE cron_jobs ADD COLUMN note TEXT"
CHECKED = "ALTER TABLE cron_jobs ADD COLUMN note TEXT DEFAULT 'x' CHECK (note != 'y')"
VALUES = "UPDATE cron_jobs SET note = 'kept' || rowid WHERE rowid > 1"


def cautions(doctor: Doctor) -> str:
    return " ".join(f"{each.text} {' '.join(each.names)}" for each in doctor.plan("salvage").cautions)


def test_a_column_that_a_start_passes_over_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = prepared(tmp_path, monkeypatch, PLAIN, VALUES)
    before = agentdb.ask(path, "SELECT * FROM cron_jobs ORDER BY job_id")
    assert "olumn" not in cautions(doctor)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert "database-schema" not in doctor.rules()
    assert agentdb.ask(path, "SELECT * FROM cron_jobs ORDER BY job_id") == before
    assert ("kept2",) in agentdb.ask(path, "SELECT note FROM cron_jobs")


def of_a_table_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = schema._known()["state"][str(STATE_VERSION)] | {"optional": ["cron_jobs"]}
    monkeypatch.setattr(schema, "_known", lambda: {"state": {str(STATE_VERSION): known}})


def as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch


@pytest.mark.parametrize(("column", "about"), [(CHECKED, as_it_is), (PLAIN, of_a_table_made_again)])
def test_a_column_that_a_start_refuses_stays_in_the_vault_and_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    about: Callable[[pytest.MonkeyPatch], None],
) -> None:
    doctor, path = prepared(tmp_path, monkeypatch, column, VALUES)
    about(monkeypatch)
    assert "stay in the old file, in the vault: 2 values of cron_jobs.note." in cautions(doctor)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert ("note",) not in agentdb.ask(path, "SELECT name FROM pragma_table_info('cron_jobs')")
    assert agentdb.ask(path, "SELECT count(*) FROM cron_jobs") == [(3,)]


def test_a_column_too_few_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = prepared(tmp_path, monkeypatch, "ALTER TABLE cron_jobs DROP COLUMN enabled")
    assert "lacks are empty, or have their default, in each row: cron_jobs.enabled" in cautions(doctor)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT count(*) FROM cron_jobs") == [(3,)]


def test_a_column_with_a_damaged_name_keeps_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = prepared(tmp_path, monkeypatch, "ALTER TABLE cron_jobs RENAME COLUMN job_json TO jobsjson")
    before = agentdb.ask(path, "SELECT job_id, jobsjson FROM cron_jobs ORDER BY job_id")
    assert before[0][1] is not None
    assert "olumn" not in cautions(doctor)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT job_id, job_json FROM cron_jobs ORDER BY job_id") == before


def test_rows_that_the_lent_tables_refuse_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column without which the release takes no row."""
    doctor, path = prepared(tmp_path, monkeypatch)
    with closing(apsw.Connection(f"{path}.bak-schema")) as connection:
        connection.execute("DROP TABLE agent_databases")
        connection.execute("CREATE TABLE agent_databases (path TEXT PRIMARY KEY, agent_id TEXT, told TEXT NOT NULL)")
    assert "break a constraint of their table stay in the old file, in the vault: 1 of agent_databases" in cautions(
        doctor
    )


def test_the_table_of_sequences_has_the_columns_it_has(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(
            "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO numbered VALUES (7)"
        )
    leaf_of("session_nodes")(path)
    doctor = Doctor(state)
    assert not [each.text for each in doctor.plan("salvage").cautions if "sqlite_sequence" in each.text]
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT name, seq FROM sqlite_sequence") == [("numbered", 7)]


STORED = "(id INTEGER PRIMARY KEY, a TEXT, twice TEXT GENERATED ALWAYS AS (a || a) STORED, z TEXT)"
COMPUTED = "(a TEXT, twice TEXT GENERATED ALWAYS AS (a || a) VIRTUAL, z TEXT)"


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        (STORED, "(id, a, z) VALUES (7, 'x', 'last')"),
        (COMPUTED, "(a, z) VALUES ('x', 'last')"),
        ("(a TEXT, z INTEGER, key TEXT, PRIMARY KEY (z, key)) WITHOUT ROWID", "VALUES ('first', 5, 'k')"),
        ("(id INTEGER PRIMARY KEY DESC, a TEXT)", "VALUES (7, 'x'), (3, 'y')"),
        ("(id INTEGER, a TEXT, PRIMARY KEY (id DESC))", "VALUES (7, 'x'), (3, 'y')"),
        ("(id INTEGER PRIMARY KEY, a TEXT) WITHOUT ROWID", "VALUES (7, 'x'), (3, 'y')"),
    ],
)
def test_each_value_stays_in_its_column(tmp_path: Path, columns: str, values: str) -> None:
    """Where a record has them in another order than the table, more of them, or fewer."""
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"CREATE TABLE of_a_plugin {columns}")
        connection.execute(f"INSERT INTO of_a_plugin {values}")
    before = agentdb.ask(path, "SELECT * FROM of_a_plugin ORDER BY 1")
    leaf_of("session_nodes")(path)
    Doctor(state).apply("salvage")
    assert agentdb.ask(path, "SELECT * FROM of_a_plugin ORDER BY 1") == before


def test_search_tables_of_a_plugin_keep_their_texts_and_views_are_told(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(text, place UNINDEXED)")
        connection.execute("INSERT INTO words (rowid, text, place) VALUES (7, 'one word', 3), (9, 'another', NULL)")
        connection.execute(
            "CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO texts VALUES (5, 'word')"
        )
        connection.execute("CREATE VIRTUAL TABLE found USING fts5(text, content = texts, content_rowid=id)")
        connection.execute("INSERT INTO found (found) VALUES ('rebuild')")
        connection.execute("CREATE VIEW of_words AS SELECT text FROM words")
    leaf_of("session_nodes")(path)
    doctor = Doctor(state)
    assert "Views and triggers that are not the gateway's stay in the old file, in the vault: of_words" in cautions(
        doctor
    )
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT rowid, text, place FROM words ('word')") == [(7, "one word", 3)]
    assert agentdb.ask(path, "SELECT rowid FROM words ('another')") == [(9,)]
    assert agentdb.ask(path, "SELECT rowid FROM found ('word')") == [(5,)]


def test_a_trigger_of_a_view_is_no_obstacle_and_told(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE VIEW of_keys AS SELECT session_key FROM session_nodes")
        connection.execute(
            "CREATE TRIGGER on_keys INSTEAD OF DELETE ON of_keys BEGIN "
            "DELETE FROM session_nodes WHERE session_key = old.session_key; END"
        )
    leaf_of("session_nodes")(path)
    doctor = Doctor(state)
    assert "that are not the gateway's stay in the old file, in the vault: of_keys on_keys" in cautions(doctor)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT count(*) FROM session_nodes") == [(len(PEOPLE),)]
