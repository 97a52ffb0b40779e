"""Rules about cron."""

from __future__ import annotations

from gatewaydoctor.fixtures.building.template import stringify
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE, SECOND
from tests.fixtures_source.scene import CAPPING, FILLER, Scene, fixture, line


@fixture("a job started five times at each tick, 25 seconds apart")
def cron_rapid_retry(scene: Scene) -> None:
    scene.people()
    job = scene.job("mail-digest", DAY)
    for tick in range(3):
        for run in range(5):
            age = 12 * MINUTE - tick * 25 * SECOND - run * 300
            scene.run(job, age, status="failed", written=False)
    scene.finds("cron-rapid-retry", "error")


@fixture("a job marked as running since its gateway died")
def cron_zombie_running(scene: Scene) -> None:
    scene.people()
    scene.job("mail-digest", runningAtMs=scene.ago(7 * HOUR))
    scene.job("photo-sync", nextRunAtMs=scene.ago(3 * HOUR))
    scene.finds("cron-zombie-running", "warning", agent=None)


@fixture("rows of a job that was deleted, with a run nobody reaps")
def cron_unknown_job(scene: Scene) -> None:
    scene.people()
    scene.job("photo-sync")
    deleted = scene.job("mail-digest")
    assert scene.jobs is not None
    scene.jobs.pop()
    scene.base(deleted, scene.run(deleted, 9 * DAY), 9 * DAY)
    scene.finds("cron-unknown-job", "warning")


@fixture("isolated jobs that alone would fill the store several times a day")
def cron_isolated_load(scene: Scene) -> None:
    scene.release = CAPPING
    scene.settings = {"session": {"maintenance": {"maxEntries": 50}}}
    scene.main(2 * HOUR)
    jobs = [scene.job(name, 4 * MINUTE) for name in ("mail-digest", "photo-sync", "meter-export", "map-check")]
    for round_number in range(6):
        for place, job in enumerate(jobs):
            age = 40 * MINUTE - round_number * 4 * MINUTE - place * 40 * SECOND
            scene.run(job, age, written=False)
    scene.finds("cron-isolated-load", "warning", 24)


@fixture("a jobs.json that was cut off: cron does not run at all")
def cron_store_unparseable(scene: Scene) -> None:
    scene.people()
    scene.job("mail-digest")
    text = stringify({"version": 1, "jobs": scene.jobs}).encode()
    scene.write("cron/jobs.json", text[: len(text) // 2], DAY)
    scene.finds("cron-store-unparseable", "error", agent=None)


@fixture("one job in jobs.json, four in its backup")
def cron_jobs_lost(scene: Scene) -> None:
    scene.people()
    for name in ("mail-digest", "photo-sync", "meter-export", "map-check"):
        scene.job(name)
    scene.json("cron/jobs.json.bak", {"version": 1, "jobs": scene.jobs}, 20 * DAY)
    assert scene.jobs is not None
    del scene.jobs[1:]
    scene.finds("cron-jobs-lost", "warning", 3, agent=None)


@fixture("a run log five times as large as the gateway lets it grow, shown by stretching a small one")
def cron_runlog_large(scene: Scene) -> None:
    scene.people()
    job = scene.job("mail-digest")
    path = f"cron/runs/{job.id}.jsonl"
    lines = [line(ts=scene.ago(age), action="finished", status="ok", summary=FILLER) for age in (2 * HOUR, HOUR)]
    scene.write(path, b"".join(lines), HOUR)
    scene.stretch(path, 6_000_000 // len(FILLER))
    scene.finds("cron-runlog-large", "info", agent=None)


@fixture("a job whose schedule is text, which this release never runs")
def cron_job_cannot_run(scene: Scene) -> None:
    scene.release = CAPPING
    scene.people()
    scene.job("photo-sync")
    scene.job("mail-digest")
    assert scene.jobs is not None
    scene.jobs[1]["schedule"] = "0 7 * * *"
    scene.finds("cron-job-cannot-run", "warning", agent=None)


@fixture("two jobs written by hand without an id")
def cron_job_shares_state(scene: Scene) -> None:
    scene.people()
    scene.job("photo-sync")
    scene.job("mail-digest")
    assert scene.jobs is not None
    for job in scene.jobs:
        del job["id"]
    scene.finds("cron-job-shares-state", "warning", 2, agent=None)


@fixture("a job that a repair took out of jobs.json")
def cron_job_parked(scene: Scene) -> None:
    scene.people()
    scene.job("photo-sync")
    scene.job("mail-digest")
    assert scene.jobs is not None
    scene.json("cron/jobs-parked.json", {"version": 1, "jobs": [scene.jobs.pop()]}, HOUR)
    scene.finds("cron-job-parked", "warning", agent=None)


@fixture("a job that a repair disabled")
def cron_job_disabled(scene: Scene) -> None:
    scene.people()
    job = scene.job("photo-sync")
    assert scene.jobs is not None
    scene.jobs[0]["enabled"] = False
    note = {"id": job.id, "name": "photo-sync", "disabledAtMs": scene.ago(HOUR)}
    scene.json("cron/jobs-disabled.json", {"version": 1, "jobs": [note]}, HOUR)
    scene.finds("cron-job-disabled", "info", agent=None)


@fixture("a daily job that last ran four days ago, its next run noted for the day after tomorrow")
def cron_job_not_run(scene: Scene) -> None:
    scene.people()
    scene.job("photo-sync", lastRunAtMs=scene.ago(HOUR))
    scene.job("mail-digest", DAY, lastRunAtMs=scene.ago(4 * DAY), nextRunAtMs=scene.ago(-2 * DAY))
    scene.finds("cron-job-not-run", "warning", agent=None)


@fixture("a one-shot job of last week that is still enabled")
def cron_one_shot_past(scene: Scene) -> None:
    scene.people()
    scene.job("remind-once")
    assert scene.jobs is not None
    scene.jobs[0]["schedule"] = {"kind": "at", "at": "2026-03-20T10:00:00.000Z"}
    scene.jobs[0]["state"] = {}
    scene.finds("cron-one-shot-past", "warning", agent=None)


@fixture("an hourly job with a run every ten minutes")
def cron_runs_too_often(scene: Scene) -> None:
    scene.people()
    job = scene.job("photo-sync")
    for run in range(12):
        scene.run(job, 2 * HOUR - run * 10 * MINUTE)
    scene.finds("cron-runs-too-often", "warning", 12, agent=None)


@fixture("a job of an agent that the config does not list")
def cron_owner_gone(scene: Scene) -> None:
    scene.settings = {"agents": {"list": [{"id": "main"}]}}
    scene.people()
    scene.job("photo-sync")
    assert scene.jobs is not None
    scene.jobs[0]["agentId"] = "former"
    scene.finds("cron-owner-gone", "warning", agent=None)
