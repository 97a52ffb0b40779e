"""Whoever may write to a directory on the way swaps it for a symbolic link at any step: nothing outside of the state
directory changes, and nothing from outside comes into the vault (promise P9)."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run, list_runs
from gatewaydoctor.repair.vault.pruning import prune
from gatewaydoctor.repair.vault.snapshot import snapshot
from tests.repair.faults import FaultFs
from tests.repair.scene import DEAD, SESSIONS, make, tools

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = b"secret of somebody else "
VAULT = ".gatewaydoctor"
INSIDE = (SESSIONS, "agents/main", "", VAULT)
RUN = (f"{VAULT}/runs", "RUN", "RUN/files")
SNAPSHOT = (f"{VAULT}/snapshots", "PARTIAL")


class SwappingFs(FaultFs):
    """Calls `swap` before step number `at`, reads counted as well, and `back` before the one after it."""

    def __init__(self, at: int, swap: Callable[[], None], back: Callable[[], None]) -> None:
        super().__init__()
        self.calls = 0
        self._at, self._swap, self._back = at, swap, back

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self._at:
            self._swap()
        elif self.calls == self._at + 1:
            self._back()

    def _before(self, name: str) -> bool:
        self._count()
        return super()._before(name)

    def lstat(self, path: Path):
        self._count()
        return super().lstat(path)

    def _descriptor(self, path: Path) -> int:
        self._count()
        return super()._descriptor(path)

    @contextmanager
    def _scan(self, directory: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        self._count()
        with super()._scan(directory) as found:
            yield found


class Swap:
    """Puts a link to a directory outside in the place of one inside: with the same names, another content."""

    def __init__(self, root: Path, place: str, outside: Path, *, stays: bool) -> None:
        self.root, self.place, self.outside, self.stays = root, place, outside, stays
        self.moved: Path | None = None
        self.seen: dict[str, object] = {}

    def _directory(self) -> Path | None:
        runs, shots = self.root / VAULT / "runs", self.root / VAULT / "snapshots"
        if self.place.startswith("RUN"):
            found = sorted(runs.iterdir()) if runs.is_dir() else []
            return (found[-1] / self.place[4:]) if found else None
        if self.place == "PARTIAL":
            found = sorted(shots.glob(".*/state")) if shots.is_dir() else []
            return found[-1] if found else None
        return self.root / self.place

    def there(self) -> None:
        directory = self._directory()
        if directory is None or not directory.is_dir() or directory.is_symlink():
            return
        shutil.copytree(directory, self.outside, symlinks=True)
        for path in self.outside.rglob("*"):
            # SQLite would refuse another content of the copy it works on before it wrote anything.
            if path.is_file() and path.parent.name != "private":
                path.write_bytes((SECRET * (path.stat().st_size // len(SECRET) + 1))[: path.stat().st_size])
        self.seen = full(self.outside)
        self.moved = directory.with_name(f"{directory.name}-aside")
        directory.rename(self.moved)
        directory.symlink_to(self.outside)

    def back(self) -> None:
        if self.moved is not None and not self.stays:
            directory = self.moved.with_name(self.moved.name.removesuffix("-aside"))
            directory.unlink()
            self.moved.rename(directory)


def full(root: Path) -> dict[str, object]:
    """Everything that can be changed of a tree, the directory itself included."""
    found: dict[str, object] = {}
    for path in (root, *sorted(root.rglob("*"))):
        stat = path.lstat()
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[str(path.relative_to(root))] = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns, data)
    return found


def _apply(scene, fs: FaultFs) -> None:
    apply(scene.plan, tools(fs), DEAD)


def _undo(scene, fs: FaultFs) -> None:
    undo(find_run(tools(fs), scene.root, None, None), tools(fs), DEAD)


def _prune(scene, fs: FaultFs) -> None:
    prune(tools(fs), list_runs(fs, tools().processes, scene.root))


def _snapshot(scene, fs: FaultFs) -> None:
    snapshot(tools(fs), scene.root)


ACTS = {"apply": _apply, "undo": _undo, "prune": _prune, "snapshot": _snapshot}
PAIRS = [(act, place) for act in ACTS for place in (*INSIDE, *(SNAPSHOT if act == "snapshot" else RUN))]
"""Each act with every directory that is on its way."""


def _once(base: Path, act: str, place: str, at: int, *, stays: bool) -> tuple[int, bool]:
    """One act with one swap, in a directory of its own: how many steps it takes, and whether anything was swapped."""
    scene = make(base / "hall" / "state")
    if act in ("undo", "prune"):
        _apply(scene, FaultFs())
    swap = Swap(scene.root, place, base / "outside", stays=stays)
    fs = SwappingFs(at, swap.there, swap.back)
    with suppress(DoctorError, OSError):
        ACTS[act](scene, fs)
    if swap.moved is not None:
        assert full(base / "outside") == swap.seen, (act, place, at)
        for path in (base / "hall").rglob("*"):
            # FaultFs keeps names that go beside the state directory, and takes them by path.
            kept_by_the_test = path.parent.name.startswith("names-")
            if path.is_file() and not path.is_symlink() and not kept_by_the_test:
                assert SECRET not in path.read_bytes(), (act, place, at, path)
    shutil.rmtree(base)
    base.mkdir()
    return fs.calls, swap.moved is not None


@pytest.mark.parametrize("stays", [False, True], ids=["for a moment", "for good"])
@pytest.mark.parametrize(("act", "place"), PAIRS)
def test_nothing_outside_changes(ground: Path, act: str, place: str, stays: bool) -> None:
    base = ground / "base"
    base.mkdir()
    steps, _ = _once(base, act, place, 0, stays=stays)
    swapped = [_once(base, act, place, at, stays=stays)[1] for at in range(1, steps + 1, 7)]
    assert any(swapped)


@pytest.mark.parametrize("scene", ["schema", "damaged_database"])
def test_sqlite_follows_no_link_either(ground: Path, scene: str) -> None:
    """It opens the copies it works on by path."""
    from tests.torture.swapped import stage_of, tried

    stage = stage_of(ground, scene)
    steps, _, _ = tried(stage, "apply", "", 0, stays=False)
    found = [tried(stage, "apply", "RUN/private", at, stays=True) for at in range(1, steps + 1)]
    assert any(swapped for _, swapped, _ in found)
    assert [lost for _, _, lost in found if lost] == []
