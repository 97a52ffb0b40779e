"""repair space: only what can be made again, or is there twice, and only to another disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.model.repair.plan import Move
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.writing.errors import InputChanged
from gatewaydoctor.repair.writing.fs import OsWriteFs
from tests.cli.harness import run
from tests.fixtures_source.health import AGENT
from tests.repair.doctor import Doctor, steps
from tests.repair.scene import DEAD, tools, tree
from tests.repair.test_every_repair import TEMP, crowded
from tests.repair.test_small_disk import disk, stuff
from tests.world import DAY, HOUR, NOW, StateDir, row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("disk",)


def test_what_can_be_made_again_comes_first_and_one_copy_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    crowded(state)
    state.file(f"{AGENT}.corrupt-1795000000001", (state.root / AGENT).read_bytes(), HOUR)
    state.file(f"{AGENT}.corrupt-1795000000002", b"something else" * 99, HOUR)
    doctor = Doctor(state)
    found = [(step.reason.partition(",")[0], step.sample) for step in steps(doctor.plan("space"), "space")]
    name = AGENT.rpartition("/")[2]
    assert found == [
        ("made again from the log when the database is opened", (f"{name}-shm",)),
        (f"the same bytes as {name}", (f"{name}.corrupt-1795000000000",)),
        (f"the same bytes as {name}", (f"{name}.corrupt-1795000000001",)),
    ]
    doctor.there_and_back("space")
    assert doctor.plan().empty


def test_of_copies_alone_one_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    crowded(state)
    (state.root / f"{AGENT}-shm").unlink()
    for stamp in (1, 2):
        state.file(f"{AGENT}.corrupt-179500000000{stamp}", b"a former database" * 99, HOUR)
    doctor = Doctor(state)
    doctor.apply("space")
    left = [path.name for path in (state.root / AGENT).parent.iterdir()]
    assert sum(".corrupt-" in name for name in left) == 1


def command(state: Path, *words: str) -> tuple[int, str]:
    ran = run("repair", "space", *words, "--state-dir", str(state), "--now", str(NOW))
    return ran.code, ran.out + ran.err


def test_a_full_disk_gets_room_and_everything_back(disk: Path) -> None:
    state = StateDir(disk, "2026.9.6")
    crowded(state)
    stuff(disk)
    before = tree(state.root)
    code, said = command(state.root, "--apply", "--yes")
    assert code == ExitCode.REFUSED
    assert "0 B free" in said.replace("\n", " ")
    assert tree(state.root, vault=True) == before
    vault = disk.parent / "vault"
    code, said = command(state.root, "--apply", "--yes", "--vault", str(vault))
    assert code == ExitCode.OK, said
    assert OsWriteFs().space(disk).available > 32_768
    (disk / "ballast").unlink()
    assert run("undo", "--yes", "--state-dir", str(state.root), "--now", str(NOW)).code == ExitCode.OK
    assert tree(state.root) == before


def test_a_copy_does_not_go_once_the_copy_it_equals_has_changed(tmp_path: Path) -> None:
    """The one that stays is part of what the plan is judged by, though nothing else reads it."""
    state = StateDir(tmp_path, "2026.9.6")
    crowded(state)
    (state.root / f"{AGENT}-shm").unlink()
    first, second = (
        state.file(f"{AGENT}.corrupt-179500000000{stamp}", b"a former database" * 99, HOUR) for stamp in (1, 2)
    )
    plan = Doctor(state).plan("space")
    gone = {plan.fingerprints[act.source].path.rpartition("/")[2] for act in plan.acts if isinstance(act, Move)}
    (stays,) = (path for path in (first, second) if path.name not in gone)
    stays.write_bytes(b"another database" * 99)
    with pytest.raises(InputChanged):
        apply(plan, tools(), DEAD)
    assert first.exists() and second.exists()


def test_old_temp_files_go_too_and_a_fresh_one_stays(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1)})
    for name, age in ((TEMP, 3 * DAY), (TEMP.replace(".0b", ".1b"), 0)):
        state.file(f"agents/main/sessions/{name}", b"x" * 9, age)
    doctor = Doctor(state)
    doctor.there_and_back("space")
    doctor.apply("space")
    left = {path.name for path in (state.root / "agents/main/sessions").glob("*.tmp")}
    assert left == {TEMP.replace(".0b", ".1b")}
