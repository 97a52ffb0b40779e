"""Databases that a start refuses, loses or replaces: one directory per class of docs/database.md."""

from __future__ import annotations

import json

from gatewaydoctor.fixtures.building.template import iso
from gatewaydoctor.fixtures.building.world import DAY, HOUR, MINUTE
from tests.fixtures_source.databases import (
    AGENT_VERSION,
    STATE_VERSION,
    agent_database,
    log_of,
    quarantine_database,
    state_database,
    zeroed_page,
)
from tests.fixtures_source.scene import DATABASES, NOW, Scene, fixture

AGENT = "agents/main/agent/openclaw-agent.sqlite"
STATE = "state/openclaw.sqlite"
QUARANTINE = "state/openclaw-quarantine.sqlite"
ROWS = (
    ("agent:main:main", "11111111-1111-4111-8111-111111111111", NOW - HOUR),
    ("agent:main:telegram:direct:1001", "22222222-2222-4222-8222-222222222222", NOW - DAY),
)


def _install(scene: Scene, agent: bytes | None = None, state: bytes | None = None) -> None:
    """A directory of the database era, sound unless other databases are given."""
    scene.release = DATABASES
    data = agent_database(AGENT_VERSION, {}, rows=ROWS) if agent is None else agent
    scene.write(AGENT, data, HOUR)
    scene.write(f"{AGENT}-wal", b"", HOUR)
    scene.write(STATE, state_database(STATE_VERSION, 2, agents=("main",)) if state is None else state, HOUR)
    scene.agent(era="sqlite")


@fixture("files of an earlier release, one cut short and one of 0 bytes: 2026.9.6 refuses to start")
def legacy_file_damaged(scene: Scene) -> None:
    _install(scene)
    scene.write("exec-approvals.json", b'{"version": 1, "defaults": {"secur', HOUR)
    scene.write("credentials/telegram-pairing.json", b"", HOUR)
    scene.write("update-check.json", b'{"lastCheckedAt": "2026-03-01T00:00:00.000Z"}', HOUR)
    scene.finds("legacy-file-damaged", "error", agent=None)
    scene.finds("legacy-file-damaged", "error", agent=None)


@fixture("a page of session_nodes is zeroed: 2026.9.6 refuses to start")
def database_corrupt(scene: Scene) -> None:
    _install(scene, zeroed_page(agent_database(AGENT_VERSION, {"done": 40}, rows=ROWS), "session_nodes"))
    scene.finds("database-corrupt", "error")


@fixture("the state database has 0 bytes: 2026.9.6 starts without any cron job")
def database_empty(scene: Scene) -> None:
    _install(scene, state=b"")
    scene.finds("database-empty", "critical", agent=None)


@fixture("the registry lists a database that is not there: 2026.9.6 starts with an empty history")
def database_missing(scene: Scene) -> None:
    _install(scene)
    for path in (AGENT, f"{AGENT}-wal"):
        del scene.files[path], scene.mtimes[path]
    scene.finds("database-missing", "critical")


@fixture("a database that was not closed, and its -wal is gone")
def database_log_missing(scene: Scene) -> None:
    _install(scene)
    del scene.files[f"{AGENT}-wal"], scene.mtimes[f"{AGENT}-wal"]
    scene.write(f"{STATE}-wal", b"", MINUTE)
    scene.write(QUARANTINE, quarantine_database(verified=[(f"/srv/old/{AGENT}", NOW - 2 * HOUR, 0)]), HOUR)
    scene.finds("database-log-missing", "critical")


@fixture("a database with the -wal of another agent's")
def database_log_foreign(scene: Scene) -> None:
    _install(scene)
    scene.write(f"{AGENT}-wal", log_of(agent_database(AGENT_VERSION, {"done": 3}, agent_id="second")), HOUR)
    scene.finds("database-log-foreign", "error")


