"""SIGINT, SIGTERM and SIGHUP at any moment of what writes; memory that is not there."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from gatewaydoctor.cli.shell.signals import held_back
from gatewaydoctor.examine.gateway import gateway_of
from gatewaydoctor.repair.vault.catalog import interrupted_runs
from tests.cli.harness import Ran, run
from tests.repair.faults import FaultFs
from tests.repair.scene import tools, tree
from tests.world import DAY, NOW, StateDir, row, run_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.liveness import GatewayState

CLOCK = ("--now", str(NOW))
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def nothing_ignored() -> Iterator[None]:
    """As on a terminal: a job in the background of a shell ignores SIGINT."""
    former = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.fixture
def ill(tmp_path: Path) -> Path:
    """Rows to trim, with transcripts to move, and a temp file."""
    state = StateDir(tmp_path)
    rows = {run_key("j", n): row(n, age=3 * DAY) | {"sessionId": f"r{n}"} for n in range(5)}
    state.store(rows | {"agent:main:direct:ann": row(9) | {"sessionId": "ann"}})
    for name in ("r0", "r1", "r2", "ann"):
        (state.root / f"agents/main/sessions/{name}.jsonl").write_text(f'{{"type":"session","id":"{name}"}}\n')
    return state.root


def leftovers(root: Path) -> list[Path]:
    return list(root.rglob(".gatewaydoctor.*"))


class Asking:
    """Asks for the gateway, and gets a signal the `at`-th time."""

    def __init__(self, number: int, at: int) -> None:
        self.number, self.at, self.asked = number, at, 0

    def __call__(self, *given) -> GatewayState:
        self.asked += 1
        if self.asked == self.at:
            os.kill(os.getpid(), self.number)
        return gateway_of(*given)


def writing(fs: FaultFs, *words: str) -> Ran:
    clock = () if "--now" in words else CLOCK
    with patch("gatewaydoctor.cli.shell.writing.OsWriteFs", lambda: fs):
        return run(*words, "--yes", *clock)


def sending(number: int, at: int, times: int = 1) -> FaultFs:
    """A file system that gets a signal at one of its steps, or at several in a row."""

    def hook(step: int, _name: str) -> None:
        if at <= step < at + times:
            os.kill(os.getpid(), number)

    return FaultFs(hook=hook)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("times", [1, 50])
def test_an_apply_is_put_back_or_done_at_every_step(ill: Path, number: signal.Signals, times: int) -> None:
    """At each step for one of the signals, which all take the same way from there, and at every seventh else."""
    before = tree(ill)
    words = ("repair", "trim", "--apply", "--state-dir", str(ill))
    counted = FaultFs()
    assert writing(counted, *words).code == 0
    assert run("undo", "--yes", "--state-dir", str(ill), *CLOCK).code == 0
    assert tree(ill) == before
    stopped = 0
    every = 1 if (number, times) == (signal.SIGTERM, 1) else 7
    for at in range(1, counted.steps + 1, every):
        ran = writing(sending(number, at, times), *words)
        assert leftovers(ill) == [], at
        if ran.code == 0:
            assert "Done in " in ran.out
            assert run("undo", "--yes", "--state-dir", str(ill), *CLOCK).code == 0
        else:
            assert ran.code == 130, (at, ran.err)
            assert "Stopped; nothing was changed." in ran.err or "all changes were rolled back" in ran.err
            stopped += 1
        assert tree(ill) == before, at
        assert not interrupted_runs(tools().fs, tools().processes, ill)
    assert stopped > counted.steps // (2 * every)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_between_two_steps_of_the_disk(ill: Path, number: signal.Signals) -> None:
    """It comes while the process table is read, of which there is much in an apply."""
    before = tree(ill)
    for at in range(1, 30):
        asking = Asking(number, at)
        with patch("gatewaydoctor.cli.shell.writing.gateway_of", asking):
            ran = writing(FaultFs(), "repair", "trim", "--apply", "--state-dir", str(ill))
        assert leftovers(ill) == [], at
        if asking.asked < at:
            assert at > 5
            return
        assert ran.code == 0 or "changed." in ran.err or "all changes were rolled back" in ran.err, (at, ran.err)
        if ran.code == 0:
            assert run("undo", "--yes", "--state-dir", str(ill), *CLOCK).code == 0
        assert tree(ill) == before, at
    pytest.fail("it asks without end")


@pytest.mark.parametrize("number", SIGNALS)
def test_an_undo_ends_between_two_files_and_says_how_to_go_on(ill: Path, number: signal.Signals) -> None:
    before = tree(ill)
    assert writing(FaultFs(), "repair", "trim", "--apply", "--state-dir", str(ill)).code == 0
    codes = []
    for at in range(1, 200):
        ran = writing(sending(number, at), "undo", "--state-dir", str(ill))
        codes.append(ran.code)
        if ran.code == 0:
            break
        assert ran.code == 130, ran.err
        runs = [path.name for path in (ill / ".gatewaydoctor/runs").iterdir()]
        assert f"Stopped: run {runs[0]} is only partly undone." in ran.err
        assert f"gatewaydoctor undo {runs[0]}" in ran.err
    assert codes.count(130) >= 2
    assert tree(ill) == before and leftovers(ill) == []


def test_a_prune_ends_between_two_runs(ill: Path) -> None:
    at = ("--state-dir", str(ill))
    for _ in range(3):
        assert writing(FaultFs(), "repair", "trim", "--apply", *at).code == 0
        assert writing(FaultFs(), "undo", *at).code == 0
    chosen = ("--older-than", "0s", "--now", str(NOW + DAY * 9999))
    ran = writing(sending(signal.SIGTERM, 1), "runs", "prune", *at, *chosen)
    assert ran.code == 130
    assert "Stopped: 1 of 3 runs are deleted, the others are as they were." in ran.err
    assert len(list((ill / ".gatewaydoctor/runs").iterdir())) == 2


def test_before_anything_is_written_a_signal_ends_at_once(ill: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with patch("gatewaydoctor.cli.verbs.repair.confirm", interrupted):
        ran = run("repair", "trim", "--apply", "--state-dir", str(ill), *CLOCK)
    assert (ran.code, (ill / ".gatewaydoctor").exists()) == (130, False)
    assert "Interrupted. Nothing in the state directory was changed." in ran.err


def test_an_ignored_signal_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with held_back() as check:
            os.kill(os.getpid(), signal.SIGHUP)
            check()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


# Memory


def out_of_memory(*_: object, **__: object) -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("gatewaydoctor.cli.shell.examining.examine", ("scan",)),
        ("gatewaydoctor.cli.shell.examining.examine", ("check",)),
        ("gatewaydoctor.repair.planner.build.build_plan", ("repair",)),
        ("gatewaydoctor.repair.run.apply.stage", ("repair", "trim", "--apply", "--yes")),
    ],
)
def test_out_of_memory_is_no_bug(ill: Path, where: str, words: tuple[str, ...]) -> None:
    before = tree(ill)
    with patch(where, out_of_memory):
        said = run(*words, "--state-dir", str(ill), *CLOCK)
        told = run(*words, "--json", "--state-dir", str(ill), *CLOCK)
    assert (said.code, told.code, told.document["error"]["code"]) == (2, 2, "memory")
    assert "Out of memory." in said.err and "bug" not in said.err
    assert tree(ill) == before and leftovers(ill) == []


def test_out_of_memory_in_the_middle_is_put_back(ill: Path) -> None:
    before = tree(ill)
    with patch("gatewaydoctor.repair.run.apply.second_look", out_of_memory):
        ran = run("repair", "trim", "--apply", "--yes", "--state-dir", str(ill), *CLOCK)
    assert ran.code == 4
    assert "Out of memory. All changes were rolled back." in ran.err
    assert tree(ill) == before
