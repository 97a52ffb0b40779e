"""The line on stderr while long work goes on."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from gatewaydoctor.cli.shell import examining, progress
from tests.cli.harness import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.cli.shell.run import Run


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


@pytest.mark.parametrize("how", ["--sensitivity", "--compare"])
def test_a_comparison_of_many_simulations_says_where_it_is(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Seen:
        def phase(self, name: str, total: int | None) -> None:
            seen.append(name)

        def advance(self, amount: int) -> None:
            seen.append("shown")

    @contextmanager
    def telling(_: Run) -> Iterator[Seen]:
        yield Seen()

    monkeypatch.setattr(examining, "progress", telling)
    assert run("simulate", "usage-scan", how, "--duration", "10m").code == 0
    assert seen[1::2] == ["shown"] * (len(seen) // 2)
    phases = seen[::2]
    assert phases[0].startswith("simulating no remedy")
    last = re.search(r"\((\d+) of (\d+)", phases[-1])
    assert last
    assert last[1] == last[2], "the last of all is the last that is told"
