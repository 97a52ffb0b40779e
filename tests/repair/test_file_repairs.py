"""transcripts, orphans, locks, temps, cron and subagents: what happens to the files beside the stores."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.transcript import TranscriptState
from gatewaydoctor.repair.drafting.options import Options, TrimOptions
from gatewaydoctor.state.history.transcripts import check_transcript
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import tools
from tests.state.fakes import ClosedFs, FakeProcess, FakeProcesses
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, header, job, row, run_key, said, session_id, talk

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"agent:main:main": row(1, age=HOUR)}


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


@pytest.fixture
def doctor(state: StateDir) -> Doctor:
    return Doctor(state)


WHOLE = talk(1)
MESSAGES = said("a question") + said("an answer", "assistant")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE + b'{"type":"mess', WHOLE),
        (WHOLE + bytes(5000), WHOLE),
        (WHOLE[:-1] + bytes(3), WHOLE),
        (WHOLE[:-1], WHOLE),
        (WHOLE + b'{"type":"mess' + bytes(7), WHOLE),
    ],
    ids=["torn", "nul tail", "nul tail without newline", "no newline", "torn and nul"],
)
def test_a_damaged_tail_is_cut_and_the_line_ended(doctor: Doctor, data: bytes, expected: bytes) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, data)
    mtime = path.stat().st_mtime_ns
    doctor.there_and_back()
    doctor.apply()
    assert path.read_bytes() == expected
    assert path.stat().st_mtime_ns == mtime
    checked = check_transcript(tools().fs, path)
    assert checked is not None
    assert checked.verdict is TranscriptState.OK


@pytest.mark.parametrize(
    "data",
    [MESSAGES, b'{"type":"sess\n' + MESSAGES, b"\0\0\0\n" + MESSAGES, MESSAGES + b'{"to'],
    ids=["none", "torn", "nul", "and a torn tail"],
)
def test_a_lost_header_is_rebuilt(doctor: Doctor, data: bytes) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, data)
    doctor.apply()
    first, rest = path.read_bytes().split(b"\n", 1)
    head = json.loads(first)
    assert (head["type"], head["version"], head["id"]) == ("session", 3, session_id(1))
    assert rest.endswith(b"\n")
    assert MESSAGES in rest
    assert "transcript-bad-header" not in doctor.rules()


def test_a_file_that_is_no_transcript_gets_no_header(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.transcript(1, b'{"a": 1}\n{"b": 2}\n')
    assert doctor.plan("transcripts").empty


def test_unreferenced_transcripts_are_mended_only_on_request(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.transcript(1)
    doctor.state.transcript(2, talk(2)[:-1])
    assert doctor.plan().empty
    assert steps(doctor.plan("transcripts"), "transcripts")


MIDDLE = header(session_id(1)) + b'{"type":"mess\n' + MESSAGES + b"\0\0\0\n" + MESSAGES
DAMAGED_AT = len(header(session_id(1)))
ZEROS_AT = DAMAGED_AT + len(b'{"type":"mess\n' + MESSAGES)


def damage_told(doctor: Doctor, *names: str) -> list[str]:
    return [name for note in doctor.plan(*names).cautions if "not JSON" in note.text for name in note.names]


@pytest.mark.parametrize("end", [b"", b'{"torn', bytes(3)], ids=["whole", "torn tail", "NUL tail"])
def test_damage_in_the_middle_is_told_and_stays(doctor: Doctor, end: bytes) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, MIDDLE + end)
    expected = f"{path.name}: 2 lines, the first at byte {DAMAGED_AT:,} with NUL bytes from {ZEROS_AT:,} on"
    assert damage_told(doctor, "transcripts") == [expected]
    doctor.apply("transcripts")
    assert path.read_bytes() == MIDDLE
    assert damage_told(doctor, "transcripts") == [expected]


def test_without_a_name_only_what_is_mended_is_read_for_damage_inside(doctor: Doctor) -> None:
    doctor.state.store(ROW | {"agent:main:other": row(2, age=HOUR)})
    doctor.state.transcript(1, MIDDLE)
    torn = doctor.state.transcript(2, MIDDLE + b'{"torn')
    assert [name.partition(":")[0] for name in damage_told(doctor)] == [torn.name]
    assert len(damage_told(doctor, "transcripts")) == 2


def test_what_cannot_be_read_is_not_called_whole(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    closed = ClosedFs(doctor.state.transcript(1))
    (note,) = (note for note in doctor.plan("transcripts", fs=closed).cautions if "could not be read" in note.text)
    assert note.names == (f"{session_id(1)}.jsonl: Permission denied",)


def test_whole_transcripts_and_torn_tails_are_no_damage_inside(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    for number, data in enumerate((WHOLE, WHOLE[:-1], WHOLE + b'{"torn', WHOLE + bytes(9), b"")):
        doctor.state.transcript(number + 1, data)
    assert damage_told(doctor, "transcripts") == []


GLUED = WHOLE[:-1] + said("two in a line")


@pytest.mark.parametrize(
    ("data", "left"),
    [(GLUED, GLUED), (GLUED[:-1], GLUED), (GLUED + b'{"to', GLUED), (WHOLE[:-1] + b'{"type":"mess', WHOLE)],
    ids=["two", "two without newline", "a torn line behind", "a torn one glued on"],
)
def test_whole_records_are_never_cut_with_a_torn_line(doctor: Doctor, data: bytes, left: bytes) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, data)
    doctor.apply("transcripts")
    assert path.read_bytes() == left
    assert [name.partition(":")[0] for name in damage_told(doctor, "transcripts")] == [path.name] * (left == GLUED)


BROKEN = b'%% no json %%\n{"type":"mess\n\0\0\0\n' + said("cut")[:-9]


@pytest.mark.parametrize("last", [b"", b"\n", b"\0" * 9, b"\n\n"], ids=["torn", "ended", "NUL", "blank"])
@pytest.mark.parametrize("long", [0, 3_000_000], ids=["short", "over every window"])
def test_a_run_of_broken_lines_at_the_end_goes_at_once(doctor: Doctor, last: bytes, long: int) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, WHOLE + BROKEN + b"x" * long + last)
    doctor.apply("transcripts")
    assert path.read_bytes() == WHOLE
    assert damage_told(doctor, "transcripts") == []


def test_a_run_of_broken_lines_ends_at_a_whole_record(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    glued = b'{"type":"mess' + said("whole")
    path = doctor.state.transcript(1, WHOLE + glued + BROKEN)
    doctor.apply("transcripts")
    assert path.read_bytes() == WHOLE + glued


@pytest.mark.parametrize("first", [header(session_id(1)), b"", b'{"type":"sess\n'], ids=["header", "none", "torn"])
def test_a_transcript_of_broken_lines_is_left_alone(doctor: Doctor, first: bytes) -> None:
    doctor.state.store(ROW)
    torn = said("one")[:-7] + b"\n" + said("two")[:-7] + b"\n" + said("three")[:-7]
    path = doctor.state.transcript(1, first + torn)
    plan = doctor.plan("transcripts")
    assert plan.empty
    assert [refusal.reason for refusal in plan.refusals if "Nothing is cut" in refusal.reason]
    assert path.read_bytes() == first + torn


def test_neighbours_that_cannot_be_read_do_not_keep_a_header_from_coming_back(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    path = doctor.state.transcript(1, b'{"type":"sess\n' + MESSAGES)
    (path.parent / "0.jsonl").symlink_to("/nonexistent/x")
    (path.parent / "00.jsonl").mkdir()
    os.mkfifo(path.parent / "000.jsonl")
    plan = doctor.plan("transcripts", fs=ClosedFs(doctor.state.transcript(2)))
    assert [step.action for step in steps(plan, "transcripts")] == ["rebuild the header"]


def test_mended_transcripts_of_people_are_conversations_touched(doctor: Doctor) -> None:
    machine = header(session_id(2)) + said("[cron:x] go")
    doctor.state.store(ROW | {run_key("x", 2): row(2, age=HOUR)})
    doctor.state.transcript(1, MESSAGES + b'{"to')
    doctor.state.transcript(2, machine + b'{"torn')
    told = [(step.action, step.bytes, step.conversations) for step in steps(doctor.plan(), "transcripts")]
    assert told == [("rebuild the header", 0, 1), ("cut the tail", 4, 0), ("cut the tail", 6, 0)]


def test_an_orphan_of_people_that_was_named_is_a_conversation_touched(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    names = [doctor.state.transcript(number).name for number in (2, 3)]
    names.append(doctor.state.transcript(4, header(session_id(4))).name)
    (step,) = steps(doctor.plan("orphans", options=Options(names=frozenset(names))), "orphans")
    assert (step.count, step.conversations) == (3, 2)


def test_young_orphans_stay_and_are_told(doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1)})
    doctor.state.transcript(2, header(session_id(2)), age=HOUR // 2)
    plan = doctor.plan("orphans")
    assert plan.empty
    assert [note.text for note in plan.cautions] == [
        "1 unindexed transcript stays: younger than 1 h, and a row may still be written for it."
    ]


def test_orphans_of_machines_go_and_people_stay(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.transcript(1)
    doctor.state.transcript(2)
    doctor.state.transcript(3, header(session_id(3)))
    doctor.state.transcript(4, header(session_id(4)) + said("[cron:x] go") + said("done", "assistant"))
    doctor.state.transcript(5, header(session_id(5)), age=MINUTE)
    assert steps(doctor.plan(), "orphans") == []
    doctor.there_and_back("orphans")
    doctor.apply("orphans")
    assert {path.name for path in doctor.store.parent.glob("*.jsonl")} == {
        f"{session_id(n)}.jsonl" for n in (1, 2, 5)
    }
    named = Options(names=frozenset({f"{session_id(2)}.jsonl"}))
    doctor.apply("orphans", options=named)
    assert not (doctor.store.parent / f"{session_id(2)}.jsonl").exists()


def test_what_leaves_is_not_mended_first(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.transcript(1, WHOLE[:-1])
    doctor.state.transcript(2, header(session_id(2)) + b'{"type":"mess')
    plan = doctor.plan("transcripts", "orphans")
    told = {(step.repair, step.action, step.sample) for step in plan.steps}
    assert told == {
        ("orphans", "move to the vault", (f"{session_id(2)}.jsonl",)),
        ("transcripts", "end the last line", (f"{session_id(1)}.jsonl",)),
    }
    doctor.apply("transcripts", "orphans")


def test_beside_a_damaged_store_nothing_is_an_orphan(doctor: Doctor) -> None:
    doctor.state.store(b'{"torn')
    doctor.state.transcript(3, header(session_id(3)))
    plan = doctor.plan("orphans")
    assert plan.empty
    assert any("Repair the store first" in note.text for note in plan.cautions)


def lock(pid: int, start: int | None = None) -> bytes:
    payload: dict[str, object] = {"pid": pid, "createdAt": "2027-04-01T00:00:00.000Z"}
    return json.dumps(payload if start is None else payload | {"starttime": start}).encode()


def test_dead_locks_go_on_request_and_live_ones_never(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.transcript(1)
    doctor.state.beside(f"{session_id(1)}.jsonl.lock", lock(4_000_000))
    doctor.state.beside("sessions.json.lock", lock(77, 5_000))
    doctor.how = {"processes": FakeProcesses([FakeProcess(77, ("bash",))], own_uid=os.getuid())}
    assert steps(doctor.plan(), "locks") == []
    (step,) = steps(doctor.plan("locks"), "locks")
    assert step.sample == (f"{session_id(1)}.jsonl.lock",)


TEMP = "sessions.json.0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10.tmp"


def test_old_temp_files_go_and_young_and_unknown_ones_stay(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.beside(TEMP, b"{}", age=2 * HOUR)
    doctor.state.beside(".fs-safe-replace.77.0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10.tmp", b"{}", age=MINUTE)
    doctor.state.beside("mine.tmp", b"{}", age=9 * DAY)
    doctor.there_and_back()
    doctor.apply()
    assert not (doctor.store.parent / TEMP).exists()
    assert (doctor.store.parent / "mine.tmp").exists()


def test_temp_files_stay_while_the_store_is_damaged_or_gone(doctor: Doctor) -> None:
    doctor.state.beside(TEMP, b"{}", age=2 * HOUR)
    doctor.state.transcript(1)
    plan = doctor.plan("temps")
    assert plan.empty
    assert any("only copy" in note.text for note in plan.cautions)
    doctor.state.store(b'{\n  "torn')
    assert doctor.plan("temps").empty


PEOPLE = {f"agent:main:telegram:direct:{number}": row(number, age=3 * DAY) for number in range(60, 65)}


@pytest.mark.parametrize("cut", [None, -40], ids=["whole", "torn"])
def test_a_temp_file_that_alone_holds_conversations_stays(doctor: Doctor, cut: int | None) -> None:
    """After a gateway read its store as empty and went on with a new one (docs/gateway.md, failure 1)."""
    doctor.state.store(ROW)
    runs = {run_key("j", 7): row(7)}
    doctor.state.beside(TEMP, json.dumps(ROW | runs | PEOPLE, indent=2).encode()[:cut], age=2 * HOUR)
    doctor.state.beside(f".fs-safe-replace.77.{TEMP.split('.')[2]}.tmp", {"version": 2, "runs": {"r": {}}}, age=DAY)
    lost = len(PEOPLE) - (cut is not None)
    plan = doctor.plan()
    (step,) = steps(plan, "temps")
    assert TEMP not in step.sample
    (note,) = (note for note in plan.cautions if note.command)
    assert f"1 temp file with {lost} conversations" in note.text
    assert note.names == (TEMP,)
    assert steps(doctor.plan("temps", options=Options(names=frozenset({TEMP}))), "temps")[0].count == 2

    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert doctor.rows() == ROW | dict(list(PEOPLE.items())[:lost])
    assert steps(doctor.plan("temps"), "temps")[0].count == 2


def test_salvage_adds_to_the_store_whose_agent_it_is(doctor: Doctor) -> None:
    template = doctor.state.root / "stores/{agentId}.json"
    doctor.state.config({"session": {"store": str(template)}, "agents": {"list": [{"id": "main"}, {"id": "work"}]}})
    doctor.state.file("stores/main.json", ROW)
    doctor.state.file("stores/work.json", {"agent:work:main": row(3)})
    lost = {"agent:work:telegram:direct:1": row(4)}
    doctor.state.file(f"stores/.fs-safe-replace.77.{TEMP.split('.')[2]}.tmp", lost)
    doctor.apply("salvage")
    stores = [json.loads((doctor.state.root / f"stores/{name}.json").read_bytes()) for name in ("main", "work")]
    assert stores == [ROW, {"agent:work:main": row(3)} | lost]


def jobs(doctor: Doctor) -> list[dict[str, object]]:
    return json.loads((doctor.state.root / "cron/jobs.json").read_bytes())["jobs"]


def test_cron_marks_are_cleared_on_request_byte_for_byte(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    at = {"schedule": {"kind": "at", "at": "2027-01-01T00:00:00Z"}}
    listed = [
        job("a", state={"nextRunAtMs": 5, "runningAtMs": NOW - DAY, "lastRunStatus": "ok"}),
        job("b", state={"lastRunStatus": "ok"}),
        job("c", state={"runningAtMs": NOW - DAY}) | at,
    ]
    path = doctor.state.jobs(listed)
    before = path.read_text()
    assert steps(doctor.plan(), "cron") == []
    doctor.there_and_back("cron")
    doctor.apply("cron")
    expected = before.replace(f',\n        "runningAtMs": {NOW - DAY}', "", 1)
    marked = f'"state": {{\n        "runningAtMs": {NOW - DAY}\n      }}'
    assert marked in expected
    head, tail = expected.rsplit('"enabled": true', 1)
    expected = head + '"enabled": false' + tail.replace(marked, '"state": {\n        \n      }')
    assert path.read_text() == expected
    assert [entry["enabled"] for entry in jobs(doctor)] == [True, True, False]


def test_cron_marks_in_the_state_file_are_cleared(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.jobs([job("a"), job("b")])
    states = {"a": {"state": {"runningAtMs": 5, "x": 1}}, "b": {"state": {"x": 2}}}
    path = doctor.state.file("cron/jobs-state.json", {"version": 1, "jobs": states})
    doctor.apply("cron")
    assert json.loads(path.read_bytes())["jobs"] == {"a": {"state": {"x": 1}}, "b": {"state": {"x": 2}}}


def test_malformed_jobs_are_parked_beside(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    bad = {"id": "bad", "name": "b", "schedule": 5, "payload": {"kind": "agentTurn", "message": "x"}, "odd": [1, 2]}
    doctor.state.jobs([job("a"), bad, "text", job("b")])
    doctor.there_and_back("cron")
    doctor.apply("cron")
    assert [entry["id"] for entry in jobs(doctor)] == ["a", "b"]
    parked = json.loads((doctor.state.root / "cron/jobs-parked.json").read_bytes())
    assert parked["jobs"] == [bad, "text"]


def test_json5_jobs_are_refused(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    text = json.dumps({"version": 1, "jobs": [job("a", state={"runningAtMs": 5})]}, indent=2)
    doctor.state.file("cron/jobs.json", f"// mine\n{text}")
    plan = doctor.plan("cron")
    assert plan.empty
    assert "comments" in plan.refusals[0].reason


def run(name: str, **more: object) -> dict[str, object]:
    return {
        "runId": name,
        "childSessionKey": f"agent:main:subagent:{name}",
        "requesterSessionKey": "agent:main:main",
        "spawnMode": "session",
        "cleanup": "keep",
        "createdAt": NOW - 3 * DAY,
        "endedAt": NOW - 2 * DAY,
    } | more


RUNS = [
    run("over"),
    run("fresh", endedAt=NOW - MINUTE),
    run("running", endedAt=None),
    run("dated", archiveAtMs=NOW + DAY),
    run("attached", attachmentsDir="/some/where"),
    run("parent"),
    run("child", requesterSessionKey="agent:main:subagent:parent", endedAt=None),
    run("over too", cleanupCompletedAt=NOW - HOUR),
]
KEPT = {"fresh", "running", "dated", "attached", "parent", "child"}


def test_ended_runs_that_are_never_archived_go(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    path = doctor.state.subagents(RUNS)
    doctor.there_and_back("subagents")
    doctor.apply("subagents")
    kept = json.loads(path.read_bytes())
    assert set(kept["runs"]) == KEPT
    assert kept["version"] == 2
    assert (
        path.read_bytes()
        == json.dumps(
            {"version": 2, "runs": {entry["runId"]: entry for entry in RUNS if entry["runId"] in KEPT}}, indent=2
        ).encode()
    )


def test_a_run_stays_while_a_live_row_needs_it(doctor: Doctor) -> None:
    waiting = {"requesterSessionKey": "agent:main:telegram:direct:9", "controllerSessionKey": "agent:main:acp:boss"}
    runs = [
        run("gone"),
        run("child lives", childSessionKey="agent:main:subagent:live", cleanupCompletedAt=NOW - DAY),
        run("asked", requesterSessionKey=waiting["requesterSessionKey"]),
        run("steered", controllerSessionKey=waiting["controllerSessionKey"]),
        run("told", cleanupCompletedAt=NOW - DAY, **waiting),
    ]
    live = {"agent:main:Subagent:live": row(5, age=2 * MINUTE), waiting["requesterSessionKey"]: row(6, age=MINUTE)}
    doctor.state.store(ROW | live | {waiting["controllerSessionKey"]: row(7, status="running")})
    path = doctor.state.subagents(runs)
    doctor.apply("subagents")
    assert set(json.loads(path.read_bytes())["runs"]) == {"child lives", "asked", "steered"}


def test_an_end_that_is_no_moment_is_no_end(doctor: Doctor) -> None:
    doctor.state.store(ROW | {"agent:main:subagent:endless": row(2)})
    runs = json.dumps({"version": 2, "runs": {"endless": run("endless", endedAt=-1)}})
    doctor.state.file("subagents/runs.json", runs.replace("-1", "1e999"))
    assert doctor.plan("subagents").empty
    assert doctor.plan("trim", options=Options(TrimOptions(kinds=frozenset({Kind.SUBAGENT})))).empty


def test_subagents_are_recommended_where_they_press(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    doctor.state.subagents(RUNS)
    assert steps(doctor.plan(), "subagents") == []
    doctor.state.subagents([run(f"n{number}") for number in range(200)])
    doctor.apply()
    assert "subagent-never-archived" not in doctor.rules()


def test_a_torn_registry_is_rebuilt_from_its_whole_runs(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    path = doctor.state.subagents([run(f"n{number}", archiveAtMs=NOW + DAY) for number in range(5)])
    data = path.read_bytes()
    doctor.state.file("subagents/runs.json", data[: data.index(b'"n3"') + 90])
    doctor.there_and_back()
    doctor.apply()
    assert set(json.loads(path.read_bytes())["runs"]) == {"n0", "n1", "n2"}
    assert "subagents-unreadable" not in doctor.rules()


def test_a_registry_whose_version_no_gateway_reads_is_refused(doctor: Doctor) -> None:
    doctor.state.store(ROW)
    runs = {"runs": {f"n{number}": run(f"n{number}") for number in range(5)}}
    for data in (json.dumps({"version": 3} | runs), json.dumps(runs | {"version": 2})[:-20], json.dumps(runs)):
        doctor.state.file("subagents/runs.json", data)
        for names in ((), ("subagents",)):
            plan = doctor.plan(*names)
            assert plan.empty
            assert [refusal.repair for refusal in plan.refusals] == ["subagents"]
        (finding,) = doctor.state.findings("subagents-unreadable")
        assert (finding.fix, "only versions 1 and 2" in (finding.by_hand or "")) == (None, True)


def test_everything_recommended_at_once(doctor: Doctor) -> None:
    runs = {run_key("j", n): row(n, age=2 * DAY, status="running") for n in range(10, 40)}
    doctor.state.store(ROW | runs | {"agent:main:cron:j": row(9, age=2 * DAY, status="running")})
    doctor.state.transcript(1, WHOLE[:-1])
    doctor.state.transcript(12)
    doctor.state.beside(TEMP, b"{}", age=2 * HOUR)
    doctor.state.subagents([run(f"n{number}") for number in range(200)])
    doctor.there_and_back()
    receipt = doctor.apply()
    assert receipt is not None
    assert {step.repair for step in receipt.steps} == {"trim", "expire", "transcripts", "temps", "subagents"}
    assert len(receipt.verified) == 4
