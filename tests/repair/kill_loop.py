"""Kill a real `repair --apply` with SIGKILL at a random moment, again and again, and see that nothing is ever lost.

    python -m tests.repair.kill_loop [COUNT] [--seed N] [--databases | --scenes [NAME ...]]

Each time: every file is old or new; then `undo` gives back the directory byte for byte, or `repair --resume` finishes
it, in turns. As long as a run is not ended, `scan` names it, and `gate` holds the start back where a database is
between two states. With --databases: rows leave one database, and another is rebuilt from its pages. With --scenes:
COUNT in all over the scenes of tests/repair/test_every_repair.py. Ends with 1 at the first time that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.repair.drafting.options import Repair
from tests.cli.harness import Ran, run
from tests.repair import agentdb
from tests.repair.scene import contents, tree
from tests.repair.test_database_salvage import PEOPLE, leaf_of, whole
from tests.repair.test_every_repair import IN_DATABASES, MORE, OPTIONS, SCENES
from tests.world import DAY, NOW, StateDir, row, run_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatewaydoctor.repair.drafting.options import Options

ROWS = 3_000
DATABASE_ROWS = 200
PADDING = 12_000
PATIENCE_S = 60
HELD_BACK = 78
"""How `gate` ends where a start has to wait."""
ALL = [str(each) for each in (*SCENES, *MORE) if each is not Repair.SPACE]
"""Every scene but the one whose vault has to be on another disk."""
BESIDE = (".sqlite", ".sqlite-wal", ".sqlite-journal")


def make(root: Path, rows: int) -> Path:
    """A store with stuck runs, 12 kB each, and transcripts for half of them."""
    state = StateDir(root)
    runs = {
        run_key(f"job{n % 3}", n): row(n, age=2 * DAY, status="running", pad="x" * PADDING) for n in range(10, rows)
    }
    state.store({"agent:main:main": row(1, status="running"), "agent:main:telegram:direct:7": row(2)} | runs)
    for number in (1, 2, *range(10, rows // 2)):
        state.transcript(number, age=2 * DAY)
    return state.root


def make_databases(root: Path, rows: int) -> Path:
    """A database of a killed gateway with stuck runs, and the damaged one of another agent."""
    state = StateDir(root, "2026.9.6")
    runs = {run_key(f"job{n % 3}", n): "running" for n in range(rows)}
    agentdb.make(state.root, {"agent:main:main": "done", agentdb.CONVERSATION: "running"} | runs, version=17)
    damaged = whole(state.root, PEOPLE, agent="second")
    leaf_of("session_nodes")(damaged)
    return state.root


class Ground(Struct, frozen=True):
    """Where copies of `pattern` are repaired, always at the one path that databases may hold. `words` is the command;
    `expected` what it leaves; `longest` how long its run takes (s)."""

    pattern: Path
    state: Path
    words: tuple[str, ...]
    expected: dict[str, object]
    longest: float

    def fresh(self) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.pattern, self.state, symlinks=True)


def ground(state: Path, words: Sequence[str]) -> Ground:
    """`state` is repaired once, to know what has to come out."""
    pattern = state.with_name("pattern")
    state.rename(pattern)
    made = Ground(pattern, state, (*words, "--apply", "--yes", "--gateway-stopped"), {}, 0)
    made.fresh()
    finish(state, *made.words)
    (done,) = runs(state)
    longest = (done["lastAtMs"] - done["startedAtMs"]) / 1000 * 1.1
    return Ground(pattern, state, made.words, contents(state), longest)


def scene(place: Path, name: str) -> Ground:
    """A scene of test_every_repair.py as a command."""
    repair, build, options = _scene(name)
    state = StateDir(place, "2026.9.6" if name in IN_DATABASES or "database" in name else "2026.3.28")
    build(state)
    return ground(state.root, _words(repair, options))


def _scene(name: str) -> tuple[Repair, Callable[[StateDir], None], Options | None]:
    if name in MORE:
        return MORE[name]
    repair = Repair(name)
    return repair, SCENES[repair], OPTIONS.get(repair)


def _words(repair: Repair, options: Options | None) -> tuple[str, ...]:
    names = sorted(options.names) if options else ()
    if repair in (Repair.PARK, Repair.UNPARK):
        return (repair, *names)
    disabled = sorted(options.cron.disable) if options else ()
    more = [
        *(word for name in names for word in ("--name", name)),
        *(w for job in disabled for w in ("--disable", job)),
    ]
    return ("repair", repair, *more)


def command(state: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "gatewaydoctor", *words, "--state-dir", str(state), "--now", str(NOW), "--json"]


def inside(state: Path, *words: str) -> Ran:
    """The same in this process, which has the program loaded already."""
    return run(*words, "--state-dir", str(state), "--now", str(NOW), "--json")


def finish(state: Path, *words: str) -> dict[str, object]:
    """Run to the end; the JSON document."""
    done = inside(state, *words)
    document = json.loads(done.out)
    if done.code:
        raise SystemExit(f"{' '.join(words)} ended with {done.code}: {document['error']}")
    found: dict[str, object] = document
    return found


def killed(ground: Ground, delay: float) -> bool:
    """Start an apply, and kill it `delay` seconds after its run began. False where it had ended before."""
    child = subprocess.Popen(
        command(ground.state, *ground.words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    runs = ground.state / ".gatewaydoctor"
    limit = time.monotonic() + PATIENCE_S
    while not runs.exists() and child.poll() is None and time.monotonic() < limit:
        time.sleep(0.0005)
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def runs(state: Path) -> list[dict[str, int]]:
    details = finish(state, "runs", "list")["details"]
    assert isinstance(details, dict)
    found: list[dict[str, int]] = details["runs"]
    return found


def pending(state: Path) -> list[str]:
    return [str(each["runId"]) for each in runs(state) if each["pending"]]


def held_back(state: Path, unfinished: str, *, changed: bool) -> None:
    """`scan` names the run; `gate` refuses the start where a database is changed."""
    gate = inside(state, "gate")
    if changed and gate.code != HELD_BACK:
        raise SystemExit(f"gate ended with {gate.code} over the unfinished run {unfinished}")
    for told in (gate, inside(state, "scan")):
        if unfinished not in told.out + told.err:
            raise SystemExit(f"neither names the unfinished run {unfinished}: {told.out[:300]}")


def once(ground: Ground, delay: float, way: str) -> str:
    """One kill and what came after it; what was seen, in a word."""
    ground.fresh()
    state, expected = ground.state, ground.expected
    before, old = tree(state), contents(state)
    hit = killed(ground, delay)
    now = {name: value for name, value in contents(state).items() if not name.endswith("sessions.json.lock")}
    for name in {*old, *expected, *now}:
        if now.get(name) not in (old.get(name), expected.get(name)):
            raise SystemExit(f"{name} is neither old nor new after a kill at {delay:.4f} s")
    left = pending(state)
    if left:
        changed = any(now.get(name) != old.get(name) for name in {*now, *old} if name.endswith(BESIDE))
        held_back(state, left[0], changed=changed)
    if not left:
        seen = "before" if tree(state) == before else "after"
    elif way == "undo":
        finish(state, "undo", left[0], "--yes", "--gateway-stopped")
        seen = "undone"
    else:
        seen = resumed(state, left[0])
    wanted = {"before": old, "undone": old}.get(seen, expected)
    if contents(state) != wanted or (seen == "undone" and tree(state) != before):
        raise SystemExit(f"not as it should be, {seen}, after a kill at {delay:.4f} s")
    if pending(state):
        raise SystemExit("a run is still pending")
    return seen if hit else f"{seen} (it had ended)"


def resumed(state: Path, name: str) -> str:
    done = inside(state, "repair", "--resume", name, "--yes", "--gateway-stopped")
    if done.code == 0:
        return "resumed"
    # Nothing had been changed, and the plan was not kept yet, or does not fit a directory in which a file of the run
    # had been: of the latter a resume has taken the traces away, of the former only undo can.
    if pending(state):
        finish(state, "undo", name, "--yes", "--gateway-stopped")
    return "undone"


def loop(made: Ground, count: int, seed: int) -> Counter[str]:
    """Kill `count` times. SystemExit says what went wrong."""
    draw = random.Random(seed)
    seen: Counter[str] = Counter()
    for number in range(count):
        seen[once(made, draw.random() * made.longest, "undo" if number % 2 else "resume")] += 1
    return seen


def scenes(names: Sequence[str], count: int, seed: int, place: Path) -> Counter[str]:
    """`count` kills, the same number in each scene but for what is left over."""
    seen: Counter[str] = Counter()
    for number, name in enumerate(names):
        share = count * (number + 1) // len(names) - count * number // len(names)
        own = place / name
        own.mkdir()
        found = loop(scene(own, name), share, seed + number)
        print(f"{name}: {told(found)}", flush=True)
        seen += found
        shutil.rmtree(own)
    return seen


def told(seen: Counter[str]) -> str:
    return ", ".join(f"{times} {word}" for word, times in seen.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a repair at random moments.")
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--databases", action="store_true")
    parser.add_argument("--scenes", nargs="*", metavar="NAME", help="all when none is named")
    asked = parser.parse_args()
    count, seed = asked.count, asked.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if asked.scenes is not None:
            seen = scenes(asked.scenes or ALL, count, seed, place)
        else:
            root = make_databases(place, DATABASE_ROWS) if asked.databases else make(place, ROWS)
            seen = loop(ground(root, ("repair",)), count, seed)
    print(f"{count} kills: {told(seen)}")


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main()
