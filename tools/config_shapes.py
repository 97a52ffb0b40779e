"""Writes state/config/known_settings.jsonl: python -m tools.config_shapes [RELEASE...], of releases that
tests/conformance/install.py installed.

Of what `openclaw config schema` says only names, types, words and bounds are kept, each shape once. Which channels,
model providers and plugins for memory come with a release its own validation was asked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewaydoctor.state.config import shapes
from tests.conformance.install import RELEASES, cache_dir, command
from tests.conformance.test_config_settings import SOUND, answers

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN = Path(shapes.__file__).with_name(shapes.KNOWN)
TYPES = {"string": "text", "boolean": "flag", "integer": "whole", "number": "number", "null": "null"}
BOUNDS = {
    "minimum": "least",
    "exclusiveMinimum": "above",
    "maximum": "most",
    "minLength": "length",
    "minItems": "length",
}
LARGEST = 2**53 - 1
ALWAYS = ("defaults", "modelByChannel")
"""Names under `channels` that are none of a channel. Schemas up to 2026.7.1 do not describe them."""
_FLAGS = {name: {"type": "boolean"} for name in ("showOk", "showAlerts", "useIndicator")}
_BY_CHANNEL = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
}
WORD = re.compile(r'"([a-z][a-z0-9._-]{1,30})"')


class Shapes:
    """Shapes by number; 0 is anything."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any] | None] = [None]
        self._numbers: dict[str, int] = {}

    def number(self, schema: object) -> int:
        found = self._shape(schema)
        if found is None:
            return 0
        text = json.dumps(found, sort_keys=True)
        if text not in self._numbers:
            self._numbers[text] = len(self.kept)
            self.kept.append(found)
        return self._numbers[text]

    def _shape(self, schema: object) -> dict[str, Any] | None:
        if not isinstance(schema, dict):
            return None
        if parts := schema.get("anyOf") or schema.get("oneOf"):
            return self._one_of(parts)
        if "const" in schema or "enum" in schema:
            return {"is": "word", "of": schema.get("enum") or [schema["const"]]}
        kind = schema.get("type") or ("object" if "properties" in schema else None)
        if isinstance(kind, list):
            return self._one_of([{**schema, "type": each} for each in kind])
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            each = self.number(schema.get("items"))
            return {"is": "list", **_bounds(schema)} | ({"each": each} if each else {})
        return {"is": TYPES[kind], **_bounds(schema)} if kind in TYPES else None

    def _one_of(self, parts: list[Any]) -> dict[str, Any] | None:
        found = [self._shape(part) for part in parts]
        if any(each is None for each in found):
            return None
        words = [word for each in found if each and each["is"] == "word" for word in each["of"]]
        rest = [part for part, each in zip(parts, found, strict=True) if each and each["is"] != "word"]
        if not rest:
            return {"is": "word", "of": words}
        numbers = [self.number(part) for part in rest] + ([self.number({"enum": words})] if words else [])
        return {"is": "one of", "of": list(dict.fromkeys(numbers))}

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        shape: dict[str, Any] = {"is": "object"}
        if names := schema.get("properties", {}):
            shape["names"] = {name: self.number(each) for name, each in sorted(names.items())}
        others = schema.get("additionalProperties", True)
        if others is False:
            shape["others"] = None
        elif number := self.number(others):
            shape["others"] = number
        if needed := [name for name in schema.get("required", ()) if "default" not in names.get(name, {})]:
            shape["needs"] = sorted(needed)
        return shape


def _bounds(schema: dict[str, Any]) -> dict[str, int | float]:
    found = {ours: schema[theirs] for theirs, ours in BOUNDS.items() if theirs in schema}
    return {name: bound for name, bound in found.items() if abs(bound) < LARGEST}


def described(release: str, schema: dict[str, Any], brought: dict[str, list[str]]) -> dict[str, Any]:
    names = schema["properties"]
    if "audio" in names:  # 2026.4.25 takes anything in it, and moves what it can use
        names["audio"] = {"type": "object"}
    channels = names["channels"]
    told = {**_undescribed(release), **channels["properties"]}
    channels["properties"] = {name: told.get(name, {}) for name in brought["channels"]}
    channels["additionalProperties"] = False
    kept = Shapes()
    top = kept.number(schema)
    names_of = {name: brought[name] for name in ("providers", "memory")}
    return {"release": release, "top": top, **names_of, "shapes": kept.kept}


def _undescribed(release: str) -> dict[str, Any]:
    """What the validation of releases up to 2026.7.1 takes under ALWAYS."""
    names: dict[str, Any] = {
        "groupPolicy": {"enum": ["open", "disabled", "allowlist"]},
        "heartbeat": {"type": "object", "properties": _FLAGS, "additionalProperties": False},
    }
    if release != "2026.3.28":
        names["contextVisibility"] = {"enum": ["all", "allowlist", "allowlist_quote"]}
    defaults = {"type": "object", "properties": names, "additionalProperties": False}
    return {"defaults": defaults, "modelByChannel": _BY_CHANNEL}


def asked(release: str, package: Path, schema: dict[str, Any]) -> dict[str, list[str]]:
    """The channels, providers of models and plugins for memory that come with a release: of every word in its
    catalogs and in the manifests of its plugins those that its validation takes."""
    words = {*ALWAYS, *schema["properties"]["channels"]["properties"]}
    for path in (*package.rglob("openclaw.plugin.json"), *package.glob("scripts/lib/*.json")):
        words.update(WORD.findall(path.read_text()))
    ordered = sorted(words)
    return {
        "channels": _taken(release, ordered, "unknown channel", lambda name: {"channels": {name: {}}}),
        "providers": _taken(release, ordered, "custom model", lambda name: {"models": {"providers": {name: {}}}}),
        "memory": _taken(release, ordered, "not found", lambda name: {"plugins": {"slots": {"memory": name}}}),
    }


def _taken(release: str, words: list[str], refusal: str, config: Callable[[str], dict[str, Any]]) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        told = answers(release, [{**SOUND, **config(word)} for word in words], Path(scratch))
    return [word for word, each in zip(words, told, strict=True) if refusal not in json.dumps(each["issues"])]


def main(releases: list[str]) -> None:
    lines = {}
    for release in releases or RELEASES:
        found = command(cache_dir(), release)
        if found is None:
            sys.exit(f"openclaw {release} is not installed")
        with tempfile.TemporaryDirectory() as home:
            env = {"PATH": "/usr/bin:/bin", "HOME": home, "OPENCLAW_STATE_DIR": home, "NO_COLOR": "1"}
            ran = subprocess.run([*found, "config", "schema"], env=env, capture_output=True, check=True)
        schema = json.loads(ran.stdout)
        brought = asked(release, Path(found[1]).parent, schema)
        lines[release] = json.dumps(described(release, schema, brought), separators=(",", ":"))
    kept = {json.loads(line)["release"]: line for line in KNOWN.read_text().splitlines()} if KNOWN.exists() else {}
    kept |= lines
    KNOWN.write_text("".join(f"{kept[release]}\n" for release in sorted(kept)))


if __name__ == "__main__":
    main(sys.argv[1:])
