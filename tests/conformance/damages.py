"""Damages of a directory of the database era, one a class of docs/database.md, and some that are in no table."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import sqlite3
import struct
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

AGENT = Path("agents", "main", "agent", "openclaw-agent.sqlite")
SECOND = Path("agents", "second", "agent", "openclaw-agent.sqlite")
STATE = Path("state", "openclaw.sqlite")
QUARANTINE = Path("state", "openclaw-quarantine.sqlite")
STORE = Path("agents", "main", "sessions", "sessions.json")
KEY = "agent:main:telegram:direct:1001"
PAGE = 4096


@dataclass(frozen=True, slots=True)
class Damage:
    """`hot`: to a directory whose gateway was killed, logs and all. `by_config`: it listens where its config says."""

    hurt: Callable[[Path], None]
    hot: bool = False
    by_config: bool = False


DAMAGES: dict[str, Damage] = {}


UNCHECKED = ("PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON")


def damage(
    *, hot: bool = False, by_config: bool = False, name: str = ""
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Its name is that of the function, where none is given."""

    def keep(hurt: Callable[[Path], None]) -> Callable[[Path], None]:
        DAMAGES[(name or hurt.__name__).replace("_", "-")] = Damage(hurt, hot, by_config)
        return hurt

    return keep


def sql(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Change rows and fold the log in, as a stopped gateway would leave it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        for statement in statements:
            database.execute(statement, values if "?" in statement else ())
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def columns_of(path: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def edit_schema(path: Path, *statements: str) -> None:
    """Edit the schema table itself."""
    sql(path, "PRAGMA writable_schema = ON", *statements)


def settle(path: Path) -> None:
    sql(path, "PRAGMA user_version")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def fill_log(path: Path) -> None:
    """Leave 40 transactions in the log, as a killed gateway does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(40):
            database.execute("UPDATE schema_meta SET updated_at = updated_at + ?", (number,))
        kept = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, data in kept.items():
        Path(f"{path}{suffix}").write_bytes(data)


def root(path: Path, name: str) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        return int(database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0])


def poke(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def write_store(state: Path, entries: dict[str, object]) -> None:
    path = state / STORE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=2))


def leaf(path: Path, root: int) -> int:
    """The first leaf below a page."""
    data = path.read_bytes()
    while data[(root - 1) * PAGE + (100 if root == 1 else 0)] in (2, 5):
        start = (root - 1) * PAGE
        cell = int.from_bytes(data[start + 12 : start + 14], "big")
        root = int.from_bytes(data[start + cell : start + cell + 4], "big")
    return root


def entry(age_ms: int = 3_600_000, **more: object) -> dict[str, object]:
    return {
        "sessionId": "aaaaaaaa-bbbb-4ccc-8ddd-000000000001",
        "updatedAt": int(time.time() * 1000) - age_ms,
        **more,
    }


# What is in the table


@damage()
def control(state: Path) -> None:
    del state


@damage(hot=True)
def killed(state: Path) -> None:
    del state


@damage()
def leftover_older(state: Path) -> None:
    write_store(state, {KEY: entry(age_ms=10**11)})


@damage()
def leftover_torn(state: Path) -> None:
    write_store(state, {f"agent:main:telegram:direct:{n}": entry() for n in range(9)})
    os.truncate(state / STORE, 400)


@damage()
def leftover_null(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:x": None, "agent:main:telegram:direct:y": entry()})


@damage()
def leftover_unsafe_id(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:x": {"sessionId": "../x", "updatedAt": 1}})


@damage()
def header_garbage(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, 0, b"no database here")


@damage()
def table_page_zeroed(state: Path) -> None:
    settle(state / AGENT)
    path = state / AGENT
    poke(path, (leaf(path, root(path, "session_nodes")) - 1) * PAGE, bytes(PAGE))


@damage()
def cut_in_half(state: Path) -> None:
    settle(state / AGENT)
    os.truncate(state / AGENT, (state / AGENT).stat().st_size // 2 // PAGE * PAGE)


@damage()
def agent_of_0_bytes(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(b"")


@damage()
def agent_missing(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).unlink()


@damage()
def state_missing(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def other_agents_database(state: Path) -> None:
    settle(state / AGENT)
    settle(state / SECOND)
    shutil.copyfile(state / SECOND, state / AGENT)


@damage()
def newer_schema(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = 99")


@damage()
def older_version_in_header(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = 22")


@damage()
def event_of_no_session(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES ('gone', 0, '{}', 1)",
    )


@damage()
def trigger_missing(state: Path) -> None:
    sql(state / AGENT, "DROP TRIGGER session_nodes_canonical_pending_after_update")


@damage()
def unique_index_added(state: Path) -> None:
    sql(state / AGENT, "CREATE UNIQUE INDEX added ON session_nodes (session_key, label)")


@damage()
def table_added(state: Path) -> None:
    sql(state / AGENT, "CREATE TABLE added (x)")


@damage()
def entry_no_json(state: Path) -> None:
    sql(state / AGENT, "UPDATE session_nodes SET entry_json = '{torn' WHERE session_key = ?", values=(KEY,))


@damage()
def quarantined(state: Path) -> None:
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'agent', 'row 1 missing from index', 1, '2026.9.6', NULL)",
        values=(str(state / AGENT),),
    )


@damage()
def owner_lease_of_another_host(state: Path) -> None:
    now = int(time.time() * 1000)
    payload = json.dumps({"owner": {"pid": 4242, "host": f"not-{socket.gethostname()}", "startedAt": 5}, "port": 1})
    sql(state / STATE, "DELETE FROM state_leases WHERE scope = 'gateway-owner'")
    sql(
        state / STATE,
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES ('gateway-owner', 'global', 'x', ?, ?, ?, ?, ?)",
        values=(now + 3_600_000, now, payload, now, now),
    )


@damage(hot=True)
def log_of_another_agent(state: Path) -> None:
    fill_log(state / SECOND)
    shutil.copyfile(state / f"{SECOND}-wal", state / f"{AGENT}-wal")
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


# What is in no table


@damage()
def index_page_zeroed(state: Path) -> None:
    settle(state / AGENT)
    path = state / AGENT
    poke(path, (leaf(path, root(path, "idx_agent_session_nodes_updated_at")) - 1) * PAGE, bytes(PAGE))


@damage()
def overflow_page_zeroed(state: Path) -> None:
    """The second page of the chain of a large entry."""
    path = state / AGENT
    mark = "overflowing " * 4_000
    sql(
        path,
        "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.label', ?), entry_valid = 1 "
        f"WHERE session_key = '{KEY}'",
        values=(mark,),
    )
    settle(path)
    data = path.read_bytes()
    pages = [n for n in range(len(data) // PAGE) if b"overflowing overflowing" in data[n * PAGE + 8 : n * PAGE + 60]]
    poke(path, pages[len(pages) // 2] * PAGE, bytes(PAGE))


@damage(hot=True)
def log_cut_inside_a_frame(state: Path) -> None:
    fill_log(state / AGENT)
    path = state / f"{AGENT}-wal"
    os.truncate(path, 32 + (path.stat().st_size - 32) // (PAGE + 24) // 2 * (PAGE + 24) + 1000)
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage(hot=True)
def log_of_another_page_size(state: Path) -> None:
    """A log whose header names pages of 8,192 bytes, with a sound checksum of its own."""
    fill_log(state / AGENT)
    path = state / f"{AGENT}-wal"
    head = bytearray(path.read_bytes()[:24])
    head[8:12] = (8192).to_bytes(4, "big")
    words = struct.unpack("<6I" if head[3] == 0x82 else ">6I", bytes(head))
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    poke(path, 0, bytes(head) + struct.pack(">2I", first, second))
    (state / f"{AGENT}-shm").unlink(missing_ok=True)


@damage()
def table_missing(state: Path) -> None:
    sql(state / AGENT, "DROP TABLE session_participants")


@damage()
def windows_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", "DROP TABLE session_windows")


@damage()
def huge_entry(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.skillsSnapshot', json_object('prompt', ?)), "
        f"entry_valid = 1 WHERE session_key = '{KEY}'",
        values=("x" * 40_000_000,),
    )


@damage()
def two_keys_that_differ_in_case(state: Path) -> None:
    with closing(sqlite3.connect(state / AGENT)) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(session_nodes)")]
    wanted = ", ".join("upper(session_key)" if name == "session_key" else name for name in names)
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        f"INSERT INTO session_nodes ({', '.join(names)}) SELECT {wanted} FROM session_nodes "
        f"WHERE session_key = '{KEY}'",
    )


@damage()
def garbage_in_a_free_page(state: Path) -> None:
    path = state / AGENT
    sql(path, "CREATE TABLE filler (x)", "INSERT INTO filler VALUES (randomblob(200000))", "DROP TABLE filler")
    settle(path)
    trunk = int.from_bytes(path.read_bytes()[32:36], "big")
    poke(path, (trunk - 1) * PAGE, random.Random(1).randbytes(PAGE))
