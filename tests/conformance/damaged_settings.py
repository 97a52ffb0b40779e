"""A sound directory of databases under another config, another clock or other owners; and two such facts at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

from .damaged_pairs import due, in_log
from .damages import (
    AGENT,
    KEY,
    PAGE,
    QUARANTINE,
    SECOND,
    STATE,
    STORE,
    damage,
    entry,
    leaf,
    poke,
    root,
    settle,
    sql,
    write_store,
)

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS


def config(state: Path, **more: Any) -> None:
    """Settings at the top level of the config; None takes one out."""
    path = state / "openclaw.json"
    found = json.loads(path.read_text())
    found |= more
    path.write_text(json.dumps({name: value for name, value in found.items() if value is not None}, indent=2))


def garbage(path: Path) -> None:
    settle(path)
    poke(path, 0, b"no database here")


def owner(state: Path, payload: object, expires_in_ms: int | None, *, key: str = "global", scope: str = "") -> None:
    now = int(time.time() * 1000)
    expires = None if expires_in_ms is None else now + expires_in_ms
    sql(
        state / STATE,
        "DELETE FROM state_leases",
        "INSERT INTO state_leases (scope, lease_key, owner, expires_at, heartbeat_at, payload_json, created_at, "
        "updated_at) VALUES (?, ?, 'x', ?, ?, ?, ?, ?)",
        values=(scope or "gateway-owner", key, expires, now, json.dumps(payload), now, now),
    )


def _started(pid: int) -> int:
    """Field 22 of its stat."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


# The config


@damage()
def agents_list_gone(state: Path) -> None:
    config(state, agents=None)


@damage()
def agents_list_empty(state: Path) -> None:
    config(state, agents={"list": []})


@damage()
def agents_by_name(state: Path) -> None:
    config(state, agents={"entries": {"main": {"default": True}, "second": {}}})


@damage()
def two_default_agents(state: Path) -> None:
    config(state, agents={"list": [{"id": "main", "default": True}, {"id": "second", "default": True}]})


@damage()
def no_default_agent(state: Path) -> None:
    config(state, agents={"list": [{"id": "second"}, {"id": "main"}]})


@damage()
def an_agent_twice(state: Path) -> None:
    config(state, agents={"list": [{"id": "main", "default": True}, {"id": "second"}, {"id": "second"}]})


@damage()
def agent_in_capitals_in_the_config(state: Path) -> None:
    config(state, agents={"list": [{"id": "Main", "default": True}, {"id": "SECOND"}]})


@damage()
def agent_without_an_id(state: Path) -> None:
    config(state, agents={"list": [{"default": True}, {"id": "second"}]})


@damage()
def agent_with_a_directory_elsewhere(state: Path) -> None:
    """The second agent's own directory is set: its database is looked for there."""
    config(
        state,
        agents={"list": [{"id": "main", "default": True}, {"id": "second", "agentDir": str(state / "other-agent")}]},
    )


@damage()
def agent_with_the_directory_of_the_first(state: Path) -> None:
    folder = str(state / AGENT.parent)
    config(state, agents={"list": [{"id": "main", "default": True}, {"id": "second", "agentDir": folder}]})


@damage()
def main_agent_gone_from_the_config(state: Path) -> None:
    config(state, agents={"list": [{"id": "second", "default": True}]})


@damage()
def session_store_set(state: Path) -> None:
    config(state, session={"store": str(state / "my" / "{agentId}.json")})


@damage()
def session_scope_global(state: Path) -> None:
    config(state, session={"scope": "global"})


@damage()
def main_key_set(state: Path) -> None:
    config(state, session={"mainKey": "work"})


@damage()
def cron_disabled_and_jobs_torn(state: Path) -> None:
    config(state, cron={"enabled": False})
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '{torn' WHERE name = 'job 1'")


@damage()
def cron_store_elsewhere_job(state: Path) -> None:
    config(state, cron={"store": str(state / "elsewhere" / "jobs.json")})


