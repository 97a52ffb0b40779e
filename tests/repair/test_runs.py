"""The vault afterwards: listing, verifying, pruning, merging back, and refusing."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.liveness import Evidence, GatewayState, Liveness, Witness
from gatewaydoctor.model.repair.plan import Copy, Plan, Rewrite
from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.merge_plan import merge_plan
from gatewaydoctor.repair.run.undo import UndoAction, preview, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs, verify_run
from gatewaydoctor.repair.vault.codec import encode, read_plan, with_id
from gatewaydoctor.repair.vault.pruning import prunable, prune
from gatewaydoctor.repair.writing.errors import (
    BadPlan,
    GatewayLive,
    GatewayUnknown,
    InputChanged,
    NoSpace,
    NoSuchRun,
    OutOfBounds,
    Refused,
    RunPending,
    StoreLocked,
    VaultDamaged,
)
from gatewaydoctor.repair.writing.tools import Permission, Tools
from gatewaydoctor.system.fs import DiskSpace
from tests.repair.doctor import Doctor
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, NOW, SESSIONS, Scene, contents, fingerprint, make, tools, tree
from tests.world import DAY, StateDir, job, row, run_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make(tmp_path / "state")


def runs_of(scene: Scene):
    return list_runs(tools().fs, tools().processes, scene.root)


def gateway(liveness: Liveness) -> GatewayState:
    return GatewayState(liveness, (Evidence(Witness.LOCK, liveness, "A lock says so."),))


def refuses(scene: Scene, error: type[Refused], permission: Permission = DEAD, kit: Tools | None = None) -> Refused:
    before = tree(scene.root, vault=True)
    with pytest.raises(error) as raised:
        apply(scene.plan, kit or tools(), permission)
    assert tree(scene.root, vault=True) == before
    return raised.value


def test_a_live_gateway_is_refused_whatever_is_said(scene: Scene) -> None:
    assert "A lock says so." in refuses(scene, GatewayLive, Permission(lambda: gateway(Liveness.LIVE), True)).message


def test_an_unknown_one_needs_the_operators_word(scene: Scene) -> None:
    refuses(scene, GatewayUnknown, Permission(lambda: gateway(Liveness.UNKNOWN)))
    receipt = apply(scene.plan, tools(), Permission(lambda: gateway(Liveness.UNKNOWN), True))
    assert receipt is not None
    assert receipt.gateway_stopped_by_word
    assert receipt.evidence == ("A lock says so.",)


class Cramped(FaultFs):
    def space(self, path: Path) -> DiskSpace:
        return DiskSpace(10**9, 1_000_000, 1000)


def test_too_little_space_is_refused(scene: Scene) -> None:
    assert "; 1.0 MB is free, " in refuses(scene, NoSpace, kit=tools(Cramped())).message


def test_a_store_lock_that_is_held_is_honoured(scene: Scene) -> None:
    import subprocess
    import sys

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        path = scene.root / SESSIONS / "sessions.json.lock"
        start = tools().processes.info(other.pid).start_time
        path.write_text(json.dumps({"pid": other.pid, "createdAt": "2027-04-01T00:00:00Z", "starttime": start}))
        before = tree(scene.root)
        with pytest.raises(StoreLocked, match="is held"):
            apply(scene.plan, tools(), DEAD)
        assert tree(scene.root) == before
        other.communicate(b"\n")
    apply(scene.plan, tools(), DEAD)
    assert path.exists()
    path.unlink()
    assert contents(scene.root) == scene.after


def test_a_transcript_that_is_held_is_left_alone(scene: Scene) -> None:
    import subprocess
    import sys

    moved = next(fingerprint.path for fingerprint in scene.plan.fingerprints if fingerprint.path.endswith(".jsonl"))
    path = scene.root / f"{moved}.lock"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        start = tools().processes.info(other.pid).start_time
        path.write_text(json.dumps({"pid": other.pid, "createdAt": "2027-04-01T00:00:00Z", "starttime": start}))
        assert str(path) in refuses(scene, StoreLocked).message
        other.communicate(b"\n")


def test_a_lock_of_nobody_counts_until_the_operator_gives_his_word(scene: Scene) -> None:
    path = scene.root / SESSIONS / "sessions.json.lock"
    path.write_text("")
    refused = refuses(scene, StoreLocked)
    assert "Cannot tell" in refused.message
    assert "--gateway-stopped" in refused.hint
    apply(scene.plan, tools(), Permission(lambda: gateway(Liveness.DEAD), True))
    assert path.read_text() == ""
    path.unlink()
    assert contents(scene.root) == scene.after


def test_a_gateway_that_starts_while_the_vault_fills_is_noticed(scene: Scene) -> None:
    states = iter((Liveness.DEAD, Liveness.LIVE))
    refuses(scene, GatewayLive, Permission(lambda: gateway(next(states))))


def test_a_plan_with_a_target_outside_is_refused(scene: Scene, tmp_path: Path) -> None:
    import msgspec

    from gatewaydoctor.repair.vault.codec import with_id

    outside = Rewrite(target="../x", segments=(), size=0, replaces=None)
    bad = with_id(msgspec.structs.replace(scene.plan, acts=(outside,)))
    refuses(Scene(scene.root, bad, {}, {}), OutOfBounds)
    (tmp_path / "away").mkdir()
    (scene.root / "way").symlink_to(tmp_path / "away")
    behind = Rewrite(target="way/x", segments=(), size=0, replaces=None)
    bad = with_id(msgspec.structs.replace(scene.plan, acts=(behind,)))
    refuses(Scene(scene.root, bad, {}, {}), OutOfBounds)


@pytest.mark.parametrize("where", ["{away}/secret", "../away/secret", "way/secret", ".gatewaydoctor/runs/r/files/0"])
def test_a_plan_with_a_source_outside_is_refused(scene: Scene, tmp_path: Path, where: str) -> None:
    """Nor does a run that is named give leave to copy from anywhere but its own originals."""
    import msgspec

    from gatewaydoctor.repair.vault.codec import with_id

    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "secret").write_bytes(b"secret")
    (scene.root / "way").symlink_to(tmp_path / "away")
    receipt = apply(scene.plan, tools(), DEAD)
    assert receipt is not None
    seen = fingerprint(tmp_path, "away/secret")
    seen = msgspec.structs.replace(seen, path=where.format(away=tmp_path / "away"))
    stolen = Rewrite(target="stolen", segments=(Copy(0, 0, 6),), size=6, replaces=None)
    for undoes in (None, receipt.run_id):
        bad = Plan(
            created_at=NOW,
            state_dir=str(scene.root),
            repairs=(),
            fingerprints=(seen,),
            acts=(stolen,),
            undoes=undoes,
        )
        with pytest.raises(OutOfBounds):
            apply(with_id(bad), tools(), DEAD)
    assert not (scene.root / "stolen").exists()


def test_a_vault_that_is_a_symbolic_link_is_refused(scene: Scene, tmp_path: Path) -> None:
    (scene.root / ".gatewaydoctor").symlink_to(tmp_path)
    refuses(scene, OutOfBounds)


def test_a_vault_inside_the_state_directory_is_refused(scene: Scene) -> None:
    with pytest.raises(OutOfBounds):
        apply(scene.plan, tools(), DEAD, scene.root / SESSIONS)


def test_plans_survive_a_file_and_edited_ones_do_not(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(encode(scene.plan))
    assert read_plan(tools().fs, path) == scene.plan
    path.write_bytes(encode(scene.plan).replace(b'"size":', b'"size":1', 1))
    with pytest.raises(BadPlan, match="changed after"):
        read_plan(tools().fs, path)
    for data in (b"", b"{}", b"[1]", b"\xff"):
        path.write_bytes(data)
        with pytest.raises(BadPlan):
            read_plan(tools().fs, path)


def test_names_that_are_no_utf8_survive_in_a_plan(tmp_path: Path) -> None:
    import msgspec

    from gatewaydoctor.repair.vault.codec import with_id

    plan = make(tmp_path / "state").plan
    odd = with_id(msgspec.structs.replace(plan, state_dir=os.fsdecode(b"/tmp/\xff\xfe")))
    path = tmp_path / "plan.json"
    path.write_bytes(encode(odd))
    assert read_plan(tools().fs, path) == odd


def test_undo_shows_first_and_refuses_what_changed(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    (run,) = runs_of(scene)
    ways = {each.target.rpartition("/")[2]: each.action for each in preview(tools(), run)}
    assert ways["sessions.json"] is UndoAction.RESTORE
    assert ways["parked.json"] is UndoAction.REMOVE
    (scene.root / SESSIONS / "sessions.json").write_bytes(b"{}")
    before = tree(scene.root)
    with pytest.raises(InputChanged, match="has changed since run"):
        undo(run, tools(), DEAD)
    assert tree(scene.root) == before


def test_a_run_is_undone_once(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    undo(runs_of(scene)[0], tools(), DEAD)
    with pytest.raises(NoSuchRun):
        undo(runs_of(scene)[0], tools(), DEAD)
    with pytest.raises(NoSuchRun):
        find_run(tools(), scene.root, None, None)


def test_undo_takes_later_runs_first(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    runs = {run_key("j", n): row(n, age=3 * DAY, status="running") for n in range(5)}
    doctor.state.store({"agent:main:main": row(901, status="running")} | runs)
    before = tree(doctor.state.root)
    doctor.apply("trim")
    doctor.apply("expire")
    first = list_runs(tools().fs, tools().processes, doctor.state.root)[0]
    with pytest.raises(InputChanged):
        undo(first, tools(), DEAD)
    doctor.undo()
    doctor.undo()
    assert tree(doctor.state.root) == before


def test_a_damaged_vault_is_told_and_not_put_back(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    (run,) = runs_of(scene)
    assert all(check.problem is None for check in verify_run(tools(), run))
    kept = run.place.files / "000000"
    data = bytearray(kept.read_bytes())
    data[10] ^= 1
    kept.write_bytes(bytes(data))
    assert [check.path for check in verify_run(tools(), run) if check.problem] == [f"{SESSIONS}/sessions.json"]
    before = tree(scene.root, vault=True)
    with pytest.raises(VaultDamaged, match="has changed"):
        undo(run, tools(), DEAD)
    assert tree(scene.root, vault=True) == before
    kept.unlink()
    with pytest.raises(VaultDamaged):
        undo(runs_of(scene)[0], tools(), DEAD)


def test_prune_takes_settled_runs_only(scene: Scene) -> None:
    apply(scene.plan, tools(), DEAD)
    undo(runs_of(scene)[0], tools(), DEAD)
    found = runs_of(scene)
    now = found[0].last_at or 0
    assert prunable(found, now) == ()
    assert prunable(found, now + 1) == found
    freed = prune(tools(), found)
    assert freed > 0
    assert not (scene.root / ".gatewaydoctor").exists()


def test_prune_takes_no_run_that_was_interrupted(scene: Scene) -> None:
    """Its vault is the way back, whoever asks."""
    fs = FaultFs(stop_at=80, mode=Mode.KILL)
    with pytest.raises(Killed):
        apply(scene.plan, tools(fs), DEAD)
    (run,) = runs_of(scene)
    assert run.pending
    before = tree(scene.root, vault=True)
    assert prunable((run,), 10**15) == ()
    with pytest.raises(RunPending, match="is not finished"):
        prune(tools(), (run,))
    assert tree(scene.root, vault=True) == before


def test_an_offline_vault_is_no_alarm_once_the_run_is_settled(scene: Scene, tmp_path: Path) -> None:
    vault = tmp_path / "disk"
    apply(scene.plan, tools(), DEAD, vault)
    vault.rename(tmp_path / "unplugged")
    kit = tools()
    assert interrupted_runs(kit.fs, kit.processes, scene.root) == ()
    (run,) = list_runs(kit.fs, kit.processes, scene.root)
    assert (run.state, "is missing" in (run.problem or "")) == (RunState.DONE, True)
    with pytest.raises(VaultDamaged, match="is missing"):
        undo(find_run(kit, scene.root, None, None), kit, DEAD)
    (note,) = (scene.root / ".gatewaydoctor/elsewhere").iterdir()
    note.write_text(f"{vault}\n")
    (run,) = interrupted_runs(kit.fs, kit.processes, scene.root)
    assert "is missing" in (run.problem or "")


def test_merge_adds_back_only_what_is_missing(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    people = {"agent:main:main": row(901), "agent:main:telegram:direct:7": row(902)}
    runs = {run_key("j", n): row(n, age=3 * DAY, status="running") for n in (3, 4, 5)}
    doctor.state.store(people | runs)
    for number in (3, 4):
        doctor.state.transcript(number, age=3 * DAY)
    doctor.apply("trim")
    now = {"agent:main:main": row(901, label="said more"), run_key("j", 4): row(4, label="again")}
    doctor.state.store(now)
    doctor.state.transcript(4, b"a new one")
    run = find_run(tools(), doctor.state.root, None, None)
    plan = merge_plan(run, tools())
    assert plan.undoes == run.run_id
    before = tree(doctor.state.root)
    apply(plan, tools(), DEAD)
    assert doctor.rows() == now | {run_key("j", n): runs[run_key("j", n)] for n in (3, 5)}
    names = {path.name: path for path in doctor.store.parent.glob("*.jsonl")}
    assert len(names) == 2
    assert names[f"{row(4)['sessionId']}.jsonl"].read_bytes() == b"a new one"
    doctor.undo()
    assert tree(doctor.state.root) == before


def stay(doctor: Doctor) -> list[str]:
    """What a merge of the last run says of edits that stay."""
    plan = merge_plan(find_run(tools(), doctor.state.root, None, None), tools())
    return [note.text.partition("; ")[2] for note in plan.cautions if "undoes no edit" in note.text]


def test_merge_names_the_edits_that_stay_in_a_store(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    doctor.state.store({"agent:main:main": row(1, skillsSnapshot={"prompt": "p" * 9_000}), run_key("j", 1): row(2)})
    doctor.apply("slim")
    assert stay(doctor) == ["these stay: slim: drop rebuilt fields skillsSnapshot and systemPromptReport (1)."]


def test_merge_names_no_edit_of_a_file_that_it_puts_back(tmp_path: Path) -> None:
    doctor = Doctor(StateDir(tmp_path))
    doctor.state.store({"agent:main:main": row(1)})
    doctor.state.jobs([job("a", state={"runningAtMs": NOW - DAY})])
    jobs = (doctor.state.root / "cron/jobs.json").read_bytes()
    doctor.apply("cron")
    assert stay(doctor) == []
    run = find_run(tools(), doctor.state.root, None, None)
    apply(merge_plan(run, tools()), tools(), DEAD)
    assert (doctor.state.root / "cron/jobs.json").read_bytes() == jobs


@pytest.mark.parametrize("elsewhere", [False, True])
def test_merge_of_an_untouched_run_brings_everything_back(scene: Scene, tmp_path: Path, elsewhere: bool) -> None:
    apply(scene.plan, tools(), DEAD, tmp_path / "vault" if elsewhere else None)
    apply(merge_plan(runs_of(scene)[0], tools()), tools(), DEAD)
    kept = tree(scene.root)
    for name, value in scene.before.items():
        if not name.endswith("sessions.json"):
            assert kept[name] == value
    rows = json.loads(kept[f"{SESSIONS}/sessions.json"][2])
    assert rows == json.loads(scene.before[f"{SESSIONS}/sessions.json"][2])


def test_a_run_at_work_is_left_alone(scene: Scene) -> None:
    import subprocess
    import sys

    from gatewaydoctor.repair.vault.journal import Journal

    apply(scene.plan, tools(), DEAD)
    (run,) = runs_of(scene)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        start = tools().processes.info(other.pid).start_time
        Journal(tools().fs, run.place.journal, lambda: 5).say(RunState.UNDOING, pid=other.pid, startTime=start)
        with pytest.raises(RunPending, match="is working on"):
            undo(runs_of(scene)[0], tools(), DEAD)
        other.communicate(b"\n")
    undo(runs_of(scene)[0], tools(), DEAD)
    assert tree(scene.root) == scene.before


@pytest.mark.parametrize(
    "change",
    [
        {"replaces": 99},
        {"like": -1},
        {"target": "a\0b"},
        {"target": "\ud800"},
        {"segments": (Copy(source=77, start=0, end=1),)},
        {"segments": (Copy(source=0, start=5, end=1),)},
    ],
    ids=str,
)
def test_a_plan_whose_parts_do_not_fit_is_refused(change: dict[str, object], scene: Scene, tmp_path: Path) -> None:
    import msgspec

    number = next(n for n, act in enumerate(scene.plan.acts) if isinstance(act, Rewrite))
    acts = list(scene.plan.acts)
    acts[number] = msgspec.structs.replace(acts[number], **change)
    saved = tmp_path / "plan.json"
    saved.write_bytes(encode(with_id(msgspec.structs.replace(scene.plan, acts=tuple(acts)))))
    with pytest.raises(BadPlan, match="do not match"):
        read_plan(tools().fs, saved)


def test_a_file_that_got_another_mode_is_another_file(scene: Scene) -> None:
    store = scene.root / SESSIONS / "sessions.json"
    store.chmod(0o604)
    assert "another mode or owner" in refuses(scene, InputChanged).message
