"""A gateway that starts while a run is at work, at every moment of it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.liveness import Evidence, GatewayState, Liveness, Witness
from gatewaydoctor.repair.run import watch
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs
from gatewaydoctor.repair.writing.errors import GatewayLive, GatewayUnknown, LeftHalfway, PutBack
from gatewaydoctor.repair.writing.tools import Permission
from tests.repair.scene import DEAD, contents, make, tools, tree

if TYPE_CHECKING:
    from pathlib import Path

GONE = GatewayState(Liveness.DEAD, (Evidence(Witness.LOCK, Liveness.DEAD, "There is no gateway lock."),))


class Arriving:
    """Stopped for that many questions, and then running, or not to be told."""

    def __init__(self, after: int, how: Liveness) -> None:
        self.after = after
        self.then = GatewayState(how, (*GONE.evidence, Evidence(Witness.PROCESS, how, "Process 7 has come.")))
        self.asked = 0

    def __call__(self) -> GatewayState:
        self.asked += 1
        return GONE if self.asked <= self.after else self.then


@pytest.fixture(autouse=True)
def _every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "AGAIN_AFTER_MS", 0)


@pytest.mark.parametrize("how", [Liveness.LIVE, Liveness.UNKNOWN])
def test_a_gateway_that_starts_during_an_apply(tmp_path: Path, how: Liveness) -> None:
    ends: list[str] = []
    for after in count():
        scene = make(tmp_path / f"state{after}")
        arriving = Arriving(after, how)
        try:
            receipt = apply(scene.plan, tools(), Permission(arriving))
        except (GatewayLive, GatewayUnknown):
            ends.append("refused")
        except PutBack as error:
            assert "Process 7 has come." in error.message
            ends.append("put back")
        else:
            assert receipt is not None and contents(scene.root) == scene.after
            if receipt.gateway_afterwards == "dead":
                break
            assert receipt.gateway_afterwards == how.value
            assert receipt.evidence_afterwards == ("Process 7 has come.",)
            ends.append("told")
            continue
        assert tree(scene.root) == scene.before
        assert not interrupted_runs(tools().fs, tools().processes, scene.root)
    # Asked before the work, before the vault is filled, and right before each of the six renames.
    assert ends == ["refused"] * ends.count("refused") + ["put back"] * 5 + ["told"]
    assert ends.count("refused") >= 3


def test_moves_by_the_thousand_are_asked_about_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "AGAIN_AFTER_MS", 10_000)
    scene = make(tmp_path / "state")
    arriving = Arriving(100, Liveness.LIVE)
    apply(scene.plan, tools(), Permission(arriving))
    often = arriving.asked
    monkeypatch.setattr(watch, "AGAIN_AFTER_MS", 0)
    arriving = Arriving(100, Liveness.LIVE)
    apply(make(tmp_path / "other").plan, tools(), Permission(arriving))
    assert often == arriving.asked - 2  # the second and third move of a group


def test_a_gateway_that_starts_during_an_undo(tmp_path: Path) -> None:
    ends: list[str] = []
    for after in count():
        scene = make(tmp_path / f"state{after}")
        apply(scene.plan, tools(), DEAD)
        done = tree(scene.root)
        run = find_run(tools(), scene.root, None, None)
        try:
            undo(run, tools(), Permission(Arriving(after, Liveness.LIVE)))
        except GatewayLive:
            ends.append("refused")
            assert tree(scene.root) == done
        except LeftHalfway as error:
            ends.append("halfway")
            assert "Process 7 has come." in error.message and "undo" in error.hint
            resume(find_run(tools(), scene.root, None, run.run_id), tools(), DEAD)
            assert tree(scene.root) == scene.before
        else:
            assert tree(scene.root) == scene.before
            break
    assert ends == ["refused"] * 2 + ["halfway"] * 6
