"""What is kept in the checkout is what the program prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewaydoctor.completion.shells import KEPT
from tests.cli.harness import run

TOP = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("shell", KEPT)
def test_the_kept_script_is_the_one_the_program_prints(shell: str) -> None:
    ran = run("completions", shell)
    assert (ran.code, ran.err) == (0, "")
    assert (TOP / "completions" / KEPT[shell]).read_text() == ran.out, "bring it up to date: make completions"


def test_nothing_else_is_kept() -> None:
    assert {path.name for path in (TOP / "completions").iterdir()} == set(KEPT.values())


def test_the_document_holds_the_script() -> None:
    details = run("completions", "bash", "--json").document["details"]
    assert details == {"shell": "bash", "script": run("completions", "bash").out}


def test_a_shell_nobody_wrote_for() -> None:
    ran = run("completions", "csh")
    assert ran.code == 2
    assert "Use one of: bash, zsh, fish, powershell." in ran.err
