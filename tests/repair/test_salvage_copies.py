"""salvage takes entries only from copies of the very store, and nothing from them that is no entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.files import FileClass
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
    for agent, copy in (("main", f"main.json.{UUID}.tmp"), ("work", UNOWNED)):
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


def test_a_temp_file_of_the_config_gives_no_entry(doctor: Doctor) -> None:
    """The store lies beside openclaw.json, and 2026.5.22 names the temp files of both alike."""
    store = doctor.state.root / "sessions.json"
    config = {"session": {"store": str(store)}, "gateway": {"auth": {"token": "SECRET"}}}
    doctor.state.config(config)
    doctor.state.file("sessions.json", torn({MAIN: row(1), BOB: row(2)}))
    doctor.state.file(UNOWNED, config | {"meta": {"lastTouchedVersion": "2026.5.22"}})
    plan = doctor.plan("salvage")
    assert any("not used as copies" in note.text and note.names == (UNOWNED,) for note in plan.cautions)
    doctor.apply("salvage")
    assert json.loads(store.read_bytes()) == {MAIN: row(1)}


@pytest.mark.parametrize(
    ("name", "copy", "taken"),
    [
        (TMP, {"version": 2, "runs": {"x": {"a": 1}}, BOB: row(2)}, False),
        (TMP, {"version": 2, MAIN: row(1), BOB: row(2)}, True),
        (TMP, {MAIN.replace("main", "work"): row(1), BOB: row(2)}, True),
        (UNOWNED, {MAIN: row(1), BOB: row(2)}, True),
        (UNOWNED, {"agent:work:main": row(1), BOB: row(2)}, False),
        (UNOWNED, {"global": row(1), BOB: row(2)}, True),
        (UNOWNED, {MAIN: {}, BOB: {"sessionId": "b"}}, False),
    ],
    ids=["registry", "one stranger", "named after it", "its agent's", "half another's", "no agent", "hardly entries"],
)
def test_a_copy_is_mostly_entries_of_the_store(
    doctor: Doctor, name: str, copy: dict[str, object], *, taken: bool
) -> None:
    doctor.state.store(torn({MAIN: row(1), BOB: row(2)}))
    doctor.state.beside(name, copy)
    doctor.apply("salvage")
    entries = {key: value for key, value in copy.items() if key != "version"}
    assert doctor.rows() == {MAIN: row(1)} | (entries if taken else {})


def test_an_empty_copy_is_no_reason_to_leave_a_torn_one(doctor: Doctor) -> None:
    doctor.state.store(b"")
    doctor.state.transcript(1)
    doctor.state.beside(f"sessions.json.bak.{NOW}", b"{}")
    doctor.state.beside(TMP, torn({MAIN: row(1), BOB: row(2)}))
    doctor.apply("salvage")
    assert doctor.rows() == {MAIN: row(1)}


def test_an_entry_of_a_copy_wins_over_a_value_that_is_none(doctor: Doctor) -> None:
    doctor.state.store(torn({BOB: None, MAIN: row(1)}))
    doctor.state.beside(TMP, {BOB: {"sessionId": "bob"}, MAIN: row(1), "agent:main:direct:x": None})
    doctor.apply("salvage")
    assert doctor.rows() == {BOB: {"sessionId": "bob"}, MAIN: row(1)}
