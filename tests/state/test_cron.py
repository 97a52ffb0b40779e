from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.cron import UNDEFINED, Cron, CronRead, Fate, JobState, LostJob, RunLog, Schedule
from gatewaydoctor.model.gateway.release import Policy, Release
from gatewaydoctor.state.cron.acceptance import TABLE, Shape, fate
from gatewaydoctor.state.cron.cron import LARGEST, read_cron, state_path
from gatewaydoctor.state.cron.jobs import read_jobs, whole_number
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

AT = 1_774_001_472_345


def job(job_id: str = "j1", **more: object) -> dict[str, object]:
    return {
        "id": job_id,
        "name": "backup",
        "enabled": True,
        "schedule": {"kind": "every", "everyMs": 60000},
        "sessionTarget": "isolated",
        "payload": {"kind": "agentTurn", "message": "go", "timeoutSeconds": 30},
        "state": {"runningAtMs": AT, "lastStatus": "ok", "nextRunAtMs": AT + 1},
    } | more


def write(directory: Path, name: str, value: object) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, indent=2).encode())
    return path


def cron(directory: Path, jobs: object, **files: object) -> Cron:
    """`files` are further files of the directory: `__` stands for a dot, `_` for a hyphen."""
    store = write(directory, "jobs.json", jobs)
    for name, value in files.items():
        write(directory, name.replace("__", ".").replace("_", "-"), value)
    return read_cron(OsReadFs(), store)


def test_a_job_with_all_its_fields(tmp_path: Path) -> None:
    raw = job(
        agentId="work", deleteAfterRun=True, schedule={"kind": "cron", "expr": "0 2 * * *", "tz": "Europe/Oslo"}
    )
    found = cron(tmp_path, {"version": 1, "jobs": [raw]})
    assert found.store.read is CronRead.OK
    assert found.state.read is CronRead.MISSING
    assert found.problems == ()
    (only,) = found.jobs
    assert (only.job_id, only.name, only.enabled, only.agent_id) == ("j1", "backup", True, "work")
    assert only.schedule == Schedule("cron", None, "0 2 * * *", "Europe/Oslo")
    assert (only.session_target, only.payload_kind, only.timeout_ms) == ("isolated", "agentTurn", 30_000)
    assert only.delete_after_run
    assert only.state == JobState(AT, AT + 1, None, "ok", 0, 0)
    assert found.known_ids == {"j1"}


@pytest.mark.parametrize(
    ("document", "read", "jobs"),
    [
        ([job()], CronRead.OK, 1),
        (b"// mine\n{version: 1, jobs: [{id: 'j1', enabled: false,}],}", CronRead.OK, 1),
        ({"version": 1, "jobs": []}, CronRead.OK, 0),
        ({"version": 1}, CronRead.EMPTY_FOR_GATEWAY, 0),
        ({"jobs": {"j1": {}}}, CronRead.EMPTY_FOR_GATEWAY, 0),
        (b"null", CronRead.EMPTY_FOR_GATEWAY, 0),
        (b"", CronRead.UNPARSEABLE, 0),
        (b'{"version": 1, "jobs": [', CronRead.UNPARSEABLE, 0),
        (b"{}\0\0", CronRead.UNPARSEABLE, 0),
        (b"[" * 200_000, CronRead.UNPARSEABLE, 0),
    ],
)
def test_shapes_of_the_store(tmp_path: Path, document: object, read: CronRead, jobs: int) -> None:
    found = cron(tmp_path, document)
    assert (found.store.read, len(found.jobs)) == (read, jobs)
    assert (found.store.reason is None) is (read is CronRead.OK)


@pytest.mark.parametrize("cut", [1, 20, 100, 300])
def test_a_cut_store_is_told_with_its_offset(tmp_path: Path, cut: int) -> None:
    found = cron(tmp_path, json.dumps({"version": 1, "jobs": [job()]}).encode()[:cut])
    assert found.store.read is CronRead.UNPARSEABLE
    assert found.store.fault is not None
    assert found.store.fault.offset == cut == found.store.bytes


