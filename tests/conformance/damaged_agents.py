"""Several agents, one of them damaged or odd."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from .damaged_pages import offset_of_leaf
from .damaged_pairs import due, in_log
from .damages import (
    AGENT,
    PAGE,
    SECOND,
    damage,
    poke,
    settle,
    sql,
)


def _default(state: Path, name: str) -> None:
    path = state / "openclaw.json"
    config = json.loads(path.read_text())
    config["agents"]["list"] = [{"id": name, "default": True}, {"id": "main" if name == "second" else "second"}]
    path.write_text(json.dumps(config))


@damage()
def second_agent_page_zeroed(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, offset_of_leaf(state / SECOND, "transcript_events"), bytes(PAGE))


@damage()
def third_agent_garbage_and_unknown(state: Path) -> None:
    p = state / "agents" / "third" / "agent" / SECOND.name
    p.parent.mkdir(parents=True)
    p.write_bytes(b"garbage" * 1000)


@damage()
def third_agent_of_0_bytes_and_unknown(state: Path) -> None:
    p = state / "agents" / "third" / "agent" / SECOND.name
    p.parent.mkdir(parents=True)
    p.write_bytes(b"")


@damage()
def third_agent_sound_and_unknown(state: Path) -> None:
    settle(state / SECOND)
    p = state / "agents" / "third" / "agent" / SECOND.name
    p.parent.mkdir(parents=True)
    shutil.copyfile(state / SECOND, p)
    sql(
        p,
        "UPDATE schema_meta SET agent_id = 'third'",
        "PRAGMA foreign_keys = OFF",
        *(
            f"UPDATE {t} SET session_key = replace(session_key, ':second:', ':third:')"
            for t in ("session_nodes", "session_windows")
        ),
        "UPDATE session_nodes SET entry_valid = 1",
    )


@damage()
def an_agent_with_an_odd_name(state: Path) -> None:
    (state / "agents" / "My Agent!" / "agent").mkdir(parents=True)


@damage()
def second_agent_newer(state: Path) -> None:
    sql(state / SECOND, "PRAGMA user_version = 99")


@damage()
def second_agent_trigger_missing(state: Path) -> None:
    sql(state / SECOND, "DROP TRIGGER session_nodes_canonical_pending_after_update")


@damage()
def second_agent_entry_torn(state: Path) -> None:
    sql(state / SECOND, "UPDATE session_nodes SET entry_json = '{torn'")


@damage()
def agents_a_link_in_a_circle(state: Path) -> None:
    (state / "agents" / "loop").symlink_to(state / "agents")


@damage()
def config_with_a_third_agent(state: Path) -> None:
    p = state / "openclaw.json"
    c = json.loads(p.read_text())
    a = c["agents"]
    if "entries" in a:
        a["entries"]["third"] = {}
    else:
        a["list"].append({"id": "third"})
    p.write_text(json.dumps(c))


@damage()
def second_agent_cut_in_half(state: Path) -> None:
    settle(state / SECOND)
    os.truncate(state / SECOND, (state / SECOND).stat().st_size // 2 // PAGE * PAGE)


@damage()
def second_agent_event_of_no_session(state: Path) -> None:
    sql(
        state / SECOND,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES ('gone', 0, '{}', 1)",
    )


@damage()
def second_agent_of_another_owner(state: Path) -> None:
    sql(state / SECOND, "UPDATE schema_meta SET agent_id = 'third'")


@damage()
def second_agent_index_page_zeroed(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, offset_of_leaf(state / SECOND, "idx_agent_session_nodes_updated_at"), bytes(PAGE))


@damage()
def second_agent_version_lowered(state: Path) -> None:
    sql(state / SECOND, "PRAGMA user_version = 22")


@damage()
def second_agent_garbage_with_migrationsdue(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, 0, b"no database here")
    due(state)


@damage()
def second_agent_page_zeroed_with_migrationsdue(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, offset_of_leaf(state / SECOND, "session_nodes"), bytes(PAGE))
    due(state)


@damage()
def first_agent_garbage_and_the_second_the_default(state: Path) -> None:
    settle(state / AGENT)
    poke(state / AGENT, 0, b"no database here")
    _default(state, "second")


@damage()
def second_agent_garbage_and_the_default(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, 0, b"no database here")
    _default(state, "second")


@damage()
def second_agent_a_directory(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).unlink()
    (state / SECOND).mkdir()


@damage()
def second_agent_with_a_log_of_the_first(state: Path) -> None:
    settle(state / SECOND)
    in_log(state / AGENT, "UPDATE schema_meta SET updated_at = updated_at + 1")
    shutil.copyfile(state / f"{AGENT}-wal", state / f"{SECOND}-wal")


@damage()
def second_agent_key_in_capitals(state: Path) -> None:
    sql(
        state / SECOND,
        "PRAGMA foreign_keys = OFF",
        *(f"UPDATE {t} SET session_key = upper(session_key)" for t in ("session_nodes", "session_windows")),
        "UPDATE session_nodes SET entry_valid = 1",
    )


@damage()
def second_agent_unique_index_added(state: Path) -> None:
    sql(state / SECOND, "CREATE UNIQUE INDEX added ON session_nodes (session_key, label)")


@damage()
def second_agent_without_tables(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).unlink()
    sql(state / SECOND, "CREATE TABLE x (y)", "DROP TABLE x")


@damage()
def second_agent_hot_journal(state: Path) -> None:
    path = state / SECOND
    settle(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as d:
        d.execute("PRAGMA journal_mode = DELETE")
        d.execute("PRAGMA cache_size = 5")
        d.execute("BEGIN")
        d.execute("CREATE TABLE spill (x)")
        d.executemany("INSERT INTO spill VALUES (?)", [("y" * 3000,)] * 400)
        kept = {s: Path(f"{path}{s}").read_bytes() for s in ("", "-journal")}
        d.execute("ROLLBACK")
    for s, data in kept.items():
        Path(f"{path}{s}").write_bytes(data)
