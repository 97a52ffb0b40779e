"""A snapshot taken or verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.command import Command
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, more, next_step, print_command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from gatewaydoctor.model.repair.snapshot import SnapshotDatabase


def taken(
    console: Console,
    *,
    directory: Path,
    files: int,
    size: int,
    left_out: Sequence[tuple[str, str]],
    unfinished: Sequence[Path],
    databases: Sequence[SnapshotDatabase],
    missing: int,
    verify: Command,
    view: View,
) -> None:
    """`missing`: files that are needed and could not be copied."""
    console.print(f"Copied {words.plural(files, 'file')} ({words.size(size)}) to")
    console.print(Text(f"  {view.names.path(directory)}", "bold"))
    _databases(console, databases, view)
    _listed(console, "left out", left_out, view)
    if unfinished:
        count = words.plural(len(unfinished), "unfinished snapshot is", "unfinished snapshots are")
        console.print(f"{count} next to it. If no snapshot is being made now, remove:")
        for each in capped(unfinished, view):
            print_command(console, Text(), Command(("-r", view.names.path(each)), program=("rm",)), 2)
    if missing:
        these = words.plural(missing, "file that is needed is", "files that are needed are")
        why = f"{these} not in it. Make another as the user the gateway runs as."
        next_step(console, view, why)
        return
    next_step(console, view, "verify it at any time:", verify)


def _databases(console: Console, databases: Sequence[SnapshotDatabase], view: View) -> None:
    """What the check of each copied database found."""
    bad = [(each.path, each.problem or "") for each in databases if not each.sound]
    rows = sum(count for each in databases for count in each.rows.values())
    if sound := len(databases) - len(bad):
        same = all(each.same for each in databases if each.sound)
        as_many = ", as many as in the original" if same else "; the original changed since"
        console.print(f"{words.plural(sound, 'database')} checked and sound, {words.plural(rows, 'row')}{as_many}")
    _listed(console, "database as damaged as the original", bad, view)


def verified(
    console: Console, *, files: int, problems: Sequence[tuple[str, str]], another: Command, view: View
) -> None:
    """`another` makes a snapshot of the same state directory."""
    if not problems:
        console.print(f"{words.plural(files, 'file')}, all as in the manifest.")
        next_step(console, view, "nothing to do.")
        return
    _listed(console, "differs", problems, view)
    console.print(f"{len(problems):,} of {words.plural(files, 'file')} differ.")
    next_step(console, view, "make another:", another)


def _listed(console: Console, title: str, items: Sequence[tuple[str, str]], view: View) -> None:
    if not items:
        return
    table = grid(title, "why", left=2)
    for path, reason in capped(items, view):
        table.add_row(view.names.path(path), view.names.text(reason))
    console.print(table)
    more(console, len(capped(items, view)), len(items), "files")
