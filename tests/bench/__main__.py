"""`make bench`: measures every row of the table in docs/speed.md, ours and its peer in turn, best of 5.

`make bench ROWS="layout repair"` measures the rows with one of these words. `make bench-record` writes the table into
docs/speed.md; `make bench-check` compares with the ratios recorded there and exits with 1 where one has become worse.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.process import Cost, best_in_turn
from tests.bench.rows import Row, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = Path("docs/speed.md")
RECORDED = Path("tests/bench/recorded.json")
BEGIN, END = "<!-- make bench-record: begin -->\n", "<!-- make bench-record: end -->\n"
HEAD = (
    "| what | CPU s | wall s | peak MB | against | its CPU s | ratio | wanted | |\n"
    "|---|---:|---:|---:|---|---:|---:|---|---|\n"
)
NOISE = 1.25
"""A ratio this many times the recorded one has become worse; less is within what a busy machine does."""


@dataclass(frozen=True, slots=True)
class Measured:
    row: Row
    ours: Cost
    peer: Cost | None

    @property
    def ratio(self) -> float | None:
        """Processor time against the peer's."""
        return None if self.peer is None else self.ours.cpu / self.peer.cpu

    @property
    def reached(self) -> bool | None:
        """Whether everything wanted of the row is so; None where nothing is."""
        row, found = self.row, []
        if row.ratio is not None and self.ratio is not None:
            found.append(self.ratio <= row.ratio)
        if row.seconds is not None:
            found.append(self.ours.cpu <= row.seconds)
        if row.peak is not None:
            found.append(self.ours.peak <= row.peak)
        return all(found) if found else None

    def line(self) -> str:
        """The row in Markdown."""
        ours, peer, ratio = self.ours, self.peer, self.ratio
        cells = (
            self.row.name,
            f"{ours.cpu:.2f}",
            f"{ours.wall:.2f}",
            f"{ours.peak / 1e6:.0f}",
            self.row.against,
            "" if peer is None else f"{peer.cpu:.2f}",
            "" if ratio is None else f"{ratio:.2f}",
            self._wanted(),
            self._result(),
        )
        return f"| {' | '.join(cells)} |\n"

    def _result(self) -> str:
        if self.ours.code not in (0, 1):
            return f"exit code {self.ours.code}"
        return {True: "yes", False: "no", None: ""}[self.reached]

    def _wanted(self) -> str:
        row = self.row
        wanted = (
            "" if row.ratio is None else f"{row.ratio:g} x",
            "" if row.seconds is None else f"{row.seconds:g} s",
            "" if row.peak is None else f"{row.peak / 1e6:.0f} MB",
        )
        return ", ".join(each for each in wanted if each)


def measure(row: Row, rounds: int) -> Measured:
    commands = [each for each in (row.ours, row.undo, row.peer) if each is not None]
    costs = best_in_turn(commands, rounds)
    if row.leaves is not None:
        shutil.rmtree(row.leaves)
    return Measured(row, costs[0], costs[-1] if row.peer is not None else None)


def report(words: Sequence[str], rounds: int) -> list[Measured]:
    """Measure the rows with one of the words, or all, and print each as it is known."""
    print(HEAD, end="")
    found = []
    for row in rows():
        if words and not any(word in row.name for word in words):
            continue
        found.append(measure(row, rounds))
        print(found[-1].line(), end="", flush=True)
    return found


def record(found: Iterable[Measured]) -> None:
    """Write the table into the page and the ratios next to this file. Rows not measured now keep their lines."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    block, _, after = rest.partition(END)
    lines = {line.split(" | ")[0]: line for line in block.removeprefix(HEAD).splitlines(keepends=True)}
    lines |= {f"| {each.row.name}": each.line() for each in found}
    PAGE.write_text(f"{before}{BEGIN}{HEAD}{''.join(lines.values())}{END}{after}")
    ratios = _recorded() | {each.row.name: round(each.ratio, 3) for each in found if each.ratio is not None}
    RECORDED.write_text(json.dumps(ratios, indent=2) + "\n")


def _recorded() -> dict[str, float]:
    return json.loads(RECORDED.read_text()) if RECORDED.exists() else {}


def worse(found: Iterable[Measured]) -> list[str]:
    """What has become worse than the ratios recorded, a line each."""
    recorded = _recorded()
    return [
        f"{each.row.name}: {each.ratio:.2f} x {each.row.against}, recorded {before:.2f} x"
        for each in found
        if each.ratio is not None and (before := recorded.get(each.row.name)) and each.ratio > NOISE * before
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("words", nargs="*", help="only rows with one of these words")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="write docs/speed.md and the recorded ratios")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 where a ratio is worse than the recorded one"
    )
    options = parser.parse_args()
    found = report(options.words, options.rounds)
    if options.record:
        record(found)
    regressions = worse(found) if options.check else []
    for line in regressions:
        print(f"worse: {line}", file=sys.stderr)
    return 1 if regressions else 0


if __name__ == "__main__":
    sys.exit(main())
