"""The tables in docs/simulation.md are the program's; `UPDATE_DOCS=1` makes this test renew them."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from gatewaydoctor.simulate import SCENARIOS, Comparison, compare
from gatewaydoctor.simulate.compare import BASE
from gatewaydoctor.simulate.markdown import figure_table, input_table, ranking_table

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
BLOCK = re.compile(r"<!-- (inputs|figures|ranking) (\S+) -->\n(.*?)<!-- end -->", re.S)


@cache
def compared(name: str) -> Comparison:
    return compare(name)


def render(found: re.Match[str]) -> str:
    what, name, _ = found.groups()
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
    page = PAGE.read_text()
    fresh = BLOCK.sub(render, page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(fresh)
    assert PAGE.read_text() == fresh


def test_every_scenario_has_its_three_tables() -> None:
    found = {(match[1], match[2]) for match in BLOCK.finditer(PAGE.read_text())}
    assert found == {(what, name) for what in ("inputs", "figures", "ranking") for name in SCENARIOS}
