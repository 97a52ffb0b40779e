"""trim, expire and slim on databases, planned and done as on files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.repair.drafting.options import Options, TrimOptions
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
