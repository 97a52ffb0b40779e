"""salvage of databases: what can be read of damaged pages comes back in a new file, and nothing that was deleted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.repair.drafting.origins import kept_origins, planned_origins
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.vault.layout import RunPlace
from gatewaydoctor.repair.writing.errors import Refused
from gatewaydoctor.storage.database import schema
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database, zeroed_page
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import DEAD, tools
from tests.world import HOUR, NOW, StateDir, run_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAGE = 1024
PEOPLE = [f"agent:main:telegram:direct:{number}" for number in range(60)]
Damage = "Callable[[Path], None]"


def whole(
    root: Path,
    keys: Iterable[str] = PEOPLE,
    *,
    name: str = "openclaw-agent.sqlite",
    gone: int = 0,
    agent: str = "main",
) -> Path:
    """A settled database with a session for each key; the first `gone` of them were deleted again."""
    path = agentdb.path_in(root, agent).with_name(name)
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    connection = agentdb.connected(path)
    list(connection.execute(agentdb.SCHEMA))
    for key in keys:
        agentdb.node(connection, key, "done", label="x" * 100)
    for key in list(keys)[:gone]:
        connection.execute("DELETE FROM session_nodes WHERE session_key = ?", (key,))
    # A version whose tables are not compared: this has only those that the test needs.
    connection.execute("UPDATE schema_meta SET schema_version = 20, agent_id = ?", (agent,))
    connection.execute("PRAGMA user_version = 20")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    os.utime(path, (NOW / 1000 - 60, NOW / 1000 - 60))
    return path


def write(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def garbage_header(path: Path) -> None:
    write(path, 0, b"garbagegarbageXX")


def first_page(path: Path) -> None:
    write(path, 0, bytes(PAGE))


def root_of(table: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        (root,) = agentdb.ask(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0]
        assert isinstance(root, int)
        assert path.read_bytes()[(root - 1) * PAGE] == 5  # interior: its leaves are left
        write(path, (root - 1) * PAGE, bytes(PAGE))

    damage.__name__ = f"root_of_{table}"
    return damage


def leaf_of(table: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = path.read_bytes()
        (root,) = agentdb.ask(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0]
        assert isinstance(root, int)
        page = data[(root - 1) * PAGE : root * PAGE]
        first = int.from_bytes(page[12:14])
        leaf = int.from_bytes(page[first : first + 4])
        assert data[(leaf - 1) * PAGE] == 13
        write(path, (leaf - 1) * PAGE, bytes(PAGE))

    damage.__name__ = f"leaf_of_{table}"
    return damage


NOTHING_LOST = [
    garbage_header,
    first_page,
    root_of("session_nodes"),
    root_of("session_windows"),
    root_of("transcript_events"),
    leaf_of("session_nodes"),
    leaf_of("session_windows"),
]


def ready(tmp_path: Path, damage: Callable[[Path], None] | None, **how: int) -> tuple[Doctor, Path]:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, **how)
    if damage is not None:
        damage(path)
    return Doctor(state), path


@pytest.mark.parametrize("damage", NOTHING_LOST, ids=lambda each: each.__name__)
def test_every_session_and_event_comes_back(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    doctor, path = ready(tmp_path, damage)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(2 * len(PEOPLE),)]
    assert agentdb.ask(path, "SELECT count(*) FROM session_windows") == [(len(PEOPLE),)]
    assert agentdb.ask(path, "PRAGMA user_version") == [(20,)]
    assert "database-corrupt" not in doctor.rules()


def schema_lost(path: Path) -> None:
    """Every page with rows of the schema, and not the header."""
    data = path.read_bytes()
    cells = [int.from_bytes(data[at : at + 2]) for at in range(112, 112 + 2 * int.from_bytes(data[103:105]), 2)]
    assert data[100] == 5  # interior
    for leaf in (*(int.from_bytes(data[cell : cell + 4]) for cell in cells), int.from_bytes(data[108:112])):
        write(path, (leaf - 1) * PAGE, bytes(PAGE))
    write(path, 100, bytes(PAGE - 100))


def definition_torn(path: Path) -> None:
    _edit_schema(path, "UPDATE sqlite_master SET sql = 'CREATE TABL' WHERE name = 'session_windows'")


def definition_zeroed(path: Path) -> None:
    """As where the page it is on was written with zeros."""
    _edit_schema(path, "UPDATE sqlite_master SET sql = char(0, 0, 0) WHERE name = 'session_windows'")


def table_gone(path: Path) -> None:
    connection = agentdb.connected(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DROP TABLE session_windows")
    connection.close()


def _edit_schema(path: Path, statement: str) -> None:
    connection = agentdb.connected(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(statement)
    connection.close()


def schema_leaf(path: Path) -> None:
    """The page that describes the table of transcripts, and others."""
    write(path, _leaf_of_schema(path) * PAGE, bytes(PAGE))


def schema_leaf_of_another(path: Path) -> None:
    """A page of a table in the place of that one."""
    data = path.read_bytes()
    pages = [data[at : at + PAGE] for at in range(0, len(data), PAGE)]
    other = next(page for page in pages if page[0] == 13 and b'"sessionId":"sid-' in page)
    write(path, _leaf_of_schema(path) * PAGE, other)


def _leaf_of_schema(path: Path) -> int:
    data = path.read_bytes()
    at = data.index(b"CREATE TABLE transcript_events") // PAGE
    assert at
    assert data[at * PAGE] == 13
    return at


def known_as(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of this database are those of their version."""
    tables = [str(name) for (name,) in agentdb.ask(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    triggers = agentdb.ask(path, "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    known = {
        "tables": tables,
        "triggers": {name: f"{table}:{schema._digest(str(sql))}" for name, table, sql in triggers},
        "unique": {},
        "columns": {},
        "optional": [],
    }
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"20": known}})


