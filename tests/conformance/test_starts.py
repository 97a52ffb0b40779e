"""The forecast of a start, line by line, against what a start of the real release then does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from .came_true import Start, differences
from .gateways import environment, start
from .install import cache_dir, command
from .observed import observe
from .record import told
from .stand_in import StandIn, stand_in
from .start_directories import DIRECTORIES, Maker

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance
DATABASES = "2026.9.6"
SECONDS = {"2026.3.28": 130, "2026.4.25": 60, "2026.5.22": 160, DATABASES: 60}
LONGER = {("2026.5.22", "jobs"): 260, ("2026.5.22", "jobs_apart"): 260, (DATABASES, "jobs"): 200}
LONGER |= {(DATABASES, name): 240 for name in ("jobs_apart", "cap", "retention", "running")}
LONGER |= {("2026.5.22", name): 260 for name in ("cap", "retention")}
"""Where something happens later than that: how long a gateway that is up is watched."""
_OF_A_LATER = ("2026.3.28", "jobs_apart")
"""A directory with jobs-state.json is one of 2026.4.20 or later, whatever its config says."""
CASES = [case for name in DIRECTORIES for release in SECONDS if (case := (release, name)) != _OF_A_LATER]


@pytest.mark.parametrize(("release", "name"), CASES, ids=["-".join(case) for case in CASES])
def test_every_line_comes_true_and_nothing_happens_without_one(release: str, name: str, tmp_path: Path) -> None:
    with stand_in() as model:
        make = Maker(tmp_path / "state", release, _now(), model.config)
        DIRECTORIES[name](make)
        make.write()
        _compare(release, name, name, make.root, model)


@pytest.mark.parametrize("name", ["jobs", "running"])
def test_a_directory_of_databases_whose_gateway_was_killed_at_work(name: str, tmp_path: Path) -> None:
    with stand_in() as model:
        make = Maker(tmp_path / "state", DATABASES, _now(), model.config)
        DIRECTORIES[name](make)
        make.write()
        model.hang = True
        assert start(_command(DATABASES), make.root, stay_s=150, kill=True).up
        model.hang = False
        model.asked.clear()
        _compare(DATABASES, name, f"{name} after a kill", make.root, model)


_START = {True: "starts, and every line comes true", False: "does not start"}


def _compare(release: str, name: str, case: str, root: Path, model: StandIn) -> None:
    expected, before, began = forecast(root), observe(root), _now()
    seconds = LONGER.get((release, name), SECONDS[release])
    try:
        came = start(_command(release), root, stay_s=seconds, kill=release == DATABASES)
    except TimeoutError:
        blocked = any(event["kind"] == "blocks" and "npm" in event["what"] for event in expected["events"])
        assert told(release, "starts", case, _START[False] if blocked else _START[expected["starts"]], _START[False])
        return
    found: list[str] = []
    if came.up and expected["starts"]:
        found = differences(Start(expected["events"], before, observe(root), model.asked, began, seconds * 1000))
    happened = "; ".join(found) or _START[came.up]
    assert told(release, "starts", case, _START[expected["starts"]], happened), came.log[-2000:]


def forecast(root: Path) -> dict[str, Any]:
    """What `gatewaydoctor forecast --json` tells of it."""
    arguments = ["forecast", "--json", "--all", "--state-dir", str(root)]
    ran = subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", *arguments],
        env=environment(root),
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(ran.stdout)["details"]["forecast"]
    return told


def _command(release: str) -> list[str]:
    found = command(cache_dir(), release)
    if found is None:
        pytest.skip(f"openclaw {release} is not installed (make conformance)")
    return found


def _now() -> int:
    return int(time.time() * 1000)
