"""trim, expire and slim on databases, planned and done as on files."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.repair.drafting.options import Options, TrimOptions
from gatewaydoctor.storage.database import schema
from tests.fixtures_source.databases import STATE_VERSION, state_database
from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.world import HOUR, StateDir, run_key

if TYPE_CHECKING:
    from pathlib import Path


def doctor_of(tmp_path: Path, rows: dict[str, str | None], **more: object) -> tuple[Doctor, Path]:
    state = StateDir(tmp_path, "2026.9.6")
    return Doctor(state), agentdb.make(state.root, rows, **more)


def test_trim_and_expire_leave_conversations_job_rows_and_one_run(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(6), age=2 * HOUR)
    plan = doctor.plan("trim", "expire")
    (act,) = [each for each in plan.acts if isinstance(each, Transact)]
    assert act.sessions == 4
    (before,), (after,) = plan.before.stores, plan.after.stores
    assert (before.entries, before.conversations, before.status["running"]) == (9, 2, 5)
    assert (after.entries, after.conversations, after.status.get("running")) == (4, 2, None)
    assert after.at_most
    doctor.there_and_back("trim", "expire")
    assert len(agentdb.statuses(path)) == 4  # what the main file has without its log
    doctor.apply("trim", "expire")
    left = agentdb.statuses(path)
    assert left == {
        agentdb.CONVERSATION: "done",
        "agent:main:main": "failed",
        agentdb.BASE: "failed",
        run_key("job", 4): "done",
    }


def test_without_names_only_stuck_rows_go(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(6))
    doctor.apply()
    assert {key for key in agentdb.statuses(path) if ":run:" in key} == {run_key("job", n) for n in (0, 2, 4)}


def test_rows_with_a_recent_sign_of_life_stay(tmp_path: Path) -> None:
    doctor, _ = doctor_of(tmp_path, agentdb.rows(6), age=HOUR // 2)
    assert doctor.plan("trim", "expire").empty


def test_the_status_that_was_asked_for_is_set(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    doctor.apply("expire", options=Options(end_as=Status.KILLED))
    assert agentdb.statuses(path)["agent:main:main"] == "killed"
    assert agentdb.ask(path, "SELECT DISTINCT status FROM session_windows ORDER BY 1") == [("done",), ("killed",)]


def test_a_subagent_row_is_left_to_the_start(tmp_path: Path) -> None:
    doctor, _ = doctor_of(tmp_path, {"agent:main:main": "done", "agent:main:subagent:one": "running"})
    assert doctor.plan("expire").empty


def test_slim_drops_fields_the_gateway_rebuilds(tmp_path: Path) -> None:
    rows = {agentdb.CONVERSATION: "done", "agent:main:main": "done"}
    doctor, path = doctor_of(tmp_path, rows, skillsSnapshot={"prompt": "x" * 9000}, label="kept")
    (step,) = steps(doctor.plan("slim"), "slim")
    assert step.count == 2
    assert step.conversations == 2
    doctor.there_and_back("slim")
    doctor.apply("slim")
    entries = [str(text) for (text,) in agentdb.ask(path, "SELECT entry_json FROM session_nodes")]
    assert all("skillsSnapshot" not in text and '"label":"kept"' in text for text in entries)


@pytest.mark.parametrize("most", [5, 100])
def test_the_rows_that_stay_are_slimmed_where_there_were_too_many(tmp_path: Path, most: int) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(9), skillsSnapshot={"prompt": "x" * 900}, label="kept")
    doctor.state.maintenance(maxEntries=most)
    plan = doctor.plan()
    left = sum(each.entries for each in plan.after.stores)
    assert [step.count for step in steps(plan, "slim")] == ([left] if most == 5 else [])
    doctor.there_and_back()
    doctor.apply()
    entries = [str(text) for (text,) in agentdb.ask(path, "SELECT entry_json FROM session_nodes")]
    assert [text for text in entries if "skillsSnapshot" in text] == ([] if most == 5 else entries)
    assert all('"label":"kept"' in text for text in entries)


def test_a_row_named_by_its_key_goes(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    doctor.apply("trim", options=Options(names=frozenset({agentdb.CONVERSATION})))
    assert agentdb.CONVERSATION not in agentdb.statuses(path)


def test_options_of_trim_hold_for_databases(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(6), age=2 * HOUR)
    doctor.apply("trim", options=Options(trim=TrimOptions(keep_per_job=2)))
    assert {key for key in agentdb.statuses(path) if ":run:" in key} == {run_key("job", n) for n in (2, 4)}


def test_a_damaged_database_is_left_alone_and_named(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(40))
    data = bytearray(path.read_bytes())
    data[1024 * 8 :] = bytes(len(data) - 1024 * 8)
    path.write_bytes(data)
    path.with_name(path.name + "-wal").write_bytes(b"")
    plan = doctor.plan("trim")
    assert plan.empty
    assert [refusal.target for refusal in plan.refusals] == ["agents/main/agent/openclaw-agent.sqlite"]


def test_the_plan_tells_that_the_start_checks_a_new_file_and_its_rows(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows())
    plan = doctor.plan("trim", "expire")
    after = [event for event in plan.start_after if event.kind == "validates"]
    assert [(event.who, event.how_many) for event in after] == [((str(path),), plan.after.stores[0].entries)]
    assert not [event for event in plan.start_before if event.kind == "validates"]


def _one_version(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """As if the tables of this database were those of schema 23."""
    with closing(agentdb.connected(path)) as connection:
        items = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    known = {
        "tables": [name for kind, name, _, _ in items if kind == "table"],
        "triggers": {
            name: f"{table}:{schema._digest(text)}" for kind, name, table, text in items if kind == "trigger"
        },
        "unique": {name: schema._digest(text or "") for kind, name, _, text in items if kind == "index"},
        "columns": {},
        "optional": [],
        "also": {},
    }
    monkeypatch.setattr(schema, "_known", lambda: {"agent": {"23": known}})


def _set_versions(path: Path, header: int, recorded: int) -> None:
    with closing(agentdb.connected(path)) as connection:
        connection.execute(f"PRAGMA user_version = {header}")
        connection.execute("UPDATE schema_meta SET schema_version = ?", (recorded,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(("header", "recorded"), [(22, 23), (0, 23), (23, 22)])
def test_a_wrong_version_becomes_the_one_that_the_tables_have(
    header: int, recorded: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    _one_version(monkeypatch, path)
    _set_versions(path, header, recorded)
    doctor.there_and_back("schema")
    doctor.apply("schema")
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(23,)]
        assert connection.execute("SELECT schema_version FROM schema_meta").fetchall() == [(23,)]


def test_a_version_that_no_tables_tell_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    _one_version(monkeypatch, path)
    with closing(agentdb.connected(path)) as connection:
        connection.execute("DROP TABLE session_goal_operations")
    _set_versions(path, 22, 23)
    assert not [act for act in doctor.plan("schema").acts if isinstance(act, Transact)]


@pytest.mark.parametrize(
    ("lost", "key"),
    [
        (("session_windows",), agentdb.CONVERSATION),
        (("session_nodes",), agentdb.CONVERSATION),
        (("session_nodes", "session_windows"), "agent:main:recovered:sid-agent-main-telegram-direct-7"),
    ],
    ids=["window", "row", "both"],
)
def test_a_transcript_whose_row_is_lost_gets_it_again(lost: tuple[str, ...], key: str, tmp_path: Path) -> None:
    """No transcript leaves as a row that refers to nothing."""
    doctor, path = doctor_of(tmp_path, agentdb.rows(2), version=17)
    with closing(agentdb.connected(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in lost:
            connection.execute(f"DELETE FROM {table} WHERE session_key = ?", (agentdb.CONVERSATION,))
        connection.execute("INSERT INTO session_goal_operations VALUES ('x', 'y')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        events = connection.execute("SELECT * FROM transcript_events ORDER BY 1, 2").fetchall()
    (step,) = [each for each in doctor.plan("schema").steps if each.repair == "schema"]
    assert (step.action, step.sample, step.conversations) == ("recover", (key,), 1)
    doctor.there_and_back("schema")
    doctor.apply("schema")
    assert agentdb.ask(path, "SELECT * FROM transcript_events ORDER BY 1, 2") == events
    session = "sid-agent-main-telegram-direct-7"
    assert agentdb.ask(path, f"SELECT session_key FROM session_windows WHERE session_id = '{session}'") == [(key,)]
    wanted = f"SELECT entry_valid, current_session_id FROM session_nodes WHERE session_key = '{key}'"
    nodes = agentdb.ask(path, wanted)
    assert nodes == [(1, session)]


def test_a_trigger_that_is_not_the_gateways_leaves_before_anything_else_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(4))
    _one_version(monkeypatch, path)
    with closing(agentdb.connected(path)) as connection:
        connection.execute(
            "CREATE TRIGGER mine AFTER DELETE ON session_nodes BEGIN UPDATE session_nodes SET status = NULL; END"
        )
    (found,) = [each for each in doctor.state.judge().findings if each.rule == "database-schema"]
    assert found.fix is not None
    assert found.fix.repairs == ("schema",)
    doctor.there_and_back()
    doctor.apply()
    assert agentdb.ask(path, "SELECT name FROM sqlite_master WHERE name = 'mine'") == []
    assert agentdb.ask(path, "SELECT count(*) FROM session_nodes WHERE status IS NULL") == [(0,)]
    assert "database-schema" not in doctor.rules()


def test_what_a_plan_without_names_leaves_out_is_named_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is missing, and a row refers to nothing: both are mended by the tables of another agent's database."""
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    _one_version(monkeypatch, path)
    sister = path.parents[2] / "second/agent/openclaw-agent.sqlite"
    sister.parent.mkdir(parents=True)
    shutil.copyfile(path, sister)  # its log is folded in
    with closing(agentdb.connected(sister)) as connection:
        connection.execute("UPDATE schema_meta SET agent_id = 'second'")
    with closing(agentdb.connected(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE session_goal_operations")
        connection.execute("INSERT INTO transcript_events VALUES ('nowhere', 1, '{}', 1)")
    judgement = doctor.state.judge()
    about = {each.rule: each.fix and each.fix.repairs for each in judgement.findings if each.path == str(path)}
    assert about["database-schema"] == about["database-foreign-keys"] == ("salvage",)
    assert str(judgement.next.command) == "gatewaydoctor repair salvage"
    doctor.apply("salvage")
    assert not {"database-schema", "database-foreign-keys"} & doctor.rules()


def test_no_repair_is_named_where_a_newer_release_has_written(tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2))
    with closing(agentdb.connected(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    cut = doctor.state.transcript(1)
    cut.write_bytes(cut.read_bytes()[:-20])
    judgement = doctor.state.judge()
    assert "newer-schema" in doctor.rules()
    assert [each.rule for each in judgement.findings if each.fix] == []
    assert str(judgement.next.command).startswith("gatewaydoctor explain newer-schema")


@pytest.mark.parametrize("name", ["state/openclaw-quarantine.sqlite", "agents/main/agent/openclaw-agent.sqlite-shm"])
def test_no_repair_is_named_where_a_directory_is_in_the_way(name: str, tmp_path: Path) -> None:
    doctor, path = doctor_of(tmp_path, agentdb.rows(2), version=17)
    doctor.state.file("state/openclaw.sqlite", state_database(STATE_VERSION, 1, agents=("main",)), HOUR)
    with closing(agentdb.connected(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO transcript_events VALUES ('nowhere', 1, '{}', 1)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    place = doctor.state.root / name
    place.unlink(missing_ok=True)
    place.mkdir()
    database = path if path.name in name else place
    about = [each for each in doctor.state.judge().findings if each.path == str(database)]
    assert about
    assert [each.rule for each in about if each.fix] == []
    assert any(each.by_hand and "move" in each.by_hand for each in about)
