"""What a person sees on stderr while long work goes on."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from gatewaydoctor.report.printer import console
from gatewaydoctor.report.words import duration, size


class PhaseBar:
    """One line for the phase that is going on; it vanishes at the end. A phase with a total counts bytes, one without
    counts files."""

    def __init__(self) -> None:
        shown = console(no_color=False, stderr=True)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=_BAR), _Amount(shown.width))
        self._bar = Progress(*columns, console=shown, transient=True)
        self._bar.start()
        self._task = self._bar.add_task("reading the directory", total=None)

    def phase(self, name: str, total: int | None) -> None:
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total)

    def advance(self, amount: int) -> None:
        self._bar.advance(self._task, amount)

    def close(self) -> None:
        self._bar.stop()


_BAR = 16


class _Amount(ProgressColumn):
    """`0.6 of 1.1 GB, 1 s left, 553.9 MB/s`, or `12,345 files`; what has no room on the line is left out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text(f"{task.completed:,.0f} files" if task.completed else "")
        words = [f"{size(int(task.completed))} of {size(int(task.total))}"]
        if task.time_remaining is not None:
            words.append(f"{duration(1000 * task.time_remaining)} left")
        if task.speed:
            words.append(f"{size(int(task.speed))}/s")
        room = self._width - len(task.description) - _BAR - 3
        while len(words) > 1 and len(", ".join(words)) > room:
            words.pop()
        return Text(", ".join(words))
