"""Directories on the way to SQLite, and arrived there."""

from __future__ import annotations

from gatewaydoctor.fixtures.building.world import DAY, HOUR
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, state_database
from tests.fixtures_source.scene import DATABASES, Scene, fixture, store_text
from tests.fixtures_source.store import torn


@fixture("sessions in files, cron jobs in the state database (2026.6.1 to 2026.7.1)")
def era_mixed(scene: Scene) -> None:
    scene.release = "2026.6.4"
    scene.people()
    scene.write("state/openclaw.sqlite", state_database(1, 2), HOUR)
    scene.json("cron/jobs.json.migrated", {"version": 1, "jobs": []}, 20 * DAY)
    scene.agent(era="mixed", readable="yes", entries=3)


@fixture("sessions and cron in databases (2026.9.6), the old store imported and archived")
def era_sqlite(scene: Scene) -> None:
    _databases(scene)
    scene.people()
    old = store_text(scene.rows.pop("main"))
    archive = f"agents/main/session-sqlite-import-archive/legacy-store.sessions.json.imported-{scene.ago(DAY)}"
    scene.write(archive, old)
    for path in [path for path in scene.files if path.endswith(".jsonl")]:
        del scene.files[path], scene.mtimes[path]
    scene.agent(era="sqlite")


@fixture("a cut sessions.json next to the databases: 2026.9.6 refuses to start because of it")
def era_sqlite_torn_leftover(scene: Scene) -> None:
    _databases(scene)
    scene.people()
    torn(scene)
    fault = scene.agents["main"].fault
    assert fault is not None
    scene.agent(era="sqlite", readable="gateway-empty", entries=2, fault=(fault.kind, fault.offset or 0))
    scene.finds("store-unparseable", "critical")
    scene.finds("legacy-store-beside-sqlite", "error")


def _databases(scene: Scene) -> None:
    scene.release = DATABASES
    scene.write(
        "agents/main/agent/openclaw-agent.sqlite", agent_database(AGENT_VERSION, {"done": 2, "failed": 1}), HOUR
    )
    scene.write("agents/main/agent/openclaw-agent.sqlite-wal", b"", HOUR)
    scene.write("state/openclaw.sqlite", state_database(STATE_VERSION, 1), HOUR)
