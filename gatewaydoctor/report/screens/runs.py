"""Runs and what they left in the vault."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.changes import changes
from gatewaydoctor.report.screens.blocks.origins import origins
from gatewaydoctor.report.screens.blocks.parts import (
    INDENT,
    View,
    capped,
    fitted,
    grid,
    more,
    next_step,
    pairs,
    print_command,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from gatewaydoctor.model.gateway.origins import Origins
    from gatewaydoctor.model.repair.plan import Plan


_NEWEST, _CHANGES, _LINES = 12, 5, 4
"""Runs, changes, and lines of files, that leave room for the rest on 24 lines."""


class RunLine(Struct, frozen=True):
    """One run: `at` is when it last got on (epoch ms), `pending` that it was interrupted, `problem` why it cannot be
    looked into."""

    run_id: str
    state: RunState
    at: int | None
    pending: bool
    directory: str
    problem: str | None = None


class FileLine(Struct, frozen=True):
    """One file and a word about it; `alarming` where that word is bad news. `bytes` None where size says nothing."""

    path: str
    word: str
    bytes: int | None = None
    alarming: bool = False


def listed(console: Console, *, runs: Sequence[RunLine], now: int, view: View, others: Sequence[str] = ()) -> None:
    """`others` are paths among the runs that are none. What ends an interrupted run is the view's."""
    _not_runs(console, others, view)
    if not runs:
        console.print("No runs: no repair was applied here, or its originals were pruned.")
        next_step(console, view, "see what is wrong:", view.invocation.command("scan"))
        return
    table = grid("run", "state", "when", left=3)
    newest = runs if view.rows is None else runs[-_NEWEST:]
    for run in newest:
        style = "bold" if run.pending else ""
        table.add_row(run.run_id, Text(run.state.value, style), words.age(run.at, now))
    console.print(table)
    more(console, len(newest), len(runs), "runs, the newest")
    for run in newest:
        if run.problem:
            console.print(Text(f"{run.run_id}: {view.names.text(run.problem)}.", "bold"))
    rest = next((run.run_id for run in runs if run.state is RunState.PRUNED), None)
    if rest and not view.pending:
        next_step(
            console,
            view,
            f"{rest} was deleted only in part; to continue:",
            view.invocation.command("runs", "prune", rest),
        )
    else:
        show = view.invocation.command("runs", "show", runs[-1].run_id)
        next_step(console, view, "see what the last one did:", show)


def _not_runs(console: Console, others: Sequence[str], view: View) -> None:
    for path in capped(others, view):
        console.print(Text(f"not a run, ignored: {view.names.path(path)}", "bold"))
    more(console, len(capped(others, view)), len(others), "others")


def shown(
    console: Console,
    *,
    run: RunLine,
    plan: Plan | None,
    returns: Sequence[FileLine],
    now: int,
    view: View,
    sources: Sequence[Origins] = (),
) -> None:
    most = view if view.rows is None else replace(view, rows=_CHANGES)
    fitted(console, most, partial(_show, run=run, plan=plan, returns=returns, now=now, sources=sources))


def _show(
    console: Console,
    view: View,
    *,
    run: RunLine,
    plan: Plan | None,
    returns: Sequence[FileLine],
    now: int,
    sources: Sequence[Origins],
) -> None:
    rows: list[tuple[str, RenderableType]] = [
        ("run", Text(run.run_id, "bold")),
        ("state", Text(run.state.value)),
        ("when", Text(words.age(run.at, now))),
        ("vault", view.path(run.directory)),
    ]
    console.print(pairs(rows))
    if plan is not None:
        console.print()
        changes(console, plan.steps, view, view.rows)
    origins(console, sources, view)
    _returns(console, returns, view, min(_LINES, view.rows or _LINES))
    _way_back(console, run, view)


