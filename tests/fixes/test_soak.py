"""Directories of the soak (tests/torture/soak.py) over which a command once ended with a traceback: damaged text in a
schema, in a session id, in a record that is too short."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.torture.soak import made, soaked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [7, 125, 191, 195, 238, 322])
def test_a_random_directory_is_examined_repaired_and_restored(number: int, tmp_path: Path) -> None:
    assert list(soaked(made(tmp_path / "made", random.Random(f"1 {number}")))) == []
