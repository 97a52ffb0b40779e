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
    SCHEMA,
    UNREADABLE,
)
from gatewaydoctor.model.gateway.database import FaultKind
from gatewaydoctor.model.gateway.era import FIRST_OWNED, KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.gateway.health import (
    BadEntries,
    BrokenPages,
    ForeignLog,
    LogGone,
    OrphanRows,
    OtherOwner,
    Quarantined,
    SchemaDrift,
    Unopened,
    VersionsDiffer,
)
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatewaydoctor.checks.registry import Rule
    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.database import Fault
    from gatewaydoctor.model.gateway.health import DatabaseHealth, MissingDatabase, Problem
    from gatewaydoctor.model.outcome.finding import Finding

_REFUSES = "A 2026.9.6 gateway refuses to start (exit 78)"

_WHO = {DatabaseRole.STATE: "the state database", DatabaseRole.QUARANTINE: "the quarantine store"}


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
            yield _of(health, problem, x.health.databases, migrated=migrated, copies=copies)
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
    return _finding(
        SCHEMA,
        health,
        f"{_who(health)} has schema version {health.user_version}; {_NEWEST} has {known}, and its startup migrations "
        "are marked as done.",
        f"{_REFUSES}.",
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


def _of(
    health: DatabaseHealth, problem: Problem, others: Iterable[DatabaseHealth], *, migrated: bool, copies: bool
) -> Finding:
    """`migrated`: 2026.9.6 passes over its startup migrations, which would refuse or rebuild some of this. `copies`:
    a database of the agent was set aside next to it."""
    match problem:
        case Unopened():
            return _unopened(health, problem, migrated=migrated, copies=copies)
        case BrokenPages():
            return _broken(health, problem, migrated=migrated)
        case OtherOwner():
            return _other_owner(health, problem)
        case VersionsDiffer():
            return _versions(health, problem, migrated=migrated)
        case OrphanRows():
            return _orphans(health, problem)
        case SchemaDrift():
            return _drift(health, problem, sister=any(is_sister(health, other) for other in others))
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


def _finding(
    rule: Rule,
    health: DatabaseHealth,
    message: str,
    ahead: str,
    evidence: Mapping[str, object],
    *,
    severity: Severity | None = None,
    count: int = 1,
    key: str | None = None,
    by_hand: str | None = None,
    repair: str | None = None,
) -> Finding:
    return rule.finding(
        message,
        ahead,
        count=count,
        severity=severity,
        agent_id=health.agent_id,
        path=health.path,
        key=key,
        evidence={**evidence, "role": health.role.value},
        repair=repair,
        by_hand=by_hand,
    )


def _unopened(health: DatabaseHealth, problem: Unopened, *, migrated: bool, copies: bool) -> Finding:
    fault, who = problem.fault, _who(health)
    evidence: dict[str, object] = {"fault": fault.kind.value, "reason": fault.reason, "page": fault.page}
    if fault.kind in (FaultKind.UNREADABLE, FaultKind.CHANGED, FaultKind.QUERY):
        ahead = "gatewaydoctor cannot tell what a start does with it."
        return _finding(UNREADABLE, health, f"{who} could not be read: {fault.reason}.", ahead, evidence)
    if health.role is DatabaseRole.QUARANTINE and fault.kind is FaultKind.EMPTY:
        message = "The file with the quarantine records is empty."
        ahead, by_hand = "A 2026.9.6 gateway makes a new one and starts.", "Nothing has to be done."
        info = Severity.INFO
        return _finding(QUARANTINED, health, message, ahead, evidence, severity=info, repair=None, by_hand=by_hand)
    if health.role is DatabaseRole.QUARANTINE:
        message = f"The file with the quarantine records cannot be read: {fault.reason}."
        return _finding(QUARANTINED, health, message, f"{_REFUSES}.", evidence, repair="quarantine")
    if fault.kind is FaultKind.EMPTY:
        return _empty(health, fault, evidence, migrated=migrated, copies=copies)
    what = "cannot be read" if fault.kind is FaultKind.LOG else "is no longer a database"
    message = f"{who} {what}: {fault.reason}."
    if not health.rows:
        return _finding(CORRUPT, health, message, f"{_REFUSES}.", evidence)
    evidence["rowsReadable"] = dict(health.rows)
    return _finding(CORRUPT, health, f"{message} {_readable(health)}", f"{_REFUSES}.", evidence, repair="salvage")


def _empty(
    health: DatabaseHealth, fault: Fault, evidence: Mapping[str, object], *, migrated: bool, copies: bool
) -> Finding:
    """A file without bytes, or a database without a table, which a start takes for a new one."""
    state, tables = health.role is DatabaseRole.STATE, fault.reason == "it has no table"
    message = f"{_who(health)} has {'no table' if tables else '0 bytes'}."
    repair = "salvage" if copies and not tables and not state else None
    if state:
        ahead = "A 2026.9.6 gateway starts without cron jobs, deliveries and pairings."
    elif migrated or tables:
        ahead = "A 2026.9.6 gateway creates a new one and starts with an EMPTY history for this agent."
    else:
        return _finding(EMPTY, health, message, f"{_REFUSES}.", evidence, repair=repair)
    return _finding(EMPTY, health, message, ahead, evidence, severity=Severity.CRITICAL, repair=repair)


def _broken(health: DatabaseHealth, problem: BrokenPages, *, migrated: bool) -> Finding:
    evidence = {
        "messages": list(problem.messages),
        "tables": list(problem.tables),
        "pages": list(problem.pages),
        "rowsReadable": dict(health.rows),
    }
    if problem.index_only and not problem.rebuilt:
        page = f", page {problem.pages[0]:,}" if problem.pages else ""
        message = f"An index of {_who(health, small=True)} is malformed{page}. Its table has every row."
        return _finding(CORRUPT, health, message, f"{_REFUSES}.", evidence, repair=_salvage(health))
    if problem.index_only:
        return _finding(
            CORRUPT,
            health,
            f"An index of {_who(health, small=True)} is damaged. Its table has every row.",
            "A 2026.9.6 gateway rebuilds the index at start.",
            evidence,
            severity=Severity.INFO,
            by_hand="Nothing has to be done.",
        )
    if problem.constraints:
        message = f"Rows of {_some(problem.tables)} break a constraint of their table. Its pages hold together."
        ahead = "A 2026.9.6 gateway refuses to start (exit 1)." if migrated else f"{_REFUSES}."
        by_hand = "Copy the directory, and put the values right on a copy, or restore the set from a backup."
        return _finding(CORRUPT, health, message, ahead, evidence, repair=None, by_hand=by_hand)
    tables = f" in {_some(problem.tables)}" if problem.tables else ""
    page = f", page {problem.pages[0]:,}" if problem.pages else ""
    message = f"{_who(health)} is damaged{tables}{page}. {_readable(health)}"
    return _finding(CORRUPT, health, message, f"{_REFUSES}.", evidence, repair=_salvage(health))


def _salvage(health: DatabaseHealth) -> str | None:
    """The repair, where there is something to recover."""
    return "salvage" if health.role is not DatabaseRole.QUARANTINE and any(health.rows.values()) else None


def _readable(health: DatabaseHealth) -> str:
    rows = health.rows
    if health.role is DatabaseRole.AGENT:
        sessions, events = rows.get("sessions", 0), rows.get("events", 0)
        return f"At least {plural(sessions, 'session')} and {plural(events, 'event')} can be read."
    if health.role is DatabaseRole.STATE:
        return f"At least {plural(rows.get('jobs', 0), 'cron job')} can be read."
    return "It holds records about other databases only."


def _other_owner(health: DatabaseHealth, problem: OtherOwner) -> Finding:
    said = "belongs to another agent" if problem.found else "names no owner"
    evidence = {"belongsTo": problem.found, "expected": health.agent_id}
    return _finding(OWNER, health, f"{_who(health)} {said}.", f"{_REFUSES}, for all agents.", evidence)


def _versions(health: DatabaseHealth, problem: VersionsDiffer, *, migrated: bool) -> Finding:
    new = not problem.header and health.role is DatabaseRole.STATE and migrated
    return _finding(
        SCHEMA,
        health,
        f"{_who(health)} has schema version {problem.header} in its header and {problem.recorded} in its records.",
        "A 2026.9.6 gateway refuses to start (exit 1)." if new else f"{_REFUSES}.",
        {"header": problem.header, "recorded": problem.recorded},
        by_hand="Restore the set from a backup. Do not change the version by hand without one.",
    )


def _orphans(health: DatabaseHealth, problem: OrphanRows) -> Finding:
    count = sum(problem.counts.values())
    tables = tuple(dict.fromkeys(table for table, _ in problem.counts))
    rows = [{"table": table, "parent": parent, "rows": rows} for (table, parent), rows in problem.counts.items()]
    message = (
        f"{plural(count, 'row')} of {_some(tables)} {'refers' if count == 1 else 'refer'} to rows that are gone."
    )
    return _finding(FOREIGN_KEYS, health, message, f"{_REFUSES}.", {"rows": rows}, count=count, repair="schema")


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
    message = f"{_who(health)} has {said}."
    if count == len(problem.missing_tables) and _CORE.isdisjoint(problem.missing_tables):
        ahead = "A 2026.9.6 gateway creates them again, empty, at start: what they held is already gone."
        return _finding(SCHEMA, health, message, ahead, evidence, severity=Severity.WARNING, count=count, repair=None)
    known = sister or not (problem.missing_triggers or problem.changed_triggers)
    lost = problem.missing_tables or problem.missing_columns or problem.unexpected_triggers
    repair = "schema" if known and not lost else None
    return _finding(SCHEMA, health, message, f"{_REFUSES}.", evidence, count=count, repair=repair)


def _entries(health: DatabaseHealth, problem: BadEntries, *, migrated: bool) -> Finding:
    keys = (*problem.not_json, *problem.not_an_object, *problem.other_id, *problem.twice)
    return _finding(
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
    message = f"The -wal next to {_who(health, small=True)} is not its own. Without it the database is sound."
    ahead = "A 2026.9.6 gateway writes the foreign pages into the database and then refuses to start."
    return _finding(LOG_FOREIGN, health, message, ahead, {"belongsTo": problem.found}, repair="logs")


def _log_gone(health: DatabaseHealth, problem: LogGone) -> Finding:
    message = f"The gateway did not close {_who(health, small=True)}, and {problem.reason}."
    ahead = "A 2026.9.6 gateway starts on the last checkpoint: what was written after it is gone."
    if not problem.sure:
        message += " It was written later: another program may have folded the log in."
        ahead = "If so, a start loses nothing. The files do not show it."
    evidence = {"reason": problem.reason, "openedAtMs": problem.opened_at, "sure": problem.sure}
    severity = None if problem.sure else Severity.INFO
    return _finding(LOG_GONE, health, message, ahead, evidence, severity=severity)


def _quarantined(health: DatabaseHealth, problem: Quarantined, *, migrated: bool) -> Finding:
    found = "a check finds nothing wrong with it" if problem.refuted else "it has other findings here"
    message = f"{_who(health)} is under quarantine; {found}."
    evidence = {"reason": problem.reason, "atMs": problem.at, "refuted": problem.refuted}
    if problem.elsewhere:
        message = f"A quarantine record names {_who(health, small=True)} under a path it no longer has; {found}."
        ahead = "A 2026.9.6 gateway passes over it."
        severity, repair = Severity.INFO, "quarantine" if problem.refuted else None
        return _finding(QUARANTINED, health, message, ahead, evidence, severity=severity, repair=repair)
    refuses = "A 2026.9.6 gateway refuses to start (exit 1)" if migrated else _REFUSES
    ahead = f"{refuses} as long as the record is there."
    return _finding(QUARANTINED, health, message, ahead, evidence, repair="quarantine" if problem.refuted else None)


def _who(health: DatabaseHealth, *, small: bool = False) -> str:
    text = _WHO.get(health.role, "the database of an agent")
    return text if small else text[:1].upper() + text[1:]


def _some(names: Iterable[str]) -> str:
    """Table names, which are the gateway's own words and no names from messages."""
    known = [name if name.isidentifier() and len(name) < 60 else "another table" for name in names]
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")
