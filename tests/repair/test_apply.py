"""Applying a plan, and what happens when it cannot be finished."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs, verify_run
from gatewaydoctor.repair.writing.errors import InputChanged, LeftHalfway, NoSpace, PutBack, Refused, Stopped
from tests.repair.faults import WAYS_BY_SWAPS, FaultFs, Killed, Mode, telling
from tests.repair.scene import DEAD, SESSIONS, Scene, contents, make, tools, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make(tmp_path / "state")


def pending(scene: Scene, vault: Path | None = None):
    kit = tools()
    return interrupted_runs(kit.fs, kit.processes, scene.root, vault)


def test_apply_does_what_the_plan_says(scene: Scene) -> None:
    receipt = apply(scene.plan, tools(), DEAD)
    assert contents(scene.root) == scene.after
    assert receipt is not None
    assert receipt.outcome == "done"
    assert not pending(scene)
    ann = scene.root / SESSIONS / "ann.jsonl"
    assert ann.stat().st_mtime_ns == scene.before[f"{SESSIONS}/ann.jsonl"][1]


def test_undo_gives_back_bytes_modes_and_mtimes(scene: Scene) -> None:
    receipt = apply(scene.plan, tools(), DEAD)
    undo(find_run(tools(), scene.root, None, None), tools(), DEAD)
    assert tree(scene.root) == scene.before
    assert receipt is not None
    assert find_run(tools(), scene.root, None, receipt.run_id).state is RunState.UNDONE


class Sharing(FaultFs):
    """Stands for a filesystem with reflinks."""

    def reflink(self, source: Path, descriptor: int) -> bool:
        os.write(descriptor, source.read_bytes())
        return True


def test_reflinked_originals_are_hashed_like_copies(scene: Scene) -> None:
    apply(scene.plan, tools(Sharing()), DEAD)
    run = find_run(tools(), scene.root, None, None)
    assert all(check.problem is None for check in verify_run(tools(), run))
    undo(run, tools(Sharing()), DEAD)
    assert tree(scene.root) == scene.before


class Rotting(FaultFs):
    """Stands for a disk that gives back another byte than was written, in the new file of this name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.rotten = name, False

    def exchange(self, one: Path, other: Path) -> bool:
        done = super().exchange(one, other)
        for path in (one, other):
            if path.name == self.name and not self.rotten:
                self.rotten = True
                stat, data = path.stat(), bytearray(path.read_bytes())
                data[len(data) // 2] ^= 1
                path.write_bytes(data)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return done


@pytest.mark.parametrize("name", ["sessions.json", "ann.jsonl"])
def test_what_does_not_read_back_as_written_is_no_success(scene: Scene, name: str) -> None:
    """Who changed it cannot be told, so it stays; so does the original."""
    with pytest.raises(LeftHalfway, match=f"{name} does not load as planned"):
        apply(scene.plan, tools(Rotting(name)), DEAD)
    assert len(pending(scene)) == 1
    original = scene.before[f"{SESSIONS}/{name}"][2]
    assert original in [path.read_bytes() for path in scene.root.rglob("*") if path.is_file()]


def test_vault_on_another_path_is_found_again(scene: Scene, tmp_path: Path) -> None:
    apply(scene.plan, tools(), DEAD, tmp_path / "elsewhere")
    run = find_run(tools(), scene.root, None, None)
    assert run.place.directory.is_relative_to(tmp_path / "elsewhere")
    assert all(check.problem is None for check in verify_run(tools(), run))
    undo(run, tools(), DEAD)
    assert tree(scene.root) == scene.before


def test_vault_is_private_and_its_names_mean_nothing_to_the_gateway(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    kept = list((scene.root / ".gatewaydoctor").rglob("*"))
    assert kept
    for path in kept:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert not path.name.endswith((".jsonl", ".tmp", ".lock"))
        assert not any(part in path.name for part in (".bak", ".deleted", ".reset", "sessions.json"))


@pytest.fixture(scope="module")
def step_count(tmp_path_factory: pytest.TempPathFactory) -> int:
    fs = FaultFs()
    apply(make(tmp_path_factory.mktemp("count") / "state").plan, tools(fs), DEAD)
    assert {"exchange", "rename_new", "fsync", "fsync_dir", "write", "unlink"} <= set(fs.log)
    return fs.steps


def every_step(base: Path, mode: Mode, *, swaps: bool = True) -> Iterator[tuple[int, FaultFs, Scene, object]]:
    """A fresh scene for each step that tells, with the error that apply ended in; the scene is gone when the next
    one comes."""
    root, straight = base / "state", FaultFs(swaps=swaps)
    apply(make(root).plan, tools(straight), DEAD)
    shutil.rmtree(root)
    for step in telling(straight.log, mode):
        scene = make(root)
        fs = FaultFs(step, mode, swaps=swaps)
        error: BaseException | None = None
        try:
            apply(scene.plan, tools(fs), DEAD)
        except (DoctorError, Killed) as raised:
            error = raised
        assert fs.fault_met
        yield step, fs, scene, error
        shutil.rmtree(root)


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.FULL, Mode.INTERRUPT], ids=lambda mode: mode.name)
@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_a_failure_at_any_step_leaves_everything_as_it_was(ground: Path, mode: Mode, swaps: bool) -> None:
    seen: list[type] = []
    for step, fs, scene, error in every_step(ground, mode, swaps=swaps):
        if error is None:
            # A full disk does not stop what only removes.
            assert contents(scene.root) == scene.after, (step, fs.log[-1])
            continue
        if isinstance(error, LeftHalfway):
            # Without exchange, and once the displaced original is gone, the way back needs room for it.
            assert mode is Mode.FULL or "could not be closed" in error.message
            run = find_run(tools(), scene.root, None, error.run_id)
            assert not swaps or "unlink" in fs.log[step - 12 : step] or fs.log[step - 1] == "append"
            undo(run, tools(), DEAD)
        else:
            assert isinstance(error, Refused | PutBack | Stopped), (step, fs.log[-1], error)
        # A run that said it was done, and could not be closed, is kept as one that was undone.
        closed = "could not be closed" not in str(error)
        assert tree(scene.root, vault=closed) == scene.before, (step, fs.log[step - 1])
        assert list_runs(fs, tools().processes, scene.root) == () or not closed
        seen.append(type(error))
    assert PutBack in seen or Stopped in seen
    assert mode is not Mode.FULL or NoSpace in seen


