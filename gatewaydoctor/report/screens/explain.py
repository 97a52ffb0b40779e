"""What a rule means, for reading at leisure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.padding import Padding
from rich.text import Text

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
            console.print(Padding(Text(text), (0, 0, 0, 2)))
        else:
            console.print(Text.assemble((f"{label}: ", "bold"), text))
    if rule.repair:
        if airy:
            console.print()
        console.print(Text("Repair (shows its plan first)", "bold"))
        print_command(console, Text(), invocation.command("repair", rule.repair), 2)


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
    table = grid("rule", "severity", "what", left=3)
    family = None
    shown = capped(rules, view)
    for rule in shown:
        if view.rows is None and family not in (None, rule.family):
            table.add_section()
        family = rule.family
        what = rule.title if view.rows is None else Text(rule.title, no_wrap=True, overflow="ellipsis")
        table.add_row(rule.id, Text(rule.severity.word, SEVERITY_STYLE[rule.severity]), what)
    console.print(table)
    more(console, len(shown), len(rules), "rules")
    next_step(console, view, "what one of them means, and what to do:", view.invocation.command("explain", "RULE"))
