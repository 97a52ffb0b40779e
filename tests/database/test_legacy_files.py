"""Files of earlier releases that stop a start (docs/database.md, section 4)."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import run
from tests.fixtures_source.databases import state_database

from .made import connect

FIXTURE = Path(__file__).parents[2] / "fixtures" / "legacy-file-damaged"
NOW = "2026-04-02T09:00:00Z"
RULE = "legacy-file-damaged"
CREDENTIALS = "agents/main/agent/auth-profiles.json"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory of 2026.9.6 whose startup migrations are due, with a cut, an empty and a sound file of an earlier
    release."""
    shutil.copytree(FIXTURE / "state", tmp_path / "state")
    return tmp_path / "state"


def told(state: Path, *words: str) -> dict[str, Any]:
    return run(*words, "--all", "--json", "--state-dir", str(state), "--now", NOW).document


def refused(state: Path, rule: str = RULE) -> dict[str, dict[str, Any]]:
    return {Path(each["path"]).name: each for each in told(state, "scan")["findings"] if each["rule"] == rule}


def test_a_start_is_refused_until_the_files_are_moved(state: Path) -> None:
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    assert sorted(refused(state)) == ["exec-approvals.json", "telegram-pairing.json"]
    verdict = told(state, "scan")["verdict"]
    assert (verdict["start"], verdict["reason"]) == ("no", "A 2026.9.6 gateway refuses to start (exit 78).")
    told(state, "repair", "leftover", "--apply", "--yes", "--gateway-stopped")
    assert refused(state) == {}
    assert (state / "update-check.json").exists()
    told(state, "undo", "--yes", "--gateway-stopped")
    assert {path: path.read_bytes() for path in before} == before


def test_the_complete_lines_of_a_log_stay(state: Path) -> None:
    log, lost = state / "logs/config-audit.jsonl", state / "audit/crestodian.jsonl"
    for path in (log, lost):
        path.parent.mkdir(exist_ok=True)
    log.write_bytes(b'{"a": 1}\n{"b"\n\0\0{"c": 3}\n{"d": ')
    lost.write_bytes(b'{"a": ')
    before = log.read_bytes()
    assert {log.name, lost.name} <= set(refused(state))
    told(state, "repair", "leftover", "--apply", "--yes", "--gateway-stopped")
    assert refused(state) == {}
    assert log.read_bytes() == b'{"a": 1}\n{"c": 3}\n'
    assert not lost.exists()
    told(state, "undo", "--yes", "--gateway-stopped")
    assert log.read_bytes() == before


def test_sound_credentials_are_left_to_doctor(state: Path) -> None:
    shutil.rmtree(state / "credentials")
    (state / "exec-approvals.json").unlink()
    (state / CREDENTIALS).write_text('{"version": 1, "profiles": {}}')
    found = refused(state, "legacy-file-left")["auth-profiles.json"]
    assert (found["fix"], found["severity"]) == (None, "error")
    assert "exit 1" in told(state, "scan")["verdict"]["reason"]
    assert told(state, "repair", "leftover")["details"]["plan"]["steps"] == []


def test_damaged_credentials_go_to_the_vault(state: Path) -> None:
    (state / CREDENTIALS).write_text('{"version": 1, "prof')
    assert refused(state)["auth-profiles.json"]["fix"]["command"].startswith("gatewaydoctor repair leftover")
    told(state, "repair", "leftover", "--apply", "--yes", "--gateway-stopped")
    assert not (state / CREDENTIALS).exists()


def test_a_release_of_the_file_era_works_with_these_files(state: Path) -> None:
    config = json.loads((state / "openclaw.json").read_text())
    for path in ("state", "agents/main/agent"):
        shutil.rmtree(state / path)
    (state / "openclaw.json").write_text(json.dumps(config | {"meta": {"lastTouchedVersion": "2026.5.22"}}))
    (state / "workspace").mkdir()
    (state / "workspace/openclaw-workspace-state.json").write_text("{}")
    assert refused(state) == refused(state, "legacy-file-left") == {}


