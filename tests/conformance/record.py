"""What the conformance tests found: one line of JSON per case under results/, a file a check, written by runs alone.

A test tells each case with `told`. The page made of them is docs/conformance.md (page.py).
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RESULTS = Path(__file__).with_name("results")
LONGEST = 400
"""Characters kept of `predicted`, `happened` and `reason`."""


class Row(Struct, frozen=True):
    """One case of one check on one release. `predicted` is what this program said before, `happened` what the release
    did, both as text to compare; `reason` why they differ, where that is known. `when` is a UTC day."""

    release: str
    check: str
    case: str
    predicted: str
    happened: str
    agree: bool
    reason: str
    when: str

    @property
    def place(self) -> tuple[str, str]:
        return self.release, self.case


def told(release: str, check: str, case: str, predicted: object, happened: object, reason: str = "") -> bool:
    """Writes the case into results/CHECK.jsonl, where it takes the place of an earlier one, and gives back whether
    the two agree. Tell a case before asserting anything about it."""
    return told_all([(release, check, case, predicted, happened, reason)])


def told_all(cases: Iterable[tuple[str, str, str, object, object, str]]) -> bool:
    """Many cases of one check at once: (release, check, case, predicted, happened, reason). Whether all agree."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    fresh = [
        Row(release, check, case, _text(ours), _text(theirs), ours == theirs, why[:LONGEST], day)
        for release, check, case, ours, theirs, why in cases
    ]
    if fresh:
        (check,) = {row.check for row in fresh}
        _write(check, fresh)
    return all(row.agree for row in fresh)


def results(check: str) -> list[Row]:
    """Every case that a run left, by release and case; none where the check was never run."""
    path = RESULTS / f"{check}.jsonl"
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Row) for line in path.read_bytes().splitlines()]


def _write(check: str, fresh: list[Row]) -> None:
    RESULTS.mkdir(exist_ok=True)
    with _locked(RESULTS):
        rows = {row.place: row for row in (*results(check), *fresh)}
        lines = [msgspec.json.encode(rows[place]) + b"\n" for place in sorted(rows)]
        (RESULTS / f"{check}.jsonl").write_bytes(b"".join(lines))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two runs at a time leave the results of both."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _text(value: object) -> str:
    if isinstance(value, (set, frozenset)):
        value = sorted(map(str, value))
    return (value if isinstance(value, str) else msgspec.json.encode(value).decode())[:LONGEST]
