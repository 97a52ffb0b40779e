"""The one thing to do next, for the screen and for JSON alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.unread import DENIED
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, NextStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.outcome.verdict import StartVerdict

REPAIR = "gatewaydoctor repair"
ONLY_BY_NAME = frozenset(
    {"paths", "orphans", "locks", "cron", "jobs", "compact", "queues", "park", "unpark", "space"}
)
"""Repairs that `repair` without a name leaves out."""
_SALVAGE = f"{REPAIR} salvage"
_SAFE = "shows the plan; no conversation is lost, and it can be undone"


def _why(deciding: Sequence[Finding], *, live: bool, loses: bool) -> str:
    if live:
        return "stop the gateway before it is applied; it can be undone"
    if loses:
        return "keep the gateway stopped; shows the plan, which can be undone"
    salvages = any(finding.fix and finding.fix.command == _SALVAGE for finding in deciding)
    return "shows what can be recovered; the plan can be undone" if salvages else _SAFE


def interrupted(run_id: str) -> NextStep:
    """The step that comes before any other: a run that was interrupted is to be finished or undone."""
    return NextStep(f"gatewaydoctor repair --resume {run_id}", "a repair was interrupted; finish it, or undo it")


def next_step(x: Examination, findings: Sequence[Finding], verdict: StartVerdict) -> NextStep:
    """What to do about these findings of `x`, worst first."""
    deciding = [finding for finding in findings if finding.rule in verdict.rules]
    live = x.gateway.liveness is Liveness.LIVE
    if command := _permission(deciding):
        return NextStep(command, "permission is missing; scan again afterwards, before any start")
    if verdict.effect is Effect.UNREAD and x.unsettled:
        return NextStep("gatewaydoctor scan", "once nothing writes there; fuser and lsof name what does")
    if verdict.effect is Effect.UNREAD:
        return NextStep(
            "gatewaydoctor scan -v", "lists what was not read; scan again as the user the gateway runs as"
        )
    if deciding and (repair := _repair(deciding, findings)):
        return NextStep(repair, _why(deciding, live=live, loses=verdict.effect is Effect.LOSES))
    if any("recordedSha256" in finding.evidence for finding in deciding):
        return NextStep("gatewaydoctor snapshot", "copies the directory; then gatewaydoctor migration shows more")
    if deciding:
        return NextStep(_by_hand(deciding[0]), "what to do by hand, before any start")
    worth = [finding for finding in findings if finding.severity >= Severity.WARNING]
    if repair := _repair(worth, worth):
        return NextStep(repair, _why(worth, live=live, loses=False))
    if command := _permission(worth[:1]):
        return NextStep(command, "permission is missing; scan again afterwards")
    if worth:
        return NextStep(_by_hand(worth[0]), "what the worst finding means, and what to do by hand")
    return NextStep(None, "nothing to do")


def _by_hand(finding: Finding) -> str:
    return f"gatewaydoctor explain {finding.rule} --found"


def _permission(deciding: Sequence[Finding]) -> str | None:
    """The command that gives permission or scans with it, where the first of these findings lacks one."""
    first = deciding[0] if deciding else None
    command = first.evidence.get("command") if first is not None and first.rule == DENIED.id else None
    return command if isinstance(command, str) else None


def _repair(deciding: Iterable[Finding], findings: Iterable[Finding]) -> str | None:
    """The repair of these findings: the named one where it is the only one that anything calls for, or where all of
    theirs are made by name alone; else every recommended one."""
    wanted = [finding.fix.command for finding in deciding if finding.fix]
    if not wanted:
        return None
    if all(command.split()[2:3] and command.split()[2] in ONLY_BY_NAME for command in wanted):
        return wanted[0]
    commands = {finding.fix.command for finding in findings if finding.fix and finding.severity >= Severity.WARNING}
    return commands.pop() if len(commands) == 1 else REPAIR
