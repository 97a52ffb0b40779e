"""Whose conversations a plan touches, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.report.screens.blocks.fitting import fill
from gatewaydoctor.report.screens.blocks.parts import INDENT, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.model.repair.plan import Plan, Step

FEW = 5
_MOVED = {
    "park": "parked, hidden until unpark",
    "unpark": "put back",
    "salvage": "recovered",
    "undo-merge": "added back",
}
"""Repairs that change nothing of a conversation."""
_ROOMY = 8
"""None are named where tables have fewer rows than this."""


def touched(console: Console, plan: Plan, view: View) -> None:
    """How many, what happens to them, and the first few by name; with --all every one."""
    total, names = _counted(plan.steps)
    going, _ = _counted([step for step in plan.steps if step.removes])
    if going or plan.torn:
        word = "affected" if going else "recovered"
        text = " ".join((f"Conversations {word}: {total:,}.", *_fates(plan, total, going)))
    else:
        text = "Conversations lost: none." + (f" {_changed(plan, total)}" if total else "")
    few = FEW if view.rows is None or view.rows >= _ROOMY else 0
    if names and not few and not (plan.torn and not going):
        text += " --all names them." if total > 1 else " --all names it."
    for line in fill(text, console.width):
        console.print(Text(line, "bold" if total or plan.torn else "", no_wrap=True))
    shown = names if view.rows is None else names[:few]
    for name in shown:
        console.print(Padding(Text(str(view.names.value(name)), overflow="fold"), (0, 0, 0, INDENT)))
    if total > len(shown) and (few or not names):
        how = "" if view.rows is None or len(names) == len(shown) else "; --all lists them"
        more = f"and {total - len(shown):,} more{how}" if shown else "The steps below list their files."
        console.print(Padding(Text(more), (0, 0, 0, INDENT)))


def _changed(plan: Plan, total: int) -> str:
    """How many, and by which repairs."""
    repairs = list(dict.fromkeys(step.repair for step in plan.steps if step.touched or step.conversations))
    how = _MOVED.get(repairs[0]) if len(repairs) == 1 else None
    return f"{total:,} {'is' if total == 1 else 'are'} {how or 'changed by ' + ' and '.join(repairs)}."


def _fates(plan: Plan, total: int, going: int) -> Iterator[str]:
    if plan.torn:
        yield "What was cut is lost unless a backup has it."
    if going:
        some = "It is" if total == 1 else "They are" if going == total else f"{going:,} of them are"
        some = "1 of them is" if going == 1 < total else some
        yield f"{some} moved to the vault; `undo` restores {'it' if going == 1 else 'them'}."


def _counted(steps: Sequence[Step]) -> tuple[int, list[str]]:
    """How many conversations these steps touch, each once where it is named, and the names. Of a store that is
    rebuilt a step names the first few: the others may be named by another step."""
    named: dict[tuple[str | None, str], str] = {}
    nameless = 0
    rebuilt: dict[str | None, int] = {}
    for step in steps:
        # A step about files names those.
        names = step.touched or (step.sample if step.conversations == step.count else ())
        named.update({(step.agent_id, name): name for name in names})
        if names and len(names) < step.conversations:
            rebuilt[step.agent_id] = rebuilt.get(step.agent_id, 0) + step.conversations
        else:
            nameless += max(0, step.conversations - len(names))
    for agent_id, total in rebuilt.items():
        nameless += max(0, total - sum(owner == agent_id for owner, _ in named))
    return len(named) + nameless, list(named.values())
