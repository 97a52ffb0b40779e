"""Rules about locks, subagents, queues, the config and what lies under the files."""

from __future__ import annotations

from gatewaydoctor.fixtures.building.template import iso, stringify
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from gatewaydoctor.fixtures.validating.expectation import Space
from tests.fixtures_source.scene import CACHING, CAPPING, Scene, fixture


@fixture("a transcript lock whose owner is dead")
def lock_stale(scene: Scene) -> None:
    scene.people()
    _lock(scene)
    scene.finds("lock-stale", "warning", agent=None)


@fixture("a transcript lock on a network volume: its owner may run on another machine")
def lock_unknown(scene: Scene) -> None:
    scene.people()
    _lock(scene)
    scene.machine["file_system"] = "nfs4"
    scene.finds("lock-unknown", "warning", agent=None)


def _lock(scene: Scene) -> None:
    payload = {"pid": 31337, "createdAt": iso(scene.ago(3 * HOUR)), "starttime": 8_000_000}
    name = f"{scene.rows['main'][0].entry['sessionId']}.jsonl.lock"
    scene.json(scene.sessions(name), payload, 3 * HOUR)


def registry(scene: Scene, runs: dict[str, dict[str, object]]) -> bytes:
    scene.json("subagents/runs.json", {"version": 2, "runs": runs}, HOUR)
    return scene.files["subagents/runs.json"]


def child_run(scene: Scene, number: int, *, known: bool = True, **fields: object) -> dict[str, object]:
    """A run of a subagent started as a session, ended and cleaned up; its child row too, where it is `known`."""
    child = scene.new_id()
    if known:
        scene.session(f"subagent:{child}", "subagent", (3 + number) * HOUR, spawnDepth=1)
    return {
        "runId": f"run-{number}",
        "childSessionKey": f"agent:main:subagent:{child}",
        "requesterSessionKey": "agent:main:main",
        "task": "Look something up.",
        "cleanup": "keep",
        "spawnMode": "session",
        "createdAt": scene.ago((4 + number) * HOUR),
        "startedAt": scene.ago((4 + number) * HOUR),
        "endedAt": scene.ago((3 + number) * HOUR),
        "outcome": {"status": "ok"},
        "cleanupCompletedAt": scene.ago((3 + number) * HOUR),
        **fields,
    }


@fixture("ended subagent runs without a date to be archived: nothing drops them in 2026.3.28")
def subagent_never_archived(scene: Scene) -> None:
    scene.main(2 * HOUR)
    registry(scene, {f"run-{number}": child_run(scene, number) for number in range(3)})
    scene.finds("subagent-never-archived", "info", 3, agent=None)


@fixture("a subagent run that did not end, and whose session is gone")
def subagent_orphaned(scene: Scene) -> None:
    scene.main(2 * HOUR)
    run = child_run(scene, 0, known=False, spawnMode="run", cleanup="delete", archiveAtMs=scene.ago(-HOUR))
    for field in ("endedAt", "outcome", "cleanupCompletedAt"):
        del run[field]
    registry(scene, {"run-0": run})
    scene.finds("subagent-orphaned", "warning", agent=None)


@fixture("a subagent registry that a crash cut short")
def subagents_unreadable(scene: Scene) -> None:
    scene.main(2 * HOUR)
    whole = registry(scene, {f"run-{number}": child_run(scene, number) for number in range(2)})
    scene.write("subagents/runs.json", whole[:-60], HOUR)
    scene.finds("subagents-unreadable", "error", agent=None)


@fixture("two messages waiting since yesterday and one given up")
def delivery_backlog(scene: Scene) -> None:
    scene.people()
    for place, age in (("", 28 * HOUR), ("", 26 * HOUR), ("failed/", 3 * DAY)):
        delivery = {
            "id": scene.new_id(),
            "enqueuedAt": scene.ago(age),
            "channel": "telegram",
            "to": "telegram:100500",
            "payloads": [{"text": "A reminder."}],
            "retryCount": 4,
            "lastError": "503",
        }
        scene.json(f"delivery-queue/{place}{delivery['id']}.json", delivery, age)
    scene.finds("delivery-backlog", "warning", 3, agent=None)


