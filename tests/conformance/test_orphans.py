"""How many transcripts of an agent no row leads to: ours, against what `openclaw doctor` counts.

Doctor names three of them and the number, so each directory holds files of one sort.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.world import HOUR, StateDir, header, row, said, session_id, talk

from .gateways import environment
from .install import cache_dir, command
from .pieces import FILES
from .record import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.conformance

_FOUND = re.compile(r"Found (\d+) orphan transcript file")
CHECKPOINT = f"{session_id(7)}.checkpoint.00000008-aaaa-4bbb-8ccc-0123456789ab.jsonl"


def unindexed(state: StateDir) -> None:
    """Of a person, of a machine, with a header only, empty, of a name that is no id, and in capitals."""
    for number, data in ((2, None), (3, header(session_id(3)) + said("x", "assistant")), (4, header(session_id(4)))):
        state.transcript(number, data)
    state.transcript(5, b"")
    state.beside("notes.jsonl", talk(6))
    state.beside(f"{session_id(6).upper()}.jsonl", talk(6))


def topics_and_forks(state: StateDir) -> None:
    state.beside(f"{session_id(2)}-topic-9.jsonl", talk(2))
    state.beside(f"2026-04-01T00-00-00-000Z_{session_id(3)}.jsonl", talk(3))


def set_aside(state: StateDir) -> None:
    """Archives, a backup, a directory and a link of a transcript's name."""
    for ending in (".reset.2026-03-28T10-11-12.345Z", ".deleted.2026-03-28T10-11-12.345Z", ".bak"):
        state.beside(f"{session_id(2)}.jsonl{ending}", talk(2))
    sessions = state.root / "agents/main/sessions"
    (sessions / f"{session_id(3)}.jsonl").mkdir()
    (sessions / f"{session_id(4)}.jsonl").symlink_to(f"{session_id(1)}.jsonl")


def named_by_rows(state: StateDir) -> None:
    """By the path of a row: absolute, a bare name, with blanks around it."""
    sessions = state.root / "agents/main/sessions"
    named = {
        2: str(sessions / f"{session_id(2)}-topic-1.jsonl"),
        3: f"{session_id(3)}-topic-1.jsonl",
        4: f"  {sessions / session_id(4)}-topic-1.jsonl ",
    }
    rows = {f"agent:main:telegram:direct:{number}": row(number, sessionFile=path) for number, path in named.items()}
    state.store({"agent:main:main": row(1), **rows})
    for number in named:
        state.beside(f"{session_id(number)}-topic-1.jsonl", talk(number))


def of_an_indexed_session(state: StateDir) -> None:
    """A topic and a fork of a session that a row has, which no row names."""
    state.beside(f"{session_id(1)}-topic-9.jsonl", talk(1))
    state.beside(f"2026-04-01T00-00-00-000Z_{session_id(1)}.jsonl", talk(1))


def sidecars(state: StateDir) -> None:
    """A checkpoint and a trajectory of a session that no row has."""
    state.beside(CHECKPOINT, talk(7))
    state.beside(f"{session_id(7)}.trajectory.jsonl", talk(7))


DIRECTORIES: dict[str, tuple[Callable[[StateDir], None], str]] = {
    each.__name__.replace("_", " "): (each, reason)
    for each, reason in (
        (unindexed, ""),
        (topics_and_forks, ""),
        (set_aside, ""),
        (named_by_rows, ""),
        (of_an_indexed_session, "they are history of that session, and are left where they are"),
        (sidecars, "they are counted apart, as files of sessions that are gone"),
    )
}
"""Each with the reason why doctor may count otherwise."""


@pytest.mark.parametrize("name", DIRECTORIES)
@pytest.mark.parametrize("release", [*FILES, "2026.7.1"])
def test_doctor_counts_the_same(tmp_path: Path, release: str, name: str) -> None:
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed (make conformance)")
    make, reason = DIRECTORIES[name]
    state = StateDir(tmp_path, release)
    state.config({"plugins": {"enabled": False}})  # 2026.4.25 would fetch what they need
    state.store({"agent:main:main": row(1, age=HOUR)})
    state.transcript(1)
    make(state)
    (store,) = state.examine().stores
    same = told(release, "orphans", name, len(store.transcripts.orphans), _doctor(cli, state.root), reason)
    assert same or reason


def _doctor(cli: list[str], root: Path) -> int:
    ran = subprocess.run(
        [*cli, "doctor", "--non-interactive"], env=environment(root), capture_output=True, check=True, timeout=300
    )
    found = _FOUND.search(ran.stdout.decode(errors="replace"))
    return int(found[1]) if found else 0
