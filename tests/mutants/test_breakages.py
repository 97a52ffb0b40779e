"""`make mutants` is slow; that each breakage still finds its place is seen in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.breakages import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_breakage_has_one_place_and_its_tests_are_there(mutant: Mutant) -> None:
    assert (ROOT / "gatewaydoctor" / mutant.file).read_text().count(mutant.old) == 1
    paths = [word for word in mutant.tests if word.startswith("tests/")]
    assert paths
    assert all((ROOT / path.partition("::")[0]).exists() for path in paths)
