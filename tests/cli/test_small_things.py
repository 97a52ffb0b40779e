"""Defaults and notes that spare a second try."""

from __future__ import annotations

from pathlib import Path

from tests.cli import scenes
from tests.cli.harness import Machine, run

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


def test_runs_show_and_verify_default_to_the_newest_run(tmp_path: Path) -> None:
    root = scenes.busy(tmp_path / "state").root
    at = ("--state-dir", str(root), "--json")
    assert run("runs", "show", *at).code == 3
    first = run("repair", "trim", "--apply", "--yes", *at).document["details"]["receipt"]["runId"]
    assert run("runs", "show", *at).document["details"]["runId"] == first
    assert run("runs", "verify", *at).document["details"]["runId"] == first
    run("undo", "--yes", *at)
    assert run("runs", "show", *at).document["details"]["runId"] == first


def test_yes_without_apply_is_called_a_dry_run(busy: Path) -> None:
    assert "dry run" in run("repair", "--yes", "--state-dir", str(busy)).err
    assert "dry run" not in run("repair", "--state-dir", str(busy)).err


def test_a_fixture_that_is_set_up_shows_what_it_says(tmp_path: Path) -> None:
    ran = run("fixtures", "set-up", str(FIXTURES / "lock-stale"), "--out", str(tmp_path / "out"), "--json")
    now = ran.document["details"]["now"]
    found = Machine(env={"GATEWAYDOCTOR_NOW": str(now)}).run("scan", "--json", "--state-dir", str(tmp_path / "out"))
    assert "lock-stale" in {each["rule"] for each in found.document["findings"]}
    assert run("fixtures", "set-up", str(FIXTURES / "lock-stale"), "--out", str(tmp_path / "out")).code == 2
    assert run("fixtures", "set-up", str(tmp_path), "--out", str(tmp_path / "b")).code == 2
