"""Each input at half and double: what moves is listed, and so is what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatewaydoctor.simulate import SCENARIOS
from gatewaydoctor.simulate.sensitivity import REASONS, Line, sensitivity, sensitivity_table


def test_every_input_of_usage_scan_moves_something_and_every_result_is_moved() -> None:
    found = sensitivity("usage-scan")
    assert [line.name for line in found.lines] == [o.name for o in SCENARIOS["usage-scan"].describe_options()]
    assert found.idle_inputs == found.unmoved_figures == ()
    lines = {line.name: line for line in found.lines}
    assert lines["lookup"].double["maxDelay"] == pytest.approx(1, abs=0.1)
    assert lines["known-price"].variant == "prices"
    assert lines["patience"].variant == "cancel"
    assert lines["page"].variant == "2026.3.13"


def test_an_input_that_moves_nothing_is_listed_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    options = replace(SCENARIOS["subagent-maps"].options(), tickets=20)
    found = sensitivity("subagent-maps", options, duration=7_200)
    assert "sequence-limit" in found.idle_inputs
    assert "sequence-limit (the batch has fewer sessions than the limit)" in sensitivity_table(found)
    monkeypatch.delitem(REASONS, ("subagent-maps", "sequence-limit"))  # type: ignore[arg-type]
    assert "sequence-limit (no reason known)" in sensitivity_table(found)


def test_what_begins_or_ends_has_no_share() -> None:
    assert Line("a", "no remedy", {"death": None}, {"heap": 0.5}).moved == {"death", "heap"}
