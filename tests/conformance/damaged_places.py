"""What else may be at the path of a database or of a file beside it: links, directories, pipes, owners, modes; and
rows and files that name places, owners and moments."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from .damages import AGENT, KEY, QUARANTINE, SECOND, STATE, STORE, damage, entry, settle, sql, write_store

NOBODY = 65534


def _beside(state: Path, database: Path, suffix: str) -> Path:
    settle(state / database)
    return state / f"{database}{suffix}"


# Places


@damage()
def a_pipe_in_place_of_the_log(state: Path) -> None:
    os.mkfifo(_beside(state, AGENT, "-wal"))


@damage()
def a_link_in_place_of_the_log(state: Path) -> None:
    path = _beside(state, AGENT, "-wal")
    (state / "elsewhere-wal").write_bytes(b"")
    path.symlink_to(state / "elsewhere-wal")


@damage()
def a_directory_in_place_of_the_shm(state: Path) -> None:
    _beside(state, AGENT, "-shm").mkdir()


@damage()
def a_directory_in_place_of_the_journal(state: Path) -> None:
    _beside(state, AGENT, "-journal").mkdir()


@damage()
def a_directory_in_place_of_the_states_log(state: Path) -> None:
    _beside(state, STATE, "-wal").mkdir()


@damage()
def a_link_to_the_state_database(state: Path) -> None:
    settle(state / STATE)
    shutil.move(state / STATE, state / "elsewhere.sqlite")
    (state / STATE).symlink_to(state / "elsewhere.sqlite")


@damage()
def a_hard_link_to_the_state_database(state: Path) -> None:
    settle(state / STATE)
    os.link(state / STATE, state / "second-name.sqlite")


@damage()
def a_link_to_no_state_database(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()
    (state / STATE).symlink_to(state / "nowhere.sqlite")


@damage()
def a_pipe_in_place_of_the_state_database(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()
    os.mkfifo(state / STATE)


@damage()
def a_directory_in_place_of_the_quarantine(state: Path) -> None:
    settle(state / QUARANTINE)
    (state / QUARANTINE).unlink()
    (state / QUARANTINE).mkdir()


@damage()
def agents_folder_a_link(state: Path) -> None:
    shutil.move(state / "agents" / "main", state / "moved-main")
    (state / "agents" / "main").symlink_to(state / "moved-main")


@damage()
def agents_folder_a_file(state: Path) -> None:
    shutil.rmtree(state / "agents" / "main" / "agent")
    (state / "agents" / "main" / "agent").write_text("")


@damage()
def sessions_folder_a_file(state: Path) -> None:
    shutil.rmtree(state / STORE.parent, ignore_errors=True)
    (state / STORE.parent).write_text("")


@damage()
def agent_of_another_owner(state: Path) -> None:
    os.chown(state / AGENT, NOBODY, NOBODY)


@damage()
def agent_without_any_mode(state: Path) -> None:
    (state / AGENT).chmod(0)


@damage()
def state_directory_open_to_all(state: Path) -> None:
    state.chmod(0o777)


@damage()
def agent_moved_to_another_name(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).rename((state / AGENT).with_name("openclaw-agent.sqlite.bak"))


@damage()
def agents_folder_renamed(state: Path) -> None:
    (state / "agents" / "main").rename(state / "agents" / "Main")


# Rows that name owners, places and moments


@damage()
def role_of_the_agent_wrong(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE schema_meta SET role = 'global' WHERE meta_key = 'primary'",
    )


@damage()
def startup_row_of_a_newer_release(state: Path) -> None:
    sql(
        state / STATE,
        "UPDATE schema_meta SET app_version = replace(app_version, '2026.9.6', '2027.1.1') "
        "WHERE meta_key = 'startup-migrations'",
    )


@damage()
def startup_row_of_garbage(state: Path) -> None:
    sql(state / STATE, "UPDATE schema_meta SET app_version = 'x' WHERE meta_key = 'startup-migrations'")


@damage()
def registry_of_another_place(state: Path) -> None:
    sql(
        state / STATE,
        f"UPDATE agent_databases SET path = '/elsewhere/{AGENT}' WHERE agent_id = 'main'",
    )


@damage()
def registry_of_agents_swapped(state: Path) -> None:
    sql(
        state / STATE,
        "UPDATE agent_databases SET agent_id = 'x' WHERE agent_id = 'main'",
        "UPDATE agent_databases SET agent_id = 'main' WHERE agent_id = 'second'",
        "UPDATE agent_databases SET agent_id = 'second' WHERE agent_id = 'x'",
    )


@damage()
def contract_missing(state: Path) -> None:
    sql(state / AGENT, "DELETE FROM session_key_contract")


@damage()
def contract_of_another_main_key(state: Path) -> None:
    sql(state / AGENT, "UPDATE session_key_contract SET main_key = 'other'")


@damage()
def owner_lease_torn(state: Path) -> None:
    now = int(time.time() * 1000)
    sql(state / STATE, "DELETE FROM state_leases WHERE scope = 'gateway-owner'")
    sql(
        state / STATE,
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES ('gateway-owner', 'global', 'x', ?, ?, '{torn', ?, ?)",
        values=(now + 3_600_000, now, now, now),
    )


@damage()
def owner_lease_expired_elsewhere(state: Path) -> None:
    now = int(time.time() * 1000)
    payload = json.dumps({"owner": {"pid": 4242, "host": "gone", "startedAt": 5}, "port": 1})
    sql(state / STATE, "DELETE FROM state_leases WHERE scope = 'gateway-owner'")
    sql(
        state / STATE,
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES ('gateway-owner', 'global', 'x', ?, ?, ?, ?, ?)",
        values=(now - 1000, now - 301_000, payload, now, now),
    )


@damage()
def database_lease_of_this_process(state: Path) -> None:
    """Held by the process that runs this, with its start time (field 22 of /proc/<pid>/stat)."""
    started = int(Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19])
    with closing(sqlite3.connect(state / STATE)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(agent_database_leases)")]
    told = {"owner_pid": os.getpid(), "owner_start_time": started, "path": str(state / AGENT)}
    values = [told.get(name, int(time.time() * 1000) if name.endswith(("_at", "_ms")) else "x") for name in columns]
    with closing(sqlite3.connect(state / STATE, isolation_level=None)) as database:
        marks = ", ".join("?" * len(columns))
        database.execute(f"INSERT INTO agent_database_leases VALUES ({marks})", values)
    sql(state / STATE)


@damage()
def job_an_array(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '[1]' WHERE name = 'job 1'")


@damage()
def job_of_an_unknown_schedule(state: Path) -> None:
    sql(
        state / STATE,
        "UPDATE cron_jobs SET job_json = json_set(job_json, '$.schedule.kind', 'weird') WHERE name = 'job 1'",
    )


@damage()
def entry_nested_deeply(state: Path) -> None:
    deep = "[" * 900 + "]" * 900
    sql(
        state / AGENT,
        "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.deep', json(?)), entry_valid = 1 "
        f"WHERE session_key = '{KEY}'",
        values=(deep,),
    )


@damage()
def entry_a_cleared_shell(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET entry_json = '{{}}' WHERE session_key = '{KEY}'",
        f"UPDATE session_nodes SET entry_valid = -1 WHERE session_key = '{KEY}'",
    )


@damage()
def entry_of_blanks(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '' WHERE session_key = '{KEY}'")


# Files of the file era beside databases


@damage()
def leftover_of_the_second_agent(state: Path) -> None:
    path = state / "agents" / "second" / "sessions" / "sessions.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"agent:second:main": entry()}))


@damage()
def leftover_with_a_mark(state: Path) -> None:
    """A byte order mark in front of a sound store."""
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    (state / STORE).write_bytes(b"\xef\xbb\xbf" + (state / STORE).read_bytes())


@damage()
def leftover_hard_link(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    os.link(state / STORE, state / "second-name.json")


@damage()
def leftover_a_link_to_nothing(state: Path) -> None:
    (state / STORE).parent.mkdir(parents=True, exist_ok=True)
    (state / STORE).symlink_to(state / "nowhere.json")


@damage()
def leftover_backup_only(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9999": entry()})
    (state / STORE).rename((state / STORE).with_name("sessions.json.bak.1774342800000"))


@damage()
def jobs_file_of_0_bytes(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron" / "jobs.json").write_bytes(b"")


@damage()
def jobs_file_a_directory(state: Path) -> None:
    (state / "cron" / "jobs.json").mkdir(parents=True)


@damage()
def jobs_state_file_torn(state: Path) -> None:
    (state / "cron").mkdir(exist_ok=True)
    (state / "cron" / "jobs-state.json").write_text('{"version": 1, "jobs": {')


@damage()
def delivery_file_torn(state: Path) -> None:
    (state / "delivery-queue").mkdir(exist_ok=True)
    (state / "delivery-queue" / "a.json").write_text('{"id": "a"')


@damage()
def old_task_database_of_garbage(state: Path) -> None:
    (state / "tasks").mkdir(exist_ok=True)
    (state / "tasks" / "runs.sqlite").write_bytes(b"garbage" * 1000)


@damage()
def approvals_torn(state: Path) -> None:
    (state / "exec-approvals.json").write_text('{"version": 1, "agents": {')


@damage()
def pairing_file_torn(state: Path) -> None:
    (state / "devices").mkdir(exist_ok=True)
    (state / "devices" / "paired.json").write_text('{"a": ')


@damage()
def config_of_0_bytes(state: Path) -> None:
    (state / "openclaw.json").write_bytes(b"")


@damage()
def config_a_directory(state: Path) -> None:
    (state / "openclaw.json").unlink()
    (state / "openclaw.json").mkdir()


@damage()
def database_of_an_agent_that_never_was(state: Path) -> None:
    settle(state / SECOND)
    target = state / "agents" / "third" / "agent" / SECOND.name
    target.parent.mkdir(parents=True)
    shutil.copyfile(state / SECOND, target)
