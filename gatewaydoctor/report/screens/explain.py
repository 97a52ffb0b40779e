"""What a rule means, for reading at leisure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.report.screens.blocks.gaps import next_unless
from gatewaydoctor.report.screens.blocks.parts import SEVERITY_STYLE, grid, print_command, section
from gatewaydoctor.report.screens.findings import findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.report.invocation import Invocation
    from gatewaydoctor.report.screens.blocks.parts import View


def show(console: Console, rule: Rule, invocation: Invocation) -> None:
    console.print(Text.assemble((rule.id, "bold"), "  ", (f" {rule.severity.word} ", SEVERITY_STYLE[rule.severity])))
    console.print(Text(rule.title))
    for label, text in (
        ("What it means", rule.meaning),
        ("Why it happens", rule.cause),
        ("What the gateway does at next start", rule.gateway),
        ("What to do", rule.remedy),
    ):
        console.print()
        console.print(Text(label, "bold"))
        console.print(Padding(Text(text), (0, 0, 0, 2)))
    if rule.repair:
        console.print()
        console.print(Text("Repair (shows its plan first)", "bold"))
        print_command(console, Text(), invocation.command(f"repair {rule.repair}"), 2)


def found(console: Console, judgement: Judgement, view: View) -> None:
    """The findings of a rule in one directory, each with what to do about it."""
    path = view.names.path(judgement.examination.place.state_dir)
    if not judgement.findings:
        section(console, f"A scan of {path} finds none")
        next_unless(console, judgement.examination, view, "nothing to do about it.")
        return
    section(console, f"A scan of {path} finds")
    findings(console, judgement.findings, replace(view, verbose=True))


def overview(console: Console, rules: Sequence[Rule]) -> None:
    table = grid("rule", "severity", "what", left=3)
    family = None
    for rule in rules:
        if family not in (None, rule.family):
            table.add_section()
        family = rule.family
        table.add_row(rule.id, Text(rule.severity.word, SEVERITY_STYLE[rule.severity]), rule.title)
    console.print(table)
