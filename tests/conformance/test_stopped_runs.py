"""A real gateway is started, without `gate`, over a repair of two databases that was killed where it moves a file:
then what `scan` names is typed until no run is pending, and nothing of a person may be lost."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .damages import AGENT, SECOND, fill_log
from .gateways import start
from .record import told
from .test_repairs import Ground, asked, ground, sound  # noqa: F401  (one is a fixture)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance
MOVES = ("exchange", "rename", "rename_new")
TYPED = 4
"""Commands after which a run has ended, or never will."""
STOPS = """
import os, signal, sys
from gatewaydoctor.cli.shell.main import main
from gatewaydoctor.cli.shell import writing
from tests.repair.faults import FaultFs
at, swaps, log = int(sys.argv[1]), sys.argv[2] == "swaps", open(sys.argv[3], "w")
def met(step, name):
    print(name, file=log, flush=True)
    if step == at:
        os.kill(os.getpid(), signal.SIGKILL)
writing.OsWriteFs = lambda: FaultFs(swaps=swaps, hook=met)
sys.exit(main(sys.argv[4:]))
"""
"""Kills itself before its step number so and so, and logs the name of each."""
Content = dict[str, frozenset[tuple[object, ...]]]


def stopped(state: Path, at: int, ways: str) -> list[str]:
    """Trim is killed before step `at`; the names of the steps until then."""
    log = state.with_name("steps")
    words = ("repair", "trim", "--apply", "--yes", "--state-dir", str(state))
    done = subprocess.run([sys.executable, "-c", STOPS, str(at), ways, str(log), *words], check=False)
    assert done.returncode == (-signal.SIGKILL if at else 0)
    return log.read_text().split()


def doctor(state: Path, *words: str) -> dict[str, Any]:
    return typed(state, sys.executable, "-m", "gatewaydoctor", *words)


def typed(state: Path, *command: str) -> dict[str, Any]:
    env = {**os.environ, "OPENCLAW_STATE_DIR": str(state), "HOME": str(state.with_name("state-home"))}
    done = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def conversations(state: Path) -> Content:
    """Each conversation of both agents: its session and its events, by key."""
    asks = (
        "SELECT n.session_key, e.session_id, e.seq, e.event_json FROM session_nodes n "
        "LEFT JOIN transcript_events e ON e.session_id = n.current_session_id WHERE n.session_key NOT LIKE '%:cron:%'"
    )
    rows = [row for path in (AGENT, SECOND) if (state / path).is_file() for row in asked(state / path, asks)]
    return {str(key): frozenset(row[1:] for row in rows if row[0] == key) for key in {row[0] for row in rows}}


def ended(state: Path) -> list[str]:
    """What `scan` names is typed while a run is pending, and then for a copy that has more; the verbs."""
    verbs: list[str] = []
    while any(each["pending"] for each in doctor(state, "runs", "list")["details"]["runs"]):
        step = doctor(state, "scan")["next"]["command"]
        words = shlex.split(step)
        verbs.append(" ".join(each for each in words if each in ("undo", "repair", "--merge", "--resume")))
        done = typed(state, *words, "--yes")
        assert not done["error"], (step, done["error"])
        assert len(verbs) <= TYPED, verbs
    if any(each["rule"] == "store-copy-has-more" for each in doctor(state, "scan")["findings"]):
        verbs.append("repair salvage")
        assert not doctor(state, "repair", "salvage", "--apply", "--yes")["error"]
    return verbs


@pytest.mark.parametrize("ground", ["2026.9.6"], indirect=True)
@pytest.mark.parametrize("ways", ["swaps", "no swaps"])
def test_a_gateway_that_starts_over_a_stopped_run_costs_no_conversation(ways: str, ground: Ground) -> None:  # noqa: F811
    state, wrong = ground.state, []

    def fresh() -> None:
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(ground.stopped, state, symlinks=True)
        fill_log(state / AGENT)

    fresh()
    before = conversations(state)
    steps = stopped(state, 0, ways)
    moves = [number for number, name in enumerate(steps, 1) if name in MOVES]
    # From the first move into its place on to the step after the last one.
    for number, at in enumerate([*moves[1:], moves[-1] + 1], 1):
        fresh()
        stopped(state, at, ways)
        outcome = start(ground.command, state)
        verbs = ended(state)
        after = conversations(state)
        lost = sorted(key for key in before if not before[key] <= after.get(key, frozenset()))
        torn = [path.name for path in (state / AGENT, state / SECOND) if sound(path) != ["ok"]]
        again = start(ground.command, state)
        kept = conversations(state)
        lost += sorted(key for key in before if not before[key] <= kept.get(key, frozenset()))
        how = f"{'came up' if outcome.up else f'refused, exit {outcome.code}'}; then {', '.join(verbs) or 'nothing'}"
        happened = f"{len(lost)} lost, {len(torn)} unsound, {'up' if again.up else 'not up'}"
        told_so = told(
            ground.release, "stopped_runs", f"{ways}, move {number:02}", "0 lost, 0 unsound, up", happened, how
        )
        wrong += [] if told_so else [(at, how, lost, outcome.log[-500:])]
    assert not wrong
