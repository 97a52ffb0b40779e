"""Databases that came from another host, and files of an earlier release beside them."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.checks.effects import start_effect
from gatewaydoctor.model.outcome.verdict import Effect, Start
from tests.repair.test_database_salvage import whole
from tests.world import RoomyFs, StateDir

from .asked import AGENT_PATH, STATE_PATH, rules, started, told
from .made import AGENT, STATE, Made, connect, insert

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import DiskSpace


@pytest.fixture
def state(tmp_path: Path) -> Path:
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    Made(root / AGENT_PATH, AGENT, 23)
    Made(root / STATE_PATH, STATE, 18)
    return root


SETUP = "workspace/openclaw-workspace-state.json"


@pytest.mark.parametrize("home", ["", "C:\\Users\\ada\\.openclaw\\"])
def test_a_registry_of_a_windows_host_names_the_files_that_are_here(state: Path, home: str) -> None:
    started(state)
    path = AGENT_PATH.replace("/", "\\")
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "agent_databases", agent_id="main", path=f"{home}{path}", schema_version=23)
    assert "database-missing" not in rules(state)
    (state / AGENT_PATH).unlink()
    (state / f"{AGENT_PATH}-wal").unlink(missing_ok=True)
    assert rules(state)["database-missing"]["path"].endswith(AGENT_PATH)


def put(path: Path, text: str = '{"version": 1}') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def configured(state: Path, defaults: dict[str, object], second: dict[str, object]) -> None:
    agents = {"defaults": defaults, "entries": {"main": {"default": True}, "second": second}}
    (state / "openclaw.json").write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        (SETUP, "main"),
        (f"{SETUP}.doctor-importing", "main"),
        ("workspace/.openclaw/workspace-state.json", "main"),
        ("workspace-second/openclaw-workspace-state.json", "second"),
        ("workspace-ghost/openclaw-workspace-state.json", None),
        ("workspace-attestations/other.attested", None),
    ],
)
def test_a_workspace_file_of_an_earlier_release_refuses_a_start(
    state: Path,
    name: str,
    agent: str | None,
) -> None:
    configured(state, {}, {})
    started(state)
    put(state / name)
    found = rules(state).get("legacy-file-left")
    if agent is None:
        assert found is None
        return
    assert found is not None
    assert (found["agentId"], found["path"], found["severity"]) == (agent, str(state / name), "error")
    verdict = told(state)["verdict"]
    assert (verdict["start"], "exit 78" in verdict["reason"]) == ("no", True)


def test_the_workspace_is_where_the_config_puts_it(state: Path, tmp_path: Path) -> None:
    configured(state, {"workspace": str(tmp_path / "work")}, {"workspace": str(tmp_path / "own")})
    started(state)
    for place in ("work/openclaw-workspace-state.json", "own/openclaw-workspace-state.json"):
        file = put(tmp_path / place)
        assert rules(state)["legacy-file-left"]["path"] == str(file)
        file.unlink()
    configured(state, {"workspace": str(tmp_path / "work")}, {})
    put(tmp_path / "work/second/openclaw-workspace-state.json")
    assert rules(state)["legacy-file-left"]["agentId"] == "second"


def test_that_a_workspace_was_attested_is_filed_under_its_path(state: Path) -> None:
    started(state)
    digest = sha256(str(state / "workspace").encode()).hexdigest()
    file = put(state / f"workspace-attestations/{digest}.attested", "openclaw-workspace-attestation:v1\n")
    assert rules(state)["legacy-file-left"]["path"] == str(file)
    file.unlink()
    file = put(state / "workspace.attested", "of another program")
    assert "legacy-file-left" not in rules(state)
    file.write_text("openclaw-workspace-attestation:v1\n")
    assert rules(state)["legacy-file-left"]["path"] == str(file)


def test_startup_migrations_that_are_due_import_it_unless_it_is_no_json(state: Path) -> None:
    file = put(state / SETUP)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", app_version="2026.9.6")
    assert "legacy-file-left" not in rules(state)
    file.write_text("{torn")
    assert "cannot be read" in rules(state)["legacy-file-left"]["message"]
    assert told(state)["verdict"]["start"] == "no"


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("update-check.json", '{"lastCheckedAt": "2026', True),
        ("update-check.json", "", True),
        ("update-check.json", "{}", False),
        ("identity/device.json", "{torn", True),
        ("delivery-queue/one.json", "{torn", True),
        ("tasks/runs.sqlite", "garbage", True),
        ("tasks/runs.sqlite", "", False),
        ("credentials/telegram-allowFrom.json", "{torn", True),
        ("restart-sentinel.json", "{torn", False),
    ],
)
def test_an_old_file_that_is_cut_ends_the_migrations_that_are_due(
    state: Path,
    name: str,
    text: str,
    refused: bool,
) -> None:
    put(state / name, text)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", app_version="2026.9.6")
    found = rules(state).get("legacy-file-damaged")
    assert (found is not None and found["severity"] == "error") == refused
    started(state)
    found = rules(state).get("legacy-file-damaged")
    assert (found is not None and found["severity"] == "info") == refused


def test_of_a_mount_for_reading_it_is_not_known_whether_the_gateway_has_it_so(tmp_path: Path) -> None:
    found = StateDir(tmp_path, "2026.9.6")
    whole(found.root)
    assert not found.findings("permissions")
    (finding,) = found.findings("permissions", fs=ForReading())
    assert "exit 1" in finding.consequence
    effect = start_effect(finding, found.examine().config.release, [finding])
    assert effect is not None
    assert effect.effect is Effect.UNREAD


class ForReading(RoomyFs):
    """On a volume that is mounted read-only."""

    def space(self, path: Path) -> DiskSpace:
        return replace(super().space(path), read_only=True)


@pytest.mark.parametrize("left", ["available", "inodes"])
def test_a_full_volume_refuses(tmp_path: Path, left: str) -> None:
    found = StateDir(tmp_path, "2026.9.6")
    whole(found.root)
    (finding,) = found.findings("disk-space", fs=RoomyFs(**{left: 0}))
    assert finding.consequence == "A 2026.9.6 gateway refuses to start (exit 78)."
    assert found.judge(fs=RoomyFs(**{left: 0})).verdict.start is Start.NO
    assert found.judge(fs=RoomyFs(**{left: 5})).verdict.start is not Start.NO


def test_a_release_that_starts_over_it_is_not_told_to_refuse(state: Path) -> None:
    put(state / SETUP)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.8.1\n3\nx")
    assert "legacy-file-left" not in rules(state)
