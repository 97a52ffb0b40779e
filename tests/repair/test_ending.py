"""Every situation an interrupted or damaged run can leave has a command that ends it, and nothing is lost by it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.model.repair.plan import Fingerprint, Move, Plan
from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, Kept, Manifest, RunState
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.merge_plan import merge_plan
from gatewaydoctor.repair.run.merge_run import merge
from gatewaydoctor.repair.run.undo import UndoAction, preview, resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs, verify_run
from gatewaydoctor.repair.vault.codec import encode, read_part, with_id
from gatewaydoctor.repair.writing.errors import (
    InputChanged,
    NoSpace,
    NotWritable,
    OutOfBounds,
    PutBack,
    Stopped,
    VaultDamaged,
)
from gatewaydoctor.repair.writing.guard import require_writable
from gatewaydoctor.system.fs import DiskSpace
from gatewaydoctor.system.immutable import Fixed
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, SESSIONS, Scene, contents, make, tools, tree
from tests.repair.test_whose_runs import killed_at, last_of, runs_of

STORE = f"{SESSIONS}/sessions.json"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make(tmp_path / "state")


def pending(root: Path):
    return interrupted_runs(tools().fs, tools().processes, root)


def killed(scene: Scene, name: str, times: int = 1) -> None:
    with pytest.raises(Killed):
        apply(scene.plan, tools(killed_at(name, times)), DEAD)
    (scene.root / f"{STORE}.lock").unlink(missing_ok=True)


def merged(root: Path):
    run = last_of(root)
    return merge(run, merge_plan(run, tools()), tools(), DEAD)


@pytest.mark.parametrize("damage", [b"", None, b"\0" * 500, b'\n{"at":1,"state":"preparing"}\n'])
@pytest.mark.parametrize("way", [undo, resume])
def test_a_damaged_journal_of_a_finished_run_deletes_nothing(scene: Scene, damage: bytes | None, way) -> None:
    apply(scene.plan, tools(), DEAD)
    journal = last_of(scene.root).place.journal
    journal.unlink()
    if damage is not None:
        journal.write_bytes(damage)
    vault = tree(journal.parent)
    if way is resume:
        with pytest.raises(DoctorError, match="is finished"):
            resume(last_of(scene.root), tools(), DEAD)
        assert tree(journal.parent) == vault
    undo(last_of(scene.root), tools(), DEAD)
    assert tree(scene.root) == scene.before


@pytest.mark.parametrize("step", ["exchange", "rename_new", "rename"])
@pytest.mark.parametrize("way", [undo, resume])
def test_a_damaged_journal_of_an_interrupted_run_ends_by_merge(scene: Scene, step: str, way) -> None:
    killed(scene, step, 2)
    journal = last_of(scene.root).place.journal
    journal.write_bytes(b'\n{"at":1,"state":"vaulted"}\n')
    before = tree(scene.root, vault=True)
    with pytest.raises(InputChanged, match="does not show why") as refused:
        way(last_of(scene.root), tools(), DEAD)
    assert "--merge" in refused.value.hint
    assert tree(scene.root, vault=True) == before
    merged(scene.root)
    assert not pending(scene.root)
    now = contents(scene.root)
    rows = json.loads(now[STORE][1])
    assert rows == json.loads(scene.before[STORE][2])
    for name in ("a", "b", "linked"):
        assert now[f"{SESSIONS}/{name}.jsonl"][1] == scene.before[f"{SESSIONS}/{name}.jsonl"][2]


def theirs(root: Path) -> None:
    """The gateway saves once."""
    store = root / STORE
    rows = json.loads(store.read_bytes()) | {"agent:main:direct:bob": {"sessionId": "bob"}}
    beside = store.with_name("x")
    beside.write_text(json.dumps(rows, indent=2))
    beside.rename(store)


@pytest.mark.parametrize("vault", [False, True], ids=["inside", "elsewhere"])
def test_an_interrupted_run_and_a_gateway_that_saved_end_by_merge(tmp_path: Path, vault: bool) -> None:
    for times in range(1, 4):
        scene = make(tmp_path / f"state{times}")
        fs = killed_at("rename_new", 1 + times)
        with pytest.raises(Killed):
            apply(scene.plan, tools(fs), DEAD, tmp_path / "vault" if vault else None)
        (scene.root / f"{STORE}.lock").unlink(missing_ok=True)
        theirs(scene.root)
        before = tree(scene.root)
        for way in (undo, resume):
            with pytest.raises(InputChanged, match="has changed since") as refused:
                way(last_of(scene.root), tools(), DEAD)
            assert "--merge" in refused.value.hint
        assert UndoAction.CHANGED in {each.action for each in preview(tools(), last_of(scene.root))}
        assert tree(scene.root) == before
        merged(scene.root)
        assert not pending(scene.root)
        now = contents(scene.root)
        rows = json.loads(now[STORE][1])
        assert rows == json.loads(scene.before[STORE][2]) | {"agent:main:direct:bob": {"sessionId": "bob"}}
        for name in ("a", "b", "linked"):
            assert now[f"{SESSIONS}/{name}.jsonl"][1] == scene.before[f"{SESSIONS}/{name}.jsonl"][2]
        undo(last_of(scene.root), tools(), DEAD)
        assert json.loads((scene.root / STORE).read_bytes())["agent:main:direct:bob"]
        shutil.rmtree(scene.root)


def test_merge_ends_a_run_at_any_step_and_loses_nothing(ground: Path) -> None:
    for step in range(3, 400, 3):
        scene = make(ground / "state")
        with suppress(Killed):
            apply(scene.plan, tools(FaultFs(step, Mode.KILL)), DEAD)
        (scene.root / f"{STORE}.lock").unlink(missing_ok=True)
        done = not pending(scene.root)
        if done and contents(scene.root) == scene.after:
            return
        if not done:
            with suppress(Killed):
                run = last_of(scene.root)
                merge(run, merge_plan(run, tools()), tools(FaultFs(step % 23 + 1, Mode.KILL)), DEAD)
            for run in pending(scene.root):
                merge(run, merge_plan(run, tools()), tools(), DEAD)
            if any(run.state is RunState.DONE for run in runs_of(scene.root)):
                merged(scene.root)
        assert not pending(scene.root), step
        now = contents(scene.root)
        assert json.loads(now[STORE][1]) == json.loads(scene.before[STORE][2]), step
        for name in ("a", "b", "linked"):
            assert now[f"{SESSIONS}/{name}.jsonl"][1] == scene.before[f"{SESSIONS}/{name}.jsonl"][2], (step, name)
        shutil.rmtree(scene.root)
    pytest.fail("apply never finished")


def test_a_run_that_had_not_begun_to_act_is_over_once_it_is_merged(ground: Path) -> None:
    """Killed at any step before its first swap, and then the gateway saves."""
    ended = 0
    for step in range(1, 400):
        scene = make(ground / "state")
        with suppress(Killed):
            apply(scene.plan, tools(FaultFs(step, Mode.KILL)), DEAD)
        (scene.root / f"{STORE}.lock").unlink(missing_ok=True)
        runs = pending(scene.root)
        if runs and runs[0].state not in BEFORE_ACTING:
            assert ended > 20
            return
        theirs(scene.root)
        before = contents(scene.root)
        if runs:
            merge(runs[0], merge_plan(runs[0], tools()), tools(), DEAD)
            assert all(run.state.over for run in runs_of(scene.root)), step
            ended += 1
        assert contents(scene.root) == before, step
        shutil.rmtree(scene.root)
    pytest.fail("the run never began to act")


class FarAway(FaultFs):
    """Stands for a vault on another filesystem."""

    def rename_new(self, source: Path, target: Path) -> None:
        if ("vault" in source.parts) != ("vault" in target.parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        super().rename_new(source, target)


@pytest.mark.parametrize("far", [False, True])
def test_an_undo_killed_again_and_again_in_its_copies_still_ends(tmp_path: Path, far: bool) -> None:
    scene = make(tmp_path / "state")
    kind = FarAway if far else FaultFs
    apply(scene.plan, tools(kind()), DEAD, tmp_path / "vault" if far else None)
    for step in range(3, 40):
        with suppress(Killed):
            undo(last_of(scene.root), tools(kind(step, Mode.KILL_AFTER)), DEAD)
        if runs_of(scene.root)[0].state is RunState.UNDONE:
            break
    for run in pending(scene.root):
        undo(run, tools(kind()), DEAD)
    assert tree(scene.root) == scene.before


def test_somebodys_file_caught_in_between_is_kept_and_the_run_ends(scene: Scene) -> None:
    killed(scene, "unlink", 3)
    run = last_of(scene.root)
    caught = run.place.old_file(scene.root / STORE, 0)
    caught.write_bytes(b"theirs")
    run.place.displaced(0).write_bytes(b"another")
    undo(run, tools(), DEAD)
    assert tree(scene.root) == scene.before
    assert not pending(scene.root)
    (run,) = runs_of(scene.root)
    assert run.state is RunState.PUT_BACK
    assert run.place.displaced(0, 1).read_bytes() == b"theirs"
    apply(scene.plan, tools(), DEAD)


def test_a_writer_that_has_a_moved_file_open_loses_nothing(scene: Scene) -> None:
    path = scene.root / SESSIONS / "a.jsonl"
    with path.open("ab", buffering=0) as writer:

        def late(_number: int, name: str) -> None:
            if name == "set_mode":
                writer.write(b"late")

        with pytest.raises(PutBack):
            apply(scene.plan, tools(FaultFs(hook=late)), DEAD)
    assert not pending(scene.root)
    content = path.read_bytes()
    assert content.startswith(b"a" * 50 + b"late")
    path.write_bytes(b"a" * 50)
    assert contents(scene.root) == contents_of(scene.before)


def contents_of(found: dict[str, object]) -> dict[str, object]:
    return {name: (value[0], value[2]) if isinstance(value, tuple) else value for name, value in found.items()}


def planted(scene: Scene, target: str, mode: int, uid: int = 0) -> None:
    """A run that the user of the gateway made by hand."""
    data = b"#!/bin/sh\n"
    directory = scene.root / ".gatewaydoctor/runs/20991231T000000Z-deadbeef"
    (directory / "files").mkdir(parents=True)
    (directory / "files/000000").write_bytes(data)
    same = {
        "path": target,
        "dev": 1,
        "ino": 1,
        "size": len(data),
        "mtime_ns": 1,
        "mode": mode,
        "uid": uid,
        "gid": uid,
    }
    plan = with_id(
        Plan(
            created_at=1,
            state_dir=str(scene.root),
            repairs=("trim",),
            fingerprints=(Fingerprint(**same, nlink=1),),
            acts=(Move(source=0),),
        )
    )
    import hashlib

    kept = Kept(**same, stored="files/000000", sha256=hashlib.sha256(data).hexdigest(), moved=False)
    manifest = Manifest(
        run_id=directory.name, plan_id=plan.plan_id, state_dir=str(scene.root), created_at=1, items=(kept,)
    )
    (directory / "plan.json").write_bytes(encode(plan))
    (directory / "manifest.json").write_bytes(encode(manifest))
    (directory / "journal").write_text(
        '\n{"at":4000000000000,"state":"acting","new":{}}\n\n{"at":5,"state":"done"}\n'
    )


def test_a_run_just_begun_that_leaves_the_directory_touches_nothing_there(scene: Scene) -> None:
    planted(scene, "../outside", 0o100644)
    place = last_of(scene.root).place
    place.journal.write_text('\n{"at":1,"state":"preparing"}\n')
    place.manifest.unlink()
    beside = place.new_file(scene.root / "../outside", 0)
    beside.write_text("x")
    with pytest.raises(VaultDamaged):
        undo(last_of(scene.root), tools(), DEAD)
    (place.files / "000000").unlink()
    undo(last_of(scene.root), tools(), DEAD)
    assert beside.read_text() == "x"
    assert not place.directory.exists()


@pytest.mark.parametrize("target", ["../outside", "/tmp/outside", ".gatewaydoctor/x", "way/x"])
@pytest.mark.parametrize("way", [undo, lambda run, kit, dead: merge_plan(run, kit)], ids=["undo", "merge"])
def test_a_run_with_a_target_outside_of_the_directory_is_refused(scene: Scene, target: str, way) -> None:
    (scene.root.parent / "away").mkdir()
    (scene.root / "way").symlink_to(scene.root.parent / "away")
    planted(scene, target, 0o100644)
    before = tree(scene.root.parent, vault=True)
    with pytest.raises(OutOfBounds):
        way(last_of(scene.root), tools(), DEAD)
    assert tree(scene.root.parent, vault=True) == before


def test_set_id_bits_come_back_only_where_they_are_proven(scene: Scene) -> None:
    if os.getuid():
        pytest.skip("needs root to give files away")
    planted(scene, "tool", 0o104755)
    run = last_of(scene.root)
    os.chown(run.place.manifest, 65534, 65534)
    with pytest.raises(OutOfBounds, match="set-id"):
        undo(run, tools(), DEAD)
    assert not (scene.root / "tool").exists()


def test_a_vault_name_outside_of_the_runs_files_is_refused(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    path = last_of(scene.root).place.manifest
    manifest = read_part(tools().fs, path, Manifest)
    items = (msgspec.structs.replace(manifest.items[0], stored="../../../other-name"), *manifest.items[1:])
    path.write_bytes(encode(msgspec.structs.replace(manifest, items=items)))
    with pytest.raises(VaultDamaged, match="do not belong together"):
        undo(last_of(scene.root), tools(), DEAD)


def test_a_directory_that_became_a_link_is_not_written_through(scene: Scene, tmp_path: Path) -> None:
    apply(scene.plan, tools(), DEAD)
    (scene.root / SESSIONS).rename(tmp_path / "elsewhere")
    (scene.root / SESSIONS).symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path / "elsewhere")
    with pytest.raises(OutOfBounds):
        undo(last_of(scene.root), tools(), DEAD)
    assert tree(tmp_path / "elsewhere") == before


def test_verify_of_a_run_on_its_way_back_names_no_damage(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    with pytest.raises(Killed):
        undo(last_of(scene.root), tools(killed_at("rename_new", 3)), DEAD)
    (run,) = pending(scene.root)
    assert all(check.problem is None for check in verify_run(tools(), run))


def test_a_preview_refuses_what_undo_would_refuse_for_its_vault(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    run = last_of(scene.root)
    (run.place.files / "000003").write_bytes(b"other")
    with pytest.raises(VaultDamaged):
        undo(run, tools(), DEAD)
    assert UndoAction.DAMAGED in {each.action for each in preview(tools(), run)}


@pytest.mark.parametrize("damage", ["gone", "altered"])
@pytest.mark.parametrize("way", [undo, merge], ids=["undo", "merge"])
def test_an_original_that_waits_beside_its_target_makes_up_for_the_vault(scene: Scene, damage: str, way) -> None:
    killed(scene, "rename", 2)
    run = last_of(scene.root)
    stored = run.place.files / "000000"
    stored.unlink() if damage == "gone" else stored.write_bytes(b"x")
    if way is undo:
        undo(run, tools(), DEAD)
        assert tree(scene.root) == scene.before
        return
    merge(run, merge_plan(run, tools()), tools(), DEAD)
    rows = json.loads((scene.root / STORE).read_bytes())
    assert rows == json.loads(scene.before[STORE][2])
    assert stored.read_bytes() == scene.before[STORE][2]


def test_merge_says_what_the_vault_has_lost_and_ends_the_run(scene: Scene) -> None:
    killed(scene, "rename", 2)
    place = last_of(scene.root).place
    (place.files / "000000").unlink()
    place.new_file(scene.root / STORE, 0).unlink()
    plan = merge_plan(last_of(scene.root), tools())
    assert any(STORE in note.names and "changed in the vault" in note.text for note in plan.cautions)
    merged(scene.root)
    assert not pending(scene.root)
    assert (scene.root / SESSIONS / "a.jsonl").exists()


class ReadOnly(FaultFs):
    def writable(self, directory: Path) -> bool:
        return directory.name != Path(SESSIONS).name


def test_undo_is_refused_where_it_could_not_write(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    before = tree(scene.root, vault=True)
    with pytest.raises(NotWritable):
        undo(last_of(scene.root), tools(ReadOnly()), DEAD)
    assert tree(scene.root, vault=True) == before


class Immutable(FaultFs):
    """One name is immutable, in whatever directory."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def fixed(self, path: Path) -> Fixed | None:
        return Fixed.IMMUTABLE if path.name == self.name else None


