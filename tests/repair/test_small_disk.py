"""A real filesystem that is full, or may not be written to. Needs the right to mount one."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run, list_runs, verify_run
from gatewaydoctor.repair.writing.errors import NoSpace, NotWritable, PutBack
from gatewaydoctor.repair.writing.fs import OsWriteFs
from gatewaydoctor.system.fs import DiskSpace
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, contents, make, tools, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 2 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty filesystem of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small filesystem is not permitted here")
    yield place
    # Lazily: a filesystem object that a failed assertion keeps alive holds directories open.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, leave: int) -> None:
    free = OsWriteFs().space(place).available
    (place / "ballast").write_bytes(b"x" * (free - leave))


def test_a_full_disk_is_refused_and_nothing_changes(disk: Path) -> None:
    scene = make(disk / "state")
    fill(disk, 64 * 1024)
    before = tree(scene.root, vault=True)
    with pytest.raises(NoSpace):
        apply(scene.plan, tools(OsWriteFs()), DEAD)
    assert tree(scene.root, vault=True) == before


class Blind(OsWriteFs):
    """Believes that there is room."""

    def space(self, path: Path) -> DiskSpace:
        return DiskSpace(10**12, 10**12, 10**6)


@pytest.mark.parametrize("pages", range(0, 40, 2))
def test_a_disk_that_fills_up_on_the_way_changes_nothing(disk: Path, pages: int) -> None:
    scene = make(disk / "state")
    fill(disk, pages * 4096)
    before = tree(scene.root, vault=True)
    try:
        apply(scene.plan, tools(Blind()), DEAD)
    except (NoSpace, PutBack):
        assert tree(scene.root, vault=True) == before
    else:
        assert contents(scene.root) == scene.after
        assert pages > 10


def test_a_vault_on_another_filesystem_helps(disk: Path, tmp_path: Path) -> None:
    scene = make(disk / "state")
    fill(disk, 1024 * 1024 + 16 * 1024)
    with pytest.raises(NoSpace):
        apply(scene.plan, tools(OsWriteFs()), DEAD)
    apply(scene.plan, tools(OsWriteFs()), DEAD, tmp_path / "vault")
    assert contents(scene.root) == scene.after


def test_a_filesystem_that_may_not_be_written_to(disk: Path) -> None:
    scene = make(disk / "state")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    before = tree(scene.root, vault=True)
    with pytest.raises(NotWritable):
        apply(scene.plan, tools(OsWriteFs()), DEAD)
    assert tree(scene.root, vault=True) == before


def stuff(place: Path) -> None:
    """Leave no byte free."""
    with suppress(OSError), (place / "ballast").open("ab", buffering=0) as ballast:
        while ballast.write(b"x" * 4096):
            pass
    assert OsWriteFs().space(place).available == 0


def test_undo_on_a_full_disk_needs_no_room(disk: Path) -> None:
    scene = make(disk / "state")
    apply(scene.plan, tools(OsWriteFs()), DEAD)
    stuff(disk)
    undo(find_run(tools(), scene.root, None, None), tools(OsWriteFs()), DEAD)
    assert tree(scene.root) == scene.before
    (run,) = list_runs(OsWriteFs(), tools().processes, scene.root)
    assert run.state is RunState.UNDONE
    assert all(check.problem is None for check in verify_run(tools(), run))


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_undo_on_a_full_disk_can_be_killed_at_any_step(disk: Path, swaps: bool) -> None:
    for step in range(1, 200):
        scene = make(disk / "state")
        apply(scene.plan, tools(OsWriteFs()), DEAD)
        stuff(disk)
        fs = FaultFs(step, Mode.KILL, swaps=swaps)
        try:
            undo(find_run(tools(), scene.root, None, None), tools(fs), DEAD)
        except Killed:
            (run,) = list_runs(fs, tools().processes, scene.root)
            if run.state is not RunState.UNDONE:
                again = FaultFs(swaps=swaps)
                undo(run, tools(again), DEAD)
                again.release()
        fs.release()
        assert tree(scene.root) == scene.before, (step, fs.log[-1])
        (disk / "ballast").unlink()
        shutil.rmtree(scene.root)
        if not fs.fault_met:
            return
    pytest.fail("undo never finished")


def test_undo_from_a_vault_elsewhere_says_how_much_room_it_needs(disk: Path, tmp_path: Path) -> None:
    scene = make(disk / "state")
    apply(scene.plan, tools(OsWriteFs()), DEAD, tmp_path / "vault")
    stuff(disk)
    after = contents(scene.root)
    with pytest.raises(NoSpace, match=r"needs [\d.]+ [kM]?B on the disk of .*; 0 B is free") as refused:
        undo(find_run(tools(), scene.root, None, None), tools(OsWriteFs()), DEAD)
    assert "another disk" not in refused.value.hint
    assert contents(scene.root) == after
    (disk / "ballast").unlink()
    undo(find_run(tools(), scene.root, None, None), tools(OsWriteFs()), DEAD)
    assert tree(scene.root) == scene.before
