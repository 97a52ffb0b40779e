"""Rules about single sessions."""

from __future__ import annotations

from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from tests.fixtures_source.scene import CAPPING, Scene, fixture, line


@fixture("conversations that say running since the gateway died")
def session_stuck_running(scene: Scene) -> None:
    scene.main(5 * HOUR, status="running")
    scene.direct(6 * HOUR, 1, status="running")
    scene.direct(DAY, 2)
    scene.direct(20 * MINUTE, 3, status="running")
    scene.finds("session-stuck-running", "error", 2)


@fixture("a cron base row that died running, copied into every run since (2026.3.28)")
def cron_phantom_running(scene: Scene) -> None:
    scene.people()
    job = scene.job("mail-digest")
    runs = [scene.run(job, age * HOUR, status="running") for age in (7, 6, 5)]
    scene.base(job, runs[-1], 5 * HOUR, status="running")
    scene.finds("session-stuck-running", "error", 4)
    scene.finds("cron-phantom-running", "error")


@fixture("a conversation whose transcript is gone, and one whose transcript lies under another name")
def session_missing_transcript(scene: Scene) -> None:
    scene.people()
    scene.direct(2 * DAY, 3, written=False)
    moved = scene.new_id()
    scene.direct(2 * DAY, 4, session_id=moved, sessionFile="gone.jsonl")
    scene.finds("session-missing-transcript", "warning", 2)


@fixture("absolute paths of the computer the directory was copied from")
def session_path_foreign(scene: Scene) -> None:
    for index in range(3):
        moved = scene.new_id()
        there = f"/Users/alder/.openclaw/agents/main/sessions/{moved}.jsonl"
        scene.direct((3 + index) * HOUR, index, session_id=moved, sessionFile=there)
    scene.finds("session-path-foreign", "warning", 3)


@fixture("an aborted turn that 2026.4.25 takes up again by itself, with a model turn")
def session_resumes_at_boot(scene: Scene) -> None:
    scene.release = CAPPING
    scene.direct(5 * HOUR, 1)
    scene.main(20 * MINUTE, status="running", abortedLastRun=True)
    scene.rows["main"][-1].entry["abortedLastRun"] = True
    scene.finds("session-resumes-at-boot", "warning")


@fixture("a conversation that was parked, with its transcript, and not put back")
def session_parked(scene: Scene) -> None:
    scene.people()
    parked, at = scene.new_id(), scene.ago(2 * HOUR)
    row = {"sessionId": parked, "updatedAt": scene.ago(3 * HOUR), "status": "done"}
    scene.json(scene.sessions(f"parked-{at}.json"), {"agent:main:telegram:direct:77": row}, 2 * HOUR)
    header = line(type="session", version=3, id=parked)
    scene.write(scene.sessions(f"parked-{at}.{parked}.jsonl.kept"), header, 3 * HOUR)
    scene.finds("session-parked", "info")
