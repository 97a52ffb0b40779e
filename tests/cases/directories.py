"""State directories as operators reported them, each made small. Every function writes one and returns it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, job, row, run_key, said, session_id, talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAILY = {"kind": "cron", "expr": "0 8 * * *", "tz": "UTC"}


def with_a_person(root: Path, release: str) -> StateDir:
    state = StateDir(root, release)
    state.store({"agent:main:main": row(1, age=HOUR)}, age=HOUR)
    state.transcript(1, age=HOUR)
    return state


def renamed(made: dict[str, object], **names: str) -> dict[str, object]:
    """A job with some of its fields under other names."""
    return {names.get(key, key): value for key, value in made.items()}


def jobs_named_by_job_id(root: Path) -> StateDir:
    """Three jobs under the old name jobId, marked since their first run; all rows and the log under undefined."""
    state = with_a_person(root, "2026.2.22")
    jobs = []
    for number in range(3):
        kept = {
            "runningAtMs": NOW - (number + 1) * 20 * MINUTE,
            "nextRunAtMs": NOW - 40 * MINUTE,
            "lastRunAtMs": NOW - 4 * HOUR,
        }
        jobs.append(renamed(job(f"tea-{number}", schedule=DAILY, state=kept), id="jobId"))
    state.jobs(jobs)
    rows = {run_key("undefined", number): row(number, age=number * 20 * MINUTE) for number in range(2, 9)}
    state.store({"agent:main:main": row(1, age=HOUR), "agent:main:cron:undefined": row(9, age=HOUR)} | rows, age=HOUR)
    state.file("cron/runs/undefined.jsonl", b'{"ts":1,"action":"finished","status":"ok"}\n')
    return state


def jobs_without_any_id(root: Path) -> StateDir:
    """Four jobs written by hand without an id; one state for all under undefined."""
    state = with_a_person(root, "2026.4.20")
    jobs = [
        {key: value for key, value in job(f"d{number}", schedule=DAILY, enabled=number > 0).items() if key != "id"}
        for number in range(4)
    ]
    state.jobs(jobs)
    kept = {"nextRunAtMs": NOW - HOUR, "lastRunAtMs": NOW - 2 * HOUR, "consecutiveErrors": 23}
    state.file("cron/jobs-state.json", {"version": 1, "jobs": {"undefined": {"state": kept}}})
    return state


def a_schedule_as_text(root: Path) -> StateDir:
    """One job of three with its schedule as text and a command beside it."""
    state = with_a_person(root, "2026.2.15")
    odd = {"id": "copy-files", "schedule": "0 */2 * * *", "command": "sh /srv/copy", "enabled": True}
    state.jobs([job("a"), job("b"), odd])
    return state


def an_expression_under_its_old_name(root: Path) -> StateDir:
    """Three jobs of five with schedule.cron for schedule.expr; one of them disabled after three errors."""
    state = with_a_person(root, "2026.2.26")
    old = {"kind": "cron", "cron": "20 6 * * *", "tz": "UTC"}
    errors = {"lastError": "x", "scheduleErrorCount": 3}
    odd = [job(f"o{number}", schedule=old, state=errors, enabled=number > 0) for number in range(3)]
    state.jobs([*odd, job("a"), job("b")])
    return state


def runs_more_often_than_scheduled(root: Path) -> StateDir:
    """Two hundred run rows without status in two days, of a job that is set to every fifteen minutes."""
    state = with_a_person(root, "2026.2.9")
    often = job("often", schedule={"kind": "every", "everyMs": 15 * MINUTE})
    state.jobs([often | {"state": {"nextRunAtMs": NOW + 5 * MINUTE, "lastRunAtMs": NOW - 9 * MINUTE}}])
    rows = {
        run_key("often", number): row(number, age=(302 - number) * 9 * MINUTE, status=None)
        for number in range(2, 302)
    }
    state.store({"agent:main:main": row(1, age=HOUR), "agent:main:cron:often": row(500, status=None)} | rows)
    return state


def next_runs_days_away(root: Path) -> StateDir:
    """Daily jobs that last ran four days ago, with their next runs set to days ahead."""
    state = with_a_person(root, "2026.2.9")
    kept = {"lastRunAtMs": NOW - 4 * DAY, "lastRunStatus": "ok", "nextRunAtMs": NOW + 2 * DAY}
    state.jobs([job(f"d{number}", schedule=DAILY, state=kept) for number in range(5)])
    return state


def threads_without_session(root: Path) -> StateDir:
    """Nine threads, six without a session id, each with the transcript of its topic beside the store."""
    state = StateDir(root, "2026.4.11")
    rows: dict[str, object] = {}
    for number in range(1, 10):
        topic = f"{(NOW - number * HOUR) // 1000}.{number:06d}"
        entry = row(number, age=number * HOUR, status=None, chatType="channel")
        name = f"{session_id(number)}-topic-{topic}.jsonl"
        if number <= 6:
            del entry["sessionId"]
        rows[f"agent:main:slack:channel:c0aa:thread:{topic}"] = entry
        state.beside(name, talk(number), age=number * HOUR)
    state.store(rows)
    return state


def a_lost_header_beside_odd_neighbours(root: Path) -> StateDir:
    """A conversation whose first line is damaged, beside a dangling link, a directory and a FIFO."""
    state = with_a_person(root, "2026.3.28")
    state.transcript(1, b'{"type":"sess\n' + said("a question") + said("an answer", "assistant"), age=HOUR)
    beside = state.root / "agents/main/sessions"
    (beside / "0.jsonl").symlink_to("/nonexistent/x")
    (beside / "1.jsonl").mkdir()
    os.mkfifo(beside / "2.jsonl")
    return state


def a_name_of_255_bytes(root: Path) -> StateDir:
    """A header alone under the longest name there is, beside ordinary work."""
    state = with_a_person(root, "2026.3.28")
    state.beside("a" * 249 + ".jsonl", talk(7).partition(b"\n")[0] + b"\n", age=9 * DAY)
    state.transcript(8, talk(8).partition(b"\n")[0] + b"\n", age=9 * DAY)
    return state


def odd_types(root: Path) -> StateDir:
    """Conversations with a session id or a time of a type that 2026.5.22 drops or prunes."""
    state = StateDir(root, "2026.5.22")
    state.maintenance(mode="enforce")
    rows: dict[str, object] = {"agent:main:main": row(1, age=HOUR)}
    for number, value in enumerate((None, 5, True, [], {})):
        rows[f"agent:main:telegram:direct:{100 + number}"] = row(1, age=HOUR) | {"sessionId": value}
    for number, value in enumerate((None, "abc", -1, 0, True)):
        rows[f"agent:main:telegram:direct:{200 + number}"] = row(1) | {"updatedAt": value}
    state.transcript(1, age=HOUR)
    state.store(rows)
    return state


CASES: dict[str, Callable[[Path], StateDir]] = {
    made.__name__: made
    for made in (
        jobs_named_by_job_id,
        jobs_without_any_id,
        a_schedule_as_text,
        an_expression_under_its_old_name,
        runs_more_often_than_scheduled,
        next_runs_days_away,
        threads_without_session,
        a_lost_header_beside_odd_neighbours,
        a_name_of_255_bytes,
        odd_types,
    )
}
