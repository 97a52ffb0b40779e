"""`explain`: what a finding, a repair or a word of the screens means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.parser.verb_table import VERBS
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.model.errors import ExitCode, UsageError, unknown_word

if TYPE_CHECKING:
    from rich.console import Console

    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.report.glossary import Term

Word = Annotated[
    str | None,
    argument(metavar="[RULE]", help="Rule id, repair or word of a screen; without one all rules are listed."),
]

Found = Annotated[bool, option("--found", help="Also show the findings of this rule in the state directory.")]


def explain(run: Run, *, word: Word = None, found: Found = False) -> Outcome:
    """Explains a rule, a repair or a word of a screen; needs no state directory. With --found, or with a directory
    named, also scans it and shows what to do about each finding there."""
    from gatewaydoctor.checks.judge import all_rules

    only_formats(run, "explain", "text", "json")
    rule = None if word is None else next((each for each in all_rules() if each.id == word), None)
    if word is not None and rule is None:
        return _term(run, word)
    if found and rule is None:
        raise UsageError("--found goes with a rule.", "Run `gatewaydoctor scan -v` for all findings.")
    if rule and (found or run.options.state_dir is not None):
        return _found(run, rule)
    rules = (rule,) if rule else all_rules()

    def screen(console: Console) -> None:
        from gatewaydoctor.cli.shell.examining import view_with
        from gatewaydoctor.report.names import Names
        from gatewaydoctor.report.screens import explain as screens

        if rule is None:
            screens.overview(console, rules, view_with(run, Names(redact=False), len(rules)))
        else:
            screens.show(console, rule, run.invocation)

    return Outcome("explain", ExitCode.OK, run, details={"rules": [_details(each) for each in rules]}, screen=screen)


def _term(run: Run, word: str) -> Outcome:
    """A repair, or a word of the glossary. Raises UsageError for any other."""
    found, todo = _repair(word) or _glossary(word)

    def screen(console: Console) -> None:
        from gatewaydoctor.report.screens import explain as screens

        screens.term(console, found, todo, run.invocation)

    terms = [{"words": [each], "meaning": meaning} for each, meaning in found.meanings]
    details = {"rules": [], "terms": terms}
    return Outcome("explain", ExitCode.OK, run, details=details, screen=screen)


def _repair(word: str) -> tuple[Term, Command] | None:
    from gatewaydoctor.checks.judge import all_rules
    from gatewaydoctor.model.command import typed
    from gatewaydoctor.repair.drafting.options import REPAIRS, Repair
    from gatewaydoctor.report.glossary import Term

    if word not in set(map(str, Repair)):
        return None
    spec = REPAIRS[Repair(word)]
    rules = ", ".join(rule.id for rule in all_rules() if rule.repair == word)
    named = "" if spec.recommended else " Only done when it is named."
    told = f"{spec.purpose}{named}{f' For {rules}.' if rules else ''}"
    verb = (word, "KEY") if word in ("park", "unpark") else ("repair", word)
    return Term((f"repair {word}",), told), typed(*verb)


def _glossary(word: str) -> tuple[Term, Command]:
    from gatewaydoctor.checks.judge import all_rules
    from gatewaydoctor.model.command import typed
    from gatewaydoctor.repair.drafting.options import Repair
    from gatewaydoctor.report.glossary import GLOSSARY, term

    if found := term(word):
        return found, typed("explain")
    if word in VERBS:
        raise UsageError(f"{word} is a command, not a rule.", f"Run `gatewaydoctor {word} --help`.")
    words = (each for entry in GLOSSARY for each in entry.words)
    known = (*(rule.id for rule in all_rules()), *map(str, Repair), *words)
    raise unknown_word("rule or word", word, known, "`gatewaydoctor explain` lists all rules.")


def _found(run: Run, rule: Rule) -> Outcome:
    """The rule, and what a scan finds of it now."""
    from gatewaydoctor.cli.shell.examining import look, view
    from gatewaydoctor.report.screens import explain as screens

    judgement = look(run)
    judgement = replace(judgement, findings=tuple(each for each in judgement.findings if each.rule == rule.id))
    seen = view(run, judgement.examination)

    return Outcome(
        "explain",
        ExitCode.OK,
        run,
        judgement,
        seen.names,
        details={"rules": [_details(rule)]},
        next=screens.step_found(judgement, seen),
        screen=lambda console: screens.found(console, rule, judgement, seen),
    )


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
