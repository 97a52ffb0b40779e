"""A sessions.json that its import keeps for a plugin whose own migration is not done. 2026.9.5 and 2026.9.6 leave it
with a receipt that names its bytes and the database's device and inode."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.outcome.verdict import Effect
from gatewaydoctor.repair.drafting.options import Options
from gatewaydoctor.repair.run.apply import apply
from tests.fixtures_source.databases import AGENT_VERSION, agent_database, log_of
from tests.fixtures_source.health import AGENT, ROWS, STATE
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, contents, tools
from tests.repair.test_database_faults import edit, sound
from tests.world import HOUR, NOW, StateDir, session_id, talk

if TYPE_CHECKING:
    from pathlib import Path

RULE = "legacy-store-beside-sqlite"
ALONE = "agent:main:telegram:direct:77"


def waiting(tmp_path: Path, release: str, *, moved: bool = False, alone: bool = False, torn: bool = False) -> Doctor:
    """`moved`: the database is another file since; `alone`: a session of the file is in no database any more; `torn`:
    a transcript came with the file, which was cut in its last line when it was imported."""
    state = StateDir(tmp_path, release)
    sound(state)
    rows: dict[str, object] = {key: {"sessionId": session, "updatedAt": at} for key, session, at in ROWS}
    if alone:
        rows[ALONE] = {"sessionId": "gone", "updatedAt": NOW}
    store = state.store(rows)
    digest, stat = hashlib.sha256(store.read_bytes()).hexdigest(), (state.root / AGENT).stat()
    own = store.stat()
    identity = {"dev": str(own.st_dev), "ino": str(own.st_ino), "mtimeNs": str(own.st_mtime_ns), "size": own.st_size}
    sources = [{"path": str(store), "identity": identity | {"sha256": digest}}]
    if torn:
        sources.append(receipt_of(state.transcript(1, talk(1) + b'{"torn')))
    report = json.dumps({"databaseIdentity": f"{stat.st_dev}:{stat.st_ino}", "sources": sources})
    edit(
        state.root / STATE,
        "CREATE TABLE migration_sources (migration_kind TEXT, source_path TEXT, source_sha256 TEXT, status TEXT, "
        "removed_source INTEGER, imported_at INTEGER, report_json TEXT)",
        "INSERT INTO migration_sources VALUES ('deferred-plugin-session-import', "
        f"'{store}', '{digest}', 'completed', 0, {NOW}, '{report}')",
    )
    if moved:
        replace(state.root / AGENT)
    return Doctor(state)


def receipt_of(path: Path) -> dict[str, object]:
    stat = path.stat()
    found = {"dev": str(stat.st_dev), "ino": str(stat.st_ino), "mtimeNs": str(stat.st_mtime_ns), "size": stat.st_size}
    return {"path": str(path), "identity": found | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}


def transcript(doctor: Doctor) -> Path:
    return doctor.store.with_name(f"{session_id(1)}.jsonl")


def replace(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(0, path.stat().st_mtime_ns))
    copy.rename(path)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("release", "moved"), [("2026.9.5", False), ("2026.9.6", False), ("2026.9.6", True)])
def test_where_a_start_passes_over_it_no_repair_touches_it(
    tmp_path: Path, release: str, moved: bool, alone: bool
) -> None:
    """Rewritten in part, the receipt is contradicted, and 2026.9.6 refuses to start (exit 78)."""
    doctor = waiting(tmp_path, release, moved=moved, alone=alone)
    found = doctor.state.only(RULE)
    assert (found.severity.word, found.fix) == ("info", None)
    assert "imports it no second time" in found.consequence
    plan = doctor.plan("leftover")
    assert plan.empty
    assert [each.repair for each in plan.refusals] == ["leftover"]
    everything = doctor.plan()
    assert not [each for each in everything.steps if each.repair == "leftover"]
    assert not [each for each in everything.start_after if each.kind == "imports"]


def test_a_source_that_was_copied_is_another_file(tmp_path: Path) -> None:
    """2026.9.5 refuses to start because of a receipt of a directory that was restored from a backup."""
    doctor = waiting(tmp_path, "2026.9.5")
    replace(doctor.store)
    assert doctor.state.only(RULE).severity.word == "error"
    doctor.apply("leftover")
    assert not doctor.store.exists()


@pytest.mark.parametrize("alone", [False, True])
def test_where_a_start_is_refused_over_its_receipt_it_goes_whole(tmp_path: Path, alone: bool) -> None:
    doctor = waiting(tmp_path, "2026.9.5", moved=True, alone=alone)
    found = doctor.state.only(RULE)
    assert found.severity.word == "error"
    assert found.fix is not None and found.fix.repairs == ("leftover",)
    doctor.there_and_back("leftover")
    doctor.apply("leftover")
    assert not doctor.store.exists()
    assert RULE not in doctor.rules()


@pytest.mark.parametrize(("release", "goes"), [("2026.9.5", True), ("2026.9.6", False)])
def test_a_repair_that_makes_the_database_again_takes_it_along(tmp_path: Path, release: str, goes: bool) -> None:
    """2026.9.5 refuses to start once the database is another file; 2026.9.6 makes its record anew."""
    doctor = waiting(tmp_path, release)
    log = log_of(agent_database(AGENT_VERSION, {"done": 40}, rows=ROWS))
    doctor.state.file(f"{AGENT}-wal", log, HOUR)
    plan = doctor.plan("compact")
    assert [step.target for step in plan.steps if step.repair == "leftover"] == [
        "agents/main/sessions/sessions.json"
    ] * goes
    doctor.there_and_back("compact")
    doctor.apply("compact")
    assert doctor.store.exists() != goes


def test_no_repair_touches_a_transcript_that_came_with_it(tmp_path: Path) -> None:
    """Its tail cut, 2026.9.6 refuses to start (exit 78, seen)."""
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    assert "transcript-torn-tail" not in doctor.rules()
    assert doctor.plan().empty
    name = transcript(doctor).name
    plan = doctor.plan("transcripts", "orphans", "missing", options=Options(names=frozenset({name})))
    assert plan.empty
    assert {each.target.rpartition("/")[2] for each in plan.refusals} == {name}
    assert all("Its import keeps it for a plugin" in each.reason for each in plan.refusals)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def gone(path: Path) -> None:
    path.unlink()


def same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"torn", b"tear"))


@pytest.mark.parametrize("damage", [cut, gone, same_size])
def test_a_start_is_refused_over_a_transcript_that_is_not_as_it_was(tmp_path: Path, damage) -> None:
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    assert doctor.state.judge().verdict.effect is None
    damage(transcript(doctor))
    found = doctor.state.only(RULE)
    assert found.severity.word == "error"
    assert "1 transcript that the import of this agent keeps" in found.message
    assert found.fix is None
    assert doctor.state.judge().verdict.effect is Effect.FAILS
    assert doctor.plan().empty


def test_a_copy_of_the_directory_is_as_it_was(tmp_path: Path) -> None:
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    path = transcript(doctor)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert doctor.state.judge().verdict.effect is None


def test_an_agent_is_parked_with_what_its_import_keeps_and_put_back(tmp_path: Path) -> None:
    """2026.9.6 starts without the agent (seen), and its receipt finds the same bytes afterwards."""
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    before = contents(doctor.state.root)
    options = Options(names=frozenset({"main"}))
    apply(doctor.plan("park", options=options), tools(), DEAD)
    assert not transcript(doctor).exists()
    apply(doctor.plan("unpark", options=options), tools(), DEAD)
    assert contents(doctor.state.root) == before
    assert doctor.state.judge().verdict.effect is None


def test_what_is_gone_with_its_store_contradicts_no_receipt(tmp_path: Path) -> None:
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    transcript(doctor).unlink()
    assert doctor.state.judge().verdict.effect is Effect.FAILS
    doctor.store.unlink()
    assert doctor.state.judge().verdict.effect is None
    (source,) = doctor.state.examine().migration.retained
    assert source.gone and not source.contradicted


@pytest.mark.parametrize("known", [{}, {"size": 12}, {"dev": "x", "ino": None, "mtimeNs": 1.5, "sha256": 7}])
def test_a_receipt_says_nothing_of_what_it_lacks(tmp_path: Path, known: dict[str, object]) -> None:
    doctor = waiting(tmp_path, "2026.9.6", torn=True)
    report = json.dumps({"sources": [{"path": str(transcript(doctor)), "identity": known}, {"path": 7}, None]})
    edit(doctor.state.root / STATE, f"UPDATE migration_sources SET report_json = '{report}'")
    (source,) = doctor.state.examine().migration.retained
    assert (source.moved, source.changed) == (("size" in known), (transcript(doctor),) * ("size" in known))
