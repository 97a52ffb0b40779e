"""JSON Schemas of what `--json` prints, made from the types that are printed and shipped next to this file.

`python -m gatewaydoctor.report.schema` writes them again after a type has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatewaydoctor.model.jsonschema import schema_of
from gatewaydoctor.model.outcome.report import SCHEMA_VERSION, Document
from gatewaydoctor.model.repair.plan import Plan
from gatewaydoctor.model.repair.receipt import Receipt
from gatewaydoctor.model.repair.snapshot import SnapshotManifest
from gatewaydoctor.report.schema.descriptions import DESCRIPTIONS

DIRECTORY = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: dict[str, type] = {"report": Document, "plan": Plan, "receipt": Receipt, "snapshot": SnapshotManifest}
"""Name of a schema -> the type it describes; the file is `<name>.schema.json`."""


_DETAILS = {
    "hindrance": {
        "$ref": "#/$defs/ErrorInfo",
        "description": "With a plan of repair, park or unpark: why it would be refused now.",
    },
}
"""What a verb adds that has the form of another part of the document."""


def schema(name: str) -> dict[str, Any]:
    """The schema as the types stand now."""
    head = {
        "$schema": DIALECT,
        "$id": f"urn:gatewaydoctor:schema:{name}:{SCHEMA_VERSION}",
        "title": f"gatewaydoctor {name} {SCHEMA_VERSION}",
    }
    made = schema_of(TYPES[name])
    if name == "report":
        made["$defs"]["Document"]["properties"]["details"]["properties"] = _DETAILS
    for type_name, definition in made["$defs"].items():
        _describe(definition, DESCRIPTIONS.get(type_name, {}))
    return {**head, **made}


def _describe(definition: dict[str, Any], told: dict[str, str]) -> None:
    for field, schema_of_field in definition.get("properties", {}).items():
        if field in told:
            schema_of_field.setdefault("description", told[field])


def text(name: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(name), indent=2) + "\n"


def path(name: str) -> Path:
    return DIRECTORY / f"{name}.schema.json"


def write_all() -> None:
    """Write every schema file."""
    for name in TYPES:
        path(name).write_text(text(name), encoding="utf-8")
