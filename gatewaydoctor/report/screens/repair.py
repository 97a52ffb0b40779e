"""The plan of a repair: what leaves, what stays, which conversations change, what a start does before and after."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.checks.nextstep import by_name
from gatewaydoctor.model.command import explained, typed
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.model.repair.plan import Move, Note
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.changes import changes, in_brief
from gatewaydoctor.report.screens.blocks.conversations import touched
from gatewaydoctor.report.screens.blocks.fitting import ends, fill, whole
from gatewaydoctor.report.screens.blocks.gaps import step_unless, unseen
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.origins import origins
from gatewaydoctor.report.screens.blocks.parts import (
    INDENT,
    View,
    capped,
    fitted,
    grid,
    next_step,
    print_command,
    print_step,
    section,
)
from gatewaydoctor.report.screens.blocks.starts import MANY_ROWS, starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.errors import DoctorError
    from gatewaydoctor.model.gateway.origins import Origins
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.repair.plan import Plan, StoreSummary

    StorePair = tuple[StoreSummary | None, StoreSummary | None]


def plan(
    console: Console,
    *,
    plan: Plan,
    judgement: Judgement,
    view: View,
    again: Command | None,
    sources: Sequence[Origins] = (),
    hindrance: DoctorError | None = None,
) -> None:
    """The plan in plain words. Nothing was written when this is read. `again` is the command that does it, None where
    that is being asked now. `hindrance` is why it would be refused now."""
    if plan.empty:
        head(console, judgement, view)
        section(console, _nothing(plan, judgement))
        _refusals(console, plan, view)
        _cautions(console, plan, view)
        print_step(console, view, step_without_acts(plan, judgement, view))
        return
    draw = partial(_draw, plan=plan, judgement=judgement, again=again, sources=sources, hindrance=hindrance)
    if view.verbose:
        head(console, judgement, view)
        console.print()
    fitted(console, view, draw, least=0)


def _draw(
    console: Console,
    view: View,
    *,
    plan: Plan,
    judgement: Judgement,
    again: Command | None,
    sources: Sequence[Origins],
    hindrance: DoctorError | None,
) -> None:
    _heading(console, plan, view.names.path(judgement.examination.place.state_dir))
    touched(console, plan, view)
    if view.rows != 0:
        console.print()
    changes(console, plan.steps, view)
    _summary(console, plan, view)
    origins(console, sources, view)
    starts(console, plan.start_before, plan.start_after, view)
    if plan.retrying and again is not None and not judgement.examination.health.jobs_elsewhere:
        jobs = words.plural(len(plan.retrying), "job retries", "jobs retry")
        told = f"{jobs} without end: add --disable-retrying, or the store fills again."
        for line in fill(told, console.width):
            console.print(Text(line, "bold", no_wrap=True))
    if view.verbose:
        _notes(console, "At next start, in detail", plan.forecast, view)
    _cautions(console, plan, view)
    _refusals(console, plan, view)
    if hindrance is not None and not view.pending:
        section(console, "Cannot be applied yet")
        reason = view.prose(f"{hindrance.message} {hindrance.hint}")
        console.print(Padding(Text(reason), (0, 0, 0, INDENT)))
    if again is not None:
        next_step(console, view, f"{applying(hindrance)}:", again)


def _heading(console: Console, plan: Plan, place: str) -> None:
    for line in ends(f"Plan {plan.plan_id} for {place} (nothing is written yet)", console.width):
        console.print(Text(line, "bold", no_wrap=True))


def approved(console: Console, *, plan: Plan, view: View) -> None:
    """A plan that was agreed to before it was made, in a few rows: its receipt is on the same screen."""
    view = replace(view, rows=0)
    _heading(console, plan, view.names.path(plan.state_dir))
    touched(console, plan, view)
    changed = [pair for pair in _matched(plan.before.stores, plan.after.stores) if pair[0] != pair[1]]
    owners = _owners(changed, view)
    stores = [
        f"{owner}: {_amount(was)} -> {_amount(will)}" for owner, (was, will) in zip(owners, changed, strict=True)
    ]
    for parts in (in_brief(plan.steps), stores):
        for line in whole(parts, console.width, 2, " with --all"):
            console.print(Text(line, no_wrap=True))
    starts(console, (), plan.start_after, view)
    _cautions(console, replace(plan, cautions=tuple(map(_first_sentence, plan.cautions))), replace(view, rows=_DENSE))
    _refusals(console, plan, view)


def _first_sentence(note: Note) -> Note:
    """Without its command, which is among the steps after the run."""
    first, joint, _ = note.text.partition(". ")
    return replace(note, text=f"{first}." if joint and not note.text.endswith(":") else note.text, command="")


def _amount(store: StoreSummary | None) -> str:
    if store is None:
        return "none"
    return _READABLE.get(store.readable) or f"{words.plural(store.entries, 'session')}, {_size(store)}"


def _size(store: StoreSummary) -> str:
    return f"at most {words.size(store.bytes)}" if store.at_most else words.size(store.bytes)


def applying(hindrance: DoctorError | None) -> str:
    """What the command that applies a plan is for."""
    if hindrance is None:
        return "apply this plan"
    if hindrance.by_word:
        return "apply this plan if you know that no gateway runs"
    return "apply this plan once that is settled"


def step_without_acts(plan: Plan, judgement: Judgement, view: View) -> NextStep:
    """What to do where this plan does nothing."""
    command = next((note.todo for note in plan.cautions if note.todo), None)
    worst = judgement.findings[0] if judgement.findings else None
    unasked, seen_all = _unasked(plan, judgement), not unseen(judgement.examination)
    if worst and worst.severity is Severity.CRITICAL:
        return NextStep(command=view.command(_for_critical(worst, unasked)), why="a critical finding remains")
    if command:
        return NextStep(command=view.command(command), why="see what this would do")
    if alone := _by_themselves(plan, view):
        return NextStep(command=alone[0], why="repair that store separately")
    if plan.refusals:
        return NextStep(command=None, why='see "Not repaired" above for what to do')
    if worst and worst.severity is Severity.ERROR and worst.by_command:
        return NextStep(command=view.command(worst.by_command), why="an error remains; what to do about it")
    if worst and worst.severity is Severity.ERROR and not worst.fix and seen_all:
        return NextStep(command=view.command(explained(worst.rule)), why="an error remains")
    if unasked and unasked.fix:
        worth = unasked.severity >= Severity.WARNING
        why = "a repair that is only done when named" if worth else "nothing to do; an optional repair"
        return NextStep(command=view.command(unasked.fix.command), why=why)
    if worst and worst.severity is Severity.WARNING and not worst.fix and seen_all:
        return NextStep(command=view.command(explained(worst.rule)), why="no repair does it; what to do by hand")
    return step_unless(judgement.examination, view, "nothing to do")


def _for_critical(worst: Finding, unasked: Finding | None) -> Command:
    """`unasked` is the first finding whose repair this plan left out."""
    if worst.fix is None or unasked is None:
        return explained(worst.rule)
    if worst is unasked:
        return worst.fix.command
    # What was named did nothing for it; a plan without names makes all that are recommended.
    return explained(worst.rule) if by_name(unasked) else typed("repair")


def _unasked(plan: Plan, judgement: Judgement) -> Finding | None:
    """The first finding whose repair is not among those of this plan."""
    return next((each for each in judgement.findings if each.fix and each.fix.repairs[0] not in plan.repairs), None)


def _nothing(plan: Plan, judgement: Judgement) -> str:
    gap = unseen(judgement.examination)
    if gap is not None:
        return f"Nothing to repair in what was read; {gap}."
    if plan.refusals:
        return 'Nothing to apply; see "Not repaired" below'
    unasked = _unasked(plan, judgement)
    if unasked and unasked.severity >= Severity.WARNING:
        named = " and ".join(plan.repairs)
        return "Nothing to repair unless it is named" if by_name(unasked) else f"Nothing to repair with {named}"
    open_ends = judgement.findings or any(note.command for note in plan.cautions)
    return "Nothing to repair" if open_ends else "Healthy: nothing to repair"


def merge(console: Console, *, plan: Plan, run_id: str, view: View, again: Command | None) -> None:
    """What a merge would put back of a run."""
    if plan.empty:
        console.print("Nothing is missing." if not plan.cautions else "Nothing can be restored.")
        _cautions(console, plan, view)
        if again is not None:
            next_step(console, view, "see what is wrong now:", view.invocation.command("scan"))
        return
    fitted(console, view, partial(_draw_merge, plan=plan, run_id=run_id, again=again), least=0)


def _draw_merge(console: Console, view: View, *, plan: Plan, run_id: str, again: Command | None) -> None:
    console.print(Text(f"Merge of run {run_id} (nothing is written yet)", "bold"))
    touched(console, plan, view)
    if view.rows != 0:
        console.print()
    changes(console, plan.steps, view)
    _summary(console, plan, view)
    starts(console, (), plan.start_after, view)
    _cautions(console, plan, view)
    if again is not None:
        next_step(console, view, "apply it:", again)


_DENSE = 1
"""Where tables would have one row, blank lines are left out, and commands of warnings; where they would have none,
also the last changes, and of warnings all but the first sentence."""
_SHORT = 2
"""A note of more lines than this tells only how many it names, where there is little room."""


def _summary(console: Console, plan: Plan, view: View) -> None:
    if not _dense(view):
        console.print()
    table = grid("store", "", "sessions", "conversations", "running", "size", left=2)
    pairs_of_stores = _matched(plan.before.stores, plan.after.stores)
    shown = pairs_of_stores if view.rows is None else [each for each in pairs_of_stores if each[0] != each[1]]
    for owner, (before, after) in zip(_owners(shown, view), shown, strict=True):
        _state(table, owner, "now", before)
        _state(table, "", "after", after)
    if shown:
        console.print(table)
    if same := len(pairs_of_stores) - len(shown):
        console.print(Text(f"{words.plural(same, 'store')} unchanged"))
    vault = f"the vault keeps {words.size(_kept(plan))} until `runs prune`"
    for line in fill(f"Needs {words.size(plan.space_needed)} of disk space; {vault}.", console.width):
        console.print(Text(line, no_wrap=True))


_READABLE = {"gateway-empty": "loads as EMPTY", "no": "cannot be read"}


def _owners(pairs_of_stores: Sequence[StorePair], view: View) -> list[str]:
    """The agent of each store, and which store it is where the agent has two of them."""
    stores = [before or after for before, after in pairs_of_stores]
    agents = [store.agent_id for store in stores if store]
    return [_owner(store, view, twice=agents.count(store.agent_id) > 1) if store else "" for store in stores]


def _owner(store: StoreSummary, view: View, *, twice: bool) -> str:
    which = "" if not twice else " (file)" if store.path.endswith(".json") else " (database)"
    return view.agent(store.agent_id) + which


def _state(table: Table, owner: str, label: str, store: StoreSummary | None) -> None:
    if store is None:
        table.add_row(owner, label, "none")
        return
    if store.readable in _READABLE:
        label = f"{label}: {_READABLE[store.readable]}"
    running = store.status.get("running", 0)
    entries, people = f"{store.entries:,}", f"{store.conversations:,}"
    table.add_row(owner, label, entries, people, f"{running:,}", _size(store))


def _cautions(console: Console, plan: Plan, view: View) -> None:
    """That a session is hidden until it is put back is what was asked for, and no warning."""
    parks = not plan.empty and all(step.repair == "park" for step in plan.steps)
    _notes(console, "Note" if parks else "Warning", plan.cautions, view)


def _notes(console: Console, title: str, notes: Sequence[Note], view: View) -> None:
    if not notes:
        return
    tight = view.rows is not None and view.rows < MANY_ROWS
    if not tight:
        section(console, title)
    elif not _dense(view):
        console.print()
    for note in _joined(notes):
        if tight:
            _briefly(console, title, note, view)
            continue
        console.print(Padding(Text(_told(note, view)), (0, 0, 0, INDENT)))
        if note.todo:
            print_command(console, Text(), view.command(note.todo), INDENT)


def _briefly(console: Console, title: str, note: Note, view: View) -> None:
    """With its title in front, and with its command on the last line where that has room."""
    text = _told(note, view) if view.rows else f"{view.names.text(note.text).partition('. ')[0].rstrip('.:')}."
    if note.names and len(text) > _SHORT * console.width:
        text = f"{view.names.text(note.text).removesuffix(':')} (names: --all)"
    command = view.command(note.todo) if note.todo else None
    if command and _dense(view) and not text.endswith(")"):
        text += " (--all has the command)"
    lines = [line.rstrip() for line in fill(f"{title}: {text}", console.width)]
    if command and len(lines[-1]) + 1 + len(str(command)) <= console.width:
        lines[-1] += f" {command}"
        command = None
    for at, line in enumerate(lines):
        shown = Text(line, no_wrap=True)
        if at == 0:
            shown.stylize("bold", 0, len(title) + 1)
        console.print(shown)
    if command and not _dense(view):
        print_command(console, Text(), command, INDENT)


def _dense(view: View) -> bool:
    return view.rows is not None and view.rows <= _DENSE


def _told(note: Note, view: View) -> str:
    shown = capped(note.names, view)
    # A note names the first few: how many more there are is in its text, if anywhere.
    names = ", ".join(map(view.names.text, shown)) + (" and others" if len(shown) < len(note.names) else "")
    text = view.names.text(note.text)
    return f"{text} {names}" if text.endswith(":") else f"{text} ({names})" if names else text


def _joined(notes: Sequence[Note]) -> Iterator[Note]:
    """Each sentence once, with the names of all."""
    names: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        names.setdefault((note.text, note.command), []).extend(note.names)
    for (text, command), joined in names.items():
        yield Note(text=text, names=tuple(joined), command=command)


def _refusals(console: Console, plan: Plan, view: View) -> None:
    if not plan.refusals:
        return
    section(console, "Not repaired")
    for refusal in plan.refusals:
        line = Text.assemble((refusal.repair, "bold"), "  ", view.names.path(refusal.target), ": ")
        line.append(view.prose(f"{refusal.reason} {'' if refusal.store else refusal.hint}".strip()))
        console.print(Padding(line, (0, 0, 0, INDENT)))
    for command in _by_themselves(plan, view):
        print_command(console, Text(" " * INDENT), command, INDENT)


def _by_themselves(plan: Plan, view: View) -> list[Command]:
    """A command for each store that was left alone and can be repaired by itself."""
    stores = dict.fromkeys(refusal.store for refusal in plan.refusals if refusal.store)
    shown = ["STORE" if view.names.redact else store for store in stores]
    return [replace(view.invocation, options=(("--store", store),)).command("repair") for store in shown]


def _kept(plan: Plan) -> int:
    """Bytes of the originals that the vault will hold."""
    numbers = [act.source if isinstance(act, Move) else act.replaces for act in plan.acts]
    return sum(plan.fingerprints[number].size for number in numbers if number is not None)


def _matched(before: Sequence[StoreSummary], after: Sequence[StoreSummary]) -> list[StorePair]:
    """Stores that change, before and after, by path."""
    was = {store.path: store for store in before}
    will = {store.path: store for store in after}
    paths = list(dict.fromkeys((*was, *will)))
    return [(was.get(path), will.get(path)) for path in paths]
