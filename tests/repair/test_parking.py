"""A session or an agent is out of sight until it is put back, with all that belongs to it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.repair.databases.sessions import drop_sessions
from gatewaydoctor.repair.drafting.named import require_parkable
from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.run.apply import apply
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, contents, tools
from tests.world import StateDir, row, session_id, talk

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = "agent:main:telegram:direct:1", "agent:main:main"
ROWS = {OTHER: row(2), KEY: row(1, deliveryContext={"to": "ü"}), "agent:main:telegram:direct:3": row(3)}


def named(name: str) -> Options:
    return Options(names=frozenset({name}))


def done(doctor: Doctor, repair: Repair, name: str) -> None:
    plan = doctor.plan(repair, options=named(name))
    assert not plan.refusals, plan.refusals
    assert apply(plan, tools(), DEAD) is not None


def refusal(doctor: Doctor, repair: Repair, name: str) -> str:
    plan = doctor.plan(repair, options=named(name))
    assert plan.empty
    return " ".join(f"{each.reason} {each.hint}" for each in plan.refusals)


def files(root: Path) -> set[str]:
    return {path.name for path in (root / "agents/main/sessions").iterdir()}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    state = StateDir(tmp_path)
    state.store(ROWS)
    for number in (1, 2, 3):
        state.transcript(number, talk(number))
    return Doctor(state)


def test_a_session_of_a_store_goes_with_its_transcript_and_comes_back(doctor: Doctor) -> None:
    doctor.there_and_back("park", options=named(KEY))
    transcript = doctor.store.with_name(f"{session_id(1)}.jsonl")
    before, times = transcript.read_bytes(), transcript.stat().st_mtime_ns
    done(doctor, Repair.PARK, KEY)
    assert list(doctor.rows()) == [OTHER, "agent:main:telegram:direct:3"]
    assert not transcript.exists()
    assert doctor.state.only("session-parked").key == KEY
    # The gateway runs: another session begins, a row changes, and the store is laid out again.
    doctor.state.store(doctor.rows() | {OTHER: row(2, age=0), "agent:main:telegram:direct:9": row(9)})
    done(doctor, Repair.UNPARK, KEY)
    rows = doctor.rows()
    assert rows[KEY] == ROWS[KEY] and len(rows) == 4 and rows[OTHER] == row(2, age=0)
    assert (transcript.read_bytes(), transcript.stat().st_mtime_ns) == (before, times)
    assert not doctor.state.findings("session-parked")
    assert not [name for name in files(doctor.state.root) if name.startswith("parked-")]


def test_the_row_keeps_its_bytes(tmp_path: Path) -> None:
    odd = b'{"sessionId":"x-1","updatedAt":1.790e12,"k":"\\ud800\\u00e9","big":123456789012345678901}'
    key = 'agent:main:te"l\\e\n%s;$(x) 🦞'
    state = StateDir(tmp_path)
    state.store(
        b'{"agent:main:main":' + json.dumps(row(2)).encode() + b"," + json.dumps(key).encode() + b":" + odd + b"}"
    )
    doctor = Doctor(state)
    doctor.there_and_back("park", options=named(key))
    done(doctor, Repair.PARK, key)
    assert odd not in doctor.store.read_bytes()
    done(doctor, Repair.UNPARK, key)
    assert odd in doctor.store.read_bytes()
    assert set(doctor.rows()) == {OTHER, key}


def test_a_transcript_that_another_row_names_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({KEY: row(1), OTHER: row(2, sessionFile=f"{session_id(1)}.jsonl")})
    state.transcript(1, talk(1))
    done(Doctor(state), Repair.PARK, KEY)
    assert f"{session_id(1)}.jsonl" in files(state.root)


def test_a_key_that_lives_again_is_not_put_back(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.state.store(doctor.rows() | {KEY.upper().replace("AGENT", "agent"): row(7)})
    assert "is there again" in refusal(doctor, Repair.UNPARK, KEY)


def test_both_of_two_lives_can_be_parked_and_told_apart(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.state.store(doctor.rows() | {KEY: row(7)})
    done(doctor, Repair.PARK, KEY)
    x = doctor.state.examine()
    first, second = x.parked
    assert (first.key, second.key) == (KEY, KEY)
    with pytest.raises(UsageError, match="2 sessions or agents are parked"):
        require_parkable(tools().fs, x, (Repair.UNPARK,), frozenset({KEY}))
    require_parkable(tools().fs, x, (Repair.UNPARK,), frozenset({str(first.at)}))
    done(doctor, Repair.UNPARK, str(first.at))
    assert doctor.rows()[KEY] == ROWS[KEY]


def test_a_transcript_that_is_there_again_is_not_replaced(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.state.transcript(1, talk(5))
    assert f"A file {session_id(1)}.jsonl is there again." in refusal(doctor, Repair.UNPARK, KEY)


def test_a_store_that_is_gone_is_made_again(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.store.unlink()
    done(doctor, Repair.UNPARK, KEY)
    assert doctor.rows() == {KEY: ROWS[KEY]}


@pytest.mark.parametrize("data", [b'{"a": {', b"{}", b'{"a":{},"b":{}}'])
def test_what_is_not_one_session_stays_parked(doctor: Doctor, data: bytes) -> None:
    doctor.state.beside("parked-5.json", data)
    assert "cannot be read" in refusal(doctor, Repair.UNPARK, "5")


def test_one_that_cannot_be_read_is_a_warning(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    assert doctor.state.only("session-parked").severity.word == "info"
    (parked,) = doctor.state.examine().parked
    assert parked.rows is not None
    parked.rows.write_bytes(parked.rows.read_bytes()[:-9])
    found = doctor.state.only("session-parked")
    assert found.severity.word == "warning" and "1 file cannot be read" in found.message
    assert found.by_hand is not None and "gatewaydoctor undo RUN --merge" in found.by_hand
    assert found.evidence["parked"][0]["names"] == [path.name for path in parked.paths]  # type: ignore[index]


def dropping(name: str) -> Options:
    return Options(names=frozenset({name}), drop_parked=True)


@pytest.mark.parametrize("name", [KEY, "main"])
def test_what_is_not_wanted_any_more_goes_to_the_vault(doctor: Doctor, name: str) -> None:
    done(doctor, Repair.PARK, name)
    parked = {path for path in files(doctor.state.root) if path.startswith("parked-")}
    left = files(doctor.state.root) - parked
    doctor.there_and_back("unpark", options=dropping(name))
    assert parked <= files(doctor.state.root)
    doctor.apply("unpark", options=dropping(name))
    assert files(doctor.state.root) == left
    assert not doctor.state.findings("session-parked")


def test_a_key_that_lives_again_stays_when_the_parked_one_is_dropped(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.state.store(doctor.rows() | {KEY: row(7)})
    assert f"gatewaydoctor unpark {KEY} --to-vault" in refusal(doctor, Repair.UNPARK, KEY)
    plan = doctor.plan("unpark", options=dropping(KEY))
    (step,) = plan.steps
    assert (step.action, step.conversations, step.touched) == ("move to the vault", 1, (KEY,))
    doctor.apply("unpark", options=dropping(KEY))
    assert doctor.rows()[KEY] == row(7)


def test_a_link_in_the_name_of_a_parked_file_is_none(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(json.dumps({KEY: row(1)}).encode())
    doctor.store.with_name("parked-5.json").symlink_to(tmp_path / "elsewhere")
    assert not doctor.state.examine().parked


def test_unknown_names(doctor: Doctor) -> None:
    x = doctor.state.examine()
    with pytest.raises(UsageError, match="Did you mean agent:main:telegram:direct:1") as told:
        require_parkable(tools().fs, x, (Repair.PARK,), frozenset({"agent:main:telegrm:direct:1"}))
    assert "sessions" in told.value.hint
    with pytest.raises(UsageError, match="Nothing is parked under"):
        require_parkable(tools().fs, x, (Repair.UNPARK,), frozenset({KEY}))
    with pytest.raises(UsageError, match="park needs a session key"):
        require_parkable(tools().fs, x, (Repair.PARK,), frozenset())
    done(doctor, Repair.PARK, KEY)
    with pytest.raises(UsageError, match="is parked already"):
        require_parkable(tools().fs, doctor.state.examine(), (Repair.PARK,), frozenset({KEY}))


@pytest.mark.parametrize("damaged", [False, True])
def test_an_agent_goes_as_it_is(doctor: Doctor, *, damaged: bool) -> None:
    if damaged:
        doctor.store.write_bytes(doctor.store.read_bytes()[:-40])
    doctor.state.store({"agent:second:main": row(8)}, agent="second")
    whole = contents(doctor.state.root)
    done(doctor, Repair.PARK, "main")
    assert not doctor.store.exists()
    assert "session-parked" in doctor.rules() and "store-unparseable" not in doctor.rules()
    # A start begins with an empty store.
    doctor.store.write_bytes(b"{}")
    done(doctor, Repair.UNPARK, "main")
    assert contents(doctor.state.root) == whole


def test_what_makes_no_session_stays_when_an_agent_goes(doctor: Doctor) -> None:
    stay = {"old.jsonl.deleted.2026-01-01T00-00-00.000Z", "sessions.json.lock", "parked-5.other.jsonl.kept"}
    for name in stay:
        doctor.state.beside(name, b"{}")
    plan = doctor.plan("park", options=named("main"))
    (step,) = plan.steps
    assert (step.conversations, set(step.touched)) == (3, set(ROWS))
    assert apply(plan, tools(), DEAD) is not None
    assert {name for name in files(doctor.state.root) if not name.startswith("parked-1")} == stay


def test_an_agent_that_shares_its_store_is_not_parked(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    shared = state.file("shared/sessions.json", ROWS)
    state.config({"session": {"store": str(shared)}, "agents": {"list": [{"id": "main"}, {"id": "second"}]}})
    (state.root / "agents/main/sessions").mkdir(parents=True)
    (state.root / "agents/second/sessions").mkdir(parents=True)
    assert "Several agents share" in refusal(Doctor(state), Repair.PARK, "main")


def test_the_step_names_the_conversation(doctor: Doctor) -> None:
    step, transcripts = doctor.plan("park", options=named(KEY)).steps
    assert (step.conversations, step.touched, transcripts.conversations) == (1, (KEY,), 0)


def test_one_key_of_two_agents_gets_two_numbers(doctor: Doctor) -> None:
    doctor.state.store({KEY: row(8)}, agent="second")
    done(doctor, Repair.PARK, KEY)
    first, second = doctor.state.examine().parked
    assert first.at != second.at
    for each in (first, second):
        done(doctor, Repair.UNPARK, str(each.at))
    assert list(doctor.rows()) == [OTHER, "agent:main:telegram:direct:3", KEY]
    assert not doctor.state.findings("session-parked")


def test_the_plan_says_that_no_transcript_comes_back(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    assert not doctor.plan("unpark", options=named(KEY)).cautions
    doctor.store.with_name(next(each for each in files(doctor.state.root) if each.endswith(".kept"))).unlink()
    (caution,) = doctor.plan("unpark", options=named(KEY)).cautions
    assert caution.names == (KEY,) and "without history" in caution.text


def test_a_damaged_store_takes_nothing_back(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, KEY)
    doctor.store.write_bytes(doctor.store.read_bytes()[:-40])
    assert "damaged or not known" in refusal(doctor, Repair.UNPARK, KEY)


def test_what_could_not_be_read_may_have_the_session(doctor: Doctor) -> None:
    """It was told that there is nothing to do, and that other repairs take such names."""
    doctor.store.write_bytes(doctor.store.read_bytes()[:-200])
    plan = doctor.plan(Repair.PARK, options=named("agent:main:telegram:direct:4"))
    assert plan.empty
    assert not plan.cautions
    (refused,) = plan.refusals
    assert (refused.repair, refused.target) == (Repair.PARK, "agents/main/sessions/sessions.json")
    assert "agent:main:telegram:direct:4 is not among those that were" in refused.reason
    assert refused.hint == "Run `gatewaydoctor repair salvage`."


def test_an_agent_without_sessions_is_not_parked(doctor: Doctor) -> None:
    (doctor.state.root / "agents/empty/sessions").mkdir(parents=True)
    assert "The agent empty has no sessions." in refusal(doctor, Repair.PARK, "empty")


def test_an_agent_that_has_begun_again_is_not_put_back(doctor: Doctor) -> None:
    done(doctor, Repair.PARK, "main")
    doctor.state.store({OTHER: row(7)})
    assert f"1 sessions since, {OTHER} among them" in refusal(doctor, Repair.UNPARK, "main")
    done(doctor, Repair.PARK, OTHER)
    done(doctor, Repair.UNPARK, "main")
    assert doctor.rows()[OTHER] == ROWS[OTHER]


# Databases


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = apsw.Connection(os.fspath(path))
    try:
        tables = [
            str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_list WHERE type = 'table'")
        ]
        found = {
            each: sorted(connection.execute(f"SELECT * FROM {each}"), key=str)
            for each in tables
            if each[:6] != "sqlite"
        }
        found["words"] = sorted(connection.execute("SELECT session_id, text FROM session_transcript_fts"), key=str)
        found["found"] = list(
            connection.execute(
                "SELECT count(*) FROM session_transcript_fts WHERE session_transcript_fts MATCH 'words'"
            )
        )
        found.pop("session_transcript_fts_rows", None)
        return found
    finally:
        connection.close()


@pytest.fixture
def database(tmp_path: Path) -> Doctor:
    state = StateDir(tmp_path, "2026.9.6")
    agentdb.make(state.root, agentdb.rows())
    return Doctor(state)


def path_of(doctor: Doctor) -> Path:
    return agentdb.path_in(doctor.state.root)


def test_a_session_of_a_database_goes_with_all_its_rows_and_comes_back(database: Doctor) -> None:
    database.there_and_back("park", options=named(agentdb.CONVERSATION))
    before = everything(path_of(database))
    done(database, Repair.PARK, agentdb.CONVERSATION)
    without = everything(path_of(database))
    assert len(without["session_nodes"]) == len(before["session_nodes"]) - 1
    assert len(without["words"]) == len(before["words"]) - 2
    (parked,) = database.state.examine().parked
    assert parked.rows is not None
    alone = everything(parked.rows)
    assert {name: len(rows) for name, rows in alone.items()} == {
        "schema_meta": 1,
        "session_nodes": 1,
        "session_windows": 1,
        "transcript_events": 2,
        "session_goal_operations": 1,
        "words": 2,
        "found": 1,
    }
    done(database, Repair.UNPARK, agentdb.CONVERSATION)
    assert everything(path_of(database)) == before
    assert not database.state.findings("session-parked")


def test_it_comes_back_after_the_gateway_has_run(database: Doctor) -> None:
    done(database, Repair.PARK, agentdb.CONVERSATION)
    connection = agentdb.connected(path_of(database))
    agentdb.node(connection, "agent:main:telegram:direct:new", "done")
    connection.close()
    since = everything(path_of(database))
    done(database, Repair.UNPARK, agentdb.CONVERSATION)
    now = everything(path_of(database))
    assert all(set(map(str, since[name])) <= set(map(str, now[name])) for name in since if name != "found")
    assert now["found"] == [(since["found"][0][0] + 2,)]


def test_a_session_that_a_database_has_again_is_not_put_back(database: Doctor) -> None:
    done(database, Repair.PARK, agentdb.CONVERSATION)
    connection = agentdb.connected(path_of(database))
    agentdb.node(connection, agentdb.CONVERSATION, "done", session="another")
    connection.close()
    assert "is there again" in refusal(database, Repair.UNPARK, agentdb.CONVERSATION)


def test_a_leftover_store_with_its_key_keeps_it_from_nothing(database: Doctor) -> None:
    """What is to be imported cannot be parked, and is as it was."""
    database.state.store({agentdb.CONVERSATION: row(1)})
    before = everything(path_of(database))
    assert apply(database.plan(Repair.PARK, options=named(agentdb.CONVERSATION)), tools(), DEAD) is not None
    done(database, Repair.UNPARK, agentdb.CONVERSATION)
    assert everything(path_of(database)) == before


def share(doctor: Doctor, key: str) -> None:
    """Another session that names the transcript of the conversation."""
    connection = agentdb.connected(path_of(doctor))
    (sid,) = connection.execute(
        "SELECT current_session_id FROM session_nodes WHERE session_key = ?", (agentdb.CONVERSATION,)
    ).fetchone()
    connection.execute(
        "INSERT INTO session_nodes VALUES (?, ?, ?, 1, 5, 'done', NULL, NULL)",
        (key, sid, json.dumps({"sessionId": sid, "updatedAt": 5})),
    )
    connection.close()


def test_a_transcript_of_two_sessions_goes_on_under_the_other_one(database: Doctor) -> None:
    share(database, "agent:main:telegram:direct:8")
    before = everything(path_of(database))
    done(database, Repair.PARK, agentdb.CONVERSATION)
    without = everything(path_of(database))
    assert without["transcript_events"] == before["transcript_events"] and without["words"] == before["words"]
    done(database, Repair.UNPARK, agentdb.CONVERSATION)
    now = everything(path_of(database))
    windows = before.pop("session_windows"), now.pop("session_windows")
    assert now == before
    assert [row[0] for row in windows[0]] == [row[0] for row in windows[1]]


def test_it_comes_back_whole_if_the_other_one_is_deleted(database: Doctor) -> None:
    before = everything(path_of(database))
    share(database, "agent:main:telegram:direct:8")
    done(database, Repair.PARK, agentdb.CONVERSATION)
    connection = agentdb.connected(path_of(database))
    drop_sessions(connection, ["agent:main:telegram:direct:8"])
    connection.close()
    done(database, Repair.UNPARK, agentdb.CONVERSATION)
    now = everything(path_of(database))
    assert now == before


def test_a_session_that_only_the_log_has_is_parked_with_its_events(database: Doctor) -> None:
    before = everything(path_of(database))
    *_, key = agentdb.rows()
    done(database, Repair.PARK, key)
    (parked,) = database.state.examine().parked
    assert parked.key == key and parked.rows is not None
    assert len(everything(parked.rows)["transcript_events"]) == 2
    done(database, Repair.UNPARK, key)
    assert everything(path_of(database)) == before


def test_a_store_next_to_a_database_is_not_parked_from(database: Doctor) -> None:
    database.state.store({agentdb.CONVERSATION: row(1)})
    plan = database.plan("park", options=named(agentdb.CONVERSATION))
    assert [each.hint for each in plan.refusals] == ["Run `gatewaydoctor repair leftover`."]


def test_files_that_a_database_has_taken_in_stay(database: Doctor) -> None:
    database.state.beside("notes.txt")
    done(database, Repair.PARK, "main")
    assert "notes.txt" in files(database.state.root)


@pytest.mark.parametrize(("release", "taken"), [("2026.8.1", False), ("2026.9.3", False), ("2026.9.6", True)])
def test_one_parked_before_the_move_to_databases_waits_for_a_release_that_imports(
    tmp_path: Path, release: str, *, taken: bool
) -> None:
    state = StateDir(tmp_path, release)
    state.store({KEY: row(1)})
    doctor = Doctor(state)
    done(doctor, Repair.PARK, KEY)
    doctor.store.unlink()
    agentdb.make(state.root, agentdb.rows())
    if taken:
        assert "imports this session at its start" in " ".join(
            each.text for each in doctor.plan("unpark", options=named(KEY)).cautions
        )
        done(doctor, Repair.UNPARK, KEY)
        assert list(doctor.rows()) == [KEY]
    else:
        assert "this release imports no sessions.json" in refusal(doctor, Repair.UNPARK, KEY)


def test_credentials_and_memory_do_not_come_along(database: Doctor) -> None:
    connection = agentdb.connected(path_of(database))
    connection.execute("CREATE TABLE auth_profile_store (store_key TEXT PRIMARY KEY, store_json TEXT)")
    connection.execute("INSERT INTO auth_profile_store VALUES ('a', 'secret-token')")
    connection.close()
    done(database, Repair.PARK, agentdb.CONVERSATION)
    (parked,) = database.state.examine().parked
    assert parked.rows is not None
    assert b"secret-token" not in parked.rows.read_bytes()
    assert parked.rows.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damaged", [False, True])
def test_the_database_of_an_agent_goes_as_it_is(database: Doctor, *, damaged: bool) -> None:
    path = path_of(database)
    if damaged:
        path.write_bytes(b"garbage" * 2000)
    whole = {name: data for name, data in contents(database.state.root).items() if not name.endswith("-shm")}
    done(database, Repair.PARK, "main")
    assert not path.exists()
    assert {"database-missing", "database-corrupt"}.isdisjoint(database.rules())
    done(database, Repair.UNPARK, "main")
    assert contents(database.state.root) == whole


def test_without_its_database_a_session_stays_parked(database: Doctor) -> None:
    done(database, Repair.PARK, agentdb.CONVERSATION)
    for path in path_of(database).parent.glob("openclaw-agent.sqlite*"):
        path.unlink()
    assert "has no database" in refusal(database, Repair.UNPARK, agentdb.CONVERSATION)


def test_an_empty_database_makes_room_for_the_parked_one(database: Doctor) -> None:
    path = path_of(database)
    done(database, Repair.PARK, "main")
    connection = agentdb.connected(path)
    list(connection.execute(agentdb.SCHEMA))
    connection.close()
    path.with_name(f"{path.name}-journal").write_bytes(b"")
    done(database, Repair.UNPARK, "main")
    assert not path.with_name(f"{path.name}-journal").exists()
    assert agentdb.CONVERSATION in database.state.examine().databases[0].sessions.table.all_keys()  # type: ignore[union-attr]


def test_a_database_with_sessions_does_not(database: Doctor) -> None:
    done(database, Repair.PARK, "main")
    connection = agentdb.connected(path_of(database))
    list(connection.execute(agentdb.SCHEMA))
    agentdb.node(connection, "agent:main:main", "done")
    connection.close()
    assert "has 1 sessions since" in refusal(database, Repair.UNPARK, "main")


def test_the_plan_has_room_for_what_is_parked(database: Doctor) -> None:
    """Events are most of a session: two megabytes of them are more than the tables of an empty database."""
    connection = agentdb.connected(path_of(database))
    session = f"sid-{agentdb.CONVERSATION.replace(':', '-')}"
    for seq in range(10, 16):
        text = '{"t":"' + f"{seq}" * 350_000 + '"}'
        connection.execute("INSERT INTO transcript_events VALUES (?, ?, ?, 1)", (session, seq, text))
    connection.close()
    plan = database.plan("park", options=named(agentdb.CONVERSATION))
    (made,) = [act for act in plan.acts if isinstance(act, Transact) and act.replaces is None]
    done(database, Repair.PARK, agentdb.CONVERSATION)
    (parked,) = database.state.examine().parked
    assert parked.rows is not None
    assert 4_000_000 < parked.rows.stat().st_size <= made.size


def test_a_name_that_would_become_too_long_is_refused(doctor: Doctor) -> None:
    long = f"{session_id(1)}-topic-{'x' * 200}.jsonl"
    doctor.state.file(f"agents/main/sessions/{long}", talk(1))
    said = refusal(doctor, Repair.PARK, KEY)
    assert "is too long" in said


def test_a_name_is_unknown_only_where_every_store_was_read(doctor: Doctor) -> None:
    """A store that cannot be read may have it."""
    options = named("agent:main:telegram:direct:404")
    with pytest.raises(UsageError):
        require_parkable(tools().fs, doctor.state.examine(), [Repair.PARK], options.names)
    doctor.store.write_bytes(doctor.store.read_bytes()[:-30])
    require_parkable(tools().fs, doctor.state.examine(), [Repair.PARK], options.names)
