"""Damages of files: headers, pages, logs, and what else may be where a database should be."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from .damages import (
    AGENT,
    PAGE,
    SECOND,
    STATE,
    damage,
    edit_schema,
    fill_log,
    leaf,
    poke,
    root,
    settle,
    sql,
)

# The header


def _header(path: Path, offset: int, data: bytes) -> None:
    settle(path)
    poke(path, offset, data)


@damage()
def encoding_says_utf16(state: Path) -> None:
    _header(state / AGENT, 56, (2).to_bytes(4))


@damage()
def encoding_impossible(state: Path) -> None:
    _header(state / AGENT, 56, (9).to_bytes(4))


@damage()
def page_count_too_small(state: Path) -> None:
    _header(state / AGENT, 28, (5).to_bytes(4))


@damage()
def page_count_too_large(state: Path) -> None:
    _header(state / AGENT, 28, (1 << 20).to_bytes(4))


@damage()
def freelist_leads_nowhere(state: Path) -> None:
    _header(state / AGENT, 32, (1 << 20).to_bytes(4) + (3).to_bytes(4))


@damage()
def page_size_in_header_wrong(state: Path) -> None:
    _header(state / AGENT, 16, (8192).to_bytes(2))


@damage()
def reserved_bytes_wrong(state: Path) -> None:
    _header(state / AGENT, 20, b"\x20")


@damage()
def written_by_a_newer_sqlite(state: Path) -> None:
    _header(state / AGENT, 18, b"\x03\x02")


@damage()
def read_only_by_a_newer_sqlite(state: Path) -> None:
    _header(state / AGENT, 18, b"\x03\x03")


@damage()
def schema_format_unknown(state: Path) -> None:
    _header(state / AGENT, 44, (5).to_bytes(4))


@damage()
def application_id_changed(state: Path) -> None:
    sql(state / AGENT, "PRAGMA application_id = 7")


@damage()
def version_0_with_tables(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = 0")


@damage()
def state_version_0_with_tables(state: Path) -> None:
    sql(state / STATE, "PRAGMA user_version = 0")


@damage()
def state_version_lowered(state: Path) -> None:
    sql(state / STATE, "PRAGMA user_version = 17")


@damage()
def both_versions_lowered(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA user_version = 21",
        "UPDATE schema_meta SET schema_version = 21 WHERE meta_key = 'primary'",
    )


@damage()
def recorded_version_lowered(state: Path) -> None:
    sql(state / AGENT, "UPDATE schema_meta SET schema_version = 22 WHERE meta_key = 'primary'")


@damage()
def recorded_version_newer(state: Path) -> None:
    sql(state / STATE, "UPDATE schema_meta SET schema_version = 99 WHERE meta_key = 'primary'")


@damage()
def pages_of_512_bytes(state: Path) -> None:
    sql(
        state / AGENT, "PRAGMA journal_mode = DELETE", "PRAGMA page_size = 512", "VACUUM", "PRAGMA journal_mode = WAL"
    )


@damage()
def pages_of_65536_bytes(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA journal_mode = DELETE",
        "PRAGMA page_size = 65536",
        "VACUUM",
        "PRAGMA journal_mode = WAL",
    )


@damage()
def auto_vacuum_off(state: Path) -> None:
    sql(state / AGENT, "PRAGMA auto_vacuum = 0", "VACUUM")


@damage()
def journal_mode_delete(state: Path) -> None:
    sql(state / AGENT, "PRAGMA journal_mode = DELETE")


# The file


@damage()
def half_a_page_too_long(state: Path) -> None:
    settle(state / AGENT)
    with (state / AGENT).open("ab") as stream:
        stream.write(b"x" * 1000)


@damage()
def pages_of_zeros_behind(state: Path) -> None:
    settle(state / AGENT)
    with (state / AGENT).open("ab") as stream:
        stream.write(bytes(PAGE * 10))


@damage()
def last_page_cut(state: Path) -> None:
    settle(state / AGENT)
    os.truncate(state / AGENT, (state / AGENT).stat().st_size - 1000)


@damage()
def only_a_header(state: Path) -> None:
    settle(state / AGENT)
    os.truncate(state / AGENT, 100)


@damage()
def all_zeros(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(bytes((state / AGENT).stat().st_size))


@damage()
def a_directory_in_place_of_the_database(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()
    (state / AGENT).mkdir()


@damage()
def a_directory_in_place_of_the_state_database(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()
    (state / STATE).mkdir()


@damage()
def a_directory_in_place_of_the_log(state: Path) -> None:
    settle(state / AGENT)
    (state / f"{AGENT}-wal").mkdir()


@damage()
def a_pipe_in_place_of_the_database(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()
    os.mkfifo(state / AGENT)


@damage()
def a_link_to_the_database(state: Path) -> None:
    settle(state / AGENT)
    shutil.move(state / AGENT, state / "elsewhere.sqlite")
    (state / AGENT).symlink_to(state / "elsewhere.sqlite")


@damage()
def a_link_to_nothing(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()
    (state / AGENT).symlink_to(state / "nowhere.sqlite")


@damage()
def a_hard_link_to_the_database(state: Path) -> None:
    settle(state / AGENT)
    os.link(state / AGENT, state / "second-name.sqlite")


@damage()
def two_agents_with_one_file(state: Path) -> None:
    settle(state / AGENT)
    settle(state / SECOND)
    (state / SECOND).unlink()
    os.link(state / AGENT, state / SECOND)


@damage()
def a_link_to_the_other_agents_database(state: Path) -> None:
    settle(state / AGENT)
    settle(state / SECOND)
    (state / SECOND).unlink()
    (state / SECOND).symlink_to(state / AGENT)


@damage()
def databases_swapped(state: Path) -> None:
    for path in (AGENT, SECOND):
        settle(state / path)
    shutil.move(state / AGENT, state / "kept")
    shutil.move(state / SECOND, state / AGENT)
    shutil.move(state / "kept", state / SECOND)


@damage()
def owners_swapped(state: Path) -> None:
    sql(state / AGENT, "UPDATE schema_meta SET agent_id = 'second'")
    sql(state / SECOND, "UPDATE schema_meta SET agent_id = 'main'")


@damage()
def state_database_in_place_of_the_agents(state: Path) -> None:
    settle(state / AGENT)
    settle(state / STATE)
    shutil.copyfile(state / STATE, state / AGENT)


@damage()
def agents_database_in_place_of_the_state(state: Path) -> None:
    settle(state / AGENT)
    settle(state / STATE)
    shutil.copyfile(state / AGENT, state / STATE)


@damage()
def another_programs_database(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()
    sql(state / AGENT, "CREATE TABLE bookmarks (url)", "INSERT INTO bookmarks VALUES ('x')")


@damage()
def an_empty_database(state: Path) -> None:
    """A file of SQLite without a table."""
    settle(state / AGENT)
    (state / AGENT).unlink()
    sql(state / AGENT, "CREATE TABLE x (y)", "DROP TABLE x")


@damage()
def an_empty_state_database(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()
    sql(state / STATE, "CREATE TABLE x (y)", "DROP TABLE x")


@damage()
def second_agent_of_0_bytes(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).write_bytes(b"")


@damage()
def second_agent_missing(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).unlink()


@damage()
def second_agent_garbage(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, 0, b"no database here")


@damage()
def state_of_0_bytes(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).write_bytes(b"")


@damage()
def agents_folder_missing(state: Path) -> None:
    shutil.rmtree(state / "agents" / "main")


@damage()
def second_agent_not_in_the_config(state: Path) -> None:
    path = state / "openclaw.json"
    config = json.loads(path.read_text())
    agents = config["agents"]
    if "list" in agents:
        agents["list"] = [each for each in agents["list"] if each["id"] != "second"]
    agents.get("entries", {}).pop("second", None)
    path.write_text(json.dumps(config))


# Logs and journals


@damage(hot=True)
def log_of_zeros(state: Path) -> None:
    fill_log(state / AGENT)
    (state / f"{AGENT}-wal").write_bytes(bytes(100_000))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_of_garbage(state: Path) -> None:
    (state / f"{AGENT}-wal").write_bytes(random.Random(7).randbytes(100_000))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_of_10_bytes(state: Path) -> None:
    fill_log(state / AGENT)
    os.truncate(state / f"{AGENT}-wal", 10)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_of_0_bytes(state: Path) -> None:
    fill_log(state / AGENT)
    os.truncate(state / f"{AGENT}-wal", 0)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_with_a_flipped_byte(state: Path) -> None:
    fill_log(state / AGENT)
    path = state / f"{AGENT}-wal"
    at = path.stat().st_size // 2
    poke(path, at, bytes([path.read_bytes()[at] ^ 0x55]))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def state_log_removed(state: Path) -> None:
    for suffix in ("-wal", "-shm"):
        (state / f"{STATE}{suffix}").unlink(missing_ok=True)


@damage(hot=True)
def agent_log_removed(state: Path) -> None:
    for suffix in ("-wal", "-shm"):
        (state / f"{AGENT}{suffix}").unlink(missing_ok=True)


@damage(hot=True)
def shm_garbage(state: Path) -> None:
    (state / f"{AGENT}-shm").write_bytes(random.Random(8).randbytes(32_768))


@damage()
def log_of_200_mb(state: Path) -> None:
    path = state / AGENT
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("CREATE TABLE filler (x)")
        for _ in range(20):
            database.execute("DELETE FROM filler")
            database.execute("INSERT INTO filler VALUES (randomblob(10000000))")
        kept = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, data in kept.items():
        Path(f"{path}{suffix}").write_bytes(data)


@damage()
def journal_of_garbage(state: Path) -> None:
    settle(state / AGENT)
    (state / f"{AGENT}-journal").write_bytes(random.Random(9).randbytes(10_000))


@damage()
def hot_journal(state: Path) -> None:
    leave_hot(state / AGENT)


def leave_hot(path: Path) -> None:
    """Stop in the middle of a transaction that has written to the file."""
    settle(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA cache_size = 5")
        database.execute("BEGIN")
        database.execute("CREATE TABLE spill (x)")
        database.executemany("INSERT INTO spill VALUES (?)", [("y" * 3000,)] * 400)
        kept = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-journal")}
        database.execute("ROLLBACK")
    for suffix, data in kept.items():
        Path(f"{path}{suffix}").write_bytes(data)


# Pages


@damage()
def middle_of_an_index_zeroed(state: Path) -> None:
    path = state / AGENT
    settle(path)
    poke(path, (_middle(path, root(path, "sqlite_autoindex_transcript_event_identities_1")) - 1) * PAGE, bytes(PAGE))


@damage()
def middle_of_the_events_zeroed(state: Path) -> None:
    path = state / AGENT
    settle(path)
    poke(path, (_middle(path, root(path, "transcript_events")) - 1) * PAGE, bytes(PAGE))


def _middle(path: Path, page: int) -> int:
    """A child in the middle of a page, else the page itself."""
    data = path.read_bytes()
    start = (page - 1) * PAGE
    if data[start] not in (2, 5):
        return page
    cells = int.from_bytes(data[start + 3 : start + 5])
    at = start + 12 + cells // 2 * 2
    cell = int.from_bytes(data[at : at + 2])
    return int.from_bytes(data[start + cell : start + cell + 4])


@damage()
def state_jobs_page_zeroed(state: Path) -> None:
    path = state / STATE
    settle(path)
    poke(path, (leaf(path, root(path, "cron_jobs")) - 1) * PAGE, bytes(PAGE))


@damage()
def page_of_a_table_nobody_needs_zeroed(state: Path) -> None:
    path = state / AGENT
    settle(path)
    poke(path, (root(path, "memory_index_meta") - 1) * PAGE, bytes(PAGE))


@damage()
def garbage_in_the_middle_of_a_page(state: Path) -> None:
    path = state / AGENT
    settle(path)
    poke(path, (leaf(path, root(path, "session_nodes")) - 1) * PAGE + 2000, random.Random(3).randbytes(800))


@damage()
def a_letter_of_an_entry_flipped(state: Path) -> None:
    """Bit rot that no check of SQLite can see."""
    path = state / AGENT
    settle(path)
    at = path.read_bytes().index(b'"sessionId":"bbbbbbbb')
    poke(path, at, b"{")


@damage()
def two_tables_with_one_root(state: Path) -> None:
    edit_schema(
        state / AGENT,
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'session_nodes') "
        "WHERE name = 'session_participants'",
    )


@damage()
def schema_text_torn(state: Path) -> None:
    edit_schema(state / AGENT, "UPDATE sqlite_master SET sql = 'CREATE TABL' WHERE name = 'board_tabs'")


@damage()
def search_index_damaged(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM session_transcript_fts_data WHERE id > 1")


# A main file that is gone while its log or journal is not


def _alone(path: Path, *gone: str) -> None:
    """Fill the log, then take the files with these suffixes away; the empty one is the main file."""
    fill_log(path)
    for suffix in gone:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@damage(hot=True)
def agent_missing_beside_its_log(state: Path) -> None:
    _alone(state / AGENT, "")


@damage(hot=True)
def agents_log_alone(state: Path) -> None:
    _alone(state / AGENT, "", "-shm")


@damage(hot=True)
def state_missing_beside_its_log(state: Path) -> None:
    _alone(state / STATE, "")


@damage(hot=True)
def agent_of_0_bytes_beside_its_log(state: Path) -> None:
    _alone(state / AGENT, "-shm")
    os.truncate(state / AGENT, 0)


@damage(hot=True)
def state_of_0_bytes_beside_its_log(state: Path) -> None:
    _alone(state / STATE, "-shm")
    os.truncate(state / STATE, 0)


@damage()
def agents_journal_alone(state: Path) -> None:
    hot_journal(state)
    (state / AGENT).unlink()


@damage()
def agent_of_0_bytes_beside_its_journal(state: Path) -> None:
    hot_journal(state)
    os.truncate(state / AGENT, 0)


@damage()
def agent_missing_beside_an_empty_log(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()
    (state / f"{AGENT}-wal").write_bytes(b"")
