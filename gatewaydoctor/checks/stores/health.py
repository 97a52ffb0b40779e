"""Findings about databases that a start refuses, loses or replaces (docs/database.md, section 4)."""

from __future__ import annotations

from functools import partial
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
    finding_of,
    refuses,
    severity_of,
    start_over,
    who_of,
)
from gatewaydoctor.checks.stores.migration import reads_again
from gatewaydoctor.checks.stores.owners import doubled, misregistered, moves_main, other_owner
from gatewaydoctor.checks.stores.schemas import (
    drift,
    has_tables_elsewhere,
    is_unmigrated,
    orphan_rows,
    unmigrated,
    versions_differ,
)
from gatewaydoctor.checks.stores.unsound import (
    bad_lock,
    broken,
    hot_journal,
    read_only,
    torn_credentials,
    torn_record,
    unchangeable,
    unopened,
)
from gatewaydoctor.model.database.health import (
    BadEntries,
    BrokenPages,
    Doubled,
    EntryFault,
    ForeignLog,
    HotJournal,
    LogGone,
    Misregistered,
    OrphanRows,
    OtherOwner,
    Quarantined,
    ReadOnlyFormat,
    SchemaDrift,
    TornCredentials,
    TornRecord,
    Unchangeable,
    Unopened,
    VersionsDiffer,
)
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import DatabaseHealth, MissingDatabase, Problem
    from gatewaydoctor.model.outcome.finding import Finding


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
            yield _missing(x, missing, copies=missing.agent_id in set_aside)
        else:
            yield _of_no_agent(x, missing)
    yield from moves_main(x)
    for path in x.health.bad_locks:
        yield bad_lock(x, path)
    for health in x.health.databases:
        told = [type(problem) for problem in health.problems]
        for problem in health.problems:
            if ForeignLog in told and not isinstance(problem, ForeignLog):
                continue  # what the foreign log shows is not this database
            copies = health.agent_id in set_aside
            yield _of(x, health, problem, copies=copies)
        if migrated and not health.problems and is_unmigrated(x, health):
            yield unmigrated(x, health)


def _set_aside(x: Examination) -> frozenset[str]:
    """Agents next to whose database another one lies that a recovery renamed."""
    return frozenset(
        agent.agent_id for agent in x.eras.agents if any(each.kind == "corrupt-database" for each in agent.leftovers)
    )


def _of_no_agent(x: Examination, missing: MissingDatabase) -> Finding:
    """The config has no such agent, and nothing of it is left: it may have been deleted."""
    return MISSING.finding(
        "The database of an agent that the config does not have is not there, and no directory of it is.",
        f"{start_over(x, Damage.UNUSED).who} drops the record and starts as before.",
        severity=Severity.INFO,
        agent_id=missing.agent_id,
        path=missing.path,
        evidence={"source": missing.source, "walLeft": missing.log, "role": missing.role.value},
        repair=None,
        by_hand="If the agent was deleted, nothing has to be done. Else restore its directory and its config.",
    )


def _missing(x: Examination, missing: MissingDatabase, *, copies: bool) -> Finding:
    state = missing.role is DatabaseRole.STATE
    start = start_over(x, Damage.BLOCKED if missing.blocked else Damage.STATE_GONE if state else Damage.MISSING)
    who = "The state database" if state else "The database of an agent"
    lost = "without cron jobs, deliveries and pairings" if state else "with an EMPTY history for this agent"
    return MISSING.finding(
        f"{who} is not there. Known from {missing.source}." + (" Its -wal is left." if missing.log else ""),
        refuses(start) if start.refuses else f"{start.who} starts {lost}{start.hedge}.",
        severity=Severity.ERROR if start.refuses else None,
        agent_id=missing.agent_id,
        path=missing.path,
        evidence={"source": missing.source, "walLeft": missing.log, "role": missing.role.value},
        repair="salvage" if copies else None,
    )


def _of(x: Examination, health: DatabaseHealth, problem: Problem, *, copies: bool) -> Finding:
    """`copies`: a database of the agent was set aside next to it."""
    match problem:
        case Unopened():
            return unopened(x, health, problem, copies=copies)
        case BrokenPages():
            return broken(x, health, problem)
        case OtherOwner():
            return other_owner(x, health, problem)
        case Doubled():
            return doubled(x, health, problem)
        case Misregistered():
            return misregistered(x, health, problem)
        case ReadOnlyFormat():
            return read_only(x, health, problem)
        case Unchangeable():
            return unchangeable(x, health, problem)
        case HotJournal():
            return hot_journal(x, health, problem)
        case TornCredentials():
            return torn_credentials(x, health)
        case TornRecord():
            return torn_record(x, health, problem)
        case VersionsDiffer():
            return versions_differ(x, health, problem)
        case OrphanRows():
            return orphan_rows(x, health, problem)
        case SchemaDrift():
            return drift(x, health, problem, elsewhere=has_tables_elsewhere(x, health))
        case BadEntries():
            return _entries(x, health, problem)
        case ForeignLog():
            return _foreign_log(x, health, problem)
        case LogGone():
            return _log_gone(x, health, problem)
        case Quarantined():
            return _quarantined(x, health, problem)
        case _:
            assert_never(problem)


