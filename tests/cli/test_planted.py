"""Secrets of every kind in every file and table: under --redact no output holds one, and message text is in none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.parser.verb_table import GROUPS, VERBS
from gatewaydoctor.integrate import TARGETS
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


def beside(root: Path, out: Path) -> Iterator[tuple[str, ...]]:
    """Verbs that neither examine nor repair, told of secrets or of the directory, writing below `out`."""
    for name in GROUPS["simulate"]:
        yield ("simulate", name, "--from-state-dir", str(root), "--duration", "1h", "--json")
    for target in TARGETS:
        yield ("integrate", target, "--program", f"{WHERE}/gatewaydoctor")
        yield ("integrate", target, "--unit", NAME)
    yield ("snapshot", str(out / NAME))
    yield ("snapshot", "verify", str(out / NAME), "--json")
    yield ("repair", "--plan-out", str(out / "plan.json"))
    yield ("repair", "--plan", str(out / "plan.json"), "--json")
    yield ("check", "--baseline", str(out / NAME / "b.json"), "--write-baseline")
    yield ("fixtures", "list")
    yield ("fixtures", "make", NAME, "--out", str(out / "made"))
    yield ("fixtures", "set-up", WHERE, "--out", str(out / "made"))
    yield ("completions", NAME)
    yield from ((verb,) for verb in ("park", "unpark", "runs"))


def test_no_other_verb_shows_a_secret(root: Path, tmp_path: Path) -> None:
    redacted, plain = tmp_path / "redacted", tmp_path / "plain"
    redacted.mkdir()
    plain.mkdir()
    for line in beside(root, redacted):
        ran(root, *line)
    at, machine = ("--state-dir", str(root)), Machine(env={"HOME": WHERE})
    shown = "".join(machine.run(*line, *at).out for line in beside(root, plain) if line[0] != "simulate")
    assert {NAME, WHERE} <= held(shown)


def test_no_looking_shows_a_secret_and_none_ever_a_message(root: Path) -> None:
    shown = ""
    for line in looking():
        ran(root, *line)
        plain = Machine(env={"HOME": WHERE}).run(*line, "--state-dir", str(root))
        assert not words_of_messages(plain.out + plain.err), line
        shown += plain.out
    # Without --redact most are there, else nothing was hidden above.
    assert len(held(shown)) > len(PIECES) / 2


def wrong() -> tuple[tuple[str, ...], ...]:
    """Lines with a word that is none."""
    return (
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
    )


def test_no_wrong_word_is_repeated(root: Path) -> None:
    for line in wrong():
        ran(root, *line)


def changing(run_id: str) -> Iterator[tuple[str, ...]]:
    """What may follow on a repair, in this order."""
    for line in (("runs", "show", run_id), ("runs", "verify", run_id), ("runs", "list")):
        yield from (line, (*line, "--json"))
    yield ("after",)
    yield from (("undo", "--dry-run", "--json"), ("undo", "--merge", "--dry-run"), ("undo", "--yes"))
    yield from (("repair", "--apply", "--yes", *ALL), ("undo", "--yes", "--json"))
    yield from (("park", KEY, "--apply", "--yes"), ("unpark", KEY, "--apply", "--yes"))
    yield ("runs", "prune", "--older-than", "0s", "--yes", "--json")


def test_no_report_of_a_change_shows_a_secret(root: Path) -> None:
    applied = ran(root, "repair", "--apply", "--yes", "--json")
    assert applied.code == 0, applied
    (vault,) = (root / ".gatewaydoctor/runs").iterdir()
    stored = [str(path.relative_to(vault)) for path in vault.rglob("*")]
    assert len(stored) > 4
    assert not [name for name in stored if held(name)], "names in the vault are numbers"
    codes = {line: ran(root, *line).code for line in changing(vault.name)}
    for line in (("undo", "--yes"), *((verb, KEY, "--apply", "--yes") for verb in ("park", "unpark"))):
        assert codes[line] == 0, line
    assert {code for (verb, *_), code in codes.items() if verb in ("after", "undo")} <= {0, 1}


def sharing(root: Path, out: Path) -> Iterator[tuple[str, ...]]:
    """What writes files for others below `out`."""
    yield ("scan", "--output", str(out / "scan.txt"))
    yield ("check", "--format", "html", "--output", str(out / "check.html"))
    yield ("migration", "--export", str(out / "export"))
    yield ("fixtures", "new", "made", "--from", str(root), "--out", str(out / "fixture"))


def test_no_file_that_is_for_sharing_holds_a_secret(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for line in sharing(root, out):
        assert ran(root, *line).code in (0, 1), line
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 5
    for path in written:
        told = f"{path.relative_to(out)}\n{path.read_bytes().decode(errors='replace')}"
        assert not held(told), path


def test_every_verb_is_asked(tmp_path: Path) -> None:
    lines = (*looking(), *wrong(), *beside(tmp_path, tmp_path), *changing("run"), *sharing(tmp_path, tmp_path))
    asked = {line[:2] for line in lines}
    assert {verb for verb, *_ in asked} >= set(VERBS)
    assert asked >= {(verb, sub) for verb, subs in GROUPS.items() for sub in subs}
