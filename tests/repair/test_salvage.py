"""salvage: from what is left of a store, and from the copies beside it, to one that every release reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.repair.drafting.origins import kept_origins, planned_origins
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.vault.layout import RunPlace
from gatewaydoctor.repair.vault.provenance import provenance
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import DEAD, tools, tree
from tests.world import DAY, HOUR, NOW, StateDir, row, run_key, talk


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


ROWS = {f"agent:main:telegram:direct:{n}": row(n, age=n * HOUR, text="x" * 50) for n in range(1, 9)}
TEXT = json.dumps(ROWS, indent=2).encode()
TMP = "sessions.json.0b6dd4ee-6b1c-4f43-9a8a-6a3f2e2a9d10.tmp"
BAK = f"sessions.json.bak.{NOW - DAY}"


def key(number: int) -> str:
    return f"agent:main:telegram:direct:{number}"


def cut_before(number: int) -> bytes:
    return TEXT[: TEXT.index(key(number).encode()) + 30]


def holed(number: int) -> bytes:
    at = TEXT.index(key(number).encode()) + 40
    return TEXT[:at] + bytes(60) + TEXT[at + 60 :]


@pytest.mark.parametrize(
    ("data", "lost"),
    [
        (cut_before(6), {6, 7, 8}),
        (holed(3), {3}),
        (b"\xef\xbb\xbf" + TEXT, set()),
        (TEXT + bytes(300), set()),
        (TEXT + TEXT[:100], set()),
        (TEXT[:-2] + b",\n}", set()),
        (TEXT[200:], {1}),
    ],
    ids=["cut", "hole", "byte order mark", "nul tail", "second document", "trailing comma", "front lost"],
)
def test_every_whole_entry_comes_back(doctor: Doctor, data: bytes, lost: set[int]) -> None:
    doctor.state.store(data)
    doctor.there_and_back()
    receipt = doctor.apply()
    assert receipt is not None
    assert doctor.rows() == {name: value for name, value in ROWS.items() if name not in {key(n) for n in lost}}
    sessions = doctor.state.judge().examination.stores[0].sessions
    assert sessions is not None
    assert sessions.reading.readable is Readable.YES
    kept = next((doctor.state.root / ".gatewaydoctor/runs").glob("*/files/000000"))
    assert kept.read_bytes() == data


def test_the_newest_version_of_each_entry_is_taken(doctor: Doctor) -> None:
    doctor.state.store(cut_before(5))
    newer = ROWS[key(2)] | {"updatedAt": NOW, "label": "newer"}
    older = ROWS[key(3)] | {"updatedAt": 5, "label": "older"}
    doctor.state.beside(TMP, {key(2): newer, key(3): older, key(7): ROWS[key(7)]})
    doctor.state.beside(BAK, json.dumps({key(8): ROWS[key(8)], key(9): row(9)}).encode()[:-9])
    plan = doctor.plan()
    recovered = {step.target.rpartition("/")[2]: step.count for step in steps(plan, "salvage")}
    assert recovered == {"sessions.json": 3, TMP: 2, BAK: 1}
    doctor.apply("salvage")
    rows = doctor.rows()
    assert set(rows) == {key(n) for n in (1, 2, 3, 4, 7, 8)}
    assert rows[key(2)] == newer
    assert rows[key(3)] == ROWS[key(3)]
    assert (doctor.store.parent / TMP).exists()


def test_copies_bring_back_people_and_not_old_runs(doctor: Doctor) -> None:
    doctor.state.store(cut_before(3))
    doctor.state.beside(BAK, ROWS | {run_key("j", n): row(n, age=3 * DAY) for n in range(20, 40)})
    doctor.apply("salvage")
    assert set(doctor.rows()) == set(ROWS)


@pytest.mark.parametrize("data", [b"", None], ids=["empty", "gone"])
def test_an_empty_or_missing_store_comes_back_from_the_best_copy(doctor: Doctor, data: bytes | None) -> None:
    runs = {run_key("j", n): row(n, age=3 * HOUR) for n in range(20, 23)}
    if data is not None:
        doctor.state.store(data)
    doctor.state.transcript(1)
    doctor.state.beside(TMP, TEXT[:300])
    doctor.state.beside(BAK, ROWS | runs)
    doctor.there_and_back("salvage")
    doctor.apply("salvage")
    assert doctor.rows() == ROWS | runs
    assert doctor.store.stat().st_mode & 0o777 == 0o600


def test_nothing_whole_anywhere_changes_nothing(doctor: Doctor) -> None:
    doctor.state.store(b"\x89PNG")
    doctor.state.transcript(1)
    before = tree(doctor.state.root, vault=True)
    plan = doctor.plan()
    assert plan.empty
    assert any("complete session" in note.text for note in plan.cautions)
    assert tree(doctor.state.root, vault=True) == before


def test_other_row_repairs_wait_for_salvage(doctor: Doctor) -> None:
    doctor.state.store(cut_before(3))
    plan = doctor.plan("trim")
    assert plan.empty
    assert "damaged" in plan.refusals[0].reason


def test_salvage_and_trim_work_together(doctor: Doctor) -> None:
    runs = {run_key("j", n): row(n, age=3 * DAY, status="running") for n in range(20, 60)}
    data = json.dumps(ROWS | runs, indent=2).encode()
    doctor.state.store(data[:-40])
    doctor.there_and_back()
    doctor.apply()
    assert doctor.rows() == ROWS
    assert not doctor.rules() & {"store-unparseable", "session-stuck-running"}


def test_a_store_in_one_line_is_salvaged_too(doctor: Doctor) -> None:
    data = json.dumps(ROWS, separators=(",", ":")).encode()
    at = data.index(key(4).encode()) + 60
    doctor.state.store(data[:at] + bytes(10) + data[at + 10 :])
    doctor.apply()
    assert set(doctor.rows()) == {key(n) for n in (1, 2, 3, 5, 6, 7, 8)}


def test_one_plan_leaves_nothing_but_its_sources(doctor: Doctor) -> None:
    """A store over its cap, with old runs, bulk and a temp file, torn: all in one plan. The temp file, which the
    store was mended from, only goes once that has been read again."""
    doctor.state.maintenance(maxEntries=100)
    bulk = {"prompt": "p" * 20_000}
    people = {f"agent:main:telegram:direct:{n}": row(n, skillsSnapshot=bulk) for n in range(1, 300)}
    runs = {run_key("j", n): row(n, age=n * HOUR) for n in range(300, 900)}
    data = json.dumps(runs | people, indent=2).encode()
    doctor.state.store(data[:-30])
    doctor.state.beside(TMP, {key(1): row(1, label="other")}, age=2 * HOUR)
    plan = doctor.plan()
    assert {step.repair for step in plan.steps} == {"salvage", "trim", "slim"}
    assert any("Not moved: 1 temp file" in note.text and note.names == (TMP,) for note in plan.cautions)
    assert steps(doctor.plan("salvage", "temps"), "temps") == []
    apply(plan, tools(), DEAD)
    doctor.apply()
    assert not (doctor.store.parent / TMP).exists()
    rows = doctor.rows()
    assert len(rows) == 298
    assert not any("skillsSnapshot" in value for value in rows.values())


def test_torn_transcripts_of_what_comes_back_are_in_the_same_plan(doctor: Doctor) -> None:
    doctor.state.store(TEXT[:-40])
    path = doctor.state.transcript(2, talk(2) + b'{"type":"mess')
    doctor.state.transcript(30, talk(30) + b'{"type":"mess')
    plan = doctor.plan()
    assert [step.repair for step in plan.steps] == ["salvage", "transcripts"]
    assert not [note for note in plan.cautions if note.command]
    doctor.there_and_back()
    doctor.apply()
    assert path.read_bytes() == talk(2)


def test_each_entry_says_where_it_comes_from(doctor: Doctor) -> None:
    doctor.state.store(cut_before(4))
    doctor.state.beside(TMP, {key(2): ROWS[key(2)] | {"updatedAt": NOW}})
    doctor.state.beside(BAK, ROWS)
    plan = doctor.plan("salvage")
    target = plan.acts[0].target
    found = {name: path.rpartition("/")[2] for name, path in provenance(tools().fs, plan, target)}
    expected = dict.fromkeys(ROWS, BAK) | {key(1): "sessions.json", key(3): "sessions.json", key(2): TMP}
    assert found == expected
    doctor.apply("salvage")
    assert list(found) == list(doctor.rows())


def test_a_run_keeps_the_list_of_where_each_entry_came_from(doctor: Doctor) -> None:
    doctor.state.store(cut_before(4))
    doctor.state.beside(BAK, ROWS)
    plan = doctor.plan("salvage")
    (planned,) = planned_origins(tools().fs, plan, 2)
    store, copy = plan.acts[0].target, plan.acts[0].target.replace("sessions.json", BAK)
    assert planned.sources == {store: 3, copy: 5}
    assert len(planned.entries) == 2
    receipt = apply(plan, tools(), DEAD)
    assert receipt is not None
    (kept,) = kept_origins(tools().fs, RunPlace(Path(receipt.vault), doctor.state.root), None)
    assert kept.sources == planned.sources
    assert dict(kept.entries) == {key(n): store if n < 4 else copy for n in range(1, 9)}
    doctor.undo()


def test_two_stores_of_one_agent_are_counted_apart(doctor: Doctor) -> None:
    doctor.state.config({"session": {"store": str(doctor.state.root / "custom/{agentId}.json")}})
    doctor.state.store(cut_before(4))
    doctor.state.file("custom/main.json", cut_before(6))
    plan = doctor.plan("salvage")
    found = {origins.target: dict(origins.sources) for origins in planned_origins(tools().fs, plan, 2)}
    assert found == {act.target: {act.target: count} for act, count in zip(plan.acts, (5, 3), strict=True)}


def test_a_run_that_salvages_nothing_keeps_no_list(doctor: Doctor) -> None:
    doctor.state.store(ROWS | {run_key("j", n): row(n, age=3 * DAY, status="running") for n in range(20, 60)})
    receipt = doctor.apply("trim")
    assert receipt is not None
    assert kept_origins(tools().fs, RunPlace(Path(receipt.vault), doctor.state.root), None) == ()


def test_a_key_that_two_keys_were_joined_to_is_named(doctor: Doctor) -> None:
    """A line of the store that begins with the start of one key and goes on with the end of another."""
    joined = TEXT.replace(b'"agent:main:telegram:direct:4"', b'"agent:main:telegragent:main:telegram:direct:4"')
    doctor.state.store(joined[:-40])
    (note,) = [each for each in doctor.plan("salvage").cautions if "of no form" in each.text]
    assert note.names == ("agent:main:telegragent:main:telegram:direct:4",)
    doctor.state.store(TEXT[:-40])
    assert not [each for each in doctor.plan("salvage").cautions if "of no form" in each.text]
