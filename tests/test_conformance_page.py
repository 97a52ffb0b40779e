"""docs/conformance.md says what the runs left, and no more."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.page import PAGE, page
from tests.conformance.pieces import CHECKS, RELEASES
from tests.conformance.record import RESULTS, results, told

if TYPE_CHECKING:
    import pytest


def test_what_runs_with_real_releases_only_can_be_imported_at_least() -> None:
    tests = sorted((Path(__file__).parent / "conformance").glob("test_*.py"))
    assert len(tests) > 10
    for path in tests:
        assert import_module(f"tests.conformance.{path.stem}").pytestmark


def test_the_page_is_what_the_results_say() -> None:
    assert PAGE.read_text() == page(), "make conformance-page"


def test_every_result_is_of_a_check_and_a_release_of_the_page() -> None:
    assert {path.stem for path in RESULTS.glob("*.jsonl")} <= {check.name for check in CHECKS}
    for check in CHECKS:
        for row in results(check.name):
            assert row.check == check.name
            assert row.release in check.releases
            assert row.predicted == row.happened or not row.agree
            assert row.release in RELEASES


def test_a_later_result_takes_the_place_of_an_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.record.RESULTS", tmp_path)
    assert not told("2026.9.6", "starts", "empty", "starts", "refuses", "a lock")
    assert told("2026.9.6", "starts", "empty", "starts", "starts")
    assert told("2026.3.28", "starts", "empty", {"b", "a"}, {"a", "b"})
    first, second = results("starts")
    assert (first.release, first.predicted) == ("2026.3.28", '["a","b"]')
    assert (second.agree, second.reason) == (True, "")
