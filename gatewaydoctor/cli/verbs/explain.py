"""`explain`: what a finding means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.model.errors import ExitCode, UsageError, unknown_word

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.registry import Rule

RuleId = Annotated[str | None, argument(metavar="[RULE]", help="Rule id; without one all rules are listed.")]

Found = Annotated[bool, option("--found", help="Also show the findings of this rule in the state directory.")]


def explain(run: Run, *, rule: RuleId = None, found: Found = False) -> Outcome:
    """Needs no state directory. With --found, or with a directory named, it is scanned as well, and what to do
    about each finding there is shown."""
    from gatewaydoctor.checks.judge import all_rules

    only_formats(run, "explain", "text", "json")
    rules = all_rules() if rule is None else (_find(rule),)
    if found or (rule is not None and run.options.state_dir is not None):
        if rule is None:
            raise UsageError("--found goes with a rule.", "Run `gatewaydoctor scan -v` for all findings.")
        return _found(run, rules[0])

    def screen(console: Console) -> None:
        from gatewaydoctor.cli.shell.examining import view_with
        from gatewaydoctor.report.names import Names
        from gatewaydoctor.report.screens import explain as screens

        if rule is None:
            screens.overview(console, rules, view_with(run, Names(redact=False), len(rules)))
        else:
            screens.show(console, rules[0], run.invocation)

    return Outcome("explain", ExitCode.OK, run, details={"rules": [_details(each) for each in rules]}, screen=screen)


def _found(run: Run, rule: Rule) -> Outcome:
    """The rule, and what a scan finds of it now."""
    from gatewaydoctor.cli.shell.examining import look, view
    from gatewaydoctor.report.screens import explain as screens

    judgement = look(run)
    judgement = replace(judgement, findings=tuple(each for each in judgement.findings if each.rule == rule.id))
    seen = view(run, judgement.examination)

    def screen(console: Console) -> None:
        screens.show(console, rule, run.invocation)
        screens.found(console, judgement, seen)

    details = {"rules": [_details(rule)]}
    return Outcome("explain", ExitCode.OK, run, judgement, seen.names, details=details, screen=screen)


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
