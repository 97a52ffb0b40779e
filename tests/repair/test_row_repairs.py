"""trim, expire, slim, missing and paths: which rows go, which stay, and what changes in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.examine.world import Where
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.transcript import PathMap
from gatewaydoctor.repair.drafting.options import Options, TrimOptions
from tests.repair.doctor import Doctor, assert_small, steps
from tests.repair.scene import tree
from tests.state.fakes import ClosedFs
from tests.state.test_era import NODES, agent_database
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, header, row, run_key, said, session_id, talk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


@pytest.fixture
def doctor(state: StateDir) -> Doctor:
    return Doctor(state)


PEOPLE = {"agent:main:main": row(901, age=HOUR), "agent:main:telegram:direct:7": row(902, age=40 * DAY)}


def test_threads_without_a_session_get_the_transcript_of_their_thread(doctor: Doctor) -> None:
    rows: dict[str, object] = {
        f"agent:main:slack:channel:c1:thread:177.{number}": {"updatedAt": NOW - DAY, "big": 1} for number in range(3)
    }
    rows["agent:main:slack:channel:c2:thread:177.2"] = {"updatedAt": NOW - DAY}
    rows["agent:main:slack:channel:c1:thread:177.5"] = {"updatedAt": NOW - DAY, "sessionId": session_id(5)}
    doctor.state.store(PEOPLE | rows)
    for number in (901, 902):
        doctor.state.transcript(number)
    for number in (0, 1, 2, 5):
        doctor.state.beside(f"{session_id(number)}-topic-177.{number}.jsonl", talk(number))
    doctor.state.beside(f"{session_id(8)}-topic-177.1.jsonl", talk(8))
    found = doctor.state.only("session-missing-transcript")
    assert (found.evidence["unlinked"], found.evidence["misplaced"]) == (1, 1)
    assert "1 session of a thread has no sessionId" in found.message
    before = doctor.store.read_bytes()
    doctor.there_and_back("missing")
    doctor.apply("missing")
    name = f"{session_id(0)}-topic-177.0.jsonl"
    linked = {"updatedAt": NOW - DAY, "big": 1, "sessionId": session_id(0), "sessionFile": name}
    assert doctor.rows()["agent:main:slack:channel:c1:thread:177.0"] == linked
    # Of two files of one thread, and of two rows of one, none is taken for the other.
    for key in (f"agent:main:slack:channel:c{n}:thread:177.{m}" for n, m in ((1, 1), (1, 2), (2, 2))):
        assert "sessionId" not in doctor.rows()[key]
    added = f',\n    "sessionId": "{session_id(0)}",\n    "sessionFile": "{name}"'.encode()
    other = f',\n    "sessionFile": "{session_id(5)}-topic-177.5.jsonl"'.encode()
    assert doctor.store.read_bytes().replace(added, b"").replace(other, b"") == before
    assert not doctor.state.findings("session-missing-transcript")


def test_a_healthy_directory_gets_no_plan(doctor: Doctor) -> None:
    doctor.state.healthy()
    before = tree(doctor.state.root, vault=True)
    plan = doctor.plan()
    assert plan.empty
    assert not plan.steps
    assert not plan.refusals
    assert plan.forecast == ()
    assert tree(doctor.state.root, vault=True) == before


def test_stuck_runs_leave_and_people_stay(doctor: Doctor) -> None:
    runs = {run_key("j", n): row(n, age=2 * DAY, status="running") for n in range(10, 40)}
    doctor.state.store(PEOPLE | runs | {"agent:main:cron:j": row(9, age=2 * DAY, status="running")})
    for number in (901, 902, 9, 12, 13):
        doctor.state.transcript(number)
    receipt = doctor.there_and_back()
    assert receipt is not None
    doctor.apply()
    assert set(doctor.rows()) == {*PEOPLE, "agent:main:cron:j"}
    base = doctor.rows()["agent:main:cron:j"]
    assert base["status"] == "failed"
    assert base["endedAt"] == NOW - DAY  # the mtime of its transcript is its last sign of life
    assert not (doctor.store.parent / f"{session_id(12)}.jsonl").exists()
    assert (doctor.store.parent / f"{session_id(9)}.jsonl").exists()
    assert "session-stuck-running" not in doctor.rules()


def test_one_of_each_is_said_in_the_singular(doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1), run_key("j", 3): row(3, age=2 * DAY, status="running")})
    doctor.state.transcript(3)
    receipt = doctor.apply("trim")
    assert receipt is not None
    read, moved = receipt.verified
    assert ": 1 session, " in read
    assert moved == "1 file is in the vault and no longer in its place."
    (caution,) = doctor.plan("missing").cautions
    assert caution.text.startswith("1 row without a transcript stays, including 1 conversation.")


def test_kept_rows_keep_their_bytes(doctor: Doctor) -> None:
    odd = (
        b'{\n  "agent:main:main": {\n    "sessionId": "a",  "updatedAt": 1E3,\n    "n": 12345678901234567890123,'
        b'\n    "s": "\\ud800 \\u00e9",\n    "n": 2\n  },\n  "'
        + run_key("j", 3).encode()
        + b'": {"updatedAt": 5, "status": "running"}\n}'
    )
    doctor.state.store(odd)
    doctor.apply("trim")
    assert doctor.store.read_bytes() == odd[: odd.index(b',\n  "agent:main:cron')] + b"\n}"


def test_a_day_of_finished_runs_in_a_small_store_is_health(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | {run_key("j", n): row(n, age=n * HOUR) for n in range(1, 40)})
    assert steps(doctor.plan(), "trim") == []
    named = doctor.plan("trim")
    assert sum(step.count for step in named.steps) == 38


def test_over_its_cap_a_store_keeps_the_newest_run_of_each_job(doctor: Doctor) -> None:
    doctor.state.maintenance(maxEntries=20)
    runs = {run_key(job, n): row(n, age=(n + 4) * HOUR // 4) for job in ("a", "b") for n in range(20)}
    doctor.state.store(PEOPLE | runs)
    doctor.apply()
    assert set(doctor.rows()) == {*PEOPLE, run_key("a", 0), run_key("b", 0)}


def test_nothing_with_a_sign_of_life_in_the_last_hour_goes(doctor: Doctor) -> None:
    runs = {run_key("j", n): row(n, age=n * 10 * MINUTE) for n in range(1, 10)}
    doctor.state.store(PEOPLE | runs)
    doctor.apply("trim")
    assert set(doctor.rows()) == {*PEOPLE, *(run_key("j", n) for n in range(1, 6))}


def test_a_fresh_transcript_is_a_sign_of_life(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | {run_key("j", n): row(n, age=5 * DAY, status="running") for n in (3, 4)})
    doctor.state.transcript(3, age=MINUTE)
    doctor.apply("trim", "expire")
    assert run_key("j", 3) in doctor.rows()
    assert doctor.rows()[run_key("j", 3)]["status"] == "running"
    assert run_key("j", 4) not in doctor.rows()


@pytest.mark.parametrize(
    ("session_file", "written"),
    [
        (None, f"agents/main/sessions/{session_id(3)}-topic-7.jsonl"),
        (None, f"agents/work/sessions/{session_id(3)}.jsonl"),
        ("sub/dir/x.jsonl", "agents/main/sessions/sub/dir/x.jsonl"),
        ("../x.jsonl", "agents/main/x.jsonl"),
        ("{root}/agents/work/sessions/x.jsonl", "agents/work/sessions/x.jsonl"),
        ("{root}/../x.jsonl", "../x.jsonl"),
        ("/there/elsewhere/x.jsonl", "elsewhere/x.jsonl"),
    ],
    ids=["topic", "another agent's", "subdirectory", "above", "absolute, another agent's", "outside", "mapped"],
)
def test_any_transcript_a_row_names_is_a_sign_of_life(
    state: StateDir, session_file: str | None, written: str
) -> None:
    more = {} if session_file is None else {"sessionFile": session_file.format(root=state.root)}
    state.store(PEOPLE | {run_key("j", 3): row(3, age=5 * DAY, status="running", **more)})
    state.transcript(3)
    state.store({}, agent="work")
    doctor = Doctor(state, where=Where(state_dir=str(state.root), path_maps=(f"/there={state.root}",)))
    assert not doctor.plan("trim").empty
    assert not doctor.plan("expire").empty
    path = state.root / written
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header(session_id(3)))
    state.touch(path, MINUTE)
    assert doctor.plan("trim").empty
    assert doctor.plan("expire").empty
    assert "session-stuck-running" not in doctor.rules()


def test_pinned_rows_and_rows_that_share_a_session_stay(doctor: Doctor) -> None:
    rows = {
        run_key("j", 3): row(3, age=5 * DAY, pinnedAt=5),
        run_key("j", 4): row(901, age=5 * DAY),
        run_key("j", 5): row(5, age=5 * DAY),
    }
    doctor.state.store(PEOPLE | rows)
    doctor.apply("trim")
    assert set(doctor.rows()) == {*PEOPLE, run_key("j", 3), run_key("j", 4)}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (TrimOptions(), {1, 2}),
        (TrimOptions(keep_per_job=None), {1, 2, 3}),
        (TrimOptions(keep_per_job=2, older_than=9 * DAY), {1, 2, 3, 5}),
        (TrimOptions(older_than=2 * HOUR), {1}),
        (TrimOptions(statuses=frozenset({Status.FAILED})), {1, 2, 3, 5}),
        (TrimOptions(jobs=frozenset({"b"})), {1, 3, 4, 2}),
        (TrimOptions(keep_per_job=None, max_entries=4), {1, 2}),
    ],
)
def test_trim_options(doctor: Doctor, options: TrimOptions, left: set[int]) -> None:
    rows = {
        run_key("a", 1): row(1, age=90 * MINUTE),
        run_key("b", 2): row(2, age=3 * HOUR),
        run_key("a", 3): row(3, age=4 * HOUR),
        run_key("a", 4): row(4, age=3 * DAY, status="failed"),
        run_key("b", 5): row(5, age=4 * DAY, status=None),
    }
    people = {"agent:main:main": row(8), "agent:main:telegram:direct:7": row(9, age=40 * DAY)}
    doctor.state.store(people | rows)
    doctor.apply("trim", options=Options(trim=options))
    kept = {key for key, value in rows.items() if value["sessionId"] in {session_id(n) for n in left}}
    assert set(doctor.rows()) == {*people, *kept}


def test_what_the_last_hour_keeps_does_not_count_as_gone(doctor: Doctor) -> None:
    fresh = {run_key("j", n): row(n, age=n * MINUTE) for n in range(1, 5)}
    old = {run_key(f"k{n}", n): row(n, age=3 * HOUR + n) for n in range(10, 15)}
    doctor.state.store(PEOPLE | fresh | old)
    limit = len(PEOPLE) + 6
    doctor.apply("trim", options=Options(TrimOptions(max_entries=limit)))
    assert set(doctor.rows()) == {*PEOPLE, *fresh, run_key("k10", 10), run_key("k11", 11)}


def test_a_row_that_was_named_counts_among_those_that_go(doctor: Doctor) -> None:
    runs = {run_key(f"k{n}", n): row(n, age=3 * HOUR + n) for n in range(10, 15)}
    doctor.state.store(PEOPLE | runs)
    options = Options(TrimOptions(max_entries=len(PEOPLE) + 3), frozenset({run_key("k10", 10)}))
    doctor.apply("trim", options=options)
    assert set(doctor.rows()) == {*PEOPLE, *(run_key(f"k{n}", n) for n in (11, 12, 13))}


def test_a_child_with_attachments_stays_even_where_it_is_named(doctor: Doctor) -> None:
    """The next start would drop its run and delete the attachments, which no vault holds."""
    children = {f"agent:main:subagent:{name}": row(n, age=9 * DAY) for n, name in enumerate("ab", 3)}
    doctor.state.store(PEOPLE | children)
    doctor.state.subagents(
        [
            {"runId": "1", "childSessionKey": "agent:main:subagent:a", "endedAt": 5, "attachmentsDir": "/x"},
            {"runId": "2", "childSessionKey": "agent:main:subagent:b", "endedAt": 5},
        ]
    )
    options = Options(names=frozenset(children))
    for repair in ("trim", "missing"):
        plan = doctor.plan(repair, options=options)
        assert [note.names for note in plan.cautions if "attachments" in note.text] == [("agent:main:subagent:a",)]
        assert [step.sample for step in plan.steps if step.action == "remove"] == [("agent:main:subagent:b",)]


def child_runs(*runs: dict[str, object]) -> list[dict[str, object]]:
    return [{"runId": str(n), "childSessionKey": f"agent:main:subagent:{n}"} | run for n, run in enumerate(runs)]


@pytest.mark.parametrize(("release", "told"), [("2026.3.28", "02"), ("2026.5.22", "0"), ("2026.9.6", None)])
def test_sessions_past_their_archive_date_are_in_the_forecast(tmp_path: Path, release: str, told: str | None) -> None:
    doctor = Doctor(StateDir(tmp_path, release))
    children = {f"agent:main:subagent:{n}": row(3 + n, age=9 * DAY) for n in range(4)}
    doctor.state.store(PEOPLE | children | {run_key("j", 9): row(9, age=2 * DAY, status="running")})
    late, due = {"archiveAtMs": NOW - DAY}, {"archiveAtMs": NOW + DAY}
    ended = {"endedAt": NOW - 2 * DAY}
    # The last one's session is gone: the start drops its run.
    doctor.state.subagents(child_runs(late | ended, due | ended, late, {"archiveAtMs": 0} | ended, late | ended))
    notes = [note.names for note in doctor.plan("trim").forecast if "archive date" in note.text]
    assert notes == ([] if told is None else [tuple(f"agent:main:subagent:{n}" for n in told)])


def test_acp_children_lose_their_runs_as_well(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | {"agent:main:acp:x": row(3, age=9 * DAY)})
    doctor.state.subagents([{"runId": "1", "childSessionKey": "agent:main:acp:x", "endedAt": 5}])
    plan = doctor.plan("trim", options=Options(trim=TrimOptions(kinds=frozenset({Kind.ACP}))))
    assert [note.names for note in plan.forecast if "loses its session" in note.text] == [("agent:main:acp:x",)]


def test_no_child_goes_where_the_registry_cannot_be_read(doctor: Doctor) -> None:
    children = ("agent:main:acp:x", "agent:main:subagent:y")
    doctor.state.store(PEOPLE | {key: row(n, age=9 * DAY) for n, key in enumerate(children, 3)})
    run = b'{"runId": "1", "childSessionKey": "agent:main:acp:x", "createdAt": ' + b"1" * 5_000 + b"}"
    doctor.state.file("subagents/runs.json", b'{"version": 2, "runs": {"1": ' + run + b"}}")
    kinds = Options(trim=TrimOptions(kinds=frozenset({Kind.ACP, Kind.SUBAGENT})))
    for options in (kinds, Options(names=frozenset(children))):
        plan = doctor.plan("trim", "missing", options=options)
        assert plan.empty
        assert [refusal.target for refusal in plan.refusals] == ["subagents/runs.json"]


def test_subagents_go_only_when_named_and_no_attachments_are_lost(doctor: Doctor) -> None:
    children = {f"agent:main:subagent:{name}": row(n, age=9 * DAY) for n, name in enumerate("abc", 3)}
    doctor.state.store(PEOPLE | children)
    runs = [
        {"runId": "1", "childSessionKey": "agent:main:subagent:a", "endedAt": 5, "attachmentsDir": "/x"},
        {"runId": "2", "childSessionKey": "agent:main:subagent:b"},
        {"runId": "3", "childSessionKey": "agent:main:subagent:c", "endedAt": 5},
    ]
    doctor.state.subagents(runs)
    assert doctor.plan("trim").empty
    options = Options(trim=TrimOptions(kinds=frozenset({Kind.SUBAGENT})))
    plan = doctor.plan("trim", options=options)
    assert any("loses its session" in note.text for note in plan.forecast)
    doctor.apply("trim", options=options)
    assert set(doctor.rows()) == {*PEOPLE, "agent:main:subagent:a", "agent:main:subagent:b"}


def test_conversations_cannot_be_named_as_a_kind(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE)
    options = Options(trim=TrimOptions(kinds=frozenset({Kind.DIRECT, Kind.MAIN})))
    assert doctor.plan("trim", options=options).empty


def test_transcripts_that_others_reach_stay(doctor: Doctor) -> None:
    other = {"agent:main:main": row(1, sessionFile=f"/elsewhere/{session_id(5)}.jsonl")}
    doctor.state.store(other | {run_key("j", n): row(n, age=5 * DAY) for n in (4, 5, 6)})
    doctor.state.store({"agent:work:main": row(6)}, agent="work")
    for name in (f"{session_id(n)}.jsonl" for n in (4, 5, 6)):
        doctor.state.beside(name, talk(1))
    doctor.state.beside(f"{session_id(4)}-topic-9.jsonl", talk(4))
    doctor.apply("trim")
    names = {path.name for path in doctor.store.parent.glob("*.jsonl")}
    assert names == {f"{session_id(5)}.jsonl", f"{session_id(6)}.jsonl"}


def test_checkpoints_of_kept_rows_keep_their_files(doctor: Doctor) -> None:
    point = {"checkpointId": "x", "preCompaction": {"sessionFile": f"/any/{session_id(4)}.jsonl"}}
    doctor.state.store(
        {"agent:main:main": row(1, compactionCheckpoints=[point]), run_key("j", 4): row(4, age=5 * DAY)}
    )
    doctor.state.transcript(4)
    doctor.apply("trim")
    assert (doctor.store.parent / f"{session_id(4)}.jsonl").exists()


def test_transcripts_can_be_left(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | {run_key("j", 4): row(4, age=5 * DAY)})
    doctor.state.transcript(4, age=5 * DAY)
    plan = doctor.plan("trim", options=Options(trim=TrimOptions(vault_transcripts=False)))
    assert len(plan.acts) == 1
    assert any("stay in place and become unindexed" in note.text for note in plan.cautions)


def test_expire_changes_only_the_fields_it_names(doctor: Doctor) -> None:
    body = (
        b'{ "status" : "running", "x": 1E5, "abortedLastRun":true, "sessionId": "s", "updatedAt": 77,'
        b' "startedAt": 12345678901234567890 }'
    )
    doctor.state.store(b'{\n  "agent:main:main": ' + body + b"\n}")
    doctor.apply("expire")
    expected = (
        body.replace(b'"running"', b'"failed"')
        .replace(b":true", b":false")
        .replace(b"7890 }", b'7890, "endedAt": 77 }')
    )
    assert doctor.store.read_bytes() == b'{\n  "agent:main:main": ' + expected + b"\n}"


def test_expire_can_end_them_as_something_else(doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1, status="running")})
    doctor.apply("expire", options=Options(end_as=Status.KILLED))
    assert doctor.rows()["agent:main:main"]["status"] == "killed"


def test_what_stays_running_is_in_the_forecast(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.5.22"))
    rows = {"agent:main:main": row(1, age=MINUTE, status="running", abortedLastRun=True)}
    doctor.state.store(rows | {run_key("j", 3): row(3, age=5 * DAY, status="running")})
    plan = doctor.plan("trim", "expire")
    assert any("resumed with a model turn" in note.text for note in plan.forecast)
    doctor.apply("trim", "expire")
    assert doctor.rows()["agent:main:main"]["status"] == "running"


CHILD = "agent:main:subagent:child"


@pytest.mark.parametrize("age", [2 * HOUR, MINUTE])
def test_a_child_that_a_start_would_resume_is_unmarked_or_told(doctor: Doctor, age: int) -> None:
    doctor.state.store(PEOPLE | {CHILD: row(3, age=age, status="killed", abortedLastRun=True)})
    doctor.state.store({run_key("j", 4): row(4, status="running")}, agent="other")
    doctor.state.subagents([{"runId": "r", "childSessionKey": CHILD}])
    silent = age > HOUR
    notes = [note for note in doctor.plan().forecast if "resumed" in note.text or "taken up" in note.text]
    assert [note.names for note in notes] == [() if silent else (CHILD,)]
    doctor.there_and_back()
    doctor.apply()
    assert doctor.rows()[CHILD] == row(3, age=age, status="killed", abortedLastRun=not silent)
    assert ("session-resumes-at-boot" in doctor.rules()) is not silent


def test_a_lock_that_makes_a_start_resume_its_session_is_in_the_forecast(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.4.25"))
    doctor.state.store(
        {"agent:main:main": row(1, age=MINUTE, status="running"), run_key("j", 3): row(3, status="running")}
    )
    dead = {"pid": 4_242, "createdAt": "2027-04-25T00:00:00.000Z", "starttime": 77}
    doctor.state.beside(f"{session_id(1)}.jsonl.lock", json.dumps(dead))
    taken_up = [note.names for note in doctor.plan("trim").forecast if "may still be resumed" in note.text]
    assert taken_up == [("agent:main:main",)]
    assert not [note for note in doctor.plan("trim", "locks").forecast if "may still be resumed" in note.text]


STUCK = {run_key("j", 3): row(3, age=5 * DAY, status="running")}


def forecast_of(doctor: Doctor, *names: str) -> str:
    return " ".join(note.text for note in doctor.plan(*names).forecast)


def test_what_was_not_looked_at_is_not_called_idle(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | STUCK)
    doctor.state.store({"agent:work:main": row(4, age=5 * DAY, status="running")}, agent="work")
    assert "nothing is resumed" in forecast_of(doctor)
    alone = Doctor(doctor.state, where=Where(state_dir=str(doctor.state.root), agent="main"))
    assert "nothing is resumed" not in forecast_of(alone)
    assert "1 store of another agent was not examined" in forecast_of(alone)
    closed = Doctor(doctor.state, fs=ClosedFs(doctor.state.root / "agents/work/sessions/sessions.json"))
    assert "nothing is resumed" not in forecast_of(closed, "trim")
    assert "Not every row of 1 store could be read" in forecast_of(closed, "trim")


@pytest.mark.parametrize(
    ("word", "wal", "said"),
    [
        ("done", b"", "nothing is resumed"),
        ("running", b"", "1 row in databases still marked running"),
        ("running", b"x" * 4096, "1 row in databases still marked running"),
    ],
)
def test_rows_in_databases_are_in_the_forecast(tmp_path: Path, word: str, wal: bytes, said: str) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    doctor.state.store(PEOPLE | STUCK)
    rows = f"INSERT INTO session_nodes VALUES ('agent:main:main', '{{}}', '{word}')"
    database = agent_database(doctor.state.root, "main", 23, NODES, rows)
    database.with_name(f"{database.name}-wal").write_bytes(wal)
    text = forecast_of(doctor, "trim")
    assert said in text
    assert ("nothing is resumed" in text) is (word == "done")


def test_aborted_sessions_beside_an_unreadable_registry_are_in_the_forecast(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | STUCK | {CHILD: row(4, age=MINUTE, status="killed", abortedLastRun=True)})
    doctor.state.file("subagents/runs.json", b'{"version": 2, "runs": {"1": {"createdAt": ' + b"1" * 5_000 + b"}}}")
    assert "cannot tell which aborted sessions resume" in forecast_of(doctor)


def test_cron_jobs_that_will_fire_are_in_the_forecast(doctor: Doctor) -> None:
    from tests.world import job

    doctor.state.store({run_key("due", n): row(n, age=5 * DAY, status="running") for n in range(9)})
    doctor.state.jobs(
        [
            job("due", state={"nextRunAtMs": NOW - 1}),
            job("zombie", state={"runningAtMs": NOW - DAY, "nextRunAtMs": 1}),
        ]
    )
    notes = [(note.text, note.names) for note in doctor.plan().forecast]
    assert any("will fire soon" in text and names == ("name of due",) for text, names in notes)
    assert any("marked as running" in text and names == ("name of zombie",) for text, names in notes)
    assert any("piled up runs" in text and names == ("name of due",) for text, names in notes)


BIG = {"prompt": "p" * 20_000, "skills": [{"name": "s"}], "version": 1}


def test_slim_drops_rebuilt_fields_from_rows_that_do_not_run(doctor: Doctor) -> None:
    rows = {
        "agent:main:main": row(1, age=MINUTE, status="running", skillsSnapshot=BIG, label="x"),
        "agent:main:telegram:direct:7": row(2, skillsSnapshot=BIG, systemPromptReport={"a": 1}, label="y"),
        "agent:main:telegram:direct:8": row(3),
    }
    doctor.state.store(rows)
    receipt = doctor.there_and_back("slim")
    assert receipt is not None
    doctor.apply("slim")
    kept = doctor.rows()
    assert kept["agent:main:main"] == rows["agent:main:main"]
    assert kept["agent:main:telegram:direct:7"] == row(2, label="y")
    assert kept["agent:main:telegram:direct:8"] == rows["agent:main:telegram:direct:8"]


def test_slim_is_recommended_only_where_it_is_worth_it(doctor: Doctor) -> None:
    rows = {f"agent:main:telegram:direct:{n}": row(n, skillsSnapshot=BIG) for n in range(10)}
    doctor.state.store(rows)
    assert doctor.plan().empty
    doctor.state.store({f"agent:main:telegram:direct:{n}": row(n, skillsSnapshot=BIG) for n in range(400)})
    (step,) = steps(doctor.plan(), "slim")
    assert (step.count, step.conversations) == (400, 400)


def test_missing_points_to_the_file_that_is_there(doctor: Doctor) -> None:
    rows = {
        "agent:main:main": row(1, sessionFile="/other/place.jsonl"),
        "agent:main:telegram:direct:2": row(2, sessionFile="gone.jsonl"),
        "agent:main:telegram:direct:3": row(3),
        "agent:main:telegram:direct:4": row(4),
    }
    doctor.state.store(rows)
    doctor.state.transcript(2)
    doctor.state.transcript(4)
    plan = doctor.plan("missing")
    assert any("without a transcript stay" in note.text for note in plan.cautions)
    doctor.apply("missing")
    changed = {key: value for key, value in doctor.rows().items() if value != rows[key]}
    assert changed == {"agent:main:telegram:direct:2": row(2, sessionFile=f"{session_id(2)}.jsonl")}
    assert doctor.state.judge().examination.stores[0].pointers.misplaced == 0


def test_missing_takes_no_file_that_another_row_claims(doctor: Doctor) -> None:
    doctor.state.store(
        {
            "agent:main:main": row(1, sessionFile="gone.jsonl"),
            "agent:main:telegram:direct:2": row(2, sessionFile=f"{session_id(1)}.jsonl"),
        }
    )
    doctor.state.transcript(1)
    assert doctor.plan("missing").empty


def test_missing_drops_only_what_is_named(doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1), "agent:main:telegram:direct:2": row(2)})
    doctor.apply("missing", options=Options(names=frozenset({"agent:main:main"})))
    assert set(doctor.rows()) == {"agent:main:telegram:direct:2"}


def test_paths_are_rewritten_by_one_map_where_the_file_is_the_sessions(doctor: Doctor) -> None:
    old = "/home/node/.openclaw"
    there = f"{old}/agents/main/sessions/"
    doctor.state.store(
        {
            "agent:main:main": row(1, sessionFile=f"{there}{session_id(1)}.jsonl"),
            "agent:main:telegram:direct:2": row(2, sessionFile=f"{there}{session_id(2)}.jsonl"),
            "agent:main:telegram:direct:3": row(3, sessionFile=f"{there}{session_id(3)}.jsonl"),
        }
    )
    doctor.state.transcript(1)
    doctor.state.beside(f"{session_id(2)}.jsonl", header(session_id(9)) + said("x"))
    assert steps(doctor.plan(), "paths") == []
    doctor.apply("paths", options=Options(path_maps=(PathMap(old, str(doctor.state.root)),)))
    rows = doctor.rows()
    assert rows["agent:main:main"]["sessionFile"] == str(doctor.store.parent / f"{session_id(1)}.jsonl")
    assert rows["agent:main:telegram:direct:2"]["sessionFile"].startswith(old)
    assert rows["agent:main:telegram:direct:3"]["sessionFile"].startswith(old)


@pytest.mark.parametrize("name", ["a\0b.jsonl", "a\ud800b.jsonl"])
def test_a_path_that_no_file_can_have_stays(doctor: Doctor, name: str) -> None:
    doctor.state.store({"agent:main:main": row(1, sessionFile=f"/there/agents/main/sessions/{name}")})
    plan = doctor.plan("paths", options=Options(path_maps=(PathMap("/there", str(doctor.state.root)),)))
    assert plan.empty
    assert "stay" in plan.cautions[0].text


def test_a_plan_stays_small_however_many_rows_go(doctor: Doctor) -> None:
    rows = {run_key("j", n): row(n, age=5 * DAY) for n in range(20_000)}
    doctor.state.store(PEOPLE | rows)
    plan = doctor.plan("trim")
    assert sum(step.count for step in plan.steps) == 19_998  # two share a session id with people
    assert_small(plan, 8_000)


def test_a_store_behind_a_symbolic_link_is_refused(doctor: Doctor, tmp_path: Path) -> None:
    doctor.state.store({run_key("j", n): row(n, age=5 * DAY, status="running") for n in range(5)})
    real = doctor.store.rename(tmp_path / "sessions.json")
    doctor.store.symlink_to(real)
    doctor.state.config({"session": {"store": str(doctor.store)}})
    plan = doctor.plan("trim")
    assert plan.empty
    assert "symbolic link" in plan.refusals[0].reason


def test_a_store_outside_of_the_state_directory_is_refused(doctor: Doctor, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({run_key("j", n): row(n, age=5 * DAY, status="running") for n in range(5)}))
    doctor.state.config({"session": {"store": str(outside)}})
    plan = doctor.plan("trim")
    assert plan.empty
    assert "outside the state directory" in plan.refusals[0].reason


def test_mode_stays_and_hard_links_are_replaced(doctor: Doctor, tmp_path: Path) -> None:
    doctor.state.store(PEOPLE | {run_key("j", n): row(n, age=5 * DAY, status="running") for n in range(5)})
    doctor.store.chmod(0o664)
    twin = tmp_path / "twin"
    twin.hardlink_to(doctor.store)
    before = twin.read_bytes()
    doctor.apply("trim")
    assert doctor.store.stat().st_mode & 0o777 == 0o664
    assert twin.read_bytes() == before
    assert doctor.store.stat().st_nlink == 1


def test_one_session_can_be_taken_out_by_name_and_brought_back(doctor: Doctor) -> None:
    doctor.state.store(PEOPLE | {run_key("j", 3): row(3, age=MINUTE)})
    for number in (901, 902):
        doctor.state.transcript(number)
    options = Options(names=frozenset({"agent:main:main"}))
    assert doctor.plan(options=options).empty
    (step,) = [step for step in doctor.plan("trim", options=options).steps if step.action == "remove"]
    assert (step.count, step.conversations, step.reason) == (1, 1, "main rows: named one by one")
    doctor.there_and_back("trim", options=options)
    doctor.apply("trim", options=options)
    assert "agent:main:main" not in doctor.rows()
    assert not (doctor.store.parent / f"{session_id(901)}.jsonl").exists()
