"""Directories with the databases of an agent and of the state."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.storage.database import schema

from .asked import AGENT_PATH, NOW, STATE_PATH
from .made import AGENT, STATE, Made, connect, insert, node

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    root = tmp_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    Made(root / AGENT_PATH, AGENT, 23)
    Made(root / STATE_PATH, STATE, 18)
    with closing(connect(root / AGENT_PATH)) as database:
        for number in range(40):
            node(database, f"agent:main:telegram:direct:{number}", "done", at=NOW)
    return root


@pytest.fixture
def plain(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same directory; its tables, which are not all that a release makes, are compared with none."""
    monkeypatch.setattr(schema, "_known", dict)
    for path, role, version in ((AGENT_PATH, "agent", 23), (STATE_PATH, "global", 18)):
        agent = "main" if role == "agent" else None
        with closing(connect(state / path)) as database:
            insert(database, "schema_meta", meta_key="primary", role=role, schema_version=version, agent_id=agent)
    return state
