"""A fixed clock is told, and nothing is written by one that was left in the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.harness import NOW, NOW_MS, Machine, run
from tests.world import DAY, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

LEFT = Machine(env={"GATEWAYDOCTOR_NOW": "2026-05-02T09:00:00Z"})
MAY = "2026-05-02T09:00:00Z"


@pytest.fixture
def ill(tmp_path: Path) -> Path:
    state = StateDir(tmp_path)
    state.store({run_key("j", n): row(n, age=0) | {"updatedAt": NOW_MS - 3 * DAY} for n in range(5)})
    return state.root


def test_the_clock_of_the_environment_is_told_by_scan_and_check(ill: Path) -> None:
    for verb in ("scan", "check", "sessions"):
        said = LEFT.run(verb, "--state-dir", str(ill))
        assert "The clock is fixed by GATEWAYDOCTOR_NOW, 30 d after this machine's clock" in said.err, verb
        document = LEFT.run(verb, "--json", "--state-dir", str(ill)).document
        assert document["clock"] == {"source": "GATEWAYDOCTOR_NOW", "machine": NOW_MS}
        assert verb == "sessions" or any("GATEWAYDOCTOR_NOW" in notice for notice in document["notices"])
    assert "fixed by GATEWAYDOCTOR_NOW" in LEFT.run("runs", "list", "--state-dir", str(ill)).err
    assert "fixed by GATEWAYDOCTOR_NOW, 30 d after" in " ".join(LEFT.run("scan", "--state-dir", str(ill)).out.split())


def test_the_last_clock_counts_in_an_error_too(ill: Path) -> None:
    ran = run("scan", "--now", NOW, "--now", MAY, "--json", "--state-dir", str(ill / "gone"))
    assert ran.code == 2
    assert ran.document["now"] == run("scan", "--now", MAY, "--json", "--state-dir", str(ill)).document["now"]


def test_a_clock_of_the_command_line_is_on_the_screen_alone(ill: Path) -> None:
    said = run("scan", "--now", MAY, "--state-dir", str(ill))
    assert "fixed by --now, 30 d after this machine's clock" in " ".join(said.out.split())
    assert said.err == ""
    document = run("scan", "--now", MAY, "--json", "--state-dir", str(ill)).document
    assert document["clock"] == {"source": "--now", "machine": NOW_MS}
    assert "fixed by --now\n" in run("scan", "--now", NOW, "--state-dir", str(ill)).out


def test_the_machines_own_clock_is_no_news(ill: Path) -> None:
    assert "fixed" not in run("scan", "--state-dir", str(ill)).out
    assert run("scan", "--json", "--state-dir", str(ill)).document["clock"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("repair", "trim", "--apply", "--yes"),
        ("repair", "--apply", "--yes", "--plan", "plan.json"),
        ("repair", "--resume", "20260101T000000Z-00000000", "--yes"),
        ("undo", "--yes"),
        ("undo", "--merge", "--yes"),
        ("runs", "prune", "--older-than", "30d", "--yes"),
    ],
)
def test_what_writes_refuses_the_clock_of_the_environment(ill: Path, words: tuple[str, ...]) -> None:
    said = LEFT.run(*words, "--state-dir", str(ill))
    assert (said.code, (ill / ".gatewaydoctor").exists()) == (3, False)
    assert "The clock is fixed by GATEWAYDOCTOR_NOW, 30 d after this machine's clock." in said.err
    assert "unset GATEWAYDOCTOR_NOW" in said.err and "--now TIME" in said.err


def test_the_gate_goes_by_the_machine(ill: Path) -> None:
    said = LEFT.run("gate", "--state-dir", str(ill))
    assert said.code == 0
    assert "GATEWAYDOCTOR_NOW is not used here" in said.err
    assert LEFT.run("gate", "--json", "--state-dir", str(ill)).document["now"] == NOW_MS
    assert "GATEWAYDOCTOR_NOW" not in run("gate", "--state-dir", str(ill)).err


@pytest.mark.parametrize("clock", ["garbage", "99999999999999999", "2026-13-01"])
def test_a_clock_of_the_environment_that_is_no_time_opens_no_gate(clock: str, ill: Path) -> None:
    (ill / "agents/main/sessions/sessions.json").write_bytes(b'{"a')
    left = Machine(env={"GATEWAYDOCTOR_NOW": clock})
    said = left.run("gate", "--state-dir", str(ill))
    assert said.code == 78
    assert "GATEWAYDOCTOR_NOW is not used here" in said.err
    assert left.run("scan", "--state-dir", str(ill)).code == 2


def test_what_only_shows_goes_by_it(ill: Path) -> None:
    for words in (("repair", "trim"), ("undo", "--dry-run"), ("runs", "list")):
        assert "fixed-clock" not in LEFT.run(*words, "--json", "--state-dir", str(ill)).out, words


def test_the_option_on_the_very_command_is_recorded(ill: Path) -> None:
    at = ("--state-dir", str(ill))
    said = LEFT.run("repair", "trim", "--apply", "--yes", "--now", MAY, "--json", *at)
    assert (said.code, said.document["details"]["receipt"]["fixedClock"]) == (0, NOW_MS + 30 * DAY)
    run_id = said.document["details"]["receipt"]["runId"]
    receipt = json.loads((ill / ".gatewaydoctor/runs" / run_id / "receipt.json").read_text())
    assert receipt["fixedClock"] == NOW_MS + 30 * DAY
    assert run("undo", "--yes", *at).code == 0
    assert (
        run("repair", "trim", "--apply", "--yes", "--json", *at).document["details"]["receipt"]["fixedClock"] is None
    )


def test_a_plan_from_a_time_to_come_needs_its_clock(ill: Path, tmp_path: Path) -> None:
    plan, at = str(tmp_path / "plan.json"), ("--state-dir", str(ill))
    assert run("repair", "trim", "--plan-out", plan, "--now", MAY, *at).code == 0
    refused = run("repair", "--apply", "--yes", "--plan", plan, *at)
    assert refused.code == 3
    assert "The plan was made for 2026-05-02 09:00 UTC, which is after this machine's clock." in refused.err
    assert run("repair", "--apply", "--yes", "--plan", plan, "--now", MAY, *at).code == 0
