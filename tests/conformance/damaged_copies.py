"""Directories as copies, restores and moves leave them: files of several moments, places and owners."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from .damaged_pairs import due, in_log
from .damages import AGENT, KEY, PAGE, QUARANTINE, SECOND, STATE, STORE, damage, entry, poke, settle, sql, write_store

DATABASES = (AGENT, SECOND, STATE, QUARANTINE)
YEAR_MS = 365 * 86_400_000


def _without_logs(state: Path) -> None:
    for path in DATABASES:
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{state / path}{suffix}").unlink(missing_ok=True)


def _of_now(state: Path) -> None:
    """Every file written again, as `cp -r` does."""
    for path in sorted(state.rglob("*.sqlite*")):
        data, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()
        path.write_bytes(data)
        path.chmod(mode & 0o777)


@damage(hot=True)
def copied_with_cp(state: Path) -> None:
    _of_now(state)


@damage(hot=True)
def copied_with_cp_without_the_shms(state: Path) -> None:
    for path in DATABASES:
        Path(f"{state / path}-shm").unlink(missing_ok=True)
    _of_now(state)


@damage()
def restored_without_logs_after_a_clean_stop(state: Path) -> None:
    for path in DATABASES:
        settle(state / path)
    _without_logs(state)
    _of_now(state)


@damage()
def state_of_before_the_last_job(state: Path) -> None:
    """The state database of a backup that is older than the agents'."""
    sql(state / STATE, "DELETE FROM cron_jobs WHERE name = 'job 2'")
    sql(state / STATE, "UPDATE agent_databases SET last_seen_at = last_seen_at - 86400000")


@damage()
def state_of_before_the_second_agent(state: Path) -> None:
    sql(state / STATE, "DELETE FROM agent_databases WHERE agent_id = 'second'")


@damage()
def agent_of_an_older_schema_and_the_state_of_now(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA user_version = 19",
        "UPDATE schema_meta SET schema_version = 19, app_version = '2026.9.3' WHERE meta_key = 'primary'",
    )


@damage()
def state_of_an_older_schema(state: Path) -> None:
    sql(
        state / STATE,
        "PRAGMA user_version = 16",
        "UPDATE schema_meta SET schema_version = 16, app_version = '2026.9.3' WHERE meta_key = 'primary'",
    )


@damage()
def log_copied_before_the_database(state: Path) -> None:
    """A copy of a running gateway: its -wal first, then the database, into which another had been folded."""
    path = state / AGENT
    in_log(path, f"UPDATE session_nodes SET label = 'x' WHERE session_key = '{KEY}'")
    old = Path(f"{path}-wal").read_bytes()
    sql(path, "UPDATE session_nodes SET entry_valid = 1", "CREATE TABLE later (x)")
    sql(path, "INSERT INTO later VALUES (randomblob(400000))", "DELETE FROM later")
    settle(path)
    Path(f"{path}-wal").write_bytes(old)


@damage()
def database_copied_before_its_log(state: Path) -> None:
    """The database of a moment, and the -wal of a later one that begins with pages it does not have."""
    path = state / STATE
    settle(path)
    old = path.read_bytes()
    sql(path, "CREATE TABLE later (x)", "INSERT INTO later VALUES (randomblob(300000))")
    settle(path)
    in_log(path, "UPDATE cron_jobs SET updated_at = updated_at + 1")
    path.write_bytes(old)


@damage(hot=True)
def log_of_the_stopped_state_beside_the_agent(state: Path) -> None:
    shutil.copyfile(state / f"{STATE}-wal", state / f"{AGENT}-wal")
    Path(f"{state / AGENT}-shm").unlink(missing_ok=True)


@damage()
def database_cut_at_its_last_page_and_the_page_in_the_log(state: Path) -> None:
    path = state / AGENT
    in_log(path, "CREATE TABLE later (x)", "INSERT INTO later VALUES (randomblob(200000))")
    os.truncate(path, path.stat().st_size - PAGE)


@damage()
def everything_in_the_log(state: Path) -> None:
    """As after an import whose log was never folded in: the database has one page."""
    path = state / AGENT
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.create_function("octet_length", 1, lambda text: len(str(text).encode()), deterministic=True)
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("VACUUM")
        kept = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    path.write_bytes(kept[""][:PAGE])
    Path(f"{path}-wal").write_bytes(kept["-wal"])
    Path(f"{path}-shm").unlink(missing_ok=True)