SCHEMAS = [
    *(schema_lost, schema_leaf, schema_leaf_of_another),
    *(definition_torn, definition_zeroed, table_gone),
]


@pytest.mark.parametrize("damage", SCHEMAS, ids=lambda each: each.__name__)
def test_the_schema_of_another_agents_database_serves(
    tmp_path: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables are told by the rows that fit them where nothing else tells them."""
    doctor, path = ready(tmp_path, None)
    sister = whole(doctor.state.root, ["agent:second:telegram:direct:1"], agent="second")
    known_as(sister, monkeypatch)
    events = agentdb.ask(path, "SELECT * FROM transcript_events ORDER BY 1, 2")
    damage(path)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)
    assert agentdb.ask(path, "SELECT * FROM transcript_events ORDER BY 1, 2") == events
    assert agentdb.ask(path, "SELECT count(*) FROM session_windows") == [(len(PEOPLE),)]
    assert not doctor.rules() & {"database-corrupt", "database-schema", "database-foreign-keys"}


def test_a_plan_reads_a_schema_as_its_act_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own is as its version has it: another table of the sister gets none of its rows."""
    doctor, path = ready(tmp_path, None)
    sister = whole(doctor.state.root, ["agent:second:telegram:direct:1"], agent="second")
    known_as(sister, monkeypatch)
    connection = apsw.Connection(str(sister))
    connection.execute("CREATE TABLE later (id TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT, at INTEGER)")
    connection.close()
    events = agentdb.ask(path, "SELECT * FROM transcript_events ORDER BY 1, 2")
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA auto_vacuum = NONE; VACUUM")
    connection.close()
    root_of("transcript_events")(path)
    first_page(path)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT * FROM transcript_events ORDER BY 1, 2") == events


def test_it_is_part_of_a_plan_without_names(tmp_path: Path) -> None:
    doctor, _ = ready(tmp_path, root_of("session_nodes"))
    assert steps(doctor.plan(), "salvage")


@pytest.mark.parametrize("status", ["done", "running"])
def test_a_second_plan_is_spoken_of_where_it_has_something_to_do(tmp_path: Path, status: str) -> None:
    doctor, path = ready(tmp_path, None)
    connection = agentdb.connected(path)
    agentdb.node(connection, "agent:main:telegram:direct:77", status)
    connection.close()
    garbage_header(path)
    plan = doctor.plan()
    told = [note.text for note in plan.cautions if note.command]
    assert (
        told == ["More repairs may follow: 1 rebuilt session is marked running. See them then:"][status == "done" :]
    )
    apply(plan, tools(), DEAD)
    assert doctor.plan().empty == (status == "done")


def test_rows_that_break_a_constraint_are_left_out_only_where_asked_and_told(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    connection = agentdb.connected(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("UPDATE transcript_events SET event_json = '' WHERE seq = 2 AND session_id LIKE '%1'")
    broken = connection.changes()
    connection.execute("UPDATE session_nodes SET status = 'odd' WHERE session_key LIKE '%:2'")
    connection.close()
    assert "database-corrupt" in doctor.rules()
    assert doctor.plan().empty
    assert "break a constraint" in doctor.plan("expire").refusals[0].reason
    plan = doctor.plan("salvage")
    assert f"with {2 * len(PEOPLE) - broken} events" in steps(plan, "salvage")[0].reason
    told = [note.text for note in plan.cautions]
    assert any(text.endswith(f"in the vault: {broken} of transcript_events.") for text in told), told
    assert plan.torn >= broken
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(2 * len(PEOPLE) - broken,)]
    assert set(agentdb.statuses(path)) == set(PEOPLE)


def test_a_page_of_an_index_among_those_of_a_table_is_told(tmp_path: Path) -> None:
    """No index lists the rows that were on the page in its place."""
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE of_a_plugin (a TEXT, n INTEGER)")
    connection.executemany("INSERT INTO of_a_plugin VALUES (?, ?)", (("x" * 90, n) for n in range(60)))
    connection.close()
    data = path.read_bytes()
    index = next(page for at in range(0, len(data), PAGE) if (page := data[at : at + PAGE])[0] == 10)
    leaf_of("of_a_plugin")(path)
    damaged = path.read_bytes()
    write(path, next(at for at in range(0, len(data), PAGE) if damaged[at] != data[at]), index)
    (note,) = [each for each in doctor.plan("salvage").cautions if "how many rows they had is unknown" in each.text]
    assert note.names == ("of_a_plugin",)


def test_a_page_of_sessions_among_those_of_transcripts_makes_none(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    data = path.read_bytes()
    pages = [data[at : at + PAGE] for at in range(0, len(data), PAGE)]
    rows = next(page for page in pages if page[0] == 13 and b'"sessionId":"sid-' in page)
    leaf_of("transcript_events")(path)
    damaged = path.read_bytes()
    write(path, next(at for at in range(0, len(data), PAGE) if damaged[at] != data[at]), rows)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)


def test_an_entry_of_which_the_end_is_zeros_is_made_again_and_told(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))
    zeros = "substr(entry_json, 1, 30) || char(0, 0, 0, 0)"
    connection.execute(f"UPDATE session_nodes SET entry_json = {zeros} WHERE session_key = ?", (PEOPLE[7],))
    connection.close()
    root_of("session_windows")(path)
    (note,) = [each for each in doctor.plan("salvage").cautions if "made again from their windows" in each.text]
    assert note.names == (PEOPLE[7],)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT count(*) FROM session_nodes WHERE json_valid(entry_json)") == [(len(PEOPLE),)]


def test_rows_of_a_table_that_nothing_describes_any_more_are_counted(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, leaf_of("session_nodes"))
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE of_a_plugin (a TEXT, n INTEGER, z TEXT)")
    connection.executemany("INSERT INTO of_a_plugin VALUES (?, ?, 'z')", (("x" * 90, n) for n in range(200)))
    connection.close()
    assert not [each for each in doctor.plan("salvage").cautions if "whose table is not known" in each.text]
    _edit_schema(path, "DELETE FROM sqlite_schema WHERE name = 'of_a_plugin'")
    plan = doctor.plan("salvage")
    (note,) = [each.text for each in plan.cautions if "whose table is not known" in each.text]
    assert note == "Rows whose table is not known stay in the old file, in the vault: 200."


def test_a_row_of_which_a_part_is_zeros_is_told(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, leaf_of("session_nodes"))
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE of_a_plugin (a TEXT, b BLOB)")
    long, zeros = "x" * 3 * PAGE, bytes(3 * PAGE)
    connection.executemany(
        "INSERT INTO of_a_plugin VALUES (?, ?)",
        [(long, None), (None, zeros), (None, b"x" * 3 * PAGE), ("", b"x" + zeros), ("y" * 3 * PAGE, b"z")],
    )
    connection.close()
    said = "Rows of which a part is zeros"
    assert not [each for each in doctor.plan("salvage").cautions if said in each.text and "plugin" in each.text]
    data = path.read_bytes()
    pages = [
        at for at in range(0, len(data), PAGE) if not any(data[at : at + 4]) and set(data[at + 4 : at + 90]) == {120}
    ]
    assert len(pages) == 2, "the last pages of the two long values"
    for at in pages:
        write(path, at, bytes(PAGE))
    write(path, data.index(b"y" * (PAGE - 4)) + 100, bytes(200))
    (note,) = [each.text for each in doctor.plan("salvage").cautions if said in each.text]
    assert note == f"{said}, as what was there may be lost, come back so: 3 of of_a_plugin."


def _leaves(path: Path, table: str) -> list[int]:
    """Where the leaves of a table of two levels begin."""
    data = path.read_bytes()
    (root,) = agentdb.ask(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")[0]
    assert isinstance(root, int)
    page = data[(root - 1) * PAGE : root * PAGE]
    assert page[0] == 5
    cells = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n]) for n in range(int.from_bytes(page[3:5]))]
    return [(int.from_bytes(page[cell : cell + 4]) - 1) * PAGE for cell in cells]