@pytest.mark.parametrize("release", ["2026.7.1", "2026.9.6"])
def test_only_a_release_with_sessions_in_databases_stops_at_a_workspace(state: Path, release: str) -> None:
    config = json.loads((state / "openclaw.json").read_text())
    config |= {
        "meta": {"lastTouchedVersion": release},
        "agents": {"defaults": {"workspace": str(state / "workspace")}},
    }
    (state / "openclaw.json").write_text(json.dumps(config))
    if release == "2026.7.1":
        shutil.rmtree(state / "agents/main/agent")
        (state / "state/openclaw.sqlite").write_bytes(state_database(1, 2))
        with closing(connect(state / "state/openclaw.sqlite")) as database:
            database.execute("UPDATE schema_meta SET app_version = ?", (release,))
    (state / "workspace").mkdir()
    (state / "workspace/openclaw-workspace-state.json").write_text("{torn")
    assert bool(refused(state, "legacy-file-left")) == (release == "2026.9.6")


@pytest.mark.parametrize(
    ("release", "done", "stops"),
    [
        ("2026.8.1", False, {"auth-profiles.json", "telegram-pairing.json", "update-check.json"}),
        ("2026.8.1", True, {"auth-profiles.json"}),
        ("2026.9.3", False, set()),
        ("2026.9.5", False, {"auth-profiles.json"}),
        (
            "2026.9.6",
            False,
            {"auth-profiles.json", "exec-approvals.json", "telegram-pairing.json", "update-check.json"},
        ),
    ],
)
def test_releases_stop_at_other_files(state: Path, release: str, done: bool, stops: set[str]) -> None:
    """As seen with each: docs/database.md, section 4. `done`: its startup migrations are."""
    (state / CREDENTIALS).write_text('{"version": 1, "profiles": {}}')
    (state / "update-check.json").write_text("")
    config = json.loads((state / "openclaw.json").read_text())
    (state / "openclaw.json").write_text(json.dumps(config | {"meta": {"lastTouchedVersion": release}}))
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        database.execute("UPDATE schema_meta SET app_version = ?", (release,))
        if done:
            row = "INSERT INTO schema_meta (meta_key, app_version) VALUES ('startup-migrations', ?)"
            database.execute(row, (f"{release}\n3\n",))
    assert set(refused(state)) | set(refused(state, "legacy-file-left")) == stops


@pytest.mark.parametrize("text", ["{torn", '{"version": 1, "profiles": {}}'])
@pytest.mark.parametrize(
    ("release", "done", "stops"),
    [("2026.8.1", False, True), ("2026.9.3", False, False), ("2026.9.6", False, True), ("2026.9.6", True, False)],
)
def test_credentials_of_before_agents_stop_a_start_that_moves_them(
    state: Path, release: str, done: bool, stops: bool, text: str
) -> None:
    old = state / "agent/auth-profiles.json"
    old.parent.mkdir()
    old.write_text(text)
    for path in (CREDENTIALS, "exec-approvals.json", "credentials/telegram-pairing.json"):
        (state / path).unlink(missing_ok=True)
    config = json.loads((state / "openclaw.json").read_text())
    (state / "openclaw.json").write_text(json.dumps(config | {"meta": {"lastTouchedVersion": release}}))
    with closing(connect(state / "state/openclaw.sqlite")) as database:
        database.execute("UPDATE schema_meta SET app_version = ?", (release,))
        if done:
            row = "INSERT INTO schema_meta (meta_key, app_version) VALUES ('startup-migrations', ?)"
            database.execute(row, (f"{release}\n3\n",))
    found = refused(state) | refused(state, "legacy-file-left")
    assert set(found) == ({"auth-profiles.json"} if stops else set())


def test_a_file_that_cannot_be_read_leaves_the_verdict_open(state: Path) -> None:
    for name in ("exec-approvals.json", "credentials/telegram-pairing.json"):
        (state / name).unlink()
    (state / "tui").mkdir()
    (state / "tui/last-session.json").mkdir()
    assert refused(state) == {}
    assert told(state, "scan")["verdict"]["start"] == "unknown"
