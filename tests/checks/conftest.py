from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.world import StateDir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """An empty state directory of 2026.3.28."""
    return StateDir(tmp_path)
