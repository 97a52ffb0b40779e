from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.gates import DIRECTORIES, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.cli.harness import Ran


@dataclass(frozen=True)
class Looked:
    """A directory and a way to run a verb on it. `told` is the whole JSON document of `check`."""

    name: str
    path: Path
    run: Callable[..., Ran]
    told: dict[str, Any]

    def check(self, form: str, *options: str) -> Ran:
        return self.run("check", "--state-dir", str(self.path), "--format", form, *options)


@pytest.fixture(params=DIRECTORIES)
def looked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looked:
    """Each of the directories in turn, looked at from a working directory without settings."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    path = DIRECTORIES[request.param](tmp_path)
    told = run("check", "--state-dir", str(path), "--json", "--all")
    return Looked(request.param, path, run, json.loads(told.out))


@pytest.fixture
def no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looked:
    """A directory that is not there."""
    monkeypatch.chdir(tmp_path)
    return Looked("missing", tmp_path / "missing", run, {})
