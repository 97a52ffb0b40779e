"""Conformance tests run when asked for: `pytest -m conformance`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "conformance" in (config.getoption("markexpr") or ""):
        return
    skip = pytest.mark.skip(reason="opt-in: make conformance")
    for item in items:
        if item.get_closest_marker("conformance"):
            item.add_marker(skip)
