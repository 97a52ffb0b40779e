"""Tables of inputs, figures and rankings in Markdown, for a report or the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.simulate.output.wording import spell, spell_deviation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatewaydoctor.simulate.values import Comparison, Input, Result


def figure_table(result: Result) -> str:
    """What comes out, beside the incident."""
    rows = (
        (
            figure.title,
            "" if figure.given is None else spell(figure.given, figure.unit),
            spell(figure.value, figure.unit),
            spell_deviation(figure.deviation),
            figure.label.value,
        )
        for figure in result.figures
    )
    return _table(("comes out", result.given_by, "model", "deviation", "label"), rows)


def input_table(inputs: Iterable[Input]) -> str:
    """What is put in, and where it is from."""
    rows = (
        (
            item.name,
            item.value if isinstance(item.value, str) else spell(item.value, item.unit),
            item.label.value,
            item.source,
        )
        for item in inputs
    )
    return _table(("put in", "value", "label", "from"), rows)


def ranking_table(comparison: Comparison) -> str:
    """The remedies, best first, with the sentence on each."""
    rows = (
        (
            "" if verdict.rank is None else str(verdict.rank),
            verdict.name,
            f"{verdict.lost:,}" if verdict.lost else "none",
            "" if verdict.worst_block is None else spell(verdict.worst_block, "s"),
            spell(verdict.death, "min"),
            "" if verdict.effect is None else verdict.effect.value,
            verdict.how,
            "" if verdict.bytes_written is None else spell(verdict.bytes_written, "bytes"),
            verdict.sentence,
        )
        for verdict in comparison.verdicts
    )
    table = _table(
        (
            "rank",
            "remedy",
            "conversations lost",
            "worst block",
            "out of memory after",
            "effect",
            "who",
            "written",
            "why",
        ),
        rows,
    )
    return f"{comparison.answer}\n\n{table}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
