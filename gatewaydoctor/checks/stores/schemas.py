"""Findings about databases whose schema, or rows that refer to each other, are not as their release has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.healthrules import FOREIGN_KEYS, SCHEMA, finding_of, some_of, start_over, who_of
from gatewaydoctor.model.database.health import SchemaDrift
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.gateway.era import FIRST_OWNED, KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import DatabaseHealth, OrphanRows, VersionsDiffer
    from gatewaydoctor.model.outcome.finding import Finding


def is_unmigrated(x: Examination, health: DatabaseHealth) -> bool:
    """Whether an agent's database has an older schema than the release that started here last, which migrates none
    once it has recorded that its startup migrations are done."""
    known = KNOWN_SCHEMA[DatabaseRole.AGENT]
    version = health.user_version
    return (
        health.role is DatabaseRole.AGENT
        and x.config.release.version == NEWEST
        and version is not None
        and FIRST_OWNED <= version < known
    )


def unmigrated(x: Examination, health: DatabaseHealth) -> Finding:
    known = KNOWN_SCHEMA[DatabaseRole.AGENT]
    return finding_of(
        SCHEMA,
        health,
        f"{who_of(health)} has schema version {health.user_version}; {NEWEST} has {known}, and its startup "
        "migrations are marked as done.",
        start_over(x, Damage.VERSIONS, health),
        {"header": health.user_version, "known": known},
        by_hand="Restore the set of databases that belongs together, or run openclaw doctor --fix on a copy.",
        repair=None,
    )


def versions_differ(x: Examination, health: DatabaseHealth, problem: VersionsDiffer) -> Finding:
    state = health.role is DatabaseRole.STATE
    damage = Damage.VERSIONS if problem.header else Damage.STATE_NO_VERSION if state else Damage.NO_VERSION
    return finding_of(
        SCHEMA,
        health,
        f"{who_of(health)} has schema version {problem.header} in its header and {problem.recorded} in its records.",
        start_over(x, damage, health),
        {"header": problem.header, "recorded": problem.recorded, "tables": problem.fits},
        brief=f"version {problem.header} in the header, {problem.recorded} within",
        by_hand=None if problem.fits else "Restore the set from a backup. No version fits the tables that are there.",
        repair="schema" if problem.fits else None,
    )


def orphan_rows(x: Examination, health: DatabaseHealth, problem: OrphanRows) -> Finding:
    count = sum(problem.counts.values())
    tables = tuple(dict.fromkeys(table for table, _ in problem.counts))
    rows = [{"table": table, "parent": parent, "rows": rows} for (table, parent), rows in problem.counts.items()]
    message = (
        f"{plural(count, 'row')} of {some_of(tables)} {'refers' if count == 1 else 'refer'} to rows that are gone."
    )
    start, evidence = start_over(x, Damage.FOREIGN_KEYS, health), {"rows": rows}
    # Where its tables are made again from another database, these rows leave on the way, and not before.
    drifts = [each for each in health.problems if isinstance(each, SchemaDrift) and each.remade]
    repair = "schema" if not drifts else "salvage" if has_tables_elsewhere(x, health) else None
    return finding_of(
        FOREIGN_KEYS,
        health,
        message,
        start,
        evidence,
        brief=f"{plural(count, 'row refers', 'rows refer')} to rows that are gone",
        harms={Harm.ORPHAN_ROW: count},
        count=count,
        repair=repair,
    )


def has_tables_elsewhere(x: Examination, health: DatabaseHealth) -> bool:
    """Whether another database here has the tables that this one should have: a sound one, or a copy set aside."""
    wanted = (health.role, health.path, health.user_version)
    return health.lender is not None or any(other.lends(*wanted) for other in x.health.databases)


def _tables_by_hand(health: DatabaseHealth) -> str:
    """Where such a database comes from when there is none."""
    lent = f"{health.path.name}.bak-schema"
    then = "then `gatewaydoctor scan` names the repair."
    if health.role is not DatabaseRole.STATE:
        return (
            "Have the release make an empty one, which starts no gateway: `OPENCLAW_STATE_DIR=/tmp/empty openclaw "
            f"memory index`. Copy /tmp/empty/agents/main/agent/{health.path.name} next to this one as {lent}; {then}"
        )
    return (
        "Have the release make an empty one, which starts no gateway: `OPENCLAW_STATE_DIR=/tmp/empty openclaw tasks "
        f"list`. Copy /tmp/empty/state/{health.path.name} next to this one as {lent}; {then}"
    )


def drift(x: Examination, health: DatabaseHealth, problem: SchemaDrift, *, elsewhere: bool) -> Finding:
    parts = (
        ("missing trigger", "missing triggers", problem.missing_triggers),
        ("changed trigger", "changed triggers", problem.changed_triggers),
        ("missing table", "missing tables", problem.missing_tables),
        ("unexpected unique index", "unexpected unique indexes", problem.unexpected_unique),
        ("unexpected trigger", "unexpected triggers", problem.unexpected_triggers),
        ("missing column", "missing columns", problem.missing_columns),
        ("changed table or column", "changed tables or columns", problem.changed_tables),
    )
    evidence = {
        "missingTriggers": list(problem.missing_triggers),
        "changedTriggers": list(problem.changed_triggers),
        "missingTables": list(problem.missing_tables),
        "unexpectedUnique": list(problem.unexpected_unique),
        "unexpectedTriggers": list(problem.unexpected_triggers),
        "missingColumns": list(problem.missing_columns),
        "changedTables": list(problem.changed_tables),
    }
    said = ", ".join(plural(len(names), one, many) for one, many, names in parts if names)
    count = sum(len(names) for _, _, names in parts)
    message = f"{who_of(health)} has {said}."
    if problem.mends_itself:
        start = start_over(x, Damage.TABLES)
        ahead = f"{start.who} creates them again, empty, at start: what they held is already gone{start.hedge}."
        return finding_of(
            SCHEMA, health, message, ahead, evidence, severity=Severity.WARNING, count=count, repair=None
        )
    known = elsewhere or not (problem.missing_triggers or problem.changed_triggers)
    repair = "salvage" if problem.remade and elsewhere else "schema" if known and not problem.remade else None
    start, by_hand = start_over(x, Damage.SCHEMA, health), None if repair else _tables_by_hand(health)
    return finding_of(SCHEMA, health, message, start, evidence, count=count, repair=repair, by_hand=by_hand)
