"""The rows of the table: what is measured, against what, and how good it has to be."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import DEFAULT_NOW
from tests.bench import inputs, peers
from tests.bench.inputs import MB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` against `peer`, both commands. At most `ratio` times the peer's processor time, `seconds` of it, and
    `peak` bytes of memory are wanted. `undo` runs after `ours`, unmeasured by the table, to restore the input;
    `leaves` is removed at the end."""

    name: str
    ours: list[str]
    against: str = ""
    peer: list[str] | None = None
    ratio: float | None = None
    seconds: float | None = None
    peak: int | None = None
    undo: list[str] | None = None
    leaves: Path | None = None


def _tool(verb: str, state: Path, *more: str) -> list[str]:
    clock = ["--now", str(DEFAULT_NOW)]
    return [sys.executable, "-m", "gatewaydoctor", verb, "--state-dir", str(state), *clock, *more]


def rows() -> Iterator[Row]:
    """Inputs are made as their rows are reached."""
    yield from _starting()
    yield from _reading()
    yield from _layouts()
    yield from _large()
    yield from _transcripts()
    yield from _repairing()
    yield from _databases()
    yield from _many()


def _starting() -> Iterator[Row]:
    state = inputs.healthy()
    imports = ("import typer, rich", peers.imports())
    yield Row("`--version`", [sys.executable, "-m", "gatewaydoctor", "--version"], *imports)
    yield Row("`check`, healthy directory", _tool("check", state), *imports, ratio=1.5)
    yield Row("`scan`, healthy directory", _tool("scan", state), *imports, ratio=1.5)
    offer = [sys.executable, "-m", "gatewaydoctor", "__offer", "runs", "--", "--state-dir", str(state)]
    yield Row("completion of a run id", offer, *imports, seconds=0.1)


def _reading() -> Iterator[Row]:
    incident, tokens = inputs.recipe("issue-61633"), inputs.recipe("token-heavy")
    for name, state, ratio in (("the incident", incident, 0.85), ("token-heavy", tokens, 0.45)):
        store = state / inputs.STORE
        size = f"{store.stat().st_size / MB:,.0f} MB"
        yield Row(f"`scan`, {name}, {size}", _tool("scan", state), "ijson.kvitems", peers.kvitems(store), ratio)
    for name, state in (("the incident", incident), ("token-heavy", tokens)):
        store = state / inputs.STORE
        yield Row(f"the cutter alone, {name}", peers.cutter(store), "the mmap floor", peers.floor(store), 1.3)


def _layouts() -> Iterator[Row]:
    for name in inputs.LAYOUTS:
        state = inputs.layout(name)
        store = state / inputs.STORE
        yield Row(f"`scan`, the incident, {name}", _tool("scan", state), "ijson.kvitems", peers.kvitems(store), 1.5)


def _large() -> Iterator[Row]:
    for size in (13, 20, 50, 200):
        state = inputs.large_entry(size * MB)
        peer = ("ijson.kvitems", peers.kvitems(state / inputs.STORE))
        limit = (35 + 3 * size) * MB  # 35 MB are those of any scan
        yield Row(f"`scan`, an entry of {size} MB", _tool("scan", state), *peer, peak=limit)


def _transcripts() -> Iterator[Row]:
    state = inputs.many_transcripts()
    directory = state / inputs.SESSIONS
    peer = ("each opened, both ends read", peers.both_ends(directory))
    yield Row("`scan`, 100,000 transcripts, 90,000 unindexed", _tool("scan", state), *peer, ratio=3)


def _repairing() -> Iterator[Row]:
    incident, database = inputs.recipe("issue-61633"), inputs.recipe("issue-61633-database")
    for name, state, ratio in (("the incident", incident, 2), ("the incident in a database", database, None)):
        apply, undo = _tool("repair", state, "trim", "--apply", "--yes"), _tool("undo", state, "--yes")
        vault = state / ".gatewaydoctor"
        peer = ("`scan` of it", _tool("scan", state))
        yield Row(f"`repair trim --apply`, {name}", apply, *peer, ratio=ratio, undo=undo, leaves=vault)


def _databases() -> Iterator[Row]:
    state = inputs.database_with_a_log()
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    peer = ("private copy and SQL", peers.copy_and_ask(path))
    yield Row("`scan`, the incident in a database", _tool("scan", state), *peer, ratio=1.5)
    yield Row("`scan --verify`, the same", _tool("scan", state, "--verify"), *peer)
    large = inputs.database_with_a_log(10)
    peer = ("private copy and SQL", peers.copy_and_ask(large / "agents/main/agent/openclaw-agent.sqlite"))
    yield Row("`scan`, a database of 1.7 GB", _tool("scan", large), *peer, ratio=1.5, peak=45 * MB)
    for verb in ("stuck", "cron", "sessions", "usage"):
        yield Row(f"`{verb}`, a database of 1.7 GB", _tool(verb, large), *peer)
    moved = inputs.archived_transcripts()
    read = ("reading the bytes", peers.reading_all(moved / "agents/main/session-sqlite-import-archive"))
    yield Row("`migration`, 10,000 transcripts of 2 GB", _tool("migration", moved), *read, peak=60 * MB)


def _many() -> Iterator[Row]:
    state = inputs.recipe("many-entries")
    peer = ("ijson.kvitems", peers.kvitems(state / inputs.STORE))
    yield Row("`scan`, 1,000,000 entries", _tool("scan", state), *peer, seconds=12, peak=160 * MB)