_ENTRIES = {
    EntryFault.NOT_JSON: "is not JSON",
    EntryFault.NOT_AN_OBJECT: "is not an object",
    EntryFault.OTHER_ID: "names another session",
    EntryFault.NO_TIME: "has no time",
    EntryFault.OTHER_ORIGIN: "names another parent",
    EntryFault.KEY: "has a key in another spelling",
    EntryFault.TOO_DEEP: "is nested too deeply",
    EntryFault.CLEARED: "is marked as cleared and is not",
}


def _entries(x: Examination, health: DatabaseHealth, problem: BadEntries) -> Finding:
    keys = [key for found in problem.keys.values() for key in found]
    start = start_over(x, Damage.ENTRIES)
    rebuilt = not start.refuses and start.release == NEWEST
    if rebuilt:
        rows = plural(problem.count, "session row")
        its, each = ("its", "its entry") if problem.count == 1 else ("their", "each entry")
        ahead = f"{start.who} rebuilds {rows} from {its} columns; the rest of {each} is lost{start.hedge}."
    else:
        later = " After an upgrade or a move it rebuilds each from its columns, and the rest of the entry is lost."
        ahead = refuses(start) + (later if start.release == NEWEST else "")
    wrong = [_ENTRIES[fault] for fault in EntryFault if fault in problem.keys]
    return finding_of(
        ENTRIES,
        health,
        f"{plural(problem.count, 'session row')} that a start does not take: the entry {' or '.join(wrong)}.",
        ahead,
        {"keys": keys[:EXAMPLES], "faults": {fault.value: len(found) for fault, found in problem.keys.items()}},
        brief=f"{plural(problem.count, 'row')} whose entry does not fit",
        harms={Harm.DAMAGED_ROW: problem.count},
        severity=None if rebuilt else Severity.ERROR if start.refuses else Severity.WARNING,
        count=problem.count,
        key=keys[0] if keys else None,
    )


def _foreign_log(x: Examination, health: DatabaseHealth, problem: ForeignLog) -> Finding:
    file = problem.suffix
    message = f"The {file} next to {who_of(health, small=True)} is not its own. Without it the database is sound."
    message += " A program that writes to it folds the foreign pages in."
    start = start_over(x, Damage.JOURNAL if problem.journal else Damage.FOREIGN_LOG, health)
    evidence = {"belongsTo": problem.found, "file": file}
    brief = f"its {file} is of another database"
    return finding_of(LOG_FOREIGN, health, message, start, evidence, brief=brief, repair="logs")


def _log_gone(x: Examination, health: DatabaseHealth, problem: LogGone) -> Finding:
    message = f"The gateway did not close {who_of(health, small=True)}, and {problem.reason}."
    start = start_over(x, Damage.NO_LOG)
    ahead = f"{start.who} starts on the last checkpoint: what was written after it is gone{start.hedge}."
    if not problem.sure:
        message += " It was written later: another program may have folded the log in."
        ahead = "If so, a start loses nothing. The files do not show it."
    if problem.commits:
        message += f" Its header can be rebuilt: {plural(problem.commits, 'commit counts', 'commits count')} then."
    evidence = {
        "reason": problem.reason,
        "openedAtMs": problem.opened_at,
        "sure": problem.sure,
        "commits": problem.commits,
    }
    severity = None if problem.sure else Severity.INFO
    repair = "logs" if problem.commits else None
    brief = f"not closed, and {problem.reason}"
    return finding_of(LOG_GONE, health, message, ahead, evidence, brief=brief, severity=severity, repair=repair)


def _quarantined(x: Examination, health: DatabaseHealth, problem: Quarantined) -> Finding:
    found = "a check finds nothing wrong with it" if problem.refuted else "it has other findings here"
    message = f"{who_of(health)} is under quarantine; {found}."
    evidence = {"reason": problem.reason, "atMs": problem.at, "refuted": problem.refuted}
    told = partial(finding_of, QUARANTINED, brief="quarantined, but sound" if problem.refuted else "quarantined")
    if problem.elsewhere:
        message = f"A quarantine record names {who_of(health, small=True)} under a path it no longer has; {found}."
        ahead = f"A {NEWEST} gateway passes over it."
        repair = "quarantine" if problem.refuted else None
        return told(health, message, ahead, evidence, severity=Severity.INFO, repair=repair)
    damage = Damage.QUARANTINED_STATE if health.role is DatabaseRole.STATE else Damage.QUARANTINED
    start, repair = start_over(x, damage), "quarantine" if problem.refuted else None
    ahead = refuses(start, " as long as the record is there")
    severity = severity_of(start)
    if not problem.refuted and start_over(x, Damage.AGENT, health).isolates:
        # With the file damaged as well the agent is left out before the record is looked at (seen).
        ahead, severity = f"It stays once the database is repaired. Then: {ahead}", Severity.WARNING
    return told(health, message, ahead, evidence, severity=severity, repair=repair)