@damage()
def cron_store_torn_elsewhere_job(state: Path) -> None:
    (state / "elsewhere").mkdir()
    (state / "elsewhere" / "jobs.json").write_text('{"version": 1, "jobs": [{')
    config(state, cron={"store": str(state / "elsewhere" / "jobs.json")})


CRON_STORES: dict[str, bytes | None] = {
    "of_0_bytes": b"",
    "a_list": b"[]",
    "a_directory": None,
    "a_number": b"5",
    "without_jobs": b"{}",
    "with_jobs_of_text": b'{"version": 1, "jobs": "x"}',
    "with_a_comment": b'{"version": 1, "jobs": [] /* none */}',
    "with_a_byte_order_mark": b'\xef\xbb\xbf{"version": 1, "jobs": []}',
}


def _cron_store(state: Path, *, name: str) -> None:
    path = state / "elsewhere" / "jobs.json"
    path.parent.mkdir()
    data = CRON_STORES[name]
    path.mkdir() if data is None else path.write_bytes(data)
    config(state, cron={"store": str(path)})


for _name in CRON_STORES:
    damage(name=f"cron_store_elsewhere_{_name}_job")(partial(_cron_store, name=_name))


@damage()
def config_changed_and_a_leftover(state: Path) -> None:
    config(state, session={"scope": "per-sender"})
    write_store(state, {KEY: entry(age_ms=10**11)})


@damage()
def config_changed_and_an_entry_torn(state: Path) -> None:
    config(state, session={"scope": "per-sender"})
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'")


@damage()
def config_changed_and_the_agent_of_0_bytes(state: Path) -> None:
    config(state, session={"scope": "per-sender"})
    settle(state / AGENT)
    (state / AGENT).write_bytes(b"")


@damage()
def config_with_comments(state: Path) -> None:
    path = state / "openclaw.json"
    path.write_text("// mine\n" + path.read_text().replace('"plugins"', "plugins"))


@damage()
def config_with_a_mark(state: Path) -> None:
    path = state / "openclaw.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@damage()
def config_with_text_behind(state: Path) -> None:
    path = state / "openclaw.json"
    path.write_text(path.read_text() + "\n}")


@damage()
def config_with_an_unset_variable(state: Path) -> None:
    config(state, gateway={"mode": "local", "auth": {"mode": "token", "token": "${NO_SUCH_VARIABLE_HERE}"}})


@damage()
def config_including_nothing(state: Path) -> None:
    config(state, **{"$include": "./nowhere.json"})


@damage()
def config_of_a_remote_gateway(state: Path) -> None:
    config(state, gateway={"mode": "remote", "remote": {"url": "ws://127.0.0.1:9"}})


@damage()
def config_without_gateway(state: Path) -> None:
    config(state, gateway=None)


@damage()
def config_a_dangling_link(state: Path) -> None:
    (state / "openclaw.json").unlink()
    (state / "openclaw.json").symlink_to(state / "nowhere.json")


@damage()
def config_a_link(state: Path) -> None:
    (state / "openclaw.json").rename(state / "elsewhere.json")
    (state / "openclaw.json").symlink_to(state / "elsewhere.json")


@damage()
def config_missing_and_the_agent_garbage(state: Path) -> None:
    (state / "openclaw.json").unlink()
    garbage(state / AGENT)


@damage()
def config_torn_and_the_state_missing(state: Path) -> None:
    os.truncate(state / "openclaw.json", 60)
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def config_of_a_newer_release_and_the_agent_missing(state: Path) -> None:
    config(state, meta={"lastTouchedVersion": "2027.1.1", "lastTouchedAt": "2027-01-01T00:00:00.000Z"})
    settle(state / AGENT)
    (state / AGENT).unlink()


@damage()
def config_of_a_newer_patch(state: Path) -> None:
    config(state, meta={"lastTouchedVersion": "2026.9.7", "lastTouchedAt": "2026-09-30T00:00:00.000Z"})


