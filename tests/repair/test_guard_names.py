"""What counts as of a database: by the name of the file alone."""

from __future__ import annotations

import pytest

from gatewaydoctor.repair.writing.guard import is_of_database


@pytest.mark.parametrize("name", ["state/openclaw.sqlite", "a/openclaw-agent.sqlite-wal", "parked-1.sqlite"])
def test_a_database_and_what_belongs_to_it_counts(name: str) -> None:
    assert is_of_database(name)


def test_a_transcript_in_a_directory_that_is_called_like_a_database_is_none() -> None:
    assert not is_of_database("agents/my.sqlite/sessions/one.jsonl")
