"""What a rule means, for reading at leisure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.text import Text

from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.fitting import height, lines
from gatewaydoctor.report.screens.blocks.gaps import step_unless
from gatewaydoctor.report.screens.blocks.parts import (
    SEVERITY_STYLE,
    capped,
    fitted,
    grid,
    more,
    next_step,
    print_command,
    print_step,
    section,
)
from gatewaydoctor.report.screens.findings import finding_head, finding_message, step_of, what_follows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.report.glossary import Term
    from gatewaydoctor.report.invocation import Invocation
    from gatewaydoctor.report.screens.blocks.parts import View


def show(console: Console, rule: Rule, invocation: Invocation) -> None:
    """With air between the paragraphs where they then fit the terminal."""
    airy = partial(_show, rule=rule, invocation=invocation, airy=True)
    if lines(console, airy) <= height(console):
        airy(console)
    else:
        _show(console, rule=rule, invocation=invocation, airy=False)


def _show(console: Console, *, rule: Rule, invocation: Invocation, airy: bool) -> None:
    console.print(Text.assemble((rule.id, "bold"), "  ", (f" {rule.severity.word} ", SEVERITY_STYLE[rule.severity])))
    console.print(Text(rule.title))
    for label, text in (
        ("What it means", rule.meaning),
        ("Why it happens", rule.cause),
        ("What the gateway does at next start", rule.gateway),
        ("What to do", rule.remedy),
    ):
        if airy:
            console.print()
            console.print(Text(label, "bold"))
            for line in words.lines(text, console.width - 2):
                console.print(Text(f"  {line}", no_wrap=True))
        else:
            _paragraph(console, label, text)
    if rule.repair:
        if airy:
            console.print()
        console.print(Text("Repair (shows its plan first)", "bold"))
        print_command(console, Text(), invocation.command("repair", rule.repair), 2)


def term(console: Console, found: Term, todo: Command, invocation: Invocation) -> None:
    """A word, or those that are told together; then what to type."""
    for word, meaning in found.meanings:
        console.print(Text(word, "bold"))
        for line in words.lines(meaning.replace("`", ""), console.width - 2):
            console.print(Text(f"  {line}", no_wrap=True))
    why = "all rules, for the findings of a scan:" if todo.words == ("explain",) else "show what it would do here:"
    console.print()
    console.print(Text.assemble(("next: ", "bold"), why))
    print_command(console, Text(), invocation.complete(todo), len("next: "))


def found(console: Console, rule: Rule, judgement: Judgement, view: View) -> None:
    """The findings of a rule in one directory and what to do about each, then the rule in general: what fits the
    terminal, all of it with --all or -v."""
    if not judgement.findings:
        show(console, rule, view.invocation)
        section(console, f"A scan of {view.names.path(judgement.examination.place.state_dir)} finds none")
        print_step(console, view, step_unless(judgement.examination, view, "nothing to do about it"))
        return
    whole = view.rows is None or view.verbose
    draws = [
        partial(_found, rule=rule, judgement=judgement, view=view, amount=amount)
        for amount in _amounts(judgement.findings)
    ]
    fits = (draw for draw in draws if whole or lines(console, draw) <= height(console))
    next(fits, draws[-1])(console)


def step_found(judgement: Judgement, view: View) -> NextStep:
    """After its findings were shown: the plan of their repair, else the scan once the work by hand is done."""
    if any(item.fix for item in judgement.findings):
        return step_of(judgement.findings, view)
    if not judgement.findings:
        return step_unless(judgement.examination, view, "nothing to do about it")
    return NextStep(command=view.invocation.command("scan"), why="scan again when that is done")


class _Amount(Struct, frozen=True):
    """How much of a rule's findings is shown: `fields`, so many pieces of evidence, and of a list the first `items`;
    None: all."""

    findings: int
    fields: int | None = None
    items: int | None = None
    paragraphs: tuple[str, ...] = ()


def _amounts(found: Sequence[Finding]) -> Iterator[_Amount]:
    """From everything to one finding without evidence."""
    count = len(found)
    for paragraphs in (("meaning", "cause", "gateway"), ("meaning", "gateway"), ("meaning",), ()):
        yield _Amount(count, paragraphs=paragraphs)
    for fields in range(max(len(item.evidence) for item in found), -1, -1):
        yield from (_Amount(count, fields, items) for items in ((3, 1) if fields else (0,)))
    for shown in range(count - 1, 0, -1):
        yield _Amount(shown, 0, 0)


_LABELS = {
    "meaning": "What it means",
    "cause": "Why it happens",
    "gateway": "What the gateway does at next start",
}


def _found(console: Console, *, rule: Rule, judgement: Judgement, view: View, amount: _Amount) -> None:
    shown = judgement.findings[: amount.findings]
    several = len(judgement.findings) > 1
    if several:
        word = Text(f" {shown[0].severity.word} ", SEVERITY_STYLE[shown[0].severity])
        console.print(Text.assemble((rule.id, "bold"), "  ", word))
    else:
        finding_head(console, shown[0], view, named=rule.id)
    console.print(Text(rule.title))
    same = len({item.by_hand for item in shown}) == 1
    for item in shown:
        console.print()
        if several:
            finding_head(console, item, view)
        finding_message(console, item, view)
        by_hand = not same or item is shown[-1]
        what_follows(console, item, view, where=True, fields=amount.fields, items=amount.items, by_hand=by_hand)
    for paragraph in amount.paragraphs:
        console.print()
        _paragraph(console, _LABELS[paragraph], view.prose(getattr(rule, paragraph)))
    rest = len(judgement.findings) - len(shown)
    if rest or amount.fields is not None:
        more = f"{words.plural(rest, 'more finding')}, " if rest else ""
        console.print(Text(f"--all adds {more}all evidence and what the rule means."))
    print_step(console, view, step_found(judgement, view))


def _paragraph(console: Console, label: str, text: str) -> None:
    first, *rest = words.lines(f"{label}: {text}", console.width)
    console.print(Text.assemble((first[: len(label) + 1], "bold"), first[len(label) + 1 :]), no_wrap=True)
    for line in rest:
        console.print(Text(line, no_wrap=True))


def overview(console: Console, rules: Sequence[Rule], view: View) -> None:
    """Every rule by family; the worst ones where not all fit."""
    if view.rows is None:
        _table(console, view, rules=rules)
    else:
        worst = sorted(rules, key=lambda rule: rule.severity, reverse=True)
        fitted(console, view, partial(_table, rules=worst))


def _table(console: Console, view: View, *, rules: Sequence[Rule]) -> None:
    table = grid("rule", "severity", "what", left=3) if view.rows is None else grid("rule", "what", left=2)
    family, severity = None, None
    shown = capped(rules, view)
    for rule in shown:
        word = Text(rule.severity.word, SEVERITY_STYLE[rule.severity])
        if view.rows is None:
            if family not in (None, rule.family):
                table.add_section()
            table.add_row(rule.id, word, rule.title)
        else:
            if severity is not rule.severity:
                table.add_row(word)
            table.add_row(rule.id, rule.title)
        family, severity = rule.family, rule.severity
    console.print(table)
    more(console, len(shown), len(rules), "rules")
    next_step(console, view, "what one of them means, and what to do:", view.invocation.command("explain", "RULE"))