def test_a_store_that_is_missing_too_large_or_no_file(tmp_path: Path) -> None:
    assert read_cron(OsReadFs(), tmp_path / "cron" / "jobs.json").store.read is CronRead.MISSING
    huge = write(tmp_path, "jobs.json", b"{}")
    os.truncate(huge, LARGEST + 1)
    found = read_cron(OsReadFs(), huge)
    assert (found.store.read, found.store.reason) == (CronRead.UNREADABLE, "it has more than 67,108,864 bytes")
    assert read_cron(OsReadFs(), tmp_path).store.reason == "Is a directory"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"j1": {"state": {"runningAtMs": 7}}}, JobState(7)),
        ({"j1": {"state": {}}}, JobState()),
        ({"j1": {"state": None}}, JobState()),
        # Without a row of its own a job keeps the state inside it.
        ({"j2": {"state": {"runningAtMs": 7}}}, JobState(AT, AT + 1, None, "ok")),
        ({"j1": None}, JobState(AT, AT + 1, None, "ok")),
        ({"j1": "x"}, JobState(AT, AT + 1, None, "ok")),
    ],
)
def test_the_state_file_wins(tmp_path: Path, rows: object, expected: JobState) -> None:
    found = cron(tmp_path, [job()], jobs_state__json={"version": 1, "jobs": rows})
    assert found.state.read is CronRead.OK
    assert found.jobs[0].state == expected


@pytest.mark.parametrize("states", [b"{", b"[]", {"version": 2, "jobs": {}}, {"version": 1, "jobs": []}, b"null"])
def test_a_bad_state_file_is_ignored(tmp_path: Path, states: object) -> None:
    found = cron(tmp_path, [job()], jobs_state__json=states)
    assert found.state.reason
    assert found.jobs[0].state.running_at == AT


@pytest.mark.parametrize(
    ("identity", "changed"),
    [
        ('{"version":1,"enabled":true,"schedule":{"kind":"every","everyMs":60000}}', False),
        ('{"version":1,"enabled":true,"schedule":{"kind":"every","everyMs":6e4}}', False),
        ('{"version":1,"enabled":false,"schedule":{"kind":"every","everyMs":60000}}', True),
        ('{"version":1,"enabled":true,"schedule":{"kind":"every","everyMs":70000}}', True),
        ("not JSON", True),
        (7, False),
    ],
)
def test_state_kept_for_another_schedule_loses_its_next_run(tmp_path: Path, identity: object, changed: bool) -> None:
    row = {"scheduleIdentity": identity, "state": {"nextRunAtMs": 9, "runningAtMs": 8}}
    found = cron(tmp_path, [job()], jobs_state__json={"version": 1, "jobs": {"j1": row}}).jobs[0]
    assert found.schedule_changed is changed
    assert found.state == JobState(8, None if changed else 9)


@pytest.mark.parametrize(
    ("schedule", "identity"),
    [
        ({"kind": "cron", "expr": "0 * * * *", "tz": "UTC"}, {"kind": "cron", "expr": "0 * * * *", "tz": "UTC"}),
        (
            {"kind": "cron", "expr": "0 * * * *", "staggerMs": 5},
            {"kind": "cron", "expr": "0 * * * *", "staggerMs": 5},
        ),
        ({"kind": "at", "at": "2026-03-20T10:00:00Z"}, {"kind": "at", "at": "2026-03-20T10:00:00Z"}),
        ({"kind": "at", "atMs": 5}, {"kind": "at", "at": "5"}),
        ({"everyMs": 5, "anchorMs": 6}, {"kind": "every", "everyMs": 5, "anchorMs": 6}),
    ],
)
def test_identities_of_every_kind(tmp_path: Path, schedule: object, identity: object) -> None:
    row = {"scheduleIdentity": json.dumps({"version": 1, "enabled": True, "schedule": identity}), "state": {}}
    found = cron(tmp_path, [job(schedule=schedule)], jobs_state__json={"version": 1, "jobs": {"j1": row}})
    assert not found.jobs[0].schedule_changed


NO_ID = {key: value for key, value in job().items() if key != "id"}
EVENT = {"kind": "systemEvent", "text": "t"}

