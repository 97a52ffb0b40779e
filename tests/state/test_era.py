from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA, DatabaseRole, Era, Eras
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.era import read_eras
from gatewaydoctor.storage.database.rows import read_rows
from gatewaydoctor.storage.sqlite.header import parse_header, read_database
from gatewaydoctor.system.fs import OsReadFs
from tests.state.fakes import ClosedFs, config_of, place_of

if TYPE_CHECKING:
    from pathlib import Path

FS = OsReadFs()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def make_database(path: Path, version: int, *statements: str, wal: bool = True) -> Path:
    """A closed database: with `wal` in write-ahead mode and without siblings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {'wal' if wal else 'delete'}")
        for statement in (*statements, f"PRAGMA user_version = {version}", "CREATE TABLE IF NOT EXISTS t (x)"):
            connection.execute(statement)
        connection.commit()
    return path


def agent_database(state: Path, agent: str = "main", version: int = 23, *statements: str) -> Path:
    return make_database(state / "agents" / agent / "agent" / "openclaw-agent.sqlite", version, *statements)


def state_database(state: Path, version: int = 18, *statements: str) -> Path:
    return make_database(state / "state" / "openclaw.sqlite", version, *statements)


def add_store(state: Path, agent: str = "main") -> Path:
    store = state / "agents" / agent / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    store.write_text('{"a": 1}')
    return store


def eras_of(state: Path) -> Eras:
    return read_eras(FS, state, list_stores(FS, place_of(state), config_of(state)))


def snapshot(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Every file with size, mtime and inode."""
    return {
        str(path.relative_to(directory)): (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        for path in sorted(directory.rglob("*"))
        for stat in [path.stat()]
    }


NODES = "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT, status TEXT)"
JOBS = "CREATE TABLE cron_jobs (job_id TEXT)"


# Eras


def test_no_database_is_the_era_of_files(state: Path) -> None:
    add_store(state)
    eras = eras_of(state)
    assert [(agent.agent_id, agent.era, agent.legacy_store) for agent in eras.agents] == [("main", Era.FILES, None)]
    assert not eras.sqlite_release and eras.databases == ()
    assert eras.of("nobody") is Era.FILES


def test_every_agent_has_its_own_era(state: Path) -> None:
    agent_database(state, "new")
    agent_database(state, "young", version=1)
    store = add_store(state, "old")
    state_database(state)
    eras = eras_of(state)
    assert {agent.agent_id: agent.era for agent in eras.agents} == {
        "new": Era.SQLITE,
        "old": Era.MIXED,
        "young": Era.MIXED,
    }
    assert eras.sqlite_release
    old = next(agent for agent in eras.agents if agent.agent_id == "old")
    assert old.legacy_store and (old.legacy_store.path, old.legacy_store.size, old.legacy_store.links) == (
        store,
        8,
        1,
    )


def test_a_state_database_makes_it_mixed_whatever_it_holds(state: Path) -> None:
    """No release before 2026.6.1 makes one: without a cron job in it, jobs were lost or never made."""
    add_store(state)
    path = state_database(state, 1, JOBS)
    assert eras_of(state).of("main") is Era.MIXED
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO cron_jobs VALUES ('j')")
        connection.commit()
    eras = eras_of(state)
    assert (eras.of("main"), eras.sqlite_release, eras.agents[0].legacy_store) == (Era.MIXED, False, None)
    path.write_bytes(b"not a database")
    assert eras_of(state).of("main") is Era.MIXED


def test_a_database_that_is_listed_and_gone_is_no_file_era(state: Path) -> None:
    listed = "CREATE TABLE agent_databases AS SELECT 'ops' AS agent_id, 'x' AS path, 23 AS schema_version"
    add_store(state)
    state_database(state, 18, listed)
    found = {agent.agent_id: (agent.era, agent.reason) for agent in eras_of(state).agents}
    assert found["ops"] == (Era.SQLITE, "the state database lists its database, which is not there")
    assert found["main"][0] is Era.MIXED


def test_a_log_without_its_database_is_no_file_era(state: Path) -> None:
    add_store(state)
    log = state / "agents" / "main" / "agent" / "openclaw-agent.sqlite-wal"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 4152)
    (agent,) = eras_of(state).agents
    assert (agent.era, agent.reason) == (Era.SQLITE, "openclaw-agent.sqlite-wal is there, its database is not")