@pytest.mark.parametrize("by", ["another table", "its own", "an empty one", "its values"])
def test_a_page_of_something_else_among_those_of_a_table_is_told(tmp_path: Path, by: str) -> None:
    doctor, path = ready(tmp_path, leaf_of("session_nodes"))
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE of_a_plugin (k TEXT NOT NULL, v INTEGER, w BLOB)")
    connection.execute("CREATE TABLE of_its_shape (k INTEGER, v INTEGER, w BLOB)")
    rows = [(f"key{n}", n, b"x" * 40) for n in range(100)]
    connection.executemany("INSERT INTO of_a_plugin VALUES (?, ?, ?)", rows)
    connection.executemany("INSERT INTO of_its_shape VALUES (?, ?, ?)", ((n, n, w) for _, n, w in rows))
    connection.close()
    said = "A page of something else is among those of a table"
    assert not [each for each in doctor.plan("salvage").cautions if said in each.text]
    data, here = path.read_bytes(), _leaves(path, "of_a_plugin")
    # The last ones of each: their numbers are no sign.
    place, there = {
        "another table": (here[-1], _leaves(path, "session_windows")[-1]),
        "its own": (here[0], here[1]),
        "an empty one": (here[0], None),
        "its values": (here[0], _leaves(path, "of_its_shape")[0]),
    }[by]
    write(path, place, bytes([13, 0, 0, 0, 0, 4, 0, 0]) if there is None else data[there : there + PAGE])
    (note,) = [each for each in doctor.plan("salvage").cautions if said in each.text]
    assert note.names == ("of_a_plugin",)


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_a_salvage_keeps_application_and_vacuum_of_a_database(tmp_path: Path, mode: int) -> None:
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA application_id = -7; PRAGMA auto_vacuum = {mode}; VACUUM")
    connection.close()
    leaf_of("session_nodes")(path)
    doctor.apply("salvage")
    assert agentdb.ask(path, "PRAGMA application_id") == [(-7,)]
    assert agentdb.ask(path, "PRAGMA auto_vacuum") == [(mode,)]


