"""README says what the program says."""

from __future__ import annotations

from pathlib import Path

from gatewaydoctor.model.errors import EXIT_MEANINGS, ExitCode
from tests.readme import README, Scratch, comparable, sessions, short_directory, with_tables


def test_tables_are_those_of_the_program() -> None:
    text = README.read_text()
    assert with_tables(text) == text


def test_the_exit_code_table_is_complete() -> None:
    assert set(EXIT_MEANINGS) == set(ExitCode)


def test_sessions_print_what_readme_shows() -> None:
    seen = list(sessions(README.read_text()))
    assert seen
    with short_directory() as folder:
        scratch = Scratch(Path(folder))
        for command, shown in seen:
            assert comparable(scratch.run(command)) == comparable(shown), command
