"""Reproduce the storms, and judge the remedies.

`run` simulates a scenario, `compare` all its remedies, `wallclock` repeats its store operations on real files. All
return values; `output` turns them into text for a terminal, JSON, SVG or PNG.
"""

from gatewaydoctor.simulate.compare import compare
from gatewaydoctor.simulate.options import BadOption, Option, with_values
from gatewaydoctor.simulate.scenario import SCENARIOS, Scenario, UnknownName, run, scenario_named
from gatewaydoctor.simulate.values import Comparison, ComparisonRow, Figure, Input, Label, Result, Series, Table

__all__ = [
    "SCENARIOS",
    "BadOption",
    "Comparison",
    "ComparisonRow",
    "Figure",
    "Input",
    "Label",
    "Option",
    "Result",
    "Scenario",
    "Series",
    "Table",
    "UnknownName",
    "compare",
    "run",
    "scenario_named",
    "with_values",
]