def test_a_row_whose_middle_page_is_lost_is_told(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, leaf_of("session_nodes"))
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE of_a_plugin (k TEXT PRIMARY KEY, v TEXT)")
    connection.executemany("INSERT INTO of_a_plugin VALUES (?, ?)", [("a", "x" * 3 * PAGE), ("b", "y")])
    connection.close()
    said = "Rows that the indexes list and that cannot be read"
    assert not [each for each in doctor.plan("salvage").cautions if "of_a_plugin" in each.text]
    data = path.read_bytes()
    full = b"x" * (PAGE - 4)
    at = next(at for at in range(0, len(data), PAGE) if any(data[at : at + 4]) and data[at + 4 : at + PAGE] == full)
    write(path, at, bytes(PAGE))
    (note,) = [each.text for each in doctor.plan("salvage").cautions if said in each.text]
    assert "1 of of_a_plugin" in note
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT * FROM of_a_plugin") == [("b", "y")]


def test_entries_keep_their_bytes(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    before = agentdb.ask(path, "SELECT session_key, entry_json FROM session_nodes ORDER BY 1")
    root_of("session_nodes")(path)
    doctor.apply("salvage")
    assert agentdb.ask(path, "SELECT session_key, entry_json FROM session_nodes ORDER BY 1") == before


def test_a_row_made_from_its_window_is_told(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, leaf_of("session_nodes"))
    plan = doctor.plan("salvage")
    (note,) = [each for each in plan.cautions if "made again from their windows" in each.text]
    assert note.names
    doctor.apply("salvage")
    entry = agentdb.ask(
        path, f"SELECT entry_json, entry_valid FROM session_nodes WHERE session_key = '{note.names[0]}'"
    )
    assert entry == [(entry[0][0], 1)]
    assert '"sessionId":"sid-' in str(entry[0][0])


def test_an_index_still_tells_whose_transcripts_are_left(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))
    connection.execute("CREATE INDEX by_key ON session_windows (session_key, session_id)")
    connection.close()
    for table in ("session_nodes", "session_windows"):
        leaf_of(table)(path)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(2 * len(PEOPLE),)]


