"""`explain`: what a finding means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.model.errors import ExitCode, unknown_word

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.registry import Rule

RuleId = Annotated[str | None, typer.Argument(metavar="[RULE]", help="Rule id; without one all rules are listed.")]


def explain(run: Run, *, rule: RuleId = None) -> Outcome:
    """Needs no state directory."""
    from gatewaydoctor.checks.judge import all_rules

    only_formats(run, "explain", "text", "json")
    rules = all_rules() if rule is None else (_find(rule),)

    def screen(console: Console) -> None:
        from gatewaydoctor.report.screens import explain as screens

        if rule is None:
            screens.overview(console, rules)
        else:
            screens.show(console, rules[0], run.invocation)

    return Outcome("explain", ExitCode.OK, run, details={"rules": [_details(each) for each in rules]}, screen=screen)


def _find(rule_id: str) -> Rule:
    from gatewaydoctor.checks.judge import all_rules

    rules = {rule.id: rule for rule in all_rules()}
    if rule_id in rules:
        return rules[rule_id]
    raise unknown_word("rule", rule_id, rules, "`gatewaydoctor explain` lists all rules.")


def _details(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "family": rule.family.value,
        "severity": rule.severity.word,
        "title": rule.title,
        "meaning": rule.meaning,
        "cause": rule.cause,
        "gateway": rule.gateway,
        "remedy": rule.remedy,
        "repair": rule.repair,
    }