def test_retired_cron_files_make_it_mixed(state: Path) -> None:
    add_store(state)
    (state / "cron").mkdir()
    (state / "cron" / "jobs.json.migrated.2").touch()
    (agent,) = eras_of(state).agents
    assert (agent.era, agent.reason) == (Era.MIXED, "jobs.json.migrated.2 is there")


def test_a_leftover_store_beside_a_database(state: Path, tmp_path: Path) -> None:
    agent_database(state)
    store = add_store(state)
    (tmp_path / "second-name").hardlink_to(store)
    (agent,) = eras_of(state).agents
    assert agent.era is Era.SQLITE
    assert agent.legacy_store and agent.legacy_store.links == 2


def test_a_database_that_cannot_be_read_still_counts_as_one(state: Path) -> None:
    path = agent_database(state)
    path.write_bytes(b"\0" * 8192)
    (agent,) = eras_of(state).agents
    assert agent.era is Era.SQLITE
    assert agent.reason == "openclaw-agent.sqlite is there (its first page is zeroed)"
    eras = read_eras(ClosedFs(path), state, ())
    assert (
        eras.agents[0].database and eras.agents[0].database.problem == "no permission to read it: Permission denied"
    )


def test_what_other_generations_left(state: Path) -> None:
    home = agent_database(state).parent.parent
    names = {
        home
        / "session-sqlite-import-archive"
        / "legacy-store.sessions.json.imported-1795173135387": "import-archive",
        home / "agent" / "openclaw-agent.sqlite.corrupt-2026-09-01": "corrupt-database",
        state / "session-sqlite-migration-runs" / "session-sqlite-1795173134917-39b93c04.json": "migration-run",
        state / "session-sqlite-migration-runs" / "session-sqlite-1-2.failure.md": "migration-failure",
        state / "state" / "openclaw.sqlite.bak-schema17": "schema-backup",
        state / "cron" / "jobs.json.migrated": "migrated-source",
    }
    for path in (*names, state / "cron" / "jobs.json", state / "session-sqlite-migration-runs" / "notes.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("xy")
    eras = eras_of(state)
    found = {row.path: row.kind for row in (*eras.leftovers, *eras.agents[0].leftovers)}
    assert found == names
    assert {row.size for row in eras.leftovers} == {2}


# Headers


def test_the_header_of_a_database_sqlite_made(state: Path) -> None:
    path = make_database(state / "a.sqlite", 23, "PRAGMA application_id = 77")
    found = read_database(FS, path, DatabaseRole.AGENT)
    assert found and found.header
    assert (found.header.page_size, found.header.user_version, found.header.application_id) == (4096, 23, 77)
    assert (found.header.wal, found.header.pages * 4096) == (True, found.size)
    assert (found.wal_size, found.settled, found.newer_schema, found.problem) == (None, True, False, None)
    plain = read_database(FS, make_database(state / "b.sqlite", 2, wal=False), DatabaseRole.QUARANTINE)
    assert plain and plain.header and not plain.header.wal


@pytest.mark.parametrize("role", [DatabaseRole.AGENT, DatabaseRole.STATE])
def test_a_newer_schema_is_known_as_such(state: Path, role: DatabaseRole) -> None:
    known = KNOWN_SCHEMA[role]
    for version, newer in ((known, False), (known + 1, True)):
        found = read_database(FS, make_database(state / f"{version}.sqlite", version), role)
        assert found and found.newer_schema is newer


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"SQLite format 3\0", "shorter than a database header"),
        (b"\0" * 100, "zeroed"),
        (b"x" * 100, "does not start as a database does"),
        (b"SQLite format 3\0" + (1000).to_bytes(2) + b"\0" * 82, "impossible page size"),
    ],
)
def test_what_is_no_header(data: bytes, words: str) -> None:
    header, problem = parse_header(data)
    assert header is None and problem and words in problem


def test_the_largest_page_size() -> None:
    header, _ = parse_header(b"SQLite format 3\0" + (1).to_bytes(2) + b"\2\2" + b"\0" * 80)
    assert header and header.page_size == 65536 and header.wal


def copy_while_open(path: Path, target: Path, *statements: str) -> Path:
    """Database, -wal and -shm as a killed process leaves them."""
    target.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for statement in statements:
            connection.execute(statement)
            connection.commit()
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            shutil.copy(path.parent / name, target / name)
    return target / path.name