def test_half_a_file_gives_half_of_it_and_says_so(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, lambda path: os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE))
    plan = doctor.plan("salvage")
    assert plan.cautions
    assert plan.torn
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert 0 < len(agentdb.statuses(path)) <= len(PEOPLE)


@pytest.mark.parametrize("damage", [root_of("session_nodes"), garbage_header, first_page], ids=lambda f: f.__name__)
def test_what_was_deleted_stays_deleted(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    doctor, path = ready(tmp_path, damage, gone=30)
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE[30:])


def test_events_without_a_session_get_one(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))  # foreign keys are off
    connection.execute(f"DELETE FROM session_windows WHERE session_key = '{PEOPLE[0]}'")
    connection.execute(f"DELETE FROM session_nodes WHERE session_key = '{PEOPLE[0]}'")
    connection.close()
    garbage_header(path)
    doctor.apply("salvage")
    key = f"agent:main:recovered:sid-{PEOPLE[0].replace(':', '-')}"
    assert set(agentdb.statuses(path)) == {*PEOPLE[1:], key}
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(2 * len(PEOPLE),)]


def test_a_session_whose_key_is_empty_gets_one_and_keeps_its_transcript(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    connection = apsw.Connection(str(path))  # foreign keys are off
    for table in ("session_windows", "session_nodes"):
        connection.execute(f"UPDATE {table} SET session_key = '' WHERE session_key = '{PEOPLE[0]}'")
    connection.close()
    garbage_header(path)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    key = f"agent:main:recovered:sid-{PEOPLE[0].replace(':', '-')}"
    assert set(agentdb.statuses(path)) == {*PEOPLE[1:], key}
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(2 * len(PEOPLE),)]