@fixture("600 usage lines that 2026.5.22 has not priced yet, shown by stretching small transcripts")
def usage_scan_load(scene: Scene) -> None:
    scene.release = CACHING
    for number in range(6):
        path = scene.sessions(f"{scene.direct((2 + number) * HOUR, number)}.jsonl")
        scene.usage_lines(path, 100)
    scene.finds("usage-scan-load", "warning", 6)


@fixture("a config with a slip in it: the gateway does not start with it")
def config_unreadable(scene: Scene) -> None:
    scene.people()
    text = stringify(scene.config()).replace('"mode": "local"', '"mode": local"')
    scene.write("openclaw.json", text.encode(), 2 * HOUR)
    scene.finds("config-unreadable", "error", agent=None)


@fixture("a config that was written over by a part of itself; its backup is whole")
def config_shrunk(scene: Scene) -> None:
    scene.people()
    channels = {"telegram": {"enabled": True, "dmPolicy": "pairing", "groups": {str(n): {} for n in range(20)}}}
    scene.json("openclaw.json.bak", scene.config() | {"channels": channels}, 9 * DAY)
    scene.json("openclaw.json", {"agents": {"defaults": {"thinkingDefault": "low"}}}, 2 * HOUR)
    scene.finds("config-shrunk", "error", agent=None)


@fixture("a transcript of root, a store nobody may write, a config with secrets that everybody may read")
def permissions(scene: Scene) -> None:
    scene.main(2 * HOUR)
    rooted = scene.sessions(f"{scene.direct(5 * HOUR, 1)}.jsonl")
    scene.json("credentials/oauth.json", {}, 9 * DAY)
    scene.machine["owners"] = {rooted: 0}
    scene.machine["modes"] = {scene.sessions("sessions.json"): "0400", "openclaw.json": "0644"}
    for _ in ("of another user", "not writable for its owner", "open to everybody"):
        scene.finds("permissions", "warning", agent=None)


@fixture("a config of root that the gateway's user may not read")
def permission_denied(scene: Scene) -> None:
    scene.people()
    scene.machine["owners"] = {"openclaw.json": 0}
    scene.machine["modes"] = {"openclaw.json": "0600"}
    scene.finds("permission-denied", "error", agent=None)
    scene.finds("permissions", "warning", agent=None)


@fixture("a config without gateway.mode, over which the gateway does not start")
def config_without_mode(scene: Scene) -> None:
    scene.people()
    scene.settings = {"gateway": {"port": 18789}}
    scene.finds("config-without-mode", "error", agent=None)


@fixture("a config with a name the release does not know and a number in quotes: the gateway does not start with it")
def config_refused(scene: Scene) -> None:
    scene.people()
    scene.settings = {"sesion": {}, "session": {"maintenance": {"maxEntries": "many"}}}
    scene.finds("config-refused", "error", 2, agent=None)


@fixture("a store and a transcript with a second hard link: a backup made with cp -al")
def hardlinked(scene: Scene) -> None:
    scene.people()
    scene.machine["links"] = {scene.sessions("sessions.json"): 2, scene.sessions(f"{_first(scene)}.jsonl"): 2}
    scene.finds("hardlinked", "info", 2)


def _first(scene: Scene) -> str:
    session_id: str = scene.rows["main"][0].entry["sessionId"]
    return session_id


@fixture("half a gigabyte left on the volume")
def disk_space(scene: Scene) -> None:
    scene.people()
    scene.machine["space"] = Space(total=100_000_000_000, available=500_000_000)
    scene.finds("disk-space", "warning", agent=None)


@fixture("a transcript written three days after what the clock shows")
def clock_behind(scene: Scene) -> None:
    scene.people()
    scene.direct(-3 * DAY, 3)
    scene.finds("clock-behind", "warning", agent=None)


@fixture("a second state directory nested in the first, used as lately")
def multiple_state_dirs(scene: Scene) -> None:
    scene.release = CAPPING
    scene.people()
    entry = {"sessionId": scene.new_id(), "updatedAt": scene.ago(30 * MINUTE)}
    scene.json(".openclaw/agents/main/sessions/sessions.json", {"agent:main:main": entry}, 30 * MINUTE)
    scene.finds("multiple-state-dirs", "warning", agent=None)
