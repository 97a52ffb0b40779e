"""Root repairs somebody else's directory, and its owner takes that back."""

from __future__ import annotations

import os
import shutil
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, SESSIONS, tools, tree
from tests.repair.test_swapped import SECRET, SwappingFs, full
from tests.world import DAY, StateDir, row, run_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOMEBODY = 65534


def as_somebody(work: Callable[[], object]) -> int:
    """Do it in a process of another user; its exit code."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(SOMEBODY)
            os.setuid(SOMEBODY)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can repair for another user")
def test_the_owner_takes_back_what_root_did(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    state, root = doctor.state, doctor.state.root
    state.store({"agent:main:main": row(1)} | {run_key("j", n): row(n, age=3 * DAY) for n in range(20, 60)})
    for number in (1, *range(20, 40)):
        state.transcript(number, age=3 * DAY)
    for path in (root, *root.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(above.stat().st_mode | 0o011)
    before = tree(root)
    doctor.apply("trim")
    assert tree(root) != before
    assert {(path.stat().st_uid, path.stat().st_gid) for path in root.rglob("*")} == {(SOMEBODY, SOMEBODY)}

    assert as_somebody(lambda: undo(find_run(tools(), root, None, None), tools(OsWriteFs()), DEAD)) == 0
    assert tree(root) == before
    assert {path.stat().st_uid for path in root.rglob("*")} == {SOMEBODY}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can repair for another user")
@pytest.mark.parametrize("place", [SESSIONS, "agents/main", ".gatewaydoctor/runs"])
def test_the_owner_swaps_a_directory_while_root_repairs(place: str, ground: Path) -> None:
    """At each of many steps the owner's own process puts a link to a directory of root in the place of one."""
    steps = _repair_with_swap(ground / "counted", place, 0)
    assert steps > 40
    for at in range(1, steps + 1, 7):
        _repair_with_swap(ground / str(at), place, at)
        shutil.rmtree(ground / str(at))


def _repair_with_swap(base: Path, place: str, at: int) -> int:
    """One repair by root with one swap by the owner before step `at`; how many steps it takes."""
    (base / "hall").mkdir(parents=True)
    state = StateDir(base / "hall")
    root, outside = state.root, base / "outside"
    state.store({"agent:main:main": row(1)} | {run_key("j", n): row(n, age=3 * DAY) for n in range(20, 26)})
    for number in (1, *range(20, 24)):
        state.transcript(number, age=3 * DAY)
    shutil.copytree(root / SESSIONS, outside)
    for path in outside.iterdir():
        path.write_bytes(SECRET)
    outside.chmod(0o700)
    kept = full(outside)
    for path in (base / "hall", *(base / "hall").rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    for above in (base, *list(base.parents)[:4]):
        above.chmod(above.stat().st_mode | 0o011)
    plan = Doctor(state).plan("trim")
    assert not plan.empty

    def swap() -> None:
        directory = root / place
        if directory.is_dir() and not directory.is_symlink():
            directory.rename(directory.with_name(f"{directory.name}-aside"))
            directory.symlink_to(outside)

    done: list[int] = []
    fs = SwappingFs(at, lambda: done.append(as_somebody(swap)), lambda: None)
    with suppress(DoctorError, OSError):
        apply(plan, tools(fs), DEAD)
    assert done in ([], [0]), "the owner could swap"
    assert full(outside) == kept, (place, at)
    for path in (base / "hall").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET not in path.read_bytes(), (place, at, path)
    return fs.calls
