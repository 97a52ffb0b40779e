"""Running `scan` and `check` inside the test's own process, on directories worth formatting."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import make
from tests.cli import harness
from tests.world import DAY, HOUR, NOW, StateDir, job, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.harness import Ran

HOSTILE = 'a|b`c"d\\e\n::error title=x::y%0A##[error]z<script>&amp;@all #1 [l](u)\x07\x1b[31m\u202e\ufffe\ud800*_é'
"""Everything that means something to one of the readers."""


def run(*arguments: str) -> Ran:
    """One command line through main(), at NOW on an ordinary machine without a gateway, with the GitHub variables
    of the test."""
    passed = {name: os.environ[name] for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE") if name in os.environ}
    return harness.run(*arguments, "--now", str(NOW), env=passed)


def healthy(root: Path) -> Path:
    return StateDir(root).healthy().root


def stuck(root: Path, runs: int = 10) -> Path:
    """One finding, an error: stuck runs of one job."""
    state = StateDir(root)
    rows: dict[str, object] = {"agent:main:main": row(1, age=HOUR)}
    rows |= {run_key("backup", n): row(n, age=2 * DAY + n * HOUR, status="running") for n in range(10, 10 + runs)}
    state.store(rows)
    for number in (1, *range(10, 10 + runs)):
        state.transcript(number, age=2 * DAY + number * HOUR)
    state.jobs([job("backup", state={"nextRunAtMs": NOW + HOUR, "lastRunStatus": "ok"})])
    return state.root


def issue_61633(root: Path) -> Path:
    make("issue-61633", root / "issue-61633", scale=0.002, now=NOW)
    return root / "issue-61633"


def damaged(root: Path) -> Path:
    """A store that is cut short beside a sound one of another agent."""
    state = StateDir(root).healthy()
    path = state.root / "agents/main/sessions/sessions.json"
    state.store(path.read_bytes()[:-40])
    state.store({"agent:work:main": row(1)}, agent="work")
    state.transcript(1, agent="work")
    return state.root


def hostile(root: Path) -> Path:
    """Names made to break every format, in the path, keys, jobs, files and settings."""
    base = root / HOSTILE.replace("\ud800", "").replace("/", "")
    base.mkdir()
    state = StateDir(base, release=HOSTILE)
    keys = [f"agent:main:telegram:direct:{HOSTILE}{number}" for number in range(3)]
    rows: dict[str, object] = {key: row(number) for number, key in enumerate(keys)}
    rows[run_key(HOSTILE, 7)] = row(7, age=3 * DAY, status="running")
    rows[f"agent:main:cron:{HOSTILE}"] = row(8, age=3 * DAY, status="running", sessionFile=f"/nowhere/{HOSTILE}")
    rows[keys[0].upper()] = row(9)
    state.beside(f"{HOSTILE.replace(chr(0xD800), '').replace('/', '')}.jsonl", b"no transcript")
    rows_of_job = {run_key("backup", n): row(n, age=3 * DAY, status="running") for n in range(20, 24)}
    state.store(rows | rows_of_job)
    state.jobs([job("backup", name=HOSTILE, state={"runningAtMs": NOW - 3 * DAY}), job(HOSTILE)])
    return state.root


DIRECTORIES = {"healthy": healthy, "stuck": stuck, "61633": issue_61633, "damaged": damaged, "hostile": hostile}
