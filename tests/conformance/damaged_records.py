"""Rows of the state database, records about databases, and files beside them."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from .damaged_entries import unstrict
from .damages import (
    AGENT,
    KEY,
    QUARANTINE,
    SECOND,
    STATE,
    STORE,
    damage,
    entry,
    settle,
    sql,
    write_store,
)

if TYPE_CHECKING:
    from pathlib import Path


def _job(state: Path, expression: str) -> None:
    sql(state / STATE, f"UPDATE cron_jobs SET job_json = {expression} WHERE name = 'job 1'")


def _owner(state: Path, payload: str | None, expires: int | None) -> None:
    now = int(time.time() * 1000)
    sql(
        state / STATE,
        "DELETE FROM state_leases WHERE scope = 'gateway-owner'",
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES ('gateway-owner', 'global', 'x', ?, ?, ?, ?, ?)",
        values=(expires, now, payload, now, now),
    )


@damage()
def job_json_null(state: Path) -> None:
    unstrict(state / STATE, "cron_jobs", "UPDATE cron_jobs SET job_json = NULL WHERE name = 'job 1'")


@damage()
def job_enabled_is_text(state: Path) -> None:
    unstrict(state / STATE, "cron_jobs", "UPDATE cron_jobs SET enabled = 'yes' WHERE name = 'job 1'")


@damage()
def second_meta_row(state: Path) -> None:
    sql(
        state / AGENT,
        "INSERT INTO schema_meta SELECT 'other', role, 5, 'second', app_version, created_at, updated_at "
        "FROM schema_meta",
    )


@damage()
def job_every_0_ms(state: Path) -> None:
    _job(state, "json_set(job_json, '$.schedule.everyMs', 0)")


@damage()
def job_of_a_bad_expression(state: Path) -> None:
    _job(state, 'json_set(job_json, \'$.schedule\', json(\'{"kind":"cron","expr":"99 99 * * *"}\'))')


@damage()
def job_of_a_bad_time_zone(state: Path) -> None:
    _job(
        state, 'json_set(job_json, \'$.schedule\', json(\'{"kind":"cron","expr":"0 9 * * *","tz":"Mars/Olympus"}\'))'
    )


@damage()
def job_with_an_unknown_payload(state: Path) -> None:
    _job(state, "json_set(job_json, '$.payload.kind', 'weird')")


@damage()
def job_of_an_unknown_agent(state: Path) -> None:
    _job(state, "json_set(job_json, '$.agentId', 'ghost')")


@damage()
def job_without_target(state: Path) -> None:
    _job(state, "json_remove(job_json, '$.sessionTarget')")


@damage()
def job_in_json5(state: Path) -> None:
    _job(state, "replace(job_json, '\"id\"', 'id')")


@damage()
def job_state_an_array(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET state_json = '[1]' WHERE name = 'job 1'")


@damage()
def job_state_of_odd_types(state: Path) -> None:
    sql(
        state / STATE,
        'UPDATE cron_jobs SET state_json = \'{"runningAtMs":"x","nextRunAtMs":"soon"}\' WHERE name = \'job 1\'',
    )


@damage()
def all_jobs_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '{torn'")


@damage()
def receipt_running_of_no_job(state: Path) -> None:
    sql(
        state / STATE,
        "INSERT INTO cron_run_receipts "
        "VALUES ('r1', ?, 'gone', 'x', 'main', NULL, 'running', 4242, NULL, 5, NULL, NULL)",
        values=(f"{state}/cron/jobs.json",),
    )


@damage()
def delivery_row_torn(state: Path) -> None:
    sql(
        state / STATE,
        "INSERT INTO delivery_queue_entries (queue_name, id, status, entry_json, enqueued_at, updated_at) "
        "VALUES ('outbound-prepared-v1', 'd1', 'pending', '{torn', 5, 5)",
    )


@damage()
def subagent_row_torn(state: Path) -> None:
    sql(
        state / STATE,
        "INSERT INTO subagent_runs (run_id, child_session_key, requester_session_key, created_at, payload_json) "
        "VALUES ('r', 'agent:main:subagent:x', 'agent:main:main', 5, '{torn')",
    )


@damage()
def placement_with_an_open_claim(state: Path) -> None:
    with closing(sqlite3.connect(state / STATE)) as d:
        cols = [r[1] for r in d.execute("PRAGMA table_info(worker_session_placements)")]
    v = {
        "session_id": "bbbbbbbb-0000-4000-8000-000000001001",
        "agent_id": "main",
        "session_key": KEY,
        "state": "active",
        "turn_claim_owner": "local",
        "turn_claim_id": "c",
        "turn_claim_run_id": "r",
        "turn_claim_generation": 1,
        "created_at_ms": 5,
        "updated_at_ms": 5,
        "state_changed_at_ms": 5,
    }
    v = {k: x for k, x in v.items() if k in cols}
    sql(
        state / STATE,
        "PRAGMA ignore_check_constraints = ON",
        f"INSERT INTO worker_session_placements ({', '.join(v)}) VALUES ({', '.join('?' * len(v))})",
        values=tuple(v.values()),
    )


@damage()
def migration_run_unfinished(state: Path) -> None:
    sql(state / STATE, "UPDATE migration_runs SET status = 'running', finished_at = NULL")


APPROVALS = "id = 'node-desktop-stream-pairing-defaults-v1'"


@damage()
def migration_run_of_approvals_failed(state: Path) -> None:
    sql(state / STATE, f"UPDATE migration_runs SET status = 'failed' WHERE {APPROVALS}")


@damage()
def migration_run_of_approvals_without_an_end(state: Path) -> None:
    sql(state / STATE, f"UPDATE migration_runs SET finished_at = NULL, report_json = '{{torn' WHERE {APPROVALS}")


@damage()
def migration_run_of_approvals_gone(state: Path) -> None:
    sql(state / STATE, f"DELETE FROM migration_runs WHERE {APPROVALS}")


@damage()
def migration_runs_of_others_unfinished(state: Path) -> None:
    sql(state / STATE, f"UPDATE migration_runs SET status = 'running', finished_at = NULL WHERE NOT {APPROVALS}")


@damage()
def migration_source_rewritten(state: Path) -> None:
    sql(state / STATE, "UPDATE migration_sources SET source_sha256 = 'x'")


@damage()
def manifest_unfinished(state: Path) -> None:
    f = next((state / "session-sqlite-migration-runs").glob("*.json"))
    d = json.loads(f.read_text())
    d.pop("completedAt", None)
    f.write_text(json.dumps(d))


@damage()
def manifest_of_an_unknown_version(state: Path) -> None:
    f = next((state / "session-sqlite-migration-runs").glob("*.json"))
    d = json.loads(f.read_text())
    d["manifestVersion"] = 99
    f.write_text(json.dumps(d))


@damage()
def owner_lease_of_a_dead_pid_here(state: Path) -> None:
    _owner(
        state,
        json.dumps({"owner": {"pid": 4194000, "host": socket.gethostname(), "startedAt": 5}, "port": 1}),
        int(time.time() * 1000) + 3_600_000,
    )


@damage()
def owner_lease_without_end(state: Path) -> None:
    _owner(state, json.dumps({"owner": {"pid": 4242, "host": "gone", "startedAt": 5}, "port": 1}), None)


@damage()
def owner_lease_of_nothing(state: Path) -> None:
    _owner(state, None, int(time.time() * 1000) + 3_600_000)


@damage()
def database_lease_of_a_dead_pid(state: Path) -> None:
    sql(
        state / STATE,
        "INSERT INTO agent_database_leases VALUES ('l', 'main', ?, 4194000, 5, 5)",
        values=(str(state / AGENT),),
    )


@damage()
def database_lease_without_a_start_time(state: Path) -> None:
    sql(
        state / STATE,
        "INSERT INTO agent_database_leases VALUES ('l', 'main', ?, 1, NULL, 5)",
        values=(str(state / AGENT),),
    )


@damage()
def registry_with_an_absolute_path(state: Path) -> None:
    sql(state / STATE, "UPDATE agent_databases SET path = ? WHERE agent_id = 'main'", values=(str(state / AGENT),))


@damage()
def registry_path_that_leaves_the_directory(state: Path) -> None:
    sql(state / STATE, "UPDATE agent_databases SET path = '../../x/openclaw-agent.sqlite' WHERE agent_id = 'second'")


@damage()
def quarantine_record_of_the_second_agent(state: Path) -> None:
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'agent', 'row 1 missing from index', 1, '2026.9.6', NULL)",
        values=(str(state / SECOND),),
    )


@damage()
def quarantine_another_database(state: Path) -> None:
    settle(state / QUARANTINE)
    settle(state / SECOND)
    shutil.copyfile(state / SECOND, state / QUARANTINE)


@damage()
def sessions_folder_a_link(state: Path) -> None:
    shutil.rmtree(state / STORE.parent, ignore_errors=True)
    (state / "elsewhere").mkdir()
    (state / STORE.parent).symlink_to(state / "elsewhere")


@damage()
def state_folder_a_link(state: Path) -> None:
    shutil.move(state / "state", state / "moved")
    (state / "state").symlink_to(state / "moved")


@damage()
def cron_folder_a_file(state: Path) -> None:
    shutil.rmtree(state / "cron")
    (state / "cron").write_text("")


@damage()
def leftover_in_the_old_place(state: Path) -> None:
    (state / "sessions").mkdir(exist_ok=True)
    (state / "sessions" / "sessions.json").write_text(json.dumps({"main": entry()}))


@damage()
def leftover_with_a_key_twice(state: Path) -> None:
    write_store(state, {})
    key = '"agent:main:telegram:direct:9"'
    (state / STORE).write_text(f"{{{key}: {json.dumps(entry())}, {key}: {json.dumps(entry(5))}}}")


@damage()
def leftover_of_an_agent_without_a_database(state: Path) -> None:
    p = state / "agents" / "third" / "sessions" / "sessions.json"
    p.parent.mkdir(parents=True)
    p.write_text('{"torn')


@damage()
def jobs_file_an_array(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron" / "jobs.json").write_text("[]")


@damage()
def jobs_file_with_new_jobs(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    old = json.loads(next((state / "cron").glob("jobs.json.migrated*")).read_text())
    j = old["jobs"][0]
    j["id"] = "11111111-0000-4000-8000-000000000009"
    j["name"] = "job 9"
    (state / "cron" / "jobs.json").write_text(json.dumps({"version": 1, "jobs": [j]}))


@damage()
def jobs_file_a_link_to_nothing(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron" / "jobs.json").symlink_to(state / "nowhere")


@damage()
def registry_of_subagents_left(state: Path) -> None:
    (state / "subagents").mkdir(exist_ok=True)
    (state / "subagents" / "runs.json").write_text('{"version": 2, "runs": {}}')


@damage()
def delivery_file_left(state: Path) -> None:
    (state / "delivery-queue").mkdir(exist_ok=True)
    (state / "delivery-queue" / "a.json").write_text(
        json.dumps(
            {
                "id": "a",
                "enqueuedAt": 5,
                "channel": "telegram",
                "to": "1",
                "payloads": [{"text": "x"}],
                "retryCount": 0,
            }
        )
    )


@damage()
def config_an_array(state: Path) -> None:
    (state / "openclaw.json").write_text("[]")


@damage()
def job_with_another_id(state: Path) -> None:
    _job(state, "json_set(job_json, '$.id', 'other')")


@damage()
def job_without_id(state: Path) -> None:
    _job(state, "json_remove(job_json, '$.id')")


@damage()
def config_with_an_unknown_key(state: Path) -> None:
    p = state / "openclaw.json"
    c = json.loads(p.read_text())
    c["nonsense"] = 1
    p.write_text(json.dumps(c))