@fixture("the database of another agent in this agent's place")
def database_owner(scene: Scene) -> None:
    _install(scene, agent_database(AGENT_VERSION, {}, agent_id="second", rows=ROWS))
    scene.finds("database-owner", "error")


@fixture("events of a session that is not there")
def database_foreign_keys(scene: Scene) -> None:
    orphans = [("INSERT INTO transcript_events VALUES (?, ?, ?, ?)", [("gone", n, "{}", NOW) for n in range(3)])]
    _install(scene, agent_database(AGENT_VERSION, {}, rows=ROWS, more=orphans))
    scene.finds("database-foreign-keys", "error", 3)


@fixture("the version in the header is not the recorded one")
def database_schema(scene: Scene) -> None:
    changed = [("UPDATE schema_meta SET schema_version = ?", [(AGENT_VERSION - 1,)])]
    _install(scene, agent_database(AGENT_VERSION, {}, rows=ROWS, more=changed))
    scene.finds("database-schema", "error")


@fixture("entries that are no JSON, no object, or name another session")
def database_entry_invalid(scene: Scene) -> None:
    bad = [
        (f"agent:main:telegram:direct:{number}", "33333333-3333-4333-8333-333333333333", entry, 0)
        for number, entry in enumerate(("{bad", "null", '{"sessionId": "another"}'))
    ]
    statement = (
        "INSERT INTO session_nodes (session_key, current_session_id, entry_json, entry_valid) VALUES (?, ?, ?, ?)"
    )
    _install(scene, agent_database(AGENT_VERSION, {}, rows=ROWS, more=[(statement, bad)]))
    scene.finds("database-entry-invalid", "critical", 3)


@fixture("a sound database under quarantine at the path it had before")
def database_quarantined(scene: Scene) -> None:
    _install(scene)
    scene.write(QUARANTINE, quarantine_database([(f"/srv/old/{AGENT}", "row 3 missing from index", NOW - DAY)]), HOUR)
    scene.finds("database-quarantined", "info")


@fixture("a database that this user may not read")
def database_unreadable(scene: Scene) -> None:
    _install(scene)
    scene.machine["unreadable"] = [AGENT]
    scene.finds("database-unreadable", "error")


@fixture("a gateway on another host holds the lease")
def database_lease(scene: Scene) -> None:
    _install(
        scene, state=state_database(STATE_VERSION, 2, agents=("main",), lease=("another-host", NOW + 4 * MINUTE))
    )
    scene.gateway = "unknown"
    scene.finds("database-lease", "warning", agent=None)


@fixture("a config written by a newer release than the one that last started")
def config_newer(scene: Scene) -> None:
    _install(scene, state=state_database(STATE_VERSION, 2, agents=("main",), started="2026.9.6"))
    scene.release = "2027.1.1"
    scene.finds("config-newer", "error", agent=None)


ARCHIVED = "agents/main/session-sqlite-import-archive"


@fixture("an import stopped at a torn line: two turns of a person are only in the archive")
def migration_losses(scene: Scene) -> None:
    key, session, at = ROWS[1]
    records = [
        {"type": "session", "version": 3, "id": session, "timestamp": iso(at), "cwd": "/srv/work"},
        *(
            {
                "type": "message",
                "id": f"{number:08x}",
                "parentId": f"{number - 1:08x}" if number else None,
                "timestamp": iso(at),
                "message": {"role": ("user", "assistant")[number % 2], "content": [{"type": "text", "text": "Hm."}]},
            }
            for number in range(8)
        ),
    ]
    lines = [json.dumps(record, separators=(",", ":")) for record in records]
    imported = [(session, seq, line, at) for seq, line in enumerate(lines[:3])]
    statement = "INSERT INTO transcript_events VALUES (?, ?, ?, ?)"
    _install(scene, agent_database(AGENT_VERSION, {}, rows=ROWS, more=[(statement, imported)]))
    torn = [*lines[:3], lines[3][:60], *lines[4:]]
    name = f"{key.replace(':', '_')}.{session}.jsonl.imported-{NOW - HOUR}"
    scene.write(f"{ARCHIVED}/{name}", "".join(f"{line}\n" for line in torn).encode(), HOUR)
    issue = {"code": "transcript_malformed", "message": f"/srv/{session}.jsonl: SyntaxError"}
    scene.json(
        RUN, {"runId": "run", "completedAt": iso(NOW), "targets": [{"agentId": "main", "issues": [issue]}]}, HOUR
    )
    # A start keeps the directory that it has imported from.
    scene.json("agents/main/sessions/.usage-cost-cache.json", {}, DAY)
    scene.finds("migration-losses", "warning")


