"""Messages that have waited too long leave both kinds of queues, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.units import HOUR_MS
from gatewaydoctor.repair.drafting.options import Options
from tests.fixtures_source.health import STATE
from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.test_database_faults import edit, old_deliveries
from tests.world import DAY, HOUR, NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "SELECT id, status FROM delivery_queue_entries ORDER BY id"


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    state = StateDir(tmp_path, "2026.9.6")
    old_deliveries(state)
    return Doctor(state)


def left(doctor: Doctor) -> tuple[object, set[str]]:
    files = {path.name for path in (doctor.state.root / "delivery-queue").glob("*.json")}
    return agentdb.ask(doctor.state.root / STATE, ROWS), files


def test_only_what_waits_for_more_than_a_day_goes(doctor: Doctor) -> None:
    doctor.there_and_back("queues")
    doctor.apply("queues")
    assert left(doctor) == ([("gone", "failed"), ("new", "pending")], {"new.json"})
    assert not [found for found in doctor.state.findings("delivery-backlog") if found.fix]


def test_a_day_is_the_limit_and_a_name_counts_per_queue(doctor: Doctor) -> None:
    at = NOW - 25 * HOUR
    edit(
        doctor.state.root / STATE,
        "CREATE TABLE more AS SELECT * FROM delivery_queue_entries WHERE id = 'new'",
        f"UPDATE more SET queue_name = 'another', enqueued_at = {at}",
        "INSERT INTO delivery_queue_entries SELECT * FROM more",
        f"UPDATE more SET queue_name = 'third', enqueued_at = {NOW - 23 * HOUR}",
        "INSERT INTO delivery_queue_entries SELECT * FROM more",
        "DROP TABLE more",
    )
    for name, hours in (("over", 25), ("under", 23)):
        doctor.state.file(f"delivery-queue/{name}.json", {"enqueuedAt": NOW - hours * HOUR, "channel": "x"})
    doctor.apply("queues")
    queues = {
        name
        for (name,) in agentdb.ask(
            doctor.state.root / STATE, "SELECT queue_name FROM delivery_queue_entries WHERE id = 'new'"
        )
    }
    assert "third" in queues and "another" not in queues and len(queues) == 2
    assert left(doctor)[1] == {"new.json", "under.json"}


def test_a_state_database_that_cannot_be_read_is_refused(doctor: Doctor) -> None:
    doctor.state.file(STATE, b"garbage" * 2000)
    assert "The state database cannot be read." in {each.reason for each in doctor.plan("queues").refusals}


def test_another_age(doctor: Doctor) -> None:
    doctor.apply("queues", options=Options(older_than=HOUR_MS // 2))
    assert left(doctor) == ([("gone", "failed")], set())


def test_it_is_not_in_a_plan_that_names_nothing(doctor: Doctor) -> None:
    assert not steps(doctor.plan(), "queues")
    assert len(steps(doctor.plan("queues"), "queues")) == 2


def test_the_plan_tells_that_the_next_start_sends_the_rest_only(doctor: Doctor) -> None:
    plan = doctor.plan("queues")
    before, after = (
        [event.how_many for event in events if event.kind == "sends"]
        for events in (plan.start_before, plan.start_after)
    )
    assert (before, after) == ([2, 2], [1, 1])


def test_age_is_by_the_record_and_else_by_the_file(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.file("delivery-queue/retried.json", {"enqueuedAt": NOW - 3 * DAY, "channel": "x"}, age=HOUR)
    state.file("delivery-queue/silent.json", {"channel": "x"}, age=3 * DAY)
    state.file("delivery-queue/young.json", {"channel": "x"}, age=HOUR)
    state.file("delivery-queue/torn.json", b"{", age=3 * DAY)
    (step,) = steps(Doctor(state).plan("queues"), "queues")
    assert set(step.sample) == {"retried.json", "silent.json"}


def test_a_message_of_exactly_a_day_goes_and_a_younger_one_stays(doctor: Doctor) -> None:
    """The same limit for rows and files, to the millisecond."""
    for name, at in (("exact", NOW - DAY), ("younger", NOW - DAY + 1)):
        edit(
            doctor.state.root / STATE,
            f"CREATE TABLE more AS SELECT * FROM delivery_queue_entries WHERE id = 'new' AND queue_name != '{name}'",
            f"UPDATE more SET id = '{name}', enqueued_at = {at}",
            "INSERT INTO delivery_queue_entries SELECT * FROM more LIMIT 1",
            "DROP TABLE more",
        )
        doctor.state.file(f"delivery-queue/{name}.json", {"enqueuedAt": at, "channel": "x"})
    doctor.apply("queues")
    rows, files = left(doctor)
    assert rows == [("gone", "failed"), ("new", "pending"), ("younger", "pending")]
    assert files == {"new.json", "younger.json"}
