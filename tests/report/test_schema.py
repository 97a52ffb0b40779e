"""The schemas that are shipped describe what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from gatewaydoctor.report import schema
from gatewaydoctor.report.schema.descriptions import DESCRIPTIONS
from tests.cli import scenes
from tests.cli.harness import EXAMINING, run
from tests.cli.secrets import Nouns, everything
from tests.state.fakes import FakeProcess, FakeProcesses

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("name", schema.TYPES)
def test_the_file_is_what_the_types_say(name: str) -> None:
    """`python -m gatewaydoctor.report.schema` writes it again."""
    assert schema.path(name).read_text(encoding="utf-8") == schema.text(name)


@pytest.mark.parametrize("name", schema.TYPES)
def test_the_file_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(schema.path(name).read_text(encoding="utf-8")))


def fields(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, field and schema of every property, however deep."""
    told = json.loads(schema.path(name).read_text(encoding="utf-8"))
    for kind, definition in told["$defs"].items():
        yield from ((kind, field, of_field) for field, of_field in definition.get("properties", {}).items())


@pytest.mark.parametrize("name", schema.TYPES)
def test_every_field_is_described(name: str) -> None:
    silent = [
        f"{kind}.{field}" for kind, field, told in fields(name) if not told.get("description", "").endswith(".")
    ]
    assert silent == []


def test_every_schema_has_an_id_of_its_own() -> None:
    ids = [json.loads(schema.path(name).read_text(encoding="utf-8"))["$id"] for name in schema.TYPES]
    assert len(set(ids)) == len(schema.TYPES)


def test_nothing_is_described_that_is_not_printed() -> None:
    printed = {(kind, field) for name in schema.TYPES for kind, field, _ in fields(name)}
    described = {(kind, field) for kind, told in DESCRIPTIONS.items() for field in told}
    assert described == printed


CONTRACT = {"now", "machine", "firstAt", "lastAt", "oldestUpdatedAt", "newestUpdatedAt", "createdAt", "startedAt",
            "finishedAt", "fixedClock"}  # fmt: skip
"""Names of times that others rely on."""


@pytest.mark.parametrize("name", schema.TYPES)
def test_a_new_time_has_a_name_that_says_so(name: str) -> None:
    for kind, field, told in fields(name):
        says_time = "epoch" in told["description"].lower()
        assert not says_time or field in CONTRACT or field.endswith(("AtMs", "Ns")) or kind == "EndSessions", field
    page = (Path(__file__).parents[2] / "docs/json.md").read_text(encoding="utf-8")
    assert all(f"`{field}`" in page or f".{field}`" in page for field in CONTRACT)


def test_no_file_is_left_over() -> None:
    files = {path.name for path in schema.DIRECTORY.glob("*.json")}
    assert files == {schema.path(name).name for name in schema.TYPES}


@pytest.fixture(scope="module")
def validator() -> Any:
    return Draft202012Validator(json.loads(schema.path("report").read_text(encoding="utf-8")))


def faults(validator: Any, document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(document)]


@pytest.mark.parametrize("scene", [scenes.healthy, scenes.busy, scenes.damaged, scenes.databases])
def test_every_verb_prints_a_valid_document(scene: scenes.Maker, validator: Any, tmp_path: Path) -> None:
    scene(tmp_path)
    for verb in (*EXAMINING, "check", "repair"):
        for more in ((), ("--all", "--verbose"), ("--redact",)):
            document = run(verb, "--json", *more, "--state-dir", str(tmp_path)).document
            assert faults(validator, document) == [], (verb, more)
            assert document["command"] == verb


def test_why_a_plan_cannot_be_applied_is_described(validator: Any, tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    gateway = FakeProcess(4242, ("openclaw-gateway",), env={"OPENCLAW_STATE_DIR": str(tmp_path)})
    at = ("--json", "--state-dir", str(tmp_path))
    document = run("repair", *at, processes=FakeProcesses([gateway])).document
    assert faults(validator, document) == []
    told = document["details"]["hindrance"]
    for wrong in ("settle it first", {**told, "hint": None}, {"message": told["message"]}):
        assert faults(validator, {**document, "details": {**document["details"], "hindrance": wrong}}) != []


def test_a_directory_full_of_faults_gives_a_valid_document(validator: Any, tmp_path: Path) -> None:
    everything(tmp_path, Nouns())
    for verb in EXAMINING:
        assert faults(validator, run(verb, "--json", "--all", "--state-dir", str(tmp_path)).document) == [], verb


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--state-dir", "/nowhere"),
        ("scan", "--nonsense"),
        ("no-such-verb",),
        ("explain",),
        ("explain", "store-unparseable"),
        ("explain", "no-such-rule"),
        ("fixtures", "list"),
        ("fixtures",),
    ],
)
def test_what_looks_at_no_directory_prints_a_valid_document_too(arguments: tuple[str, ...], validator: Any) -> None:
    assert faults(validator, run(*arguments, "--json").document) == []


def broken(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in document.items() if name != "schemaVersion"}
    yield {**document, "ok": "yes"}
    yield {**document, "worst": "terrible"}
    yield {**document, "findings": [{"rule": "x"}]}
    yield {**document, "stores": [{**document["stores"][0], "era": "bronze"}]}


def test_the_schema_refuses_what_is_wrong(validator: Any, tmp_path: Path) -> None:
    scenes.busy(tmp_path)
    document = run("scan", "--json", "--state-dir", str(tmp_path)).document
    for wrong in broken(document):
        assert faults(validator, wrong) != []
