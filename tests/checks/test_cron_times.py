"""When schedules fire, and the rules about jobs that do not run when they should."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.examine.cron.timing import CronTimes, Interval, fires_at, timetable
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.state.cron.expression import is_valid
from gatewaydoctor.state.cron.jobs import read_jobs
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, job, row, run_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def runs(name: str, ages: list[int], start: int = 100) -> dict[str, object]:
    return {run_key(name, start + n): row(start + n, age=age) for n, age in enumerate(ages)}


def read(**more: object) -> CronJob:
    return read_jobs([job("j", **more)], None)[0][0]


def cron(expr: str, tz: str | None = "UTC", **more: object) -> dict[str, object]:
    return {"schedule": {"kind": "cron", "expr": expr} | ({"tz": tz} if tz else {}) | more}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


NEXT = [
    # What croner 10.0.1, the library of the gateway, gives.
    ("20 6 * * *", "UTC", "2026-11-29T12:00:30+00:00", "2026-11-30T06:20:00+00:00"),
    ("@hourly", "UTC", "2026-11-29T12:00:30+00:00", "2026-11-29T13:00:00+00:00"),
    ("0 9 ? * MON", "UTC", "2026-11-29T12:00:30+00:00", "2026-11-30T09:00:00+00:00"),
    ("0 9 1 * ?", "UTC", "2026-11-29T12:00:30+00:00", "2026-11-30T09:00:00+00:00"),
    ("0 9 * * MON-SUN", "Europe/Berlin", "2026-11-29T12:00:30+00:00", "2026-11-30T08:00:00+00:00"),
    ("0 9 * * 5L", "UTC", "2026-11-29T12:00:30+00:00", "2026-12-25T09:00:00+00:00"),
    ("30 0 9 * * *", "America/New_York", "2026-11-29T12:00:30+00:00", "2026-11-29T14:00:30+00:00"),
    ("0 0 29 2 *", "UTC", "2026-11-29T12:00:30+00:00", "2028-02-29T00:00:00+00:00"),
]


@pytest.mark.parametrize(("expr", "tz", "at", "expected"), NEXT, ids=[case[0] for case in NEXT])
def test_times_of_cron_expressions(expr: str, tz: str, at: str, expected: str) -> None:
    found = timetable(read(**cron(expr, tz)))
    assert isinstance(found, CronTimes)
    assert found.after(ms(at)) == ms(expected)


def test_counting_ends_with_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def times(table: CronTimes, at: int) -> Iterator[int]:
        for time in range(at, at + 1000):
            asked.append(time)
            yield time

    monkeypatch.setattr(CronTimes, "_times", times)
    found = timetable(read(**cron("* * * * *", "UTC")))
    assert isinstance(found, CronTimes)
    assert found.count(0, 2, 1000) == 3
    assert len(asked) == 4


@pytest.mark.parametrize("expr", ["0 9 15W * *", "0 30 6 * * * 2027", "0 9 * * +MON", "bad", "61 * * * *"])
def test_what_cannot_be_computed_is_not_guessed(expr: str) -> None:
    found = timetable(read(**cron(expr)))
    assert found is None or found.after(NOW) is None


@pytest.mark.parametrize(
    ("expr", "valid"),
    [
        ("*/7 * * * *", True),
        ("0-30/15,45 * * * *", True),
        ("52-60/5 * * * *", True),
        ("0 0 30 2 *", True),
        ("30 * * * 7", True),
        ("@reboot", False),
        ("@every 5m", False),
        ("5/10 * * * *", False),
        ("30-10 * * * *", False),
        ("30 */0 * * *", False),
        ("30 */25 * * *", False),
        ("H * * * *", False),
        ("0 30 * * * * 2026 x", False),
    ],
)
def test_expressions_are_valid_where_the_gateway_takes_them(expr: str, valid: bool) -> None:
    assert is_valid(expr) is valid


def test_intervals_count_from_their_anchor() -> None:
    anchored = timetable(read(schedule={"kind": "every", "everyMs": HOUR, "anchorMs": 5}))
    assert anchored == Interval(HOUR, 5)
    assert anchored.after(5 + 3 * HOUR) == 5 + 4 * HOUR
    assert anchored.after(0) == 5
    loose = timetable(read(schedule={"kind": "every", "everyMs": HOUR}))
    assert loose is not None
    assert loose.after(7) == 7 + HOUR


def test_dates_of_one_shot_jobs() -> None:
    times = ["2027-01-01T00:00:00Z", "2027-01-01", "1798761600000", "next week"]
    found = [fires_at(read(schedule={"kind": "at", "at": at})) for at in times]
    assert found == [1798761600000, 1798761600000, 1798761600000, None]


def alive(state: StateDir, age: int = HOUR) -> None:
    state.store({"agent:main:main": row(1, age=age)})
    state.transcript(1, age=age)


DAILY = cron("0 12 * * *")


def noon_after(at: int) -> int:
    return at - at % DAY + (12 * HOUR if at % DAY < 12 * HOUR else 36 * HOUR)


def test_a_next_run_later_than_the_schedule_says(state: StateDir) -> None:
    alive(state)
    late = {"lastRunAtMs": NOW - 4 * DAY, "nextRunAtMs": NOW + 3 * DAY, "lastRunStatus": "ok"}
    state.jobs([job("late", state=late, **DAILY), job("fine", state={"nextRunAtMs": NOW + MINUTE})])
    found = state.only("cron-job-not-run")
    assert (found.severity, found.count) == (Severity.WARNING, 1)
    assert found.message.startswith("1 job is due later than its schedule")
    assert "1 job did not run at 3 or more times of the schedule" in found.message


def test_while_the_gateway_was_down_no_run_was_missed(state: StateDir) -> None:
    alive(state, 4 * DAY)
    state.jobs([job("a", state={"lastRunAtMs": NOW - 4 * DAY, "nextRunAtMs": NOW - 3 * DAY}, **DAILY)])
    assert not state.findings("cron-job-not-run")


def test_a_job_that_was_disabled_for_a_while_missed_nothing(state: StateDir) -> None:
    alive(state)
    times = {"lastRunAtMs": NOW - 9 * DAY, "nextRunAtMs": noon_after(NOW)}
    state.jobs([job("a", state=times, updatedAtMs=NOW - 2 * HOUR, **DAILY)])
    assert not state.findings("cron-job-not-run")


def test_a_pause_after_errors_and_the_window_of_a_full_hour_are_no_delay(state: StateDir) -> None:
    alive(state)
    half_hour = cron("*/30 * * * *")
    paused = {"lastRunAtMs": NOW - MINUTE, "nextRunAtMs": NOW + 90 * MINUTE, "consecutiveErrors": 9}
    state.jobs([job("a", state=paused, **half_hour)])
    assert not state.findings("cron-job-not-run")
    state.jobs([job("a", state=paused | {"consecutiveErrors": 0}, **half_hour)])
    assert state.findings("cron-job-not-run")


def test_without_a_zone_a_day_of_difference_is_possible(state: StateDir) -> None:
    alive(state)
    times = {"lastRunAtMs": NOW - HOUR, "nextRunAtMs": noon_after(NOW) + 26 * HOUR}
    state.jobs([job("a", state=times, **cron("0 12 * * *", None))])
    assert not state.findings("cron-job-not-run")


@pytest.mark.parametrize(("enabled", "at", "count"), [(True, -DAY, 1), (False, -DAY, 0), (True, DAY, 0)])
def test_one_shot_jobs_past_their_time(state: StateDir, enabled: bool, at: int, count: int) -> None:
    state.jobs([job("a", enabled=enabled, schedule={"kind": "at", "atMs": NOW + at})])
    assert len(state.findings("cron-one-shot-past")) == count


@pytest.mark.parametrize(("apart", "often"), [(9 * MINUTE, True), (14 * MINUTE, False), (15 * MINUTE, False)])
def test_runs_that_come_more_often_than_scheduled(state: StateDir, apart: int, often: bool) -> None:
    state.jobs([job("a", schedule={"kind": "every", "everyMs": 15 * MINUTE})])
    state.store(runs("a", [HOUR + n * apart for n in range(20)]))
    found = state.findings("cron-runs-too-often")
    assert bool(found) is often
    if often:
        assert found[0].message == "20 run rows of one job, one every 9 min; the schedule is every 15 min."
        assert "removes rows older than 1 d (cron.sessionRetention)" in found[0].consequence


def test_an_old_release_may_remove_no_rows(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.2.9")
    state.jobs([job("a", schedule={"kind": "every", "everyMs": 15 * MINUTE})])
    state.store(runs("a", [HOUR + n * 9 * MINUTE for n in range(20)]))
    assert "2026.2.26 and later remove" in state.only("cron-runs-too-often").consequence


def test_jobs_of_an_agent_that_is_gone(state: StateDir) -> None:
    state.jobs([job("a", agentId="former"), job("b", agentId="MAIN"), job("c")])
    assert state.only("cron-owner-gone").count == 1
    state.config({"agents": {"list": [{"id": "main"}, {"id": "former"}]}})
    assert not state.findings("cron-owner-gone")
