"""Scenes that several tests look at. Looking never writes, so each is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli import scenes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.healthy(tmp_path_factory.mktemp("healthy")).root


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.busy(tmp_path_factory.mktemp("busy")).root


@pytest.fixture(scope="session")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.damaged(tmp_path_factory.mktemp("damaged")).root
