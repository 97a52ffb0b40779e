"""Every repair and its undo, with a directory on its way swapped for a link to one outside.

python -m tests.torture.swapped [SCENE ...] [--most N] [--seed N] [--record]

Of each scene and each directory, those of the vault too, `--most` steps of apply and undo are taken at random;
before each the directory is swapped, for that step or for good. Lost is what changes outside of the state directory,
and what comes from there into the state directory or its vault. Ends with 1 then.
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
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from tests.repair.faults import FaultFs
from tests.repair.scene import DEAD, tools
from tests.repair.test_every_repair import MORE, SCENES, Stage
from tests.repair.test_swapped import RUN, SECRET, VAULT, Swap, SwappingFs, full
from tests.torture.__main__ import record

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTS = ("apply", "undo")
SKIPPED = frozenset({Repair.SPACE})
"""It needs a vault on another disk."""


def _act(act: str, stage: Stage, fs: FaultFs, plan: object) -> None:
    if act == "apply":
        apply(plan, tools(fs), DEAD)
    else:
        undo(find_run(tools(fs), stage.root, None, None), tools(fs), DEAD)


def tried(stage: Stage, act: str, place: str, at: int, *, stays: bool) -> tuple[int, bool, str | None]:
    """One act with one swap before step `at`: its steps, whether anything was swapped, and what was lost."""
    plan = stage.fresh()
    if act == "undo":
        apply(plan, tools(FaultFs()), DEAD)
    outside = stage.place.with_name("outside")
    swap = Swap(stage.root, place, outside, stays=stays)
    fs = SwappingFs(at, swap.there, swap.back)
    with suppress(DoctorError, OSError):
        _act(act, stage, fs, plan)
    if swap.moved is None:
        return fs.calls, False, None
    lost = "changed outside" if full(outside) != swap.seen else None
    for path in stage.place.rglob("*"):
        # FaultFs keeps names that go next to the state directory, and takes them by path.
        own = path.parent.name.startswith("names-")
        if path.is_file() and not path.is_symlink() and not own and SECRET in path.read_bytes():
            lost = f"came inside: {path}"
    shutil.rmtree(outside)
    return fs.calls, True, lost


def _places(stage: Stage) -> Iterator[str]:
    stage.fresh()
    yield from ("", VAULT, *RUN, "RUN/private")
    for path in sorted(stage.root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            yield str(path.relative_to(stage.root))


def stage_of(ground: Path, scene: str) -> Stage:
    return Stage.of(ground, scene if scene in MORE else Repair(scene))


def swapped(ground: Path, scene: str, most: int, chance: random.Random) -> tuple[int, int, list[str]]:
    """Swaps tried, those that came to be, and what was lost."""
    stage = stage_of(ground, scene)
    asked, done, lost = 0, 0, []
    for act in ACTS:
        steps, _, _ = tried(stage, act, "", 0, stays=False)
        for place in _places(stage):
            for at in sorted(chance.sample(range(1, steps + 1), min(most, steps)) if most else range(1, steps + 1)):
                stays = chance.random() < 0.5
                _, came, found = tried(stage, act, place, at, stays=stays)
                asked, done = asked + 1, done + came
                if found:
                    lost.append(f"{scene}, {act}, {place or '.'}, step {at}, stays {stays}: {found}")
    return asked, done, lost


def main() -> int:
    names = [str(each) for each in (*SCENES, *MORE) if each not in SKIPPED]
    parser = argparse.ArgumentParser(description="Swaps directories on the way of every repair and its undo.")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(names))
    parser.add_argument("--most", type=int, default=3, help="steps of each act and directory; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    steps = done = 0
    lost: list[str] = []
    for scene in asked.scenes or names:
        with tempfile.TemporaryDirectory(prefix="swapped-") as ground:
            found = swapped(Path(ground), scene, asked.most, random.Random(f"{asked.seed} {scene}"))
        print(f"{scene}: {found[0]} tried, {found[1]} swapped, {len(found[2])} lost", flush=True)
        steps, done, lost = steps + found[0], done + found[1], [*lost, *found[2]]
    print(*lost, sep="\n")
    if asked.record and not asked.scenes:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        command = f"python -m tests.torture.swapped --most {asked.most} --seed {asked.seed}"
        figures = f"{len(names)} repairs and scenes, {steps:,} steps tried, {done:,} swaps, {len(lost)} lost."
        record("swapped", [f"`{command}`, {day}: {figures}"])
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
