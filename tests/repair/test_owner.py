"""Root repairs somebody else's directory, and its owner takes that back."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, tools, tree
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