def test_a_short_write_is_continued(ground: Path) -> None:
    for step, _, scene, error in every_step(ground, Mode.SHORT):
        assert error is None
        assert contents(scene.root) == scene.after, step


def whole(scene: Scene) -> bool:
    """Every file is old or new, none torn or gone."""
    before = make_contents(scene.before)
    now = contents(scene.root)
    now.pop(f"{SESSIONS}/sessions.json.lock", None)  # ours, left by the kill
    names = set(before) | set(scene.after)
    return set(now) <= names and all(now.get(name) in (before.get(name), scene.after.get(name)) for name in names)


def make_contents(found: dict[str, object]) -> dict[str, object]:
    return {name: (value[0], value[2]) if isinstance(value, tuple) else value for name, value in found.items()}


@pytest.mark.parametrize("mode", [Mode.KILL_AFTER, Mode.POWER], ids=lambda mode: mode.name)
@pytest.mark.parametrize(("swaps", "ways"), WAYS_BY_SWAPS, ids=str)
def test_a_kill_at_any_step_can_be_undone_and_finished(
    ground: Path, mode: Mode, swaps: bool, ways: tuple[str, str]
) -> None:
    for turn, (step, fs, scene, error) in enumerate(every_step(ground, mode, swaps=swaps)):
        assert isinstance(error, Killed)
        assert whole(scene), (step, fs.log[-1])
        settle(scene, ways[turn % 2], (step, fs.log[-1]))


def settle(scene: Scene, way: str, label: object) -> None:
    runs = pending(scene)
    assert len(runs) <= 1
    if not runs:
        assert contents(scene.root) in (scene.after, make_contents(scene.before)), label
        return
    with pytest.raises(Refused):
        apply(scene.plan, tools(), DEAD)
    if way == "undo":
        undo(runs[0], tools(), DEAD)
        assert tree(scene.root) == scene.before, label
    else:
        try:
            resume(runs[0], tools(), DEAD)
        except DoctorError as error:
            assert "before its plan was saved" in error.message, label
            undo(runs[0], tools(), DEAD)
            assert tree(scene.root) == scene.before, label
        else:
            assert contents(scene.root) == scene.after, label
    assert not pending(scene)


