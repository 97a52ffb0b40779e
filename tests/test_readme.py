"""README and the pages of docs/ say what the program says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.model.errors import EXIT_MEANINGS, ExitCode
from tests.readme import PAGES, ROOT, Scratch, comparable, sessions, short_directory, with_tables

_LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _name(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tables_are_those_of_the_program(page: Path) -> None:
    text = page.read_text()
    assert with_tables(text) == text


def test_every_rule_is_listed() -> None:
    listed = (ROOT / "docs/rules.md").read_text()
    assert [rule.id for rule in all_rules() if f"| `{rule.id}` |" not in listed] == []


def test_the_exit_code_table_is_complete() -> None:
    assert set(EXIT_MEANINGS) == set(ExitCode)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 220


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for path, anchor in _LINK.findall(page.read_text()):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor:
            headings = {
                re.sub(r"[^\w -]", "", each).lower().replace(" ", "-")
                for each in _HEADING.findall(target.read_text())
            }
            assert anchor in headings, f"{path}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if "```console" in page.read_text()], ids=_name)
def test_sessions_print_what_the_page_shows(page: Path) -> None:
    seen = list(sessions(page.read_text()))
    assert seen
    with short_directory() as folder:
        scratch = Scratch(Path(folder))
        for command, shown in seen:
            if "jq " in command and shutil.which("jq") is None:
                continue
            assert comparable(scratch.run(command)) == comparable(shown), command
