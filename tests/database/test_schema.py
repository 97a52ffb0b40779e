"""A schema against the one its release writes: what a start refuses, and what it does not mind."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatewaydoctor.model.database.health import SchemaDrift
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.storage.database import schema
from gatewaydoctor.storage.database.integrity import problems
from gatewaydoctor.storage.sqlite.opened import open_database
from gatewaydoctor.system.fs import OsReadFs
from tools.schema import described

MADE = """CREATE TABLE nodes (key TEXT, status TEXT, icon TEXT, note TEXT);
CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL DEFAULT 'a, b', CHECK (key <> ')')) STRICT;
CREATE TABLE again (x TEXT);
CREATE UNIQUE INDEX one ON nodes (key, status);
CREATE TRIGGER kept AFTER INSERT ON nodes BEGIN SELECT 1; END"""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "made.sqlite")) as database:
        database.executescript(MADE)
    opened = open_database(OsReadFs(), tmp_path / "made.sqlite")
    assert not isinstance(opened, DatabaseFault)
    with opened:
        release = described([opened.schema], {"optional": ["again", "nodes.icon"], "also": {}})
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"23": release}})


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ("CREATE TABLE mine (x)", {}),
        ("CREATE INDEX mine ON nodes (status)", {}),
        ("ALTER TABLE nodes ADD COLUMN mine TEXT", {}),
        ("ALTER TABLE nodes ADD COLUMN mine TEXT DEFAULT 'x'", {"changed_tables": ("nodes.mine",)}),
        ("ALTER TABLE again ADD COLUMN mine TEXT", {"changed_tables": ("again.mine",)}),
        ("DROP TABLE again", {"missing_tables": ("again",), "made_again": ("again",)}),
        ("CREATE TRIGGER mine AFTER INSERT ON nodes BEGIN SELECT 1; END", {"unexpected_triggers": ("mine",)}),
        ("ALTER TABLE nodes DROP COLUMN icon", {}),
        ("ALTER TABLE nodes DROP COLUMN note", {"missing_columns": ("nodes.note",)}),
        ("CREATE UNIQUE INDEX mine ON nodes (key)", {"unexpected_unique": ("mine",)}),
        ("DROP INDEX one", {}),
        ("DROP INDEX one; CREATE UNIQUE INDEX one ON nodes (key, icon)", {"unexpected_unique": ("one",)}),
        ("DROP TRIGGER kept", {"missing_triggers": ("kept",)}),
        ("DROP TABLE nodes", {"missing_tables": ("nodes",)}),
    ],
)
def test_what_differs(tmp_path: Path, change: str, differs: dict[str, tuple[str, ...]]) -> None:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{MADE};{change}")
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, DatabaseFault)
    with opened:
        found = schema.drift(DatabaseRole.AGENT, 23, opened.schema)
    told = {} if found is None else {name: getattr(found, name) for name in found.__slots__ if getattr(found, name)}
    assert told == differs


@pytest.mark.parametrize(
    ("text", "differs"),
    [
        (
            "CREATE TABLE rows (id INTEGER PRIMARY KEY,key\tTEXT NOT NULL DEFAULT 'a, b', CHECK (key <> ')')) STRICT",
            (),
        ),
        (
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT DEFAULT 'a, b', CHECK (key <> ')')) STRICT",
            ("rows.key",),
        ),
        ("CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL DEFAULT 'a, b') STRICT", ("rows",)),
        (
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL DEFAULT 'a, b', CHECK (key <> ')'))",
            ("rows",),
        ),
        (
            "CREATE TABLE rows (id INTEGER, key TEXT NOT NULL DEFAULT 'a,  b', CHECK (key <> ')')) STRICT",
            ("rows.id", "rows.key"),
        ),
    ],
)
def test_what_differs_in_the_text_of_a_table(tmp_path: Path, text: str, differs: tuple[str, ...]) -> None:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{MADE}; DROP TABLE rows; {text}")
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, DatabaseFault)
    with opened:
        found = schema.drift(DatabaseRole.AGENT, 23, opened.schema)
    assert (found.changed_tables if found else ()) == differs


def test_every_known_table_has_its_columns() -> None:
    document = json.loads((Path(schema.__file__).parent / "known_schema.json").read_text())
    # 2026.9.6 starts with a quarantine store that lacks columns.
    assert document.pop("quarantine")["2"]["columns"] == {}
    for versions in document.values():
        for release in versions.values():
            assert set(release["columns"]) >= set(release["tables"])


def test_a_state_database_ahead_of_its_number_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2026.9.6 started on the newest tables under the number of 2026.9.3, and made the rest of the change."""
    release = schema._known()["agent"]["23"]
    older = {**release, "tables": [*release["tables"], "gone"]}
    monkeypatch.setattr(schema, "_known", lambda: {"state": {"16": older, "18": release}})
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(MADE)
        database.execute("PRAGMA user_version = 16")
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, DatabaseFault)
    with opened:
        assert not [each for each in problems(opened, DatabaseRole.STATE, None) if isinstance(each, SchemaDrift)]
        monkeypatch.setattr(schema, "_known", lambda: {"state": {"16": older}})
        assert [each for each in problems(opened, DatabaseRole.STATE, None) if isinstance(each, SchemaDrift)]
