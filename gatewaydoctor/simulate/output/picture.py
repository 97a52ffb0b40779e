"""Small multiples over time, as SVG or PNG: a row for each run, a column for each series, on common scales. Needs the
optional extra `plot` (matplotlib)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.compare import BASE
from gatewaydoctor.simulate.output import timeline
from gatewaydoctor.simulate.output.wording import clock_unit, spell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.simulate.values import Comparison, Result, Series

GREY: Final = "#4d4d4d"
MOST_SERIES: Final = 3
LOG_FROM: Final = 100.0
"""A column whose runs' highest values are this many times apart has a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a run is drawn: a colour that differs in lightness too, a line style, and the mark at its end."""

    colour: str
    style: str
    mark: str


ALIVE: Final = Look("#0072b2", "solid", ">")
DEAD: Final = Look("#d55e00", (0, (4, 1.5)), "x")  # type: ignore[arg-type]
WORSE: Final = Look("#1a1a1a", "dotted", "v")
"""Blue, vermilion and black are told apart by colour-blind eyes; without colour the styles and marks tell."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run with its name and outcome. `death` in seconds, None: alive to the end."""

    title: str
    outcome: str
    result: Result
    look: Look
    death: float | None


class PlotUnavailable(RuntimeError):
    """matplotlib is not installed."""


def plot(results: Sequence[Result], path: Path) -> bytes:
    """A row for each run. The suffix of `path` decides the format; the file itself is not written.

    The same values give the same bytes for SVG. Raises PlotUnavailable, ValueError for an unknown suffix.
    """
    return _draw([_row(", ".join(result.remedies) or BASE, result) for result in results], path)


def plot_comparison(comparison: Comparison, path: Path) -> bytes:
    """No remedy, then every remedy in the order of the ranking, and all together. Raises as `plot` does."""
    rows = [_row(each.name, comparison.results[each.name], each.lost) for each in comparison.verdicts]
    return _draw(rows, path)


def _row(title: str, result: Result, lost: int = 0) -> Row:
    found = {figure.key: figure.value for figure in result.figures}
    minutes = found.get("death")
    lost = lost or round(found.get("conversationsLost") or 0)
    if lost:
        look, outcome = WORSE, f"loses {lost:,} conversations"
    elif minutes is not None:
        look, outcome = DEAD, f"out of memory after {spell(minutes, 'min')}"
    else:
        look, outcome = ALIVE, f"runs after {spell(result.horizon, 's')}"
    return Row(title, outcome, result, look, None if minutes is None else minutes * 60)


def _draw(rows: Sequence[Row], path: Path) -> bytes:
    pyplot = _pyplot(path)
    first = rows[0].result
    keys = [series.key for series in first.series[:MOST_SERIES]]
    size = (1.6 + 3.6 * len(keys), 1.3 + 1.25 * len(rows))
    figure, axes = pyplot.subplots(len(rows), len(keys), figsize=size, squeeze=False, sharex=True, sharey="col")
    until = _until(rows)
    scale, unit = clock_unit(until)
    for column, key in enumerate(keys):
        shown = [next(each for each in row.result.series if each.key == key) for row in rows]
        logarithmic = _spans_far(shown, until)
        for axis, row, series in zip(axes[:, column], rows, shown, strict=True):
            _panel(axis, row, series, until, scale, logarithmic=logarithmic)
            if logarithmic:
                axis.set_yscale("log")
            axis.set_ylabel(_unit(series, logarithmic=logarithmic), fontsize=7.5)
        if not logarithmic:
            axes[0, column].set_ylim(bottom=0)
        axes[0, column].set_title(f"{shown[0].title}\n", loc="left", fontsize=9, color=GREY)
        axes[-1, column].set_xlabel(f"time ({unit})", fontsize=8)
    for axis, row in zip(axes[:, 0], rows, strict=True):
        text = f"{row.title}: {row.outcome}"
        axis.text(0, 1.03, text, transform=axis.transAxes, fontsize=8, color=row.look.colour, va="bottom")
    figure.suptitle(_title(rows), x=0.01, ha="left", fontsize=10, color=GREY)
    return _drawn(pyplot, figure, path)


