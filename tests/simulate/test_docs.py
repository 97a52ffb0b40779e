"""The tables in docs/simulation.md and docs/sensitivity.md are the program's; `UPDATE_DOCS=1` makes these tests renew
them. The sensitivity of everything takes a minute, so of each scenario some inputs are varied anew."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from gatewaydoctor.simulate import SCENARIOS, Comparison, compare
from gatewaydoctor.simulate.compare import BASE
from gatewaydoctor.simulate.output.markdown import figure_table, input_table, ranking_table
from gatewaydoctor.simulate.sensitivity import sensitivity, sensitivity_row, sensitivity_table, vary

PAGES = SIMULATION, SENSITIVITY = tuple(
    Path(__file__).parents[2] / "docs" / name for name in ("simulation.md", "sensitivity.md")
)
SAMPLED: Final = 3
"""Inputs of each scenario that are varied anew, evenly over its table."""

BLOCK = re.compile(r"<!-- (inputs|figures|ranking|sensitivity) (\S+) -->\n(.*?)<!-- end -->", re.S)


@cache
def compared(name: str) -> Comparison:
    return compare(name)


def render(found: re.Match[str]) -> str:
    what, name, _ = found.groups()
    if what == "sensitivity":
        return f"<!-- {what} {name} -->\n{sensitivity_table(sensitivity(name))}\n<!-- end -->"
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


def test_the_tables_are_up_to_date() -> None:
    fresh = BLOCK.sub(render, SIMULATION.read_text())
    if os.environ.get("UPDATE_DOCS"):
        SIMULATION.write_text(fresh)
    assert SIMULATION.read_text() == fresh


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_sensitivity_is_up_to_date(name: str) -> None:
    page = SENSITIVITY.read_text()
    if os.environ.get("UPDATE_DOCS"):
        page = BLOCK.sub(lambda found: render(found) if found[2] == name else found[0], page)
        SENSITIVITY.write_text(page)
    (table,) = (found[3] for found in BLOCK.finditer(page) if found[2] == name)
    rows = {cells[1].strip(): row for row in table.splitlines()[2:] if len(cells := row.split("|")) > 2}
    assert list(rows) == [option.name for option in SCENARIOS[name].describe_options()]
    plain = [label for label, row in rows.items() if row.endswith("| no remedy |")]
    sample = plain[:: len(plain) // SAMPLED][:SAMPLED]
    assert [sensitivity_row(line) for line in vary(name, sample)] == [rows[label] for label in sample]


def test_every_scenario_has_its_tables() -> None:
    found = {(match[1], match[2]) for page in PAGES for match in BLOCK.finditer(page.read_text())}
    kinds = ("inputs", "figures", "ranking", "sensitivity")
    assert found == {(what, name) for what in kinds for name in SCENARIOS}


def test_what_moves_nothing_and_what_nothing_moves_has_a_reason() -> None:
    assert "no reason known" not in SENSITIVITY.read_text()
