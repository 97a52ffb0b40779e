"""The same over directories put together at random: rows, transcripts, jobs and damage of every sort."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from tests.fixes.directories import Directory, complaints
from tests.world import DAY, HOUR, MINUTE, NOW, StateDir, header, job, row, run_key, said, session_id

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = (None, "2026.3.28", "2026.4.25", "2026.5.22")
STATUSES = ("running", "done", "failed", "timeout", "killed", None, "odd")


def made(root: Path, chance: random.Random) -> StateDir:
    state = StateDir(root, chance.choice(RELEASES))
    if chance.random() < 0.5:
        state.maintenance(mode=chance.choice(["warn", "enforce"]), maxEntries=chance.choice([3, 8, 500]))
    rows = dict(_rows(chance))
    for number in range(1, 40):
        if chance.random() < 0.6:
            state.transcript(number, _transcript(number, chance), age=_age(chance))
    text = json.dumps(rows, indent=2).encode()
    state.store(_damaged(text, chance) if chance.random() < 0.4 else text, age=_age(chance))
    if chance.random() < 0.7:
        state.jobs([job(each, state=_mark(chance)) for each in ("backup", "report") if chance.random() < 0.8])
    if chance.random() < 0.4:
        temp = text if chance.random() < 0.5 else b"{"
        state.beside(f"sessions.json.{session_id(99)}.tmp", temp, age=_age(chance))
    if chance.random() < 0.3:
        state.beside("sessions.json.bak.1799000000000", text, age=_age(chance))
    if chance.random() < 0.3:
        state.beside(f"{session_id(2)}.jsonl.lock", {"pid": 77, "starttime": 1}, age=_age(chance))
    return state


def _age(chance: random.Random) -> int:
    return chance.choice([MINUTE, 50 * MINUTE, 2 * HOUR, 30 * HOUR, 9 * DAY])


def _rows(chance: random.Random):
    keys = ["agent:main:main", "agent:main:telegram:direct:5", "agent:main:subagent:a", "agent:main:hook:b"]
    keys += ["agent:main:cron:backup", "agent:main:cron:gone"]
    keys += [run_key(chance.choice(["backup", "report", "gone"]), n) for n in range(10, 10 + chance.randrange(20))]
    for number, key in enumerate(keys, 1):
        if chance.random() < 0.85:
            more = {"skillsSnapshot": {"prompt": "x" * 400}} if chance.random() < 0.3 else {}
            more |= {"abortedLastRun": True} if chance.random() < 0.1 else {}
            more |= {"sessionFile": f"/elsewhere/{session_id(number)}.jsonl"} if chance.random() < 0.1 else {}
            yield key, row(number, age=_age(chance), status=chance.choice(STATUSES), **more)


def _transcript(number: int, chance: random.Random) -> bytes:
    head, text = header(session_id(number)), said(chance.choice(["hello", "[cron:backup x] go"]))
    return chance.choice(
        [
            head + text,
            head + text,
            head,
            text,
            head + text + b'{"type":"mess',
            head + text[:-1],
            head + b"\0" * 40,
            b"",
        ]
    )


def _damaged(text: bytes, chance: random.Random) -> bytes:
    cut = chance.randrange(len(text))
    return chance.choice([text[:cut], text[:cut] + b"\0" * 30, b"", b"[]", b"\xef\xbb\xbf" + text, text + b"}", b"{"])


def _mark(chance: random.Random) -> dict[str, object]:
    return {"runningAtMs": NOW - _age(chance)} if chance.random() < 0.3 else {"nextRunAtMs": NOW + _age(chance)}


@pytest.mark.parametrize("seed", range(40))
def test_every_fix_of_a_random_directory_does_what_it_says(seed: int, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    state = made(tmp_path / "made", random.Random(seed))
    assert complaints(Directory(state.root, NOW), tmp_path / "scratch") == []