@damage()
def config_of_a_newer_beta(state: Path) -> None:
    config(state, meta={"lastTouchedVersion": "2026.10.1-beta.1", "lastTouchedAt": "2026-09-30T00:00:00.000Z"})


@damage()
def config_touched_by_garbage(state: Path) -> None:
    config(state, meta={"lastTouchedVersion": "next", "lastTouchedAt": 5})


# Owners and leases


@damage()
def owner_lease_of_this_very_process(state: Path) -> None:
    pid = os.getpid()
    payload = {"owner": {"pid": pid, "host": socket.gethostname(), "startedAt": _started(pid)}, "port": 1}
    owner(state, payload, 300_000)


@damage()
def owner_lease_of_a_process_with_another_start(state: Path) -> None:
    owner(state, {"owner": {"pid": os.getpid(), "host": socket.gethostname(), "startedAt": 5}, "port": 1}, 300_000)


@damage()
def owner_lease_of_a_running_pid_without_a_start(state: Path) -> None:
    owner(state, {"owner": {"pid": os.getpid(), "host": socket.gethostname()}, "port": 1}, 300_000)


@damage()
def owner_lease_of_this_host_in_capitals(state: Path) -> None:
    owner(state, {"owner": {"pid": 4194000, "host": socket.gethostname().upper(), "startedAt": 5}}, 300_000)


@damage()
def owner_lease_of_a_host_without_name(state: Path) -> None:
    owner(state, {"owner": {"pid": 4194000, "host": "", "startedAt": 5}}, 300_000)


@damage()
def owner_lease_of_an_unnamed_host(state: Path) -> None:
    owner(state, {"owner": {"pid": 4194000, "startedAt": 5}}, 300_000)


@damage()
def owner_lease_of_a_pid_in_quotes(state: Path) -> None:
    owner(state, {"owner": {"pid": "4194000", "host": socket.gethostname(), "startedAt": 5}}, 300_000)


@damage()
def owner_lease_of_pid_0(state: Path) -> None:
    owner(state, {"owner": {"pid": 0, "host": socket.gethostname(), "startedAt": 5}}, 300_000)


@damage()
def owner_lease_an_array(state: Path) -> None:
    owner(state, [1], 300_000)


