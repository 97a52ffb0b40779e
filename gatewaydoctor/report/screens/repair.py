"""A repair before and after: what leaves, what stays, which conversations change, and how to go back."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.model.command import explained
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.model.repair.plan import Move, Note
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.conversations import touched
from gatewaydoctor.report.screens.blocks.fitting import Parted, fill, fitted
from gatewaydoctor.report.screens.blocks.gaps import step_unless, unseen
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
    print_step,
    section,
)
from gatewaydoctor.report.screens.blocks.starts import MANY_ROWS, NAMED, starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.errors import DoctorError
    from gatewaydoctor.model.gateway.origins import Origins
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.repair.plan import Plan, Step, StoreSummary
    from gatewaydoctor.model.repair.receipt import Receipt


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
        _notes(console, "Warning", plan.cautions, view)
        print_step(console, view, step_without_acts(plan, judgement, view))
        return
    draw = partial(_draw, plan=plan, judgement=judgement, again=again, sources=sources, hindrance=hindrance)
    if view.verbose:
        head(console, judgement, view)
        console.print()
    fitted(console, view, draw)


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
    place = view.names.path(judgement.examination.place.state_dir)
    for line in fill(f"Plan {plan.plan_id} for {place} (nothing is written yet)", console.width):
        console.print(Text(line, "bold", no_wrap=True))
    touched(console, plan, view)
    console.print()
    _steps(console, plan.steps, view)
    _summary(console, plan, view)
    origins(console, sources, view)
    starts(console, plan.start_before, plan.start_after, view)
    if plan.retrying and again is not None and not judgement.examination.health.jobs_elsewhere:
        jobs = words.plural(len(plan.retrying), "job retries", "jobs retry")
        told = f"{jobs} without end: add --disable-retrying, or the store fills again."
        for line in fill(told, console.width):
            console.print(Text(line, "yellow", no_wrap=True))
    if view.verbose:
        _notes(console, "At next start, in detail", plan.forecast, view)
    _notes(console, "Warning", plan.cautions, view)
    _refusals(console, plan, view)
    if hindrance is not None and not view.pending:
        section(console, "Cannot be applied yet")
        reason = view.names.text(f"{hindrance.message} {hindrance.hint}")
        console.print(Padding(Text(reason), (0, 0, 0, INDENT)))
    if again is not None:
        next_step(console, view, f"{applying(hindrance)}:", again)


def applying(hindrance: DoctorError | None) -> str:
    """What the command that applies a plan is for."""
    return "apply this plan" if hindrance is None else "apply this plan once that is settled"


def step_without_acts(plan: Plan, judgement: Judgement, view: View) -> NextStep:
    """What to do where this plan does nothing."""
    command = next((note.todo for note in plan.cautions if note.todo), None)
    worst = judgement.findings[0] if judgement.findings else None
    unasked, seen_all = _unasked(plan, judgement), not unseen(judgement.examination)
    if worst and worst.severity is Severity.CRITICAL:
        todo = worst.fix.command if worst.fix and worst is unasked else explained(worst.rule)
        return NextStep(command=view.command(todo), why="a critical finding remains")
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
        return "Nothing to repair unless it is named"
    open_ends = judgement.findings or any(note.command for note in plan.cautions)
    return "Nothing to repair" if open_ends else "Healthy: nothing to repair"


def steps_only(console: Console, *, plan: Plan, view: View, again: Command | None) -> None:
    """A plan without the directory around it."""
    if plan.empty:
        console.print("Nothing is missing." if not plan.cautions else "Nothing can be restored.")
        _notes(console, "Warning", plan.cautions, view)
        return
    _steps(console, plan.steps, view)
    _summary(console, plan, view)
    starts(console, (), plan.start_after, view)
    _notes(console, "Warning", plan.cautions, view)
    if again is not None:
        next_step(console, view, "apply it:", again)


_FEWEST = 8
"""So many changes are always shown, for people say yes to them."""
_DENSE = 1
"""Where tables would have one row, blank lines are left out."""
_SHORT = 2
"""A note of more lines than this tells only how many it names, where there is little room."""
_ID = len("00000000-0000-0000-0000-000000000000")


def _steps(console: Console, steps: Sequence[Step], view: View) -> None:
    """What happens, a line for each job or step; with -v every step by itself."""
    table = grid("change", "count", "size", left=1)
    rows = [(step,) for step in steps] if view.verbose else list(_alike(steps))
    shown = rows if view.rows is None else rows[: max(view.rows, _FEWEST)]
    for group in shown:
        count, size = sum(step.count for step in group), sum(step.bytes for step in group)
        table.add_row(Parted(view.names.text(_change(group, view))), f"{count:,}", words.size(size) if size else "")
    console.print(table)
    more(console, len(shown), len(rows), "changes")


def _alike(steps: Sequence[Step]) -> Iterable[tuple[Step, ...]]:
    """Steps that remove runs of one job go together, and those that do the same in several stores or files."""
    groups: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        job = _job(step)
        whose = step.target if step.action == "disable" else step.job_id or step.job_name or ""
        same = ("trim", job) if job else (step.repair, step.action, step.reason, whose)
        groups.setdefault(same, []).append(step)
    return map(tuple, groups.values())


def _job(step: Step) -> str:
    return step.job_id or step.job_name or "" if step.removes and step.repair == "trim" else ""


def _change(group: tuple[Step, ...], view: View) -> str:
    first = group[0]
    job = first.job_name or first.job_id
    if not _job(first) or view.verbose:
        owner = f" ({view.names.identifier(job, 'job')})" if job else ""
        if first.action == "disable":
            return f"{first.repair}: disable {_first_names(first.sample, view)}"
        return f"{first.repair}: {first.action} {first.reason}{owner}"
    counts: Counter[str] = Counter()
    for step in group:
        counts[_sort(step.reason)] += step.count
    parts = ", ".join(f"{count:,} {sort}" for sort, count in counts.items())
    return f"remove runs of {_job_shown(first, view)} ({parts})"


def _job_shown(step: Step, view: View) -> str:
    """The name of a job, else its id: of a long one the first part, as -v has it whole."""
    if step.job_name:
        return view.names.identifier(step.job_name, "job")
    shown = view.names.identifier(step.job_id or "?", "job")
    first, joint, _ = shown.partition("-")
    return f"job {first}" if joint and len(shown) == _ID else shown


def _first_names(names: Sequence[str], view: View) -> str:
    shown = names if view.rows is None else names[:NAMED]
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


def _sort(reason: str) -> str:
    """Why runs go, in a word or two."""
    if reason.startswith("stuck"):
        return "stuck"
    if reason.startswith("all but the newest"):
        return "extra"
    return reason.removeprefix("finished, ")


def _summary(console: Console, plan: Plan, view: View) -> None:
    if view.rows != _DENSE:
        console.print()
    table = grid("store", "", "sessions", "conversations", "running", "size", left=2)
    pairs_of_stores = _matched(plan.before.stores, plan.after.stores)
    shown = pairs_of_stores if view.rows is None else [each for each in pairs_of_stores if each[0] != each[1]]
    for before, after in shown:
        store = before or after
        twice = store is not None and sum(_agent(pair) == store.agent_id for pair in shown) > 1
        _state(table, view, "now", before, twice=twice)
        _state(table, view, "after", after, twice=twice)
    if shown:
        console.print(table)
    if same := len(pairs_of_stores) - len(shown):
        console.print(Text(f"{words.plural(same, 'store')} unchanged", "dim"))
    vault = f"the vault keeps {words.size(_kept(plan))} until `runs prune`"
    for line in fill(f"Needs {words.size(plan.space_needed)} of disk space; {vault}.", console.width):
        console.print(Text(line, no_wrap=True))


def _agent(pair: tuple[StoreSummary | None, StoreSummary | None]) -> str | None:
    return next((store.agent_id for store in pair if store), None)


def _state(table: Table, view: View, label: str, store: StoreSummary | None, *, twice: bool) -> None:
    """A line of the table; `twice`: the agent has another store in it, so this one is named."""
    if store is None:
        table.add_row("", label, "none")
        return
    name = view.agent(store.agent_id) if label == "now" else ""
    if twice and name:
        name += " (file)" if store.path.endswith(".json") else " (database)"
    if store.readable != "yes":
        label = f"{label}: loads as EMPTY" if store.readable == "gateway-empty" else f"{label}: cannot be read"
    running = store.status.get("running", 0)
    entries, people = f"{store.entries:,}", f"{store.conversations:,}"
    bytes_then = f"at most {words.size(store.bytes)}" if store.at_most else words.size(store.bytes)
    table.add_row(name, label, entries, people, f"{running:,}", bytes_then)


def _notes(console: Console, title: str, notes: Sequence[Note], view: View) -> None:
    if not notes:
        return
    tight = view.rows is not None and view.rows < MANY_ROWS
    if not tight:
        section(console, title)
    elif view.rows != _DENSE:
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
    text = _told(note, view)
    if note.names and len(text) > _SHORT * console.width:
        text = f"{view.names.text(note.text).removesuffix(':')} ({len(note.names):,}; --all names them)"
    command = view.command(note.todo) if note.todo else None
    lines = [line.rstrip() for line in fill(f"{title}: {text}", console.width)]
    if command and len(lines[-1]) + 1 + len(str(command)) <= console.width:
        lines[-1] += f" {command}"
        command = None
    for at, line in enumerate(lines):
        shown = Text(line, no_wrap=True)
        if at == 0:
            shown.stylize("bold", 0, len(title) + 1)
        console.print(shown)
    if command:
        print_command(console, Text(), command, INDENT)


def _told(note: Note, view: View) -> str:
    shown = capped(note.names, view)
    left = len(note.names) - len(shown)
    names = ", ".join(view.names.text(name) for name in shown) + (f", and {left:,} more" if left else "")
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
        line.append(view.names.text(f"{refusal.reason} {'' if refusal.store else refusal.hint}".strip()))
        console.print(Padding(line, (0, 0, 0, INDENT)))
    for command in _by_themselves(plan, view):
        print_command(console, Text(" " * INDENT), command, INDENT)


def _by_themselves(plan: Plan, view: View) -> list[Command]:
    """A command for each store that was left alone and can be repaired by itself."""
    stores = dict.fromkeys(refusal.store for refusal in plan.refusals if refusal.store)
    shown = ["STORE" if view.names.redact else store for store in stores]
    return [replace(view.invocation, options=(("--store", store),)).command("repair") for store in shown]


def receipt(
    console: Console,
    *,
    receipt: Receipt | None,
    view: View,
    undo: Command,
    plan: Plan | None,
    left: int = 0,
    sources: Sequence[Origins] = (),
) -> None:
    """What was done, how that was verified, what comes next, and the way back. `left` counts critical findings that
    the plan was not about."""
    if receipt is None:
        next_step(console, view, "nothing to do; nothing was written.")
        return
    took = words.duration(max(0, receipt.finished_at - receipt.started_at))
    console.print(Text.assemble(("Done", "bold green"), f" in {took}. Run {receipt.run_id}"))
    if view.verbose:
        _steps(console, receipt.steps, view)
        origins(console, sources, view)
        console.print()
    rows = [("checked", Text(view.names.text(sentence))) for sentence in receipt.verified]
    rows.append(("originals in", Text(_vault(receipt, view), overflow="fold")))
    if receipt.gateway_stopped_by_word:
        rows.append(("gateway", Text("asserted as stopped (--gateway-stopped); recorded in the receipt", "yellow")))
    if receipt.fixed_clock is not None:
        rows.append(("clock", Text(f"fixed by --now: {moment(receipt.fixed_clock)} UTC", "yellow")))
    if receipt.gateway_afterwards not in (None, "dead"):
        rows += [("gateway", Text(view.names.text(text), "yellow")) for text in receipt.evidence_afterwards[:1]]
    console.print(pairs(rows))
    if not view.quiet:
        label = "to undo".ljust(len("originals in  "))
        console.print(Text.assemble((label, "dim"), "also after a start, then with --merge:"))
        print_command(console, Text(), undo, len(label))
    _what_next(console, receipt, plan, view, left)


_START = "start the gateway"


def step_after(receipt: Receipt | None, plan: Plan | None, view: View, left: int) -> NextStep:
    """The first of the steps after a run."""
    if receipt is None:
        return NextStep(command=None, why="nothing to do; nothing was written")
    what, typed = next(_then(receipt, plan, view, left))
    return NextStep(command=view.names.command(typed) if typed else None, why=what.removesuffix(":"))


def _what_next(console: Console, receipt: Receipt, plan: Plan | None, view: View, left: int) -> None:
    """The steps after a run, in the order in which they are to be done; with --quiet those that come before a start,
    or stand against one."""
    steps = list(_then(receipt, plan, view, left))
    if view.quiet:
        steps = list(takewhile(lambda step: step[0] != _START, steps))
    if not steps:
        return
    section(console, "Next")
    for number, (what, typed) in enumerate(steps, 1):
        console.print(Text(f"{number}. {view.names.text(what)}"))
        if typed:
            print_command(console, Text(), view.names.command(typed), 3)


def _then(receipt: Receipt, plan: Plan | None, view: View, left: int) -> Iterator[tuple[str, Command | None]]:
    """What to do now and what to type, in order: the gateway is started only where nothing speaks against it."""
    command = view.invocation.command
    if receipt.gateway_afterwards == "live":
        yield "stop the gateway, which was started meanwhile, and scan again:", command("scan")
        return
    for note in plan.cautions if plan else ():
        if note.todo:
            named = " ".join(note.todo.words)
            what = "else there is to repair" if named == "repair" else f"`{named}` changes"
            yield f"see what {what}:", view.command(note.todo)
    if plan and any(store.readable != "yes" for store in plan.after.stores):
        yield "keep the gateway stopped: a store still cannot be loaded:", command("scan")
        return
    if left:
        findings = words.plural(left, "critical finding is", "critical findings are")
        yield f"keep the gateway stopped, for {findings} left:", command("scan")
        return
    if plan and (refused := [event.what for event in plan.start_after if event.kind == "refuses" and event.certain]):
        yield f"keep the gateway stopped: it {refused[0]}; what to do by hand:", command("scan", "-v")
        return
    if plan and plan.retrying:
        many = words.plural(len(plan.retrying), "job retries", "jobs retry")
        disabling = command("repair", "cron", *_each("--disable", plan.retrying))
        yield f"{many} without end and would fill the store again:", disabling
    yield _START, None
    yield "check that it is well:", command("after", receipt.run_id)
    if disabled := [name for step in receipt.steps if step.action == "disable" for name in step.sample]:
        enabling = command("repair", "cron", *_each("--enable", disabled))
        yield "once their cause is found, enable the jobs again:", enabling


def _each(option: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for name in names for word in (option, name))


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
