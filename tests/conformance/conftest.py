"""Conformance tests run when asked for: `pytest -m conformance`. `--release` and `--slice` choose some of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.pieces import RELEASES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_ALL_OF_IT = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.conformance", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="append", default=[], help="only tests of this release; repeatable")
    parser.addoption("--slice", default="1/1", help="I/N: every N-th test, from the I-th on")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no conformance is asked for its thousands of cases are not listed: that takes seconds in each process."""
    if "not conformance" not in config.getoption("markexpr") or not collection_path.name.startswith("test_"):
        return None
    return True if _ALL_OF_IT.search(collection_path.read_text()) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = set(config.getoption("release"))
    part, parts = map(int, config.getoption("slice").split("/"))
    ours = [item for item in items if item.get_closest_marker("conformance")]
    chosen = [item for item in ours if _is_of(item, wanted)][part - 1 :: parts]
    left_out = set(ours) - set(chosen)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _is_of(item: pytest.Item, wanted: set[str]) -> bool:
    """Whether the test's id names one of these releases, or none at all."""
    name = item.nodeid.replace("_", ".")
    named = {release for release in RELEASES if release in name}
    return not wanted or not named or bool(named & wanted)
