"""What a scan says of a directory with databases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.cli.harness import run

from .made import connect, insert

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_796_000_000_000


AGENT_PATH, STATE_PATH = "agents/main/agent/openclaw-agent.sqlite", "state/openclaw.sqlite"


def told(state: Path, *more: str) -> dict[str, Any]:
    return run("scan", "--json", "--all", "--state-dir", str(state), "--now", str(NOW), *more).document


def rules(state: Path, *more: str) -> dict[str, dict[str, Any]]:
    return {each["rule"]: each for each in told(state, *more)["findings"]}


def started(state: Path) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(database, "schema_meta", meta_key="startup-migrations", app_version="2026.9.6\n3\nx")
