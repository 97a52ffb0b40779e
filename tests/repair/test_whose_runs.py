"""What counts as a run and whose it is: what gatewaydoctor did not make it neither counts nor removes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run import apply as apply_module
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs, no_runs
from gatewaydoctor.repair.vault.journal import Journal
from gatewaydoctor.repair.vault.pruning import prune
from gatewaydoctor.repair.writing.errors import LeftHalfway, NoSuchRun, RunPending
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, Scene, contents, make, tools, tree

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.repair.vault.layout import RunPlace


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make(tmp_path / "state")


def runs_of(root: Path, vault: Path | None = None):
    return list_runs(tools().fs, tools().processes, root, vault)


def last_of(root: Path, vault: Path | None = None):
    return find_run(tools(), root, vault, None)


def test_what_others_put_among_the_runs_is_named_and_left_alone(scene: Scene, tmp_path: Path) -> None:
    runs = scene.root / ".gatewaydoctor/runs"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/precious").write_text("x")
    odd = "20270401T000000Z-0123abcd"
    (runs / "mybackup").mkdir(parents=True)
    (runs / "mybackup/precious").write_text("x")
    (runs / odd).mkdir()
    (runs / odd / "precious").write_text("x")
    (runs / "notes.txt").write_text("x")
    (runs / "20270401T000001Z-0123abcd").symlink_to(tmp_path / "docs")
    before = tree(runs)
    assert runs_of(scene.root) == ()
    assert {path.name for path in no_runs(tools().fs, scene.root)} == set(before) - {
        "mybackup/precious",
        f"{odd}/precious",
    }
    for name in ("mybackup", odd, "notes.txt", "20270401T000001Z-0123abcd"):
        with pytest.raises(NoSuchRun):
            find_run(tools(), scene.root, None, name)
    apply(scene.plan, tools(), DEAD)
    undo(last_of(scene.root), tools(), DEAD)
    prune(tools(), runs_of(scene.root))
    assert tree(runs) == before
    assert (tmp_path / "docs/precious").read_text() == "x"


def test_a_run_whose_files_are_behind_a_link_is_none(scene: Scene, tmp_path: Path) -> None:
    apply(scene.plan, tools(), DEAD)
    files = last_of(scene.root).place.files
    files.rename(tmp_path / "moved")
    files.symlink_to(tmp_path / "moved")
    assert runs_of(scene.root) == ()
    assert [path.name for path in no_runs(tools().fs, scene.root)] == [files.parent.name]


def test_what_others_put_into_a_run_stays_when_it_goes(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    run = last_of(scene.root)
    (run.place.directory / "mine.txt").write_text("x")
    (run.place.files / "mine.txt").write_text("x")
    prune(tools(), (run,))
    assert sorted(tree(run.place.directory)) == ["files", "files/mine.txt", "mine.txt"]
    assert runs_of(scene.root) == ()


def test_directories_that_share_a_vault_do_not_see_each_others_runs(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    apply(one.plan, tools(), DEAD, vault)
    assert runs_of(other.root, vault) == ()
    with pytest.raises(NoSuchRun):
        last_of(other.root, vault)
    apply(other.plan, tools(), DEAD, vault)
    undo(last_of(other.root, vault), tools(), DEAD)
    prune(tools(), runs_of(other.root, vault))
    assert (tree(other.root), contents(one.root)) == (other.before, one.after)
    undo(last_of(one.root, vault), tools(), DEAD)
    assert tree(one.root) == one.before


def test_an_interrupted_run_blocks_only_its_own_directory(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    with pytest.raises(Killed):
        apply(one.plan, tools(killed_at("exchange")), DEAD, vault)
    apply(other.plan, tools(), DEAD, vault)
    assert contents(other.root) == other.after
    undo(last_of(one.root), tools(), DEAD)
    assert tree(one.root) == one.before


def killed_at(name: str, times: int = 1) -> FaultFs:
    """Dies right before that step."""
    seen = []

    def hook(number: int, step: str) -> None:
        seen.append(step)
        if seen.count(name) == times and step == name:
            fs.stop_at = number

    fs = FaultFs(mode=Mode.KILL, hook=hook)
    return fs


@pytest.mark.parametrize("elsewhere", [False, True], ids=["inside", "elsewhere"])
@pytest.mark.parametrize("step", [None, "exchange", "create"])
def test_a_directory_that_was_moved_can_go_back_and_on(tmp_path: Path, elsewhere: bool, step: str | None) -> None:
    vault = tmp_path / "vault" if elsewhere else None
    for way in (undo, resume) if step else (undo,):
        scene = make(tmp_path / "old")
        if step is None:
            apply(scene.plan, tools(), DEAD, vault)
        else:
            with pytest.raises(Killed):
                apply(scene.plan, tools(killed_at(step, 5 if step == "create" else 1)), DEAD, vault)
        home = scene.root.rename(tmp_path / f"new-{way.__name__}")
        way(last_of(home), tools(), DEAD)
        assert contents(home) == (scene.after if way is resume else {**contents(home)})
        assert way is resume or tree(home) == scene.before
        assert not interrupted_runs(tools().fs, tools().processes, home)


def test_a_copy_of_a_directory_does_not_claim_the_runs_of_the_original(scene: Scene, tmp_path: Path) -> None:
    apply(scene.plan, tools(), DEAD, tmp_path / "vault")
    copy = shutil.copytree(scene.root, tmp_path / "copy")
    assert [run.problem is None for run in runs_of(copy)] == [False]
    undo(last_of(scene.root), tools(), DEAD)
    assert tree(scene.root) == scene.before


def test_a_prune_that_breaks_off_is_still_listed_and_goes_on(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    for step in range(2, 40):
        fs = FaultFs(step, Mode.ERROR)
        try:
            prune(tools(fs), runs_of(scene.root))
        except LeftHalfway as error:
            (run,) = runs_of(scene.root)
            assert (run.state.over, error.run_id) == (True, run.run_id)
            assert "runs prune" in error.hint
        except DoctorError as error:  # before anything was deleted
            assert "Cannot change run" in str(error)
        if not runs_of(scene.root):
            break
    assert not (scene.root / ".gatewaydoctor").exists()
    assert contents(scene.root) == scene.after


def test_a_killed_prune_leaves_nothing_that_is_pending(tmp_path: Path) -> None:
    for step in range(1, 60):
        scene = make(tmp_path / "state")
        apply(scene.plan, tools(), DEAD)
        try:
            prune(tools(FaultFs(step, Mode.KILL)), runs_of(scene.root))
        except Killed:
            assert not interrupted_runs(tools().fs, tools().processes, scene.root), step
            prune(tools(), runs_of(scene.root))
        else:
            return
        assert not runs_of(scene.root)
        assert contents(scene.root) == scene.after
        shutil.rmtree(scene.root)
    pytest.fail("prune never finished")


def test_of_two_runs_that_begin_at_one_moment_one_changes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found no other run before either had begun."""
    opened = apply_module.open_run
    others: list[str] = []

    def open_two(*about) -> RunPlace:
        first, second = opened(*about), opened(*about)
        Journal(tools().fs, first.journal, tools().clock).say(RunState.PREPARING, pid=1, startTime=1)
        others.append(first.run_id)
        return second

    monkeypatch.setattr(apply_module, "open_run", open_two)
    before = tree(scene.root)
    with pytest.raises(RunPending, match="began at the same moment"):
        apply(scene.plan, tools(), DEAD)
    assert tree(scene.root) == before
    assert [run.run_id for run in runs_of(scene.root)] == others


def test_a_vault_that_another_run_makes_meanwhile_is_used(scene: Scene) -> None:
    class Busy(OsWriteFs):
        def mkdir(self, path: Path) -> None:
            if path.name in (".gatewaydoctor", "runs"):
                path.mkdir(mode=0o700)
            super().mkdir(path)

    assert apply(scene.plan, tools(Busy()), DEAD) is not None
