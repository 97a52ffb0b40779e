"""Repairs of databases with the vault and the work directory on other disks, small, full or read-only ones."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.run.apply import apply, hindrance
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.writing.errors import NoSpace, NotWritable, PutBack
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, contents, tools, tree
from tests.repair.test_database_salvage import PAGE, PEOPLE, leaf_of, whole
from tests.repair.test_small_disk import disk, stuff
from tests.world import StateDir, run_key

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan

__all__ = ["disk"]
"""A fixture of another module."""


def ready(place: Path) -> tuple[Doctor, Plan]:
    """Two databases: rows leave one, the other is rebuilt."""
    doctor = Doctor(StateDir(place, "2026.9.6"))
    stuck = {run_key("job", number): "running" for number in range(20)}
    agentdb.make(doctor.state.root, {agentdb.CONVERSATION: "running"} | stuck, version=17)
    leaf_of("session_nodes")(whole(doctor.state.root, PEOPLE, agent="second"))
    return doctor, doctor.plan()


def test_a_full_disk_needs_no_room_with_vault_and_copies_elsewhere(disk: Path, tmp_path: Path) -> None:
    doctor, plan = ready(disk)
    stuff(disk)
    root = doctor.state.root
    before, old, work, vault = tree(root), contents(root), tmp_path / "work", tmp_path / "vault"
    work.mkdir()
    apply(plan, tools(OsWriteFs()), DEAD, vault, work)
    assert contents(root) != old
    assert not list(work.iterdir())
    (disk / "ballast").unlink()
    undo(find_run(tools(), root, vault, None), tools(OsWriteFs()), DEAD)
    assert tree(root) == before


@pytest.mark.parametrize("which", ["vault", "work"])
def test_a_read_only_disk_is_named_before_anything_is_written(disk: Path, tmp_path: Path, which: str) -> None:
    doctor, plan = ready(tmp_path)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    other = tmp_path / "other"
    other.mkdir()
    vault, work = (disk / "vault", other) if which == "vault" else (other / "vault", disk)
    before = tree(doctor.state.root, vault=True)
    refused = hindrance(plan, tools(OsWriteFs()), DEAD, vault, work)
    assert isinstance(refused, NotWritable)
    assert str(disk) in refused.message
    assert tree(doctor.state.root, vault=True) == before


class Filling(OsWriteFs):
    """Lets another program fill the disk of the vault once a file of this name is made."""

    def __init__(self, disk: Path, name: str) -> None:
        self.disk, self.name = disk, name

    def create(self, path: Path) -> int:
        if path.name == self.name:
            stuff(self.disk)
        return super().create(path)


@pytest.mark.parametrize("name", ["plan.json", "database"])
def test_a_disk_that_fills_up_meanwhile_is_named(disk: Path, tmp_path: Path, name: str) -> None:
    doctor, plan = ready(tmp_path)
    before = tree(doctor.state.root, vault=True)
    with pytest.raises(NoSpace, match=f"The disk of {disk / 'vault'} is full") as refused:
        apply(plan, tools(Filling(disk, name)), DEAD, disk / "vault")
    assert "--vault DIR" in refused.value.hint
    assert tree(doctor.state.root, vault=True) == before
    assert not (disk / "vault/runs").exists()


def test_a_disk_that_fills_up_after_the_first_rename_is_named(disk: Path, tmp_path: Path) -> None:
    doctor, plan = ready(tmp_path)
    before = tree(doctor.state.root)
    with pytest.raises(PutBack, match=f"The disk of {disk / 'vault'}"):
        apply(plan, tools(Filling(disk, "receipt.json.new")), DEAD, disk / "vault")
    assert tree(doctor.state.root) == before


def test_a_database_that_grows_beyond_the_room_is_refused(disk: Path, tmp_path: Path) -> None:
    """What it takes on top of the old one is known once it is made."""
    doctor = Doctor(StateDir(disk, "2026.9.6"))
    path = whole(doctor.state.root)
    os.truncate(path, path.stat().st_size // 3 // PAGE * PAGE)
    plan = doctor.plan("salvage")
    stuff(disk)
    before = tree(doctor.state.root, vault=True)
    assert hindrance(plan, tools(OsWriteFs()), DEAD, tmp_path / "vault") is None
    with pytest.raises(NoSpace, match=rf"needs [\d.]+ [kM]?B on the disk of {doctor.state.root}; 0 B is free"):
        apply(plan, tools(OsWriteFs()), DEAD, tmp_path / "vault")
    assert tree(doctor.state.root, vault=True) == before
