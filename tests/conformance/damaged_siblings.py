"""Files next to the databases: where a directory should be, odd session stores, what a config is read with."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from typing import TYPE_CHECKING

from .damaged_pairs import due
from .damages import AGENT, DAMAGES, KEY, SECOND, STATE, Damage, damage, entry, settle, sql, write_store

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = (
    "credentials",
    "delivery-queue",
    "devices",
    "identity",
    "logs",
    "media",
    "plugins",
    "settings",
    "subagents",
)


def _a_file(state: Path, name: str) -> None:
    path = state / name
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no directory here")


for _name in _FOLDERS:
    DAMAGES[f"{_name}-folder-a-file"] = Damage(partial(_a_file, name=_name))


@damage()
def models_file_torn(state: Path) -> None:
    path = state / "agents/main/agent/models.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{torn")


@damage()
def models_file_a_directory(state: Path) -> None:
    (state / "agents/main/agent/models.json").mkdir()


@damage()
def variables_file_a_directory(state: Path) -> None:
    (state / ".env").mkdir()


@damage()
def variables_file_of_garbage(state: Path) -> None:
    (state / ".env").write_bytes(b"\xff\xfe\0=\n'torn\n" * 50)


@damage()
def fingerprint_key_of_0_bytes(state: Path) -> None:
    (state / "config-journal-fingerprint.key").write_bytes(b"")


@damage()
def fingerprint_key_a_directory(state: Path) -> None:
    path = state / "config-journal-fingerprint.key"
    path.unlink(missing_ok=True)
    path.mkdir()


# Session stores


@damage()
def leftover_with_a_time_of_text(state: Path) -> None:
    write_store(state, {KEY: entry() | {"updatedAt": "yesterday"}})


@damage()
def leftover_with_an_id_of_a_number(state: Path) -> None:
    write_store(state, {KEY: entry() | {"sessionId": 5}})


@damage()
def leftover_with_a_file_elsewhere(state: Path) -> None:
    write_store(state, {KEY: entry(sessionFile="/etc/hostname")})


@damage()
def leftover_with_an_unknown_status(state: Path) -> None:
    write_store(state, {f"{KEY}9": entry(status="odd")})


@damage()
def leftover_with_a_key_in_capitals(state: Path) -> None:
    write_store(state, {KEY.upper(): entry()})


@damage()
def leftover_with_two_keys_of_one_session(state: Path) -> None:
    write_store(state, {f"{KEY}8": entry(), f"{KEY}9": entry()})


@damage()
def leftover_with_an_empty_key(state: Path) -> None:
    write_store(state, {"": entry(), f"{KEY}9": entry()})


@damage()
def leftover_with_an_entry_that_is_a_list(state: Path) -> None:
    write_store(state, {KEY: [entry()]})


@damage()
def leftover_of_the_second_with_a_null(state: Path) -> None:
    path = state / "agents/second/sessions/sessions.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"agent:second:telegram:direct:x": None}))


@damage()
def leftover_with_a_huge_time(state: Path) -> None:
    text = json.dumps({KEY: entry() | {"updatedAt": 0}})
    write_store(state, {})
    (state / "agents/main/sessions/sessions.json").write_text(text.replace('"updatedAt": 0', '"updatedAt": 1e400'))


# Two at once


@damage()
def second_missing_and_a_newer_first(state: Path) -> None:
    settle(state / SECOND)
    (state / SECOND).unlink()
    sql(state / AGENT, "PRAGMA user_version = 99")


@damage()
def state_cut_and_a_leftover(state: Path) -> None:
    settle(state / STATE)
    os.truncate(state / STATE, (state / STATE).stat().st_size // 2 // 4096 * 4096)
    write_store(state, {KEY: entry(age_ms=10**11)})


@damage()
def jobs_elsewhere_and_an_entry_torn(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET store_key = '/elsewhere/cron/jobs.json'")
    sql(state / AGENT, f"UPDATE session_nodes SET entry_json = '{{torn' WHERE session_key = '{KEY}'")


@damage()
def both_keys_gone_and_migrations_due(state: Path) -> None:
    sql(state / STATE, "DELETE FROM device_identities", "DELETE FROM config_revision_keys")
    due(state)
