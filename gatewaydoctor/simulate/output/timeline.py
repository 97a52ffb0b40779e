"""Series drawn with block characters, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatewaydoctor.simulate.output.wording import spell, spell_clock

if TYPE_CHECKING:
    from gatewaydoctor.simulate.values import Result, Series

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def window(result: Result) -> float:
    """How much of a run is worth drawing, in seconds: four lives of a process that dies again and again."""
    death = next((figure.value for figure in result.figures if figure.key == "death"), None)
    return result.horizon if death is None else min(result.horizon, 4 * death * 60)


def draw(series: Series, columns: int, rows: int, until: float) -> list[str]:
    """`rows` lines of `columns` characters, the highest value filling them. Zero is the bottom."""
    cells = _cells(series, columns, until)
    top = max(cells, default=0.0) or 1.0
    lines: list[str] = []
    for row in range(rows - 1, -1, -1):
        fills = (round(cell / top * rows * 8) - row * 8 for cell in cells)
        lines.append("".join(_EIGHTHS[max(0, min(8, fill))] for fill in fills))
    return lines


def chart(result: Result, columns: int, rows: int = 3) -> list[tuple[str, list[str]]]:
    """Each series of a run as (title with its range, lines), and last the time axis as a title without lines."""
    until = window(result)
    found: list[tuple[str, list[str]]] = []
    for series in result.series:
        shown = [value for at, value in zip(series.times, series.values, strict=True) if at <= until]
        title = f"{series.title}, up to {spell(max(shown, default=0.0), series.unit)}"
        height = rows if len(set(shown)) > 1 else 1
        found.append((title, draw(series, columns, height, until)))
    start, middle, end = "0", spell_clock(until / 2, until), spell_clock(until, until)
    gap = max(1, columns - len(start) - len(middle) - len(end))
    return [*found, (start + " " * (gap // 2) + middle + " " * (gap - gap // 2) + end, [])]


def _cells(series: Series, columns: int, until: float) -> list[float]:
    """One value per column: the highest spike in it, or a line's last value, carried on where nothing changes."""
    cells: list[float | None] = [None] * columns
    for at, value in zip(series.times, series.values, strict=True):
        if at > until or not until:
            continue
        column = min(columns - 1, int(at / until * columns))
        held = cells[column]
        cells[column] = value if held is None or not series.spikes else max(held, value)
    last = 0.0
    filled: list[float] = []
    for cell in cells:
        last = cell if cell is not None else (0.0 if series.spikes else last)
        filled.append(last)
    return filled
