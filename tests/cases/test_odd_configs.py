"""Configs that the gateway reads, and that were once too much: a NUL in a string, large JSON5, deep nesting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.world import PORT, StateDir, job

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path, "2026.5.22").healthy()


def written(state: StateDir, more: str) -> None:
    """A JSON5 config with one more member."""
    state.file(
        "openclaw.json",
        "{ // by hand\n meta: {lastTouchedVersion: '2026.5.22'},\n"
        f" gateway: {{mode: 'local', port: {PORT}}},\n session: {{maintenance: {{maxEntries: 77}}}},\n {more}\n}}\n",
    )


DEEP = "[" * 4_000 + "]" * 4_000
LARGE = ", ".join(f"'channel {n}': {{note: 'text', on: true,}}" for n in range(12_000))


@pytest.mark.parametrize(
    "more",
    ["ui: {title: 'a\0b'},", f"plugins: {{entries: {{x: {{config: {DEEP}}}}}}},", f"channels: {{{LARGE}}},"],
    ids=["NUL", "deep", "large"],
)
def test_it_is_read(more: str, state: StateDir) -> None:
    written(state, more)
    assert not state.findings("config-unreadable")
    assert state.examine().config.maintenance.max_entries.value == 77


def test_a_nul_outside_of_a_string_is_refused(state: StateDir) -> None:
    written(state, "\0")
    assert "NUL" in state.only("config-unreadable").message


def test_jobs_in_json5_with_a_nul_and_a_comment_behind_them_are_read(state: StateDir) -> None:
    jobs = json.dumps([job("backup", name="a~b")]).replace("~", "\0")
    state.file("cron/jobs.json", f"{{version: 1, jobs: {jobs},}} // the end")
    (found,) = state.examine().cron.jobs
    assert found.job_id == "backup"
    assert not state.findings("cron-store-unparseable")