@damage()
def owner_lease_under_another_key(state: Path) -> None:
    owner(state, {"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}, 300_000, key="other")


@damage()
def lease_of_an_unknown_scope(state: Path) -> None:
    owner(state, {"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}, 300_000, scope="something-else")


@damage()
def owner_lease_until_the_year_3000(state: Path) -> None:
    owner(state, {"owner": {"pid": 4194000, "host": socket.gethostname(), "startedAt": 5}}, 1000 * YEAR_MS)


@damage()
def maintenance_lease_expired(state: Path) -> None:
    owner(state, {}, -1000, scope="core:agent-database-maintenance")


@damage()
def maintenance_lease_without_end(state: Path) -> None:
    owner(state, {}, None, scope="core:agent-database-maintenance")


@damage()
def maintenance_lease_of_the_year_3000(state: Path) -> None:
    owner(state, {}, 1000 * YEAR_MS, scope="core:agent-database-maintenance")


@damage()
def database_lease_with_another_start_time(state: Path) -> None:
    _database_lease(state, AGENT, os.getpid(), 5)


@damage()
def database_lease_of_this_process_on_the_second_agent(state: Path) -> None:
    _database_lease(state, SECOND, os.getpid(), _started(os.getpid()))


@damage()
def database_lease_of_this_process_on_another_directory(state: Path) -> None:
    _database_lease(state, Path("/srv/before", AGENT), os.getpid(), _started(os.getpid()))


@damage()
def database_lease_of_this_process_without_a_start_time(state: Path) -> None:
    _database_lease(state, AGENT, os.getpid(), None)


@damage()
def database_lease_of_this_process_and_migrations_due(state: Path) -> None:
    _database_lease(state, AGENT, os.getpid(), _started(os.getpid()))
    due(state)


def _database_lease(state: Path, path: Path, pid: int, started: int | None) -> None:
    agent = path.parts[-3]
    sql(
        state / STATE,
        "INSERT INTO agent_database_leases VALUES ('l', ?, ?, ?, ?, 5)",
        values=(agent, str(state / path), pid, started),
    )


# The clock


@damage()
def boots_in_the_future(state: Path) -> None:
    sql(
        state / STATE, "UPDATE gateway_boot_lifecycle SET started_at_ms = started_at_ms + 99000000000, outcome = NULL"
    )


@damage()
def five_unclean_boots_a_moment_ago(state: Path) -> None:
    now = int(time.time() * 1000)
    rows = ", ".join(f"('b{number}', 4194000, {now - number * 1000}, NULL, NULL, NULL, NULL)" for number in range(5))
    sql(state / STATE, f"INSERT INTO gateway_boot_lifecycle VALUES {rows}")


@damage()
def verified_in_the_future(state: Path) -> None:
    sql(state / QUARANTINE, "UPDATE agent_integrity_verifications SET verified_at = verified_at + 99000000000")


@damage()
def updated_before_the_epoch(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET updated_at = -5, entry_json = json_set(entry_json, '$.updatedAt', -5)",
        "UPDATE session_nodes SET entry_valid = 1",
    )


@damage()
def updated_at_0(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET updated_at = 0, entry_json = json_set(entry_json, '$.updatedAt', 0)",
        "UPDATE session_nodes SET entry_valid = 1",
    )


@damage()
def updated_at_half_a_millisecond(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET entry_json = json_set(entry_json, '$.updatedAt', 1796000000000.5) "
        f"WHERE session_key = '{KEY}'",
        "UPDATE session_nodes SET entry_valid = 1",
    )


@damage()
def schema_of_a_negative_time(state: Path) -> None:
    sql(state / AGENT, "UPDATE schema_meta SET created_at = -1, updated_at = -1")


# Places


@damage()
def agent_that_may_not_change(state: Path) -> None:
    settle(state / AGENT)
    os.system(f"chattr +i '{state / AGENT}'")


@damage()
def state_that_may_not_change(state: Path) -> None:
    settle(state / STATE)
    os.system(f"chattr +i '{state / STATE}'")


@damage()
def quarantine_that_may_not_change(state: Path) -> None:
    settle(state / QUARANTINE)
    os.system(f"chattr +i '{state / QUARANTINE}'")


@damage()
def second_agent_that_may_not_change(state: Path) -> None:
    settle(state / SECOND)
    os.system(f"chattr +i '{state / SECOND}'")


@damage()
def folder_of_the_agent_that_may_not_change(state: Path) -> None:
    settle(state / AGENT)
    os.system(f"chattr +i '{(state / AGENT).parent}'")


@damage()
def shm_a_link(state: Path) -> None:
    settle(state / AGENT)
    (state / f"{AGENT}-shm").symlink_to(state / "elsewhere-shm")


@damage()
def shm_a_pipe(state: Path) -> None:
    settle(state / AGENT)
    os.mkfifo(state / f"{AGENT}-shm")


@damage()
def journal_a_dangling_link(state: Path) -> None:
    settle(state / AGENT)
    (state / f"{AGENT}-journal").symlink_to(state / "nowhere-journal")


@damage()
def log_with_a_second_name(state: Path) -> None:
    in_log(state / AGENT, "UPDATE schema_meta SET updated_at = updated_at + 1")
    os.link(state / f"{AGENT}-wal", state / "second-name-wal")


@damage()
def states_shm_a_directory(state: Path) -> None:
    settle(state / STATE)
    (state / f"{STATE}-shm").mkdir()


@damage()
def states_log_a_link(state: Path) -> None:
    settle(state / STATE)
    (state / "elsewhere-wal").write_bytes(b"")
    (state / f"{STATE}-wal").symlink_to(state / "elsewhere-wal")


@damage()
def states_journal_a_directory(state: Path) -> None:
    settle(state / STATE)
    (state / f"{STATE}-journal").mkdir()


@damage()
def states_log_a_pipe(state: Path) -> None:
    settle(state / STATE)
    os.mkfifo(state / f"{STATE}-wal")


@damage()
def seconds_log_a_directory(state: Path) -> None:
    settle(state / SECOND)
    (state / f"{SECOND}-wal").mkdir()


@damage()
def seconds_log_a_link(state: Path) -> None:
    settle(state / SECOND)
    (state / "elsewhere-wal").write_bytes(b"")
    (state / f"{SECOND}-wal").symlink_to(state / "elsewhere-wal")


@damage()
def seconds_shm_a_directory(state: Path) -> None:
    settle(state / SECOND)
    (state / f"{SECOND}-shm").mkdir()


@damage()
def seconds_journal_a_directory(state: Path) -> None:
    settle(state / SECOND)
    (state / f"{SECOND}-journal").mkdir()


@damage()
def quarantine_a_link(state: Path) -> None:
    settle(state / QUARANTINE)
    (state / QUARANTINE).rename(state / "elsewhere.sqlite")
    (state / QUARANTINE).symlink_to(state / "elsewhere.sqlite")


@damage()
def quarantine_a_pipe(state: Path) -> None:
    (state / QUARANTINE).unlink()
    os.mkfifo(state / QUARANTINE)


@damage()
def quarantines_journal_of_garbage(state: Path) -> None:
    (state / f"{QUARANTINE}-journal").write_bytes(b"garbage" * 1000)


@damage()
def agents_parent_a_dangling_link(state: Path) -> None:
    shutil.rmtree(state / "agents" / "main" / "agent")
    (state / "agents" / "main" / "agent").symlink_to(state / "nowhere")


@damage()
def agents_parent_a_link(state: Path) -> None:
    (state / "agents" / "main" / "agent").rename(state / "elsewhere-agent")
    (state / "agents" / "main" / "agent").symlink_to(state / "elsewhere-agent")


@damage()
def agents_a_link(state: Path) -> None:
    (state / "agents").rename(state / "elsewhere-agents")
    (state / "agents").symlink_to(state / "elsewhere-agents")


@damage()
def state_folder_a_file(state: Path) -> None:
    shutil.rmtree(state / "state")
    (state / "state").write_text("")


@damage()
def agents_a_file(state: Path) -> None:
    shutil.rmtree(state / "agents")
    (state / "agents").write_text("")


@damage()
def tmp_folder_a_file(state: Path) -> None:
    shutil.rmtree(state / "tmp", ignore_errors=True)
    (state / "tmp").write_text("")


@damage()
def lock_databases_of_garbage(state: Path) -> None:
    for path in (state / "tmp").rglob("*.lock.sqlite"):
        path.write_bytes(b"garbage" * 1000)


@damage()
def lock_databases_directories(state: Path) -> None:
    for path in list((state / "tmp").rglob("*.lock.sqlite")):
        path.unlink()
        path.mkdir()


@damage()
def import_runs_a_file(state: Path) -> None:
    shutil.rmtree(state / "session-sqlite-migration-runs")
    (state / "session-sqlite-migration-runs").write_text("")


# Two at once


@damage()
def agent_garbage_and_quarantined(state: Path) -> None:
    garbage(state / AGENT)
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'agent', 'malformed', 1, '2026.9.6', NULL)",
        values=(str(state / AGENT),),
    )


@damage()
def agent_garbage_and_an_owner_elsewhere(state: Path) -> None:
    owner(state, {"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}, 300_000)
    garbage(state / AGENT)


@damage()
def agent_missing_and_an_owner_elsewhere(state: Path) -> None:
    owner(state, {"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}, 300_000)
    settle(state / AGENT)
    (state / AGENT).unlink()


@damage()
def agent_newer_and_second_garbage(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = 99")
    garbage(state / SECOND)


@damage()
def agent_newer_and_the_state_missing(state: Path) -> None:
    sql(state / AGENT, "PRAGMA user_version = 99")
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def second_garbage_and_an_entry_torn(state: Path) -> None:
    garbage(state / SECOND)
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'")


@damage()
def second_garbage_and_an_entry_torn_with_migrations_due(state: Path) -> None:
    second_garbage_and_an_entry_torn(state)
    due(state)


@damage()
def second_garbage_and_the_first_missing(state: Path) -> None:
    garbage(state / SECOND)
    settle(state / AGENT)
    (state / AGENT).unlink()


@damage()
def second_garbage_and_a_job_torn(state: Path) -> None:
    garbage(state / SECOND)
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '{torn' WHERE name = 'job 1'")


@damage()
def second_garbage_and_a_leftover_of_its_own(state: Path) -> None:
    garbage(state / SECOND)
    path = state / "agents" / "second" / "sessions" / "sessions.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"agent:second:main": entry()}))


@damage()
def second_garbage_and_a_leftover_of_its_own_with_migrations_due(state: Path) -> None:
    second_garbage_and_a_leftover_of_its_own(state)
    due(state)


@damage()
def second_missing_and_a_leftover_of_its_own_with_migrations_due(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).unlink()
    path = state / "agents" / "second" / "sessions" / "sessions.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"agent:second:telegram:direct:1001": entry()}))
    due(state)


@damage()
def agent_of_0_bytes_and_a_leftover_with_migrations_due(state: Path) -> None:
    settle(state / AGENT)
    (state / AGENT).write_bytes(b"")
    write_store(state, {KEY: entry()})
    due(state)


@damage()
def leftover_torn_and_the_state_missing(state: Path) -> None:
    write_store(state, {KEY: entry()})
    os.truncate(state / STORE, 30)
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def leftover_and_the_state_missing(state: Path) -> None:
    write_store(state, {"agent:main:telegram:direct:9": entry()})
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def entry_torn_and_the_state_missing(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'")
    settle(state / STATE)
    (state / STATE).unlink()


@damage()
def agent_garbage_and_the_state_of_0_bytes(state: Path) -> None:
    garbage(state / AGENT)
    settle(state / STATE)
    (state / STATE).write_bytes(b"")


@damage()
def both_agents_garbage(state: Path) -> None:
    garbage(state / AGENT)
    garbage(state / SECOND)


@damage()
def second_and_the_quarantine_garbage(state: Path) -> None:
    garbage(state / SECOND)
    (state / QUARANTINE).write_bytes(b"garbage" * 1000)


@damage()
def second_quarantined_and_garbage(state: Path) -> None:
    garbage(state / SECOND)
    sql(
        state / QUARANTINE,
        "INSERT INTO quarantined_databases VALUES (?, 'agent', 'malformed', 1, '2026.9.6', NULL)",
        values=(str(state / SECOND),),
    )


@damage()
def jobs_file_torn_and_a_job_torn(state: Path) -> None:
    (state / "cron" / "jobs.json").write_text('{"version": 1, "jobs": [{')
    sql(state / STATE, "UPDATE cron_jobs SET job_json = '{torn' WHERE name = 'job 1'")


@damage()
def second_page_zeroed_and_a_trigger_of_the_first_missing(state: Path) -> None:
    settle(state / SECOND)
    poke(state / SECOND, (leaf(state / SECOND, root(state / SECOND, "session_nodes")) - 1) * PAGE, bytes(PAGE))
    sql(state / AGENT, "DROP TRIGGER session_nodes_canonical_pending_after_update")


@damage()
def maintenance_lease_and_a_page_zeroed(state: Path) -> None:
    owner(state, {}, 60_000, scope="core:agent-database-maintenance")
    settle(state / AGENT)
    poke(state / AGENT, (leaf(state / AGENT, root(state / AGENT, "session_nodes")) - 1) * PAGE, bytes(PAGE))


@damage()
def state_page_zeroed_and_the_agent_missing(state: Path) -> None:
    settle(state / STATE)
    poke(state / STATE, (root(state / STATE, "task_runs") - 1) * PAGE, bytes(PAGE))
    settle(state / AGENT)
    (state / AGENT).unlink()