def _until(rows: Sequence[Row]) -> float:
    """How much time to draw: where the first run ends with its death, half as much again, so that others go on."""
    first, longest = rows[0], max(row.result.horizon for row in rows)
    ended = first.death is not None and first.result.horizon <= first.death * 1.001
    wanted = first.result.horizon * 1.5 if ended else timeline.window(first.result)
    return max(1.0, min(wanted, longest))


def _title(rows: Sequence[Row]) -> str:
    first = rows[0].result
    key = "solid, arrow: still runs; dashed, cross: out of memory; dotted, triangle: loses conversations"
    return f"{first.scenario}, release {first.policy}, seed {first.seed}\n{key}"


def _unit(series: Series, *, logarithmic: bool) -> str:
    return f"{series.unit} (log)" if logarithmic else series.unit


def _spans_far(shown: Sequence[Series], until: float) -> bool:
    highest = [max((v for t, v in zip(s.times, s.values, strict=True) if t <= until), default=0.0) for s in shown]
    positive = [value for value in highest if value > 0]
    return len(positive) > 1 and max(positive) > LOG_FROM * min(positive)


def _panel(axis: Any, row: Row, series: Series, until: float, scale: float, *, logarithmic: bool) -> None:
    """One series of one run. A line holds its value until it changes; it ends where the process dies for good, and
    goes on to the edge where it lives."""
    end = min(until, row.result.horizon)
    points = [(at / scale, value) for at, value in zip(series.times, series.values, strict=True) if at <= end]
    times, values = [at for at, _ in points], [value for _, value in points]
    look = row.look
    if series.spikes:
        positive = [(at, value) for at, value in points if value > 0]
        heights = [value for _, value in positive]
        axis.vlines([at for at, _ in positive], min(heights, default=1) / 3, heights, colors=look.colour, linewidth=1)
        last = 0.0
    else:
        last = values[-1] if values else 0.0
        axis.step([*times, end / scale], [*values, last], where="post", color=look.colour, lw=1.5, ls=look.style)
    if row.death is not None and row.death <= until:
        axis.axvline(row.death / scale, color=look.colour, lw=0.8, ls="dotted")
        axis.plot([row.death / scale], [0.92], look.mark, color=look.colour, ms=6, mew=2,
                  transform=axis.get_xaxis_transform(), clip_on=False)  # fmt: skip
    elif not series.spikes:
        # What dies after the end of the picture still goes on at its edge.
        mark = look.mark if row.death is None else ALIVE.mark
        # A logarithmic axis has no zero; there the mark is at its foot.
        at_foot = logarithmic and last <= 0
        place = {"transform": axis.get_xaxis_transform()} if at_foot else {}
        axis.plot([end / scale], [0.0 if at_foot else last], mark, color=look.colour, ms=6, clip_on=False, **place)
    axis.set_xlim(0, until / scale)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=7, color=GREY, length=3)


def _pyplot(path: Path) -> Any:
    if path.suffix.lower() not in {".svg", ".png"}:
        raise ValueError(f"a picture is .svg or .png, not {path.suffix or path.name}")
    try:
        with _own_cache():
            import matplotlib

            matplotlib.use("Agg")
            from matplotlib import pyplot
    except ImportError:
        raise PlotUnavailable("A picture needs matplotlib: pip install 'gatewaydoctor[plot]'") from None
    matplotlib.rcParams.update({"svg.hashsalt": "gatewaydoctor", "svg.fonttype": "none", "font.size": 9})
    return pyplot


@contextmanager
def _own_cache() -> Iterator[None]:
    """What matplotlib writes as it is imported, below the home else, goes to a directory that is gone afterwards
    (promise P1)."""
    before = os.environ.get("MPLCONFIGDIR")
    with TemporaryDirectory(prefix="gatewaydoctor-") as scratch:
        os.environ["MPLCONFIGDIR"] = scratch
        try:
            yield
        finally:
            del os.environ["MPLCONFIGDIR"]
            if before is not None:
                os.environ["MPLCONFIGDIR"] = before


def _drawn(pyplot: Any, figure: Any, path: Path) -> bytes:
    figure.set_layout_engine("constrained")
    kind, drawn = path.suffix.lower()[1:], BytesIO()
    try:
        figure.savefig(drawn, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None)
    finally:
        pyplot.close(figure)
    return drawn.getvalue()
