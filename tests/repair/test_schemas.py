"""Plans, receipts and snapshots as JSON agree with the schemas that ship."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.vault.codec import encode
from gatewaydoctor.repair.vault.snapshot import snapshot
from gatewaydoctor.report import schema
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, make, tools
from tests.world import DAY, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["plan", "receipt", "snapshot"])
def test_the_files_are_those_of_the_types(name: str) -> None:
    assert schema.path(name).read_text() == schema.text(name)


def valid(name: str, document: bytes) -> None:
    jsonschema.Draft202012Validator(schema.schema(name)).validate(json.loads(document))


def test_what_is_written_is_valid(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    valid("plan", encode(scene.plan))
    receipt = apply(scene.plan, tools(), DEAD)
    assert receipt is not None
    valid("receipt", encode(receipt))
    valid("snapshot", encode(snapshot(tools(), scene.root, tmp_path / "copy")[1]))


def test_a_plan_of_every_kind_of_step_is_valid(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    doctor.state.store({run_key("j", n): row(n, age=3 * DAY, status="running") for n in range(9)})
    valid("plan", encode(doctor.plan()))
    doctor.state.store(b'{"torn')
    valid("plan", encode(doctor.plan("trim", "orphans")))
