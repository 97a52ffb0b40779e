"""Databases that came from another host, and files of an earlier release beside them."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from .made import connect, insert
from .test_verify import AGENT_PATH, STATE_PATH, rules, started, state, told  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from pathlib import Path

SETUP = "workspace/openclaw-workspace-state.json"


@pytest.mark.parametrize("home", ["", "C:\\Users\\ada\\.openclaw\\"])
def test_a_registry_of_a_windows_host_names_the_files_that_are_here(state: Path, home: str) -> None:  # noqa: F811
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


def configured(state: Path, defaults: dict[str, object], second: dict[str, object]) -> None:  # noqa: F811
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
    state: Path,  # noqa: F811
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


def test_the_workspace_is_where_the_config_puts_it(state: Path, tmp_path: Path) -> None:  # noqa: F811
    configured(state, {"workspace": str(tmp_path / "work")}, {"workspace": str(tmp_path / "own")})
    started(state)
    for place in ("work/openclaw-workspace-state.json", "own/openclaw-workspace-state.json"):
        file = put(tmp_path / place)
        assert rules(state)["legacy-file-left"]["path"] == str(file)
        file.unlink()
    configured(state, {"workspace": str(tmp_path / "work")}, {})
    put(tmp_path / "work/second/openclaw-workspace-state.json")
    assert rules(state)["legacy-file-left"]["agentId"] == "second"


def test_that_a_workspace_was_attested_is_filed_under_its_path(state: Path) -> None:  # noqa: F811
    started(state)
    digest = sha256(str(state / "workspace").encode()).hexdigest()
    file = put(state / f"workspace-attestations/{digest}.attested", "openclaw-workspace-attestation:v1\n")
    assert rules(state)["legacy-file-left"]["path"] == str(file)
    file.unlink()
    file = put(state / "workspace.attested", "of another program")
    assert "legacy-file-left" not in rules(state)
    file.write_text("openclaw-workspace-attestation:v1\n")
    assert rules(state)["legacy-file-left"]["path"] == str(file)


def test_startup_migrations_that_are_due_import_it_unless_it_is_no_json(state: Path) -> None:  # noqa: F811
    file = put(state / SETUP)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="primary", app_version="2026.9.6")
    assert "legacy-file-left" not in rules(state)
    file.write_text("{torn")
    assert "cannot be read" in rules(state)["legacy-file-left"]["message"]
    assert told(state)["verdict"]["start"] == "no"


def test_a_release_that_starts_over_it_is_not_told_to_refuse(state: Path) -> None:  # noqa: F811
    put(state / SETUP)
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.8.1\n3\nx")
    assert "legacy-file-left" not in rules(state)
