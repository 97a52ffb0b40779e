"""Directories with nothing wrong."""

from __future__ import annotations

import json

from gatewaydoctor.fixtures.building.workspace import HOME
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from gatewaydoctor.fixtures.validating.expectation import Process
from tests.fixtures_source.scene import CACHING, Scene, fixture, line, store_text


@fixture("people, groups, cron jobs, subagents and archives, all as they should be")
def healthy(scene: Scene) -> None:
    scene.main(2 * HOUR)
    scene.direct(30 * MINUTE, 1)
    scene.direct(3 * DAY, 2)
    scene.session("telegram:group:-100500", "group", DAY, chatType="group")
    topic = scene.new_id()
    name = f"{topic}-topic-7.jsonl"
    key = "telegram:group:-100500:topic:7"
    scene.session(key, "thread", 5 * HOUR, session_id=topic, sessionFile=name, written=False)
    scene.write(scene.sessions(name), scene.lines(topic, 5 * HOUR), 5 * HOUR)
    scene.session("dashboard:" + scene.new_id(), "dashboard", 4 * DAY)
    nightly = scene.job("mail-digest", 12 * HOUR)
    run = scene.run(nightly, 6 * HOUR)
    scene.base(nightly, run, 6 * HOUR)
    scene.write(
        f"cron/runs/{nightly.id}.jsonl", line(ts=scene.ago(6 * HOUR), action="finished", status="ok"), 6 * HOUR
    )
    child = f"agent:main:subagent:{scene.new_id()}"
    scene.session(child.removeprefix("agent:main:"), "subagent", 40 * MINUTE, spawnDepth=1)
    scene.json("subagents/runs.json", {"version": 2, "runs": {"run-1": _ended_run(scene, child)}}, 40 * MINUTE)
    scene.write(scene.sessions(f"{scene.new_id()}.jsonl.reset.2026-03-28T10-11-12.345Z"), scene.lines("old", 5 * DAY))


def _ended_run(scene: Scene, child: str) -> dict[str, object]:
    """A run that is archived in twenty minutes."""
    return {
        "runId": "run-1",
        "childSessionKey": child,
        "requesterSessionKey": "agent:main:main",
        "task": "Look something up.",
        "cleanup": "delete",
        "spawnMode": "run",
        "createdAt": scene.ago(45 * MINUTE),
        "startedAt": scene.ago(45 * MINUTE),
        "endedAt": scene.ago(40 * MINUTE),
        "outcome": {"status": "ok"},
        "archiveAtMs": scene.ago(-20 * MINUTE),
        "cleanupHandled": True,
    }


@fixture("a config and no session yet, as after an installation")
def healthy_new(scene: Scene) -> None:
    scene.agent()


@fixture("absolute paths, as the gateway writes them, below the directory where it had its state")
def healthy_absolute_paths(scene: Scene) -> None:
    for number in range(2):
        known = scene.new_id()
        there = f"{HOME}/agents/main/sessions/{known}.jsonl"
        scene.direct((2 + number) * HOUR, number, session_id=known, sessionFile=there)


@fixture("two agents with a store each, release 2026.5.22")
def healthy_two_agents(scene: Scene) -> None:
    scene.release = CACHING
    scene.settings = {"agents": {"list": [{"id": "main", "default": True}, {"id": "notes"}]}}
    scene.main(2 * HOUR)
    scene.session("main", "main", 3 * HOUR, agent="notes")


@fixture("a store in one line, as another program may write it")
def healthy_compact(scene: Scene) -> None:
    scene.people()
    text = json.dumps(json.loads(store_text(scene.rows["main"])), separators=(",", ":"))
    scene.write(scene.sessions("sessions.json"), text.encode(), 2 * HOUR)


@fixture("a gateway that runs: what says running may be running")
def gateway_live(scene: Scene) -> None:
    scene.main(5 * HOUR, status="running")
    scene.direct(3 * DAY, 2)
    environment = {"OPENCLAW_STATE_DIR": "${STATE_DIR}"}
    scene.machine["processes"] = (Process(pid=4242, argv=("openclaw-gateway",), start_time=5_000, env=environment),)
    scene.gateway = "live"


@fixture("nobody can tell whether a gateway runs: stuck entries are a warning only")
def gateway_unknown(scene: Scene) -> None:
    scene.main(5 * HOUR, status="running")
    scene.direct(3 * DAY, 2)
    scene.machine["port"] = "unknown"
    scene.gateway = "unknown"
    scene.finds("session-stuck-running", "warning")
