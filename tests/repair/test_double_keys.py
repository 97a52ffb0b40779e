"""Of rows with one key the gateway reads the last: the others neither count nor come to life."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.merge_plan import merge_plan
from gatewaydoctor.repair.vault.catalog import find_run
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, tools
from tests.world import DAY, HOUR, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

RUN, MAIN = run_key("j", 1), "agent:main:main"


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


def doubled(*rows: tuple[str, object]) -> bytes:
    return b"{\n  " + b",\n  ".join(json.dumps({key: value}).encode()[1:-1] for key, value in rows) + b"\n}"


def test_a_row_goes_with_those_it_hides(doctor: Doctor) -> None:
    doctor.state.store(doubled((RUN, row(2, age=3 * HOUR)), (MAIN, row(5)), (RUN, row(1, status="running"))))
    plan = doctor.plan("trim")
    assert [store.entries for store in (*plan.before.stores, *plan.after.stores)] == [2, 1]
    assert [step.count for step in plan.steps] == [1]
    doctor.there_and_back("trim")
    doctor.apply("trim")
    assert list(doctor.rows()) == [MAIN]


def test_a_hidden_row_is_no_row_to_repair(doctor: Doctor) -> None:
    """The last one of the key is over and its job's newest; the one before it runs, as far as the file goes."""
    data = doubled((RUN, row(1, status="running")), (MAIN, row(5)), (MAIN, row(6)), (RUN, row(1, age=HOUR)))
    doctor.state.store(data)
    assert doctor.plan("trim", "expire").empty
    assert doctor.store.read_bytes() == data


def test_merging_back_counts_them_once(doctor: Doctor) -> None:
    doctor.state.store(doubled((RUN, row(2, age=3 * DAY)), (MAIN, row(5)), (RUN, row(1, status="running"))))
    doctor.apply("trim")
    doctor.state.store({MAIN: row(7)})
    plan = merge_plan(find_run(tools(), doctor.state.root, None, None), tools())
    apply(plan, tools(), DEAD)
    assert doctor.rows() == {MAIN: row(7), RUN: row(1, status="running")}
    assert plan.after.stores[0].entries == 2
