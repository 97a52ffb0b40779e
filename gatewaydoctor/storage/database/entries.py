"""Session rows that a start does not take as they are, judged as 2026.9.6 judges them. Nothing is written.

SQL passes over the rows that are plainly sound. The others are parsed here: SQLite takes the first of two equal names
in an object and no more than 1,000 levels, JavaScript the last and any number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.health import BadEntries, EntryFault
from gatewaydoctor.model.gateway.entry import is_canonical_key
from gatewaydoctor.model.regex import regex
from gatewaydoctor.storage.entries.decode import fields
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.storage.sqlite.pages import Value

EXAMPLES = 10
MOST_LEVELS = 1_600
"""2026.9.6 starts with an entry of 1,501 levels, and refuses one of 3,001."""
_FIELDS = frozenset({"sessionId", "updatedAt", "parentSessionKey", "spawnedBy", "forkSource"})
_BRACKETS = regex(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
_LINEAGE = ("parent_session_key", "spawned_by", "fork_source_session_key")
_ODD = "({0} GLOB '*[^!-@[-~]*' OR {0} NOT GLOB 'agent:?*:?*' OR {0} GLOB '*::*')"
"""A key with capitals, blanks or other than ASCII, or without an agent."""
_PENDING = "session_canonical_validation_pending"


def bad_entries(database: Opened, *, whole: bool = False) -> BadEntries | None:
    """Rows that a start refuses or rebuilds, the first keys of each kind. Runs of cron jobs that a gateway has judged
    valid are not read again unless `whole`: there may be thousands. A session that was cleared is an empty object
    marked -1 with its window, and starts."""
    columns = set(database.columns("session_nodes"))
    if not {"entry_json", "current_session_id", "entry_valid"} <= columns:
        return None
    keys: dict[EntryFault, list[str]] = {}
    count = 0
    for row in database.rows(_statement(database, columns, whole=whole)):
        fault = _fault(*row)
        if fault is not None:
            count += 1
            found = keys.setdefault(fault, [])
            if len(found) < EXAMPLES:
                found.append(str(row[0]))
    return BadEntries({fault: tuple(found) for fault, found in keys.items()}, count) if count else None


def _statement(database: Opened, columns: set[str], *, whole: bool) -> str:
    """Selects the rows that need a closer look: key, entry, session id, whether it is marked as cleared, whether the
    key counts, what the columns say of other sessions."""
    waits = f"session_key IN (SELECT session_key FROM {_PENDING})" if _PENDING in database.tables else "0"
    unjudged = f"(entry_valid = 0 OR {waits})"
    read = (
        "1" if whole else f"({unjudged} OR entry_valid = -1 OR entry_valid = 1 AND instr(session_key, ':run:') = 0)"
    )
    window = (
        "SELECT 1 FROM session_windows w WHERE w.session_id = n.current_session_id AND w.session_key = n.session_key"
    )
    kept = f"AND EXISTS ({window})" if "session_windows" in database.tables else ""
    lineage = _LINEAGE if columns.issuperset(_LINEAGE) else ()
    parent = "coalesce(json_extract(entry_json, '$.parentSessionKey'), json_extract(entry_json, '$.spawnedBy'))"
    said = (parent, "json_extract(entry_json, '$.spawnedBy')", "json_extract(entry_json, '$.forkSource.sessionKey')")
    differ = " OR ".join(f"{column} IS NOT {told}" for column, told in zip(lineage, said, strict=False))
    twice = " OR ".join(
        f"length(entry_json) - length(replace(entry_json, '\"{name}\"', '')) > {len(name) + 2}"
        for name in ("sessionId", "updatedAt")
    )
    odd = " OR ".join(_ODD.format(column) for column in lineage)
    # Other rows of the key in lower case: a start finds two sessions under one key.
    counts = (
        f"({unjudged} OR EXISTS (SELECT 1 FROM session_nodes o WHERE o.session_key = lower(n.session_key) "
        "AND o.session_key <> n.session_key))"
    )
    more = ("entry_valid = -1", counts, *lineage)
    return (
        f"SELECT {', '.join(('session_key', 'CAST(entry_json AS BLOB)', 'current_session_id', *more))} "
        f"FROM session_nodes n WHERE {read} "
        f"AND NOT (entry_valid = -1 AND entry_json = '{{}}' {kept}) AND CASE WHEN entry_valid = -1 THEN 1 "
        "WHEN NOT json_valid(entry_json) THEN 1 WHEN json_type(entry_json) <> 'object' THEN 1 "
        "WHEN json_extract(entry_json, '$.sessionId') IS NOT current_session_id THEN 1 "
        "WHEN coalesce(json_type(entry_json, '$.updatedAt'), '') NOT IN ('integer', 'real') THEN 1 "
        f"WHEN {twice} THEN 1 WHEN {differ or 0} THEN 1 WHEN {odd or 0} THEN 1 "
        f"ELSE {_ODD.format('session_key')} END"
    )


def _fault(
    key: Value, entry: Value, session_id: Value, cleared: Value, counts: Value, *lineage: Value
) -> EntryFault | None:
    if cleared:
        return EntryFault.CLEARED
    if not isinstance(entry, bytes):
        return EntryFault.NOT_JSON
    try:
        told = _fields(entry)
    except Illegal:
        return EntryFault.NOT_JSON
    if told is None:
        return EntryFault.NOT_AN_OBJECT
    if _levels(entry) > MOST_LEVELS:
        return EntryFault.TOO_DEEP
    if told.get("sessionId") != session_id:
        return EntryFault.OTHER_ID
    if isinstance(told.get("updatedAt"), bool) or not isinstance(told.get("updatedAt"), int | float):
        return EntryFault.NO_TIME
    source = told.get("forkSource")
    origins = (
        told.get("parentSessionKey") or told.get("spawnedBy"),
        told.get("spawnedBy"),
        source.get("sessionKey") if isinstance(source, dict) else None,
    )
    if lineage and origins != lineage:
        return EntryFault.OTHER_ORIGIN
    keys = [str(each) for each in (key, *lineage) if each is not None]
    return EntryFault.KEY if counts and not all(map(is_canonical_key, keys)) else None


def _levels(entry: bytes) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(entry):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _fields(entry: bytes) -> Mapping[str, object] | None:
    """The fields that count, the last of two equal ones; None for what is not an object. Raises Illegal."""
    found = fields(memoryview(entry))
    if found is None:
        return None
    return {name: parse(bytes(memoryview(found[name]))) for name in _FIELDS if name in found}
