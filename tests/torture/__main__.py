"""`make torture`: every act that writes, with one system call of it failing, done by half, or its last.

python -m tests.torture [WORD ...] [--most N] [--seed N] [--record]

WORDs choose acts by name. Of the calls of an act, `--most` a fault are tried, evenly spread with a random offset; 0
tries each. Ends with 1 if anything was lost. With --record the table goes into docs/robustness.md.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/robustness.md"


def chosen(calls: int, most: int, draw: random.Random) -> list[int]:
    """The numbers of the calls that are tried."""
    if not most or calls <= most:
        return list(range(1, calls + 1))
    step = calls / most
    return sorted({1 + int(step * (place + draw.random())) for place in range(most)})


def main() -> int:
    parser = argparse.ArgumentParser(description="Faults in system calls.")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    if "faults.so" not in os.environ.get("LD_PRELOAD", ""):
        return _again_with_library()

    from tests.torture.acts import acts

    wanted = [act for act in acts() if not asked.words or any(word in act.name for word in asked.words)]
    lines = [
        "| act | calls | faults tried | done anyway | put back or refused | killed | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    lost = 0
    for act in wanted:
        line, losses = _tortured(act, asked.most, random.Random(f"{asked.seed} {act.name}"))
        print(line, *losses, sep="\n  ", flush=True)
        lines.append(line)
        lost += len(losses)
    if asked.record and not lost:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        record("torture", [f'`make torture WORDS="--most {asked.most} --seed {asked.seed}"`, {day}:', "", *lines])
    return int(lost > 0)


def _again_with_library() -> int:
    """This program once more, with the faults below it."""
    from tests.torture.faults import built

    with tempfile.TemporaryDirectory() as place:
        env = os.environ | {"LD_PRELOAD": str(built(Path(place)))}
        return os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-m", "tests.torture", *sys.argv[1:]], env)


def _tortured(act: object, most: int, draw: random.Random) -> tuple[str, list[str]]:
    from tests.cli.harness import run
    from tests.repair.scene import contents, tree
    from tests.torture.acts import Act
    from tests.torture.faults import Fault, outcome

    assert isinstance(act, Act)
    with tempfile.TemporaryDirectory(prefix="torture-") as place:
        note = Path(place) / "note"

        def ground() -> Path:
            shutil.rmtree(Path(place) / "ground", ignore_errors=True)
            (Path(place) / "ground").mkdir()
            return act.prepare(Path(place) / "ground")

        # Once here, so that no child has to import what an act needs.
        run(*act.words(ground()))
        root = ground()
        plain = outcome(act.words(root), root, None, 0, note)
        if plain.code != 0 or not plain.calls:
            return f"| {act.name} | | | | | | |", [f"ended with {plain.code} without a fault: {plain.said[-500:]}"]
        new = contents(root)
        seen: Counter[str] = Counter()
        losses = []
        for fault in Fault:
            for number in chosen(plain.calls, most, draw):
                root = ground()
                old = tree(root)
                done = outcome(act.words(root), root, fault, number, note)
                seen["tried"] += done.met or done.code is None
                wrong = act.verdict(old, root, done, new)
                if wrong is not None:
                    losses.append(f"{fault.name} at call {number}: {wrong}")
                elif done.code is None:
                    seen["killed"] += 1
                elif done.met:
                    seen["done" if done.code == 0 else "put back"] += 1
    figures = (plain.calls, seen["tried"], seen["done"], seen["put back"], seen["killed"], len(losses))
    return f"| {act.name} | " + " | ".join(map(str, figures)) + " |", losses


def record(name: str, lines: list[str]) -> None:
    """Puts these lines between the marks of this name in docs/robustness.md."""
    head, begin, rest = PAGE.read_text().partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition(f"<!-- /{name} -->\n")
    PAGE.write_text("".join((head, begin, *(f"{line}\n" for line in lines), end, tail)))


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
