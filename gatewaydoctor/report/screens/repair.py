"""A repair before and after: what leaves, what stays, whose conversations are touched, and how to go back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.repair.plan import UNTIL_FOUND, Move
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.conversations import touched
from gatewaydoctor.report.screens.blocks.gaps import next_unless, unseen
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.origins import origins
from gatewaydoctor.report.screens.blocks.parts import (
    INDENT,
    View,
    capped,
    grid,
    moment,
    more,
    next_step,
    pairs,
    print_command,
    section,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.gateway.origins import Origins
    from gatewaydoctor.model.repair.plan import Note, Plan, Step, StoreSummary
    from gatewaydoctor.model.repair.receipt import Receipt


def plan(
    console: Console,
    *,
    plan: Plan,
    judgement: Judgement,
    view: View,
    again: str | None,
    sources: Sequence[Origins] = (),
) -> None:
    """The plan in plain words. Nothing was written when this is read. `again` is the command that does it, None where
    that is being asked now."""
    head(console, judgement, view)
    if plan.empty:
        section(console, _nothing(plan, judgement))
        _refusals(console, plan, view)
        _notes(console, "Mind", plan.cautions, view)
        _next_without_acts(console, plan, judgement, view)
        return
    section(console, f"Plan {plan.plan_id} (nothing is written yet)")
    _steps(console, plan.steps, view)
    touched(console, plan, view)
    _summary(console, plan, view)
    origins(console, sources, view)
    _notes(console, "Next boot", plan.forecast, view)
    _notes(console, "Mind", plan.cautions, view)
    _refusals(console, plan, view)
    if again is not None:
        next_step(console, view, "do exactly this:", again)


def _next_without_acts(console: Console, plan: Plan, judgement: Judgement, view: View) -> None:
    command = next((note.command for note in plan.cautions if note.command), None)
    worst = judgement.findings[0] if judgement.findings else None
    if worst and worst.severity is Severity.CRITICAL:
        next_step(console, view, "a critical finding stands:", view.invocation.command(f"explain {worst.rule}"))
    elif command:
        next_step(console, view, "see what it would do:", view.invocation.complete(command))
    elif alone := _by_themselves(plan, view):
        next_step(console, view, "repair that store by itself:", alone[0])
    elif plan.refusals:
        next_step(console, view, "what was left alone says above what would help.")
    elif worst and worst.severity is Severity.ERROR and not worst.fix and not unseen(judgement.examination):
        next_step(console, view, "an error stands:", view.invocation.command(f"explain {worst.rule}"))
    elif unasked := _unasked(plan, judgement):
        next_step(console, view, "nothing to do unless you ask for it:", view.invocation.complete(unasked))
    else:
        next_unless(console, judgement.examination, view, "nothing to do.")


def _unasked(plan: Plan, judgement: Judgement) -> str | None:
    """The repair of a finding that is not among those of this plan."""
    commands = (each.fix.command for each in judgement.findings if each.fix)
    return next(
        (command for command in commands if command.split()[2:3] not in ([name] for name in plan.repairs)), None
    )


def _nothing(plan: Plan, judgement: Judgement) -> str:
    gap = unseen(judgement.examination)
    if gap is not None:
        return f"Nothing to repair in what was read; {gap}."
    if plan.refusals:
        return "Nothing is repaired; something was left alone"
    open_ends = judgement.findings or any(note.command for note in plan.cautions)
    return "Nothing to repair" if open_ends else "Healthy: nothing to repair"


def steps_only(console: Console, *, plan: Plan, view: View, again: str | None) -> None:
    """A plan without the directory around it."""
    if plan.empty:
        console.print("Nothing is missing." if not plan.cautions else "Nothing can be brought back.")
        _notes(console, "Mind", plan.cautions, view)
        return
    _steps(console, plan.steps, view)
    _summary(console, plan, view)
    _notes(console, "Mind", plan.cautions, view)
    if again is not None:
        next_step(console, view, "do it:", again)


def _steps(console: Console, steps: Sequence[Step], view: View) -> None:
    table = grid("repair", "what happens", "count", "size", left=2)
    for step in capped(steps, view):
        what = f"{step.action} {step.reason}"
        if step.job_name or step.job_id:
            job = view.names.identifier(step.job_name or step.job_id or "", "job")
            what = f"{what} ({job})"
        table.add_row(step.repair, view.names.text(what), f"{step.count:,}", words.size(step.bytes))
    console.print(table)
    more(console, len(capped(steps, view)), len(steps), "steps")


def _summary(console: Console, plan: Plan, view: View) -> None:
    console.print()
    table = grid("store", "", "entries", "conversations", "running", "size", left=2)
    for before, after in _matched(plan.before.stores, plan.after.stores):
        _state(table, view, "now", before)
        _state(table, view, "then", after)
    console.print(table)
    console.print()
    lines = [
        ("room needed", Text(words.size(plan.space_needed))),
        ("goes to vault", Text(f"{words.size(_kept(plan))}; `runs prune` frees it for good")),
    ]
    console.print(pairs(lines))


def _state(table: Table, view: View, label: str, store: StoreSummary | None) -> None:
    if store is None:
        table.add_row("", label, "none")
        return
    name = view.agent(store.agent_id) if label == "now" else ""
    if store.readable != "yes":
        label = f"{label}: reads as EMPTY" if store.readable == "gateway-empty" else f"{label}: unreadable"
    running = store.status.get("running", 0)
    entries, people = f"{store.entries:,}", f"{store.conversations:,}"
    table.add_row(name, label, entries, people, f"{running:,}", words.size(store.bytes))


def _notes(console: Console, title: str, notes: Sequence[Note], view: View) -> None:
    if not notes:
        return
    section(console, title)
    for note in notes:
        shown = capped(note.names, view)
        left = len(note.names) - len(shown)
        names = ", ".join(view.names.text(name) for name in shown) + (f", and {left:,} more" if left else "")
        text = view.names.text(note.text) + (f" ({names})" if names else "")
        console.print(Padding(Text(text), (0, 0, 0, INDENT)))
        if note.command:
            print_command(console, Text(), view.invocation.complete(note.command), INDENT)


def _refusals(console: Console, plan: Plan, view: View) -> None:
    if not plan.refusals:
        return
    section(console, "Left alone")
    for refusal in plan.refusals:
        line = Text.assemble((refusal.repair, "bold"), "  ", view.names.path(refusal.target), ": ")
        line.append(view.names.text(f"{refusal.reason} {'' if refusal.store else refusal.hint}".strip()))
        console.print(Padding(line, (0, 0, 0, INDENT)))
    for command in _by_themselves(plan, view):
        print_command(console, Text(" " * INDENT), command, INDENT)


def _by_themselves(plan: Plan, view: View) -> list[str]:
    """A command for each store that was left alone and can be repaired by itself."""
    stores = dict.fromkeys(refusal.store for refusal in plan.refusals if refusal.store)
    shown = ["STORE" if view.names.redact else store for store in stores]
    return [replace(view.invocation, options=(("--store", store),)).command("repair") for store in shown]


def receipt(
    console: Console,
    *,
    receipt: Receipt | None,
    view: View,
    undo: str,
    plan: Plan | None,
    left: int = 0,
    sources: Sequence[Origins] = (),
) -> None:
    """What was done, how that was verified, what comes next, and the way back. `left` counts critical findings that
    the plan was not about."""
    if receipt is None:
        next_step(console, view, "nothing to do; nothing was written.")
        return
    console.print(Text.assemble(("Done. ", "bold green"), f"Run {receipt.run_id}"))
    _steps(console, receipt.steps, view)
    origins(console, sources, view)
    console.print()
    rows = [("verified", Text(view.names.text(sentence))) for sentence in receipt.verified]
    rows.append(("originals", Text(_vault(receipt, view), overflow="fold")))
    if receipt.gateway_stopped_by_word:
        rows.append(("gateway", Text("stopped by your word; it is in the receipt", "yellow")))
    if receipt.fixed_clock is not None:
        rows.append(("clock", Text(f"fixed by --now: {moment(receipt.fixed_clock)} UTC", "yellow")))
    if receipt.gateway_afterwards not in (None, "dead"):
        rows += [("gateway", Text(view.names.text(text), "yellow")) for text in receipt.evidence_afterwards[:1]]
    console.print(pairs(rows))
    if view.quiet:
        return
    steps = list(_then(receipt, plan, view, left))
    for text in steps[:-1]:
        console.print(Text.assemble(("then: ", "bold"), text))
    next_step(console, view, f"{steps[-1]} To go back:", undo)


def _then(receipt: Receipt, plan: Plan | None, view: View, left: int) -> Iterator[str]:
    """What to do now, in order: the gateway is started last, and only where nothing speaks against it."""
    if receipt.gateway_afterwards == "live":
        yield "stop the gateway, which was started meanwhile, and scan again."
        return
    for note in plan.cautions if plan else ():
        if note.command:
            yield f"run `{view.invocation.complete(note.command)}` for what this plan left."
    if plan and any(store.readable != "yes" for store in plan.after.stores):
        yield "keep the gateway stopped: it cannot read a store yet. `gatewaydoctor scan` says which."
        return
    if left:
        yield (
            f"keep the gateway stopped: {words.plural(left, 'critical finding is', 'critical findings are')} left. "
            "`gatewaydoctor scan` tells them."
        )
        return
    for note in plan.forecast if plan else ():
        if note.text.endswith(UNTIL_FOUND):
            yield f"disable {words.plural(len(note.names), 'job')} that would pile up runs again, as the plan says."
    yield "start the gateway."


def _kept(plan: Plan) -> int:
    """Bytes of the originals that the vault will hold."""
    numbers = [act.source if isinstance(act, Move) else act.replaces for act in plan.acts]
    return sum(plan.fingerprints[number].size for number in numbers if number is not None)


def _vault(receipt: Receipt, view: View) -> str:
    """Where the originals are, from the state directory on where they are inside it."""
    inside = receipt.vault.removeprefix(f"{receipt.state_dir}/")
    return view.names.path(inside) + ("" if inside == receipt.vault else " (in the state directory)")


def _matched(
    before: Sequence[StoreSummary], after: Sequence[StoreSummary]
) -> list[tuple[StoreSummary | None, StoreSummary | None]]:
    """Stores that change, before and after, by path."""
    was = {store.path: store for store in before}
    will = {store.path: store for store in after}
    paths = list(dict.fromkeys((*was, *will)))
    return [(was.get(path), will.get(path)) for path in paths]
