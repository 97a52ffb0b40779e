"""Damages of pages, indexes, logs and journals that are in no class of docs/database.md."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from .damaged_files import hot_journal, leave_hot
from .damaged_pairs import due, in_log
from .damages import (
    AGENT,
    KEY,
    PAGE,
    QUARANTINE,
    SECOND,
    STATE,
    damage,
    fill_log,
    leaf,
    poke,
    root,
    settle,
    sql,
)


def _header(path: Path, offset: int, data: bytes) -> None:
    settle(path)
    poke(path, offset, data)


def offset_of_leaf(path: Path, table: str) -> int:
    """Of the first leaf of a table or index."""
    return (leaf(path, root(path, table)) - 1) * PAGE


@damage()
def magic_of_another_version(state: Path) -> None:
    _header(state / AGENT, 13, b"\x34")


@damage()
def write_version_0(state: Path) -> None:
    _header(state / AGENT, 18, b"\x00")


@damage()
def freelist_count_wrong(state: Path) -> None:
    _header(state / AGENT, 36, (77).to_bytes(4))


@damage()
def auto_vacuum_flag_cleared(state: Path) -> None:
    _header(state / AGENT, 52, bytes(4))


@damage()
def state_header_garbage(state: Path) -> None:
    _header(state / STATE, 0, b"no database here")


@damage()
def version_negative(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = -1")


@damage()
def page_of_a_wrong_type(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, offset_of_leaf(state / AGENT, "session_nodes"), b"\x0a")


@damage()
def cell_count_impossible(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, offset_of_leaf(state / AGENT, "session_nodes") + 3, b"\xff\xff")


@damage()
def page_of_another_table(state: Path) -> None:
    p = state / AGENT
    settle(p)
    d = p.read_bytes()
    a, b = offset_of_leaf(p, "session_windows"), offset_of_leaf(p, "session_nodes")
    poke(p, b, d[a : a + PAGE])


@damage()
def child_of_a_page_is_itself(state: Path) -> None:
    p = state / AGENT
    settle(p)
    r = root(p, "transcript_events")
    poke(p, (r - 1) * PAGE + 8, r.to_bytes(4))


@damage()
def rowids_out_of_order(state: Path) -> None:
    p = state / AGENT
    settle(p)
    at = offset_of_leaf(p, "session_nodes")
    d = p.read_bytes()[at : at + PAGE]
    poke(p, at + 8, d[10:12] + d[8:10])


@damage()
def freelist_leads_back_to_itself(state: Path) -> None:
    p = state / AGENT
    sql(p, "CREATE TABLE filler (x)", "INSERT INTO filler VALUES (randomblob(200000))", "DROP TABLE filler")
    settle(p)
    t = int.from_bytes(p.read_bytes()[32:36])
    poke(p, (t - 1) * PAGE, t.to_bytes(4))


@damage()
def pointer_map_zeroed(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, PAGE, bytes(PAGE))


@damage()
def overflow_chain_ends_early(state: Path) -> None:
    p = state / AGENT
    sql(
        p,
        "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.label', ?), entry_valid = 1 "
        f"WHERE session_key = '{KEY}'",
        values=("overflowing " * 4000,),
    )
    settle(p)
    d = p.read_bytes()
    pages = [n for n in range(len(d) // PAGE) if b"overflowing overflowing" in d[n * PAGE + 8 : n * PAGE + 60]]
    poke(p, pages[len(pages) // 2] * PAGE, bytes(4))


@damage()
def text_that_is_no_utf8(state: Path) -> None:
    p = state / AGENT
    settle(p)
    at = p.read_bytes().index(b'"displayName":"Hello"')
    poke(p, at + 16, b"\xff\xfe")


@damage()
def state_leases_page_zeroed(state: Path) -> None:
    settle(state / STATE)
    poke(state / STATE, (root(state / STATE, "state_leases") - 1) * PAGE, bytes(PAGE))


@damage()
def state_index_page_zeroed(state: Path) -> None:
    settle(state / STATE)
    poke(state / STATE, (root(state / STATE, "sqlite_autoindex_cron_jobs_1") - 1) * PAGE, bytes(PAGE))


@damage()
def quarantine_page_zeroed(state: Path) -> None:
    settle(state / QUARANTINE)
    poke(state / QUARANTINE, (root(state / QUARANTINE, "agent_integrity_verifications") - 1) * PAGE, bytes(PAGE))


@damage(hot=True)
def log_with_its_first_frame_damaged(state: Path) -> None:
    fill_log(state / AGENT)
    poke(Path(f"{state / AGENT}-wal"), 32 + 24 + 500, b"\x55" * 40)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_without_its_last_commit_mark(state: Path) -> None:
    """The frames of a transaction that was never committed, behind those of some that were."""
    fill_log(state / AGENT)
    p = Path(f"{state / AGENT}-wal")
    d = p.read_bytes()
    n = (len(d) - 32) // (PAGE + 24)
    last = 32 + (n - 1) * (PAGE + 24)
    poke(p, last + 4, bytes(4))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def second_log_removed(state: Path) -> None:
    for s in ("-wal", "-shm"):
        (state / f"{SECOND}{s}").unlink(missing_ok=True)


@damage(hot=True)
def every_log_removed(state: Path) -> None:
    for q in (AGENT, SECOND, STATE):
        for s in ("-wal", "-shm"):
            (state / f"{q}{s}").unlink(missing_ok=True)


@damage(hot=True)
def state_log_of_zeros(state: Path) -> None:
    Path(f"{state / STATE}-wal").write_bytes(bytes(50_000))
    (state / f"{STATE}-shm").unlink(missing_ok=True)


@damage()
def journal_ended(state: Path) -> None:
    """A journal whose header is zeroed, as journal_mode=persist leaves it."""
    hot_journal(state)
    j = Path(f"{state / AGENT}-journal")
    p = state / AGENT
    settle(p)
    j.write_bytes(bytes(512) + random.Random(4).randbytes(8000))


@damage()
def journal_of_another_database(state: Path) -> None:
    hot_journal(state)
    j = Path(f"{state / AGENT}-journal")
    d = j.read_bytes()
    settle(state / AGENT)
    settle(state / SECOND)
    Path(f"{state / AGENT}-journal").unlink(missing_ok=True)
    Path(f"{state / SECOND}-journal").write_bytes(d)


@damage()
def state_hot_journal(state: Path) -> None:
    leave_hot(state / STATE)


@damage()
def hot_journal_with_migrationsdue(state: Path) -> None:
    hot_journal(state)
    due(state)


@damage()
def index_with_a_row_too_many(state: Path) -> None:
    """A row is taken out of its table while the index is not known."""
    p = state / AGENT
    with closing(sqlite3.connect(p, isolation_level=None)) as d:
        d.execute("PRAGMA foreign_keys = OFF")
        d.execute("PRAGMA writable_schema = ON")
        row = d.execute("SELECT * FROM sqlite_master WHERE name='idx_agent_session_nodes_updated_at'").fetchone()
        (v,) = d.execute("PRAGMA schema_version").fetchone()
        d.execute("DELETE FROM sqlite_master WHERE name='idx_agent_session_nodes_updated_at'")
        d.execute(f"PRAGMA schema_version = {v + 1}")
    with closing(sqlite3.connect(p, isolation_level=None)) as d:
        d.execute(f"UPDATE session_nodes SET updated_at = updated_at + 5 WHERE session_key = '{KEY}'")
        d.execute("UPDATE session_nodes SET entry_valid=1")
        d.execute("PRAGMA writable_schema = ON")
        d.execute("INSERT INTO sqlite_master VALUES (?,?,?,?,?)", row)
        d.execute(f"PRAGMA schema_version = {v + 2}")
    settle(p)


@damage()
def database_of_before_and_its_log_of_now(state: Path) -> None:
    """The main file of an earlier moment under the log of a later one."""
    p = state / AGENT
    settle(p)
    old = p.read_bytes()
    sql(p, "CREATE TABLE later (x)", "INSERT INTO later VALUES (randomblob(300000))")
    settle(p)
    in_log(
        p,
        f"UPDATE session_nodes SET entry_valid = 1 WHERE session_key = '{KEY}'",
        "INSERT INTO later VALUES (randomblob(100000))",
    )
    p.write_bytes(old)
