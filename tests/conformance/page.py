"""docs/conformance.md, made of results/: `make conformance-page`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance.pieces import CHECKS, RELEASES
from tests.conformance.record import results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.pieces import Check
    from tests.conformance.record import Row

PAGE = Path(__file__).parents[2] / "docs/conformance.md"
HEAD = """\
# Conformance: this program against real releases

Each check lets a real OpenClaw release work on generated directories and compares what it did with what this program
predicted. The figures are cases that agreed of cases that were tried, as runs left them in
`tests/conformance/results/`; `make conformance-page` makes this page of them. The releases come from npm
(`tests/conformance/install.py`), start on the loopback interface, without channels, and talk to a model server of the
tests where they need one.

"""


def page() -> str:
    found = {check.name: results(check.name) for check in CHECKS}
    parts = [HEAD, "## Agreed of tried\n\n", *_matrix(found), "\n## Commands\n\n", *_commands(found)]
    parts += ["\n## Differences\n\n", *_differences(found)]
    return "".join(parts)


def _matrix(found: dict[str, list[Row]]) -> Iterator[str]:
    yield f"| check | {' | '.join(RELEASES)} |\n|---|{'---|' * len(RELEASES)}\n"
    for check in CHECKS:
        cells = [_cell(check, release, found[check.name]) for release in RELEASES]
        yield f"| {check.name} | {' | '.join(cells)} |\n"
    yield "\nA dash: the check does not apply to the release.\n"


def _cell(check: Check, release: str, rows: list[Row]) -> str:
    tried = [row for row in rows if row.release == release]
    if not tried:
        return "not run" if release in check.releases else "-"
    return f"{sum(row.agree for row in tried)}/{len(tried)}"


def _commands(found: dict[str, list[Row]]) -> Iterator[str]:
    """A piece fits ten minutes on a machine with two idle cores."""
    yield "Each of these fits ten minutes on an idle machine; `--slice 1/8` is the first of eight parts.\n\n"
    yield "| check | what is compared | command | last run |\n|---|---|---|---|\n"
    for check in CHECKS:
        last = max((row.when for row in found[check.name]), default="not run")
        yield f"| {check.name} | {check.what} | `{check.command}` | {last} |\n"


def _differences(found: dict[str, list[Row]]) -> Iterator[str]:
    different = [row for rows in found.values() for row in rows if not row.agree]
    if not different:
        yield "None among the cases that were run.\n"
        return
    yield "| check | release | case | predicted | happened | reason |\n|---|---|---|---|---|---|\n"
    for row in different:
        cells = (row.check, row.release, row.case, row.predicted, row.happened, row.reason or "not known")
        yield f"| {' | '.join(map(_plain, cells))} |\n"


def _plain(text: str) -> str:
    """Fit for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


if __name__ == "__main__":
    PAGE.write_text(page())
