"""Repairs of both eras with somebody at work against them: a second repair, the owner of the files, the clock.

python -m tests.torture.attacks [ATTACK ...] [--scenes SCENE ...] [--most N] [--seed N] [--record]

pairs: the same repair is started twice, up to 0.3 s apart, on one directory, or on two with one vault. owner: files
of the plan are replaced by a link, a directory, a pipe, a socket or a hard link to a file outside, between plan and
apply, at a step of the apply, and between apply and undo. clocks: the clock is a day ahead or behind at plan, apply
and undo. places, pruned and busy are in tests/torture/surroundings.py; they mount and give files away, as root in a
mount namespace of its own (unshare -m). Of each, `--most` are tried for a scene. Lost: the directory is neither as
before nor as planned, or something outside is changed or taken in, or undo does not bring it back, or a process hangs
or ends with a bug. Ends with 1 then.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import DoctorError
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs
from tests.repair.faults import FaultFs
from tests.repair.kill_loop import ALL, scene
from tests.repair.scene import DEAD, contents, tools, tree
from tests.torture.__main__ import record
from tests.torture.surroundings import busy, places, pruned
from tests.torture.swapped import stage_of
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.model.repair.plan import Plan
    from tests.repair.test_every_repair import Stage

SECRET = b"of somebody else"
PATIENCE_S = 120
DAY_S = 86_400
SURE = ("--apply", "--yes", "--gateway-stopped")


def _command(root: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "gatewaydoctor", *words, "--state-dir", str(root), "--now", str(NOW)]


def _undone(root: Path, before: dict[str, object], vault: Path | None = None) -> str | None:
    if interrupted_runs(tools().fs, tools().processes, root, vault):
        return "a run is pending"
    while contents(root) != before:
        try:
            undo(find_run(tools(), root, vault, None), tools(), DEAD)
        except DoctorError as error:
            return f"undo: {error.message}"
    return None


def pairs(ground: Path, name: str, most: int, chance: random.Random) -> Iterator[tuple[str, str | None]]:
    """What became of each, and what was lost."""
    made = scene(ground, name)
    for number in range(most):
        one_vault, late = number % 2 == 1, chance.random() * 0.3
        other = made.state.parent.with_name(f"{ground.name}-other") / made.state.name
        made.fresh()
        roots = [made.state]
        if one_vault:
            shutil.rmtree(other.parent, ignore_errors=True)
            shutil.copytree(made.state, other, symlinks=True)
            roots.append(other)
        vault = ground / "vault"
        shutil.rmtree(vault, ignore_errors=True)
        more = ("--vault", str(vault)) if one_vault else ()
        before = [contents(root) for root in roots]
        running = []
        for root in (roots[0], roots[-1]):
            words = _command(root, *made.words, *more)
            running.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            time.sleep(late)
        codes = []
        for each in running:
            said = each.communicate(timeout=PATIENCE_S)
            codes.append(each.returncode)
            if b"Traceback" in said[1] or each.returncode not in (0, 2, 3, 4):
                yield "lost", f"exit {each.returncode}: {said[1].decode()[-300:]}"
        lost = None
        for root, old in zip(roots, before, strict=True):
            now = contents(root)
            if now not in (old, made.expected) and root is made.state:
                lost = "neither as before nor as planned"
            elif now == old and 0 in codes and not one_vault and old != made.expected:
                lost = "one says done, and nothing is"
            lost = lost or _undone(root, old, vault if one_vault else None)
        yield f"ended with {' and '.join(map(str, sorted(codes)))}", lost
        shutil.rmtree(other.parent, ignore_errors=True)


def _link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "file")


def _nowhere(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "nothing")


def _itself(path: Path, _outside: Path) -> None:
    path.symlink_to(path.name)


def _to_directory(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def _directory(path: Path, _outside: Path) -> None:
    path.mkdir()


def _pipe(path: Path, _outside: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, _outside: Path) -> None:
    place = Path.cwd()
    os.chdir(path.parent)  # the whole path may be longer than a socket's may be
    try:
        socket.socket(socket.AF_UNIX).bind(path.name[:90])
        Path(path.name[:90]).rename(path)
    finally:
        os.chdir(place)


def _hard_link(path: Path, outside: Path) -> None:
    path.hardlink_to(outside / "file")


TRICKS: tuple[Callable[[Path, Path], None], ...] = (
    *(_link, _nowhere, _itself, _to_directory, _directory, _pipe, _socket, _hard_link),
)
MOMENTS = ("before the apply", "at a step of it", "before the undo")


def _files(plan: Plan) -> list[str]:
    return sorted({each.path for each in plan.fingerprints})


def _outside(ground: Path) -> Path:
    place = ground / "outside"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "file").write_bytes(SECRET)
    return place


def _swap(path: Path, trick: Callable[[Path, Path], None], outside: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
    with suppress(FileNotFoundError, FileExistsError):
        trick(path, outside)


def owner(ground: Path, name: str, most: int, chance: random.Random) -> Iterator[tuple[str, str | None]]:
    stage = stage_of(ground, name)
    ways = list(itertools.product(_files(stage.plan), TRICKS, MOMENTS))
    for file, trick, moment in chance.sample(ways, min(most, len(ways))):
        outside = _outside(ground)
        lost, told = _one_swap(stage, stage.root / file, trick, moment, outside, chance)
        yield f"{moment}: {told}", lost and f"{file}, {trick.__name__}, {moment}: {lost}"


def _one_swap(
    stage: Stage,
    path: Path,
    trick: Callable[[Path, Path], None],
    moment: str,
    outside: Path,
    chance: random.Random,
) -> tuple[str | None, str]:
    plan = stage.fresh()
    at = chance.randrange(1, 60)

    def hook(number: int, _name: str) -> None:
        if moment == MOMENTS[1] and number == at:
            _swap(path, trick, outside)

    told = "done"
    try:
        if moment == MOMENTS[0]:
            _swap(path, trick, outside)
        apply(plan, tools(FaultFs(hook=hook)), DEAD)
        if moment == MOMENTS[2]:
            _swap(path, trick, outside)
        with suppress(IndexError):
            undo(find_run(tools(), stage.root, None, None), tools(), DEAD)
    except (DoctorError, OSError) as error:
        told = type(error).__name__
    if (outside / "file").read_bytes() != SECRET or [each.name for each in outside.iterdir()] != ["file"]:
        return "changed outside", told
    inside = (each for each in (stage.root / ".gatewaydoctor").rglob("*") if each.is_file() and not each.is_symlink())
    if trick is not _hard_link and any(SECRET in each.read_bytes() for each in inside):
        return "taken in", told
    return None, told


def clocks(ground: Path, name: str, most: int, chance: random.Random) -> Iterator[tuple[str, str | None]]:
    made = scene(ground, name)
    library = _library(ground)
    turns = list(itertools.product((-DAY_S, 0, DAY_S), repeat=3))
    for planned, applied, back in chance.sample(turns, min(most, len(turns))):
        made.fresh()
        before, saved = tree(made.state), ground / "plan.json"
        saved.unlink(missing_ok=True)
        words = [each for each in made.words if each not in SURE]
        first = _at(library, planned, made.state, *words, "--plan-out", str(saved))
        second = _at(library, applied, made.state, "repair", "--plan", str(saved), *SURE)
        told = f"applied with {second.returncode}"
        lost = None
        if first.returncode not in (0, 1) or second.returncode not in (0, 3):
            lost = f"{first.returncode}, {second.returncode}: {(first.stderr + second.stderr).decode()[-300:]}"
        elif second.returncode == 3 and tree(made.state) != before:
            lost = "refused, and not as before"
        elif tree(made.state) != before:
            third = _at(library, back, made.state, "undo", *SURE[1:])
            if third.returncode or tree(made.state) != before:
                lost = f"not as before after undo, exit {third.returncode}: {third.stderr.decode()[-300:]}"
        yield told, lost and f"clock {planned} {applied} {back}: {lost}"


def _library(ground: Path) -> Path:
    built = ground / "clock.so"
    source = Path(__file__).with_name("clock.c")
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(source), "-ldl"], check=True)
    return built


def _at(library: Path, shift: int, root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command, with the clock so many seconds off that of the scenes."""
    off = NOW // 1000 - int(time.time()) + shift
    env = os.environ | {"LD_PRELOAD": str(library), "TORTURE_SHIFT": str(off), "TORTURE_JUMP": "0"}
    command = [sys.executable, "-m", "gatewaydoctor", *words, "--state-dir", str(root)]
    return subprocess.run(command, env=env, capture_output=True, check=False, timeout=PATIENCE_S)


