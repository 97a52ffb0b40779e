"""Whose conversations a plan touches, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.report.screens.blocks.parts import INDENT, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.model.repair.plan import Plan, Step

FEW = 5
FEWEST = 1
"""So many names where tables have fewer rows than _ROOMY; none of conversations that come back."""
_ROOMY = 8


def touched(console: Console, plan: Plan, view: View) -> None:
    """How many, what happens to them, and the first few by name; with --all every one."""
    total, names = _counted(plan.steps)
    going, _ = _counted([step for step in plan.steps if step.removes])
    if going or plan.torn:
        word = "affected" if going else "recovered"
        text = " ".join((f"Conversations {word}: {total:,}.", *_fates(plan, total, going)))
    else:
        text = "Conversations lost: none." + (f" {total:,} change; see the steps below." if total else "")
    console.print(Text(text, "yellow" if total or plan.torn else "green"))
    tight = 0 if plan.torn and not going else FEWEST
    few = FEW if view.rows is None or view.rows >= _ROOMY else tight
    shown = names if view.rows is None else names[:few]
    for name in shown:
        console.print(Padding(Text(str(view.names.value(name)), overflow="fold"), (0, 0, 0, INDENT)))
    if total > len(shown) and (few or not names):
        how = "" if view.rows is None or len(names) == len(shown) else "; --all lists them"
        more = f"and {total - len(shown):,} more{how}" if shown else "The steps below list their files."
        console.print(Padding(Text(more, "dim"), (0, 0, 0, INDENT)))


def _fates(plan: Plan, total: int, going: int) -> Iterator[str]:
    if plan.torn:
        yield "What was cut is lost unless a backup has it."
    if going:
        some = "It is" if total == 1 else "They are" if going == total else f"{going:,} of them are"
        some = "1 of them is" if going == 1 < total else some
        yield f"{some} moved to the vault; `undo` restores {'it' if going == 1 else 'them'}."


def _counted(steps: Sequence[Step]) -> tuple[int, list[str]]:
    """How many conversations these steps touch, each once where it is named, and the names."""
    named: dict[tuple[str | None, str], str] = {}
    nameless = 0
    for step in steps:
        # A step about files names those.
        names = step.touched or (step.sample if step.conversations == step.count else ())
        named.update({(step.agent_id, name): name for name in names})
        nameless += max(0, step.conversations - len(names))
    return len(named) + nameless, list(named.values())
