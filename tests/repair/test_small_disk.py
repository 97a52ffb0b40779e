"""A real filesystem that is full, or may not be written to. Needs the right to mount one."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.apply import apply
from gatewaydoctor.repair.errors import NoSpace, NotWritable, PutBack
from gatewaydoctor.repair.fs import OsWriteFs
from gatewaydoctor.state.fs import DiskSpace
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
    subprocess.run(["umount", str(place)], check=True)


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
