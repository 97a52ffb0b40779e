"""In the gateway's own layout salvage makes no row up: whatever is lost, each row it finds is one of the store's."""

from __future__ import annotations

import io
import json
import random

import pytest

from gatewaydoctor.storage.files.salvage import salvage
from gatewaydoctor.storage.files.sessions import read_sessions_file


def store(seed: int) -> bytes:
    """Rows of every kind with objects inside that could be rows themselves."""
    draw = random.Random(seed)
    rows: dict[str, object] = {}
    for n in range(30):
        kind = draw.choice(["explicit:bbbb", "direct:+4915", "cron:job:run:", "telegram:group:-100", "dashboard:"])
        inner = {"sessionId": f"inner-{n}", "updatedAt": 1_775_120_000_000 + n, "text": "x" * draw.randrange(60)}
        row: dict[str, object] = {"sessionId": f"s{n}", "updatedAt": 1_775_120_000_000 + n, "status": "done"}
        row |= {
            "origin": inner,
            "recovery": {"last": dict(inner), f"agent:main:main{n}": dict(inner)},
            "compactionCheckpoints": [{"preCompaction": dict(inner), "createdAt": n}],
            "spawnedBy": f"agent:main:{kind}{n - 1}",
            "skillsSnapshot": {"prompt": 'line\\n  "agent:main:fake": {' * draw.randrange(4), "skills": []},
            "sessionFile": f"/home/user/.openclaw/agents/main/sessions/s{n}.jsonl",
        }
        rows[f"agent:main:{kind}{n}"] = dict(draw.sample(sorted(row.items()), len(row)))
    rows["global"] = {"sessionId": "g", "updatedAt": 5}
    return json.dumps(rows, indent=2, ensure_ascii=False).encode()


def rows_of(data: bytes) -> dict[str, bytes]:
    return {
        entry.key: data[entry.start : entry.end]
        for entry in read_sessions_file(io.BytesIO(data), len(data), "main").table
    }


def salvaged(data: bytes) -> list[tuple[str, bytes]]:
    stream = io.BytesIO(data)
    found = salvage(stream, read_sessions_file(stream, len(data), "main"), "main")
    return [(entry.key, data[entry.start : entry.end]) for entry in found.table]


@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("damage", ["cut", "front lost", "zeros", "many zeros"])
def test_every_row_is_one_of_the_store(damage: str, part: int) -> None:
    """200 places for each kind of damage, 20 a part."""
    draw = random.Random(f"{damage}{part}")
    data = store(part)
    rows = rows_of(data)
    for _ in range(20):
        at, size = draw.randrange(1, len(data)), draw.choice([1, 3, 40, 400, 4096])
        match damage:
            case "cut":
                broken = data[:at]
            case "front lost":
                broken = data[at:]
            case "zeros":
                broken = data[:at] + bytes(len(data[at : at + size])) + data[at + size :]
            case _:
                broken = bytearray(data)
                for place in (at, draw.randrange(1, len(data)), 1):
                    broken[place : place + size] = bytes(len(broken[place : place + size]))
                broken = bytes(broken)
        found = salvaged(broken)
        assert [row for row in found if rows.get(row[0]) != row[1]] == []
        untouched = [key for key, text in rows.items() if b"\n  " + text in broken]
        assert set(untouched) <= {key for key, _ in found}


@pytest.mark.parametrize("part", range(10))
def test_joined_fragments_make_no_key(part: int) -> None:
    """A piece of the file is gone, and what was around it stands side by side."""
    draw = random.Random(part)
    data = store(part)
    rows = rows_of(data)
    for _ in range(20):
        at = draw.randrange(1, len(data))
        broken = data[:at] + data[at + draw.choice([1, 20, 300, 2000]) :]
        for key, _ in salvaged(broken):
            # A key that lost a piece of itself, or got the end of another one, on a line of keys cannot be told.
            assert key in rows or b'\n  "' + key.encode() in broken
