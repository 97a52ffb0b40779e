"""Findings about database files that cannot be opened or written, or whose pages do not hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.healthrules import (
    CORRUPT,
    EMPTY,
    QUARANTINED,
    UNREADABLE,
    finding_of,
    refuses,
    severity_of,
    some_of,
    start_over,
    who_of,
)
from gatewaydoctor.model.command import Command
from gatewaydoctor.model.database.health import DEVICE
from gatewaydoctor.model.database.reading import LINKED_LOG, NOT_REGULAR, ODD_SHM, DatabaseFaultKind
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import (
        BrokenPages,
        DatabaseHealth,
        HotJournal,
        ReadOnlyFormat,
        TornRecord,
        Unchangeable,
        Unopened,
    )
    from gatewaydoctor.model.database.reading import DatabaseFault
    from gatewaydoctor.model.database.refusals import SeenStart
    from gatewaydoctor.model.outcome.finding import Finding


def unopened(x: Examination, health: DatabaseHealth, problem: Unopened, *, copies: bool) -> Finding:
    """`copies`: a database of the agent was set aside next to it."""
    fault, who = problem.fault, who_of(health)
    evidence: dict[str, object] = {"fault": fault.kind.value, "reason": fault.reason, "page": fault.page}
    if fault.reason == NOT_REGULAR:
        ahead = f"A {NEWEST} gateway does not come up: it waits for a pipe without end."
        by_hand = "Keep the gateway stopped, move what is not a file out of the directory, and restore the set."
        message = f"{who} or its log is a pipe or a device, not a regular file."
        return finding_of(CORRUPT, health, message, ahead, evidence, repair=None, by_hand=by_hand)
    if fault.reason in (LINKED_LOG, ODD_SHM):
        state_log = health.role is DatabaseRole.STATE and fault.reason == LINKED_LOG
        start = start_over(x, Damage.STATE_LOG_LINKED if state_log else Damage.SIDE_FILE)
        message, ahead = f"{who} cannot be written: {fault.reason}.", refuses(start)
        by_hand = "Keep the gateway stopped, copy the directory, and move that out of it."
        return finding_of(CORRUPT, health, message, ahead, evidence, repair=None, by_hand=by_hand)
    if fault.kind in (DatabaseFaultKind.UNREADABLE, DatabaseFaultKind.CHANGED, DatabaseFaultKind.QUERY):
        ahead = "gatewaydoctor cannot tell what a start does with it."
        return finding_of(UNREADABLE, health, f"{who} could not be read: {fault.reason}.", ahead, evidence)
    if health.role is DatabaseRole.QUARANTINE and fault.kind is DatabaseFaultKind.EMPTY:
        message = "The file with the quarantine records is empty."
        start = start_over(x, Damage.QUARANTINE_EMPTY)
        ahead, by_hand = f"{start.who} makes a new one and starts{start.hedge}.", "Nothing has to be done."
        info = Severity.INFO
        return finding_of(QUARANTINED, health, message, ahead, evidence, severity=info, repair=None, by_hand=by_hand)
    if health.role is DatabaseRole.QUARANTINE:
        message = f"The file with the quarantine records cannot be read: {fault.reason}."
        start = start_over(x, Damage.QUARANTINE_STORE)
        return finding_of(QUARANTINED, health, message, start, evidence, repair="quarantine")
    if fault.kind is DatabaseFaultKind.EMPTY:
        return _empty(x, health, fault, evidence, copies=copies)
    what = "cannot be read" if fault.kind is DatabaseFaultKind.LOG else "is no longer a database"
    message = f"{who} {what}: {fault.reason}."
    start = _refused(x, health)
    if not health.rows:
        return finding_of(CORRUPT, health, message, start, evidence)
    evidence["rowsReadable"] = dict(health.rows)
    return finding_of(CORRUPT, health, f"{message} {_readable(health)}", start, evidence, repair="salvage")


def _empty(
    x: Examination, health: DatabaseHealth, fault: DatabaseFault, evidence: Mapping[str, object], *, copies: bool
) -> Finding:
    """A file without bytes, or a database without a table, which a start takes for a new one."""
    state, tables = health.role is DatabaseRole.STATE, fault.reason == "it has no table"
    message = f"{who_of(health)} has {'no table' if tables else '1 byte' if '1 byte' in fault.reason else '0 bytes'}."
    repair = "salvage" if copies and not tables and not state else None
    known = state or health.registered or health.agent_id in {agent.agent_id for agent in x.config.agents}
    if not known:
        ahead = f"A {NEWEST} gateway does not open it: neither its config nor its registry has this agent."
        by_hand = "Nothing has to be done."
        warn = Severity.WARNING
        return finding_of(EMPTY, health, message, ahead, evidence, severity=warn, repair=None, by_hand=by_hand)
    start = start_over(x, Damage.STATE_GONE if state else Damage.NO_TABLE if tables else Damage.EMPTY)
    if start.refuses:
        return finding_of(EMPTY, health, message, start, evidence, repair=repair)
    lost = "starts without cron jobs, deliveries and pairings"
    ahead = lost if state else "creates a new one and starts with an EMPTY history for this agent"
    return finding_of(
        EMPTY,
        health,
        message,
        f"{start.who} {ahead}{start.hedge}.",
        evidence,
        severity=Severity.CRITICAL,
        repair=repair,
    )


def broken(x: Examination, health: DatabaseHealth, problem: BrokenPages) -> Finding:
    evidence = {
        "messages": list(problem.messages),
        "tables": list(problem.tables),
        "pages": list(problem.pages),
        "rowsReadable": dict(health.rows),
    }
    brief = f"damaged in {', '.join(problem.tables)}" if problem.tables else ""
    if problem.index_only:
        start = start_over(x, Damage.INDEX, health)
        page = f", page {problem.pages[0]:,}" if problem.pages else ""
        what = "lacks rows or has too many" if problem.rows_differ else f"is malformed{page}"
        message = f"An index of {who_of(health, small=True)} {what}. Its table has every row."
        return finding_of(CORRUPT, health, message, start, evidence, brief=brief, repair=_salvage(health))
    if problem.constraints:
        message = f"Rows of {some_of(problem.tables)} break a constraint of their table. Its pages hold together."
        # Of an agent's a start first checks a file that it cannot write, for which SQLite forgets CHECK alone.
        checks = all(each.startswith("CHECK") for each in problem.messages)
        late = checks and health.role is DatabaseRole.AGENT
        start = start_over(x, Damage.CONSTRAINTS, health) if late else _refused(x, health)
        by_hand = (
            "Copy the directory, and put the values right on a copy, or restore the set from a backup. "
            "`gatewaydoctor repair salvage` makes the database again without these rows and shows how many."
        )
        return finding_of(CORRUPT, health, message, start, evidence, brief=brief, by_hand=by_hand)
    tables = f" in {some_of(problem.tables)}" if problem.tables else ""
    page = f", page {problem.pages[0]:,}" if problem.pages else ""
    message = f"{who_of(health)} is damaged{tables}{page}. {_readable(health)}"
    apart = health.role is DatabaseRole.STATE and "schema_meta" not in problem.tables
    ahead = start_over(x, Damage.STATE_PAGE) if apart else _refused(x, health)
    return finding_of(CORRUPT, health, message, ahead, evidence, brief=brief, repair=_salvage(health))


def read_only(x: Examination, health: DatabaseHealth, problem: ReadOnlyFormat) -> Finding:
    return finding_of(
        CORRUPT,
        health,
        f"{who_of(health)} cannot be written: its header has the write version {problem.version}, which SQLite "
        "does not know.",
        start_over(x, Damage.READ_ONLY),
        {"writeVersion": problem.version},
        by_hand="Copy the directory, and restore the set from a backup.",
        repair=None,
    )


def bad_lock(x: Examination, path: Path) -> Finding:
    start = start_over(x, Damage.LOCKS)
    return CORRUPT.finding(
        "The file of a lock of the gateway is not a database, or something else is in its place.",
        refuses(start),
        severity=severity_of(start),
        path=path,
        evidence={"lock": True},
        repair=None,
        by_hand="Keep the gateway stopped and move it out of the directory: a start makes a new one.",
    )


def unchangeable(x: Examination, health: DatabaseHealth, problem: Unchangeable) -> Finding:
    place = health.path.parent if problem.folder else health.path
    command = Command((*problem.command.split(), str(place)), program=("sudo",))
    return finding_of(
        CORRUPT,
        health,
        f"{who_of(health)} cannot be written: {'its directory' if problem.folder else 'the file'} is {problem.word}.",
        start_over(x, Damage.READ_ONLY),
        {"attribute": problem.word, "command": str(command)},
        by_hand=f"Find out who set the attribute and why. What takes it away: {command}.",
        repair=None,
    )


def hot_journal(x: Examination, health: DatabaseHealth, problem: HotJournal) -> Finding:
    return finding_of(
        CORRUPT,
        health,
        f"{who_of(health)} has a rollback journal of an unfinished transaction, which a start does not undo.",
        start_over(x, Damage.JOURNAL, health),
        {"journalBytes": problem.bytes},
        repair="logs",
    )


def torn_credentials(x: Examination, health: DatabaseHealth) -> Finding:
    ahead: SeenStart | str = start_over(x, Damage.TORN_CREDENTIALS)
    unused = health.agent_id not in {agent.agent_id for agent in x.config.agents} and x.config.problem is None
    if unused:
        ahead = f"A {NEWEST} gateway passes over them: its config does not have the agent."
    return finding_of(
        CORRUPT,
        health,
        f"The credentials of model providers in {who_of(health, small=True)} cannot be read: they "
        "are not a JSON object with `profiles`. Its pages hold together.",
        ahead,
        {"table": "auth_profile_store"},
        severity=Severity.INFO if unused else None,
        brief="its credentials cannot be read",
        repair=None,
        by_hand="Restore the set from a backup. Or keep a copy, delete the row `primary` of the table "
        "auth_profile_store with the gateway stopped, start it, and sign in to the providers again.",
    )


_RECORDS = {
    "auth.sharedStore": ("where the credentials are", "is not JSON", Damage.TORN_SHARED_STORE),
    "plugins.installedIndex": ("installed plugins", "is not JSON", Damage.TORN_PLUGINS),
    DEVICE: ("the identity of this device", "holds no private key", Damage.DEVICE_KEY),
}


def torn_record(x: Examination, health: DatabaseHealth, problem: TornRecord) -> Finding:
    what, wrong, damage = _RECORDS[problem.key]
    table = "device_identities" if problem.key == DEVICE else "config_machine_state"
    return finding_of(
        CORRUPT,
        health,
        f"The record of {what} in the state database {wrong}. Its pages hold together.",
        start_over(x, damage),
        {"table": table, "record": problem.key},
        brief=f"its record of {what} {wrong}",
        repair=None,
        by_hand=f"Restore the set from a backup. Else copy the directory, and delete the row `{problem.key}` "
        f"of the table {table} on a copy.",
    )


def _refused(x: Examination, health: DatabaseHealth) -> SeenStart:
    return start_over(x, _PAGES[health.role], health)


_PAGES = {
    DatabaseRole.AGENT: Damage.AGENT,
    DatabaseRole.STATE: Damage.STATE,
    DatabaseRole.QUARANTINE: Damage.QUARANTINE_STORE,
}


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