@pytest.mark.parametrize("name", ["sessions.json", Path(SESSIONS).name])
def test_what_is_immutable_is_named_before_anything_is_written(scene: Scene, name: str) -> None:
    before = tree(scene.root, vault=True)
    with pytest.raises(NotWritable, match=f"{name} is immutable") as refused:
        apply(scene.plan, tools(Immutable(name)), DEAD)
    assert "chattr -i" in refused.value.hint or "chflags" in refused.value.hint
    assert tree(scene.root, vault=True) == before
    apply(scene.plan, tools(), DEAD)
    after = tree(scene.root, vault=True)
    with pytest.raises(NotWritable, match=f"{name} is immutable"):
        undo(last_of(scene.root), tools(Immutable(name)), DEAD)
    assert tree(scene.root, vault=True) == after


@pytest.mark.parametrize(("flag", "expected"), [("i", Fixed.IMMUTABLE), ("a", Fixed.APPEND_ONLY)])
@pytest.mark.parametrize("made", ["file", "directory"])
def test_the_attribute_is_read_of_the_filesystem(tmp_path: Path, flag: str, expected: Fixed, made: str) -> None:
    path = tmp_path / "it"
    path.touch() if made == "file" else path.mkdir()
    assert FaultFs().fixed(path) is None
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, f"+{flag}", path], capture_output=True, check=False).returncode:
        pytest.skip("attributes need root, and a filesystem that keeps them")
    try:
        assert FaultFs().fixed(path) is expected
    finally:
        subprocess.run([chattr, f"-{flag}", path], check=True)


