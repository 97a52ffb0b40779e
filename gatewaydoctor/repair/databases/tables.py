"""Which tables of a schema a new database gets, and what SQLite may do while it makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from gatewaydoctor.storage.database.schema import MEMORY_TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.opened import SchemaItem

DERIVED = frozenset(
    {
        "session_canonical_validation_pending",
        "session_transcript_index_state",
        "session_transcript_active_events",
        "session_transcript_fts_rows",
    }
)
"""Tables that 2026.9.6 makes again from the others at its start."""
MADE_AGAIN = frozenset({"session_transcript_fts", *(name.rpartition("_after_")[0] for name in MEMORY_TRIGGERS)})
"""Search tables that a start or the triggers of memory fill."""


def definitions(schema: Sequence[SchemaItem], kind: str) -> Iterator[str]:
    """Statements of one kind, but for what SQLite makes by itself."""
    for item in schema:
        if item.kind != kind or item.sql is None or item.name.startswith("sqlite_"):
            continue
        if not (kind == "table" and _shadowed(item.name, schema)) and not is_of_view(item, schema):
            yield item.sql


def can_be_made(schema: Sequence[SchemaItem]) -> bool:
    """Whether SQLite takes every definition, and there is one: a letter may be damaged."""
    if not schema:
        return False
    connection = apsw.Connection(":memory:")
    connection.authorizer = only_definitions
    try:
        for kind in ("table", "index", "trigger"):
            for sql in definitions(schema, kind):
                connection.execute(sql)
    except (apsw.Error, ValueError):
        return False
    finally:
        connection.close()
    return True


def is_described(rescue: Rescue) -> bool:
    """Whether its schema is left, as far as its pages tell."""
    return can_be_made(rescue.schema) and rescue.schema_whole


def further(own: Sequence[SchemaItem], chosen: Sequence[SchemaItem]) -> list[SchemaItem]:
    """Tables that the chosen schema does not have, with their indexes, and triggers of memory search: a gateway makes
    some only once it needs them. None that SQLite does not take."""
    there = {item.name for item in chosen}
    found: list[SchemaItem] = []
    for table in own:
        if table.kind != "table" or table.name in there or not is_carried(table.name, own):
            continue
        items = [
            item
            for item in own
            if item.kind in ("table", "index") and item.table == table.name and item.name not in there
        ]
        if can_be_made((*chosen, *items)):
            found += items
    for item in own:
        if is_of_memory(item) and item.name not in there and can_be_made((*chosen, *found, item)):
            found.append(item)
    return found


def is_of_memory(item: SchemaItem) -> bool:
    """Whether it is a trigger that writes a row of memory into its search index."""
    return item.kind == "trigger" and MEMORY_TRIGGERS.get(item.name) == item.table


def is_of_view(item: SchemaItem, schema: Sequence[SchemaItem]) -> bool:
    """Whether it is a trigger of a view, which is not made here."""
    return item.kind == "trigger" and any(each.kind == "view" and each.name == item.table for each in schema)


def is_search(item: SchemaItem) -> bool:
    words = " ".join((item.sql or "").split()).upper()
    return words.startswith("CREATE VIRTUAL TABLE") and "USING FTS5" in words


def is_vectors(item: SchemaItem) -> bool:
    """Whether it is the index of vectors of memory, which SQLite reads with an extension of the gateway alone."""
    return (
        (item.sql or "").upper().startswith("CREATE VIRTUAL") and item.name.endswith("_vec") and not is_search(item)
    )


def _shadowed(name: str, schema: Iterable[SchemaItem]) -> bool:
    """Whether the table belongs to a virtual one, or is one that is not made here."""
    for item in schema:
        if item.kind != "table" or not (item.sql or "").upper().startswith("CREATE VIRTUAL"):
            continue
        if not is_search(item) and (name == item.name or (is_vectors(item) and name.startswith(f"{item.name}_"))):
            return True
        if name.removeprefix(f"{item.name}_") in ("data", "idx", "content", "docsize", "config"):
            return True
    return False


def is_carried(table: str, schema: Sequence[SchemaItem]) -> bool:
    derived = table in DERIVED or _shadowed(table, schema)
    return not derived and (table == "sqlite_sequence" or not table.startswith("sqlite_"))


def only_definitions(action: int, _first: str | None, second: str | None, *_about: str | None) -> int:
    """Nothing that a damaged file calls a definition does anything else."""
    if action == apsw.SQLITE_CREATE_VTABLE:
        return apsw.SQLITE_OK if (second or "").lower() == "fts5" else apsw.SQLITE_DENY
    return apsw.SQLITE_DENY if action in (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH) else apsw.SQLITE_OK
