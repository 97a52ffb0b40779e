"""The five incidents in small: the same findings as at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE, SECOND
from tests.fixtures_source.others import child_run, registry
from tests.fixtures_source.scene import CACHING, CAPPING, FILLER, Scene, fixture, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.fixtures.building.cronjobs import Job

    StatusOf = Callable[[int], str | None]

_CRASH = 90 * MINUTE


@fixture("61633: stuck cron runs in bursts, as large as the original by stretching, and ten conversations among them")
def incident_61633(scene: Scene) -> None:
    scene.settings = {"session": {"maintenance": {"maxEntries": 20}}}
    bulk = prompt_of()
    scene.main(_CRASH + 2 * MINUTE, **bulk)
    for number, hours in enumerate((5, 21, 41, 52, 77, 120, 203, 388, 604), start=1):
        scene.direct(hours * HOUR, number, **bulk)
    morning = scene.job("morning-sleep-report", DAY, runningAtMs=scene.ago(_CRASH + 20 * MINUTE))
    git = scene.job("git-backup-night", DAY, runningAtMs=scene.ago(_CRASH + 20 * MINUTE))
    ssl = scene.job("SSL price check", 30 * MINUTE)
    runs = _bursts(scene, morning, 4, 8, 22 * SECOND, _CRASH, lambda n: None if n < 4 else "running")
    _base(scene, morning, runs[-1], _CRASH, "running")
    runs = _bursts(
        scene, git, 4, 7, 59 * MINUTE, _CRASH + 20 * MINUTE, lambda n: "failed" if 7 <= n < 10 else "running"
    )
    _base(scene, git, runs[-1], _CRASH + 20 * MINUTE, "running")
    runs = _bursts(scene, ssl, 6, 5, 30 * MINUTE, _CRASH + 4 * MINUTE, lambda _: None)
    _base(scene, ssl, runs[-1], _CRASH + 4 * MINUTE, None)
    for name, hours in (("weekly-expenses", 88), ("balcony-watering", 76)):
        quiet = scene.job(name, 7 * DAY)
        run = scene.run(quiet, hours * HOUR, **bulk)
        scene.base(quiet, run, hours * HOUR, **bulk)
    entries = 10 + 32 + 28 + 30 + 2 + 5
    assert len(scene.rows["main"]) == entries
    scene.stretch(scene.sessions("sessions.json"), 185_000_000 // entries // len(FILLER))
    scene.finds("store-heap-risk", "error")
    scene.finds("session-stuck-running", "error", 28 + 25 + 2)
    scene.finds("cron-phantom-running", "error", 2)
    scene.finds("cron-rapid-retry", "error", 3)
    scene.finds("store-bloat", "warning", entries)
    scene.finds("store-over-cap", "warning", entries - 20)
    scene.finds("maintenance-not-enforced", "warning")
    scene.finds("cron-zombie-running", "warning", 2, agent=None)
    scene.finds("cron-isolated-load", "warning", 32 + 28 + 30 + 2)
    # Runs without an answer have no transcript, and the base rows name the session of the newest run.
    scene.finds("session-missing-transcript", "info", 32 + 28 + 30 + 3)


def _bursts(scene: Scene, job: Job, ticks: int, runs: int, apart: int, last: int, status: StatusOf) -> list[str]:
    """Run rows of a job, so many at each tick, the last tick `last` ago. `status` says it by the run's number."""
    made = []
    for number in range(ticks * runs):
        tick, place = divmod(number, runs)
        age = last + (ticks - 1 - tick) * apart - place * 150
        made.append(scene.run(job, age, status=status(number), written=False, **prompt_of()))
    return made


def _base(scene: Scene, job: Job, run: str, age: int, status: str | None) -> None:
    scene.base(job, run, age, status=status, **prompt_of())


@fixture("72826: a store at its cap of 50 beside the transcripts of the sessions that were pushed out")
def incident_72826(scene: Scene) -> None:
    scene.release = CAPPING
    scene.settings = {"session": {"maintenance": {"maxEntries": 50}}}
    scene.main(20 * MINUTE)
    for number in range(19):
        scene.direct(HOUR + number * 7 * MINUTE, number)
    jobs = [scene.job(f"check-{place}", 10 * MINUTE) for place in range(10)]
    for number in range(30):
        job = jobs[number % 10]
        scene.run(job, 26 * MINUTE - number * 52 * SECOND)
    for number in range(40):
        job = jobs[number % 10]
        age = 30 * MINUTE + number * 52 * SECOND
        scene.transcript(scene.new_id(), age, scene.machine_talk(job.prompt(scene.ago(age)), age))
    scene.finds("store-at-cap", "warning")
    scene.finds("cron-isolated-load", "warning", 30)
    scene.finds("transcript-unindexed", "info", 40)


@fixture("52725: a batch of subagent sessions that nothing archives")
def incident_52725(scene: Scene) -> None:
    scene.main(2 * HOUR)
    runs = {}
    for number in range(110):
        runs[f"run-{number}"] = child_run(scene, 0, runId=f"run-{number}", createdAt=scene.ago(4 * HOUR + number))
        path = scene.sessions(f"{scene.rows['main'][-1].entry['sessionId']}.jsonl")
        # The transcripts are cut to what a rule looks at.
        head, _, rest = scene.files[path].partition(b"\n")
        scene.files[path] = head + b"\n" + rest.splitlines(keepends=True)[-1]
    registry(scene, runs)
    scene.finds("subagent-never-archived", "warning", 110, agent=None)


@fixture("51821: runs whose model call timed out and never ended; on disk only the stuck entries show it")
def incident_51821(scene: Scene) -> None:
    scene.main(19 * HOUR, status="running")
    for number in range(4):
        dashboard = f"dashboard:{scene.new_id()}"
        scene.session(dashboard, "dashboard", (2 + 4 * number) * HOUR, status="running")
    scene.direct(3 * DAY, 2)
    scene.finds("session-stuck-running", "error", 5)


@fixture("003: nine stores with 4,600 usage lines that no cache knows, by stretching")
def incident_003(scene: Scene) -> None:
    scene.release = CACHING
    names = ["main", "notes", "garden", "music", "mail", "photos", "travel", "home", "work"]
    listed = [{"id": name, "default": name == "main"} for name in names]
    scene.settings = {"agents": {"list": listed}}
    for place, agent in enumerate(names):
        for number in range(2):
            key = "main" if number == 0 else f"dashboard:{scene.new_id()}"
            kind = "main" if number == 0 else "dashboard"
            session_id = scene.session(key, kind, (2 + place + number) * HOUR, agent=agent)
            path = scene.sessions(f"{session_id}.jsonl", agent)
            scene.usage_lines(path, 4_600 // 18)
    scene.finds("usage-scan-load", "warning", 2)
