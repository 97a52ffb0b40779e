"""The plugin line: status, text, performance data, and the exit code that goes with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.gates import damaged, healthy, stuck
from tests.world import NOW, StateDir, job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.conftest import Looked

_LINE = re.compile(r"OPENCLAW STATE (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+?)(?: \| ([^|\n]+))?\n")
_FIGURE = re.compile(r"([a-z_]+)=(\d+(?:\.\d+)?)(B|s)?;;;0")
_CODES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def _read(line: str) -> tuple[str, str, dict[str, float]]:
    found = _LINE.fullmatch(line)
    assert found, line
    figures = {}
    for word in (found[3] or "").split():
        figure = _FIGURE.fullmatch(word)
        assert figure, word
        figures[figure[1]] = float(figure[2])
    return found[1], found[2], figures


def test_one_line_whose_status_and_figures_agree_with_the_code_and_the_document(looked: Looked) -> None:
    ran = looked.check("nagios")
    status, _, figures = _read(ran.out)
    assert ran.code == _CODES[status]
    told = looked.told
    for severity in ("critical", "error", "warning", "info"):
        assert figures[severity] == sum(finding["severity"] == severity for finding in told["findings"])
    assert figures["entries"] == sum(store["entries"] for store in told["stores"])
    assert figures["store_bytes"] == sum(store["bytes"] for store in told["stores"])
    assert figures["stuck"] == sum(store["stuck"] for store in told["stores"])
    assert (figures["failing"] == 0) is (ran.code == 0)
    assert 0 < figures["time"] < 600
    assert ran.err == ""


def _warned(root: Path) -> Path:
    state = StateDir(root).healthy()
    state.jobs([job("backup", state={"runningAtMs": NOW - 10 * 24 * 3_600_000})])
    return state.root


@pytest.mark.parametrize(
    ("make", "options", "status"),
    [
        pytest.param(healthy, (), "OK", id="healthy"),
        pytest.param(_warned, (), "WARNING", id="a warning is one without asking"),
        pytest.param(_warned, ("--fail-on", "error"), "OK", id="unless the threshold says otherwise"),
        pytest.param(stuck, (), "CRITICAL", id="an error"),
        pytest.param(damaged, (), "CRITICAL", id="a critical finding"),
        pytest.param(stuck, ("--fail-on", "never"), "OK", id="never"),
        pytest.param(stuck, ("--skip", "session-stuck-running", "--only", "session-*"), "OK", id="left out"),
        pytest.param(stuck, ("--only", "no-such-rule"), "UNKNOWN", id="a wrong option"),
        pytest.param(stuck, ("--no-such-option",), "UNKNOWN", id="no such option"),
    ],
)
def test_states(make: object, options: tuple[str, ...], status: str, no_directory: Looked, tmp_path: Path) -> None:
    state = make(tmp_path)  # type: ignore[operator]
    ran = no_directory.run("check", "--state-dir", str(state), "--format", "nagios", *options)
    said, _, _ = _read(ran.out)
    assert (said, ran.code, ran.err) == (status, _CODES[status], "")


def test_scan_answers_alike(looked: Looked) -> None:
    scanned = looked.run("scan", "--state-dir", str(looked.path), "--format=nagios")
    checked = looked.check("nagios")
    assert scanned.code == checked.code
    assert _read(scanned.out)[:2] == _read(checked.out)[:2]


def test_no_directory_is_unknown(no_directory: Looked) -> None:
    ran = no_directory.check("nagios")
    status, text, figures = _read(ran.out)
    assert (status, ran.code, figures) == ("UNKNOWN", 3, {})
    assert str(no_directory.path) in text
