"""Rules about the subagent registry, subagents/runs.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.files import Unreadable
    from gatewaydoctor.model.gateway.subagents import SubagentRegistry
    from gatewaydoctor.model.outcome.finding import Finding

NEVER = Rule(
    id="subagent-never-archived",
    family=Family.OTHERS,
    severity=Severity.INFO,
    title="Ended subagent runs that nothing archives",
    meaning="Runs with spawnMode session or cleanup keep have ended but have no archiveAtMs, which the "
    "2026.3 sweep looks for. Under that release it is a warning from 100 such runs on and an "
    "error from 800.",
    cause="A workload starts hundreds of subagents as sessions, or keeps them (incident 52725).",
    gateway="2026.3.28 loads all of them and never drops one: file and memory grow with every run (8 GB at 2,800 in "
    "the incident). 2026.4.25 drops them 5 minutes after their clean-up. 2026.5.22 and 2026.9.6 do the same, but "
    "keep those with cleanup keep and spawnMode run. 2026.9.6 does not import the file.",
    remedy="With the gateway stopped and runs.json copied, remove ended runs from it. Do not set "
    "archiveAtMs: that deletes the child's session and transcript.",
    repair="subagents",
)

ORPHANED = Rule(
    id="subagent-orphaned",
    family=Family.OTHERS,
    severity=Severity.INFO,
    title="Subagent runs without a session",
    meaning="runs.json lists runs whose child session is not in any index. Warning if such a run has not "
    "ended or has attachments.",
    cause="The child's session was removed by a clean-up or by hand, or was lost with a damaged store.",
    gateway="At start it drops these runs and deletes their attachment directories. Until then, a run "
    "that has not ended can make an agent report on work that stopped long ago.",
    remedy="If the session store is damaged, repair it first: the child sessions may come back. Copy "
    "attachments that matter before the start.",
)

UNREADABLE = Rule(
    id="subagents-unreadable",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="The subagent registry cannot be read",
    meaning="subagents/runs.json is cut short, has another structure or version, or cannot be read. Info "
    "only if sessions are in a database: the file is not used there.",
    cause="Up to 2026.3.28 the file is written in place: a crash leaves it empty or cut short.",
    gateway="It loads the registry as empty and overwrites it at the next run. Runs in progress are "
    "forgotten, their results never announced, and their children never cleaned up. 2026.9.6 "
    "discards the file in any case.",
    remedy="Before a start, copy the file to a safe place. Complete runs before the damage can be "
    "recovered into a new file. If the file could not be read, scan again as the user the "
    "gateway runs as.",
    repair="subagents",
)

_BOOT_NEVER = NextBoot(
    v3_28="loads all of them and never drops any",
    v4_25="drops those whose clean-up is complete within minutes",
    v5_22="drops those of spawnMode session within minutes and keeps the others",
    v9_6="does not import the file",
    unknown="2026.3.28 keeps all of them forever; later releases drop most within minutes.",
)
_BOOT_ORPHANED = NextBoot(
    v3_28="drops them at start and deletes their attachment directories",
    v9_6="does not import the file",
    unknown="Up to 2026.5.22 a start drops them and deletes their attachment directories.",
)
_BOOT_UNREADABLE = NextBoot(
    v3_28="loads the registry as empty and overwrites it at the next subagent run",
    v9_6="discards the file in any case",
    unknown="Releases up to 2026.5.22 load it as empty and overwrite it at the next run.",
)


@REGISTRY.check(NEVER)
def never_archived(x: Examination, t: Thresholds) -> Iterator[Finding]:
    registry = x.subagents
    count = registry.never_archived
    if not count or not _read(x):
        return
    severity = Severity.INFO
    if x.config.release.behaviour.keeps_ended_runs and count >= t.subagents_warning:
        sure = x.config.release.known
        severity = Severity.ERROR if sure and count >= t.subagents_error else Severity.WARNING
    yield NEVER.finding(
        f"{count:,} of {plural(registry.runs, 'subagent run')} ended without an archive date. The "
        f"file is {size(registry.bytes)}.",
        _BOOT_NEVER.of(x),
        brief=f"{count:,} of {plural(registry.runs, 'subagent run')}, {size(registry.bytes)}",
        count=count,
        severity=severity,
        path=registry.path,
        evidence={
            "runs": registry.runs,
            "bytes": registry.bytes,
            "bySpawnMode": dict(registry.by_spawn_mode),
            "byCleanup": dict(registry.by_cleanup),
            "oldestCreatedAt": registry.oldest,
        },
    )


@REGISTRY.check(ORPHANED)
def orphaned(x: Examination, t: Thresholds) -> Iterator[Finding]:
    registry = x.subagents
    # With a store unread or left out, a child that is missing may only be unreadable.
    if not registry.orphaned or not x.complete or not _read(x):
        return
    grave = registry.unended_orphans or registry.with_attachments
    yield ORPHANED.finding(
        f"{registry.orphaned:,} of {plural(registry.runs, 'subagent run')} without a session, "
        f"{registry.unended_orphans:,} of them not ended.",
        _BOOT_ORPHANED.of(x),
        brief=f"{plural(registry.orphaned, 'subagent run')} without a session",
        count=registry.orphaned,
        severity=Severity.WARNING if grave else None,
        path=registry.path,
        evidence={
            "runs": registry.runs,
            "unended": registry.unended_orphans,
            "runsWithAttachments": registry.with_attachments,
            "children": [run.child_key for run in registry.rows if run.orphaned][:EXAMPLES],
        },
    )


@REGISTRY.check(UNREADABLE)
def registry_unreadable(x: Examination, t: Thresholds) -> Iterator[Finding]:
    registry = x.subagents
    if registry.read in (RegistryRead.OK, RegistryRead.MISSING):
        return
    if registry.problem is not None:
        yield _unread(x, registry.problem)
        return
    reason = registry.reason or "it cannot be read"
    yield UNREADABLE.finding(
        f"runs.json: {reason}. "
        f"{plural(registry.runs, 'complete run') if registry.runs else 'No complete run'} before "
        "the damage.",
        _BOOT_UNREADABLE.of(x),
        brief="the subagent registry cannot be read",
        severity=Severity.INFO if x.config.release.behaviour.sessions_in_database else None,
        path=registry.path,
        evidence={
            "read": registry.read.value,
            "bytes": registry.bytes,
            "offset": registry.fault_at,
            "wholeRuns": registry.runs,
        },
        repair=UNREADABLE.repair if registry.runs and registry.version_is_read else None,
        by_hand=_by_hand(registry),
    )


def _by_hand(registry: SubagentRegistry) -> str | None:
    if not registry.runs:
        return "Before a start, copy the file to a safe place. It holds no complete run."
    if not registry.version_is_read:
        return "Before a start, copy the file to a safe place. gatewaydoctor can repair only versions 1 and 2."
    return None


def _unread(x: Examination, problem: Unreadable) -> Finding:
    severity = Severity.WARNING if problem.obstacle is Obstacle.BEYOND_LIMIT else None
    return UNREADABLE.finding(
        f"Cannot read runs.json: {problem.reason}.",
        unread.consequence(problem, "it loads the registry as empty, and runs in progress are forgotten"),
        brief="the subagent registry cannot be read",
        severity=Severity.INFO if x.config.release.behaviour.sessions_in_database else severity,
        path=problem.path,
        evidence={"read": x.subagents.read.value, "reason": problem.reason},
        repair=None,
        by_hand=unread.by_hand(problem),
    )


def _read(x: Examination) -> bool:
    """Whether the registry is what the gateway sees; a damaged one has a finding of its own."""
    return x.subagents.read is RegistryRead.OK
