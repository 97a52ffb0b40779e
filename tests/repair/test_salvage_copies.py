"""salvage takes entries only from copies of the very store, and nothing from them that is no entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.files import FileClass
from tests.repair.doctor import Doctor
from tests.world import NOW, StateDir, row

if TYPE_CHECKING:
    from pathlib import Path

UUID = "0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10"
UNOWNED = f".fs-safe-replace.123.{UUID}.tmp"
TMP = f"sessions.json.{UUID}.tmp"
MAIN, BOB = "agent:main:main", "agent:main:telegram:direct:bob"


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


def torn(rows: dict[str, object]) -> bytes:
    """A store that breaks off in its last entry."""
    return json.dumps(rows, indent=2).encode()[:-20]


def shared(doctor: Doctor) -> Path:
    """The config of two agents whose stores lie in one directory."""
    directory = doctor.state.root / "st"
    agents = {"list": [{"id": "main"}, {"id": "work"}]}
    doctor.state.config({"agents": agents, "session": {"store": str(directory / "{agentId}.json")}})
    return directory


def test_two_stores_in_one_directory_keep_their_copies_apart(doctor: Doctor) -> None:
    directory = shared(doctor)
    rows = {agent: {f"agent:{agent}:main": row(1), f"agent:{agent}:direct:q": row(2)} for agent in ("main", "work")}
    for agent, copy in (("main", f"main.json.{UUID}.tmp"), ("work", f"work.json.{UUID}.tmp")):
        doctor.state.file(f"st/{agent}.json", torn(rows[agent]))
        doctor.state.file(f"st/{copy}", rows[agent])
    doctor.apply("salvage")
    for agent, expected in rows.items():
        assert json.loads((directory / f"{agent}.json").read_bytes()) == expected


def test_each_store_sees_its_own_files_in_a_shared_directory(doctor: Doctor) -> None:
    shared(doctor)
    names = {f"{agent}.json.{end}" for agent in ("main", "work") for end in (f"{UUID}.tmp", f"bak.{NOW}", "lock")}
    for name in ("main.json", "work.json", *names):
        doctor.state.file(f"st/{name}", {})
    x = doctor.state.examine()
    for store in x.stores[:2]:
        own = {FileClass.STORE, FileClass.STORE_TEMP, FileClass.STORE_BACKUP, FileClass.LOCK}
        found = {record.name for record in store.listing.files if record.cls in own}
        assert found == {name for name in (*names, "main.json", "work.json") if name.startswith(f"{store.agent_id}.")}
    assert {lock.path.name for lock in x.locks} == {"main.json.lock", "work.json.lock"}
    assert x.stores[0].classes[FileClass.STORE_BACKUP].newest == NOW
