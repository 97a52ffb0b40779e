"""A rollback journal of another database is moved away before anything undoes it into this one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.test_database_salvage import PEOPLE, whole
from tests.world import StateDir

OTHERS = [f"agent:second:telegram:direct:{number}" for number in range(60)]


def journal_of(path: Path, made: Path) -> bytes:
    """What a transaction over many pages of a copy of this database leaves that is cut off."""
    made.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(made, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")
        database.execute("BEGIN")
        database.execute("CREATE TABLE spill (x)")
        database.executemany("INSERT INTO spill VALUES (?)", [("y" * 3000,)] * 40)
        database.execute("UPDATE schema_meta SET app_version = 'z'")
        database.execute("DELETE FROM session_nodes")
        journal = Path(f"{made}-journal").read_bytes()
        database.execute("ROLLBACK")
    made.unlink()
    return journal


def cut_off(path: Path, made: Path) -> tuple[bytes, bytes]:
    """A copy of this database in the middle of a transaction that deletes all sessions, and its journal."""
    made.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(made, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 2")
        database.execute("BEGIN")
        database.execute("DELETE FROM session_nodes")
        database.execute("CREATE TABLE spill (x)")
        database.executemany("INSERT INTO spill VALUES (?)", [("y" * 3000,)] * 40)
        torn, journal = made.read_bytes(), Path(f"{made}-journal").read_bytes()
        database.execute("ROLLBACK")
    made.unlink()
    return torn, journal


def test_no_row_of_the_other_agent_gets_in(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    mine, other = whole(state.root, PEOPLE), whole(state.root, OTHERS, agent="second")
    journal = mine.with_name(f"{mine.name}-journal")
    journal.write_bytes(journal_of(other, tmp_path / "made.sqlite"))
    kept = mine.read_bytes()
    doctor = Doctor(state)
    found = state.only("database-log-foreign")
    assert "-journal" in found.message
    assert found.fix is not None
    assert found.fix.repairs == ("logs",)
    plan = doctor.plan()
    assert [step.target for step in steps(plan, "logs")] == ["agents/main/agent"]
    assert not steps(plan, "salvage")
    doctor.there_and_back()
    doctor.apply()
    assert not journal.exists()
    assert mine.read_bytes() == kept
    assert set(agentdb.statuses(mine)) == set(PEOPLE)
    assert not {"database-log-foreign", "database-corrupt", "database-owner"} & doctor.rules()


def test_a_journal_of_its_own_is_not_taken_for_anothers(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    mine = whole(state.root, PEOPLE)
    journal = journal_of(mine, tmp_path / "made.sqlite")
    mine.with_name(f"{mine.name}-journal").write_bytes(journal)
    doctor = Doctor(state)
    assert "database-log-foreign" not in doctor.rules()
    assert [step.action for step in steps(doctor.plan(), "logs")] == ["undo"]


def test_a_directory_in_its_place_is_none(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    mine = whole(state.root, PEOPLE)
    mine.with_name(f"{mine.name}-journal").mkdir()
    doctor = Doctor(state)
    assert "database-corrupt" in doctor.rules()
    assert "database-log-foreign" not in doctor.rules()
    assert not steps(doctor.plan(), "logs")


def test_a_transaction_that_was_cut_off_is_undone(tmp_path: Path) -> None:
    """2026.9.6 reads an agent's database first, and then ends with 1 where SQLite would have to write."""
    state = StateDir(tmp_path, "2026.9.6")
    mine = whole(state.root, PEOPLE)
    with closing(sqlite3.connect(mine)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    events = agentdb.ask(mine, "SELECT * FROM transcript_events ORDER BY 1, 2")
    torn, journal = cut_off(mine, tmp_path / "made.sqlite")
    mine.write_bytes(torn)
    mine.with_name(f"{mine.name}-journal").write_bytes(journal)
    doctor = Doctor(state)
    (found,) = state.judge().of("database-corrupt")
    assert found.fix is not None
    assert found.fix.command.words == ("repair", "logs")
    assert [(step.action, step.target) for step in steps(doctor.plan(), "logs")] == [
        ("undo", "agents/main/agent/openclaw-agent.sqlite")
    ]
    doctor.there_and_back()
    doctor.apply()
    assert not mine.with_name(f"{mine.name}-journal").exists()
    assert set(agentdb.statuses(mine)) == set(PEOPLE)
    assert agentdb.ask(mine, "SELECT * FROM transcript_events ORDER BY 1, 2") == events
    assert "database-corrupt" not in doctor.rules()
