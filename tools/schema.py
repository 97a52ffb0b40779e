"""Adds schemas to storage/database/known_schema.json: python -m tools.schema ROLE DATABASE...

All databases are of one schema number, and not damaged. What differs between them may differ. `optional`, the tables
that a start makes again and the columns that it does without, and `also`, digests of columns that an upgrade leaves,
are kept as they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.storage.database import schema
from gatewaydoctor.storage.database.definitions import definition
from gatewaydoctor.storage.sqlite.opened import open_database
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from gatewaydoctor.storage.sqlite.opened import SchemaItem

KNOWN = Path(schema.__file__).with_name("known_schema.json")


def described(databases: list[tuple[SchemaItem, ...]], kept: dict[str, Any]) -> dict[str, Any]:
    tables = [{item.name: item.sql or "" for item in each if _is_table(item)} for each in databases]
    items = [item for each in databases for item in each]
    triggers = {item.name: schema.trigger_digest(item) for item in items if item.kind == "trigger"}
    indexes = [item for item in items if item.kind == "index" and "UNIQUE" in (item.sql or "").upper()]
    return {
        "tables": sorted(set.intersection(*map(set, tables))),
        "triggers": dict(sorted(triggers.items())),
        "unique": {item.name: schema._digest(item.sql or "") for item in indexes},
        "columns": {
            name: _parts([each[name] for each in tables if name in each]) for name in sorted(set().union(*tables))
        },
        "optional": kept.get("optional", []),
        "also": kept.get("also", {}),
    }


def _is_table(item: SchemaItem) -> bool:
    return item.kind == "table" and not item.name.startswith("sqlite_")


def _parts(statements: list[str]) -> str:
    """`:digests of the whole and of the rest name:digests ...`; `name?` is a column that is not in all of them."""
    found = [definition(statement) for statement in statements]
    whole = dict.fromkeys([*map(schema._short, statements), *(schema._short(each.rest) for each in found)])
    parts = [f":{','.join(whole)}"]
    for name in sorted(set().union(*(each.columns for each in found))):
        digests = [schema._short(each.columns[name]) for each in found if name in each.columns]
        parts.append(f"{name}{'?' * (len(digests) < len(found))}:{','.join(dict.fromkeys(digests))}")
    return " ".join(parts)


def main(role: str, paths: list[str]) -> None:
    schemas, versions = [], set()
    for path in paths:
        opened = open_database(OsReadFs(), Path(path))
        if isinstance(opened, DatabaseFault):
            sys.exit(f"{path}: {opened.reason}")
        with opened:
            schemas.append(opened.schema)
            versions.add(opened.user_version)
    (version,) = versions
    known = json.loads(KNOWN.read_text())
    of_role = known.setdefault(role, {})
    of_role[str(version)] = described(schemas, of_role.get(str(version), {}))
    KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