def test_a_schema_version_that_is_only_in_the_wal_is_seen(state: Path) -> None:
    path = make_database(state / "a.sqlite", 3)
    newer = KNOWN_SCHEMA[DatabaseRole.AGENT] + 1
    left = copy_while_open(path, state / "left", f"PRAGMA user_version = {newer}", "INSERT INTO t VALUES (1)")
    found = read_database(FS, left, DatabaseRole.AGENT)
    assert found and found.header
    assert (found.header.user_version, found.user_version, found.newer_schema) == (3, newer, True)
    assert found.wal_size and not found.settled
    # What was not committed does not count, nor do frames of an earlier generation.
    wal = left.with_name("a.sqlite-wal")
    whole = wal.read_bytes()
    frames = range(32, len(whole), 24 + 4096)
    uncommitted = bytearray(whole)
    for start in frames:
        uncommitted[start + 4 : start + 8] = bytes(4)
    assert len(frames) >= 2
    for damaged in (
        uncommitted,
        whole[: 32 + 24 + 90],
        whole[:16] + b"salt" + whole[20:],
        b"nonsense" * 20,
        whole[:10],
    ):
        wal.write_bytes(damaged)
        found = read_database(FS, left, DatabaseRole.AGENT)
        assert found and found.user_version == 3


# Rows


def test_rows_are_counted_by_status(state: Path) -> None:
    rows = [("a", "running"), ("b", "running"), ("c", "done"), ("d", None), ("e", None), ("f", None)]
    inserts = [
        f"INSERT INTO session_nodes VALUES ('{key}', '{{}}', {repr(word) if word else 'NULL'})" for key, word in rows
    ]
    meta = "CREATE TABLE schema_meta AS SELECT '2026.9.6' AS app_version"
    path = agent_database(state, "main", 23, NODES, meta, *inserts)
    database = read_database(FS, path, DatabaseRole.AGENT)
    assert database
    before = snapshot(state)
    found = read_rows(FS, database)
    assert (found.app_version, found.sessions, found.not_read) == ("2026.9.6", 6, None)
    assert found.status == {"running": 2, "done": 1, "unknown": 3}
    assert snapshot(state) == before


def test_looking_at_databases_creates_and_changes_nothing(state: Path) -> None:
    agent_database(state, "main", 23, NODES)
    state_database(state, 1, JOBS)
    copy_while_open(agent_database(state, "x"), state / "left", "INSERT INTO t VALUES (1)")
    before = snapshot(state)
    eras_of(state)
    assert snapshot(state) == before


def test_rows_of_a_log_are_counted_and_nothing_is_touched(state: Path) -> None:
    insert = "INSERT INTO session_nodes VALUES ('k', '{}', 'running')"
    left = copy_while_open(agent_database(state, "main", 23, NODES), state / "left", insert)
    before = snapshot(state)
    database = read_database(FS, left, DatabaseRole.AGENT)
    assert database and database.wal_size
    assert read_rows(FS, database).status == {"running": 1}
    assert snapshot(state) == before
    # An empty -wal holds nothing.
    left.with_name(f"{left.name}-wal").write_bytes(b"")
    assert read_rows(FS, database).sessions == 0


@pytest.mark.parametrize(
    ("version", "statements", "words"),
    [
        (KNOWN_SCHEMA[DatabaseRole.AGENT] + 1, [NODES], "newer than any known"),
        (23, [], "no table session_nodes"),
        (23, ["CREATE VIEW session_nodes AS SELECT 1 AS status"], "no table session_nodes"),
        (23, ["CREATE TABLE session_nodes (x)"], "another layout"),
    ],
)
def test_rows_that_mean_nothing_here(state: Path, version: int, statements: list[str], words: str) -> None:
    database = read_database(FS, agent_database(state, "main", version, *statements), DatabaseRole.AGENT)
    assert database
    found = read_rows(FS, database)
    assert found.sessions is None and found.not_read and words in found.not_read


def test_a_damaged_database_is_not_read(state: Path) -> None:
    path = agent_database(state, "main", 23, NODES)
    data = bytearray(path.read_bytes())
    data[100:4096] = os.urandom(3996)
    path.write_bytes(data)
    database = read_database(FS, path, DatabaseRole.AGENT)
    assert database
    found = read_rows(FS, database)
    assert found.sessions is None and found.not_read
