"""A database and its logs are one group: after others have written they come back together, or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.model.repair.plan import Transact
from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.merge_plan import merge_plan
from gatewaydoctor.repair.run.merge_run import merge
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs
from gatewaydoctor.repair.writing.errors import InputChanged, LeftHalfway, PutBack
from tests.fixtures_source.health import AGENT
from tests.repair import agentdb
from tests.repair import test_database_faults as databases
from tests.repair.doctor import Doctor
from tests.repair.faults import STRIDE, FaultFs, Killed, Mode
from tests.repair.scene import DEAD, contents, its_process_is_gone, tools, tree
from tests.repair.test_every_repair import compacted, crowded, trim_in_a_database
from tests.repair.test_whose_runs import killed_at, last_of
from tests.world import HOUR, StateDir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUFFIXES = ("", "-wal", "-shm")
LATER = 7_000


def gateway_writes(path: Path, *, closes: bool = False) -> None:
    """A gateway that was stopped, or else one that was killed: all it wrote is in the log, and the file of the
    database is untouched."""
    child = os.fork()
    if not child:
        connection = apsw.Connection(str(path))
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE session_nodes SET updated_at = ?", (LATER,))
        if closes:
            connection.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def settled(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for suffix in SUFFIXES[1:]:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    found = Doctor(StateDir(tmp_path, "2026.9.6"))
    trim_in_a_database(found.state)
    return found


def merged(root: Path) -> None:
    run = last_of(root)
    merge(run, merge_plan(run, tools()), tools(), DEAD)


def sound(path: Path) -> list[tuple[object, ...]]:
    """The rows of a copy that SQLite finds whole."""
    copy = path.parents[4] / "copy"
    for suffix in SUFFIXES[:2]:
        if path.with_name(path.name + suffix).exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    settled(copy)
    assert agentdb.ask(copy, "PRAGMA integrity_check") == [("ok",)]
    rows = agentdb.ask(copy, "SELECT session_key, updated_at FROM session_nodes ORDER BY 1")
    copy.unlink()
    return rows


@pytest.mark.parametrize("first", [True, False], ids=["no log before", "a log before"])
@pytest.mark.parametrize("closes", [False, True], ids=["killed", "stopped"])
def test_neither_a_database_nor_its_log_comes_back_to_what_was_written_since(
    doctor: Doctor, first: bool, closes: bool
) -> None:
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    if first:
        settled(path)
    apply(doctor.plan(Repair.TRIM), tools(), DEAD)
    gateway_writes(path, closes=closes)
    before, rows = tree(root), sound(path)
    with pytest.raises(InputChanged, match=r"openclaw-agent.sqlite has changed since run"):
        undo(last_of(root), tools(), DEAD)
    merged(root)
    assert tree(root) == before
    assert sound(path) == rows
    assert {at for _, at in rows} == {LATER}


@pytest.mark.parametrize("way", [undo, lambda run, kit, _dead: merge_plan(run, kit)], ids=["undo", "merge"])
def test_what_a_later_run_made_of_a_database_is_not_taken_for_a_starts(
    doctor: Doctor, way: Callable[..., object]
) -> None:
    root = doctor.state.root
    apply(doctor.plan(Repair.TRIM), tools(), DEAD)
    first = last_of(root)
    ((kept,), *_) = agentdb.ask(agentdb.path_in(root), "SELECT session_key FROM session_nodes")
    apply(doctor.plan(Repair.PARK, options=Options(names=frozenset({str(kept)}))), tools(), DEAD)
    before, later = tree(root), last_of(root)
    with pytest.raises(
        InputChanged, match=rf"openclaw-agent.sqlite was changed by the later run {later.run_id}"
    ) as told:
        way(first, tools(), DEAD)
    assert f"undo {later.run_id}" in told.value.hint
    assert tree(root) == before
    undo(later, tools(), DEAD)
    undo(first, tools(), DEAD)


def test_a_plan_is_refused_over_a_log_it_has_not_seen(doctor: Doctor) -> None:
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    settled(path)
    plan = doctor.plan(Repair.TRIM)
    gateway_writes(path)
    before = tree(root)
    with pytest.raises(InputChanged, match="-wal has appeared since the plan was made"):
        apply(plan, tools(), DEAD)
    assert tree(root) == before


@pytest.mark.parametrize("repair", [Repair.TRIM, Repair.PARK])
@pytest.mark.parametrize("first", [True, False], ids=["no log before", "a log before"])
def test_a_log_that_appears_at_any_step_of_an_apply_stays_with_its_database(
    ground: Path, first: bool, repair: Repair
) -> None:
    seen, options = 0, Options(names=frozenset({"main"})) if repair is Repair.PARK else Options()
    for step in range(1, 400, STRIDE):
        doctor = Doctor(StateDir(ground, "2026.9.6"))
        trim_in_a_database(doctor.state)
        root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
        if first:
            settled(path)
        plan = doctor.plan(repair, options=options)
        old = path.read_bytes()

        def write(number: int, _name: str, at: int = step, where: Path = path, was: bytes = old) -> None:
            if number == at and where.exists() and where.read_bytes() == was:
                gateway_writes(where)

        fs = FaultFs(hook=write)
        try:
            apply(plan, tools(fs), DEAD)
        except (InputChanged, PutBack, LeftHalfway) as error:
            seen += 1
            if isinstance(error, LeftHalfway):
                merged(root)
            assert path.read_bytes() == old
            assert {at for _, at in sound(path)} == {LATER}
            assert not interrupted_runs(tools().fs, tools().processes, root)
        assert path.exists() or not path.with_name(f"{path.name}-wal").exists()
        done = step > len(fs.log)
        shutil.rmtree(root)
        if done:
            break
    assert seen > 10


@pytest.mark.parametrize("first", [True, False], ids=["no log before", "a log before"])
def test_a_gateway_that_writes_at_any_step_of_an_undo_loses_nothing(ground: Path, first: bool) -> None:
    seen = 0
    for step in range(1, 200):
        doctor = Doctor(StateDir(ground, "2026.9.6"))
        trim_in_a_database(doctor.state)
        root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
        if first:
            settled(path)
        apply(doctor.plan(Repair.TRIM), tools(), DEAD)
        wrote: list[int] = []

        def write(number: int, _name: str, at: int = step, done: list[int] = wrote, where: Path = path) -> None:
            if number >= at and not done and where.exists():
                done.append(number)
                gateway_writes(where)

        fs = FaultFs(hook=write)
        try:
            undo(last_of(root), tools(fs), DEAD)
        except LeftHalfway:
            seen += 1
            merged(root)
        if wrote:
            assert {at for _, at in sound(path)} == {LATER}
        assert not interrupted_runs(tools().fs, tools().processes, root)
        shutil.rmtree(root)
        if step > len(fs.log):
            break
    assert seen > 4


def test_a_run_stopped_between_log_and_database_goes_on_over_no_other_log(doctor: Doctor) -> None:
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    with pytest.raises(Killed):
        apply(doctor.plan(Repair.TRIM), tools(killed_at("exchange", 1)), DEAD)
    assert not path.with_name(f"{path.name}-wal").exists()
    gateway_writes(path)
    before = contents(root)
    for way in (undo, resume):
        with pytest.raises((InputChanged, PutBack)):
            way(last_of(root), tools(), DEAD)
    assert contents(root) == before
    merged(root)
    assert not interrupted_runs(tools().fs, tools().processes, root)
    assert contents(root) == before


def test_a_merge_gives_back_a_whole_group_and_its_undo_takes_it_away_again(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    trim_in_a_database(doctor.state)
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    log, old = path.with_name(f"{path.name}-wal"), path.read_bytes()
    before = contents(root)
    apply(doctor.plan(Repair.TRIM), tools(), DEAD)
    after = contents(root)
    run = last_of(root)

    together: list[bool] = []

    def look(_number: int, _name: str) -> None:
        if log.exists() and path.exists():
            together.append(path.read_bytes() == old)

    merge(run, merge_plan(run, tools()), tools(FaultFs(hook=look)), DEAD)
    assert contents(root) == before
    undo(find_run(tools(), root, None, None), tools(FaultFs(hook=look)), DEAD)
    assert contents(root) == after
    assert together
    assert all(together)


def test_a_foreign_log_does_not_come_back_to_a_database_that_was_written_since(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    databases.foreign_log(doctor.state)
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    begun = tree(root)
    apply(doctor.plan(Repair.LOGS), tools(), DEAD)
    stat = path.stat()
    path.touch()
    before = tree(root)
    with pytest.raises(InputChanged):
        undo(last_of(root), tools(), DEAD)
    merged(root)
    assert tree(root) == before
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    undo(find_run(tools(), root, None, None), tools(), DEAD)
    assert tree(root) == begun


def test_the_log_of_a_parked_agent_does_not_come_back_to_its_new_database(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    compacted(doctor.state)
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    data = path.read_bytes()
    plan = doctor.plan(Repair.PARK, options=Options(names=frozenset({"main"})))
    assert not any(isinstance(act, Transact) for act in plan.acts)
    apply(plan, tools(), DEAD)
    assert not path.exists()
    path.write_bytes(data[: len(data) // 2])
    before = tree(root)
    with pytest.raises(InputChanged):
        undo(last_of(root), tools(), DEAD)
    merged(root)
    assert {name: value for name, value in tree(root).items() if path.name in name} == {
        name: value for name, value in before.items() if path.name in name
    }


def test_a_copy_of_a_database_goes_without_the_log_next_to_it(tmp_path: Path) -> None:
    """No gateway opens it: that log is as old as the copy, and of no account."""
    doctor = Doctor(StateDir(tmp_path, "2026.9.6"))
    crowded(doctor.state)
    doctor.state.file(f"{AGENT}.corrupt-1795000000000-wal", b"x" * 5_000, HOUR)
    before = tree(doctor.state.root)
    apply(doctor.plan(Repair.SPACE), tools(), DEAD, tmp_path / "vault")
    assert not (doctor.state.root / f"{AGENT}.corrupt-1795000000000").exists()
    undo(find_run(tools(), doctor.state.root, tmp_path / "vault", None), tools(), DEAD)
    assert tree(doctor.state.root) == before


def test_what_a_start_made_in_an_empty_place_gets_what_the_run_took_away(doctor: Doctor) -> None:
    """Where names cannot be exchanged a database is away for a moment, and a start makes an empty one."""
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    before = agentdb.ask(_laid_over(path), PEOPLE)
    killed_while_away(doctor)
    other = agentdb.make(root.with_name("empty"), {}, version=17)
    settled(other)
    shutil.copyfile(other, path)
    merged(root)
    assert not interrupted_runs(tools().fs, tools().processes, root)
    assert agentdb.ask(path, PEOPLE) == []
    assert [each.count for each in doctor.state.findings("store-copy-has-more")] == [2]
    doctor.apply("salvage")
    assert agentdb.ask(path, PEOPLE) == before
    assert [key for key, _ in before]


def test_a_database_that_is_away_comes_back_with_its_log(doctor: Doctor) -> None:
    """As after a start that had no use for it, and a merge for the sake of another one."""
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    before = agentdb.ask(_laid_over(path), PEOPLE)
    killed_while_away(doctor)
    merged(root)
    assert not interrupted_runs(tools().fs, tools().processes, root)
    assert agentdb.ask(_laid_over(path), PEOPLE) == before


def killed_while_away(doctor: Doctor) -> None:
    root, path = doctor.state.root, agentdb.path_in(doctor.state.root)
    for step in range(20, 90):
        doctor.state.root.rename(root.with_name("kept")) if step == 20 else shutil.rmtree(root)
        shutil.copytree(root.with_name("kept"), root, symlinks=True)
        plan = doctor.plan("trim")
        with suppress(Killed):
            apply(plan, tools(FaultFs(step, Mode.KILL, swaps=False)), DEAD)
        its_process_is_gone(root)
        if not path.exists():
            break
    assert not path.exists()


PEOPLE = (
    "SELECT n.session_key, e.event_json FROM session_nodes n JOIN transcript_events e "
    "ON e.session_id = n.current_session_id WHERE n.session_key NOT LIKE '%:cron:%' ORDER BY 1, 2"
)


def _laid_over(path: Path) -> Path:
    copy = path.parents[4] / "laid-over"
    for suffix in SUFFIXES[:2]:
        shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    settled(copy)
    return copy
