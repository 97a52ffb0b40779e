"""The pieces every screen is built from: head line, tables, findings, the next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatewaydoctor import __version__
from gatewaydoctor.model.finding import Finding, Severity
from gatewaydoctor.model.liveness import Liveness
from gatewaydoctor.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.report.names import Names

T = TypeVar("T")

SEVERITY_STYLE = {
    Severity.CRITICAL: "bold white on red",
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "cyan",
}
LIVENESS_STYLE = {Liveness.LIVE: "bold red", Liveness.DEAD: "green", Liveness.UNKNOWN: "bold yellow"}
FULL_FROM = Severity.ERROR
"""Findings from here up are shown with message and consequence; milder ones take a line unless --verbose."""


@dataclass(frozen=True, slots=True)
class View:
    """How much to show, and how to show names. `rows` caps tables; None shows all."""

    names: Names
    verbose: bool = False
    rows: int | None = 12
    quiet: bool = False


def moment(at: int | None) -> str:
    """An epoch-ms time in UTC to the minute."""
    if at is None:
        return "-"
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def head(console: Console, judgement: Judgement, view: View) -> None:
    """Which directory, which clock, is the gateway alive, which release and rules it lives under."""
    x = judgement.examination
    console.print(Text.assemble(("gatewaydoctor ", "bold"), __version__, "  ", view.names.path(x.place.state_dir)))
    release = x.config.release
    version = view.names.text(release.version) if release.version else "unknown"
    policy = release.policy.value if release.policy and release.policy.value != release.version else None
    maintenance = x.config.maintenance
    rows = [
        ("clock", Text(f"{moment(x.now)} UTC")),
        ("gateway", gateway_line(judgement, view)),
        (
            "release",
            Text(
                f"{version}{f' (rules of {policy})' if policy else ''}; maintenance {maintenance.mode.value}, "
                f"cap {maintenance.max_entries.value:,} ({maintenance.max_entries.origin.value})"
            ),
        ),
    ]
    if not x.config.readable and x.config.problem:
        rows.append(("config", Text(view.names.text(x.config.problem.text), "yellow")))
    console.print(pairs(rows))


def gateway_line(judgement: Judgement, view: View) -> Text:
    """Liveness with the evidence that decided it."""
    gateway = judgement.examination.gateway
    line = Text(gateway.liveness.value, LIVENESS_STYLE[gateway.liveness])
    deciding = [item for item in gateway.evidence if item.says is gateway.liveness]
    if not view.verbose:
        deciding = deciding[:3]
    if deciding:
        line.append("  " + " ".join(view.names.text(item.text) for item in deciding), "dim")
    return line


def pairs(rows: Iterable[tuple[str, Text]]) -> Table:
    """Label and text, a line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, value)
    return table


def grid(*columns: str, left: int = 1, gap: int = 2) -> Table:
    """A table without lines: the first `left` columns are text, the others numbers, `gap` blanks between them."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for place, name in enumerate(columns):
        if place < left:
            table.add_column(name, overflow="fold", ratio=None)
        else:
            table.add_column(name, justify="right", no_wrap=True)
    return table


def section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, "bold"))


def more(console: Console, shown: int, total: int, what: str) -> None:
    """Say what a cap left out."""
    if shown < total:
        console.print(Text(f"{shown:,} of {total:,} {what} shown; --all shows every one.", "dim"))


def capped(items: Sequence[T], view: View) -> Sequence[T]:
    return items if view.rows is None else items[: view.rows]


def tally(findings: Sequence[Finding]) -> Text:
    """`1 critical, 2 errors, 1 warning`."""
    line = Text()
    for severity in sorted(Severity, reverse=True):
        count = sum(finding.severity is severity for finding in findings)
        if count:
            many = count > 1 and severity in (Severity.ERROR, Severity.WARNING)
            line.append(", " if line else "")
            line.append(f"{count} {severity.word}{'s' if many else ''}", SEVERITY_STYLE[severity])
    return line if line else Text("none", "green")


def findings(console: Console, items: Sequence[Finding], view: View, *, now: int) -> None:
    """Findings as they come (worst first): the grave ones in full, the others a line each."""
    for item in items:
        full = item.severity >= FULL_FROM or view.verbose
        line = Text.assemble((f" {item.severity.word} ", SEVERITY_STYLE[item.severity]), " ", (item.rule, "bold"))
        if item.agent_id:
            line.append(f"  {view.names.identifier(item.agent_id, 'agent')}", "dim")
        if item.count > 1:
            line.append(f"  x{item.count:,}", "dim")
        console.print(line, soft_wrap=False)
        console.print(Padding(Text(view.names.text(item.message)), (0, 0, 0, 4)))
        if full:
            _rest(console, item, view)


def _rest(console: Console, item: Finding, view: View) -> None:
    rows = [("next boot", Text(view.names.text(item.consequence)))]
    if item.path and view.verbose:
        rows.append(("file", Text(view.names.path(item.path))))
    if item.key and view.verbose:
        rows.append(("key", Text(view.names.key(item.key))))
    if item.fix:
        rows.append(("fix", Text(view.names.text(item.fix.command), "green")))
    elif item.by_hand:
        rows.append(("by hand", Text(item.by_hand)))
    if view.verbose:
        rows += [(name, Text(words.harmless(str(view.names.value(value))))) for name, value in item.evidence.items()]
    console.print(Padding(pairs(rows), (0, 0, 0, 4)))


def next_step(console: Console, text: str, command: str | None = None) -> None:
    """The one thing to do now, last on the screen."""
    console.print()
    line = Text.assemble(("next: ", "bold"), text)
    if command:
        line.append("\n      ")
        line.append(command, "bold green")
    console.print(line)
