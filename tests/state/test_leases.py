"""Liveness from the rows of a state database."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.liveness import Liveness, Witness
from gatewaydoctor.state.alive.liveness import gateway_liveness
from tests.database.made import STATE, insert
from tests.state.fakes import BOOT, ClosedFs, FakeProcess, FakeProcesses, config_of, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.liveness import Evidence, GatewayState
    from gatewaydoctor.system.fs import ReadFs

NOW = BOOT + 10_000_000
HERE = socket.gethostname()
GATEWAY = FakeProcess(7, ("node", "/srv/server.js"), start_time=5_000)
"""Nothing but a row tells that it works on the directory."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "home" / ".openclaw"
    (path / "state").mkdir(parents=True)
    with closing(sqlite3.connect(path / "state" / "openclaw.sqlite")) as database:
        database.executescript(STATE)
    return path


def row(state: Path, table: str, **values: object) -> None:
    with closing(sqlite3.connect(state / "state" / "openclaw.sqlite")) as database, database:
        insert(database, table, **values)


def owner(state: Path, *, pid: int = 7, start: int = 5_000, host: str = HERE, left: int = 60_000) -> None:
    payload = json.dumps({"owner": {"pid": pid, "host": host, "startedAt": start}, "port": 1})
    times = {"expires_at": NOW + left, "heartbeat_at": NOW + left - 300_000}
    row(state, "state_leases", scope="gateway-owner", lease_key="global", owner="x", payload_json=payload, **times)


def opened(state: Path, path: str, *, start: int = 5_000) -> None:
    more = {"path": path, "owner_pid": 7, "owner_start_time": start, "opened_at": NOW - 60_000}
    row(state, "agent_database_leases", lease_id="x", agent_id="main", **more)


def ask(state: Path, *table: FakeProcess, fs: ReadFs | None = None) -> GatewayState:
    env = {"TMPDIR": str(state.parent / "tmp")}
    place, config = place_of(state, env), config_of(state)
    return gateway_liveness(fs or ClosedFs(), place, config, env, FakeProcesses(list(table)), NOW, lambda _: False)


def leases(found: GatewayState) -> list[Evidence]:
    return [each for each in found.evidence if each.witness is Witness.LEASE]


@pytest.mark.parametrize("left", [60_000, -60_000])
def test_the_process_of_an_owner_lease_runs(state: Path, left: int) -> None:
    owner(state, left=left)
    found = ask(state, GATEWAY)
    assert found.liveness is Liveness.LIVE
    assert [(each.says, each.pid) for each in leases(found)] == [(Liveness.LIVE, 7)]


@pytest.mark.parametrize("table", [(), (FakeProcess(7, ("cron",), start_time=6_000),)])
def test_an_owner_that_has_ended_is_no_obstacle(state: Path, table: tuple[FakeProcess, ...]) -> None:
    owner(state)
    opened(state, str(state / "agents" / "main" / "agent" / "openclaw-agent.sqlite"))
    found = ask(state, *table)
    assert found.liveness is Liveness.DEAD
    assert ["has ended" in each.text for each in leases(found)] == [True, True]


def test_a_lease_of_another_host_counts_until_it_expires(state: Path) -> None:
    owner(state, pid=42, host="blue")
    found = ask(state, GATEWAY)
    assert found.liveness is Liveness.UNKNOWN
    [lease] = leases(found)
    assert "process 42 on blue (until 2027-01-15 10:47:40 UTC)" in lease.text


def test_an_expired_lease_of_another_host_is_none(state: Path) -> None:
    owner(state, pid=7, host="blue", left=-1)
    assert ask(state, GATEWAY).liveness is Liveness.DEAD


def test_a_database_lease_proves_life(state: Path) -> None:
    opened(state, str(state / "agents" / "main" / "agent" / "openclaw-agent.sqlite"))
    assert ask(state, GATEWAY).liveness is Liveness.LIVE


def test_a_database_lease_under_the_path_of_a_container_proves_life(state: Path) -> None:
    opened(state, "/home/node/.openclaw/agents/main/agent/openclaw-agent.sqlite")
    assert ask(state, GATEWAY).liveness is Liveness.LIVE


def test_a_copied_database_lease_is_that_of_the_original(state: Path, tmp_path: Path) -> None:
    for directory in (tmp_path / "original", state):
        path = directory / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
        path.parent.mkdir(parents=True)
        path.touch()
    opened(state, str(tmp_path / "original" / "agents" / "main" / "agent" / "openclaw-agent.sqlite"))
    assert ask(state, GATEWAY).liveness is Liveness.DEAD


def test_a_copied_owner_lease_is_that_of_the_original(state: Path) -> None:
    owner(state)
    other = FakeProcess(7, ("openclaw-gateway",), start_time=5_000, env={"OPENCLAW_STATE_DIR": "/srv/original"})
    found = ask(state, other)
    assert found.liveness is Liveness.DEAD
    assert "this one is a copy" in leases(found)[0].text


@pytest.mark.parametrize(("status", "says"), [("running", Liveness.LIVE), ("ok", Liveness.DEAD)])
def test_the_receipt_of_a_cron_run(state: Path, status: str, says: Liveness) -> None:
    values = {"status": status, "owner_pid": 7, "owner_start_time": 5_000, "started_at_ms": NOW - 60_000}
    row(state, "cron_run_receipts", receipt_id="r", store_key="x", job_id="j", **values)
    assert ask(state, GATEWAY).liveness is says


def test_without_rows_it_was_asked(state: Path) -> None:
    assert [each.says for each in leases(ask(state))] == [Liveness.DEAD]


def test_without_a_state_database_nothing_was_asked(state: Path) -> None:
    (state / "state" / "openclaw.sqlite").unlink()
    assert not leases(ask(state))


def test_a_state_database_that_may_not_be_read_leaves_it_open(state: Path) -> None:
    found = ask(state, fs=ClosedFs(state / "state" / "openclaw.sqlite"))
    assert found.liveness is Liveness.UNKNOWN


def test_a_damaged_state_database_tells_nothing(state: Path) -> None:
    (state / "state" / "openclaw.sqlite").write_bytes(b"garbage" * 1000)
    found = ask(state)
    assert (found.liveness, leases(found)) == (Liveness.DEAD, [])
