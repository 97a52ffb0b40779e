"""A snapshot taken or verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.report import words
from gatewaydoctor.report.screens.parts import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


def taken(
    console: Console, *, directory: str, files: int, size: int, left_out: Sequence[tuple[str, str]], verify: str
) -> None:
    console.print(f"{words.plural(files, 'file')}, {words.size(size)}, copied to")
    console.print(Text(f"  {words.harmless(directory)}", "bold"))
    _listed(console, "left out", left_out)
    console.print(
        Text.assemble(("next: ", "bold"), "verify it at any time: ", (words.harmless(verify), "bold green"))
    )


def verified(console: Console, *, files: int, problems: Sequence[tuple[str, str]]) -> None:
    if not problems:
        console.print(Text(f"{words.plural(files, 'file')}, each as the manifest says.", "green"))
        return
    _listed(console, "differs", problems)
    console.print(f"{len(problems):,} of {words.plural(files, 'file')} differ.")


def _listed(console: Console, title: str, items: Sequence[tuple[str, str]]) -> None:
    if not items:
        return
    table = grid(title, "why", left=2)
    for path, reason in items[:40]:
        table.add_row(words.harmless(path), words.harmless(reason))
    console.print(table)
