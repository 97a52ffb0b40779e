"""Results and comparisons for a terminal, as rich renderables. 80 columns are enough, more are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from gatewaydoctor.simulate.output import timeline
from gatewaydoctor.simulate.output.wording import spell, spell_deviation
from gatewaydoctor.simulate.values import Effect, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from gatewaydoctor.simulate.sensitivity import Line, Sensitivity
    from gatewaydoctor.simulate.values import Comparison, ComparisonRow, Input, Result, Table

_MARGIN: Final = 2
_LONG: Final = 16


def result_screen(
    result: Result, width: int, *, verbose: bool = False, tables: bool = True, chart: bool = True
) -> RenderableType:
    """One run: what happened, the figures beside the incident's, the timeline; what was put in, if `verbose`. Where
    there is no room, it is without its `tables` and the figures that were put in, or without the `chart` of the
    timeline."""
    parts: list[RenderableType] = [
        _head(result),
        Text(result.sentence),
        Text(),
        figure_grid(result, verbose=verbose, put_in=tables),
    ]
    for table in result.tables if tables else ():
        parts += [Text(), table_grid(table)]
    if chart:
        parts += [Text(), timeline_text(result, width)]
    if verbose:
        parts += [Text(), input_grid(result.inputs)]
    parts += [Text(note) for note in result.notes]
    return Group(*parts)


def comparison_screen(comparison: Comparison, *, sentences: bool = True) -> RenderableType:
    """What to do, the ranking, and under it one sentence for each remedy, where there is room."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("#", "remedy", "lost", "worst block", "ends after", "written", "who"):
        grid.add_column(title, justify="left" if title in {"remedy", "who"} else "right", no_wrap=True)
    for verdict in comparison.verdicts:
        grid.add_row(
            "" if verdict.rank is None else str(verdict.rank),
            Text(verdict.name, style="bold" if verdict.rank == 1 else ""),
            Text(f"{verdict.lost:,}" if verdict.lost else "none", style="bold" if verdict.lost else ""),
            "" if verdict.worst_block is None else spell(verdict.worst_block, "s"),
            Text("never") if verdict.death is None else Text(spell(verdict.death, "min"), style="bold"),
            "" if verdict.bytes_written is None else spell(verdict.bytes_written, "bytes"),
            verdict.who,
        )
    head = Text.assemble((f"{comparison.scenario}: the remedies compared", "bold"), _origin(comparison))
    key = Text("lost: conversations. who: operator, today; jobs, a workaround in the jobs; patch, a patched gateway.")
    return Group(
        head,
        Text(comparison.answer),
        Text(),
        grid,
        key,
        *([Text(), *(_sentence(comparison, verdict) for verdict in comparison.verdicts)] if sentences else []),
    )


