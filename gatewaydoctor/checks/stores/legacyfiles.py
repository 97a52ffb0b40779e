"""Rules about small files of earlier releases that stop a start of the database era (docs/database.md, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, USUAL, Family, Rule
from gatewaydoctor.checks.stores.healthrules import refuses, start_over
from gatewaydoctor.model.database.legacy import LegacyFault, LegacyForm
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.legacy import FoundLegacyFile
    from gatewaydoctor.model.outcome.finding import Finding

LEFT = Rule(
    id="legacy-file-left",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A file of an earlier release keeps the gateway from starting",
    meaning="The databases hold what earlier releases kept in files. A file that marks the workspace of an agent as "
    "set up is still there (openclaw-workspace-state.json or .openclaw/workspace-state.json in it, or one below "
    "workspace-attestations), or a file with credentials of model providers (auth-profiles.json or auth.json of "
    "main, credentials/oauth.json, agent/auth-profiles.json where migrations are due).",
    cause="A workspace or a file that was restored from a backup or a repository, or copied from another host; or an "
    "earlier release that ran again.",
    gateway="2026.9.3, 9.5 and 9.6 refuse to start because of a file about a workspace (exit 78). If its startup "
    "migrations are due, 2026.9.6 first imports it, and refuses one that is not JSON; 2026.8.1 starts. With a file "
    "with credentials 2026.8.1, 9.5 and 9.6 come up, and end within half a minute (exit 1); 2026.9.3 starts.",
    remedy="With the gateway stopped, run `openclaw doctor --fix`: it imports the file, then the gateway starts. Or "
    "move the file to a safe place.",
)

DAMAGED = Rule(
    id="legacy-file-damaged",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A damaged file of an earlier release",
    meaning="Releases before 2026.8.1 kept approvals, pairings, plugins, settings and logs in small files. One of "
    "them is in the directory and cannot be read as what it has to be.",
    cause="A crash or a full disk cut the file short while an earlier release wrote it, or it came back with a "
    "backup.",
    gateway="After an upgrade or a move, when its startup migrations are due, 2026.9.6 takes these files over, and "
    "refuses to start with one that it cannot; 2026.8.1 does with half of them, 9.3 and 9.5 with none. Once they are "
    "done they pass over them. One with credentials stops every start.",
    remedy="The repair moves the file to the vault, with its bytes; of a log the complete lines stay. What only this "
    "file held has to be set up again, such as pairings or approvals; what the database already has stays. If there "
    "is a sound copy of the file, put it in its place instead.",
    repair="leftover",
)


@REGISTRY.check(LEFT, DAMAGED)
def legacy_files(x: Examination, t: Thresholds) -> Iterator[Finding]:
    yield from _about_workspaces(x)
    yield from _others(x)


def _about_workspaces(x: Examination) -> Iterator[Finding]:
    start = start_over(x, Damage.OLD_FILE)
    if not (x.config.release.behaviour.sessions_in_database and start.refuses):
        return
    taken = release_name(x.config.release) == NEWEST and not x.startup_migrated
    for agent in x.config.agents:
        mine = [each for each in x.health.workspace_files if each.agent_id == agent.agent_id]
        mine = [each for each in mine if not (taken and each.sound)]
        if not mine:
            continue
        broken = ", and cannot be read" if taken else ""
        yield LEFT.finding(
            f"{plural(len(mine), 'file')} of an earlier release about the workspace of the agent "
            f"{'waits' if len(mine) == 1 else 'wait'} to be imported{broken}.",
            refuses(start, ", for all agents"),
            brief=f"{plural(len(mine), 'old workspace file')} left",
            count=len(mine),
            agent_id=agent.agent_id,
            path=mine[0].path,
            evidence={"paths": [{"path": str(each.path)} for each in mine[:EXAMPLES]], "readable": not taken},
        )


def _others(x: Examination) -> Iterator[Finding]:
    for each in x.legacy:
        credentials = each.known.form is LegacyForm.CREDENTIALS
        start = start_over(x, each.known.damage)
        rule = LEFT if each.fault is LegacyFault.LEFT else DAMAGED
        if start.refuses:
            late = f"{start.who} comes up, and ends within half a minute (exit {start.code}){start.hedge}."
            yield _told(rule, each, late if credentials else refuses(start), None)
        elif rule is DAMAGED and not credentials and start.release == NEWEST:
            later = "it refuses to start (exit 78) when they are due, after an upgrade or a move"
            ahead = f"{start.who} passes over it while its startup migrations are done; {later}."
            yield _told(rule, each, ahead, Severity.INFO)


def _told(rule: Rule, each: FoundLegacyFile, ahead: str, severity: Severity | None) -> Finding:
    return rule.finding(
        f"{each.known.pattern} of an earlier release {each.fault.text}. It holds {each.known.holds}.",
        ahead,
        brief=f"{each.known.pattern.removeprefix('agents/main/agent/')} {each.fault.text}",
        severity=severity,
        path=each.path,
        evidence={"file": each.known.pattern, "fault": each.fault.value, "bytes": each.bytes, "offset": each.offset},
        repair=USUAL,
    )
