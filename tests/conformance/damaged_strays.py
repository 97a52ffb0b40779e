"""Files beside the stores of either era, and rows that only the gateway itself asks for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from .damages import AGENT, KEY, STATE, STORE, damage, entry, settle, sql, write_store

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _jobs(state: Path, document: object) -> None:
    _write(state / "cron" / "jobs.json", json.dumps(document))


# Files of either era


@damage()
def approvals_a_directory(state: Path) -> None:
    (state / "exec-approvals.json").unlink(missing_ok=True)
    (state / "exec-approvals.json").mkdir()


@damage()
def sentinel_a_directory(state: Path) -> None:
    (state / "restart-sentinel.json").mkdir()


@damage()
def config_a_link_to_itself(state: Path) -> None:
    (state / "openclaw.json").unlink()
    (state / "openclaw.json").symlink_to("openclaw.json")


@damage()
def everything_of_another_user(state: Path) -> None:
    for path in (state, *state.rglob("*")):
        os.lchown(path, NOBODY, NOBODY)


@damage()
def lock_file_of_a_dead_process(state: Path) -> None:
    text = json.dumps({"pid": 4_194_303, "createdAt": "2026-01-01T00:00:00.000Z", "starttime": 5})
    _write(state / "tmp" / f"openclaw-{os.getuid()}" / "gateway.state.lock", text)


# Of the file era


@damage()
def jobs_file_with_a_job_of_text(state: Path) -> None:
    document = json.loads((state / "cron/jobs.json").read_text())
    _jobs(state, {**document, "jobs": [*document["jobs"], "every day"]})


@damage()
def jobs_file_with_jobs_of_an_object(state: Path) -> None:
    _jobs(state, {"version": 1, "jobs": {}})


@damage()
def jobs_file_of_a_newer_version(state: Path) -> None:
    _jobs(state, json.loads((state / "cron/jobs.json").read_text()) | {"version": 99})


@damage()
def jobs_file_a_link_to_itself(state: Path) -> None:
    (state / "cron/jobs.json").unlink()
    (state / "cron/jobs.json").symlink_to("jobs.json")


@damage()
def delivery_of_zeros(state: Path) -> None:
    _write(state / "delivery-queue" / "a.json", "\0" * 100)


@damage()
def identity_torn(state: Path) -> None:
    _write(state / "identity" / "device.json", '{"version": 1, "dev')


@damage()
def paired_devices_torn(state: Path) -> None:
    _write(state / "devices" / "paired.json", '{"phone": {')


@damage()
def profiles_torn(state: Path) -> None:
    _write(state / AGENT.parent / "auth-profiles.json", '{"version": 1, "prof')


@damage()
def registry_of_a_newer_version(state: Path) -> None:
    _write(state / "subagents" / "runs.json", '{"version": 99, "runs": {}}')


@damage()
def store_of_the_second_a_directory(state: Path) -> None:
    path = state / "agents" / "second" / STORE.relative_to("agents/main")
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


# Of the database era


@damage()
def config_health_row_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE config_health_entries SET last_known_good_json = '{torn'")


@damage()
def report_of_a_migration_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE migration_runs SET report_json = '{torn'")


@damage()
def report_of_a_source_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE migration_sources SET report_json = '{torn'")


@damage()
def next_run_beyond_all_time_job(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET state_json = '{\"nextRunAtMs\": 9e300}' WHERE name = 'job 1'")
    settle(state / STATE)


@damage()
def entry_with_a_number_too_large(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET entry_json = replace(entry_json, '{', '{\"totalTokens\": 1e400, '), "
        f"entry_valid = 1 WHERE session_key = '{KEY}' AND instr(substr(entry_json, 2), '{{') = 0",
    )


@damage()
def leftover_named_as_migrated(state: Path) -> None:
    write_store(state, {KEY: entry()})
    (state / STORE).rename(state / STORE.with_name("sessions.json.migrated"))


@damage()
def migrated_jobs_file_torn(state: Path) -> None:
    _write(state / "cron" / "jobs.json.migrated", '{"version": 1, "jobs": [')


@damage()
def event_a_number(state: Path) -> None:
    sql(state / AGENT, "UPDATE transcript_events SET event_json = '5' WHERE seq = 3")