DIFFERENT = [
    (None, Shape.NULL),
    (7, Shape.NO_OBJECT),
    ([], Shape.NO_OBJECT),
    (job(id=None), Shape.ID_MISSING),
    (job(id=" "), Shape.ID_MISSING),
    (job(id=5), Shape.ID_NO_TEXT),
    (NO_ID | {"jobId": "old"}, Shape.ID_OLD_NAME),
    (job(state=None), Shape.STATE_MISSING),
    (job(state="x"), Shape.STATE_MISSING),
    (job(schedule=None), Shape.SCHEDULE_MISSING),
    (job(schedule=None, cron="0 2 * * *"), Shape.SCHEDULE_OUTSIDE),
    (job(schedule="0 2 * * *"), Shape.SCHEDULE_TEXT),
    (job(schedule=" "), Shape.SCHEDULE_EMPTY_TEXT),
    (job(schedule=5), Shape.SCHEDULE_NO_OBJECT),
    (job(schedule={}), Shape.KIND_UNKNOWN),
    (job(schedule={"kind": "weekly"}), Shape.KIND_UNKNOWN),
    (job(schedule={"kind": "weekly", "everyMs": 60000}), Shape.KIND_GUESSED_EVERY),
    (job(schedule={"kind": "at"}), Shape.AT_MISSING),
    (job(schedule={"kind": "at", "at": "tomorrow"}), Shape.AT_INVALID),
    (job(schedule={"kind": "every", "everyMs": 0}), Shape.EVERY_TOO_SMALL),
    (job(schedule={"kind": "every", "everyMs": "60000"}), Shape.EVERY_TEXT),
    (job(schedule={"kind": "every", "everyMs": "1m"}), Shape.EVERY_MISSING),
    (job(schedule={"kind": "cron"}), Shape.EXPR_MISSING),
    (job(schedule={"kind": "cron", "cron": "0 2 * * *"}), Shape.EXPR_OLD_NAME),
    (job(schedule={"kind": "cron", "expr": "61 2 * * *"}), Shape.EXPR_INVALID),
    (job(schedule={"kind": "cron", "expr": "0 2 31 2 *"}), Shape.EXPR_NEVER),
    (job(schedule={"kind": "cron", "expr": "0 2 * * *", "tz": "Mars/Olympus"}), Shape.ZONE_UNKNOWN),
    (job(payload=None), Shape.PAYLOAD_MISSING),
    (job(payload=None, message="go"), Shape.PAYLOAD_OUTSIDE),
    (job(payload=None, sessionTarget=None, command="ls"), Shape.PAYLOAD_COMMAND),
    (job(payload=True), Shape.PAYLOAD_NO_OBJECT),
    (job(payload={"kind": "exec"}), Shape.PAYLOAD_KIND),
    (job(payload={"kind": "agentTurn"}), Shape.MESSAGE_MISSING),
    (job(payload={"kind": "systemEvent"}, sessionTarget="main"), Shape.TEXT_MISSING),
    (job(payload={"kind": "systemEvent", "text": ""}, sessionTarget="main"), Shape.TEXT_EMPTY),
    (job(sessionTarget="main"), Shape.TURN_IN_MAIN),
    (job(payload=EVENT), Shape.EVENT_ELSEWHERE),
]


def test_there_is_a_job_of_every_shape() -> None:
    assert {shape for _, shape in DIFFERENT} | {Shape.ID_TWICE} == set(Shape) == set(TABLE)


@pytest.mark.parametrize(
    ("raw", "shape"), DIFFERENT, ids=[f"{shape.name} {at}" for at, (_, shape) in enumerate(DIFFERENT)]
)
def test_a_job_that_differs_is_named_with_what_the_release_makes_of_it(raw: object, shape: Shape) -> None:
    release = Release("2026.5.22", Policy.V2026_5_22)
    jobs, (problem,) = read_jobs([job("good"), raw], None, release)
    assert (problem.index, problem.field, problem.reason) == (1, shape.field, shape.reason)
    assert problem.fate is TABLE[shape][-1]
    assert len(jobs) == (2 if isinstance(raw, dict) else 1), "every job of the file that is an object is a job"


