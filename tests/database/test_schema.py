"""A schema against the one its release writes: what a start refuses, and what it does not mind."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatewaydoctor.model.gateway.database import Fault
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.storage.database import schema
from gatewaydoctor.storage.database.opened import open_database
from gatewaydoctor.system.fs import OsReadFs

MADE = """CREATE TABLE nodes (key TEXT, status TEXT, icon TEXT);
CREATE TRIGGER kept AFTER INSERT ON nodes BEGIN SELECT 1; END"""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = schema._digest(MADE.partition("\n")[2])
    release = {
        "tables": ["nodes"],
        "triggers": {"kept": digest},
        "unique": [],
        "columns": {"nodes": "icon key status"},
    }
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"23": release}})


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ("CREATE TABLE mine (x)", {}),
        ("CREATE INDEX mine ON nodes (status)", {}),
        ("ALTER TABLE nodes ADD COLUMN mine TEXT", {}),
        ("CREATE TRIGGER mine AFTER INSERT ON nodes BEGIN SELECT 1; END", {"unexpected_triggers": ("mine",)}),
        ("ALTER TABLE nodes DROP COLUMN icon", {"missing_columns": ("nodes.icon",)}),
        ("CREATE UNIQUE INDEX mine ON nodes (key)", {"unexpected_unique": ("mine",)}),
        ("DROP TRIGGER kept", {"missing_triggers": ("kept",)}),
        ("DROP TABLE nodes", {"missing_tables": ("nodes",), "missing_triggers": ("kept",)}),
    ],
)
def test_what_differs(tmp_path: Path, change: str, differs: dict[str, tuple[str, ...]]) -> None:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"{MADE};{change}")
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, Fault)
    with opened:
        found = schema.drift(DatabaseRole.AGENT, 23, opened.schema, opened.columns)
    told = {} if found is None else {name: getattr(found, name) for name in found.__slots__ if getattr(found, name)}
    assert told == differs


def test_every_known_table_has_its_columns() -> None:
    document = json.loads((Path(schema.__file__).parent / "known_schema.json").read_text())
    # 2026.9.6 starts with a quarantine store that lacks columns.
    assert document.pop("quarantine")["2"]["columns"] == {}
    for versions in document.values():
        for release in versions.values():
            assert set(release["columns"]) == set(release["tables"])