RUN = "session-sqlite-migration-runs/session-sqlite-1-5aafea3b.json"


@fixture("a gateway was killed while it imported a store: one of three rows is in the database")
def migration_unfinished(scene: Scene) -> None:
    scene.people()
    kept = [(row.key, row.entry["sessionId"], row.entry["updatedAt"]) for row in scene.rows["main"]]
    _install(scene, agent_database(AGENT_VERSION, {}, rows=kept[:1]))
    scene.json(RUN, {"runId": "run", "startedAt": iso(NOW), "targets": [{"agentId": "main"}]}, HOUR)
    scene.agent(era="sqlite", readable="yes", entries=3)
    scene.finds("legacy-store-beside-sqlite", "warning")
    scene.finds("migration-unfinished", "info")


@fixture("an upgrade took the schedules of all jobs for malformed: the database has none of them")
def jobs_not_in_database(scene: Scene) -> None:
    _install(scene, state=state_database(STATE_VERSION, 0, agents=("main",)))
    jobs = [
        {
            "id": f"job-{number}",
            "name": f"report {number}",
            "enabled": True,
            "schedule": {"kind": "cron", "expr": "* *"},
        }
        for number in range(3)
    ]
    scene.json("cron/jobs.json.migrated", {"version": 1, "jobs": jobs}, HOUR)
    scene.json(
        "cron/jobs-quarantine.json",
        {"version": 1, "jobs": [{"reason": "invalid-schedule", "job": job} for job in jobs]},
        HOUR,
    )
    scene.finds("jobs-not-in-database", "error", 3, agent=None)


@fixture("the run history of the database era: a job that fails and starts again every 20 seconds")
def cron_rapid_retry_database(scene: Scene) -> None:
    runs = [("job-0", NOW - HOUR + number * 20_000) for number in range(30)]
    runs += [("job-1", NOW - HOUR + number * HOUR // 4) for number in range(4)]
    _install(scene, state=state_database(STATE_VERSION, 2, agents=("main",), runs=runs))
    scene.finds("cron-rapid-retry", "error", agent=None)


@fixture("a workspace file of an earlier release that is not JSON: 2026.9.6 refuses to start")
def legacy_file_left(scene: Scene) -> None:
    _install(scene)
    scene.write("workspace/openclaw-workspace-state.json", b'{"version": 1', HOUR)
    scene.finds("legacy-file-left", "error")


@fixture("a migration is not marked as completed: 2026.9.6 refuses to start")
def migration_receipt_open(scene: Scene) -> None:
    migrations = (("node-desktop-stream-pairing-defaults-v1", "running"), ("cron-legacy:cron-json:1", "running"))
    _install(scene, state=state_database(STATE_VERSION, 2, agents=("main",), migrations=migrations))
    scene.finds("migration-receipt-open", "error", agent=None)


@fixture("cron jobs filed under the path the directory had before")
def jobs_other_path(scene: Scene) -> None:
    _install(
        scene,
        state=state_database(STATE_VERSION, 3, agents=("main",), store_key="/home/old/.openclaw/cron/jobs.json"),
    )
    scene.finds("jobs-other-path", "error", 3, agent=None)
