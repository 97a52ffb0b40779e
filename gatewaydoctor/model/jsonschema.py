"""JSON Schema of the types that files and documents are made of."""

from __future__ import annotations

from typing import Any

import msgspec


def schema_of(type_: Any) -> dict[str, Any]:
    """Each description is on one line: how a docstring is indented depends on the version of Python."""
    return {key: _on_one_line(value) for key, value in msgspec.json.schema(type_).items()}


def _on_one_line(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: " ".join(item.split()) if key == "description" and isinstance(item, str) else _on_one_line(item)
                for key, item in value.items()
            }
        case list():
            return [_on_one_line(item) for item in value]
        case _:
            return value
