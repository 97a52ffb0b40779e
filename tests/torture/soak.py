"""Random state directories of both eras: looked at, repaired, undone.

python -m tests.torture.soak [COUNT] [--seed N] [--first N] [--record]

Directory number N of a seed is the same on every run; `--first 417 1` makes that one alone. Ends with 1 if
anything was lost. With --record the figures go into docs/robustness.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli.harness import run
from tests.fixes.test_random_directories import made as made_of_files
from tests.fixtures_source.databases import AGENT_VERSION, STATE_VERSION, agent_database, log_of, state_database
from tests.repair import agentdb
from tests.repair.scene import tree
from tests.torture.__main__ import record
from tests.world import DAY, HOUR, NOW, StateDir, row, run_key, session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.harness import Ran

HOSTILE = (
    *(b"-rf", b"a\nb.jsonl", b"\x1b[2J.jsonl", b"\xff\xfe.jsonl", b"%s.tmp", b"..jsonl", b"\xe2\x80\xaegnp.jsonl"),
    *(b"n" * 250, b"sessions.json.bak", b"x.sqlite-wal", b" ", b"sessions.json.tmp", b"agent:main:main.jsonl"),
)
LOOKS = (("scan", "--all"), ("check", "--json", "--all"), ("forecast",), ("sessions",), ("migration",), ("repair",))
SURE = ("--yes", "--gateway-stopped")
TURNS = 4
"""A repair that brings rows back is followed by those that need them; after so many there is nothing left to do."""


def made(root: Path, chance: random.Random) -> StateDir:
    """A directory of either era or of both, most of them small, with up to five damages."""
    root.mkdir()
    state = chance.choice((made_of_files, _made_of_databases, _made_of_both))(root, chance)
    for _ in range(chance.choice((0, 0, 1, 2, 5))):
        chance.choice(DAMAGES)(state.root, chance)
    return state


def _keys(chance: random.Random) -> list[str]:
    odd = (
        "agent:main:telegram:direct:\x1b[31m\n",
        "AGENT:main:Main",
        "agent::",
        "",
        "x" * 3_000,
        "agent:main:\ud800",
    )
    keys = [f"agent:main:telegram:direct:{n}" for n in range(chance.choice((1, 5, 400)))]
    keys += [run_key("backup", n) for n in range(chance.choice((0, 8, 600)))]
    return keys + [each for each in odd if chance.random() < 0.2]


def _made_of_databases(root: Path, chance: random.Random) -> StateDir:
    state = StateDir(root, chance.choice(("2026.9.6", "2026.8.1", None)))
    words = ("running", "done", "failed", None)
    keys = [key for key in _keys(chance) if "\ud800" not in key]
    agentdb.make(state.root, {key: chance.choice(words) for key in keys[:120]}, version=chance.choice((21, 23, 99)))
    if chance.random() < 0.5:
        listed = [(key, session_id(n), NOW - n * HOUR) for n, key in enumerate(keys[:40])]
        second = agent_database(AGENT_VERSION, {"done": 1}, agent_id="second", rows=listed)
        state.file("agents/second/agent/openclaw-agent.sqlite", second)
        if chance.random() < 0.5:
            state.file("agents/second/agent/openclaw-agent.sqlite-wal", log_of(second))
        if chance.random() < 0.3:
            state.file("agents/second/agent/openclaw-agent.sqlite.corrupt-1795000000000", second)
    if chance.random() < 0.8:
        lease = chance.choice((None, ("elsewhere", NOW + HOUR), ("elsewhere", NOW - DAY)))
        waiting = [(f"d{n}", "pending", NOW - 9 * DAY) for n in range(chance.choice((0, 30)))]
        data = state_database(STATE_VERSION, chance.choice((0, 3)), agents=("main",), lease=lease, deliveries=waiting)
        state.file("state/openclaw.sqlite", data)
    return state


def _made_of_both(root: Path, chance: random.Random) -> StateDir:
    """Databases, with a store and transcripts of the era of files left."""
    state = _made_of_databases(root, chance)
    state.store({key: row(n, age=n * HOUR) for n, key in enumerate(_keys(chance)[:30])})
    for number in range(chance.randrange(6)):
        state.transcript(number)
    return state


def _any_file(root: Path, chance: random.Random) -> Path | None:
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    return chance.choice(files) if files else None


def _changed(change: Callable[[bytes, random.Random], bytes]) -> Callable[[Path, random.Random], None]:
    def damage(root: Path, chance: random.Random) -> None:
        path = _any_file(root, chance)
        if path is not None:
            at = path.stat().st_mtime_ns
            path.write_bytes(change(path.read_bytes(), chance))
            os.utime(path, ns=(at, at))

    return damage


def _flip(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 8, 200))):
        if found:
            found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start : start + 4_096] + data[start:]


def _zeroed(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1) & ~511
    return data[:start] + bytes(min(512, len(data) - start)) + data[start + 512 :]


def _odd_name(root: Path, chance: random.Random) -> None:
    folder = chance.choice([root, *(path for path in sorted(root.rglob("*")) if path.is_dir())])
    path = os.path.join(os.fsencode(folder), chance.choice(HOSTILE))  # noqa: PTH118
    if not os.path.lexists(path):
        with open(path, "wb") as out:
            out.write(chance.randbytes(chance.choice((0, 50, 5_000))))


def _in_its_place(root: Path, chance: random.Random) -> None:
    """Something else where a file was."""
    path = _any_file(root, chance)
    if path is None:
        return
    kept = path.with_name(f"{path.name}.kept")
    if kept.exists():
        return
    path.rename(kept)
    match chance.randrange(5):
        case 0:
            path.mkdir()
        case 1:
            path.symlink_to(kept)
        case 2:
            path.symlink_to("nowhere")
        case 3:
            os.mkfifo(path)
        case _:
            path.hardlink_to(kept)


def _renamed(root: Path, chance: random.Random) -> None:
    path = _any_file(root, chance)
    ending = chance.choice(
        (".bak", ".tmp", f".corrupt-{NOW - DAY}", ".deleted.2026-01-01T00-00-00.000Z", ".migrated")
    )
    if path is not None and not path.with_name(path.name + ending).exists():
        path.rename(path.with_name(path.name + ending))


def _odd_mode(root: Path, chance: random.Random) -> None:
    path = chance.choice(sorted(root.rglob("*")))
    if not path.is_symlink():
        path.chmod(chance.choice((0, 0o400, 0o777, 0o4755)))


DAMAGES = (
    *map(_changed, (_flip, _cut, _doubled, _zeroed, lambda data, _: data + bytes(64), lambda _, __: b"")),
    *(_odd_name, _in_its_place, _renamed, _odd_mode),
)


def soaked(state: StateDir) -> Iterator[str]:
    """What went wrong, nothing where nothing did."""
    before = tree(state.root)
    for line in LOOKS:
        yield from _unharmed(line, _ran(state, *line), (0, 1, 2, 3), state, before)
    runs = 0
    plan: dict[str, Any] = {"steps": ()}
    for turn in range(TURNS):
        start = tree(state.root)
        done = _ran(state, "repair", "--apply", *SURE, "--json")
        if done.code:
            yield from _unharmed(("repair", "--apply"), done, (1, 2, 3, 4), state, start)
            break
        told = json.loads(done.out)["details"]
        if not told.get("receipt"):
            break
        runs += 1
        if turn and not _brings_rows_back(plan):
            yield f"a second plan, though nothing was brought back: {json.dumps(told['plan']['steps'])[:400]}"
        plan = told["plan"]
    else:
        yield f"there is still something to repair after {TURNS} times"
    for _ in range(runs):
        undone = _ran(state, "undo", *SURE)
        if undone.code:
            yield f"undo: exit code {undone.code}: {(undone.err or undone.out)[-400:]!r}"
    yield from _unharmed(("undo",), _ran(state, "scan"), (0, 1, 2), state, before)


def _brings_rows_back(plan: dict[str, Any]) -> bool:
    """Whether other repairs are planned after it, as it announces: they need the rows that it brings back."""
    return any(step["repair"] in ("salvage", "import", "leftover", "quarantine", "unpark") for step in plan["steps"])


def _unharmed(
    line: tuple[str, ...], ran: Ran, codes: tuple[int, ...], state: StateDir, before: dict[str, object]
) -> Iterator[str]:
    if ran.code not in codes or "A bug in gatewaydoctor" in ran.err or "Traceback" in ran.err:
        yield f"{' '.join(line)}: exit code {ran.code}: {(ran.err or ran.out)[-400:]!r}"
    after = tree(state.root)
    if after != before:
        names = [name for name in {*before, *after} if before.get(name) != after.get(name)]
        yield f"{' '.join(line)} left {sorted(names)[:4]!r} otherwise than they were"


def _ran(state: StateDir, *line: str) -> Ran:
    return run(*line, "--state-dir", str(state.root), "--now", str(NOW))


def main() -> int:
    parser = argparse.ArgumentParser(description="Random state directories of both eras.")
    parser.add_argument("count", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    seen: Counter[str] = Counter()
    for number in range(asked.first, asked.first + asked.count):
        with tempfile.TemporaryDirectory(prefix="soak-") as place:
            state = made(Path(place) / "made", random.Random(f"{asked.seed} {number}"))
            wrong = list(soaked(state))
        seen["lost"] += bool(wrong)
        for each in wrong:
            print(f"directory {number} of seed {asked.seed}: {each}", flush=True)
        if number % 50 == 49:
            print(f"{number + 1 - asked.first} directories, {seen['lost']} with a fault", flush=True)
    if asked.record and not seen["lost"]:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        command = f"`python -m tests.torture.soak {asked.count} --seed {asked.seed}`"
        record("soak", [f"{command}, {day}: {asked.count} directories tried, {asked.count} survived, 0 lost."])
    return int(seen["lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
