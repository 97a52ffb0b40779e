"""What the user who owns most of a directory of databases may not read or write, whoever scans (docs/database.md,
section 4): each was started with 2026.9.6 as that user."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.harness import run

FIXTURE = Path(__file__).parents[2] / "fixtures" / "database-lease"
NOW = "2026-05-02T09:00:00Z"
AGENT = "agents/main/agent/openclaw-agent.sqlite"
USER = 4711


@pytest.mark.parametrize(
    ("path", "mode", "owned", "why"),
    [
        ("agents", 0o000, True, "may not write to the agents' directories"),
        (AGENT, 0o600, False, "may not read a database"),
        (AGENT, 0o644, False, "may not write to a database"),
        ("agents/main/agent", 0o000, True, "may not write to the directory of a database"),
        ("state/openclaw.sqlite", 0o600, False, "may not read a database"),
        (AGENT, 0o600, True, None),
    ],
)
def test_a_start_as_the_owner_is_refused(tmp_path: Path, path: str, mode: int, owned: bool, why: str | None) -> None:
    state = tmp_path / "state"
    shutil.copytree(FIXTURE / "state", state)
    for each in (state, *state.rglob("*")):
        each.chmod(0o700 if each.is_dir() else 0o600)
        _give(each)
    if not owned:
        _give(state / path, 0)
    (state / path).chmod(mode)
    verdict = run("scan", "--json", "--state-dir", str(state), "--now", NOW).document["verdict"]
    (state / path).chmod(0o700)
    assert (verdict["start"] == "no" and "its user" in verdict["reason"]) is (why is not None)
    assert why is None or why in verdict["reason"]


def _give(path: Path, user: int = USER) -> None:
    try:
        shutil.chown(path, user, user)
    except PermissionError:
        pytest.skip("only root may give files away")
