"""Leases and records of owners in the state database that keep a gateway from its start."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.harness import run
from tests.state.fakes import FakeProcess, FakeProcesses

from .asked import AGENT_PATH, NOW, STATE_PATH, rules, started, told
from .made import connect, insert

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lease_that_names_no_owner_is_waited_for(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "gateway-owner", "lease_key": "global", "owner": "x", "expires_at": NOW + 60_000}
        insert(database, "state_leases", **lease, payload_json="{torn")
    assert "does not name" in rules(state)["database-lease"]["message"]


@pytest.mark.parametrize(
    ("payload", "key", "waits"),
    [
        ('{"owner": {"pid": 999999, "host": "HERE", "startedAt": 5}}', "global", False),
        ('{"owner": {"pid": 999999, "host": "HERE", "startedAt": 5}}', "other", False),
        ('{"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": 4242, "host": "gone", "startedAt": 5}}', "other", False),
        ('{"owner": {"pid": 999999, "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": "999999", "host": "HERE", "startedAt": 5}}', "global", True),
        ('{"owner": {"pid": 0, "host": "HERE", "startedAt": 5}}', "global", True),
        ("[1]", "global", True),
    ],
)
def test_an_owner_that_cannot_be_told_is_waited_for(state: Path, payload: str, key: str, waits: bool) -> None:
    """As 2026.9.6 did with each of them."""
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "gateway-owner", "lease_key": key, "owner": "x", "expires_at": NOW + 60_000}
        insert(database, "state_leases", **lease, payload_json=payload.replace("HERE", socket.gethostname()))
    assert ("database-lease" in rules(state)) is waits


def test_a_maintenance_lease_without_an_end_is_passed_over(state: Path) -> None:
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"scope": "core:agent-database-maintenance", "lease_key": "global", "owner": "x"}
        insert(database, "state_leases", **lease, expires_at=None, payload_json="{}")
    assert "database-lease" not in rules(state)


def test_a_lease_of_a_process_that_may_have_a_database_open(state: Path) -> None:
    """Its start time was not recorded, and a process of that id runs: 2026.9.6 refused with exit 78."""
    started(state)
    with closing(connect(state / STATE_PATH)) as database:
        lease = {"lease_id": "l", "agent_id": "main", "path": str(state / AGENT_PATH), "opened_at": 5}
        insert(database, "agent_database_leases", **lease, owner_pid=7, owner_start_time=None)
    assert "database-lease" not in rules(state)
    processes = FakeProcesses([FakeProcess(7, ("x",), start_time=5)])
    document = run("scan", "--json", "--state-dir", str(state), "--now", str(NOW), processes=processes).document
    [found] = [each for each in document["findings"] if each["rule"] == "database-lease"]
    assert "(exit 78)" in found["consequence"]


@pytest.mark.parametrize("left_ms", [30_000, -1])
def test_a_maintenance_lease_keeps_a_gateway_from_starting_until_it_expires(state: Path, left_ms: int) -> None:
    with closing(connect(state / STATE_PATH)) as database:
        insert(
            database,
            "state_leases",
            scope="core:agent-database-maintenance",
            lease_key="global",
            owner="x",
            expires_at=NOW + left_ms,
            payload_json=json.dumps({}),
        )
    found = rules(state)
    assert ("database-lease" in found) is (left_ms > 0)
    if left_ms > 0:
        assert "exit 78" in found["database-lease"]["consequence"]
        assert told(state)["verdict"]["start"] == "no"
