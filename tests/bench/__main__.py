"""`python -m tests.bench [--rounds N] [--large]`: prints a table per input, medians over interleaved rounds."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make
from tests.bench.process import Cost, interleaved, middle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path("build/bench")
IJSON = "import sys, ijson.backends.yajl2_c as y\nfor _ in y.kvitems(open(sys.argv[1], 'rb'), ''): pass"
JSON = "import sys, json\njson.load(open(sys.argv[1], encoding='utf-8', errors='replace'))"
READ = "import sys\nf = open(sys.argv[1], 'rb', buffering=0)\nwhile f.read(1 << 20): pass"


def prepared(recipe: str, scale: float = 1.0) -> Path:
    """The recipe's directory, made once."""
    out = ROOT / f"{recipe}-x{scale:g}"
    if not (out / "openclaw.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        make(recipe, out, seed=DEFAULT_SEED, scale=scale, now=DEFAULT_NOW)
    return out


def tool(verb: str, state: Path, *more: str) -> list[str]:
    clock = ["--now", str(DEFAULT_NOW)]
    return [sys.executable, "-m", "gatewaydoctor", verb, "--state-dir", str(state), *clock, *more]


def peers(store: Path) -> Iterator[tuple[str, list[str]]]:
    """Programs that read the same file whole, the one to be measured against first."""
    yield "ijson.kvitems (yajl2_c)", [sys.executable, "-c", IJSON, str(store)]
    if jq := shutil.which("jq"):
        yield "jq length", [jq, "length", str(store)]
    yield "json.load", [sys.executable, "-c", JSON, str(store)]
    yield "reading the bytes", [sys.executable, "-c", READ, str(store)]


def table(title: str, rows: Sequence[tuple[str, list[str]]], rounds: int, base: int = 0) -> None:
    """Measure and print; `base` is the row every ratio is against."""
    costs = [middle(each) for each in interleaved([command for _, command in rows], rounds)]
    print(f"\n{title} (median of {rounds}, in turn)")
    print(f"{'':34}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'wall ratio':>12}")
    for (name, _), cost in zip(rows, costs, strict=True):
        print(_row(name, cost, costs[base]))


def _row(name: str, cost: Cost, base: Cost) -> str:
    failed = f"  exit code {cost.code}" if cost.code else ""
    return f"{name:34}{cost.wall:8.2f}{cost.cpu:8.2f}{cost.peak / 1e6:9.1f}{cost.wall / base.wall:12.2f}{failed}"


def against_peers(recipe: str, rounds: int, scale: float = 1.0) -> None:
    state = prepared(recipe, scale)
    store = state / "agents/main/sessions/sessions.json"
    rows = [*peers(store), ("gatewaydoctor scan", tool("scan", state))]
    size = store.stat().st_size
    table(f"{recipe} x{scale:g}, {size / 1e6:,.1f} MB, against ijson", rows, rounds)


COPY_AND_ASK = """import shutil, sqlite3, sys, tempfile
with tempfile.TemporaryDirectory() as scratch:
    for suffix in ("", "-wal"):
        shutil.copyfile(sys.argv[1] + suffix, scratch + "/copy.sqlite" + suffix)
    copy = sqlite3.connect(scratch + "/copy.sqlite")
    for _ in copy.execute("SELECT session_key, entry_json FROM session_nodes"): pass
    copy.execute("SELECT status, count(*) FROM session_nodes GROUP BY 1").fetchall()
    copy.close()"""


def a_database(rounds: int) -> None:
    """The incident as an import leaves it, 1,000 changed rows in its log, against a private copy read by SQL."""
    state = prepared("issue-61633-database")
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        _change_in_the_log(path)
    rows = [
        ("private copy and SQL", [sys.executable, "-c", COPY_AND_ASK, str(path)]),
        ("gatewaydoctor scan", tool("scan", state)),
        ("gatewaydoctor scan --verify", tool("scan", state, "--verify")),
    ]
    size, more = path.stat().st_size / 1e6, log.stat().st_size / 1e6
    table(f"issue-61633-database, {size:,.1f} MB and a log of {more:,.1f} MB", rows, rounds)


def _change_in_the_log(path: Path) -> None:
    """Leave 1,000 runs marked as failed in the log alone, as a killed gateway would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute(
            "UPDATE session_nodes SET status = 'failed', entry_json = json_set(entry_json, '$.status', 'failed') "
            "WHERE session_key IN (SELECT session_key FROM session_nodes WHERE status = 'running' LIMIT 1000)"
        )
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{path}{suffix}.kept")
    for suffix in ("", "-wal"):
        Path(f"{path}{suffix}.kept").replace(f"{path}{suffix}")


def repairing(recipe: str, rounds: int) -> None:
    """The incident repaired and undone, round after round, against a scan of it."""
    state = prepared(recipe)
    rows = [
        ("gatewaydoctor scan", tool("scan", state)),
        ("gatewaydoctor repair --apply", tool("repair", state, "--apply", "--yes")),
        ("gatewaydoctor undo", tool("undo", state, "--yes")),
    ]
    table(f"{recipe} repaired and undone, against the scan", rows, rounds)
    shutil.rmtree(state / ".gatewaydoctor")


def many_transcripts(count: int, rounds: int) -> None:
    """A sessions directory with a store of no rows and very many transcripts."""
    state = ROOT / f"transcripts-{count}"
    sessions = state / "agents/main/sessions"
    if not sessions.exists():
        sessions.mkdir(parents=True)
        (state / "openclaw.json").write_text("{}")
        for number in range(count):
            header = f'{{"type":"session","version":3,"id":"{number:032x}","timestamp":"2026-04-01T00:00:00.000Z"}}\n'
            (sessions / f"{number:032x}.jsonl").write_text(header)
        (sessions / "sessions.json").write_text("{}")
    table(f"{count:,} transcripts", [("gatewaydoctor scan", tool("scan", state))], rounds)


def start_up(rounds: int) -> None:
    state = Path("fixtures/healthy/state")
    rows = [
        ("import typer, rich", [sys.executable, "-c", "import typer, rich"]),
        ("python -c pass", [sys.executable, "-c", "pass"]),
        ("gatewaydoctor --version", [sys.executable, "-m", "gatewaydoctor", "--version"]),
        ("gatewaydoctor scan (healthy)", tool("scan", state)),
        ("gatewaydoctor check (healthy)", tool("check", state)),
    ]
    table("start-up", rows, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="ten times the incident as well: 1.85 GB on disk")
    options = parser.parse_args()
    start_up(options.rounds)
    against_peers("issue-61633", options.rounds)
    against_peers("token-heavy", options.rounds)
    a_database(options.rounds)
    repairing("issue-61633", options.rounds)
    repairing("issue-61633-database", options.rounds)
    many_transcripts(100_000, min(options.rounds, 3))
    if options.large:
        against_peers("issue-61633", min(options.rounds, 3), scale=10)


if __name__ == "__main__":
    main()
