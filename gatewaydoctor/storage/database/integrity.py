"""What is wrong inside one database: pages, owner, versions, foreign keys, schema, entries. Nothing is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.health import (
    DEVICE,
    BrokenPages,
    HotJournal,
    OrphanRows,
    OtherOwner,
    ReadOnlyFormat,
    TornCredentials,
    TornRecord,
    Unopened,
    VersionsDiffer,
)
from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.entry import parse_key
from gatewaydoctor.model.gateway.era import FIRST_OWNED, KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.storage.database.entries import bad_entries
from gatewaydoctor.storage.database.schema import drift, has_more, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.database.health import Problem
    from gatewaydoctor.storage.sqlite.opened import Opened

MESSAGES = 20
"""How many messages of SQLite's check are asked for."""
EXAMPLES = 10
STARTED_WITH = ("auth.sharedStore", "plugins.installedIndex")
"""Records of the state database that a start was seen to need as JSON."""
INDEXES_BELOW = 64 << 20
"""Bytes up to which every index is compared with its table: 0.09 s more for 176 MB."""
NEWEST_FORMAT = 2
"""The write-ahead mode is the newest format of a file (sqlite.org/fileformat2.html section 1.3.3)."""
_TREE = re.compile(r"Tree (\d+) page (\d+)")
_PAGE = re.compile(r"[Pp]age (\d+)")
_FORBIDDEN = re.compile(r"(?:CHECK constraint failed in|(?:NULL|NUMERIC|TEXT|non-[A-Z]+) value in) (\w+)")
_IN_INDEX = re.compile(r"(?:missing from index|entries in index) (\S+)")


def problems(database: Opened, role: DatabaseRole, agent_id: str | None, *, whole: bool = False) -> Iterator[Problem]:
    """Every problem of a database that could be opened, the gravest first. Where its pages do not hold together,
    only they and its owner are told: what SQL says of the rest could be wrong. `whole` compares indexes with their
    tables, too."""
    if broken := broken_pages(database, whole=whole):
        yield broken
        if not broken.index_only:
            return
    if role is DatabaseRole.AGENT and database.journal is not None and database.journal.hot:
        yield HotJournal(database.journal.bytes)
    version = database.user_version
    if not version and not database.tables and role is not DatabaseRole.QUARANTINE:
        yield Unopened(DatabaseFault(DatabaseFaultKind.EMPTY, database.path, "it has no table"))
        return
    if database.header.write_version > NEWEST_FORMAT:
        yield ReadOnlyFormat(database.header.write_version)
    if found := owner(database, role, agent_id, version):
        yield found
        version = found.fits or version if isinstance(found, VersionsDiffer) else version
    if (differs := drift(role, version, database.schema)) and not _is_ahead(database, role, version):
        yield differs
    # By an index that lacks rows, SQL finds no parents of rows that have some.
    if not broken and (orphans := orphan_rows(database)):
        yield orphans
    if role is DatabaseRole.AGENT and (entries := bad_entries(database, whole=whole)):
        yield entries
    if role is DatabaseRole.AGENT and _has_torn_credentials(database):
        yield TornCredentials()
    if role is DatabaseRole.STATE and "config_machine_state" in database.tables:
        torn = "SELECT state_key FROM config_machine_state WHERE NOT json_valid(value_json) ORDER BY state_key DESC"
        yield from (TornRecord(str(key)) for (key,) in database.rows(torn) if key in STARTED_WITH)
    if role is DatabaseRole.STATE and "device_identities" in database.tables:
        without = f"identity_key = '{DEVICE}' AND instr(private_key_pem, 'PRIVATE KEY-----') = 0"
        yield from (TornRecord(DEVICE) for _ in database.rows(f"SELECT 1 FROM device_identities WHERE {without}"))


def _has_torn_credentials(database: Opened) -> bool:
    """Whether a start cannot read with what its models are asked."""
    if "auth_profile_store" not in database.tables:
        return False
    kind = "CASE WHEN json_valid(store_json) THEN json_type(store_json, '$.profiles') END"
    return any(
        found != "object"
        for (found,) in database.rows(f"SELECT {kind} FROM auth_profile_store WHERE store_key = 'primary'")
    )


def _is_ahead(database: Opened, role: DatabaseRole, version: int) -> bool:
    """Whether a state database has the newest tables under an older number: a start adds what an older one lacks, and
    was seen to pass over what is there."""
    newest = KNOWN_SCHEMA[role]
    known = role is DatabaseRole.STATE and version < newest and is_known(role, newest)
    return known and drift(role, newest, database.schema) is None


def compares_indexes(database: Opened, *, whole: bool) -> bool:
    return whole or database.bytes_in_use <= INDEXES_BELOW