ATTACKS = {
    "pairs": pairs,
    "owner": owner,
    "clocks": clocks,
    "places": places,
    "pruned": pruned,
    "busy": busy,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Repairs with somebody at work against them.")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument("--scenes", nargs="+", metavar="SCENE", default=ALL)
    parser.add_argument("--most", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    lines, wrong = ["| attack | scenes | tried | what came of it | lost |", "|---|---|---|---|---|"], 0
    for attack in asked.attacks or ATTACKS:
        seen: Counter[str] = Counter()
        lost = []
        for name in asked.scenes:
            with tempfile.TemporaryDirectory(prefix="attack-") as place:
                chance = random.Random(f"{asked.seed} {attack} {name}")
                for told, found in ATTACKS[attack](Path(place), name, asked.most, chance):
                    seen[told] += 1
                    lost += [f"{name}: {found}"] if found else []
            print(f"{attack} {name}: {seen.total()} tried, {len(lost)} lost", flush=True)
        came = ", ".join(f"{count} {told}" for told, count in seen.most_common())
        lines.append(f"| {attack} | {len(asked.scenes)} | {seen.total()} | {came} | {len(lost)} |")
        print(lines[-1], *lost, sep="\n  ", flush=True)
        wrong += len(lost)
    if asked.record and not wrong:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        command = f"python -m tests.torture.attacks --most {asked.most} --seed {asked.seed}"
        record("attacks", [f"`{command}`, {day}:", "", *lines])
    return int(wrong > 0)


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main())
