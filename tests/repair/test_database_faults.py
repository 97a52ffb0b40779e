"""Repairs of what a start refuses in databases: the finding goes, a second plan is empty, undo brings all back."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.repair.drafting.options import CronOptions, Options
from gatewaydoctor.repair.repairs.cron.choice import jobs_of, require_known
from gatewaydoctor.repair.run.apply import apply
from tests.fixtures_source.databases import AGENT_VERSION, agent_database, log_of, quarantine_database, state_database
from tests.fixtures_source.health import AGENT, QUARANTINE, ROWS, STATE, STATE_VERSION
from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import DEAD, tools
from tests.world import DAY, HOUR, NOW, StateDir, job, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIN = "agent:main:main"
OLD = "/home/old/.openclaw/cron/jobs.json"


def sound(state: StateDir, **more: object) -> None:
    state.file(AGENT, agent_database(AGENT_VERSION, {}, rows=ROWS, **more), HOUR)
    state.file(STATE, state_database(STATE_VERSION, 2, agents=("main",)), HOUR)


def foreign_log(state: StateDir) -> None:
    sound(state)
    state.file(f"{AGENT}-wal", log_of(agent_database(AGENT_VERSION, {"done": 3}, agent_id="second")), HOUR)


def orphans(state: StateDir) -> None:
    events = [("INSERT INTO transcript_events VALUES (?, ?, ?, ?)", [("gone", n, "{}", NOW) for n in range(3)])]
    sound(state, more=events)
    edit(
        state.root / AGENT,
        "CREATE TABLE notes (about TEXT REFERENCES session_nodes (session_key))",
        *("INSERT INTO notes VALUES ('nobody')" for _ in range(3)),
    )


def quarantined(state: StateDir) -> None:
    sound(state)
    state.file(QUARANTINE, quarantine_database([(str(state.root / AGENT), "row 3 missing", NOW - DAY)]), HOUR)


def quarantined_elsewhere(state: StateDir) -> None:
    sound(state)
    state.file(QUARANTINE, quarantine_database([(f"/srv/old/{AGENT}", "row 3 missing", NOW - DAY)]), HOUR)


def garbage_records(state: StateDir) -> None:
    sound(state)
    state.file(QUARANTINE, b"garbage" * 900, HOUR)


def moved_jobs(state: StateDir) -> None:
    sound(state)
    state.file(STATE, state_database(STATE_VERSION, 3, agents=("main",), store_key=OLD), HOUR)


def older_leftover(state: StateDir) -> None:
    sound(state)
    state.store({MAIN: row(1, age=30 * DAY)})


def old_deliveries(state: StateDir) -> None:
    sound(state)
    queued = [("late", "pending", NOW - 2 * DAY), ("new", "pending", NOW - HOUR), ("gone", "failed", NOW - 9 * DAY)]
    state.file(STATE, state_database(STATE_VERSION, 2, agents=("main",), deliveries=queued), HOUR)
    for name, age in (("late", 2 * DAY), ("new", HOUR)):
        state.file(f"delivery-queue/{name}.json", {"enqueuedAt": NOW - age, "channel": "telegram"})


CASES: list[tuple[str, Callable[[StateDir], None], str]] = [
    ("logs", foreign_log, "database-log-foreign"),
    ("schema", orphans, "database-foreign-keys"),
    ("quarantine", quarantined, "database-quarantined"),
    ("quarantine", quarantined_elsewhere, "database-quarantined"),
    ("quarantine", garbage_records, "database-quarantined"),
    ("jobs", moved_jobs, "jobs-other-path"),
    ("leftover", older_leftover, "legacy-store-beside-sqlite"),
]


@pytest.mark.parametrize(("repair", "make", "rule"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_finding_goes_and_comes_back(
    tmp_path: Path, repair: str, make: Callable[[StateDir], None], rule: str
) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    make(state)
    doctor = Doctor(state)
    fix = state.only(rule).fix
    assert fix is not None
    assert fix.repairs == (repair,)
    doctor.there_and_back(repair)
    assert rule in doctor.rules()
    doctor.apply(repair)
    assert rule not in doctor.rules()


@pytest.mark.parametrize(("make", "severity"), [(quarantined, "error"), (quarantined_elsewhere, "info")])
def test_a_record_counts_under_the_path_the_database_has(
    tmp_path: Path, make: Callable[[StateDir], None], severity: str
) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    make(state)
    assert state.only("database-quarantined").severity.word == severity


def test_orphan_rows_go_and_transcripts_do_not(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    orphans(state)
    doctor = Doctor(state)
    found = [(step.action, step.count) for step in steps(doctor.plan("schema"), "schema")]
    assert found == [("recover", 1), ("remove", 3)]
    before = agentdb.statuses(state.root / AGENT)
    doctor.apply("schema")
    assert agentdb.statuses(state.root / AGENT) == before | {"agent:main:recovered:gone": None}
    events = "SELECT count(*) FROM transcript_events WHERE session_id = 'gone'"
    assert agentdb.ask(state.root / AGENT, events) == [(3,)]
    assert agentdb.ask(state.root / AGENT, "SELECT count(*) FROM notes") == [(0,)]


def test_nothing_is_planned_where_a_newer_release_has_written(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    orphans(state)
    connection = agentdb.connected(state.root / AGENT)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    plan = Doctor(state).plan("schema", "compact")
    assert plan.empty
    assert [(each.repair, each.target) for each in plan.refusals] == [("all", AGENT)]
    assert "A newer gateway release has written here" in plan.refusals[0].reason


def test_jobs_that_cannot_be_read_are_no_empty_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    moved_jobs(state)
    fault = DatabaseFault(DatabaseFaultKind.CHANGED, state.root / STATE, "it is being written to")
    monkeypatch.setattr("gatewaydoctor.repair.repairs.stores.databases.lacking_jobs", lambda *_: fault)
    plan = Doctor(state).plan("jobs")
    assert [(each.repair, each.reason) for each in plan.refusals] == [("jobs", "it is being written to.")]
    monkeypatch.setattr("gatewaydoctor.examine.databases.state.lacking_jobs", lambda *_: fault)
    assert state.only("jobs-other-path").count == 3


def test_a_leftover_keeps_only_what_the_database_lacks(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    lacking = "agent:main:telegram:direct:77"
    state.store({MAIN: row(1, age=30 * DAY), lacking: row(2), "agent:main:cron:j": None})
    doctor = Doctor(state)
    doctor.there_and_back("leftover")
    doctor.apply("leftover")
    assert list(json.loads(doctor.store.read_bytes())) == [lacking]


def test_a_newer_row_of_a_leftover_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    (key, session, at) = ROWS[0]
    state.store({key: {"sessionId": session, "updatedAt": at + HOUR}})
    assert Doctor(state).plan("leftover").empty


def test_jobs_of_this_path_are_not_replaced(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    moved_jobs(state)
    doctor = Doctor(state)
    doctor.apply("jobs")
    own = str(state.root / "cron/jobs.json")
    assert agentdb.ask(state.root / STATE, "SELECT store_key, count(*) FROM cron_jobs GROUP BY 1") == [(own, 3)]
    assert doctor.plan("jobs").empty


def test_a_declared_job_that_this_path_has_stays_where_it_is(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    moved_jobs(state)
    own = str(state.root / "cron/jobs.json")
    rows = [(OLD, "old-heartbeat", "heartbeat:main"), (own, "new-heartbeat", "heartbeat:main")]
    edit(
        state.root / STATE,
        "ALTER TABLE cron_jobs ADD COLUMN declaration_key TEXT",
        *(f"INSERT INTO cron_jobs VALUES ('{key}', '{job}', 1, '{{}}', '{word}')" for key, job, word in rows),
    )
    doctor = Doctor(state)
    (step,) = steps(doctor.plan("jobs"), "jobs")
    assert step.count == 3
    doctor.apply("jobs")
    assert "jobs-other-path" not in doctor.rules()
    left = agentdb.ask(state.root / STATE, f"SELECT job_id FROM cron_jobs WHERE store_key = '{OLD}'")
    assert left == [("old-heartbeat",)]


def test_the_same_job_under_two_former_paths_moves_once(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    moved_jobs(state)
    edit(
        state.root / STATE,
        "CREATE TABLE jobs (store_key TEXT, job_id TEXT, enabled, job_json TEXT, PRIMARY KEY (store_key, job_id))",
        "INSERT INTO jobs SELECT * FROM cron_jobs",
        "INSERT INTO jobs SELECT '/older/cron/jobs.json', job_id, 1, '{}' FROM cron_jobs",
        "DROP TABLE cron_jobs",
        "ALTER TABLE jobs RENAME TO cron_jobs",
    )
    doctor = Doctor(state)
    assert sum(step.count for step in steps(doctor.plan("jobs"), "jobs")) == 3
    doctor.apply("jobs")
    assert "jobs-other-path" not in doctor.rules()


def test_a_leftover_with_two_names_gets_a_file_of_its_own(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    state.store({"agent:main:telegram:direct:77": row(2)})
    doctor = Doctor(state)
    os.link(doctor.store, state.root / "other-name.json")
    content = doctor.store.read_bytes()
    doctor.apply("leftover")
    assert doctor.store.stat().st_nlink == 1
    assert json.loads(doctor.store.read_bytes()) == json.loads(content)
    assert (state.root / "other-name.json").read_bytes() == content


TORN = {
    "torn": lambda text: text[:-30],
    "empty": lambda _: b"",
    "array": lambda _: b"[]",
    "with a mark": lambda text: b"\xef\xbb\xbf" + text,
}


@pytest.mark.parametrize("kind", TORN)
def test_a_damaged_leftover_goes_when_the_database_has_its_rows(tmp_path: Path, kind: str) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    older_leftover(state)
    store = state.root / "agents/main/sessions/sessions.json"
    state.store(TORN[kind](store.read_bytes()))
    doctor = Doctor(state)
    fix = state.only("legacy-store-beside-sqlite").fix
    assert fix is not None
    assert fix.repairs == ("leftover",)
    before = agentdb.statuses(state.root / AGENT)
    doctor.there_and_back("leftover")
    doctor.apply()
    assert not store.exists()
    assert "legacy-store-beside-sqlite" not in doctor.rules()
    assert agentdb.statuses(state.root / AGENT) == before


@pytest.mark.parametrize("data", [b"{}", b" {\n} \n"])
def test_a_leftover_without_an_entry_goes(tmp_path: Path, data: bytes) -> None:
    """Where the startup migrations are done, a start refuses it as it does any other."""
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    store = state.store(data)
    doctor = Doctor(state)
    fix = state.only("legacy-store-beside-sqlite").fix
    assert fix is not None
    assert fix.repairs == ("leftover",)
    doctor.there_and_back("leftover")
    doctor.apply("leftover")
    assert not store.exists()
    assert "legacy-store-beside-sqlite" not in doctor.rules()


def test_a_torn_leftover_keeps_only_what_the_database_lacks(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    lacking = "agent:main:telegram:direct:77"
    rows = {MAIN: row(1, age=30 * DAY), lacking: row(2), "agent:main:telegram:direct:78": row(3, pad="x" * 400)}
    state.store(json.dumps(rows, indent=2).encode()[:-200])
    doctor = Doctor(state)
    assert state.only("legacy-store-beside-sqlite").fix is None
    assert doctor.plan("salvage").empty
    doctor.there_and_back("leftover")
    doctor.apply()
    assert list(json.loads(doctor.store.read_bytes())) == [lacking]


def test_a_leftover_that_is_a_link_is_replaced_by_hand_and_then_repaired(tmp_path: Path) -> None:
    """A link is not followed for writing: the refusal says how a file comes in its place."""
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    kept = state.file("kept elsewhere.json", {MAIN: row(1, age=30 * DAY), "agent:main:telegram:direct:77": row(2)})
    link = state.root / "agents/main/sessions/sessions.json"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(kept)
    doctor = Doctor(state)
    plan = doctor.plan("leftover")
    assert plan.empty
    (refusal,) = [each for each in plan.refusals if each.repair == "leftover"]
    command = refusal.hint.partition(": ")[2]
    assert command.startswith("cp ")
    subprocess.run(command, shell=True, check=True)
    assert not link.is_symlink()
    doctor.there_and_back("leftover")
    doctor.apply("leftover")
    assert list(json.loads(link.read_text())) == ["agent:main:telegram:direct:77"]
    assert len(json.loads(kept.read_text())) == 2


def test_a_job_in_the_database_is_disabled_and_enabled(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    own = str(state.root / "cron/jobs.json")
    state.file(STATE, state_database(STATE_VERSION, 3, agents=("main",), store_key=own), HOUR)
    text = '{"id":"job-1","name":"nightly", "enabled" : true,"schedule":{"kind":"every","everyMs":60000}}'
    edit(state.root / STATE, f"UPDATE cron_jobs SET job_json = '{text}' WHERE job_id = 'job-1'")
    doctor = Doctor(state)
    off, on = (Options(cron=CronOptions(**{word: frozenset({"nightly"})})) for word in ("disable", "enable"))
    doctor.there_and_back("cron", options=off)
    doctor.apply("cron", options=off)
    ask = "SELECT enabled, job_json FROM cron_jobs ORDER BY job_id"
    assert agentdb.ask(state.root / STATE, ask)[1] == (0, text.replace("true", "false"))
    assert [row for row in agentdb.ask(state.root / STATE, ask) if row[0] == 0] == [
        (0, text.replace("true", "false"))
    ]
    doctor.apply("cron", options=on)
    assert agentdb.ask(state.root / STATE, ask)[1] == (1, text)


def _with_jobs(tmp_path: Path) -> tuple[Doctor, str]:
    """Three jobs of this directory in the database, and the path they are filed under."""
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    own = str(state.root / "cron/jobs.json")
    state.file(STATE, state_database(STATE_VERSION, 3, agents=("main",), store_key=own), HOUR)
    return Doctor(state), own


def _cron(**words: str) -> Options:
    return Options(cron=CronOptions(**{option: frozenset({word}) for option, word in words.items()}))


def test_a_job_in_the_database_is_parked_and_put_back(tmp_path: Path) -> None:
    """It is filed where no gateway runs it, and its row stays as it is."""
    doctor, own = _with_jobs(tmp_path)
    database = doctor.state.root / STATE
    ask = "SELECT store_key, job_id, enabled, job_json FROM cron_jobs ORDER BY job_id"
    edit(database, """UPDATE cron_jobs SET job_json = '{"id":"job-1","name":"Nightly"}' WHERE job_id = 'job-1'""")
    rows = agentdb.ask(database, ask)
    plan = doctor.plan("cron", options=_cron(park="job-1"))
    assert [(step.action, step.sample) for step in plan.steps] == [("park", ("Nightly",))]
    doctor.there_and_back("cron", options=_cron(park="job-1"))
    apply(doctor.plan("cron", options=_cron(park="job-1")), tools(), DEAD)
    assert [row[0] for row in agentdb.ask(database, ask)] == [own, f"{own}.parked", own]
    x = doctor.state.examine()
    assert x.jobs is not None
    assert [each.job_id for each in x.jobs.jobs] == ["job-0", "job-2"]
    assert [(each.job_id, each.label) for each in jobs_of(x).parked] == [("job-1", "Nightly")]
    assert {"cron-job-parked", "jobs-other-path"} & doctor.rules() == {"cron-job-parked"}
    apply(doctor.plan("cron", options=_cron(unpark="job-1")), tools(), DEAD)
    assert agentdb.ask(database, ask) == rows


def test_a_parked_job_stays_parked_when_the_directory_moves(tmp_path: Path) -> None:
    doctor, own = _with_jobs(tmp_path)
    database = doctor.state.root / STATE
    edit(
        database,
        f"UPDATE cron_jobs SET store_key = '{OLD}'",
        f"UPDATE cron_jobs SET store_key = '{OLD}.parked' WHERE job_id = 'job-1'",
    )
    doctor.apply("jobs")
    ask = "SELECT store_key FROM cron_jobs ORDER BY job_id"
    assert [key for (key,) in agentdb.ask(database, ask)] == [own, f"{own}.parked", own]


def test_a_job_parked_in_the_database_is_not_dropped(tmp_path: Path) -> None:
    doctor, own = _with_jobs(tmp_path)
    edit(doctor.state.root / STATE, f"UPDATE cron_jobs SET store_key = '{own}.parked' WHERE job_id = 'job-1'")
    plan = doctor.plan("cron", options=_cron(drop="job-1"))
    assert plan.empty
    (refusal,) = plan.refusals
    assert "--unpark" in refusal.hint


def test_a_job_parked_before_the_move_to_a_database_is_refused_and_can_be_dropped(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    own = str(state.root / "cron/jobs.json")
    state.file(STATE, state_database(STATE_VERSION, 3, agents=("main",), store_key=own), HOUR)
    parked = state.jobs([job("nightly")], "jobs-parked.json")
    unpark, drop = (CronOptions(**{word: frozenset({"nightly"})}) for word in ("unpark", "drop"))
    x = state.examine()
    for options in (unpark, drop):
        require_known(jobs_of(x), options)
    doctor = Doctor(state)
    plan = doctor.plan("cron", options=Options(cron=unpark))
    assert plan.empty
    assert [each.hint for each in plan.refusals] == [
        "Add it again with `openclaw cron add`; cron/jobs-parked.json has its definition."
    ]
    doctor.there_and_back("cron", options=Options(cron=drop))
    doctor.apply("cron", options=Options(cron=drop))
    assert not parked.exists()


def edit(path: Path, *statements: str) -> None:
    """Statements on a settled database, its mtime as before."""
    stat = path.stat()
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_compact_makes_a_database_anew_without_its_log(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    sound(state)
    data = agent_database(AGENT_VERSION, {"done": 40}, rows=ROWS)
    state.file(f"{AGENT}-wal", log_of(data), HOUR)
    doctor = Doctor(state)
    plan = doctor.plan("compact")
    assert [act.edits for act in plan.acts if isinstance(act, Transact)] == [()]
    doctor.there_and_back("compact")
    doctor.apply("compact")
    assert not (state.root / f"{AGENT}-wal").exists()