def test_the_log_counts(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = agentdb.make(state.root, dict.fromkeys(PEOPLE, "done"), version=20)
    log, frame = path.with_name(f"{path.name}-wal").read_bytes(), PAGE + 24
    logged = {int.from_bytes(log[at : at + 4]) for at in range(32, len(log) - frame + 1, frame)}
    data = path.read_bytes()
    (leaf, *_) = [
        number
        for number in range(3, len(data) // PAGE)
        if number not in logged
        and data[(number - 1) * PAGE] == 13
        and b"telegram" in data[(number - 1) * PAGE :][:PAGE]
    ]
    write(path, (leaf - 1) * PAGE, bytes(PAGE))
    doctor = Doctor(state)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)


def test_a_database_that_is_in_its_log_alone_comes_back(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = agentdb.path_in(state.root)
    path.parent.mkdir(parents=True, mode=0o700)
    scratch = path.with_name("made")
    connection = agentdb.connected(scratch)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    list(connection.execute(agentdb.SCHEMA.replace("user_version = 23", "user_version = 20")))
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    for key in PEOPLE:
        agentdb.node(connection, key, "done")
    connection.execute("UPDATE schema_meta SET schema_version = 20")
    path.with_name(f"{path.name}-wal").write_bytes(scratch.with_name("made-wal").read_bytes())
    connection.close()
    scratch.unlink()
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",)), HOUR)
    doctor = Doctor(state)
    assert "database-missing" in doctor.rules()
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE)


@pytest.mark.parametrize("there", [True, False], ids=["empty", "gone"])
def test_a_copy_stands_in_for_an_empty_database(tmp_path: Path, there: bool) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    copy = whole(state.root, [*PEOPLE, run_key("job", 1)], name="openclaw-agent.sqlite.corrupt-1795000000000")
    garbage_header(copy)
    path = agentdb.path_in(state.root)
    if there:
        path.write_bytes(b"")
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",)), HOUR)
    doctor = Doctor(state)
    plan = doctor.plan("salvage")
    (step,) = steps(plan, "salvage")
    assert step.target.endswith(copy.name)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(PEOPLE) <= set(agentdb.statuses(path))


def test_conversations_of_a_renamed_database_come_back_when_named(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    whole(state.root, [*PEOPLE[1:8], run_key("job", 1)], name=f"{path.name}.corrupt-1795000000000")
    doctor = Doctor(state)
    assert not steps(doctor.plan(), "salvage")
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert set(agentdb.statuses(path)) == set(PEOPLE[:8])
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(16,)]


@pytest.mark.parametrize("name", ["bak", "bak-2026", "pre-startup-migration-5aafea3b.bak"])
def test_a_backup_next_to_a_lost_database_is_taken_and_named(tmp_path: Path, name: str) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    copy = whole(state.root, PEOPLE[:5], name=f"openclaw-agent.sqlite.{name}")
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",)), HOUR)
    doctor = Doctor(state)
    (origins,) = planned_origins(tools().fs, doctor.plan("salvage"), None)
    assert {key for key, _ in origins.entries} == set(PEOPLE[:5])
    assert [path.rpartition("/")[2] for path in origins.sources] == [copy.name]
    receipt = doctor.apply("salvage")
    assert receipt is not None
    assert set(agentdb.statuses(agentdb.path_in(state.root))) == set(PEOPLE[:5])
    (kept,) = kept_origins(tools().fs, RunPlace(Path(receipt.vault), state.root), None)
    assert kept.as_json() == origins.as_json()


def test_what_a_renamed_database_has_more_is_told_until_it_is_brought_back(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    copy = whole(state.root, [*PEOPLE[1:6], run_key("job", 1)], name=f"{path.name}.corrupt-1795000000000")
    finding = state.only("store-copy-has-more")
    assert finding.evidence["keys"] == PEOPLE[3:6]
    assert finding.evidence["files"] == [{"name": copy.name, "conversations": 3}]
    assert finding.fix is not None
    Doctor(state).apply(*finding.fix.repairs)
    assert not state.findings("store-copy-has-more")


def test_a_renamed_database_that_has_nothing_more_is_not_told(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    whole(state.root, [*PEOPLE[:3], run_key("job", 1)], name=f"{path.name}.corrupt-1795000000000")
    assert not state.findings("store-copy-has-more")
    assert state.examine().unchecked == ()
    garbage = path.parent / f"{path.name}.corrupt-1795000000001"
    garbage.write_bytes(b"no database" * 999)
    assert not state.findings("store-copy-has-more")
    why = "it may have more conversations than the store: no table of sessions can be found in it"
    assert state.examine().unchecked == ((str(garbage), why),)


def test_of_a_renamed_database_that_lost_rows_it_is_said(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    copy = whole(state.root, PEOPLE[1:6], name=f"{path.name}.corrupt-1795000000000")
    (root,) = agentdb.ask(copy, "SELECT rootpage FROM sqlite_master WHERE name = 'session_nodes'")[0]
    data = copy.read_bytes()
    page = int.from_bytes(data[16:18])
    copy.write_bytes(data[: (root - 1) * page] + bytes(page) + data[root * page :])
    (path, why) = state.examine().unchecked[0]
    assert (path, why) == (
        str(copy),
        "it may have more conversations than the store: some of its session rows cannot be read",
    )


def test_beside_a_damaged_database_the_damage_is_told_and_no_more(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    whole(state.root, PEOPLE[:6], name=f"{path.name}.corrupt-1795000000000")
    path.write_bytes(zeroed_page(path.read_bytes(), "session_windows"))
    assert state.findings("database-corrupt")
    assert not state.findings("store-copy-has-more")


def test_another_agents_copy_is_not_taken(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    copy = whole(state.root, PEOPLE[3:6], name=f"{path.name}.corrupt-1795000000000")
    connection = apsw.Connection(str(copy))
    connection.execute("UPDATE schema_meta SET agent_id = 'second'")
    connection.close()
    assert Doctor(state).plan("salvage").empty
    assert not state.findings("store-copy-has-more")


def test_jobs_of_a_damaged_state_database_come_back(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS), HOUR)
    data = state_database(STATE_VERSION, 40, agents=("main",), store_key=str(state.root / "cron/jobs.json"))
    state.file(STATE, zeroed_page(data, "cron_jobs"), HOUR)
    doctor = Doctor(state)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert agentdb.ask(state.root / STATE, "SELECT count(*) FROM cron_jobs") == [(40,)]


def test_nothing_left_is_refused_with_the_way_out(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE[:3])
    path.write_bytes(bytes(path.stat().st_size))
    plan = Doctor(state).plan("salvage")
    assert plan.empty
    (refusal,) = [each for each in plan.refusals if each.target == AGENT]
    assert "backup" in refusal.hint


def test_a_definition_that_is_more_than_one_does_nothing(tmp_path: Path) -> None:
    doctor, path = ready(tmp_path, None)
    target = tmp_path / "owned"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema = ON")
    evil = f"CREATE TABLE session_goal_operations (session_key TEXT, goal TEXT); ATTACH '{target}' AS x"
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'session_goal_operations'", (evil,))
    connection.close()
    garbage_header(path)
    with suppress(Refused):
        doctor.apply("salvage")
    assert not target.exists()


@pytest.mark.parametrize("there", [False, True], ids=["missing", "0 bytes"])
def test_a_log_without_its_database_gives_back_what_it_holds(tmp_path: Path, there: bool) -> None:
    """An agent whose gateway never folded its log in: everything is in the log."""
    state = StateDir(tmp_path, "2026.9.6")
    state.file(STATE, state_database(STATE_VERSION, 1, agents=("main",)), HOUR)
    path = agentdb.path_in(state.root)
    path.parent.mkdir(parents=True)
    connection = agentdb.connected(path.with_name("made"))
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    list(connection.execute(agentdb.SCHEMA))
    for key, status in agentdb.rows(4).items():
        agentdb.node(connection, key, status)
    shutil.copyfile(path.with_name("made-wal"), f"{path}-wal")
    connection.close()
    path.with_name("made").unlink()
    if there:
        path.write_bytes(b"")
    doctor = Doctor(state)
    assert ("database-empty" if there else "database-missing") in doctor.rules()
    (step,) = steps(doctor.plan("salvage"), "salvage")
    assert (step.action, step.count) == ("recover", 7)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert agentdb.statuses(path) == agentdb.rows(4)
    assert not doctor.rules() & {"database-empty", "database-missing"}