@pytest.mark.parametrize(
    "raw",
    [
        job(),
        job(sessionTarget=None),
        job(sessionTarget="elsewhere"),
        job(sessionTarget=7),
        job(sessionTarget="session:cron-mail"),
        job(sessionTarget="main", payload=EVENT),
        job(sessionTarget=None, payload=EVENT),
        job(payload={"message": "go"}),
        job(payload={"kind": "agentturn", "message": "go"}),
        job(schedule={"expr": "0 2 * * *"}),
        job(schedule={"kind": "weekly", "expr": "@daily"}),
        job(schedule={"kind": "at", "at": "2026-03-20T10:00:00Z"}),
        job(schedule={"kind": "at", "atMs": 1790000000000}),
        job(schedule={"kind": "cron", "expr": "0 2 ? * MON-FRI", "tz": "europe/berlin"}),
        job(schedule={"kind": "cron", "expr": "30 6 L * *", "tz": "+02:00"}),
        job(schedule={"kind": "cron", "expr": "0 30 6 * * * 2027"}),
        job(state={"runningAtMs": "yes"}),
        job(wakeMode=7, delivery="x", agentId={}, name=None),
        job(enabled="yes"),
    ],
)
def test_what_every_release_takes_is_no_difference(raw: dict[str, object]) -> None:
    assert read_jobs([raw], None)[1] == ()


