"""The tables in docs/simulation.md are the program's; `UPDATE_DOCS=1` makes this test renew them."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from gatewaydoctor.simulate import SCENARIOS, Comparison, compare
from gatewaydoctor.simulate.compare import BASE
from gatewaydoctor.simulate.markdown import figure_table, input_table, ranking_table
from gatewaydoctor.simulate.sensitivity import Sensitivity, sensitivity, sensitivity_table

PAGES = tuple(Path(__file__).parents[2] / "docs" / name for name in ("simulation.md", "sensitivity.md"))
BLOCK = re.compile(r"<!-- (inputs|figures|ranking|sensitivity) (\S+) -->\n(.*?)<!-- end -->", re.S)


@cache
def compared(name: str) -> Comparison:
    return compare(name)


@cache
def varied(name: str) -> Sensitivity:
    return sensitivity(name)


def render(found: re.Match[str]) -> str:
    what, name, _ = found.groups()
    if what == "sensitivity":
        return f"<!-- {what} {name} -->\n{sensitivity_table(varied(name))}\n<!-- end -->"
    comparison = compared(name)
    result = comparison.results[BASE]
    match what:
        case "ranking":
            table = ranking_table(comparison)
        case "figures":
            table = figure_table(result)
        case _:
            table = input_table(result.inputs)
    return f"<!-- {what} {name} -->\n{table}\n<!-- end -->"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_are_up_to_date(page: Path) -> None:
    fresh = BLOCK.sub(render, page.read_text())
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(fresh)
    assert page.read_text() == fresh


def test_every_scenario_has_its_tables() -> None:
    found = {(match[1], match[2]) for page in PAGES for match in BLOCK.finditer(page.read_text())}
    kinds = ("inputs", "figures", "ranking", "sensitivity")
    assert found == {(what, name) for what in kinds for name in SCENARIOS}


def test_what_moves_nothing_and_what_nothing_moves_has_a_reason() -> None:
    assert "no reason known" not in PAGES[1].read_text()
