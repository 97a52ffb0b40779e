"""What a rule means, for reading at leisure."""

from __future__ import annotations

from functools import partial
from textwrap import wrap
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.text import Text

from gatewaydoctor.model.regex import regex
from gatewaydoctor.report.screens.blocks.fitting import fitted, height, lines
from gatewaydoctor.report.screens.blocks.gaps import step_unless
from gatewaydoctor.report.screens.blocks.parts import (
    SEVERITY_STYLE,
    capped,
    grid,
    more,
    next_step,
    print_command,
    print_step,
    section,
)
from gatewaydoctor.report.screens.findings import findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.model.command import Command
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
            for line in _lines(text, console.width - 2):
                console.print(Text(f"  {line}", no_wrap=True))
        else:
            first, *rest = _lines(f"{label}: {text}", console.width)
            console.print(Text.assemble((first[: len(label) + 1], "bold"), first[len(label) + 1 :]), no_wrap=True)
            for line in rest:
                console.print(Text(line, no_wrap=True))
    if rule.repair:
        if airy:
            console.print()
        console.print(Text("Repair (shows its plan first)", "bold"))
        print_command(console, Text(), invocation.command("repair", rule.repair), 2)


def _lines(text: str, width: int) -> list[str]:
    """A paragraph; what is in backticks is not broken."""
    kept = _QUOTED.sub(lambda quoted: quoted[0].replace(" ", _UNBROKEN), text)
    return [line.replace(_UNBROKEN, " ") for line in wrap(kept, width, break_on_hyphens=False)]


_QUOTED = regex(r"`[^`]*`")
_UNBROKEN = "\N{NO-BREAK SPACE}"


def term(console: Console, found: Term, todo: Command, invocation: Invocation) -> None:
    """A word, or those that are told together; then what to type."""
    console.print(Text(", ".join(found.words), "bold"))
    for line in wrap(found.meaning.replace("`", ""), console.width - 2, break_on_hyphens=False):
        console.print(Text(f"  {line}", no_wrap=True))
    why = "all rules, for the findings of a scan:" if todo.words == ("explain",) else "show what it would do here:"
    console.print()
    console.print(Text.assemble(("next: ", "bold"), why))
    print_command(console, Text(), invocation.complete(todo), len("next: "))


def found(console: Console, judgement: Judgement, view: View) -> None:
    """The findings of a rule in one directory, each with what to do about it."""
    path = view.names.path(judgement.examination.place.state_dir)
    if not judgement.findings:
        section(console, f"A scan of {path} finds none")
        print_step(console, view, step_unless(judgement.examination, view, "nothing to do about it"))
        return
    section(console, f"A scan of {path} finds")
    findings(console, judgement.findings, replace(view, verbose=True))


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
