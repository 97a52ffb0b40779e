"""A database's tables, columns, triggers and unique indexes against those its release writes.

known_schema.json holds, per role and user_version, names and the starts of the SHA-256 of what a start compares: each
trigger's text, each column's, each table's constraints and options. `optional` are the tables that a start makes
again and the columns (table.column) that it does without, as an upgrade may leave them out; `also` other texts of a
column that upgrades leave. They were read off databases that 2026.8.1, 9.3, 9.5 and 9.6 had made or upgraded
(tools/schema.py). What 2026.9.5 makes again and does without was not tried: it is what 9.3 or 9.6 do.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from gatewaydoctor.model.database.health import SOUND_SCHEMA, SchemaDrift
from gatewaydoctor.storage.database.definitions import definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gatewaydoctor.model.gateway.era import DatabaseRole
    from gatewaydoctor.storage.sqlite.opened import SchemaItem

MEMORY_TRIGGERS = {
    f"{index}_fts_after_{moment}": table
    for index, table in (
        ("memory_index_chunks", "memory_index_chunks"),
        ("memory_index_paths", "memory_index_sources"),
    )
    for moment in ("insert", "update", "delete")
}
"""Triggers, with their tables, that memory search makes besides those of the release once it indexes something; a
start takes them (seen with 2026.9.6)."""
_DIGITS = 16
_FEW_DIGITS = 6


@cache
def _known() -> dict[str, dict[str, Any]]:
    text = pkgutil.get_data("gatewaydoctor.storage.database", "known_schema.json")
    assert text is not None  # None comes of loaders that have no files
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def is_known(role: DatabaseRole, version: int) -> bool:
    """Whether the schema of that version is among those that were read."""
    return str(version) in _known().get(role.value, {})


def drift(role: DatabaseRole, version: int, schema: Iterable[SchemaItem]) -> SchemaDrift | None:
    """How a schema differs from the one its version has; None where it does not, or where the version is unknown.
    More tables and more plain indexes are not difference, nor is another column of a plain type: 2026.9.6 starts with
    them."""
    if not is_known(role, version):
        return None
    known = _known()[role.value][str(version)]
    items = tuple(schema)
    tables = {item.name: item for item in items if item.kind == "table"}
    triggers = {item.name: trigger_digest(item) for item in items if item.kind == "trigger"}
    unique = {
        item.name: _digest(item.sql or "")
        for item in items
        if item.kind == "index" and "UNIQUE" in (item.sql or "").upper()
    }
    differences = tuple(_differences(known, tables))
    missing = set(known["tables"]) - set(tables)
    lost = {name for name, text in known["triggers"].items() if text.partition(":")[0] not in missing} - set(triggers)
    found = SchemaDrift(
        tuple(sorted(missing)),
        tuple(sorted(lost)),
        tuple(sorted(name for name, text in triggers.items() if known["triggers"].get(name, text) != text)),
        tuple(sorted(name for name, text in unique.items() if known["unique"].get(name) != text)),
        tuple(
            name
            for name, text in sorted(triggers.items())
            if name not in known["triggers"] and text.partition(":")[0] != MEMORY_TRIGGERS.get(name)
        ),
        tuple(name for name, there in differences if not there),
        tuple(name for name, there in differences if there),
    )
    if found == SOUND_SCHEMA:
        return None
    return replace(found, made_again=tuple(sorted(missing.intersection(known["optional"]))))


def has_more(role: DatabaseRole, later: int, earlier: int, schema: Sequence[SchemaItem]) -> bool:
    """Whether a table, trigger or column is there that the later version has and the earlier one has not."""
    new, old = (_names(_known()[role.value][str(version)]) for version in (later, earlier))
    there = {item.name for item in schema}
    for item in schema:
        if item.kind == "table" and item.sql:
            there |= {f"{item.name}.{name}" for name in definition(item.sql).columns}
    return bool(there & (new - old))


def _names(known: Mapping[str, Any]) -> set[str]:
    columns = ((table, part.partition(":")[0]) for table, parts in known["columns"].items() for part in parts.split())
    return {*known["tables"], *known["triggers"], *(f"{table}.{name.removesuffix('?')}" for table, name in columns)}


def _differences(known: Mapping[str, Any], tables: Mapping[str, SchemaItem]) -> Iterator[tuple[str, bool]]:
    """Each column (as table.column) or table whose text is not the release's, and whether it is there at all."""
    for table, parts in known["columns"].items():
        if table not in tables or (text := tables[table].sql) is None:
            continue
        wanted = dict(part.split(":") for part in parts.split())
        rest = wanted.pop("", "")
        if _short(text) in rest.split(","):
            continue  # the whole statement is one that the release writes
        found = definition(text)
        names = {name.removesuffix("?"): digests.split(",") for name, digests in wanted.items()}
        for name, digests in names.items():
            column = f"{table}.{name}"
            if name not in found.columns:
                if f"{name}?" not in wanted and column not in known["optional"]:
                    yield column, False
            elif _short(found.columns[name]) not in (*digests, *known["also"].get(column, ())):
                yield column, True
        for name in found.columns:
            if name not in names and (table in known["optional"] or not found.is_plain(name)):
                yield f"{table}.{name}", True
        if rest and _short(found.rest) not in rest.split(","):
            yield table, True


def takes_columns(role: DatabaseRole, version: int, table: str) -> bool:
    """Whether a start with this table passes over a further column of a plain type."""
    known = _known().get(role.value, {}).get(str(version))
    return known is None or table not in known["optional"]


def trigger_digest(item: SchemaItem) -> str:
    """`table:digest`; a trigger goes with its table."""
    return f"{item.table}:{_digest(item.sql or '')}"


def _short(text: str) -> str:
    return _sha256(text)[:_FEW_DIGITS]


def _digest(text: str) -> str:
    return _sha256(" ".join(text.split()))[:_DIGITS]


def _sha256(text: str) -> str:
    """Of the bytes it was read from: damaged text may be no UTF-8."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
