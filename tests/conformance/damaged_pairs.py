"""Two damages at once, and damages that only the log of a database has."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from .damages import (
    AGENT,
    KEY,
    PAGE,
    SECOND,
    STATE,
    STORE,
    damage,
    entry,
    fill_log,
    leaf,
    poke,
    root,
    settle,
    sql,
    write_store,
)


def in_log(path: Path, *statements: str) -> None:
    """Change rows, and leave the changes in the log alone."""
    settle(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        for statement in statements:
            database.execute(statement)
        kept = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, data in kept.items():
        Path(f"{path}{suffix}").write_bytes(data)
    Path(f"{path}-shm").unlink(missing_ok=True)


def _without(path: Path) -> None:
    settle(path)
    path.unlink()


# Two at once


@damage()
def agent_garbage_and_state_missing(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, 0, b"no database here")
    _without(state / STATE)


@damage()
def agent_missing_and_leftover_store(state: Path) -> None:
    _without(state / AGENT)
    write_store(state, {KEY: entry()})


@damage()
def agent_missing_and_leftover_torn(state: Path) -> None:
    _without(state / AGENT)
    write_store(state, {KEY: entry()})
    os.truncate(state / STORE, 30)


@damage()
def both_agents_missing(state: Path) -> None:
    _without(state / AGENT)
    _without(state / SECOND)


@damage()
def every_database_missing(state: Path) -> None:
    for path in (AGENT, SECOND):
        _without(state / path)
    shutil.rmtree(state / "state")


@damage()
def state_folder_missing(state: Path) -> None:
    shutil.rmtree(state / "state")


@damage()
def second_agent_missing_and_first_damaged(state: Path) -> None:
    _without(state / SECOND)
    settle(state / AGENT)
    poke(state / AGENT, (leaf(state / AGENT, root(state / AGENT, "session_nodes")) - 1) * PAGE, bytes(PAGE))


@damage()
def trigger_missing_and_event_of_no_session(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        "DROP TRIGGER session_nodes_canonical_pending_after_update",
        "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES ('gone', 0, '{}', 1)",
    )


@damage()
def state_missing_and_jobs_file_left(state: Path) -> None:
    old = next((state / "cron").glob("jobs.json.migrated*"))
    shutil.copyfile(old, state / "cron" / "jobs.json")
    _without(state / STATE)


# In the log alone


@damage()
def newer_schema_in_the_log(state: Path) -> None:
    in_log(state / AGENT, "PRAGMA user_version = 99")


@damage()
def event_of_no_session_in_the_log(state: Path) -> None:
    in_log(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        "UPDATE session_windows SET session_key = 'gone' WHERE session_key = (SELECT max(session_key) FROM "
        "session_windows)",
    )


@damage()
def owner_changed_in_the_log(state: Path) -> None:
    in_log(state / AGENT, "UPDATE schema_meta SET agent_id = 'second'")


@damage()
def sessions_deleted_in_the_log(state: Path) -> None:
    in_log(state / STATE, "DELETE FROM agent_databases")


@damage()
def page_damaged_and_whole_in_the_log(state: Path) -> None:
    path = state / AGENT
    settle(path)
    page = leaf(path, root(path, "session_nodes"))
    in_log(path, f"UPDATE session_nodes SET entry_valid = 1 WHERE session_key = '{KEY}'")
    poke(path, (page - 1) * PAGE, bytes(PAGE))


@damage(hot=True)
def garbage_behind_the_log(state: Path) -> None:
    fill_log(state / AGENT)
    with Path(f"{state / AGENT}-wal").open("ab") as stream:
        stream.write(random.Random(11).randbytes(20_000))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def zeros_behind_the_log(state: Path) -> None:
    fill_log(state / AGENT)
    with Path(f"{state / AGENT}-wal").open("ab") as stream:
        stream.write(bytes(40_000))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_with_another_salt(state: Path) -> None:
    """The header of a later log, over frames of an earlier one."""
    fill_log(state / AGENT)
    path = state / f"{AGENT}-wal"
    head = bytearray(path.read_bytes()[:24])
    head[16:20] = (int.from_bytes(head[16:20], "big") + 1 & 0xFFFFFFFF).to_bytes(4, "big")
    first = second = 0
    words = struct.unpack("<6I" if head[3] == 0x82 else ">6I", bytes(head))
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    poke(path, 0, bytes(head) + struct.pack(">2I", first, second))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage()
def log_of_an_earlier_moment(state: Path) -> None:
    """A -wal of before, put back beside a database that was written to after it was folded in."""
    path = state / AGENT
    in_log(path, "UPDATE schema_meta SET updated_at = updated_at + 1")
    old = Path(f"{path}-wal").read_bytes()
    sql(path, "CREATE TABLE later (x)", "INSERT INTO later VALUES (randomblob(100000))")
    settle(path)
    Path(f"{path}-wal").write_bytes(old)


@damage()
def log_of_another_agent_after_a_clean_stop(state: Path) -> None:
    settle(state / AGENT)
    in_log(state / SECOND, "UPDATE schema_meta SET updated_at = updated_at + 1")
    shutil.copyfile(state / f"{SECOND}-wal", state / f"{AGENT}-wal")


@damage()
def state_log_of_an_agent(state: Path) -> None:
    settle(state / STATE)
    in_log(state / AGENT, "UPDATE schema_meta SET updated_at = updated_at + 1")
    shutil.copyfile(state / f"{AGENT}-wal", state / f"{STATE}-wal")


# Cut, foreign and packed files


@damage()
def agent_of_1_byte(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(b"S")


@damage()
def agent_of_half_a_page(state: Path) -> None:
    settle(state / AGENT)
    os.truncate(state / AGENT, PAGE // 2)


@damage()
def agent_of_one_page(state: Path) -> None:
    settle(state / AGENT)
    os.truncate(state / AGENT, PAGE)


@damage()
def state_of_one_page(state: Path) -> None:
    settle(state / STATE)
    os.truncate(state / STATE, PAGE)


@damage()
def database_gzipped_in_place(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(gzip.compress((state / AGENT).read_bytes()))


@damage()
def database_encrypted(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(random.Random(12).randbytes((state / AGENT).stat().st_size))


@damage()
def a_store_in_place_of_the_database(state: Path) -> None:
    settle(state / AGENT)
    write_store(state, {KEY: entry()})
    shutil.move(state / STORE, state / AGENT)


@damage()
def first_page_of_another_agent(state: Path) -> None:
    settle(state / AGENT)
    settle(state / SECOND)
    poke(state / AGENT, 0, (state / SECOND).read_bytes()[:PAGE])


# Where the startup migrations are due


def due(state: Path) -> None:
    """Take the record away that the startup migrations are done, as an upgrade or a move does."""
    sql(state / STATE, "DELETE FROM schema_meta WHERE meta_key = 'startup-migrations'")


@damage(hot=True)
def log_of_another_agent_with_migrations_due(state: Path) -> None:
    fill_log(state / SECOND)
    shutil.copyfile(state / f"{SECOND}-wal", state / f"{AGENT}-wal")
    (state / f"{AGENT}-shm").unlink(missing_ok=True)
    due(state)


@damage(hot=True)
def whole_log_of_another_agent(state: Path) -> None:
    """With pages of its sessions, not just of its records."""
    with closing(sqlite3.connect(state / SECOND, isolation_level=None)) as database:
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE session_nodes SET entry_json = json_set(entry_json, '$.label', 'x')")
        database.execute("UPDATE session_nodes SET entry_valid = 1")
        kept = Path(f"{state / SECOND}-wal").read_bytes()
    Path(f"{state / AGENT}-wal").write_bytes(kept)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def whole_log_of_another_agent_with_migrations_due(state: Path) -> None:
    whole_log_of_another_agent(state)
    due(state)


@damage()
def agent_of_0_bytes_with_migrations_due(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(b"")
    due(state)


@damage()
def entry_no_json_with_migrations_due(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'")
    due(state)


@damage()
def leftover_older_with_migrations_due(state: Path) -> None:
    write_store(state, {KEY: entry(age_ms=10**11)})
    due(state)


@damage(hot=True)
def every_page_of_another_agent_in_the_log(state: Path) -> None:
    """As after an import: with the log laid over, the database is the other one."""
    with closing(sqlite3.connect(state / SECOND, isolation_level=None)) as database:
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("VACUUM")
        kept = Path(f"{state / SECOND}-wal").read_bytes()
    Path(f"{state / AGENT}-wal").write_bytes(kept)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def every_page_of_another_agent_in_the_log_with_migrations_due(state: Path) -> None:
    every_page_of_another_agent_in_the_log(state)
    due(state)


@damage(hot=True)
def log_of_another_agent_beside_its_own_shm(state: Path) -> None:
    own = Path(f"{state / AGENT}-shm").read_bytes()
    every_page_of_another_agent_in_the_log(state)
    Path(f"{state / AGENT}-shm").write_bytes(own)


# Indexes that lack rows


def _swap_roots(path: Path, index: str, other: str, *before: str) -> None:
    """Give an index the pages of an empty one of its shape, which goes."""
    sql(path, *before)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0"))
        database.execute("PRAGMA writable_schema = ON")
        for name, page in ((index, roots[other]), (other, roots[index])):
            database.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (page, name))
        (version,) = database.execute("PRAGMA schema_version").fetchone()
        database.execute(f"PRAGMA schema_version = {version + 1}")
    sql(path, "DROP TABLE filler")
    settle(path)


@damage()
def index_without_rows(state: Path) -> None:
    _swap_roots(
        state / AGENT,
        "idx_agent_session_nodes_updated_at",
        "other",
        "CREATE TABLE filler (updated_at INTEGER, session_key TEXT)",
        "CREATE INDEX other ON filler (updated_at, session_key)",
    )


@damage()
def key_index_without_rows(state: Path) -> None:
    """That of the primary key, which is in no statement of its own."""
    _swap_roots(
        state / AGENT,
        "sqlite_autoindex_session_nodes_1",
        "sqlite_autoindex_filler_1",
        "CREATE TABLE filler (key TEXT PRIMARY KEY)",
    )


@damage()
def index_without_rows_with_migrations_due(state: Path) -> None:
    index_without_rows(state)
    due(state)


@damage()
def index_page_zeroed_with_migrations_due(state: Path) -> None:
    settle(state / AGENT)
    poke(
        state / AGENT,
        (leaf(state / AGENT, root(state / AGENT, "idx_agent_session_nodes_updated_at")) - 1) * PAGE,
        bytes(PAGE),
    )
    due(state)
