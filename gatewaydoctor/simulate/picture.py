"""The storm and the remedy side by side, as SVG or PNG. Needs the optional extra `plot` (matplotlib)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate import timeline
from gatewaydoctor.simulate.compare import BASE
from gatewaydoctor.simulate.wording import clock_unit, spell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatewaydoctor.simulate.values import Comparison, Result, Series

STORM: Final = "#b3261e"
REMEDY: Final = "#1b6e53"
GREY: Final = "#6b6b6b"


class PlotUnavailable(RuntimeError):
    """matplotlib is not installed."""


def plot(results: Sequence[Result], path: Path) -> bytes:
    """One column per run, one row per series, rows on a common scale. The suffix of `path` decides the format; the
    file itself is not written.

    The same values give the same bytes for SVG. Raises PlotUnavailable, ValueError for an unknown suffix.
    """
    pyplot = _pyplot(path)
    rows = len(results[0].series)
    size = (1 + 5.2 * len(results), 0.9 + 1.75 * rows)
    figure, axes = pyplot.subplots(rows, len(results), figsize=size, squeeze=False, sharey="row", sharex=True)
    _columns(axes, results, [", ".join(result.remedies) or BASE for result in results])
    figure.suptitle(f"{results[0].scenario}, seed {results[0].seed}", x=0.01, ha="left", fontsize=11, color=GREY)
    return _drawn(pyplot, figure, path)


def plot_comparison(comparison: Comparison, path: Path) -> bytes:
    """The storm beside the best remedy, and below them every remedy's worst block and time of death.

    Raises as `plot` does.
    """
    pyplot = _pyplot(path)
    best = min((each for each in comparison.verdicts if each.rank), key=lambda each: each.rank or 0)
    results = [comparison.results[BASE], comparison.results[best.name]]
    rows = len(results[0].series)
    bars = [each for each in _bar_panels(comparison) if any(each.values)][:2]
    heights = [1.75] * rows + [0.6 + 0.24 * len(comparison.verdicts)] * bool(bars)
    figure = pyplot.figure(figsize=(11.4, 0.9 + sum(heights)))
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    axes: list[list[Any]] = []
    for row in range(rows):
        left = figure.add_subplot(grid[row, 0], sharex=axes[0][0] if axes else None)
        axes.append([left, figure.add_subplot(grid[row, 1], sharey=left, sharex=left)])
    _columns(axes, results, (BASE, best.name))
    for column, panel in enumerate(bars):
        _bars(figure.add_subplot(grid[rows, column]), comparison, panel)
    title = f"{comparison.scenario}: the storm and the remedies, seed {comparison.seed}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=GREY)
    return _drawn(pyplot, figure, path)


@dataclass(frozen=True, slots=True)
class _BarPanel:
    """One figure of every verdict; None where it never happened."""

    title: str
    unit: str
    values: tuple[float | None, ...]


def _bar_panels(comparison: Comparison) -> tuple[_BarPanel, ...]:
    """By importance; a picture has room for two that say anything."""
    verdicts = comparison.verdicts
    return (
        _BarPanel("worst block", "s", tuple(verdict.worst_block for verdict in verdicts)),
        _BarPanel("dies after", "min", tuple(verdict.death for verdict in verdicts)),
        _BarPanel("written", "bytes", tuple(verdict.bytes_written for verdict in verdicts)),
    )


def _columns(axes: Any, results: Sequence[Result], titles: Sequence[str]) -> None:
    until = timeline.window(results[0])
    scale, unit = clock_unit(until)
    for column, result in enumerate(results):
        colour = REMEDY if result.remedies else STORM
        axes[0][column].set_title(titles[column], loc="left", fontsize=10, color=colour, pad=8)
        for row, series in enumerate(result.series):
            axis = axes[row][column]
            _panel(axis, series, colour, until, scale)
            if not column:
                axis.set_ylabel(f"{series.title}\n{series.unit}", fontsize=8)
            if row == len(result.series) - 1:
                axis.set_xlabel(unit, fontsize=8)
            else:
                axis.tick_params(labelbottom=False)


def _panel(axis: Any, series: Series, colour: str, until: float, scale: float) -> None:
    times = [at / scale for at in series.times if at <= until]
    values = series.values[: len(times)]
    if series.spikes:
        axis.vlines(times, 0, values, colors=colour, linewidth=1.4)
    else:
        # A line holds its value until it changes, and to the end of the picture.
        axis.step([*times, until / scale], [*values, values[-1] if values else 0], where="post", color=colour, lw=1.4)
        axis.fill_between(
            [*times, until / scale],
            [*values, values[-1] if values else 0],
            step="post",
            color=colour,
            alpha=0.12,
            lw=0,
        )
    axis.set_xlim(0, until / scale)
    axis.set_ylim(bottom=0)
    _quiet(axis)


def _bars(axis: Any, comparison: Comparison, panel: _BarPanel) -> None:
    """Horizontal bars on a logarithmic scale in the order of the ranking; what never happened is written out."""
    known = [value for value in panel.values if value]
    low, high = min(known) / 3, max(known) * 6
    for at, (verdict, value) in enumerate(zip(comparison.verdicts, panel.values, strict=True)):
        colour = STORM if verdict.rank is None else REMEDY
        if value:
            axis.barh(at, value - low, left=low, color=colour, height=0.62, alpha=0.85)
        axis.text(value or low, at, f" {spell(value, panel.unit)}", va="center", fontsize=8, color=colour)
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    axis.set_ylim(len(comparison.verdicts) - 0.4, -0.6)
    axis.set_yticks(range(len(comparison.verdicts)), [verdict.name for verdict in comparison.verdicts])
    axis.set_title(f"{panel.title} (log scale)", loc="left", fontsize=9, color=GREY)
    _quiet(axis)
    axis.tick_params(labelbottom=False, bottom=False, which="both")


def _quiet(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, color=GREY, length=3)


def _pyplot(path: Path) -> Any:
    if path.suffix.lower() not in {".svg", ".png"}:
        raise ValueError(f"a picture is .svg or .png, not {path.suffix or path.name}")
    try:
        import matplotlib
    except ImportError:
        raise PlotUnavailable("A picture needs matplotlib: pip install 'gatewaydoctor[plot]'") from None
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "gatewaydoctor", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    return pyplot


def _drawn(pyplot: Any, figure: Any, path: Path) -> bytes:
    figure.set_layout_engine("constrained")
    kind, drawn = path.suffix.lower()[1:], BytesIO()
    try:
        figure.savefig(drawn, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    finally:
        pyplot.close(figure)
    return drawn.getvalue()