@pytest.mark.parametrize(
    ("version", "policy", "fates"),
    [
        ("2026.2.9", Policy.V2026_3_28, (Fate.SHARES_STATE, Fate.NEVER_RUNS)),
        ("2026.2.22-2", Policy.V2026_3_28, (Fate.SHARES_STATE, Fate.NEVER_RUNS)),
        ("2026.3.28", Policy.V2026_3_28, (Fate.RUNS, Fate.RUNS)),
        ("2026.4.20", Policy.V2026_3_28, (Fate.RUNS, Fate.NEVER_RUNS)),
        ("2026.4.29", Policy.V2026_4_25, (Fate.RUNS, Fate.STOPS_CRON)),
        ("2026.5.7", Policy.V2026_4_25, (Fate.RUNS, Fate.NEVER_RUNS)),
        ("2026.5.22", Policy.V2026_5_22, (Fate.RUNS, Fate.NEVER_RUNS)),
        (None, Policy.V2026_4_25, (Fate.RUNS, Fate.NEVER_RUNS)),
        ("2026.7.1", Policy.V2026_5_22, (None, None)),
        (None, Policy.V2026_9_6, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_releases_differ(version: str | None, policy: Policy | None, fates: tuple[Fate | None, ...]) -> None:
    release = Release(version, policy)
    assert (fate(Shape.ID_OLD_NAME, release), fate(Shape.SCHEDULE_TEXT, release)) == fates


def test_where_all_releases_agree_the_release_need_not_be_known() -> None:
    assert fate(Shape.EXPR_INVALID, Release()) is Fate.NEVER_RUNS


def test_two_jobs_of_one_id() -> None:
    (problem,) = read_jobs([job(), job()], None)[1]
    assert (problem.index, problem.job_id, problem.reason) == (1, "j1", "another job has the same id")
    assert problem.fate is Fate.SHARES_STATE


def test_jobs_without_id_share_the_state_and_the_name_undefined(tmp_path: Path) -> None:
    states = {"version": 1, "jobs": {"undefined": {"state": {"lastRunAtMs": 5}}}}
    found = cron(tmp_path, [NO_ID, NO_ID | {"name": "second"}], jobs_state__json=states)
    assert [(each.job_id, each.state.last_run_at) for each in found.jobs] == [(UNDEFINED, 5)] * 2
    assert UNDEFINED in found.known_ids
    assert found.lost == (), "no job of that name was ever there"


def test_parked_and_disabled_jobs_are_told_until_they_are_settled(tmp_path: Path) -> None:
    found = cron(
        tmp_path,
        [job("off", enabled=False), job("on"), NO_ID | {"name": "nameless", "enabled": False}],
        jobs_parked__json={"version": 1, "jobs": [job("p1"), "text"]},
        jobs_parked_2__json={"version": 1, "jobs": [{"name": "no id"}]},
        jobs_disabled__json={
            "version": 1,
            "jobs": [{"id": "off", "disabledAtMs": 7}, {"id": "on"}, {"id": "gone"}, {"name": "nameless"}],
        },
        jobs__json__bak=[job("p1"), job("off"), job("on")],
    )
    assert [(each.file, each.index, each.job_id) for each in found.parked] == [
        ("jobs-parked-2.json", 0, None),
        ("jobs-parked.json", 0, "p1"),
        ("jobs-parked.json", 1, None),
    ]
    assert [(each.job_id, each.name, each.at) for each in found.disabled] == [
        ("off", None, 7),
        (None, "nameless", None),
    ]
    assert found.lost == (), "a parked job is not lost"


def test_jobs_that_only_other_files_name(tmp_path: Path) -> None:
    found = cron(
        tmp_path,
        [job("kept")],
        jobs__json__bak={"version": 1, "jobs": [job("kept"), job("lost", name="mail")]},
        jobs__json__migrated=[job("lost", name=None), job("older", name=7)],
        jobs_state__json={"version": 1, "jobs": {"kept": {"state": {}}, "stray": {"state": {}}}},
        jobs_quarantine__json={"version": 1, "jobs": [{"reason": "missing-id", "job": {}}]},
        jobs__json__7__0123456789abcdef__tmp=[job("half-written")],
    )
    assert {each.job_id: (each.name, set(each.sources)) for each in found.lost} == {
        "lost": ("mail", {"jobs.json.bak", "jobs.json.migrated"}),
        "older": (None, {"jobs.json.migrated"}),
        "stray": (None, {"jobs-state.json"}),
    }
    assert found.migrated == ("jobs.json.migrated",)
    assert found.quarantined == 1
    assert [each.name for each in found.temps] == ["jobs.json.7.0123456789abcdef.tmp"]


def test_a_backup_beside_an_unparseable_store_holds_its_jobs(tmp_path: Path) -> None:
    found = cron(tmp_path, b"{", jobs__json__bak=[job("j1")])
    assert found.lost == (LostJob("j1", "backup", ("jobs.json.bak",)),)


def test_run_logs_tell_their_last_run(tmp_path: Path) -> None:
    done = {"ts": AT, "jobId": "j1", "action": "finished", "status": "ok", "durationMs": 1500, "summary": "secret"}
    lines = json.dumps(done).encode() + b"\n"
    found = cron(
        tmp_path,
        [],
        **{
            "runs/j1__jsonl": b'{"ts":1}\n' * 1000 + lines,
            "runs/torn__jsonl": lines + lines[:20],
            "runs/empty__jsonl": b"",
            "runs/rubbish__jsonl": b"\0" * 10_000,
            "runs/long__jsonl": lines + b'{"error":"' + b"x" * 100_000 + b'"}\n',
            "runs/notes__txt": b"",
        },
    )
    logs = {log.job_id: log for log in found.run_logs}
    assert set(logs) == {"j1", "torn", "empty", "rubbish", "long"}
    assert logs["j1"] == RunLog("j1", 9000 + len(lines), logs["j1"].mtime, AT, "ok", 1500)
    assert logs["torn"].last_at == AT
    assert logs["long"].last_at is None
    assert logs["empty"].last_at is logs["rubbish"].last_at is None


def test_where_the_state_is() -> None:
    from pathlib import Path as P

    assert state_path(P("/c/jobs.json")) == P("/c/jobs-state.json")
    assert state_path(P("/c/jobs")) == P("/c/jobs-state.json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (1.9, 1),
        (True, None),
        ("1", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
        (None, None),
    ],
)
def test_whole_numbers(value: object, expected: int | None) -> None:
    assert whole_number(value) == expected


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "jobId", "schedule", "kind", "payload", "state", "everyMs", "expr", "sessionTarget"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(ANY, max_size=4), st.dictionaries(st.text(max_size=2), ANY, max_size=2))
def test_any_jobs_are_read(raw_jobs: list[object], states: dict[str, object]) -> None:
    jobs, problems = read_jobs(raw_jobs, states)
    assert [job.index for job in jobs] == [at for at, raw in enumerate(raw_jobs) if isinstance(raw, dict)]
    assert {at for at, raw in enumerate(raw_jobs) if not isinstance(raw, dict)} <= {each.index for each in problems}