def broken_pages(database: Opened, *, whole: bool = False) -> BrokenPages | None:
    """What SQLite's own check finds. A start compares indexes with their tables, too; here that is left to the
    `whole` check where the database is large."""
    check = "integrity_check" if compares_indexes(database, whole=whole) else "quick_check"
    found = database.all(f"PRAGMA {check}({MESSAGES})")
    if isinstance(found, DatabaseFault):
        return _by_walking(database, found.reason)
    messages = tuple(line for (text,) in found for line in str(text).splitlines() if line and line != "ok")
    messages = tuple(each for each in messages if not each.startswith("*** in database"))
    if not messages:
        return None
    roots = {item.root: item for item in database.schema if item.root > 0}
    trees = [roots.get(int(match[1])) for text in messages if (match := _TREE.search(text))]
    indexes = [match[1] for text in messages if (match := _IN_INDEX.search(text))]
    forbidden = [match[1] for text in messages if (match := _FORBIDDEN.match(text))]
    named = {item.table for item in trees if item} | set(forbidden)
    pages = sorted({int(number) for text in messages for number in _PAGE.findall(text)})
    index_only = len(indexes) + sum(item is not None and item.kind == "index" for item in trees) == len(messages)
    return BrokenPages(
        messages[:EXAMPLES],
        tuple(sorted(named)),
        tuple(pages[:EXAMPLES]),
        index_only,
        rows_differ=len(indexes) == len(messages),
        constraints=len(forbidden) == len(messages),
    )


def _by_walking(database: Opened, reason: str) -> BrokenPages:
    """Where SQLite gives up at once, the tables and pages are found by walking every tree."""
    tables: list[str] = []
    pages: set[int] = set()
    for item in database.schema:
        if item.root <= 0:
            continue
        reader = database.pages
        if reader.size(item.root).faults:
            tables.append(item.table)
            pages.update(each.page for each in reader.damage)
    return BrokenPages((reason,), tuple(sorted(set(tables))), tuple(sorted(pages)[:EXAMPLES]), index_only=False)


def owner(database: Opened, role: DatabaseRole, agent_id: str | None, version: int) -> Problem | None:
    """Whether it says whose it is, and of which version, as releases with sessions in databases want it."""
    if role is DatabaseRole.QUARANTINE or 0 < version < FIRST_OWNED:
        return None
    columns = database.columns("schema_meta")
    own = "agent_id" if "agent_id" in columns else "NULL"
    primary = " WHERE meta_key = 'primary'" if "meta_key" in columns else ""
    rows = database.all(f"SELECT role, schema_version, {own} FROM schema_meta{primary}") if columns else ()
    if isinstance(rows, DatabaseFault):
        return None
    if not rows:
        return _other_owner(database, role, agent_id, None)
    kind, recorded, owned_by = rows[0]
    expected = "agent" if role is DatabaseRole.AGENT else "global"
    if kind != expected:
        return _other_owner(database, role, agent_id, str(owned_by or kind))
    if role is DatabaseRole.AGENT and own != "NULL" and agent_id is not None and owned_by != agent_id:
        return _other_owner(database, role, agent_id, None if owned_by is None else str(owned_by))
    if not isinstance(recorded, int) or recorded == version or version > KNOWN_SCHEMA[role]:
        return None  # a newer schema is told by the rule of its own
    alike = [
        each for each in (version, recorded) if is_known(role, each) and drift(role, each, database.schema) is None
    ]
    if len(alike) > 1 and has_more(role, max(alike), min(alike), database.schema):
        alike = [max(alike)]  # what a later release has added is no difference from an earlier one
    return VersionsDiffer(version, recorded, alike[0] if len(alike) == 1 else None)


def _other_owner(database: Opened, role: DatabaseRole, agent_id: str | None, found: str | None) -> OtherOwner:
    """What the rows and tables say of it."""
    fits = is_known(role, database.user_version) and drift(role, database.user_version, database.schema) is None
    if role is not DatabaseRole.AGENT:
        return OtherOwner(found, record_wrong=fits)
    agents = {parse_key(str(key)).agent_id for (key,) in database.rows("SELECT session_key FROM session_nodes")}
    rows_of = next(iter(agents)) if len(agents) == 1 else None
    return OtherOwner(found, rows_of=rows_of, record_wrong=fits and rows_of is not None and rows_of == agent_id)


def orphan_rows(database: Opened) -> OrphanRows | None:
    """Rows whose foreign key leads nowhere."""
    counts: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in database.rows("PRAGMA foreign_key_check"):
        pair = (str(table), str(parent))
        counts[pair] = counts.get(pair, 0) + 1
    return OrphanRows(counts) if counts else None
