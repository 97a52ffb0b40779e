"""A key that appears twice: the gateway sees the last entry alone, and so does every figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.entry import Kind, Status
from tests.cli.harness import run
from tests.world import HOUR, NOW, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

MAIN, BASE, RUN = "agent:main:main", "agent:main:cron:j", run_key("j", 1)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def doubled(*rows: tuple[str, object]) -> bytes:
    """A store in the gateway's layout in which a key may appear more than once."""
    parts = (f"  {json.dumps(key)}: " + json.dumps(value, indent=2).replace("\n", "\n  ") for key, value in rows)
    return ("{\n" + ",\n".join(parts) + "\n}").encode()


def test_a_running_row_behind_a_finished_one_is_not_stuck(state: StateDir) -> None:
    state.transcript(1)
    old = row(1, age=2 * HOUR, status="running", startedAt=NOW - 2 * HOUR)
    state.store(doubled((MAIN, old), (MAIN, row(1, age=HOUR))))
    judgement = state.judge()
    (store,) = judgement.examination.stores
    assert [finding.rule for finding in judgement.findings] == ["store-duplicate-key"]
    assert store.sessions is not None
    assert store.sessions.entries == 1
    assert store.sessions.counts == {(Kind.MAIN, Status.DONE): 1}
    assert not store.running


def test_sizes_and_fields_leave_the_hidden_row_out_and_name_its_bytes(state: StateDir) -> None:
    bulky = row(1, status="running", skillsSnapshot={"prompt": "p" * 5_000})
    state.store(doubled((MAIN, bulky), (MAIN, 7), (MAIN, row(1))))
    (store,) = state.examine().stores
    assert store.sessions is not None
    assert "skillsSnapshot" not in store.sessions.field_bytes
    assert store.sessions.field_counts["sessionId"] == 1
    assert store.sessions.invalid == 0
    assert [size for size, _ in store.sessions.biggest] == [store.sessions.weights[Kind.MAIN, Status.DONE]]
    assert store.sessions.hidden_bytes > 5_000
    finding = state.only("store-duplicate-key")
    assert finding.evidence["hiddenBytes"] == store.sessions.hidden_bytes
    assert not state.findings("store-invalid-entry")


def test_cron_figures_and_the_cap_leave_it_out(state: StateDir) -> None:
    state.config({"session": {"maintenance": {"mode": "enforce", "maxEntries": 2}}})
    again = [(RUN, row(1, age=3 * HOUR, status="running"))] * 3
    state.store(doubled((BASE, row(9, status="running")), *again, (RUN, row(1, age=HOUR)), (BASE, row(9, age=HOUR))))
    (store,) = state.examine().stores
    (job,) = store.jobs
    assert job.runs == 1
    assert job.status[Status.RUNNING] == 0
    assert not job.base_stuck
    assert store.oldest_updated == NOW - HOUR
    assert not state.findings("store-over-cap")


def test_sessions_and_status_list_it_once(state: StateDir) -> None:
    state.store(doubled((MAIN, row(1, status="running")), (MAIN, row(1))))
    there = ("--state-dir", str(state.root), "--json", "--now", str(NOW))
    listed = run("sessions", *there).document["details"]["sessions"]
    assert [each["status"] for each in listed] == ["done"]
    ages = run("status", *there).document["details"]["stores"][0]["ages"]
    assert sum(each["entries"] for each in ages) == 1
