"""What a start does, per release, on directories with every kind of thing in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.start.forecast import forecast
from gatewaydoctor.checks.start.state import as_it_is
from gatewaydoctor.fixtures.validating.setup import set_up
from gatewaydoctor.model.outcome.forecast import Certainty, EventKind
from gatewaydoctor.model.outcome.verdict import Start
from tests.checks.test_verdict import FIXTURES, fixture
from tests.fixes.directories import Directory
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, job, row, run_key, session_id

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.outcome.forecast import Event, Forecast

RELEASES = ("2026.3.28", "2026.4.25", "2026.5.22")
MAIN = "agent:main:main"
FRIEND = "agent:main:telegram:direct:1000"


def made(tmp_path: Path, release: str | None) -> StateDir:
    tmp_path.mkdir(exist_ok=True)
    return StateDir(tmp_path, release)


def predicted(state: StateDir) -> Forecast:
    judgement = state.judge()
    return forecast(as_it_is(judgement.examination, judgement.verdict))


def of(found: Forecast, kind: EventKind) -> list[Event]:
    return [event for event in found.events if event.kind is kind]


@pytest.mark.parametrize("release", RELEASES)
def test_events_stand_in_order_and_a_quiet_directory_costs_nothing(release: str, tmp_path: Path) -> None:
    state = made(tmp_path, release)
    state.store({MAIN: row(1)})
    state.transcript(1)
    found = predicted(state)
    times = [float("inf") if event.at is None else event.at for event in found.events]
    assert times == sorted(times)
    assert (found.turns, found.starts) == (0, True)
    assert [event.what for event in of(found, EventKind.RESUMES)] == ["resumes nothing"]
    assert [event.what for event in of(found, EventKind.IDLE)] == ["has no cron jobs"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_damaged_store_is_loaded_as_empty_and_overwritten_the_sooner_a_job_is_due(
    release: str, tmp_path: Path
) -> None:
    state = made(tmp_path, release)
    state.store(b'{"a": {"sessionId": "b"}, ')
    loaded, later = of(predicted(state), EventKind.EMPTIES)
    assert (loaded.at, loaded.certainty) == (0, Certainty.WILL)
    assert (later.at, later.certainty) == (None, Certainty.MAY)
    state.jobs([job("tea", state={"nextRunAtMs": NOW - HOUR})])
    _, soon = of(predicted(state), EventKind.EMPTIES)
    assert (soon.at, soon.certainty) == (15_000, Certainty.WILL)


def test_a_refused_start_has_no_other_event(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.5.22").healthy()
    state.file("openclaw.json", "{")
    found = predicted(state)
    assert (found.starts, [event.kind for event in found.events]) == (False, [EventKind.REFUSES])


@pytest.mark.parametrize(("release", "at"), [("2026.4.25", 0), ("2026.5.22", 9_000)])
def test_the_cap_drops_conversations_when_the_release_does(release: str, at: int, tmp_path: Path) -> None:
    state = made(tmp_path, release)
    state.maintenance(maxEntries=5)
    rows = {f"agent:main:telegram:direct:{n}": row(n, age=n * HOUR) for n in range(1, 5)}
    state.store(rows | {run_key("job", n): row(n, age=HOUR) for n in range(10, 40)})
    (event,) = of(predicted(state), EventKind.EVICTS)
    assert (event.at, event.how_many, event.certainty) == (at, 29, Certainty.WILL)
    assert "drops 3 conversations and 26 other sessions of main" in event.what


def test_old_run_rows_are_reaped_where_a_job_is_armed(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    rows = {run_key("job", n): row(n, age=2 * DAY, status="running") for n in range(10, 40)}
    state.store(rows | {run_key("job", 50): row(50, age=2 * HOUR, status="running")})
    assert of(predicted(state), EventKind.REAPS) == [], "no job, no timer"
    state.jobs([job("job", state={"nextRunAtMs": NOW + HOUR})])
    (event,) = of(predicted(state), EventKind.REAPS)
    assert (event.how_many, event.certainty) == (30, Certainty.WILL)
    (left,) = of(predicted(state), EventKind.SETTLES)
    assert left.how_many == 1, "what is reaped is not left marked running"


def test_a_row_that_a_later_one_of_its_key_hides_is_not_forecast(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    state.jobs([job("job", state={"nextRunAtMs": NOW + HOUR})])
    hidden = json.dumps(row(1, age=2 * DAY, status="running"))
    seen = json.dumps(row(2, age=HOUR, status="done"))
    key = run_key("job", 9)
    state.store(f'{{"{key}": {hidden}, "{key}": {seen}}}'.encode())
    found = predicted(state)
    assert of(found, EventKind.REAPS) == []
    assert of(found, EventKind.SETTLES) == []


@pytest.mark.parametrize(("release", "turns"), [("2026.3.28", 0), ("2026.4.25", 2), ("2026.5.22", 2)])
def test_conversations_are_resumed_with_turns(release: str, turns: int, tmp_path: Path) -> None:
    state = made(tmp_path, release)
    keys = {
        MAIN: row(1, status="running", abortedLastRun=True),
        FRIEND: row(2, status="running", abortedLastRun=True),
    }
    state.store(keys)
    found = predicted(state)
    assert found.turns == turns
    (event,) = of(found, EventKind.RESUMES)
    assert set(event.who) == (set(keys) if turns else set())


def test_due_jobs_fire_at_once_or_are_deferred(tmp_path: Path) -> None:
    due = {"nextRunAtMs": NOW - HOUR, "lastRunAtMs": NOW - DAY}
    jobs = [
        job("agent", state=due),
        job("bell", state=due, sessionTarget="main", payload={"kind": "systemEvent", "text": "x"}),
        job("off", state=due, enabled=False),
        job("held", state=due | {"runningAtMs": NOW - HOUR}),
        job("soon", state={"nextRunAtMs": NOW + HOUR // 2}),
    ]
    for release, expected in (
        ("2026.3.28", [(3_000, {"agent", "bell"}), (HOUR // 2, {"soon"})]),
        ("2026.5.22", [(3_000, {"bell"}), (120_000, {"agent"}), (HOUR // 2, {"soon"})]),
    ):
        state = made(tmp_path / release, release)
        state.store({MAIN: row(1)})
        state.jobs(jobs)
        fired = of(predicted(state), EventKind.FIRES)
        assert [(event.at, {name.removeprefix("name of ") for name in event.who}) for event in fired] == expected
        (marks,) = of(predicted(state), EventKind.CLEARS_MARKS)
        assert marks.how_many == 1
        assert ("interrupted" in marks.what) is (release == "2026.5.22")


def test_messages_are_as_old_as_their_record_says_and_given_up_after_five_tries(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    state.store({MAIN: row(1)})
    for name, tries in (("a", 0), ("b", 5), ("c", 1)):
        message = {"id": name, "enqueuedAt": NOW - 80 * HOUR, "channel": "telegram", "retryCount": tries}
        state.file(f"delivery-queue/{name}.json", message, age=0)
    found = predicted(state)
    (gone,), (sent,) = of(found, EventKind.GIVES_UP), of(found, EventKind.SENDS)
    assert (gone.how_many, sent.how_many, sent.cost.messages) == (1, 2, 2)
    assert "the oldest 3 d 8 h old" in sent.what
    assert sent.certainty is Certainty.MAY


@pytest.mark.parametrize(("release", "turns"), [("2026.3.28", 1), ("2026.4.25", 0), ("2026.5.22", 1)])
def test_the_note_of_a_restart_is_consumed_however_old(release: str, turns: int, tmp_path: Path) -> None:
    state = made(tmp_path, release)
    state.store({MAIN: row(1)})
    state.file("restart-sentinel.json", {"version": 1, "payload": {"ts": NOW - 60 * HOUR}})
    (event,) = of(predicted(state), EventKind.NOTICE)
    assert (event.cost.turns, "2 d 12 h" in event.what) == (turns, True)


def test_subagents_are_pruned_settled_announced_and_swept(tmp_path: Path) -> None:
    def child(number: int, **more: object) -> dict[str, object]:
        key = f"agent:main:subagent:{session_id(number)}"
        base = {"runId": f"r{number}", "childSessionKey": key, "requesterSessionKey": MAIN, "cleanup": "delete"}
        return base | {"spawnMode": "run", "createdAt": NOW - 10 * HOUR} | more

    runs = [
        child(21),
        child(22, createdAt=NOW - HOUR),
        child(23, endedAt=NOW - HOUR, cleanupCompletedAt=NOW - HOUR, archiveAtMs=NOW - 1),
        child(24, endedAt=NOW - HOUR, spawnMode="session"),
    ]
    state = made(tmp_path, "2026.5.22")
    state.store({MAIN: row(1), **{str(run["childSessionKey"]): row(20 + n) for n, run in enumerate(runs, 1)}})
    state.subagents(runs)
    found = predicted(state)
    pruned, settled = of(found, EventKind.SETTLES)[:2]
    assert ("prunes 1" in pruned.what, "settles 1" in settled.what) == (True, True)
    assert "marks its session failed" in settled.what
    assert settled.who == (runs[1]["childSessionKey"],)
    assert [event.how_many for event in of(found, EventKind.ANNOUNCES)] == [1]
    swept = [event.what for event in of(found, EventKind.SWEEPS)]
    assert any("deletes 1 ended subagent run past the archive date" in what for what in swept)
    assert all(event.certainty is Certainty.MAY for event in of(found, EventKind.SWEEPS))


@pytest.mark.parametrize(("release", "told"), [("2026.3.28", False), ("2026.4.25", True), ("2026.5.22", True)])
@pytest.mark.parametrize("cut", [False, True])
def test_the_verdict_tells_of_runs_that_a_start_drops_silently(
    release: str, told: bool, cut: bool, tmp_path: Path
) -> None:
    key = f"agent:main:subagent:{session_id(21)}"
    state = made(tmp_path, release)
    state.store({MAIN: row(1), key: row(21)})
    state.subagents([{"runId": "r", "childSessionKey": key, "spawnMode": "run", "createdAt": NOW - 10 * HOUR}])
    if cut:
        state.file("cron/jobs.json", "{")
    verdict = state.judge().verdict
    assert (verdict.start is Start.YES) is not cut
    words = verdict.stake.text if cut else verdict.reason
    assert ("tart drops 1 subagent run that never ended, without a message." in words) is told


def test_an_unknown_release_promises_nothing(tmp_path: Path) -> None:
    state = made(tmp_path, None).healthy()
    found = predicted(state)
    assert {event.certainty for event in found.events} == {Certainty.MAY}
    assert of(found, EventKind.UNKNOWN)


@pytest.mark.parametrize(("release", "deleted"), [("2026.3.28", 0), ("2026.4.25", 2), ("2026.5.22", 2)])
def test_keys_that_become_one_at_start_are_forecast(tmp_path: Path, release: str, deleted: int) -> None:
    state = StateDir(tmp_path, release)
    keys = ("agent:main:telegram:direct:Ann", "agent:main:telegram:direct:ann", "foo", "agent:main:foo")
    state.store({key: row(number) for number, key in enumerate(keys)})
    told = [each for each in predicted(state).events if each.kind is EventKind.EVICTS]
    assert sum(each.how_many for each in told) == deleted


STOPS, DROPS = {"schedule": None}, {"schedule": {"kind": "every"}}


@pytest.mark.parametrize(
    ("release", "more", "said", "fires"),
    [
        ("2026.3.28", STOPS, "its scheduler fails because of 1 job: no cron job runs", False),
        ("2026.4.25", STOPS, "its scheduler fails because of 1 job: no cron job runs", False),
        ("2026.5.22", STOPS, "deletes 1 job from jobs.json, and seconds later from jobs.json.bak", True),
        ("2026.5.22", DROPS, "deletes 1 job from jobs.json, and seconds later from jobs.json.bak", True),
        ("2026.3.28", DROPS, None, True),
    ],
)
def test_jobs_that_the_release_cannot_take(
    release: str, more: dict[str, object], said: str | None, fires: bool, tmp_path: Path
) -> None:
    state = StateDir(tmp_path, release)
    due = {"nextRunAtMs": NOW - MINUTE}
    state.jobs([job("sound", state=due), job("odd", state=due) | more])
    state.store({})
    events = predicted(state).events
    assert said is None or said in [each.what for each in events]
    fired = [each for each in events if each.kind is EventKind.FIRES]
    assert [each.who for each in fired] == ([("name of sound",)] if fires else [])


def imported(tmp_path: Path) -> StateDir:
    """A directory of the file era under 2026.9.6."""
    state = made(tmp_path, "2026.9.6")
    state.store({MAIN: row(1)})
    return state


@pytest.mark.parametrize(("release", "fails"), [("2026.3.28", False), ("2026.9.6", True)])
def test_2026_9_6_gives_up_subagents_of_an_import(release: str, fails: bool, tmp_path: Path) -> None:
    state, child = made(tmp_path, release), "agent:main:subagent:1"
    state.store({child: row(1, status="running"), "agent:main:cron:j": row(2, status="running", age=2 * DAY)})
    settled = of(predicted(state), EventKind.SETTLES)
    assert [event.who for event in settled if "marks 1 subagent session failed" in event.what] == [(child,)] * fails
    assert sum(event.how_many for event in settled if "marked running" in event.what) == 2 - fails


def test_2026_9_6_moves_a_queue_into_its_database_and_renames_every_file(tmp_path: Path) -> None:
    state = imported(tmp_path)
    for name, tries in (("a", 0), ("b", 5), ("failed/c", 5)):
        message = {"id": name, "enqueuedAt": NOW - HOUR, "channel": "telegram", "retryCount": tries}
        state.file(f"delivery-queue/{name}.json", message)
    state.file("delivery-queue/d.delivered", {"id": "d"})
    found = predicted(state)
    moved = next(event for event in of(found, EventKind.IMPORTS) if "delivery-queue" in event.what)
    assert moved.what == (
        "renames 4 files of delivery-queue to *.migrated, after taking 2 waiting messages into the state database; "
        "1 message of failed/ stay behind"
    )
    (sent,) = of(found, EventKind.SENDS)
    assert (sent.how_many, sent.certainty) == (2, Certainty.MAY), "a message with 5 tries is taken over, too"
    assert of(found, EventKind.GIVES_UP) == []
    assert not any("marker" in event.what for event in found.events)


def test_2026_9_6_does_not_send_messages_that_are_three_days_old(tmp_path: Path) -> None:
    state = imported(tmp_path)
    for name, age in (("a", 80), ("b", 73), ("c", 71)):
        message = {"id": name, "enqueuedAt": NOW - age * HOUR, "channel": "telegram", "retryCount": 0}
        state.file(f"delivery-queue/{name}.json", message)
    state.file("session-delivery-queue/d.json", {"id": "d", "enqueuedAt": NOW - 80 * HOUR, "retryCount": 0})
    found = predicted(state)
    moved = next(event for event in of(found, EventKind.IMPORTS) if " delivery-queue" in event.what)
    assert moved.what == (
        "renames 3 files of delivery-queue to *.migrated, after taking 1 waiting message into the state database"
    )
    (lost,) = of(found, EventKind.GIVES_UP)
    assert (lost.how_many, lost.certainty) == (2, Certainty.WILL)
    assert lost.what == "does not send 2 messages queued 72 h ago or earlier: kept in *.migrated alone"
    assert [event.how_many for event in of(found, EventKind.SENDS)] == [1, 1]


def test_2026_9_6_takes_over_a_restart_note_with_a_turn(tmp_path: Path) -> None:
    state = imported(tmp_path)
    state.file("restart-sentinel.json", {"version": 1, "payload": {"ts": NOW - 60 * HOUR}})
    (event,) = of(predicted(state), EventKind.NOTICE)
    assert (event.cost.turns, event.what) == (
        1,
        "puts the text of restart-sentinel.json (2 d 12 h old) into main, with a model turn",
    )


def test_2026_9_6_adds_its_own_jobs_and_defers_what_is_overdue(tmp_path: Path) -> None:
    state = imported(tmp_path)
    state.config({"agents": {"list": [{"id": "main", "default": True}, {"id": "work"}]}})
    due = {"nextRunAtMs": NOW - HOUR}
    state.jobs([job("late", state=due), job("held", state=due | {"runningAtMs": NOW - 29 * HOUR})])
    found = predicted(state)
    (fires,) = of(found, EventKind.FIRES)
    assert (fires.at, fires.who) == (120_000, ("name of late",))
    written = {event.what: event.who for event in of(found, EventKind.WRITES)}
    added = next(who for what, who in written.items() if what.startswith("adds 3 jobs"))
    assert added == ("heartbeat-main", "skill-collection-review-main", "skill-collection-review-work")
    taken = next(event for event in of(found, EventKind.IMPORTS) if "jobs.json" in event.what)
    assert taken.how_many == 2
    (marks,) = of(found, EventKind.CLEARS_MARKS)
    assert marks.what == "records the marked run of 1 cron job as interrupted, an error"


def test_2026_3_28_runs_a_one_shot_job_again_that_was_broken_off(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    state.store({MAIN: row(1)})
    marked = {"nextRunAtMs": NOW - HOUR, "runningAtMs": NOW - HOUR}
    state.jobs([job("once", state=marked, schedule={"kind": "at", "at": "2027-01-01"}), job("daily", state=marked)])
    found = predicted(state)
    assert [event.who for event in of(found, EventKind.FIRES)] == [("name of once",)]
    (marks,) = of(found, EventKind.CLEARS_MARKS)
    assert marks.what.endswith("out of the catch-up, all but 1 one-shot job")


def test_2026_9_6_runs_a_broken_off_one_shot_again_and_catches_up_what_it_missed(tmp_path: Path) -> None:
    state = imported(tmp_path)
    marked = {"nextRunAtMs": NOW - HOUR, "runningAtMs": NOW - HOUR}
    missed = {"nextRunAtMs": NOW + 10 * HOUR, "lastRunAtMs": NOW - 30 * HOUR}
    hourly = {"kind": "cron", "expr": "0 * * * *"}
    once = {"kind": "at", "at": "2027-01-01"}
    state.jobs([job("once", state=marked, schedule=once), job("missed", state=missed, schedule=hourly)])
    found = predicted(state)
    assert (120_000, ("name of once",)) in [(event.at, event.who) for event in of(found, EventKind.FIRES)]
    (caught,) = of(found, EventKind.CATCHES_UP)
    assert (caught.at, caught.who, caught.certainty) == (120_000, ("name of missed",), Certainty.MAY)
    (marks,) = of(found, EventKind.CLEARS_MARKS)
    assert marks.what.endswith("1 one-shot job of them will run again")


def test_the_cost_is_that_of_the_first_hour_and_counts_a_turn_for_a_system_event(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    state.store({MAIN: row(1)})
    bell = {"sessionTarget": "main", "payload": {"kind": "systemEvent", "text": "x"}}
    state.jobs([job("bell", state={"nextRunAtMs": NOW - HOUR}, **bell)])
    assert predicted(state).turns == 1
    state.jobs([job("tomorrow", state={"nextRunAtMs": NOW + 20 * HOUR})])
    assert predicted(state).turns == 0


def test_2026_4_25_may_install_with_npm_even_with_plugins_off(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.4.25")
    state.store({MAIN: row(1)})
    state.config({"plugins": {"enabled": False}})
    (event,) = of(predicted(state), EventKind.BLOCKS)
    assert (event.certainty, "minutes the first time" in event.what) == (Certainty.MAY, True)


def test_2026_9_6_removes_old_run_rows_whatever_their_status_and_caps_machines_alone(tmp_path: Path) -> None:
    state = imported(tmp_path)
    rows = {f"agent:main:telegram:direct:{n}": row(n, age=n * DAY) for n in range(1, 21)}
    rows |= {run_key("job", n): row(n, age=2 * DAY, status="running") for n in range(30, 33)}
    rows |= {run_key("job", n): row(n, age=2 * HOUR) for n in range(40, 50)}
    state.store(rows)
    state.maintenance(maxEntries=25, pruneAfter="10d")
    assert of(predicted(state), EventKind.REAPS) == [], "no job, no timer"
    state.jobs([job("job", state={"nextRunAtMs": NOW - HOUR})])
    found = predicted(state)
    (reaped,), (capped,) = of(found, EventKind.REAPS), of(found, EventKind.EVICTS)
    assert (reaped.how_many, reaped.certainty) == (3, Certainty.MAY)
    assert "removes 3 run rows of main older than 1 d, 3 of them marked running" in reaped.what
    assert capped.how_many == 8, "33 sessions, cap 25; rows of conversations and marked running are not in danger"
    assert capped.what.endswith("conversations stay")
    (left,) = of(found, EventKind.SETTLES)
    assert (left.how_many, left.certainty) == (3, Certainty.MAY)
    state.maintenance(maxEntries=5)
    (capped,) = of(predicted(state), EventKind.EVICTS)
    assert capped.how_many == 10
    state.maintenance(maxEntries=5, mode="warn")
    assert of(predicted(state), EventKind.EVICTS) == []


def test_a_run_that_is_dropped_is_not_kept_forever(tmp_path: Path) -> None:
    state = made(tmp_path, "2026.3.28")
    child = f"agent:main:subagent:{session_id(21)}"
    base = {"requesterSessionKey": MAIN, "cleanup": "keep", "endedAt": NOW - HOUR, "createdAt": NOW - 2 * HOUR}
    state.store({MAIN: row(1), child: row(21)})
    runs = [{"runId": "there", "childSessionKey": child}, {"runId": "gone", "childSessionKey": f"{child}-gone"}]
    state.subagents([base | run for run in runs])
    swept = {event.what.partition(" ")[0]: event.how_many for event in of(predicted(state), EventKind.SWEEPS)}
    assert swept == {"drops": 1, "keeps": 1}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("database-missing", "starts with an EMPTY history for agent main"),
        ("database-empty", "starts without cron jobs, deliveries and pairings"),
        ("database-log-missing", "starts on the last checkpoint: what was written after it is gone"),
        ("database-entry-invalid", "rebuilds 3 session rows from their columns; the rest of each entry is lost"),
    ],
)
def test_what_a_start_loses_of_a_database_is_its_first_event(name: str, what: str) -> None:
    judgement = fixture(name)
    found = forecast(as_it_is(judgement.examination, judgement.verdict))
    first = found.events[0]
    assert (first.kind, first.what, first.certainty) == (EventKind.EMPTIES, what, Certainty.WILL)
    assert not [event for event in found.events if "were not read" in event.what]


def test_what_no_repair_mends_is_lost_by_the_start_after_a_plan_too(tmp_path: Path) -> None:
    made = set_up(FIXTURES / "database-corrupt", tmp_path / "made" / ".openclaw")
    (made.state_dir / "state" / "openclaw.sqlite").write_bytes(b"")
    plan = Directory(made.state_dir, made.now).plan()
    assert [event.kind for event in plan.start_before] == ["refuses"]
    assert plan.start_after[0].what == "starts without cron jobs, deliveries and pairings"
