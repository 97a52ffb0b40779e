"""How the columns of a table that is read fit those of the table that takes its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.repair.databases.tables import is_carried
from gatewaydoctor.storage.database.definitions import definition
from gatewaydoctor.storage.database.schema import takes_columns
from gatewaydoctor.storage.sqlite.sql import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewaydoctor.model.repair.edits import Rebuild
    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.opened import SchemaItem


def places_of(own: Sequence[str], into: Sequence[str]) -> dict[str, int]:
    """Where the records of a table with the columns `own` have those of `into`. A name is the same in capitals. Two
    names that differ in one letter and are at the same place are one column, of which the definition is damaged."""
    names = {name.casefold(): at for at, name in reversed(list(enumerate(own)))}
    known = {name.casefold() for name in into}
    found = {}
    for at, name in enumerate(into):
        same = names.get(name.casefold())
        if same is None and at < len(own) and own[at].casefold() not in known and _is_misspelled(own[at], name):
            same = at
        if same is not None:
            found[name] = same
    return found


def _is_misspelled(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def further_columns(own: Rescue, chosen: Sequence[SchemaItem], edit: Rebuild) -> dict[str, tuple[str, ...]]:
    """Definitions of the columns that the chosen schema lacks and a start does not mind, by table."""
    role = DatabaseRole.STATE if edit.agent_id is None else DatabaseRole.AGENT
    found = {}
    for item, names in _unknown(own, chosen):
        parts = definition(item.sql or "")
        plain = (name for name in names if name.lower() in parts.columns and parts.is_plain(name.lower()))
        if takes_columns(role, edit.version, item.name):
            found[item.name] = tuple(parts.columns[name.lower()] for name in plain)
    return {table: texts for table, texts in found.items() if texts}


def columns_left(own: Rescue, chosen: Sequence[SchemaItem], edit: Rebuild) -> dict[str, int]:
    """Columns (table.column) that are not taken over, and in how many rows each has a value."""
    taken = further_columns(own, chosen, edit)
    found: dict[str, int] = {}
    for item, names in _unknown(own, chosen):
        kept = set(definition(f"CREATE TABLE t ({', '.join(taken.get(item.name, ()))})").columns)
        left = [name for name in names if name.lower() not in kept]
        for values in own.rows(item.name, left):
            for name, value in zip(left, values, strict=True):
                found[f"{item.name}.{name}"] = found.get(f"{item.name}.{name}", 0) + (value is not None)
    return {name: count for name, count in found.items() if count}


def columns_lacking(own: Rescue, chosen: Sequence[SchemaItem]) -> tuple[str, ...]:
    """Columns (table.column) that the chosen schema has and the rows that are taken over lack."""
    into = _columns(chosen)
    return tuple(
        f"{table}.{name}"
        for table in own.tables
        if table in into and is_carried(table, own.schema) and any(True for _ in own.records(table, ()))
        for name in set(into[table]) - set(places_of(own.columns(table), into[table]))
    )


def _unknown(own: Rescue, chosen: Sequence[SchemaItem]) -> Iterator[tuple[SchemaItem, tuple[str, ...]]]:
    """Tables that both have, with the columns that only the one here has."""
    into = _columns(chosen)
    for item in own.tables.values():
        # SQLite takes no statement for its own table of sequences, and none tells its columns.
        if into.get(item.name) and is_carried(item.name, own.schema):
            names = own.columns(item.name)
            places = set(places_of(names, into[item.name]).values())
            yield item, tuple(name for at, name in enumerate(names) if at not in places)


def _columns(chosen: Sequence[SchemaItem]) -> Mapping[str, tuple[str, ...]]:
    return {item.name: columns_of(item.sql) for item in chosen if item.kind == "table" and item.sql and item.root}