@pytest.mark.parametrize("way", ["undo", "resume"])
def test_a_kill_while_going_back_or_on_can_be_repeated(ground: Path, step_count: int, way: str) -> None:
    for first in range(4, step_count, 9):
        for second in range(1, 60, 4):
            root = ground / "state"
            scene = make(root)
            with pytest.raises(Killed):
                apply(scene.plan, tools(FaultFs(first, Mode.KILL)), DEAD)
            runs = pending(scene)
            fs = FaultFs(second, Mode.KILL_AFTER)
            if runs:
                try:
                    (undo if way == "undo" else resume)(runs[0], tools(fs), DEAD)
                except Killed:
                    assert whole(scene), (first, second)
                except DoctorError as error:
                    assert "before its plan was saved" in error.message
                for run in pending(scene):
                    undo(run, tools(), DEAD)
                assert make_contents(tree(root)) in (make_contents(scene.before), scene.after), (first, second)
            shutil.rmtree(root)
            if not fs.fault_met:
                break


def test_a_kill_while_undoing_a_finished_run(ground: Path) -> None:
    for second in range(1, 200):
        root = ground / "state"
        scene = make(root)
        apply(scene.plan, tools(), DEAD)
        run = find_run(tools(), root, None, None)
        fs = FaultFs(second, Mode.KILL_AFTER)
        try:
            undo(run, tools(fs), DEAD)
        except Killed:
            assert whole(scene), second
            run = find_run(tools(), root, None, None) if pending(scene) else None
            if run:
                undo(run, tools(), DEAD)
        done = not fs.fault_met
        assert tree(root) == scene.before or contents(root) == scene.after, second
        shutil.rmtree(root)
        if done:
            return
    pytest.fail("undo never finished")


def test_a_disk_that_breaks_for_good_leaves_a_run_to_undo(ground: Path) -> None:
    halfway = 0
    for step, fs, scene, error in every_step(ground, Mode.BROKEN):
        assert isinstance(error, Refused | PutBack | LeftHalfway), (step, fs.log[-1])
        assert whole(scene)
        halfway += isinstance(error, LeftHalfway)
        if isinstance(error, LeftHalfway):
            undo(find_run(tools(), scene.root, None, error.run_id), tools(), DEAD)
        for run in pending(scene):
            undo(run, tools(), DEAD)
        assert tree(scene.root) == scene.before, step
    assert halfway


def test_a_target_changed_since_the_plan_is_refused(scene: Scene) -> None:
    path = scene.root / SESSIONS / "sessions.json"
    path.write_bytes(b"{}")
    with pytest.raises(InputChanged, match="changed since the plan"):
        apply(scene.plan, tools(), DEAD)
    assert path.read_bytes() == b"{}"
    assert not (scene.root / ".gatewaydoctor").exists()


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "rename"])
def test_a_file_that_somebody_writes_meanwhile_is_never_overwritten(
    ground: Path, step_count: int, swaps: bool
) -> None:
    """At every step another process replaces the store, as a gateway does: its file must survive."""
    for step in range(1, step_count + 1):
        scene = make(ground / "state")
        store = scene.root / SESSIONS / "sessions.json"

        def replace(number: int, _name: str, step=step, store=store) -> None:
            if number == step:
                beside = store.with_name("sessions.json.x.tmp")
                beside.write_bytes(b'{"theirs":{}}')
                beside.rename(store)

        fs = FaultFs(hook=replace, swaps=swaps)
        with suppress(DoctorError):
            apply(scene.plan, tools(fs), DEAD)
        last = fs.log[step - 1] if len(fs.log) >= step else None
        # Without exchange there is one step, the rename itself, in which it can be lost.
        if last is not None and (swaps or last != "rename"):
            assert store.read_bytes() == b'{"theirs":{}}', (step, fs.log[step - 1 :])
        shutil.rmtree(scene.root)
