"""Findings about databases that a start refuses, loses or replaces (docs/database.md, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY
from gatewaydoctor.checks.stores.healthrules import (
    CORRUPT,
    EMPTY,
    ENTRIES,
    FOREIGN_KEYS,
    LOG_FOREIGN,
    LOG_GONE,
    MISSING,
    OWNER,
    QUARANTINED,
    REFUSES,
    SCHEMA,
    UNREADABLE,
    finding_of,
    some_of,
    who_of,
)
from gatewaydoctor.checks.stores.migration import reads_again
from gatewaydoctor.checks.stores.unsound import broken, read_only, unopened
from gatewaydoctor.model.gateway.era import FIRST_OWNED, KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.gateway.health import (
    BadEntries,
    BrokenPages,
    ForeignLog,
    LogGone,
    OrphanRows,
    OtherOwner,
    Quarantined,
    ReadOnlyFormat,
    SchemaDrift,
    Unopened,
    VersionsDiffer,
)
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.health import DatabaseHealth, MissingDatabase, Problem
    from gatewaydoctor.model.outcome.finding import Finding


_NEWEST = "2026.9.6"
_CORE = frozenset({"schema_meta", "session_nodes", "session_windows", "transcript_events", "cron_jobs"})
"""Tables without which it was not seen to start."""


@REGISTRY.check(
    MISSING, LOG_FOREIGN, LOG_GONE, ENTRIES, EMPTY, CORRUPT, OWNER, FOREIGN_KEYS, SCHEMA, QUARANTINED, UNREADABLE
)
def databases(x: Examination, t: Thresholds) -> Iterator[Finding]:
    migrated = x.startup_migrated
    set_aside = _set_aside(x)
    configured = {agent.agent_id for agent in x.config.agents}
    for missing in x.health.missing:
        if any(reads_again(x, run, missing.agent_id) for run in x.migration.unfinished if missing.agent_id):
            continue  # as migration-unfinished tells
        if missing.agent_id is None or missing.agent_id in configured or missing.folder:
            yield _missing(missing, copies=missing.agent_id in set_aside)
        else:
            yield _of_no_agent(missing)
    for health in x.health.databases:
        told = [type(problem) for problem in health.problems]
        for problem in health.problems:
            if ForeignLog in told and not isinstance(problem, ForeignLog):
                continue  # what the foreign log shows is not this database
            copies = health.agent_id in set_aside
            yield _of(x, health, problem, copies=copies)
        if migrated and not health.problems and _is_older(x, health):
            yield _older(health)


def _set_aside(x: Examination) -> frozenset[str]:
    """Agents next to whose database another one lies that a recovery renamed."""
    return frozenset(
        agent.agent_id for agent in x.eras.agents if any(each.kind == "corrupt-database" for each in agent.leftovers)
    )


def _is_older(x: Examination, health: DatabaseHealth) -> bool:
    """Whether an agent's database has an older schema than the release that started here last, which migrates none
    once it has recorded that its startup migrations are done."""
    known = KNOWN_SCHEMA[DatabaseRole.AGENT]
    version = health.user_version
    return (
        health.role is DatabaseRole.AGENT
        and x.config.release.version == _NEWEST
        and version is not None
        and FIRST_OWNED <= version < known
    )


def _older(health: DatabaseHealth) -> Finding:
    known = KNOWN_SCHEMA[DatabaseRole.AGENT]
    return finding_of(
        SCHEMA,
        health,
        f"{who_of(health)} has schema version {health.user_version}; {_NEWEST} has {known}, and its startup "
        "migrations are marked as done.",
        f"{REFUSES}.",
        {"header": health.user_version, "known": known},
        by_hand="Restore the set of databases that belongs together, or run openclaw doctor --fix on a copy.",
        repair=None,
    )


def _of_no_agent(missing: MissingDatabase) -> Finding:
    """The config has no such agent, and nothing of it is left: it may have been deleted."""
    return MISSING.finding(
        "The database of an agent that the config does not have is not there, and no directory of it is.",
        "A 2026.9.6 gateway drops the record and starts as before.",
        severity=Severity.INFO,
        agent_id=missing.agent_id,
        path=missing.path,
        evidence={"source": missing.source, "walLeft": missing.log, "role": missing.role.value},
        repair=None,
        by_hand="If the agent was deleted, nothing has to be done. Else restore its directory and its config.",
    )


def _missing(missing: MissingDatabase, *, copies: bool) -> Finding:
    state = missing.role is DatabaseRole.STATE
    who = "The state database" if state else "The database of an agent"
    lost = "without cron jobs, deliveries and pairings" if state else "with an EMPTY history for this agent"
    return MISSING.finding(
        f"{who} is not there. Known from {missing.source}." + (" Its -wal is left." if missing.log else ""),
        f"A 2026.9.6 gateway starts {lost}.",
        agent_id=missing.agent_id,
        path=missing.path,
        evidence={"source": missing.source, "walLeft": missing.log, "role": missing.role.value},
        repair="salvage" if copies else None,
    )


def _of(x: Examination, health: DatabaseHealth, problem: Problem, *, copies: bool) -> Finding:
    """`copies`: a database of the agent was set aside next to it."""
    # Then 2026.9.6 passes over its startup migrations, which would refuse or rebuild some of this.
    migrated = x.startup_migrated
    match problem:
        case Unopened():
            return unopened(health, problem, x.config.release.version, migrated=migrated, copies=copies)
        case BrokenPages():
            return broken(health, problem, x.config.release.version, migrated=migrated)
        case OtherOwner():
            return _other_owner(health, problem)
        case ReadOnlyFormat():
            return read_only(health, problem, migrated=migrated)
        case VersionsDiffer():
            return _versions(health, problem, migrated=migrated)
        case OrphanRows():
            return _orphans(health, problem)
        case SchemaDrift():
            return _drift(health, problem, sister=any(is_sister(health, other) for other in x.health.databases))
        case BadEntries():
            return _entries(health, problem, migrated=migrated)
        case ForeignLog():
            return _foreign_log(health, problem)
        case LogGone():
            return _log_gone(health, problem)
        case Quarantined():
            return _quarantined(health, problem, migrated=migrated)
        case _:
            assert_never(problem)


def _other_owner(health: DatabaseHealth, problem: OtherOwner) -> Finding:
    said = "belongs to another agent" if problem.found else "names no owner"
    evidence = {"belongsTo": problem.found, "expected": health.agent_id, "sameFile": problem.shared}
    if problem.shared:
        return finding_of(
            OWNER,
            health,
            f"{who_of(health)} is the file of another agent under a second name. Its own sessions are not there.",
            "A 2026.9.6 gateway starts, and cannot tell which of the agents these sessions belong to.",
            evidence,
            severity=Severity.WARNING,
        )
    return finding_of(OWNER, health, f"{who_of(health)} {said}.", f"{REFUSES}, for all agents.", evidence)


def _versions(health: DatabaseHealth, problem: VersionsDiffer, *, migrated: bool) -> Finding:
    new = not problem.header and health.role is DatabaseRole.STATE and migrated
    return finding_of(
        SCHEMA,
        health,
        f"{who_of(health)} has schema version {problem.header} in its header and {problem.recorded} in its records.",
        "A 2026.9.6 gateway refuses to start (exit 1)." if new else f"{REFUSES}.",
        {"header": problem.header, "recorded": problem.recorded, "tables": problem.fits},
        by_hand=None if problem.fits else "Restore the set from a backup. No version fits the tables that are there.",
        repair="schema" if problem.fits else None,
    )


def _orphans(health: DatabaseHealth, problem: OrphanRows) -> Finding:
    count = sum(problem.counts.values())
    tables = tuple(dict.fromkeys(table for table, _ in problem.counts))
    rows = [{"table": table, "parent": parent, "rows": rows} for (table, parent), rows in problem.counts.items()]
    message = (
        f"{plural(count, 'row')} of {some_of(tables)} {'refers' if count == 1 else 'refer'} to rows that are gone."
    )
    return finding_of(FOREIGN_KEYS, health, message, f"{REFUSES}.", {"rows": rows}, count=count, repair="schema")


def is_sister(health: DatabaseHealth, other: DatabaseHealth) -> bool:
    """Whether the other database has the schema that this one should have."""
    alike = (other.role, other.user_version) == (health.role, health.user_version)
    return alike and other.path != health.path and other.schema_known and not other.problems


def _drift(health: DatabaseHealth, problem: SchemaDrift, *, sister: bool) -> Finding:
    parts = (
        ("missing trigger", "missing triggers", problem.missing_triggers),
        ("changed trigger", "changed triggers", problem.changed_triggers),
        ("missing table", "missing tables", problem.missing_tables),
        ("unexpected unique index", "unexpected unique indexes", problem.unexpected_unique),
        ("unexpected trigger", "unexpected triggers", problem.unexpected_triggers),
        ("missing column", "missing columns", problem.missing_columns),
    )
    evidence = {
        "missingTriggers": list(problem.missing_triggers),
        "changedTriggers": list(problem.changed_triggers),
        "missingTables": list(problem.missing_tables),
        "unexpectedUnique": list(problem.unexpected_unique),
        "unexpectedTriggers": list(problem.unexpected_triggers),
        "missingColumns": list(problem.missing_columns),
    }
    said = ", ".join(plural(len(names), one, many) for one, many, names in parts if names)
    count = sum(len(names) for _, _, names in parts)
    message = f"{who_of(health)} has {said}."
    if count == len(problem.missing_tables) and _CORE.isdisjoint(problem.missing_tables):
        ahead = "A 2026.9.6 gateway creates them again, empty, at start: what they held is already gone."
        return finding_of(
            SCHEMA, health, message, ahead, evidence, severity=Severity.WARNING, count=count, repair=None
        )
    known = sister or not (problem.missing_triggers or problem.changed_triggers)
    lost = problem.missing_tables or problem.missing_columns or problem.unexpected_triggers
    repair = "schema" if known and not lost else None
    return finding_of(SCHEMA, health, message, f"{REFUSES}.", evidence, count=count, repair=repair)


def _entries(health: DatabaseHealth, problem: BadEntries, *, migrated: bool) -> Finding:
    keys = (*problem.not_json, *problem.not_an_object, *problem.other_id, *problem.twice)
    return finding_of(
        ENTRIES,
        health,
        f"{plural(problem.count, 'session row')} with an entry that is not a JSON object or names "
        "another session, or with a key that is not in lower case.",
        "A 2026.9.6 gateway refuses to start (exit 1). After an upgrade or a move it rebuilds each from its columns, "
        "and the rest of the entry is lost."
        if migrated
        else "A 2026.9.6 gateway rebuilds each from its columns; the rest of the entry is lost.",
        {
            "keys": list(keys[:EXAMPLES]),
            "notJson": len(problem.not_json),
            "notAnObject": len(problem.not_an_object),
            "otherSession": len(problem.other_id),
            "sameKey": len(problem.twice),
        },
        severity=Severity.ERROR if migrated else None,
        count=problem.count,
        key=keys[0] if keys else None,
    )


def _foreign_log(health: DatabaseHealth, problem: ForeignLog) -> Finding:
    message = f"The -wal next to {who_of(health, small=True)} is not its own. Without it the database is sound."
    ahead = "A 2026.9.6 gateway writes the foreign pages into the database and then refuses to start."
    return finding_of(LOG_FOREIGN, health, message, ahead, {"belongsTo": problem.found}, repair="logs")


def _log_gone(health: DatabaseHealth, problem: LogGone) -> Finding:
    message = f"The gateway did not close {who_of(health, small=True)}, and {problem.reason}."
    ahead = "A 2026.9.6 gateway starts on the last checkpoint: what was written after it is gone."
    if not problem.sure:
        message += " It was written later: another program may have folded the log in."
        ahead = "If so, a start loses nothing. The files do not show it."
    evidence = {"reason": problem.reason, "openedAtMs": problem.opened_at, "sure": problem.sure}
    severity = None if problem.sure else Severity.INFO
    return finding_of(LOG_GONE, health, message, ahead, evidence, severity=severity)


def _quarantined(health: DatabaseHealth, problem: Quarantined, *, migrated: bool) -> Finding:
    found = "a check finds nothing wrong with it" if problem.refuted else "it has other findings here"
    message = f"{who_of(health)} is under quarantine; {found}."
    evidence = {"reason": problem.reason, "atMs": problem.at, "refuted": problem.refuted}
    if problem.elsewhere:
        message = f"A quarantine record names {who_of(health, small=True)} under a path it no longer has; {found}."
        ahead = "A 2026.9.6 gateway passes over it."
        severity, repair = Severity.INFO, "quarantine" if problem.refuted else None
        return finding_of(QUARANTINED, health, message, ahead, evidence, severity=severity, repair=repair)
    refuses = "A 2026.9.6 gateway refuses to start (exit 1)" if migrated else REFUSES
    ahead = f"{refuses} as long as the record is there."
    return finding_of(QUARANTINED, health, message, ahead, evidence, repair="quarantine" if problem.refuted else None)
