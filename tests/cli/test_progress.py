"""The line on stderr while long work goes on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gatewaydoctor.cli.shell import progress


@pytest.mark.parametrize("width", [80, 100, 60])
def test_a_phase_takes_one_line(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        progress, "console", lambda **_: Console(file=shown, width=width, height=24, force_terminal=True)
    )
    bar = progress.PhaseBar()
    bar.phase("checking transcripts", 999_900_000_000)
    for task in bar._bar.tasks:
        monkeypatch.setattr(type(task), "speed", property(lambda _: 553_900_000.0))
    bar.advance(123_400_000_000)
    lines = Console(file=io.StringIO(), width=width, height=24).render_lines(bar._bar.get_renderable())
    bar.close()
    assert len(lines) == 1
