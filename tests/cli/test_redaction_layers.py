"""What hides a secret under --redact, layer by layer: with any one of them switched off, another may hide the same
secret, and nothing would tell that one is broken.

Names (report/names.py) makes aliases of what it knows to be a name, an id or a path. What leaves the program
(report/outgoing.py) replaces every word and number that is not the program's own, and moves times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.shell import main
from gatewaydoctor.report import outgoing
from gatewaydoctor.report.formats.formats import FORMATS
from gatewaydoctor.report.names import Names
from tests.cli.harness import Machine
from tests.cli.planted import AGENT, MILLISECONDS, SECRETS
from tests.cli.test_planted import JSON, KEY, NAME, STATE_OF, WHERE, held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDE = 400
"""Columns. Where a narrow one cuts a number in two, its halves pass for figures on their way out."""
MOMENTS = {str(MILLISECONDS), SECRETS["time"], "43:21"}
"""Names leaves times as they are."""


@pytest.fixture(autouse=True)
def nothing_is_redacted_afterwards() -> Iterator[None]:
    yield
    outgoing.begin(redact=False)


@pytest.fixture
def without_names(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Names.__init__

    def plain(self: Names, *, redact: bool, places: object = ()) -> None:
        whole(self, redact=False)

    monkeypatch.setattr(Names, "__init__", plain)


@pytest.fixture
def without_outgoing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "begin", lambda *, redact: outgoing.begin(redact=False))


@pytest.fixture(scope="module", params=STATE_OF)
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("planted") / AGENT
    place.mkdir()
    return STATE_OF[request.param](place).root


EXITS: dict[str, tuple[str, ...]] = {
    "a screen": ("stuck", "--all", "--verbose"),
    "a document": ("stuck", *JSON),
    "lines of JSON": ("sessions", "--format", "ndjson"),
    "a plan": ("repair", "missing", "--name", KEY, "--json"),
    "an error in words": ("scan", "--agent", NAME),
    "an error as a document": ("scan", "--agent", NAME, "--json"),
    "a hint": ("runs", "show", WHERE),
    "what the gate says": ("gate",),
    "what the gate says in a document": ("gate", "--json"),
} | {f"the format {name}": ("check", "--all", "--format", name) for name in FORMATS if name != "nagios"}
"""A line for each place where something leaves the program. The line of nagios names nothing."""
ON_A_TERMINAL = ("a screen", "an error in words", "what the gate says", "the format text")
"""What takes another way there."""
_RUNS = {name: (line, False) for name, line in EXITS.items()}
_RUNS |= {f"{name} on a terminal": (EXITS[name], True) for name in ON_A_TERMINAL}


@pytest.mark.parametrize(("line", "terminal"), _RUNS.values(), ids=_RUNS)
@pytest.mark.usefixtures("without_names")
def test_what_leaves_is_redacted_without_the_help_of_names(line: tuple[str, ...], terminal: bool, root: Path) -> None:
    machine, at = Machine(env={"HOME": WHERE}, terminal=terminal, width=WIDE), ("--state-dir", str(root))
    plain, told = machine.run(*line, *at), machine.run(*line, *at, "--redact")
    assert held(plain.out + plain.err), "there is nothing to hide"
    assert not held(told.out + told.err)


@pytest.mark.usefixtures("without_names")
def test_a_traceback_is_redacted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NAME} in {WHERE}")

    monkeypatch.setattr("gatewaydoctor.cli.shell.examining.examine", fail)
    line = ("scan", "--debug", "--state-dir", str(root))
    plain, told = Machine().run(*line), Machine().run(*line, "--redact")
    assert (plain.code, told.code) == (70, 70)
    assert {NAME, WHERE} <= held(plain.err)
    assert "Traceback" in told.err
    assert not held(told.out + told.err)


HIDDEN = [
    ("scan", *JSON),
    ("cron", "--all", "--verbose"),
    ("migration", *JSON),
    ("repair", "trim", "expire", "missing", "slim", "orphans", "--max-entries", "2", "--json"),
    ("sessions", "--format", "ndjson"),
    ("check", "--all", "--format", "html"),
    ("check", "--all", "--format", "github"),
    ("explain", NAME),
]


@pytest.mark.parametrize("line", HIDDEN, ids=" ".join)
@pytest.mark.usefixtures("without_outgoing")
def test_names_hides_what_is_known_to_be_a_name_by_itself(line: tuple[str, ...], root: Path) -> None:
    machine, at = Machine(env={"HOME": WHERE}), ("--state-dir", str(root))
    plain, told = machine.run(*line, *at), machine.run(*line, *at, "--redact")
    assert held(plain.out + plain.err) - MOMENTS, "there is nothing to hide"
    assert held(told.out + told.err) <= MOMENTS