@damage()
def modes_open_to_all(state: Path) -> None:
    for path in (state, *state.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


@damage()
def times_of_the_epoch(state: Path) -> None:
    for path in state.rglob("*"):
        os.utime(path, (0, 0))


@damage(hot=True)
def times_of_next_year(state: Path) -> None:
    later = time.time() + YEAR_MS / 1000
    for path in state.rglob("*"):
        os.utime(path, (later, later))


@damage()
def directories_of_agents_swapped(state: Path) -> None:
    agents = state / "agents"
    (agents / "main").rename(agents / "kept")
    (agents / "second").rename(agents / "main")
    (agents / "kept").rename(agents / "second")


@damage()
def an_agent_twice_under_another_name(state: Path) -> None:
    shutil.copytree(state / "agents" / "main", state / "agents" / "main.bak")


@damage()
def an_agent_in_capitals_too(state: Path) -> None:
    shutil.copytree(state / "agents" / "main", state / "agents" / "MAIN")


@damage()
def an_agent_in_capitals_too_with_migrations_due(state: Path) -> None:
    an_agent_in_capitals_too(state)
    due(state)


@damage()
def an_agent_in_capitals_without_a_database(state: Path) -> None:
    (state / "agents" / "MAIN" / "sessions").mkdir(parents=True)


@damage()
def agent_packed_beside_its_log(state: Path) -> None:
    path = state / AGENT
    in_log(path, "UPDATE schema_meta SET updated_at = updated_at + 1")
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@damage()
def copies_of_databases_beside_them(state: Path) -> None:
    for path in DATABASES:
        settle(state / path)
        for name in (".bak", ".pre-startup-migration-1.bak", ".corrupt-1", "-wal.orphaned-1"):
            shutil.copyfile(state / path, f"{state / path}{name}")


@damage()
def agent_set_aside_by_a_recovery(state: Path) -> None:
    path = state / AGENT
    settle(path)
    path.rename(f"{path}.corrupt-1796000000000")


@damage()
def a_copy_of_the_directory_inside(state: Path) -> None:
    shutil.copytree(state, state.with_name("inside"), symlinks=True)
    state.with_name("inside").rename(state / "backup")


@damage()
def only_the_agents(state: Path) -> None:
    for path in state.iterdir():
        if path.name not in ("agents", "openclaw.json"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@damage()
def only_the_state(state: Path) -> None:
    settle(state / STATE)
    shutil.rmtree(state / "agents")
    (state / "agents").mkdir()


@damage()
def agents_folder_of_the_second_missing_and_its_registry_too(state: Path) -> None:
    sql(state / STATE, "DELETE FROM agent_databases WHERE agent_id = 'second'")
    shutil.rmtree(state / "agents" / "second")


@damage()
def agent_missing_and_its_registry_too(state: Path) -> None:
    """Nothing names the database any more but the archive of its import."""
    settle(state / AGENT)
    (state / AGENT).unlink()
    sql(state / STATE, "DELETE FROM agent_databases WHERE agent_id = 'main'")


@damage()
def agent_its_registry_and_its_archive_missing(state: Path) -> None:
    """Only the quarantine store, and the jobs, still know of it."""
    settle(state / AGENT)
    shutil.rmtree(state / "agents" / "main")
    sql(state / STATE, "DELETE FROM agent_databases WHERE agent_id = 'main'")


@damage()
def config_of_before_the_second_agent(state: Path) -> None:
    path = state / "openclaw.json"
    config = json.loads(path.read_text())
    config["agents"]["list"] = [{"id": "main", "default": True}]
    path.write_text(json.dumps(config))


@damage()
def state_missing_and_the_quarantine_left(state: Path) -> None:
    settle(state / STATE)
    (state / STATE).unlink()
    assert (state / QUARANTINE).exists()


@damage()
def quarantine_of_another_directory(state: Path) -> None:
    """Restored under another path: what it records is of files that are not here."""
    sql(
        state / QUARANTINE,
        f"UPDATE agent_integrity_verifications SET path = replace(path, '{state}', '/srv/before'), clean_close = 0",
    )


@damage()
def records_of_another_directory(state: Path) -> None:
    """As a directory that was moved: every path that is recorded is one of before."""
    quarantine_of_another_directory(state)
    sql(
        state / STATE,
        f"UPDATE cron_jobs SET store_key = replace(store_key, '{state}', '/srv/before')",
        "UPDATE agent_databases SET path = '/srv/before/' || path WHERE path NOT LIKE '/%'",
    )


@damage()
def leftover_of_a_backup_and_the_agent_missing(state: Path) -> None:
    """The whole file era put back over a directory whose database was moved away."""
    settle(state / AGENT)
    (state / AGENT).unlink()
    archive = state / "agents" / "main" / "session-sqlite-import-archive"
    (store,) = archive.glob("legacy-store.sessions.json.imported-*")
    (state / STORE).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(store, state / STORE)
    sql(state / STATE, "DELETE FROM agent_databases WHERE agent_id = 'main'")
    due(state)


@damage()
def transcripts_of_a_backup_put_back(state: Path) -> None:
    archive = state / "agents" / "main" / "session-sqlite-import-archive"
    (state / STORE).parent.mkdir(parents=True, exist_ok=True)
    for path in archive.glob("*.jsonl.imported-*"):
        shutil.copyfile(path, (state / STORE).parent / f"{path.name.split('.')[1]}.jsonl")


@damage()
def half_of_the_agents_pages_of_before(state: Path) -> None:
    """A copy that went on while the gateway wrote: the second half is of a later moment."""
    path = state / AGENT
    settle(path)
    before = path.read_bytes()
    sql(path, "UPDATE session_nodes SET entry_json = json_set(entry_json, '$.label', hex(randomblob(3000)))")
    sql(path, "UPDATE session_nodes SET entry_valid = 1")
    settle(path)
    poke(path, 0, before[: len(before) // PAGE // 2 * PAGE])


@damage()
def holes_where_the_pages_were(state: Path) -> None:
    """A sparse copy whose data did not arrive: the size is right."""
    path = state / SECOND
    settle(path)
    size = path.stat().st_size
    os.truncate(path, PAGE)
    os.truncate(path, size)


@damage()
def leftover_and_log_of_an_agent_put_back(state: Path) -> None:
    in_log(state / AGENT, "UPDATE schema_meta SET updated_at = updated_at + 1")
    write_store(state, {KEY: entry(age_ms=10**11)})
    (state / AGENT).unlink()
