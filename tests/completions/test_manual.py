"""The manual page is the program's, complete, and one that man can show."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.parser.describe import described
from gatewaydoctor.cli.parser.manual import manual
from gatewaydoctor.cli.shell.main import arrange
from gatewaydoctor.completion.manual import ENVIRONMENT, EXAMPLES, FILES
from gatewaydoctor.model.errors import EXIT_MEANINGS

if TYPE_CHECKING:
    from gatewaydoctor.completion.tree import VerbNode

TOP = Path(__file__).parent.parent.parent
KEPT = TOP / "docs" / "gatewaydoctor.1"
PROGRAM = described()


def shown() -> str:
    """The page without its markup, each paragraph on one line."""
    text = re.sub(r"\\f[BIR]|\\&", "", manual())
    marks = {r"\-": "-", r"\(aq": "'", r"\(ti": "~", r"\(ga": "`", r"\(ha": "^", r"\e": "\\"}
    for spelled, char in marks.items():
        text = text.replace(spelled, char)
    return " ".join(text.split())


SHOWN = shown()


def test_the_kept_page_is_the_one_the_program_makes() -> None:
    assert KEPT.read_text() == manual(), "bring it up to date: make man"


def test_every_section_is_there() -> None:
    sections = re.findall(r"^\.SH (.+)$", manual(), re.MULTILINE)
    assert sections == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "GLOBAL OPTIONS", "EXIT STATUS"),
        *("ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"),
    ]


@pytest.mark.parametrize("leaf", list(PROGRAM.leaves), ids=lambda leaf: leaf.name)
def test_every_verb_is_there_with_what_it_takes(leaf: VerbNode) -> None:
    start = SHOWN.index(f'.SS "gatewaydoctor {leaf.name}"')
    part = SHOWN[start : SHOWN.find(".S", start + 3)]
    own = [option for option in leaf.options if not option.is_global]
    for place in (*own, *leaf.arguments):
        assert " ".join(place.help.replace("`", "").split()) in part
    for option in leaf.options:
        assert f"{', '.join(option.names)}{f' {option.metavar}' if option.metavar else ''} " in SHOWN


def test_every_exit_code_is_there() -> None:
    for code, meaning in EXIT_MEANINGS.items():
        assert f".TP {int(code)} {meaning.replace('`', '')}" in SHOWN


def test_every_variable_the_program_asks_for_is_there() -> None:
    asked = re.compile(r'"((?:OPENCLAW|CLAWDBOT|GATEWAYDOCTOR)_[A-Z_]+|NO_COLOR|GITHUB_[A-Z_]+)"')
    folders = [TOP / "gatewaydoctor" / name for name in ("state", "cli", "report", "integrate")]
    sources = [path for folder in (*folders, TOP / "tools") for path in folder.rglob("*.py")]
    found = {name for path in sources for name in asked.findall(path.read_text())}
    assert found == set(ENVIRONMENT) - {"COLUMNS"}  # which is rich's to ask for


@pytest.mark.parametrize("command", [command for command, _ in EXAMPLES])
def test_examples_can_be_typed(command: str) -> None:
    _, *words = shlex.split(command)
    verb, *rest = arrange(words)
    leaf = next(each for each in PROGRAM.leaves if each.name == verb)
    names = {name for option in leaf.options for name in option.names}
    assert {word for word in rest if word.startswith("-")} <= names


def test_no_text_is_taken_for_a_request() -> None:
    known = {"TH", "SH", "SS", "TP", "PP", "RS", "RE", "br", "nh", "ad", '\\"'}
    requests = {line.split()[0] for line in manual().splitlines() if line.startswith((".", "'"))}
    assert requests <= {f".{each}" for each in known}
    assert max(map(len, manual().splitlines())) <= 120
    assert all(name in SHOWN for name in FILES)


LINTS = {
    "mandoc": ("mandoc", "-Tlint", "-Wwarning", str(KEPT)),
    "groff": ("groff", "-man", "-Tutf8", "-ww", "-z", str(KEPT)),
}


@pytest.mark.parametrize("formatter", LINTS)
def test_formatters_have_nothing_to_say(formatter: str) -> None:
    if shutil.which(formatter) is None:
        pytest.skip(f"{formatter} is not installed")
    ran = subprocess.run(LINTS[formatter], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("", "")
