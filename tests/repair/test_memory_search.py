"""The search index of memory, which a gateway makes once it indexes something, with triggers of its own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.storage.database.schema import MEMORY_TRIGGERS, drift
from gatewaydoctor.storage.sqlite.opened import SchemaItem
from tests.cli.harness import run as cli
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.repair.test_database_repairs import _one_version
from tests.repair.test_database_salvage import PEOPLE, leaf_of, whole
from tests.world import NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TABLES = "CREATE TABLE memory_index_chunks (chunk_rowid INTEGER PRIMARY KEY, text TEXT)"
SEARCH = """
CREATE VIRTUAL TABLE memory_index_chunks_fts USING fts5(text);
CREATE TRIGGER memory_index_chunks_fts_after_insert AFTER INSERT ON memory_index_chunks
BEGIN INSERT INTO memory_index_chunks_fts (rowid, text) VALUES (NEW.chunk_rowid, NEW.text); END;
CREATE TRIGGER memory_index_chunks_fts_after_delete AFTER DELETE ON memory_index_chunks
BEGIN DELETE FROM memory_index_chunks_fts WHERE rowid = OLD.chunk_rowid; END;
INSERT INTO memory_index_chunks (text) VALUES ('apples'), ('pears');
"""
FOUND = "SELECT rowid FROM memory_index_chunks_fts WHERE memory_index_chunks_fts MATCH 'pears'"


def run(path: Path, statements: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(statements)


def test_a_start_takes_its_triggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = agentdb.make(tmp_path, agentdb.rows(2))
    run(path, TABLES)
    _one_version(monkeypatch, path)
    run(path, SEARCH)
    items = agentdb.ask(path, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master")
    schema = [SchemaItem(*row) for row in items]
    assert drift(DatabaseRole.AGENT, 23, schema) is None
    run(path, "CREATE TRIGGER memory_index_paths_fts_after_insert AFTER INSERT ON session_nodes BEGIN SELECT 1; END")
    items = agentdb.ask(path, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master")
    found = drift(DatabaseRole.AGENT, 23, [SchemaItem(*row) for row in items])
    assert found is not None
    assert found.unexpected_triggers == ("memory_index_paths_fts_after_insert",)
    assert found.unexpected_triggers[0] in MEMORY_TRIGGERS


def test_a_salvage_fills_it_again(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    run(path, TABLES)
    run(path, SEARCH)
    leaf_of("session_nodes")(path)
    doctor = Doctor(state)
    doctor.apply("salvage")
    assert agentdb.ask(path, FOUND) == [(2,)]
    run(path, "DELETE FROM memory_index_chunks WHERE chunk_rowid = 2")
    assert agentdb.ask(path, FOUND) == []


def test_with_the_tables_of_another_agent_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That has indexed nothing, and has none."""
    state = StateDir(tmp_path, "2026.9.6")
    path = agentdb.make(state.root, agentdb.rows(2))
    sister = agentdb.path_in(state.root, "second")
    sister.parent.mkdir(parents=True)
    run(path, TABLES)
    _one_version(monkeypatch, path)
    run(path, f"VACUUM INTO '{sister}'")
    run(sister, "UPDATE schema_meta SET agent_id = 'second'")
    run(path, SEARCH)
    run(path, "DROP TABLE session_goal_operations")
    doctor = Doctor(state)
    doctor.apply("salvage")
    assert "database-schema" not in doctor.rules()
    assert agentdb.ask(path, FOUND) == [(2,)]
    run(path, "INSERT INTO memory_index_chunks (text) VALUES ('more pears')")
    assert agentdb.ask(path, FOUND) == [(2,), (3,)]


VECTORS = """
CREATE TABLE memory_index_chunks_vec_rowids (rowid INTEGER PRIMARY KEY, id TEXT);
INSERT INTO memory_index_chunks_vec_rowids (id) VALUES ('one');
PRAGMA writable_schema = ON;
INSERT INTO sqlite_master VALUES ('table', 'memory_index_chunks_vec', 'memory_index_chunks_vec', 0,
    'CREATE VIRTUAL TABLE memory_index_chunks_vec USING vec0 (id TEXT PRIMARY KEY)');
"""


def test_a_salvage_tells_of_the_index_of_vectors_and_leaves_no_part_of_it(tmp_path: Path) -> None:
    """With parts of it there, but not the table itself, the gateway could not make it again."""
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    run(path, TABLES)
    run(path, VECTORS)
    leaf_of("session_nodes")(path)
    doctor = Doctor(state)
    (told,) = [each for each in doctor.plan("salvage").cautions if "vectors" in each.text]
    assert told.names == ("memory_index_chunks_vec",)
    doctor.there_and_back("salvage")
    receipt = doctor.apply("salvage")
    assert receipt is not None
    assert told.text in {each.text for each in receipt.cautions}
    names = agentdb.ask(path, "SELECT name FROM sqlite_master WHERE name LIKE 'memory%'")
    assert names == [("memory_index_chunks",)]


def test_the_receipt_names_what_the_vault_alone_has(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    run(path, TABLES)
    run(path, VECTORS)
    leaf_of("session_nodes")(path)
    ran = cli("repair", "salvage", "--apply", "--yes", "--state-dir", str(state.root), "--now", str(NOW))
    _, _, receipt = " ".join(ran.out.split()).partition("Done in ")
    assert "left out The index of vectors stays in the old file, in the vault; each text keeps its own." in receipt
    assert "`openclaw memory index` makes the index again" in receipt