def sensitivity_screen(found: Sensitivity, *, inputs: int | None = None) -> RenderableType:
    """Every input with each result that it moves; with a number of `inputs`, that many, those that move a result the
    most first and each with this result alone."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("input", no_wrap=True)
    grid.add_column("moves" if inputs is None else "moves most", ratio=1)
    for title in ("at half", "at double", *(() if inputs is None else ("also",))):
        grid.add_column(title, justify="right", no_wrap=True)
    titles = {key: title.partition(" (")[0] for key, title in found.titles.items()}
    moving = [line for line in found.lines if line.moved]
    if inputs is not None:
        moving = sorted(moving, key=lambda line: -_strength(line, _strongest(line)))[:inputs]
    for line in moving:
        strongest = _strongest(line)
        keys = [strongest] if inputs is not None else [key for key in found.titles if key in line.moved]
        more = [] if inputs is None else [f"{len(line.moved) - 1} more" if len(line.moved) > 1 else ""]
        for key in keys:
            changes = (_change(moved, key) for moved in (line.half, line.double))
            grid.add_row(line.name if key == keys[0] else "", titles[key] + _variant(line), *changes, *more)
    head = Text.assemble((f"{found.scenario}: what each input moves", "bold"), _origin(found))
    idle, unmoved = (
        "; ".join(
            titles.get(name, name) + (_reason(found.scenario, name) if inputs is None else "") for name in names
        )
        for names in (found.idle_inputs, found.unmoved_figures)
    )
    return Group(
        head,
        Text("Each input at half and at double its value; changes below 1 % are left out."),
        Text(),
        grid,
        Text(f"Inputs that move nothing: {idle or 'none'}."),
        Text(f"Results that no input moves: {unmoved or 'none'}."),
    )


def _reason(scenario: str, name: str) -> str:
    from gatewaydoctor.simulate.sensitivity import REASONS

    reason = REASONS.get((scenario, name))
    return f" ({reason})" if reason else ""


def _strongest(line: Line) -> str:
    """The result this input moves most: one of the whole gateway, where it moves any."""
    return max(line.moved, key=lambda key: ("." not in key, _strength(line, key), key))


def _strength(line: Line, key: str) -> float:
    """The larger of the two changes, as a share; one that begins or ceases to be is beyond any share."""
    changes = [moved[key] for moved in (line.half, line.double) if key in moved]
    return max((float("inf") if change is None else abs(change) for change in changes), default=0.0)


def _change(moved: Mapping[str, float | None], key: str) -> str:
    if key not in moved:
        return "-"
    share = moved[key]
    return "starts or ends" if share is None else spell_deviation(share)


def _variant(line: Line) -> str:
    """In which run the input moves anything, where it is not the plain one."""
    if line.variant == "no remedy":
        return ""
    return f", in release {line.variant}" if line.variant[:1].isdigit() else f", with {line.variant}"


def figure_grid(result: Result, *, verbose: bool = False, put_in: bool = True) -> Grid:
    """Figure, incident or directory, model, deviation, label: red where the deviation exceeds the tolerance.

    A figure with a dot in its key stands in one of the run's tables as well, and is left out unless `verbose`;
    one that was put in and is no result is left out unless `put_in`.
    """
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("figure", ratio=1)
    for title in (result.given_by, "model", "deviation", "label"):
        grid.add_column(title, justify="left" if title == "label" else "right", no_wrap=True)
    for figure in result.figures:
        if ("." in figure.key and not verbose) or (figure.label is Label.GIVEN and not put_in):
            continue
        style = "bold" if figure.within is False else ""
        grid.add_row(
            figure.title,
            Text("" if figure.given is None else spell(figure.given, figure.unit)),
            Text(spell(figure.value, figure.unit), style=style),
            Text(spell_deviation(figure.deviation), style=style),
            Text(figure.label.value),
        )
    return grid


def input_grid(inputs: tuple[Input, ...]) -> Grid:
    """What was put in, with label and source."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column("put in", no_wrap=True)
    grid.add_column("value", justify="right", no_wrap=True)
    grid.add_column("label", no_wrap=True)
    grid.add_column("from", ratio=1, overflow="fold")
    for item in inputs:
        value = item.value if isinstance(item.value, str) else spell(item.value, item.unit)
        source = item.source
        if len(value) > _LONG:
            value, source = "(text)", f"{value}; {source}"
        style = "bold" if item.label is Label.ASSUMED else ""
        grid.add_row(item.name, Text(value), Text(item.label.value, style=style), Text(source))
    return grid


def table_grid(table: Table) -> RenderableType:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, title in enumerate(table.columns):
        grid.add_column(title, justify="right" if number else "left")
    unit_at = table.columns.index("unit") if "unit" in table.columns else None
    for row in table.rows:
        unit = str(row[unit_at]) if unit_at is not None else "rows"
        grid.add_row(*(cell if isinstance(cell, str) else spell(cell, unit) for cell in row))
    return Group(Text(table.title, style="bold"), grid)


def timeline_text(result: Result, width: int) -> Text:
    """Every series above the other, on one time axis."""
    text = Text()
    for title, lines in timeline.chart(result, max(20, width - _MARGIN)):
        text.append(f"{title}\n")
        for line in lines:
            text.append(f"{line}\n", style="bold")
    text.rstrip()
    return text


def _head(result: Result) -> Text:
    remedies = ", ".join(result.remedies) or "no remedy"
    return Text.assemble(
        (f"{result.scenario}: {remedies}", "bold"),
        f"  {spell(result.horizon, 's')}, {result.clock} clock, release {result.policy}, seed {result.seed}",
    )


def _origin(made: Comparison | Sensitivity) -> str:
    return f"  release {made.policy}, seed {made.seed}"


def _sentence(comparison: Comparison, verdict: ComparisonRow) -> Text:
    how = f" [{verdict.how}]" if verdict.how else ""
    text = Text.assemble((f"{verdict.name}{how}: ", "bold"), verdict.sentence)
    if verdict.effect is Effect.NOTHING:
        return text.append(" No better than nothing.", style="bold")
    if verdict.promised is None:
        return text
    figure = comparison.results[verdict.name].figure(verdict.promised)
    change = f" {figure.title[:1].upper()}{figure.title[1:]}: {spell(verdict.before, figure.unit)}"
    text.append(f"{change} -> {'never' if verdict.after is None else spell(verdict.after, figure.unit)}.")
    if not verdict.kept:
        unchanged = verdict.before == verdict.after
        text.append(" No change here." if unchanged else " This differs from what the remedy promises.", style="bold")
    return text
