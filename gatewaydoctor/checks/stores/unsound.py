"""Findings about database files that cannot be opened or written, or whose pages do not hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.healthrules import (
    CORRUPT,
    EMPTY,
    QUARANTINED,
    REFUSES,
    UNREADABLE,
    finding_of,
    some_of,
    who_of,
)
from gatewaydoctor.model.gateway.database import FaultKind
from gatewaydoctor.model.gateway.era import DAMAGED_EXITS, DatabaseRole
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.model.gateway.database import Fault
    from gatewaydoctor.model.gateway.health import BrokenPages, DatabaseHealth, ReadOnlyFormat, Unopened
    from gatewaydoctor.model.outcome.finding import Finding


def unopened(
    health: DatabaseHealth, problem: Unopened, release: str | None, *, migrated: bool, copies: bool
) -> Finding:
    """`release` is the one in use, which may refuse with another exit code than 2026.9.6."""
    fault, who = problem.fault, who_of(health)
    evidence: dict[str, object] = {"fault": fault.kind.value, "reason": fault.reason, "page": fault.page}
    if fault.kind in (FaultKind.UNREADABLE, FaultKind.CHANGED, FaultKind.QUERY):
        ahead = "gatewaydoctor cannot tell what a start does with it."
        return finding_of(UNREADABLE, health, f"{who} could not be read: {fault.reason}.", ahead, evidence)
    if health.role is DatabaseRole.QUARANTINE and fault.kind is FaultKind.EMPTY:
        message = "The file with the quarantine records is empty."
        ahead, by_hand = "A 2026.9.6 gateway makes a new one and starts.", "Nothing has to be done."
        info = Severity.INFO
        return finding_of(QUARANTINED, health, message, ahead, evidence, severity=info, repair=None, by_hand=by_hand)
    if health.role is DatabaseRole.QUARANTINE:
        message = f"The file with the quarantine records cannot be read: {fault.reason}."
        return finding_of(QUARANTINED, health, message, f"{REFUSES}.", evidence, repair="quarantine")
    if fault.kind is FaultKind.EMPTY:
        return _empty(health, fault, evidence, migrated=migrated, copies=copies)
    what = "cannot be read" if fault.kind is FaultKind.LOG else "is no longer a database"
    message = f"{who} {what}: {fault.reason}."
    ahead = _refused(health, release)
    if not health.rows:
        return finding_of(CORRUPT, health, message, ahead, evidence)
    evidence["rowsReadable"] = dict(health.rows)
    return finding_of(CORRUPT, health, f"{message} {_readable(health)}", ahead, evidence, repair="salvage")


def _empty(
    health: DatabaseHealth, fault: Fault, evidence: Mapping[str, object], *, migrated: bool, copies: bool
) -> Finding:
    """A file without bytes, or a database without a table, which a start takes for a new one."""
    state, tables = health.role is DatabaseRole.STATE, fault.reason == "it has no table"
    message = f"{who_of(health)} has {'no table' if tables else '0 bytes'}."
    repair = "salvage" if copies and not tables and not state else None
    if state:
        ahead = "A 2026.9.6 gateway starts without cron jobs, deliveries and pairings."
    elif migrated or tables:
        ahead = "A 2026.9.6 gateway creates a new one and starts with an EMPTY history for this agent."
    else:
        return finding_of(EMPTY, health, message, f"{REFUSES}.", evidence, repair=repair)
    return finding_of(EMPTY, health, message, ahead, evidence, severity=Severity.CRITICAL, repair=repair)


def broken(health: DatabaseHealth, problem: BrokenPages, release: str | None, *, migrated: bool) -> Finding:
    evidence = {
        "messages": list(problem.messages),
        "tables": list(problem.tables),
        "pages": list(problem.pages),
        "rowsReadable": dict(health.rows),
    }
    if problem.index_only and not problem.rebuilt:
        page = f", page {problem.pages[0]:,}" if problem.pages else ""
        message = f"An index of {who_of(health, small=True)} is malformed{page}. Its table has every row."
        return finding_of(CORRUPT, health, message, f"{REFUSES}.", evidence, repair=_salvage(health))
    if problem.index_only:
        return finding_of(
            CORRUPT,
            health,
            f"An index of {who_of(health, small=True)} is damaged. Its table has every row.",
            "A 2026.9.6 gateway rebuilds the index at start.",
            evidence,
            severity=Severity.INFO,
            by_hand="Nothing has to be done.",
        )
    if problem.constraints:
        message = f"Rows of {some_of(problem.tables)} break a constraint of their table. Its pages hold together."
        ahead = "A 2026.9.6 gateway refuses to start (exit 1)." if migrated else f"{REFUSES}."
        by_hand = "Copy the directory, and put the values right on a copy, or restore the set from a backup."
        return finding_of(CORRUPT, health, message, ahead, evidence, repair=None, by_hand=by_hand)
    tables = f" in {some_of(problem.tables)}" if problem.tables else ""
    page = f", page {problem.pages[0]:,}" if problem.pages else ""
    message = f"{who_of(health)} is damaged{tables}{page}. {_readable(health)}"
    return finding_of(CORRUPT, health, message, _refused(health, release), evidence, repair=_salvage(health))


def read_only(health: DatabaseHealth, problem: ReadOnlyFormat, *, migrated: bool) -> Finding:
    return finding_of(
        CORRUPT,
        health,
        f"{who_of(health)} cannot be written: its header has the write version {problem.version}, which SQLite "
        "does not know.",
        "A 2026.9.6 gateway refuses to start (exit 1)." if migrated else f"{REFUSES}.",
        {"writeVersion": problem.version},
        by_hand="Copy the directory, and restore the set from a backup.",
        repair=None,
    )


def _refused(health: DatabaseHealth, release: str | None) -> str:
    if health.role is DatabaseRole.AGENT and release is not None and release in DAMAGED_EXITS:
        return f"A {release} gateway refuses to start (exit {DAMAGED_EXITS[release]})."
    return f"{REFUSES}."


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
