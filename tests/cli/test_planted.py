"""Secrets of every kind in every file and table: under --redact no output holds one, and message text is in none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.report.formats.formats import FORMATS
from gatewaydoctor.report.outgoing import begin
from tests.cli.harness import EXAMINING, Machine, Ran
from tests.cli.planted import AGENT, MESSAGE, SECRETS, databases, files, keys, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECES = pieces()
KEY = next(keys("main"))
ALL, JSON = ("--all", "--verbose"), ("--json", "--all")
NAME, TOKEN, WHERE = SECRETS["name"], SECRETS["token"], SECRETS["path"]
STATE_OF = {"files": files, "databases": databases}


@pytest.fixture(autouse=True)
def nothing_is_redacted_afterwards() -> Iterator[None]:
    yield
    begin(redact=False)


@pytest.fixture(params=STATE_OF)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return STATE_OF[request.param](tmp_path).root


def held(text: str) -> set[str]:
    """What of the secrets is in a text: numbers and words as wholes, the others anywhere."""
    words = set(re.findall(r"[^\W\d_]{4,}", text)) | set(re.findall(r"\d{4,}", text))
    return {piece for piece in PIECES if (piece in words if piece.isalnum() else piece in text)}


def words_of_messages(text: str) -> list[str]:
    return [word for word in MESSAGE.split() if len(word) > 4 and word in text]


def ran(root: Path, *line: str) -> Ran:
    """Nothing of a secret is in what it prints under --redact; where it changes nothing, no message text without."""
    machine, at = Machine(env={"HOME": WHERE}), ("--state-dir", str(root))
    told = machine.run(*line, "--redact", *at)
    assert told.code in (0, 1, 2, 3, 78), (line, told)
    assert not held(told.out + told.err), line
    return told


def looking() -> Iterator[tuple[str, ...]]:
    for verb in (
        *EXAMINING,
        "check",
        "forecast",
        "after",
        "explain",
        "runs list",
        "undo --dry-run",
        "repair",
        "gate",
    ):
        yield from ((*verb.split(), *more) for more in ((), ALL, JSON) if verb != "gate" or more != JSON)
    for name in FORMATS:
        yield from (("scan", "--format", name), ("check", "--all", "--format", name))
    yield ("sessions", "--format", "ndjson")
    yield ("repair", "trim", "expire", "missing", "slim", "orphans", "--max-entries", "2", "--all")
    yield ("repair", "missing", "--name", KEY, "--json")
    yield ("park", KEY, "--json")


def test_no_looking_shows_a_secret_and_none_ever_a_message(root: Path) -> None:
    shown = ""
    for line in looking():
        ran(root, *line)
        plain = Machine(env={"HOME": WHERE}).run(*line, "--state-dir", str(root))
        assert not words_of_messages(plain.out + plain.err), line
        shown += plain.out
    # Without --redact most are there, else nothing was hidden above.
    assert len(held(shown)) > len(PIECES) / 2


def test_no_wrong_word_is_repeated(root: Path) -> None:
    for line in (
        ("scan", "--agent", AGENT),
        ("scan", "--agent", NAME),
        ("scan", "--config", WHERE),
        ("scan", "--profile", TOKEN),
        ("scan", "--store", WHERE),
        ("scan", "--path-map", f"{WHERE}={WHERE}"),
        ("scan", "--path-map", TOKEN),
        ("scan", "--format", TOKEN),
        ("scan", "--now", NAME),
        ("scan", f"--{TOKEN}"),
        (TOKEN,),
        ("explain", NAME),
        ("check", "--only", NAME),
        ("check", "--baseline", WHERE),
        ("forecast", "--at", NAME),
        ("sessions", "--key", SECRETS["mail"]),
        ("sessions", "--job", NAME),
        ("sessions", "--older-than", NAME),
        ("repair", TOKEN),
        ("repair", "--name", SECRETS["id"]),
        ("repair", "--resume", SECRETS["id"]),
        ("repair", "--plan", WHERE, "--apply"),
        ("repair", "--plan-out", f"{WHERE}.json"),
        ("repair", "--vault", WHERE),
        ("park", SECRETS["mail"]),
        ("unpark", NAME),
        ("undo", NAME),
        ("runs", "show", SECRETS["id"]),
        ("runs", "verify", SECRETS["id"]),
        ("runs", "prune", "--older-than", NAME),
        ("snapshot", "verify", WHERE),
        ("fixtures", "validate", WHERE),
        ("integrate", "systemd"),
    ):
        ran(root, *line)


def test_no_report_of_a_change_shows_a_secret(root: Path) -> None:
    applied = ran(root, "repair", "--apply", "--yes", "--json")
    assert applied.code == 0, applied
    (vault,) = (root / ".gatewaydoctor/runs").iterdir()
    for line in (("runs", "show", vault.name), ("runs", "verify", vault.name), ("runs", "list")):
        ran(root, *line)
        ran(root, *line, "--json")
    for line in (("after",), ("undo", "--dry-run", "--json"), ("undo", "--merge", "--dry-run"), ("undo", "--yes")):
        assert ran(root, *line).code in (0, 1)
    for line in (
        ("repair", "--apply", "--yes", *ALL),
        ("undo", "--yes", "--json"),
        ("park", KEY, "--apply", "--yes"),
        ("unpark", KEY, "--apply", "--yes"),
        ("runs", "prune", "--older-than", "0s", "--yes", "--json"),
    ):
        ran(root, *line)


def test_no_file_that_is_for_sharing_holds_a_secret(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for line in (
        ("scan", "--output", str(out / "scan.txt")),
        ("check", "--format", "html", "--output", str(out / "check.html")),
        ("migration", "--export", str(out / "export")),
        ("fixtures", "new", "made", "--from", str(root), "--out", str(out / "fixture")),
    ):
        assert ran(root, *line).code in (0, 1), line
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 5
    for path in written:
        told = f"{path.relative_to(out)}\n{path.read_bytes().decode(errors='replace')}"
        assert not held(told), path
