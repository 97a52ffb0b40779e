"""Everything that writes, with a directory on its way swapped for a link to one outside.

python -m tests.torture.swapped [SCENE ...] [--acts ACT ...] [--most N] [--seed N] [--record]

Each scene of a repair is applied, undone, killed and resumed, applied and pruned, and a snapshot of it is taken. Of
each of these and each directory, those of the vault too, `--most` steps are taken at random; before each the
directory is swapped, for that step or for good. Lost is what changes outside of the state directory, and what comes
from there into the state directory or its vault. Ends with 1 then. `space` has its vault on another file system,
/dev/shm where there is one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import resume, undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs
from gatewaydoctor.repair.vault.pruning import prune
from gatewaydoctor.repair.vault.snapshot import snapshot
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import DEAD, tools
from tests.repair.test_every_repair import MORE, SCENES, Stage
from tests.repair.test_swapped import RUN, SECRET, SNAPSHOT, VAULT, Swap, SwappingFs, full
from tests.torture.__main__ import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.model.repair.plan import Plan

SHARED_MEMORY = Path("/dev/shm")


def _vault(stage: Stage) -> Path | None:
    """Where a scene has its vault, if not in the state directory: `space` moves what it frees to another disk."""
    if not any(step.repair == Repair.SPACE for step in stage.plan.steps):
        return None
    return (SHARED_MEMORY if SHARED_MEMORY.is_dir() else stage.place.parent) / f"{stage.kept.parent.name}-vault"


def _apply(stage: Stage, plan: Plan, fs: FaultFs) -> None:
    apply(plan, tools(fs), DEAD, _vault(stage))


def _undo(stage: Stage, _plan: Plan, fs: FaultFs) -> None:
    undo(find_run(tools(fs), stage.root, _vault(stage), None), tools(fs), DEAD)


def _kill(stage: Stage, plan: Plan, _fs: FaultFs) -> None:
    """An apply that is killed after two thirds of its steps."""
    whole = FaultFs()
    _apply(stage, plan, whole)
    plan = stage.fresh()
    _clear(_vault(stage))
    fs = FaultFs(len(whole.log) * 2 // 3, Mode.KILL)
    with suppress(Killed):
        _apply(stage, plan, fs)
    fs.release()


def _resume(stage: Stage, _plan: Plan, fs: FaultFs) -> None:
    for run in interrupted_runs(fs, tools().processes, stage.root, _vault(stage)):
        resume(run, tools(fs), DEAD)


def _prune(stage: Stage, _plan: Plan, fs: FaultFs) -> None:
    prune(tools(fs), list_runs(fs, tools().processes, stage.root, _vault(stage)))


def _snapshot(stage: Stage, _plan: Plan, fs: FaultFs) -> None:
    snapshot(tools(fs), stage.root)


ACTS: dict[str, tuple[Callable[[Stage, Plan, FaultFs], None] | None, Callable[[Stage, Plan, FaultFs], None]]] = {
    "apply": (None, _apply),
    "undo": (_apply, _undo),
    "resume": (_kill, _resume),
    "prune": (_apply, _prune),
    "snapshot": (None, _snapshot),
}
"""What comes before, without a swap, and what is tried."""


def _clear(directory: Path | None) -> None:
    if directory is not None and directory.exists():
        shutil.rmtree(directory)


def tried(stage: Stage, act: str, place: str, at: int, *, stays: bool) -> tuple[int, bool, str | None]:
    """One act with one swap before step `at`: its steps, whether anything was swapped, and what was lost."""
    plan, vault = stage.fresh(), _vault(stage)
    _clear(vault)
    before, perform = ACTS[act]
    if before is not None:
        before(stage, plan, FaultFs())
    outside = stage.place.with_name("outside")
    swap = Swap(stage.root, place, outside, stays=stays)
    fs = SwappingFs(at, swap.there, swap.back)
    with suppress(DoctorError, OSError):
        perform(stage, plan, fs)
    lost = _lost(stage, swap, vault) if swap.moved is not None else None
    if swap.moved is not None:
        shutil.rmtree(outside)
    _clear(vault)
    return fs.calls, swap.moved is not None, lost


def _lost(stage: Stage, swap: Swap, vault: Path | None) -> str | None:
    lost = "changed outside" if full(swap.outside) != swap.seen else None
    for path in (*stage.place.rglob("*"), *(vault.rglob("*") if vault else ())):
        # FaultFs keeps names that go next to the state directory, and takes them by path.
        own = path.parent.name.startswith("names-")
        if path.is_file() and not path.is_symlink() and not own and SECRET in path.read_bytes():
            lost = f"came inside: {path}"
    return lost


def _places(stage: Stage, act: str) -> Iterator[str]:
    stage.fresh()
    yield from ("", VAULT, *(SNAPSHOT if act == "snapshot" else (*RUN, "RUN/private")))
    for path in sorted(stage.root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            yield str(path.relative_to(stage.root))


def stage_of(ground: Path, scene: str) -> Stage:
    return Stage.of(ground, scene if scene in MORE else Repair(scene))


def swapped(
    ground: Path, scene: str, acts: list[str], most: int, chance: random.Random
) -> tuple[int, int, list[str]]:
    """Swaps tried, those that came to be, and what was lost."""
    stage = stage_of(ground, scene)
    asked, done, lost = 0, 0, []
    for act in acts:
        steps, _, _ = tried(stage, act, "", 0, stays=False)
        for place in _places(stage, act):
            for at in sorted(chance.sample(range(1, steps + 1), min(most, steps)) if most else range(1, steps + 1)):
                stays = chance.random() < 0.5
                _, came, found = tried(stage, act, place, at, stays=stays)
                asked, done = asked + 1, done + came
                if found:
                    lost.append(f"{scene}, {act}, {place or '.'}, step {at}, stays {stays}: {found}")
    return asked, done, lost


def main() -> int:
    names = [str(each) for each in (*SCENES, *MORE)]
    parser = argparse.ArgumentParser(description="Swaps directories on the way of everything that writes.")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(names))
    parser.add_argument("--acts", nargs="+", choices=list(ACTS), default=list(ACTS))
    parser.add_argument("--most", type=int, default=3, help="steps of each act and directory; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    steps = done = 0
    lost: list[str] = []
    for scene in asked.scenes or names:
        with tempfile.TemporaryDirectory(prefix="swapped-") as ground:
            found = swapped(Path(ground), scene, asked.acts, asked.most, random.Random(f"{asked.seed} {scene}"))
        print(f"{scene}: {found[0]} tried, {found[1]} swapped, {len(found[2])} lost", flush=True)
        steps, done, lost = steps + found[0], done + found[1], [*lost, *found[2]]
    print(*lost, sep="\n")
    if asked.record and not asked.scenes:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        command = f"python -m tests.torture.swapped --most {asked.most} --seed {asked.seed}"
        scenes = f"{len(names)} repairs and scenes, each of {', '.join(asked.acts)}"
        figures = f"{scenes}: {steps:,} steps tried, {done:,} swaps, {len(lost)} lost."
        record("swapped", [f"`{command}`, {day}: {figures}"])
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
