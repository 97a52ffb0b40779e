"""Findings about databases whose rows are of another agent than their directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.stores.healthrules import (
    ISOLATES,
    OWNER,
    finding_of,
    refuses,
    severity_of,
    start_over,
    who_of,
)
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import DatabaseHealth, Doubled, Misregistered, OtherOwner
    from gatewaydoctor.model.outcome.finding import Finding


def other_owner(x: Examination, health: DatabaseHealth, problem: OtherOwner) -> Finding:
    said = brief = "belongs to another agent" if problem.found else "names no owner"
    evidence = {"belongsTo": problem.found, "expected": health.agent_id, "sameFile": problem.shared}
    start = start_over(x, Damage.OWNER, health)
    if problem.shared:
        brief = "another agent's file under a second name"
    if problem.shared and not start.isolates:
        return finding_of(
            OWNER,
            health,
            f"{who_of(health)} is the file of another agent under a second name. Its own sessions are not there.",
            f"A {NEWEST} gateway starts, and cannot tell which of the agents these sessions belong to.",
            evidence,
            brief=brief,
            severity=Severity.WARNING,
        )
    said = "is the file of another agent under a second name" if problem.shared else said
    if problem.record_wrong and not problem.shared:
        said = f"has {'a wrong' if problem.found else 'no'} record of its owner; all that is in it is its own"
        return finding_of(OWNER, health, f"{who_of(health)} {said}.", start, evidence, brief=brief, repair="schema")
    if problem.rows_of is None:
        return finding_of(OWNER, health, f"{who_of(health)} {said}.", start, evidence, brief=brief)
    by_hand = (
        f"All its sessions are those of the agent {problem.rows_of}. Keep the gateway stopped, copy the directory, "
        f"give that agent its set back (database, -wal, -shm), and put that of {health.agent_id} at {health.path}."
    )
    return finding_of(OWNER, health, f"{who_of(health)} {said}.", start, evidence, brief=brief, by_hand=by_hand)


def misregistered(x: Examination, health: DatabaseHealth, problem: Misregistered) -> Finding:
    start = start_over(x, Damage.REGISTERED)
    return finding_of(
        OWNER,
        health,
        f"{who_of(health)} is also registered for another agent in the state database.",
        refuses(start, ", for all agents"),
        {"registeredFor": problem.found, "expected": health.agent_id},
        brief="registered for another agent",
        severity=severity_of(start),
        by_hand="Copy the directory, then restore the state database of this set, or remove that row from its table "
        "agent_databases.",
    )


def doubled(x: Examination, health: DatabaseHealth, problem: Doubled) -> Finding:
    start = start_over(x, Damage.DOUBLED)
    return finding_of(
        OWNER,
        health,
        f"A second directory of the agent, in another spelling, has {plural(problem.rows, 'session')} of this one.",
        start,
        {"otherPath": str(problem.path), "rows": problem.rows},
        count=problem.rows,
        by_hand="Keep the gateway stopped, copy the directory, and move the one with the older sessions out of it.",
    )


def moves_main(x: Examination) -> Iterator[Finding]:
    """The config has agents, and `main` is not one of them: the startup migrations give its rows to the default
    agent."""
    configured = "main" in {agent.agent_id for agent in x.config.agents}
    due = not x.startup_migrated and release_name(x.config.release) == NEWEST
    if configured or not due or x.config.problem is not None:
        return
    for health in x.health.databases:
        rows = health.rows.get("sessions", 0)
        if health.agent_id == "main" and rows and not health.problems:
            yield finding_of(
                OWNER,
                health,
                f"The config does not have the agent main, whose database has {plural(rows, 'session')}.",
                f"A {NEWEST} gateway moves them all to the default agent; where it has the key, as side sessions.",
                {"rows": rows, "defaultAgent": x.config.default_agent, ISOLATES: True},
                count=rows,
                by_hand="Copy the directory first. To keep them apart, put the agent main back into the config.",
            )
