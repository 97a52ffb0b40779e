"""A database's tables, columns, triggers and unique indexes against those its release writes.

known_schema.json holds, per role and user_version, names and the start of the SHA-256 of each trigger's text with
white space folded. They were read off databases that 2026.8.1, 2026.9.3 and 2026.9.6 had made.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.gateway.health import SchemaDrift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gatewaydoctor.model.gateway.era import DatabaseRole
    from gatewaydoctor.storage.database.opened import SchemaItem

_DIGITS = 16
_WORD = re.compile(r"\w+")


@cache
def _known() -> dict[str, dict[str, Any]]:
    text = pkgutil.get_data("gatewaydoctor.storage.database", "known_schema.json")
    assert text is not None  # None comes of loaders that have no files
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def is_known(role: DatabaseRole, version: int) -> bool:
    """Whether the schema of that version is among those that were read."""
    return str(version) in _known().get(role.value, {})


def drift(
    role: DatabaseRole,
    version: int,
    schema: Iterable[SchemaItem],
    columns: Callable[[str], Iterable[str]] = lambda _: (),
) -> SchemaDrift | None:
    """How a schema differs from the one its version has; None where it does not, or where the version is unknown.
    More tables and more plain indexes are not difference: 2026.9.6 starts with them. `columns` gives those of a
    table."""
    if not is_known(role, version):
        return None
    known = _known()[role.value][str(version)]
    items = tuple(schema)
    tables = {item.name for item in items if item.kind == "table"}
    triggers = {item.name: _digest(item.sql or "") for item in items if item.kind == "trigger"}
    unique = {item.name for item in items if item.kind == "index" and item.sql and "UNIQUE" in item.sql.upper()}
    found = SchemaDrift(
        tuple(sorted(set(known["tables"]) - tables)),
        tuple(sorted(set(known["triggers"]) - set(triggers))),
        tuple(sorted(name for name, text in triggers.items() if known["triggers"].get(name, text) != text)),
        tuple(sorted(unique - set(known["unique"]))),
        tuple(sorted(set(triggers) - set(known["triggers"]))),
        tuple(_missing_columns(known["columns"], items, columns)),
    )
    return found if any(getattr(found, name) for name in found.__struct_fields__) else None


def _missing_columns(
    known: dict[str, str], items: Iterable[SchemaItem], columns: Callable[[str], Iterable[str]]
) -> Iterator[str]:
    """As table.column. Only a table whose statement lacks a name is asked for its columns."""
    for item in items:
        wanted = known.get(item.name, "").split() if item.kind == "table" else []
        if not set(_WORD.findall(item.sql or "")).issuperset(wanted):
            there = set(columns(item.name))
            yield from (f"{item.name}.{name}" for name in wanted if there and name not in there)


def _digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:_DIGITS]
