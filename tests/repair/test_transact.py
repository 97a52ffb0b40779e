"""Editing a database: what comes of it, and what a failure or a kill at any step leaves."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import apsw
import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.edits import DropFields, DropSessions, EndedSession, EndSessions
from gatewaydoctor.model.repair.plan import Move, Plan, Transact
from gatewaydoctor.repair.databases.making import log_ahead
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, verify_run
from gatewaydoctor.repair.vault.codec import encode, read_plan, with_id
from gatewaydoctor.repair.writing.errors import DatabaseUnsound, LeftHalfway, PutBack, Refused, Stopped
from tests.repair import agentdb
from tests.repair.faults import WAYS_BY_SWAPS, FaultFs, Killed, Mode, telling
from tests.repair.scene import DEAD, NOW, contents, fingerprint, tools, tree
from tests.repair.test_apply import Rotting
from tests.world import run_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.repair.edits import Edit

TARGET = "agents/main/agent/openclaw-agent.sqlite"
GONE = (run_key("job", 0), run_key("job", 1))
EDITS: tuple[Edit, ...] = (
    DropSessions(keys=GONE),
    EndSessions(status="failed", sessions=(EndedSession("agent:main:main", 5), EndedSession(agentdb.BASE, 6))),
    DropFields(fields=("pad",), keys=(agentdb.CONVERSATION,)),
)


def made(root: Path) -> Path:
    root.mkdir(mode=0o700)
    agentdb.make(root, agentdb.rows(4), pad="x" * 200, abortedLastRun=True)
    return root


def plan_for(root: Path, edits: tuple[Edit, ...] = EDITS, sessions: int = 5, agent: str = "main") -> Plan:
    target = TARGET.replace("main", agent)
    prints = [fingerprint(root, f"{target}{suffix}", hashed=False) for suffix in ("", "-wal", "-shm")]
    acts = (
        Move(source=1),
        Move(source=2),
        Transact(target=target, replaces=0, log=(1,), edits=edits, size=200_000, sessions=sessions),
    )
    return with_id(
        Plan(created_at=NOW, state_dir=str(root), repairs=("trim",), fingerprints=tuple(prints), acts=acts)
    )


def inodes(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in (root / "agents/main/agent").iterdir()}


def pending(root: Path):
    kit = tools()
    return interrupted_runs(kit.fs, kit.processes, root, None)


def test_edits_reach_everything_that_belongs_to_a_session(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    apply(plan_for(root), tools(), DEAD)
    path = root / TARGET
    assert sorted(inodes(root)) == ["openclaw-agent.sqlite"]
    assert agentdb.statuses(path) == {
        agentdb.CONVERSATION: "done",
        "agent:main:main": "failed",
        agentdb.BASE: "failed",
        run_key("job", 2): "done",
        run_key("job", 3): "running",
    }
    for table in ("session_windows", "session_goal_operations"):
        assert agentdb.ask(path, f"SELECT count(*) FROM {table}") == [(5,)], table
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events") == [(10,)]
    assert agentdb.ask(path, "SELECT count(*) FROM session_transcript_fts WHERE text MATCH 'words'") == [(10,)]
    assert agentdb.ask(path, "SELECT count(*) FROM session_nodes WHERE entry_valid <> 1") == [(0,)]
    entries = {
        key: json.loads(text) for key, text in agentdb.ask(path, "SELECT session_key, entry_json FROM session_nodes")
    }
    ended = entries["agent:main:main"]
    assert (ended["status"], ended["endedAt"], ended["abortedLastRun"]) == ("failed", 5, False)
    assert "pad" not in entries[agentdb.CONVERSATION]
    assert entries[run_key("job", 3)]["abortedLastRun"] is True
    assert agentdb.ask(path, "PRAGMA user_version") == [(23,)]
    assert path.read_bytes()[18:20] == b"\2\2"


def test_undo_renames_the_whole_group_back(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    before, numbers = tree(root), inodes(root)
    receipt = apply(plan_for(root), tools(), DEAD)
    assert receipt is not None
    run = find_run(tools(), root, None, None)
    assert not [each for each in verify_run(tools(), run) if each.problem]
    undo(run, tools(), DEAD)
    assert tree(root) == before
    assert inodes(root) == numbers


def test_a_vault_on_another_path_keeps_a_copy(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    before, vault = tree(root), tmp_path / "vault"
    apply(plan_for(root), tools(), DEAD, vault)
    assert agentdb.statuses(root / TARGET).keys().isdisjoint(GONE)
    undo(find_run(tools(), root, vault, None), tools(), DEAD)
    assert tree(root) == before


def test_a_window_that_another_session_points_at_stays_with_it(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    path = root / TARGET
    connection = agentdb.connected(path)
    connection.execute(
        "UPDATE session_nodes SET current_session_id = 'shared' WHERE session_key = ?", (agentdb.BASE,)
    )
    connection.execute("INSERT INTO session_windows VALUES ('shared', ?, 'done', 1, 2, 3)", (GONE[0],))
    connection.execute("INSERT INTO transcript_events VALUES ('shared', 1, '{}', 1)")
    connection.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).touch()
    apply(plan_for(root, (DropSessions(keys=GONE),)), tools(), DEAD)
    assert agentdb.ask(path, "SELECT session_key FROM session_windows WHERE session_id = 'shared'") == [
        (agentdb.BASE,)
    ]
    assert agentdb.ask(path, "SELECT count(*) FROM transcript_events WHERE session_id = 'shared'") == [(1,)]


@pytest.mark.parametrize("damage", ["rows", "foreign key", "page", "constraint"])
def test_a_database_that_does_not_come_out_sound_is_left_alone(tmp_path: Path, damage: str) -> None:
    root = made(tmp_path / "state")
    path = root / TARGET
    if damage == "foreign key":
        connection = agentdb.connected(path)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO transcript_events VALUES ('lost', 1, '{}', 1)")
        connection.close()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).touch()
    if damage == "constraint":
        connection = agentdb.connected(path)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE session_nodes SET status = 'odd' WHERE session_key = ?", (agentdb.CONVERSATION,))
        connection.close()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).touch()
    if damage == "page":
        data = bytearray(path.read_bytes())
        data[2048:6144] = bytes(4096)
        path.write_bytes(data)
    before = tree(root, vault=True)
    with pytest.raises(DatabaseUnsound):
        apply(plan_for(root, sessions=9 if damage == "rows" else 5), tools(), DEAD)
    assert tree(root, vault=True) == before


def test_a_database_that_does_not_read_back_as_written_is_no_success(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    original = (root / TARGET).read_bytes()
    with pytest.raises(LeftHalfway, match="does not load as planned"):
        apply(plan_for(root), tools(Rotting("openclaw-agent.sqlite")), DEAD)
    assert len(pending(root)) == 1
    assert original in [path.read_bytes() for path in root.rglob("*") if path.is_file()]


def test_a_plan_with_a_database_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    plan = plan_for(root)
    saved = tmp_path / "plan.json"
    saved.write_bytes(encode(plan))
    assert read_plan(tools().fs, saved) == plan


def every_step(base: Path, mode: Mode, *, swaps: bool) -> Iterator[tuple[int, FaultFs, Path, object]]:
    """Each step that tells, on a copy of its own, with the error that apply ended in and what was there before."""
    pristine, root, straight = made(base / "pristine"), base / "state", FaultFs(swaps=swaps)
    shutil.copytree(pristine, root)
    apply(plan_for(root), tools(straight), DEAD)
    assert {"rename_new", "fsync", "fsync_dir", "write", "unlink", "rmdir"} <= set(straight.log)
    assert ("exchange" in straight.log) == swaps
    shutil.rmtree(root)
    for step in telling(straight.log, mode):
        shutil.copytree(pristine, root)
        before = tree(root)
        fs = FaultFs(step, mode, swaps=swaps)
        error: BaseException | None = None
        try:
            apply(plan_for(root), tools(fs), DEAD)
        except (DoctorError, Killed) as raised:
            error = raised
        assert fs.fault_met
        yield step, fs, root, (error, before)
        fs.release()
        shutil.rmtree(root)


def is_new(root: Path) -> bool:
    names = [name for name in inodes(root) if not name.startswith(".gatewaydoctor")]
    return names == ["openclaw-agent.sqlite"] and len(agentdb.statuses(root / TARGET)) == 5


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.FULL, Mode.INTERRUPT], ids=lambda mode: mode.name)
@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_a_failure_at_any_step_leaves_everything_as_it_was(ground: Path, mode: Mode, swaps: bool) -> None:
    seen: set[type] = set()
    for step, fs, root, (error, before) in every_step(ground, mode, swaps=swaps):
        if error is None:
            assert is_new(root), (step, fs.log[-1])
            continue
        if isinstance(error, LeftHalfway):
            assert mode is Mode.FULL or "could not be closed" in error.message, (step, fs.log[-1])
            undo(find_run(tools(), root, None, error.run_id), tools(), DEAD)
        else:
            assert isinstance(error, Refused | PutBack | Stopped), (step, fs.log[-1], error)
        # A run that said it was done, and could not be closed, is kept as one that was undone.
        closed = "could not be closed" not in str(error)
        assert tree(root, vault=closed) == before, (step, fs.log[-1])
        seen.add(type(error))
    assert PutBack in seen or Stopped in seen


@pytest.mark.parametrize("mode", [Mode.KILL_AFTER, Mode.POWER], ids=lambda mode: mode.name)
@pytest.mark.parametrize(("swaps", "ways"), WAYS_BY_SWAPS, ids=str)
def test_a_kill_at_any_step_can_be_undone_and_finished(
    ground: Path, mode: Mode, swaps: bool, ways: tuple[str, str]
) -> None:
    for turn, (step, fs, root, (error, before)) in enumerate(every_step(ground, mode, swaps=swaps)):
        assert isinstance(error, Killed)
        runs = pending(root)
        if not runs:
            assert tree(root) == before or is_new(root), (step, fs.log[-1])
            continue
        with pytest.raises(Refused):
            apply(plan_for_what_is_there(root), tools(), DEAD)
        if ways[turn % 2] == "resume":
            try:
                resume(runs[0], tools(), DEAD)
            except DoctorError as refused:
                assert "before its plan was saved" in refused.message
            else:
                assert is_new(root), (step, fs.log[-1])
                assert not pending(root)
                undo(find_run(tools(), root, None, None), tools(), DEAD)
                assert tree(root) == before, (step, fs.log[-1])
                continue
        undo(runs[0], tools(), DEAD)
        assert tree(root) == before, (step, fs.log[-1])
        assert not pending(root)


def plan_for_what_is_there(root: Path) -> Plan:
    """Any plan at all: a pending run comes before it."""
    (root / "other").write_bytes(b"x")
    try:
        prints = (fingerprint(root, "other"),)
    finally:
        (root / "other").unlink()
    return with_id(
        Plan(created_at=NOW, state_dir=str(root), repairs=("temps",), fingerprints=prints, acts=(Move(source=0),))
    )


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_a_kill_while_undoing_a_finished_run(ground: Path, swaps: bool) -> None:
    pristine = made(ground / "pristine")
    for step in range(1, 100):
        root = ground / "state"
        shutil.copytree(pristine, root)
        before = tree(root)
        apply(plan_for(root), tools(FaultFs(swaps=swaps)), DEAD)
        run = find_run(tools(), root, None, None)
        fs = FaultFs(step, Mode.KILL_AFTER, swaps=swaps)
        try:
            undo(run, tools(fs), DEAD)
        except Killed:
            for each in pending(root):
                undo(each, tools(), DEAD)
        assert tree(root) == before or is_new(root), (step, fs.log[-1])
        shutil.rmtree(root)
        if not fs.fault_met:
            return
    pytest.fail("undo never finished")


def test_no_step_leaves_the_name_without_a_database_where_names_can_be_exchanged(ground: Path) -> None:
    root = made(ground / "state")
    missed: list[tuple[int, str]] = []

    def look(number: int, name: str) -> None:
        if not (root / TARGET).exists():
            missed.append((number, name))

    apply(plan_for(root), tools(FaultFs(hook=look)), DEAD)
    undo(find_run(tools(), root, None, None), tools(FaultFs(hook=look)), DEAD)
    assert not missed
    assert contents(root)


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_at_no_step_is_a_log_next_to_a_database_that_is_not_its_own(ground: Path, swaps: bool) -> None:
    root = made(ground / "state")
    path, log = root / TARGET, root / f"{TARGET}-wal"
    old = path.read_bytes()
    together: list[bool] = []

    def look(number: int, name: str) -> None:
        if log.exists() and path.exists():
            together.append(path.read_bytes() == old)

    apply(plan_for(root), tools(FaultFs(hook=look, swaps=swaps)), DEAD)
    undo(find_run(tools(), root, None, None), tools(FaultFs(hook=look, swaps=swaps)), DEAD)
    assert together
    assert all(together)


def test_a_mode_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """SQLite answers with the old mode, and raises nothing."""
    with pytest.raises(apsw.IOError):
        log_ahead(apsw.Connection(":memory:"))
    path = tmp_path / "new"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE one(x)")
    log_ahead(connection)
    connection.close()
    assert path.read_bytes()[18:20] == b"\x02\x02"
