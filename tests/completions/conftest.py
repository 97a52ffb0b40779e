"""A state directory with runs, jobs and agents, some of them named to do harm, and the program on a PATH."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
OLD, NEW, TORN = "20260401T080000Z-0a1b2c3d", "20260402T083000Z-4e5f6a7b", "20260402T084500Z-8c9d0e1f"
JOBS = {"nightly": "Nightly backup", "a:b": "With a colon", "price check": "Blanks in its id", "back\\slash": ""}
HOSTILE = ("-rf", "red\x1b[31m", "tab\tbed", "two\nlines", "\udc80", "x" * 300, "")


def make_run(root: Path, name: str, states: tuple[str, ...], repairs: tuple[str, ...]) -> None:
    """The directory of a run in a vault, as far as an offer looks into it."""
    place = root / "runs" / name
    place.mkdir(parents=True)
    (place / "journal").write_text("".join(f'\n{{"at":1,"state":"{state}"}}\n' for state in states))
    plan = {"schemaVersion": "1.0", "planId": "0", "repairs": repairs, "acts": ["x" * 50_000]}
    (place / "plan.json").write_text(json.dumps(plan, separators=(",", ":")))


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    for agent in ("main", "ops"):
        (made / "agents" / agent / "sessions").mkdir(parents=True)
        (made / "agents" / agent / "sessions" / "sessions.json").write_text("{}")
    (made / "agents" / "stray.txt").write_text("no agent")
    jobs: list[object] = [{"id": job_id, "name": name} for job_id, name in JOBS.items()]
    jobs += [{"id": job_id, "name": "hostile"} for job_id in HOSTILE]
    jobs += [None, 7, {"name": "no id"}, {"id": "off", "name": "evil\x1b]0;title\x07\nname", "enabled": False}]
    (made / "cron").mkdir()
    (made / "cron" / "jobs.json").write_text(json.dumps({"version": 1, "jobs": jobs}))
    vault = made / ".gatewaydoctor"
    make_run(vault, OLD, ("preparing", "acting", "done"), ("trim", "expire"))
    make_run(vault, NEW, ("preparing", "done", "undoing", "undone"), ("salvage",))
    make_run(vault, TORN, ("preparing", "acting"), ("slim",))
    (vault / "runs" / ".half-removed").mkdir()
    return made


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds the program."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "gatewaydoctor"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(TOP)!r})\n"
        "from gatewaydoctor.__main__ import run\nrun()\n"
    )
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
