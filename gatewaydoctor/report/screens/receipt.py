"""What a repair has done, how that was verified, what comes next, and the way back."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.outcome.verdict import NextStep, Start
from gatewaydoctor.model.repair.receipt import Verified
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.changes import changes
from gatewaydoctor.report.screens.blocks.fitting import wrapped
from gatewaydoctor.report.screens.blocks.origins import origins
from gatewaydoctor.report.screens.blocks.parts import View, moment, next_step, pairs, print_command, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.gateway.origins import Origins
    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.model.repair.receipt import Receipt


def receipt(
    console: Console,
    *,
    receipt: Receipt | None,
    view: View,
    undo: Command,
    plan: Plan | None,
    now: Judgement | None,
    sources: Sequence[Origins] = (),
) -> None:
    """What was done, how that was verified, what comes next, and the way back. `now` is what a scan finds after
    the run, None where it could not be examined."""
    if receipt is None:
        next_step(console, view, "nothing to do; nothing was written.")
        return
    took = words.duration(max(0, receipt.finished_at - receipt.started_at))
    console.print(Text.assemble(("Done", "bold"), f" in {took}. Run {receipt.run_id}"))
    if view.verbose:
        changes(console, receipt.steps, view)
        origins(console, sources, view)
        console.print()
    rows = [("checked", Text(view.names.text(sentence))) for sentence in _checked(receipt, view)]
    rows.append(("originals in", Text(_vault(receipt, view), overflow="fold")))
    rows += [("left out", Text(view.names.text(note.text).rstrip(":"))) for note in receipt.cautions if note.of_vault]
    if receipt.gateway_stopped_by_word:
        rows.append(("gateway", Text("asserted as stopped (--gateway-stopped); recorded in the receipt", "bold")))
    if receipt.fixed_clock is not None:
        rows.append(("clock", Text(f"fixed by --now: {moment(receipt.fixed_clock)} UTC", "bold")))
    if receipt.gateway_afterwards not in (None, "dead"):
        rows += [("gateway", Text(view.names.text(text), "bold")) for text in receipt.evidence_afterwards[:1]]
    console.print(pairs(rows))
    if not view.quiet:
        label = "to undo".ljust(len("originals in  "))
        console.print(Text.assemble(label, "also after a start, then with --merge:"))
        print_command(console, Text(), undo, len(label))
    _what_next(console, receipt, plan, view, now)


_START = "start the gateway"


def step_after(receipt: Receipt | None, plan: Plan | None, view: View, now: Judgement | None) -> NextStep:
    """The first of the steps after a run."""
    if receipt is None:
        return NextStep(command=None, why="nothing to do; nothing was written")
    what, typed = next(_then(receipt, plan, view, now))
    return NextStep(command=view.names.command(typed) if typed else None, why=what.rstrip(":."))


def _what_next(console: Console, receipt: Receipt, plan: Plan | None, view: View, now: Judgement | None) -> None:
    """The steps after a run, in the order in which they are to be done; with --quiet those that come before a start,
    or stand against one."""
    steps = list(_then(receipt, plan, view, now))
    if view.quiet:
        steps = list(takewhile(lambda step: step[0] != _START, steps))
    if not steps:
        return
    section(console, "Next")
    for number, (what, typed) in enumerate(steps, 1):
        head = f"{number}. "
        for at, line in enumerate(wrapped(view.names.text(what), console.width - len(head), 99)):
            console.print(Text((" " * len(head) if at else head) + line), no_wrap=True)
        if typed:
            print_command(console, Text(), view.names.command(typed), len(head))


def _then(
    receipt: Receipt, plan: Plan | None, view: View, now: Judgement | None
) -> Iterator[tuple[str, Command | None]]:
    """What to do now and what to type, in order: the gateway is started only where nothing speaks against it."""
    command = view.invocation.command
    if receipt.gateway_afterwards == "live":
        yield "stop the gateway, which was started meanwhile, and scan again:", command("scan")
        return
    if now is None:
        yield "keep the gateway stopped, and scan again:", command("scan")
        return
    start, step = now.verdict.start, now.next.command
    if start is not Start.YES:
        what = "cannot tell whether the gateway starts" if start is Start.UNKNOWN else "keep the gateway stopped"
        yield f"{what}. {now.verdict.reason}", view.command(step) if step else command("scan")
    for note in plan.cautions if plan else ():
        if note.todo and (note.todo != step or start is Start.YES):
            named = " ".join(note.todo.words)
            what = "else there is to repair" if named == "repair" else f"`{named}` changes"
            yield f"see what {what}:", view.command(note.todo)
    if plan and plan.retrying:
        many = words.plural(len(plan.retrying), "job retries", "jobs retry")
        disabling = command("repair", "cron", *_each("--disable", plan.retrying))
        yield f"{many} without end and would fill the store again:", disabling
    if start is not Start.YES:
        return
    yield _START, None
    yield "check that it is well:", command("after", receipt.run_id)
    if disabled := [name for step in receipt.steps if step.disables for name in step.sample]:
        enabling = command("repair", "cron", *_each("--enable", disabled))
        yield "once their cause is found, enable the jobs again:", enabling


def _each(option: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for name in names for word in (option, name))


def _checked(receipt: Receipt, view: View) -> Sequence[str]:
    """What was verified: stores first, the first of them by name, and files that hold what was written in a line.
    Everything, in its order, of a receipt that does not tell what its sentences are about."""
    if view.rows is None or len(receipt.verified_of) != len(receipt.verified):
        return receipt.verified
    of: dict[Verified, list[str]] = {each: [] for each in Verified}
    for sentence, about in zip(receipt.verified, receipt.verified_of, strict=True):
        of[about].append(sentence)
    stores, written, others = of[Verified.STORE], of[Verified.WRITTEN], of[Verified.OTHER]
    if (rest := len(stores) - _STORES) > 0:
        stores = [*stores[:_STORES], f"{rest:,} more stores hold what was planned; --all names them."]
    if len(written) > 1:
        written = [f"{len(written):,} files hold the bytes that were written."]
    return [*stores, *written, *others]


_STORES = 2


def _vault(receipt: Receipt, view: View) -> str:
    """Where the originals are, from the state directory on where they are inside it."""
    return view.names.path(receipt.vault.removeprefix(f"{receipt.state_dir}/"))
