"""The short text of `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.formats.conftest import Looked


def test_a_line_per_failing_finding_and_the_decision(looked: Looked) -> None:
    ran = looked.check("text")
    *lines, decision = ran.out.splitlines()
    gate = looked.told["gate"]
    failing = [f for f, v in zip(looked.told["findings"], gate["verdicts"], strict=True) if v["fails"]]
    assert len(lines) == len(failing)
    for line, finding in zip(lines, failing, strict=True):
        assert line.startswith(f"{finding['severity']}: {finding['rule']}")
        assert line.endswith(finding["message"])
    assert decision.startswith("check: failed; " if failing else "check: passed; ")
    assert (ran.code, ran.err) == (1 if failing else 0, "")
    assert ran.out.replace("\n", "").isprintable()


def test_a_look_that_failed_is_two_lines_on_stderr(no_directory: Looked) -> None:
    ran = no_directory.check("text")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("gatewaydoctor: ")
