"""Findings as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.model.outcome.finding import Finding, Severity
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.finding_lines import finding_lines
from gatewaydoctor.report.screens.blocks.fitting import Jointed
from gatewaydoctor.report.screens.blocks.parts import (
    INDENT,
    SEVERITY_STYLE,
    View,
    moment,
    pairs,
    print_command,
    print_prose,
    section,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

FULL_FROM = Severity.ERROR
"""Findings from here up are shown with consequence and remedy; milder ones take a line or two unless --verbose."""
MOST_RELATED = 4
"""Findings that a screen about something else shows at most where lines are short."""
_LABEL = len("next start  ")
_EPOCH = 1_000_000_000_000
"""ms; a count this large is a moment since 2001."""


def tally(findings: Sequence[Finding]) -> Text:
    """`1 critical, 2 errors, 1 warning`."""
    line = Text()
    for severity in sorted(Severity, reverse=True):
        count = sum(finding.severity is severity for finding in findings)
        if count:
            line.append(", " if line else "")
            line.append(words.of_severity(count, severity.word), SEVERITY_STYLE[severity])
    return line if line else Text("nothing wrong")


def findings(console: Console, items: Sequence[Finding], view: View) -> None:
    """Findings as they come (worst first): the grave ones in full, the others a line each."""
    for item in items:
        line = Text.assemble((f" {item.severity.word} ", SEVERITY_STYLE[item.severity]), " ", (item.rule, "bold"))
        if item.agent_id:
            line.append(f"  {view.agent(item.agent_id)}")
        if item.count > 1:
            line.append(f"  x{item.count:,}")
        console.print(line)
        finding_message(console, item, view)
        if view.verbose or item.severity >= (Severity.CRITICAL if view.quiet else FULL_FROM):
            _rest(console, item, view)
        elif _is_elsewhere(item) and not view.quiet:
            console.print(Padding(pairs([("file", view.path(item.path))]), (0, 0, 0, INDENT)))


def finding_head(console: Console, item: Finding, view: View, *, named: str = "") -> None:
    """Its severity, agent and count; the rule is `named` where a line begins with it."""
    word = Text(f" {item.severity.word} ", SEVERITY_STYLE[item.severity])
    line = Text.assemble((named, "bold"), "  ", word) if named else word
    if item.agent_id:
        line.append(f"  {view.agent(item.agent_id)}")
    if item.count > 1:
        line.append(f"  x{item.count:,}")
    console.print(line)


def finding_message(console: Console, item: Finding, view: View) -> None:
    console.print(Padding(Text(view.names.text(item.message)), (0, 0, 0, INDENT)))


def related(console: Console, items: Sequence[Finding], view: View) -> None:
    """The findings that a screen is about: a line each, or in full where everything is shown."""
    if not items:
        return
    section(console, "Findings")
    if view.rows is None or view.verbose:
        findings(console, items, view)
    else:
        finding_lines(console, items, view, max(MOST_RELATED, view.rows))


def step_of(items: Sequence[Finding], view: View) -> NextStep:
    """What to do about them: the repair of the worst; without one what it means; without any the scan."""
    if not items:
        return NextStep(command=view.invocation.command("scan"), why="show all findings, worst first")
    worst = items[0]
    fixable = next((item for item in items if item.fix and item.severity is worst.severity), None)
    if fixable is not None and fixable.fix is not None:
        command = view.command(fixable.fix.command)
        return NextStep(command=command, why="see what a repair would do")
    return NextStep(command=view.invocation.command("explain", worst.rule, "--found"), why="read what to do")


def _is_elsewhere(item: Finding) -> bool:
    """Whether nothing but its path says where to go: it is not an agent's, and no command repairs it."""
    return item.path is not None and item.agent_id is None and not item.fix and item.severity >= Severity.WARNING


def _rest(console: Console, item: Finding, view: View) -> None:
    where, fields = view.verbose or _is_elsewhere(item), None if view.verbose else 0
    what_follows(console, item, view, where=where, fields=fields)


def what_follows(
    console: Console,
    item: Finding,
    view: View,
    *,
    where: bool,
    fields: int | None,
    items: int | None = None,
    by_hand: bool = True,
) -> None:
    """What a finding makes of the next start and what to do about it, with its file and key if `where`; under it so
    many pieces of evidence, of a list the first `items` (None: all)."""
    rows: list[tuple[str, RenderableType]] = [("next start", Text(view.names.text(item.consequence)))]
    if item.path and where:
        rows.append(("file", view.path(item.path)))
    if item.key is not None and (view.verbose or (where and fields != 0)):
        rows.append(("key", view.key(item.key)))
    console.print(Padding(pairs(rows), (0, 0, 0, INDENT)))
    if item.by_hand and not item.fix and by_hand:
        print_prose(console, Text(" " * INDENT + "by hand"), view.prose(item.by_hand), INDENT + _LABEL)
    if command := item.fix.command if item.fix else item.by_command:
        label = Text(" " * INDENT + ("fix" if item.fix else "type"))
        print_command(console, label, view.command(command), INDENT + _LABEL)
    told = [(name, value) for name, value in item.evidence.items() if fields is None or value not in (None, [], {})]
    if evidence := told[:fields]:
        shown = ((name, _plain(name, view.names.value(value, name), items)) for name, value in evidence)
        rows = [(name, Group(*map(Jointed, text.split("\n")))) for name, text in shown]
        console.print(Padding(pairs(rows), (0, 0, 0, 2 * INDENT)))


def _plain(name: str, value: object, most: int | None = None) -> str:
    """A piece of evidence for the eye: sizes, spans and times humanised, without the marks of a data format. Of a
    list the first `most` items, and how many more there are."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return _figure(name.lower(), value)
        case dict():
            return ", ".join(f"{each} {_plain(each, item)}" for each, item in value.items()) or "-"
        case list():
            shown = [_plain(name, item) for item in (value[:most] if most and len(value) > most + 1 else value)]
            return "\n".join([*shown, *([f"{rest:,} more"] if (rest := len(value) - len(shown)) else [])]) or "-"
        case _:
            return str(value)


_NAMES = ("uid", "pid", "port")
"""What such a field ends in is a name made of digits, not a count."""


def _figure(name: str, value: int) -> str:
    if name.endswith(_NAMES):
        return str(value)
    if "bytes" in name or name.endswith(("size", "largest")):
        return words.size(value)
    if name.endswith("ms") and value < _EPOCH:
        return words.duration(value)
    return f"{moment(value)} UTC" if _EPOCH <= value < 10 * _EPOCH else f"{value:,}"