class MountedReadOnly(FaultFs):
    def space(self, path: Path) -> DiskSpace:
        return replace(super().space(path), read_only=path.name == Path(SESSIONS).name)


def test_a_directory_that_went_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="There is no directory") as refused:
        require_writable(FaultFs(), tmp_path / "gone", "")
    assert str(tmp_path / "gone") in refused.value.message


def test_on_a_read_only_file_system_the_mount_is_what_to_change(scene: Scene) -> None:
    before = tree(scene.root)
    with pytest.raises(NotWritable, match="mounted read-only") as refused:
        apply(scene.plan, tools(MountedReadOnly()), DEAD)
    assert "mount it read-write" in refused.value.hint
    assert tree(scene.root) == before
    apply(scene.plan, tools(), DEAD)
    with pytest.raises(NotWritable, match="mounted read-only"):
        undo(last_of(scene.root), tools(MountedReadOnly()), DEAD)


class Crammed(FaultFs):
    def space(self, path: Path) -> DiskSpace:
        return DiskSpace(10**9, 10**9, 1)


def test_undo_is_refused_where_no_more_files_can_be_made(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    before = tree(scene.root, vault=True)
    with pytest.raises(NoSpace, match="only 1 more files"):
        undo(last_of(scene.root), tools(Crammed()), DEAD)
    assert tree(scene.root, vault=True) == before


def test_undo_is_refused_where_the_place_of_a_file_is_gone(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    shutil.rmtree(scene.root / SESSIONS)
    before = tree(scene.root, vault=True)
    with pytest.raises(InputChanged):
        undo(last_of(scene.root), tools(), DEAD)
    assert tree(scene.root, vault=True) == before
    assert "directory is gone" in merge_plan(last_of(scene.root), tools()).cautions[0].text


def test_a_stopped_undo_says_how_to_go_on(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    run = find_run(tools(), scene.root, None, None)
    with pytest.raises(Stopped, match="only partly undone") as stopped:
        undo(run, tools(FaultFs(12, Mode.INTERRUPT)), DEAD)
    assert f"undo {run.run_id} --state-dir {scene.root}" in stopped.value.hint
    undo(last_of(scene.root), tools(), DEAD)
    assert tree(scene.root) == scene.before
    assert [each.state for each in list_runs(tools().fs, tools().processes, scene.root)] == [RunState.UNDONE]
