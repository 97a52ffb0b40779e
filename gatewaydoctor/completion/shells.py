"""The shells a script can be had for, and where a checkout keeps it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.completion.tree import Program

KEPT = {
    "bash": "gatewaydoctor.bash",
    "zsh": "_gatewaydoctor",
    "fish": "gatewaydoctor.fish",
    "powershell": "gatewaydoctor.ps1",
}
"""Shell -> the name its script has in completions/."""


def script(shell: str, program: Program) -> str:
    """The script for one of these shells."""
    text: str = import_module(f"gatewaydoctor.completion.{shell}").script(program)
    return text
