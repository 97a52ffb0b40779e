"""Files, links, pipes and directories where a start looks for something else, next to databases."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.examine.databases import health
from gatewaydoctor.system.immutable import Fixed

from .asked import AGENT_PATH, STATE_PATH, rules, started, told
from .made import connect, insert

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_pipe_in_place_of_a_database_or_its_log_is_waited_for(state: Path, suffix: str) -> None:
    place = state / f"{AGENT_PATH}{suffix}"
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    assert "does not come up" in rules(state)["database-corrupt"]["consequence"]
    assert told(state)["verdict"]["start"] == "no"


def test_what_only_a_writer_meets_next_to_a_database(state: Path) -> None:
    """Read as ever; the gateway cannot write to it and refuses with exit 1."""
    started(state)
    (state / f"{AGENT_PATH}-shm").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}-shm").mkdir()
    assert "exit 1)" in rules(state)["database-corrupt"]["consequence"]
    (state / f"{AGENT_PATH}-shm").rmdir()
    (state / f"{AGENT_PATH}-wal").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}-wal").symlink_to(state / "elsewhere")
    assert "symbolic link" in rules(state)["database-corrupt"]["message"]


def test_a_file_in_place_of_the_directory_of_a_database_refuses(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=AGENT_PATH, schema_version=23)
    shutil.rmtree((state / AGENT_PATH).parent)
    (state / AGENT_PATH).parent.write_text("")
    found = rules(state)["database-missing"]
    assert (found["severity"], "exit 78" in found["consequence"]) == ("error", True)


def test_the_files_of_locks_have_to_be_databases(plain: Path) -> None:
    """2026.9.6 refused over garbage, a directory and a file in place of their directory, with exit 1."""
    started(plain)
    folder = plain / "tmp/openclaw-0"
    folder.mkdir(parents=True)
    for name in ("gateway.state.lock.sqlite", "gateway.f98e2a47.lock.sqlite"):
        (folder / name).write_bytes(b"")
    (folder / "other.txt").write_text("x")
    assert "database-corrupt" not in rules(plain)
    lock = folder / "gateway.state.lock.sqlite"
    lock.write_bytes(b"garbage" * 1_000)
    assert told(plain)["verdict"]["reason"] == "A 2026.9.6 gateway refuses to start (exit 1)."
    assert rules(plain)["database-corrupt"]["path"] == str(lock)
    lock.unlink()
    lock.mkdir()
    assert rules(plain)["database-corrupt"]["path"] == str(lock)
    shutil.rmtree(plain / "tmp")
    (plain / "tmp").write_text("")
    assert rules(plain)["database-corrupt"]["path"] == str(plain / "tmp")


def test_a_file_in_place_of_the_cron_directory_is_passed_over(plain: Path) -> None:
    """2026.9.6 ran the jobs of its database."""
    started(plain)
    (plain / "cron").write_text("")
    document = told(plain)
    assert (document["verdict"]["start"], "cron-store-unparseable" in rules(plain)) == ("yes", False)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_not_a_file_in_place_of_the_shm(plain: Path, make: Callable[[Path], None]) -> None:
    started(plain)
    shm = plain / f"{AGENT_PATH}-shm"
    shm.unlink(missing_ok=True)
    make(shm)
    assert "(exit 1)" in rules(plain)["database-corrupt"]["consequence"]


def test_a_link_in_place_of_the_states_log_has_a_code_of_its_own(plain: Path) -> None:
    started(plain)
    log_path = plain / f"{STATE_PATH}-wal"
    log_path.unlink(missing_ok=True)
    log_path.symlink_to("nowhere")
    assert "(exit 78)" in rules(plain)["database-corrupt"]["consequence"]


def test_a_database_that_nobody_may_change(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `chattr +i` leaves it: 2026.9.6 refused with exit 1."""
    started(plain)
    inode = (plain / AGENT_PATH).stat().st_ino
    monkeypatch.setattr(health, "fixed", lambda fd: Fixed.IMMUTABLE if os.fstat(fd).st_ino == inode else None)
    found = rules(plain)["database-corrupt"]
    assert (found["agentId"], "(exit 1)" in found["consequence"]) == ("main", True)
    assert found["evidence"]["command"].endswith(f" {plain / AGENT_PATH}")


def test_a_directory_of_a_database_that_nobody_may_change(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(plain)
    folder = (plain / AGENT_PATH).parent
    monkeypatch.setattr(health, "fixed_directory", lambda path: Fixed.IMMUTABLE if path == folder else None)
    found = rules(plain)["database-corrupt"]
    assert ("its directory is immutable" in found["message"], "(exit 1)" in found["consequence"]) == (True, True)
    assert found["evidence"]["command"].endswith(f" {folder}")


@pytest.mark.parametrize("place", ["state", "agents"])
def test_a_file_in_place_of_a_directory_that_leads_to_databases(plain: Path, place: str) -> None:
    shutil.copytree(plain / "agents/main", plain / "agents/second")
    with closing(connect(plain / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=AGENT_PATH, schema_version=23)
    started(plain)
    shutil.rmtree(plain / place)
    (plain / place).write_text("")
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "(exit 78)" in verdict["reason"]) == ("no", True)


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_directory_where_a_file_of_a_database_should_be(state: Path, suffix: str) -> None:
    (state / f"{AGENT_PATH}{suffix}").unlink(missing_ok=True)
    (state / f"{AGENT_PATH}{suffix}").mkdir()
    found = rules(state)
    assert "database-log-foreign" not in found
    assert "a directory" in found["database-corrupt"]["message"]
    assert "exit 78" in found["database-corrupt"]["consequence"]


def test_a_link_to_nothing_is_no_store(plain: Path) -> None:
    (plain / "agents/main/sessions/sessions.json").symlink_to(plain / "nowhere.json")
    assert told(plain)["verdict"]["start"] == "yes"


def test_a_file_in_place_of_the_sessions_directory_next_to_a_database_stops_nothing(plain: Path) -> None:
    (plain / "agents/main/sessions").rmdir()
    (plain / "agents/main/sessions").write_text("")
    assert told(plain)["verdict"]["start"] == "yes"


def test_a_directory_in_place_of_jobs_json_leaves_no_scheduler(plain: Path) -> None:
    (plain / "cron/jobs.json").mkdir(parents=True)
    verdict = told(plain)["verdict"]
    assert (verdict["start"], "no cron job runs" in verdict["reason"]) == ("at-risk", True)
