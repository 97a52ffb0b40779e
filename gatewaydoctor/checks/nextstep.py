"""The one thing to do next, for the screen and for JSON alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.databases import NEWER
from gatewaydoctor.checks.stores.healthrules import FOREIGN_KEYS, SCHEMA
from gatewaydoctor.checks.stores.reading import COPY_HAS_MORE
from gatewaydoctor.model.command import explained, typed
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, NextStep
from gatewaydoctor.model.repair.way_out import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.outcome.verdict import StartVerdict
    from gatewaydoctor.model.repair.way_out import WayOut

ONLY_BY_NAME = frozenset(
    {"paths", "orphans", "locks", "cron", "jobs", "compact", "queues", "park", "unpark", "space"}
)
"""Repairs that `repair` without a name leaves out."""
SAFE = "shows the plan; no conversation is lost, and it can be undone"
BY_HAND = "what to do by hand, before any start"


def _why(deciding: Sequence[Finding], *, live: bool, loses: bool) -> str:
    if live:
        return "stop the gateway before it is applied; it can be undone"
    if loses:
        return "keep the gateway stopped; shows the plan, which can be undone"
    salvages = any(finding.fix and "salvage" in finding.fix.repairs for finding in deciding)
    return "shows what can be recovered; the plan can be undone" if salvages else SAFE


def interrupted(run_id: str, way: WayOut) -> NextStep:
    """The step that comes before any other: what ends a run that was interrupted."""
    steps = steps_of(way)
    verb, options = steps.verbs[0]
    return NextStep(typed(*verb, run_id, *options), steps.why)


def next_step(x: Examination, findings: Sequence[Finding], verdict: StartVerdict) -> NextStep:
    """What to do about these findings of `x`, worst first."""
    deciding = [finding for finding in findings if finding.rule in verdict.rules]
    live = x.gateway.liveness is Liveness.LIVE
    named = _only_named(x, deciding)
    if command := _permission(deciding):
        return NextStep(command, "permission is missing; scan again afterwards, before any start")
    if verdict.step:
        return verdict.step
    if verdict.effect is Effect.UNREAD and not (deciding and deciding[0].rule == NEWER.id):
        return NextStep(typed("scan", "-v"), "lists what was not read; scan again as the user the gateway runs as")
    if deciding and (repair := named or _repair(deciding, findings)):
        return NextStep(repair, _why(deciding, live=live, loses=verdict.effect is Effect.LOSES))
    if deciding and deciding[0].by_command:
        return NextStep(deciding[0].by_command, "shows the plan: that session is hidden until you unpark it")
    if deciding:
        return NextStep(explained(deciding[0].rule), BY_HAND)
    worth = [finding for finding in findings if finding.severity >= Severity.WARNING]
    if repair := _repair(worth, worth):
        return NextStep(repair, _why(worth, live=live, loses=False))
    if command := _permission(worth[:1]):
        return NextStep(command, "permission is missing; scan again afterwards")
    if worth:
        return NextStep(explained(worth[0].rule), "what the worst finding means, and what to do by hand")
    return NextStep(None, "nothing to do")


def spare(step: NextStep) -> bool:
    """Whether the reason of this step may be left out where there is no room: nothing is lost without it."""
    return step.command is None or step.why in (SAFE, BY_HAND)


def _only_named(x: Examination, deciding: Iterable[Finding]) -> Command | None:
    """The repair of a database that a plan without names leaves alone, because its log is lost."""
    lost = {str(health.path) for health in x.health.databases if health.log_lost}
    first = next(iter(deciding), None)
    alone = first is not None and first.path in lost and first.fix is not None and "schema" in first.fix.repairs
    return first.fix.command if first is not None and first.fix is not None and alone else None


def _permission(deciding: Sequence[Finding]) -> Command | None:
    """The command that gives permission or scans with it, where the first of these findings lacks one."""
    return deciding[0].access if deciding else None


def _repair(deciding: Iterable[Finding], findings: Iterable[Finding]) -> Command | None:
    """The repair of these findings: the named one where it is the only one that anything calls for, where all of
    theirs are made by name alone, or where the worst is conversations that are lost; else every recommended one."""
    wanted = [finding for finding in deciding if finding.fix]
    if not wanted:
        return None
    if wanted[0].fix and (all(map(by_name, wanted)) or wanted[0].rule == COPY_HAS_MORE.id):
        return wanted[0].fix.command
    called = {finding.fix for finding in findings if finding.fix and finding.severity >= Severity.WARNING}
    return called.pop().command if len(called) == 1 else typed("repair")


def by_name(finding: Finding) -> bool:
    """Whether a plan without names leaves this one's repair out. A database with other tables than its release has is
    made again only where that is asked for: rows of tables that no release has stay behind. So are conversations of
    copies added: they may have been deleted on purpose since."""
    assert finding.fix is not None
    repairs = finding.fix.repairs
    asked = finding.rule in (SCHEMA.id, FOREIGN_KEYS.id, COPY_HAS_MORE.id) and "salvage" in repairs
    return asked or repairs[0] in ONLY_BY_NAME
