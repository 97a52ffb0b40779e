"""Kill a real `repair --apply` with SIGKILL at a random moment, again and again, and see that nothing is ever lost.

    python -m tests.repair.kill_loop [COUNT] [--seed N] [--databases]

Each time: every file is old or new; then `undo` gives back the directory byte for byte, or `repair --resume` finishes
it, in turns. With --databases: rows leave one database, and another is rebuilt from its pages; as long as a run is
not ended, `gate` holds the start back and `scan` names the run. Ends with 1 at the first time that is not so.
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

from tests.cli.harness import Ran, run
from tests.repair import agentdb
from tests.repair.scene import contents, tree
from tests.repair.test_database_salvage import PEOPLE, leaf_of, whole
from tests.world import DAY, NOW, StateDir, row, run_key

ROWS = 3_000
DATABASE_ROWS = 200
PADDING = 12_000
PATIENCE_S = 60
HELD_BACK = 78
"""How `gate` ends where a start has to wait."""
STORE = "agents/main/sessions/sessions.json"


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


def killed(state: Path, delay: float) -> bool:
    """Start an apply, and kill it `delay` seconds after its run began. False where it had ended before."""
    child = subprocess.Popen(
        command(state, "repair", "--apply", "--yes", "--gateway-stopped"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    runs = state / ".gatewaydoctor"
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
    """Once a file was changed, `gate` refuses the start; `scan` names the run in any case."""
    gate = inside(state, "gate")
    if changed and gate.code != HELD_BACK:
        raise SystemExit(f"gate ended with {gate.code} over the unfinished run {unfinished}")
    scan = inside(state, "scan")
    if unfinished not in scan.out + scan.err:
        raise SystemExit(f"scan does not name the unfinished run {unfinished}")


def once(
    pattern: Path, expected: dict[str, object], place: Path, delay: float, way: str, *, databases: bool = False
) -> str:
    """One kill and what came after it; what was seen, in a word."""
    state = place / ".openclaw"
    shutil.copytree(pattern, state, symlinks=True)
    before, old = tree(state), contents(state)
    hit = killed(state, delay)
    now = contents(state)
    now.pop(f"{STORE}.lock", None)
    for name in {*old, *expected}:
        if now.get(name) not in (old.get(name), expected.get(name)):
            raise SystemExit(f"{name} is neither old nor new after a kill at {delay:.4f} s")
    left = pending(state)
    if left and databases:
        held_back(state, left[0], changed=now != old)
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
    shutil.rmtree(place)
    return seen if hit else f"{seen} (it had ended)"


def resumed(state: Path, name: str) -> str:
    done = inside(state, "repair", "--resume", name, "--yes", "--gateway-stopped")
    if done.code == 0:
        return "resumed"
    # Nothing had been changed and the plan was not kept yet: only undo can take the traces away.
    finish(state, "undo", name, "--yes", "--gateway-stopped")
    return "undone"


def loop(count: int, seed: int, place: Path, rows: int = ROWS, *, databases: bool = False) -> Counter[str]:
    """Kill `count` times. SystemExit says what went wrong."""
    draw = random.Random(seed)
    pattern = make_databases(place, DATABASE_ROWS) if databases else make(place, rows)
    trial = place / "trial/.openclaw"
    shutil.copytree(pattern, trial)
    finish(trial, "repair", "--apply", "--yes", "--gateway-stopped")
    (done,) = runs(trial)
    longest = (done["lastAtMs"] - done["startedAtMs"]) / 1000 * 1.1
    expected = contents(trial)
    print(f"a run takes {longest:.3f} s", flush=True)
    seen: Counter[str] = Counter()
    for number in range(count):
        way = "undo" if number % 2 else "resume"
        delay = draw.random() * longest
        seen[once(pattern, expected, place / str(number), delay, way, databases=databases)] += 1
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a repair at random moments.")
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--databases", action="store_true")
    asked = parser.parse_args()
    count, seed = asked.count, asked.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        seen = loop(count, seed, Path(place), databases=asked.databases)
    print(f"{count} kills: " + ", ".join(f"{times} {word}" for word, times in seen.most_common()))


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main()
