"""The same with real processes and a real SIGKILL; `python -m tests.repair.kill_loop 200` does it at length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.repair.kill_loop import ground as of
from tests.repair.kill_loop import loop, make

if TYPE_CHECKING:
    from pathlib import Path


def test_a_real_kill_loses_nothing(ground: Path) -> None:
    seen = loop(of(make(ground, 500), ("repair",)), 6, 1)
    assert seen.total() == 6
