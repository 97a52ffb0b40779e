"""While a run has a database between two states, `gate` holds the start back and every command names the run."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.model.repair.way_out import WayOut
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from tests.cli.harness import run as run_command
from tests.repair.faults import FaultFs, Killed, Mode, telling
from tests.repair.scene import DEAD, contents, tools
from tests.repair.test_every_repair import Stage
from tests.repair.test_transact import pending
from tests.world import NOW

if TYPE_CHECKING:
    from pathlib import Path

AGENT = "agents/main/agent/openclaw-agent.sqlite"


def gate(root: Path) -> tuple[int, str]:
    ran = run_command("gate", "--state-dir", str(root), "--now", str(NOW))
    return ran.code, ran.out + ran.err


@pytest.mark.parametrize(("way", "swaps"), [("undo", False), ("resume", True)])
def test_at_every_step_at_which_something_is_changed(ground: Path, way: str, swaps: bool) -> None:
    held, missing = 0, 0
    stage, straight = Stage.of(ground, Repair.COMPACT), FaultFs(swaps=swaps)
    root = stage.root
    apply(stage.fresh(), tools(straight), DEAD)
    stage.fresh()
    before = contents(root)
    assert gate(root)[0] == ExitCode.OK
    for step in telling(straight.log, Mode.KILL_AFTER):
        plan, fs = stage.fresh(), FaultFs(step, Mode.KILL_AFTER, swaps=swaps)
        with suppress(Killed):
            apply(plan, tools(fs), DEAD)
        assert fs.fault_met
        (run,) = pending(root) or (None,)
        gone = not (root / AGENT).exists()
        missing += gone
        if run is not None and run.state is RunState.APPLIED:
            assert not gone
        elif run is not None and contents(root) != before:
            code, said = gate(root)
            assert code == ExitCode.DO_NOT_START, (step, fs.log[-1])
            assert run.run_id in said, (step, said)
            held += 1
            (undo if way == "undo" else resume)(run, tools(), DEAD)
            assert gate(root)[0] == ExitCode.OK, (step, fs.log[-1])
        else:
            assert not gone, (step, fs.log[-1])
        fs.release()
    assert held > 3
    assert missing == 0 if swaps else missing > 0


@pytest.mark.parametrize("scene", ["agent_in_a_database", Repair.LOGS])
def test_a_database_or_log_that_is_only_moved_holds_it_back_too(ground: Path, scene: Repair | str) -> None:
    """Between its two moves a start would find a log without its database, and begin with an empty history."""
    stage, straight = Stage.of(ground, scene), FaultFs()
    apply(stage.fresh(), tools(straight), DEAD)
    stage.fresh()
    before, held = contents(stage.root), 0
    for step in telling(straight.log, Mode.KILL_AFTER):
        plan, fs = stage.fresh(), FaultFs(step, Mode.KILL_AFTER)
        with suppress(Killed):
            apply(plan, tools(fs), DEAD)
        (run,) = pending(stage.root) or (None,)
        if run is not None and run.state is not RunState.APPLIED and contents(stage.root) != before:
            code, said = gate(stage.root)
            assert (code, run.run_id in said) == (ExitCode.DO_NOT_START, True), fs.log[-1]
            held += 1
        fs.release()
    assert held


def halfway(ground: Path) -> Path:
    """A directory in which a repair of a database was killed after the database was replaced."""
    stage, fs = Stage.of(ground, Repair.COMPACT), AfterExchange()
    with suppress(Killed):
        apply(stage.fresh(), tools(fs), DEAD)
    fs.release()
    return stage.root


class AfterExchange(FaultFs):
    def exchange(self, one: Path, other: Path) -> bool:
        super().exchange(one, other)
        self.dead = True
        raise Killed


def test_it_is_held_back_also_where_it_takes_long_to_say_what_ends_the_run(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = halfway(ground)
    (run,) = pending(root)
    # The process that began the run is this one, of which the gate is a child.
    monkeypatch.setattr("gatewaydoctor.repair.vault.catalog._worker", lambda *_: None)
    assert f"Run: gatewaydoctor repair --resume {run.run_id}" in gate(root)[1]
    monkeypatch.setattr("gatewaydoctor.cli.shell.notices._way_out_of", lambda *_: time.sleep(60))
    ran = run_command("gate", "--state-dir", str(root), "--now", str(NOW), "--limit", "4")
    assert ran.code == ExitCode.DO_NOT_START
    assert f"run {run.run_id} was interrupted while it changed a database" in ran.err
    assert "Run: gatewaydoctor scan" in ran.err


def test_a_repair_that_is_at_work_on_a_database_is_waited_for(ground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = halfway(ground)
    monkeypatch.setattr("gatewaydoctor.repair.vault.catalog._worker", lambda *_: 4242)
    code, told = gate(root)
    assert code == ExitCode.DO_NOT_START
    assert "is changing a database; wait until it has finished" in told
    assert "interrupted" not in told


def test_what_ends_a_run_is_found_out_once(ground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, asked = halfway(ground), []
    monkeypatch.setattr("gatewaydoctor.repair.run.returns.way_out", lambda run, _: asked.append(run) or WayOut.RESUME)
    told = run_command("scan", "--state-dir", str(root), "--now", str(NOW), "--json").document
    assert "--resume" in told["next"]["command"]
    assert len(asked) == 1
