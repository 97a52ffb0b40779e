"""What else undo brings back, what a run leaves behind, and who may see the vault."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest

from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run, list_runs
from gatewaydoctor.repair.vault.codec import LARGEST_FILE, encode, read_plan, with_id
from gatewaydoctor.repair.vault.pruning import prune
from gatewaydoctor.repair.writing.errors import BadPlan, OutOfBounds, PutBack, Refused
from tests.repair.doctor import Doctor
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, SESSIONS, Scene, make, tools
from tests.world import DAY, StateDir, row

if TYPE_CHECKING:
    from pathlib import Path

OLD = 1_700_000_000_000_000_000
VAULT = ".gatewaydoctor"


def aged(root: Path) -> Scene:
    scene = make(root)
    for path in (root / SESSIONS, root / "agents/main", root / "agents", root):
        os.utime(path, ns=(OLD, OLD))
    return scene


def times(root: Path) -> dict[str, int]:
    names = ("", "agents", "agents/main", SESSIONS)
    return {name: (root / name).stat().st_mtime_ns for name in names}


def take_back(scene: Scene, fs: FaultFs | None = None) -> None:
    undo(find_run(tools(), scene.root, None, None), tools(fs), DEAD)


def test_directories_get_their_mtime_back(tmp_path: Path) -> None:
    scene = aged(tmp_path / "state")
    apply(scene.plan, tools(), DEAD)
    assert times(scene.root)[SESSIONS] != OLD
    take_back(scene)
    assert set(times(scene.root).values()) == {OLD}


def test_a_directory_that_somebody_changed_since_keeps_its_mtime(tmp_path: Path) -> None:
    scene = aged(tmp_path / "state")
    apply(scene.plan, tools(), DEAD)
    (scene.root / SESSIONS / "new.jsonl").write_bytes(b"{}")
    now = times(scene.root)[SESSIONS]
    take_back(scene)
    assert times(scene.root)[SESSIONS] >= now
    assert times(scene.root)[""] == OLD


def test_a_run_that_failed_and_an_undo_that_broke_off_give_them_back_too(ground: Path) -> None:
    scene = aged(ground / "state")
    steps = FaultFs()
    apply(scene.plan, tools(steps), DEAD)
    failing = steps.log.index("exchange") + 2
    back = FaultFs()
    take_back(scene, back)
    for at in range(1, back.steps, 5):
        shutil.rmtree(scene.root)
        scene = aged(ground / "state")
        with pytest.raises(PutBack):
            apply(scene.plan, tools(FaultFs(failing)), DEAD)
        assert set(times(scene.root).values()) == {OLD}, at
        apply(scene.plan, tools(), DEAD)
        with suppress(Killed):
            take_back(scene, FaultFs(at, Mode.KILL))
        (run,) = list_runs(FaultFs(), tools().processes, scene.root)
        if not run.state.over:
            take_back(scene)
        assert set(times(scene.root).values()) == {OLD}, at


def test_a_run_that_was_killed_gives_them_back_when_it_is_undone(ground: Path) -> None:
    straight = FaultFs()
    apply(aged(ground / "state").plan, tools(straight), DEAD)
    # Before its first line no command knows of a run.
    for at in range(straight.log.index("write") + 2, straight.steps):
        shutil.rmtree(ground / "state")
        scene = aged(ground / "state")
        with suppress(Killed):
            apply(scene.plan, tools(FaultFs(at, Mode.KILL)), DEAD)
        take_back(scene)
        assert set(times(scene.root).values()) == {OLD}, (at, straight.log[at - 1])


def test_a_run_that_is_refused_while_it_keeps_the_originals_gives_them_back(ground: Path) -> None:
    scene = aged(ground / "state")
    fs = FaultFs()
    apply(scene.plan, tools(fs), DEAD)
    shutil.rmtree(scene.root)
    scene = aged(ground / "state")
    with pytest.raises(Refused):
        apply(scene.plan, tools(FaultFs(fs.log.index("set_attributes") + 2)), DEAD)
    assert set(times(scene.root).values()) == {OLD}


class SyncingFs(FaultFs):
    """Keeps the directories whose names changed since they were synced, and what they were when a run was over."""

    def __init__(self) -> None:
        super().__init__()
        self.unsynced: set[Path] = set()
        self.at_the_end: list[set[Path]] = []

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if any(f'"state":"{word}"'.encode() in bytes(data) for word in ("done", "undone", "put-back")):
            self.at_the_end.append({path for path in self.unsynced if VAULT not in path.parts})
        return super().write(descriptor, data)

    def fsync_dir(self, path: Path) -> None:
        super().fsync_dir(path)
        self.unsynced.discard(path)

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.unsynced.add(path.parent)

    def rename_new(self, source: Path, target: Path) -> None:
        super().rename_new(source, target)
        self.unsynced |= {source.parent, target.parent}


def test_names_are_on_disk_before_a_run_is_over(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    fs = SyncingFs()
    apply(scene.plan, tools(fs), DEAD)
    take_back(scene, fs)
    assert fs.at_the_end == [set(), set()]


def test_a_prune_that_is_cut_off_anywhere_ends_clean(ground: Path) -> None:
    def pruned(fs: FaultFs) -> int:
        prune(tools(fs), list_runs(fs, tools().processes, root), root)
        return fs.steps

    root = ground / "state"
    apply(make(root).plan, tools(), DEAD)
    steps = pruned(FaultFs())
    for at in range(1, steps + 1):
        shutil.rmtree(root)
        apply(make(root).plan, tools(), DEAD)
        with pytest.raises(Killed):
            pruned(FaultFs(at, Mode.KILL_AFTER))
        pruned(FaultFs())
        assert list_runs(FaultFs(), tools().processes, root) == ()
        assert not (root / VAULT).exists(), at


def test_the_plan_says_that_links_do_not_come_back(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    doctor.state.store({"agent:main:main": row(1)})
    os.link(doctor.state.transcript(2, b"", age=9 * DAY), doctor.state.root / "other")
    plan = doctor.plan("orphans")
    assert [note.names for note in plan.cautions if "hard link" in note.text] == [(plan.fingerprints[0].path,)]


def test_a_plan_file_of_junk_costs_no_more_than_its_bytes(tmp_path: Path) -> None:
    junk = tmp_path / "plan.json"
    junk.write_bytes(b'{"schemaVersion":"1.0","planId":"x","acts":[' + b"[1]," * 2_000_000 + b"[1]]}")
    tracemalloc.start()
    try:
        with pytest.raises(BadPlan):
            read_plan(FaultFs(), junk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * junk.stat().st_size
    os.truncate(junk, LARGEST_FILE + 1)
    with pytest.raises(BadPlan):
        read_plan(FaultFs(), junk)


def test_a_plan_with_names_that_are_no_text_is_read_back(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    odd = with_id(msgspec.structs.replace(scene.plan, options={"name": "\udc80\U0001f600\ud800"}))
    (tmp_path / "plan.json").write_bytes(encode(odd))
    assert read_plan(FaultFs(), tmp_path / "plan.json") == odd


def test_an_open_vault_is_closed_and_that_is_told(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    (scene.root / VAULT).mkdir()
    (scene.root / VAULT).chmod(0o755)
    receipt = apply(scene.plan, tools(), DEAD)
    assert (scene.root / VAULT).stat().st_mode & 0o777 == 0o700
    assert receipt is not None
    assert [said for said in receipt.verified if "was open to other users (mode 0755)" in said]


def test_an_open_vault_that_was_named_is_refused(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault").chmod(0o750)
    with pytest.raises(OutOfBounds, match="open to other users"):
        apply(scene.plan, tools(), DEAD, tmp_path / "vault")
    assert list((tmp_path / "vault").iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("inside", [True, False])
def test_a_vault_of_somebody_else_is_refused(tmp_path: Path, inside: bool) -> None:
    scene = make(tmp_path / "state")
    vault = scene.root / VAULT if inside else tmp_path / "vault"
    vault.mkdir(mode=0o700)
    os.chown(vault, 65534, 65534)
    with pytest.raises(OutOfBounds, match="belongs to user id 65534"):
        apply(scene.plan, tools(), DEAD, None if inside else vault)
    assert list(vault.iterdir()) == []
