"""--verify reads what a quick look leaves out; leases and odd files that keep a gateway from its databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.storage.database import integrity
from gatewaydoctor.storage.sqlite import log

from .asked import AGENT_PATH, NOW, STATE_PATH, rules, told
from .made import connect, insert, node

if TYPE_CHECKING:
    from pathlib import Path


def stale_index(path: Path) -> None:
    """The index is taken out of the schema while rows change, and put back as it was."""
    with closing(connect(path)) as database:
        database.execute("CREATE INDEX stale ON session_nodes (spawned_by)")
        database.execute("PRAGMA writable_schema = ON")
        row = database.execute("SELECT * FROM sqlite_master WHERE name = 'stale'").fetchone()
        database.execute("DELETE FROM sqlite_master WHERE name = 'stale'")
    with closing(connect(path)) as database:
        database.execute("UPDATE session_nodes SET spawned_by = session_key, entry_valid = 1")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)


def test_an_index_is_compared_with_its_table_in_a_large_database_only_by_verify(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale_index(state / AGENT_PATH)
    found = rules(state)["database-corrupt"]
    assert (found["severity"], found["consequence"]) == ("error", "A 2026.9.6 gateway refuses to start (exit 78).")
    assert "An index" in found["message"]
    monkeypatch.setattr(integrity, "INDEXES_BELOW", 0)
    assert "database-corrupt" not in rules(state)
    assert "database-corrupt" in rules(state, "--verify")


def test_a_key_index_without_rows_makes_no_row_an_orphan(state: Path) -> None:
    """SQL looks a parent up in that index, and finds none."""
    path = state / AGENT_PATH
    with closing(connect(path)) as database:
        database.execute("CREATE TABLE filler (key TEXT PRIMARY KEY)")
        database.execute("CREATE TABLE child (key TEXT REFERENCES session_nodes (session_key))")
        database.execute("INSERT INTO child SELECT session_key FROM session_nodes")
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
        database.execute("PRAGMA writable_schema = ON")
        index, empty = "sqlite_autoindex_session_nodes_1", "sqlite_autoindex_filler_1"
        for name, page in ((index, roots[empty]), (empty, roots[index])):
            database.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (page, name))
    found = rules(state)
    assert "database-corrupt" in found
    assert "database-foreign-keys" not in found


def test_a_cleared_session_is_no_bad_entry(state: Path) -> None:
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("UPDATE session_nodes SET entry_json = '{}' WHERE session_key LIKE '%:7'")
        database.execute("UPDATE session_nodes SET entry_valid = -1 WHERE session_key LIKE '%:7'")
    assert "database-entry-invalid" not in rules(state, "--verify")
    with closing(connect(state / AGENT_PATH)) as database:
        database.execute("UPDATE session_nodes SET entry_valid = 0 WHERE session_key LIKE '%:7'")
    assert "database-entry-invalid" in rules(state)


def test_a_file_of_one_byte_is_an_empty_one(state: Path) -> None:
    """As SQLite takes it: a start makes a new database in its place."""
    (state / AGENT_PATH).write_bytes(b"S")
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
    found = rules(state)["database-empty"]
    assert (found["severity"], found["message"]) == ("critical", "The database of an agent has 1 byte.")


@pytest.mark.parametrize("verify", [False, True])
def test_only_verify_reads_every_checksum_of_a_very_large_log(
    state: Path, verify: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "SURE_UP_TO", 0)
    path = state / AGENT_PATH
    with closing(connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(40, 60):
            node(database, f"agent:main:telegram:direct:{number}", "done", at=NOW)
        kept = {suffix: path.with_name(path.name + suffix).read_bytes() for suffix in ("", "-wal")}
    flipped = bytearray(kept["-wal"])
    flipped[len(flipped) // 2] ^= 0x55
    path.write_bytes(kept[""])
    path.with_name(f"{path.name}-wal").write_bytes(flipped)
    document = told(state, *(["--verify"] if verify else []))
    held = document["stores"][-1]["entries"]
    with closing(sqlite3.connect(path)) as database:
        (real,) = database.execute("SELECT count(*) FROM session_nodes").fetchone()
    assert 40 <= real < 60
    assert (held == real) is verify
    assert any("--verify" in each["reason"] for each in document["skipped"]) is not verify


def test_indexes_of_a_large_database_that_were_not_compared_are_told(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "INDEXES_BELOW", 0)
    document = told(plain)
    assert {each["reason"].partition(", as")[0] for each in document["skipped"]} == {
        "its indexes were not compared with their tables"
    }
    assert (document["verdict"]["start"], "of 2 large databases" in document["verdict"]["reason"]) == ("yes", True)
    verified = told(plain, "--verify")
    assert (verified["skipped"], "large" in verified["verdict"]["reason"]) == ([], False)
