"""A database repaired on a disk without a free byte: vault and work directory are elsewhere."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.gateway.liveness import GatewayState, Liveness
from gatewaydoctor.model.repair.plan import Move, Plan, Transact
from gatewaydoctor.repair.run.apply import apply, hindrance
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, list_runs
from gatewaydoctor.repair.vault.codec import with_id
from gatewaydoctor.repair.vault.directory import work_place
from gatewaydoctor.repair.writing.errors import GatewayUnknown, NoSpace, OutOfBounds, Refused
from gatewaydoctor.repair.writing.fs import OsWriteFs
from gatewaydoctor.repair.writing.tools import Permission
from tests.repair import agentdb
from tests.repair.faults import EVERY_STEP, WAYS, FaultFs, Killed, Mode, telling
from tests.repair.scene import DEAD, tools, tree
from tests.repair.test_small_disk import disk, stuff
from tests.repair.test_transact import TARGET, is_new, made, pending, plan_for

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.repair.vault.catalog import RunInfo

__all__ = ("disk",)


def full(disk: Path) -> tuple[Path, dict[str, object]]:
    """A state directory on a disk that has no byte left."""
    root = made(disk / "state")
    stuff(disk)
    return root, tree(root)


def plan_of(root: Path, size: int = 90_000, agent: str = "main") -> Plan:
    """The new database has no more than `size` bytes; the old one and its log have more than 90,000."""
    plan = plan_for(root, agent=agent)
    acts = tuple(msgspec.structs.replace(act, size=size) if isinstance(act, Transact) else act for act in plan.acts)
    return with_id(msgspec.structs.replace(plan, acts=acts))


def away(disk: Path) -> tuple[Path, Path]:
    """Vault and work directory on another disk."""
    work = disk.parent / "work"
    work.mkdir(exist_ok=True)
    return disk.parent / "vault", work


def only_run(root: Path) -> RunInfo:
    """Found without being told of the vault."""
    (run,) = list_runs(OsWriteFs(), tools().processes, root)
    return run


def test_without_another_disk_it_is_refused_with_numbers(disk: Path) -> None:
    root, before = full(disk)
    with pytest.raises(NoSpace, match=r"needs [\d.]+ [kM]?B on the disk of .*; 0 B is free") as refused:
        apply(plan_for(root), tools(OsWriteFs()), DEAD)
    assert "--vault DIR" in refused.value.hint
    assert "--work-dir DIR" in refused.value.hint
    assert "`gatewaydoctor repair space`" in refused.value.hint
    _, work = away(disk)
    still = hindrance(plan_for(root), tools(OsWriteFs()), DEAD, None, work)
    assert still is not None
    assert "--vault DIR" in still.hint
    assert "--work-dir" not in still.hint, "that is given already"
    assert tree(root, vault=True) == before


def test_a_plan_tells_what_no_word_of_the_operator_helps_against(disk: Path) -> None:
    root, _ = full(disk)
    unknown = Permission(lambda: GatewayState(Liveness.UNKNOWN, ()))
    assert isinstance(hindrance(plan_for(root), tools(OsWriteFs()), unknown), NoSpace)
    vault, work = away(disk)
    assert isinstance(hindrance(plan_of(root), tools(OsWriteFs()), unknown, vault, work), GatewayUnknown)


def test_a_full_disk_with_everything_else_elsewhere(disk: Path) -> None:
    root, before = full(disk)
    vault, work = away(disk)
    seen: set[str] = set()
    fs = FaultFs(hook=lambda *_: seen.update(path.name for path in work.iterdir()))
    receipt = apply(plan_of(root), tools(fs), DEAD, vault, work)
    assert receipt is not None
    assert is_new(root)
    assert seen == {f".gatewaydoctor.{receipt.run_id}"}
    assert not list(work.iterdir())
    assert not (vault / "runs" / receipt.run_id / "waiting").exists()
    assert (root / TARGET).stat().st_mode & 0o7777 == before[TARGET][0] & 0o7777
    undo(only_run(root), tools(OsWriteFs()), DEAD)
    assert tree(root) == before


def test_of_two_databases_each_gives_its_room_back(disk: Path) -> None:
    """The log of the other one is long: once the first is back next to its new file, there is no room for that."""
    root = made(disk / "state")
    other = made(disk / "other")
    (other / "agents/main").rename(root / "agents/second")
    shutil.rmtree(other)
    with (root / f"{TARGET}-wal").open("ab") as log:
        log.write(b"\1" * 1_200_000)
    before = tree(root)
    plans = [plan_of(root), plan_of(root, agent="second")]
    acts = [*plans[0].acts]
    for act in plans[1].acts:
        moved = {"source": act.source + 3} if isinstance(act, Move) else {"replaces": 3, "log": (4,)}
        acts.append(msgspec.structs.replace(act, **moved))
    prints = (*plans[0].fingerprints, *plans[1].fingerprints)
    plan = with_id(msgspec.structs.replace(plans[0], acts=tuple(acts), fingerprints=prints))
    stuff(disk)
    vault, work = away(disk)
    apply(plan, tools(OsWriteFs()), DEAD, vault, work)
    undo(only_run(root), tools(OsWriteFs()), DEAD)
    assert tree(root) == before


def test_what_a_plan_allows_for_and_does_not_come_about_needs_no_room(disk: Path) -> None:
    root, before = full(disk)
    apply(plan_of(root, 10**6), tools(OsWriteFs()), DEAD, *away(disk))
    assert is_new(root)
    undo(only_run(root), tools(OsWriteFs()), DEAD)
    assert tree(root) == before


def straight(disk: Path) -> list[str]:
    """The steps of an apply that meets no fault; the disk is empty afterwards."""
    root, _ = full(disk)
    vault, work = away(disk)
    fs = FaultFs()
    apply(plan_of(root), tools(fs), DEAD, vault, work)
    fs.release()
    for each in (root, vault, work):
        shutil.rmtree(each)
    (disk / "ballast").unlink()
    return fs.log


@pytest.mark.parametrize("mode", [Mode.KILL_AFTER, Mode.POWER], ids=lambda mode: mode.name)
@pytest.mark.parametrize("ways", WAYS if EVERY_STEP else WAYS[:1], ids=str)
def test_a_kill_at_any_step_is_named_and_can_be_ended(disk: Path, mode: Mode, ways: tuple[str, str]) -> None:
    missing = 0
    for turn, step in enumerate(telling(straight(disk), mode)):
        root, before = full(disk)
        vault, work = away(disk)
        fs = FaultFs(step, mode)
        try:
            apply(plan_of(root), tools(fs), DEAD, vault, work)
        except Killed:
            fs.release()  # a dead process holds no file open
            gone = not (root / TARGET).exists()
            missing += gone
            runs = pending(root)
            assert runs or not gone, (step, fs.log[-1])
            if runs:
                end(root, before, runs[0], ways[turn % 2])
            assert tree(root) == before or is_new(root), (step, fs.log[-1])
            assert not list(work.iterdir()) or not runs, (step, fs.log[-1])
        fs.release()
        for each in (root, vault, work):
            shutil.rmtree(each, ignore_errors=True)
        (disk / "ballast").unlink()
        assert fs.fault_met
    assert missing > 2


def end(root: Path, before: dict[str, object], run: RunInfo, way: str) -> None:
    if way == "resume":
        try:
            resume(run, tools(OsWriteFs()), DEAD)
        except DoctorError as refused:
            assert "before its plan was saved" in refused.message
        else:
            assert is_new(root)
            undo(only_run(root), tools(OsWriteFs()), DEAD)
            assert tree(root) == before
            return
    undo(run, tools(OsWriteFs()), DEAD)
    assert tree(root) == before


def test_an_undo_that_is_killed_at_any_step_can_be_repeated(disk: Path) -> None:
    for step in range(1, 200):
        root, before = full(disk)
        vault, work = away(disk)
        apply(plan_of(root), tools(OsWriteFs()), DEAD, vault, work)
        fs = FaultFs(step, Mode.KILL_AFTER)
        try:
            undo(find_run(tools(), root, None, None), tools(fs), DEAD)
        except Killed:
            fs.release()
            for each in pending(root):
                undo(each, tools(OsWriteFs()), DEAD)
        assert tree(root) == before or is_new(root), (step, fs.log[-1])
        fs.release()
        for each in (root, vault, work):
            shutil.rmtree(each, ignore_errors=True)
        (disk / "ballast").unlink()
        if not fs.fault_met:
            return
    pytest.fail("undo never finished")


@pytest.mark.parametrize("name", ["absent", "state/inside", "."])
def test_a_work_directory_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    root = made(tmp_path / "state")
    (root / "inside").mkdir()
    with pytest.raises(OutOfBounds):
        work_place(tools(), root, tmp_path / name)


def test_a_work_directory_alone_takes_the_copies(tmp_path: Path) -> None:
    root = made(tmp_path / "state")
    work = tmp_path / "work"
    work.mkdir()
    modes: set[int] = set()
    fs = FaultFs(hook=lambda *_: modes.update(each.stat().st_mode & 0o777 for each in work.iterdir()))
    apply(plan_for(root), tools(fs), DEAD, None, work)
    assert modes == {0o700}
    assert is_new(root)
    assert not list(work.iterdir())
    assert not isinstance(agentdb.statuses(root / TARGET), Refused)


@pytest.mark.parametrize(
    ("number", "way_out"),
    [(errno.EFBIG, "`ulimit -f unlimited`"), (errno.EMFILE, "`ulimit -n 1024`"), (errno.EIO, "Check the disk")],
)
def test_what_keeps_a_new_file_from_being_made_is_told_with_the_way_out(
    tmp_path: Path, number: int, way_out: str
) -> None:
    class Failing(FaultFs):
        def create(self, path: Path) -> int:
            if path.name == "database":
                raise OSError(number, os.strerror(number), str(path))
            return super().create(path)

    root = made(tmp_path / "state")
    plan, before = plan_for(root), tree(root)
    with pytest.raises(Refused) as refused:
        apply(plan, tools(Failing()), DEAD)
    assert os.strerror(number) in refused.value.message
    assert way_out in refused.value.hint
    assert f"{refused.value.message} {refused.value.hint}".count("Nothing was changed") == 1
    assert tree(root) == before