def _way_back(console: Console, run: RunLine, view: View, what: str = "see what undo would do:") -> None:
    """The undo of a run; of one that is over, why there is nothing to undo."""
    if not run.state.over:
        next_step(console, view, what, view.invocation.command("undo", run.run_id, "--dry-run"))
        return
    match run.state:
        case RunState.PUT_BACK:
            told = "It failed, and everything was put back. To delete what the vault still holds of it for good:"
        case RunState.PRUNED:
            told = "Its originals were deleted only in part, and it cannot be undone. To delete the rest:"
        case _:
            told = f"It was undone. {_COPIES}"
    _prune(console, told, run.run_id, view)
    next_step(console, view, "see what is wrong now:", view.invocation.command("scan"))


_COPIES = "The vault still holds its copies. To delete them for good:"


def _prune(console: Console, told: str, run_id: str, view: View) -> None:
    """An aside: nothing has to be deleted."""
    console.print()
    console.print(told)
    print_command(console, Text(), view.invocation.command("runs", "prune", run_id), INDENT)


def returned(
    console: Console, *, run_id: str, returns: Sequence[FileLine], dry_run: bool, kept: bool, view: View
) -> None:
    """`kept`: the vault still holds the run."""
    idle = all(each.word == "nothing" for each in returns)
    if dry_run and idle:
        console.print(Text(f"undo {run_id} has no file to restore (nothing written)", "bold"))
    elif dry_run:
        console.print(Text(f"undo {run_id} would restore (nothing written)", "bold"))
    else:
        console.print(Text.assemble(("Undone. ", "bold"), f"Run {run_id}"))
    _returns(console, () if idle else returns, view, 2 * _LINES)
    if dry_run and any(each.alarming for each in returns):
        command = view.invocation.command("undo", run_id, "--merge")
        changed = any(each.word == "changed" for each in returns)
        why = (
            "a file changed since. Restore what is missing:" if changed else "the vault is damaged. Restore the rest:"
        )
        next_step(console, view, f"undo would refuse: {why}", command)
    elif dry_run:
        next_step(console, view, "do it:", view.invocation.command("undo", run_id))
    else:
        if kept:
            _prune(console, _COPIES, run_id, view)
        next_step(console, view, "check it again:", view.invocation.command("scan"))


def ended(console: Console, *, run_id: str, view: View) -> None:
    """An interrupted run that is over with everything as it is, for nothing of it was missing."""
    console.print(Text.assemble(("Ended. ", "bold"), f"Run {run_id}: nothing was missing, and nothing was changed."))
    next_step(console, view, "check it again:", view.invocation.command("scan"))


def _returns(console: Console, returns: Sequence[FileLine], view: View, room: int) -> None:
    """The files, as many as fit into so many lines, one at least."""
    if not returns:
        return
    console.print()
    table = grid("file", "how", "size", left=2)
    beside = len("  restore  999.9 MB")
    shown = 0
    for each in returns:
        path = view.path(each.path)
        room -= -(-cell_len(path.text) // max(console.width - beside, 1))
        if shown and room < 0 and view.rows is not None:
            break
        style = "bold" if each.alarming else ""
        table.add_row(path, Text(each.word, style), words.size(each.bytes) if each.bytes else "")
        shown += 1
    console.print(table)
    more(console, shown, len(returns), "files")


def verified(console: Console, *, run: RunLine, checks: Sequence[FileLine], view: View) -> None:
    bad = [each for each in checks if each.alarming]
    if not checks:
        console.print(f"{run.run_id}: it keeps no originals.")
        next_step(console, view, "see what is wrong now:", view.invocation.command("scan"))
        return
    if not bad:
        console.print(Text(f"{run.run_id}: {words.plural(len(checks), 'original')} complete and unchanged."))
        _way_back(console, run, view)
        return
    table = grid("original", "problem", left=2)
    first = bad if view.rows is None else bad[:_NEWEST]
    for each in first:
        table.add_row(view.path(each.path), Text(each.word, "bold"))
    console.print(table)
    more(console, len(first), len(bad), "originals")
    console.print(f"{len(bad):,} of {words.plural(len(checks), 'original')} damaged.")
    _way_back(console, run, view, "see what undo can still restore:")


def pruned(console: Console, *, count: int, freed: int, view: View) -> None:
    console.print(f"{words.plural(count, 'run')} deleted for good, {words.size(freed)} freed.")
    next_step(console, view, "see the runs that are left:", view.invocation.command("runs", "list"))
