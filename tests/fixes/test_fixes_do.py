"""The fix of every finding, run as printed, removes it; where none does, the finding says what to do by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewaydoctor.fixtures.validating.setup import set_up
from tests.fixes.directories import Directory, complaints

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FIXTURES.glob("*/expected.json")))
def test_every_fix_of_a_fixture_does_what_it_says(name: str, tmp_path: Path) -> None:
    made = set_up(FIXTURES / name, tmp_path / "made" / ".openclaw")
    assert complaints(Directory(made.state_dir, made.now), tmp_path / "scratch") == []
