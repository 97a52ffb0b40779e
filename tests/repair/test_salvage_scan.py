"""What can be read out of a damaged store."""

from __future__ import annotations

import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.storage.files import cut as cut_module
from gatewaydoctor.storage.files.salvage import CHUNK, Salvage, salvage
from gatewaydoctor.storage.files.sessions import read_sessions_file
from tests.store.documents import VALUE


def salvaged(data: bytes) -> Salvage:
    stream = io.BytesIO(data)
    return salvage(stream, read_sessions_file(stream, len(data), "main"), "main")


def keys(found: Salvage) -> list[str]:
    return [entry.key for entry in found.table]


def store(count: int = 50, size: int = 200, **layout: object) -> bytes:
    entries = {
        f"agent:main:direct:p{n}": {"sessionId": f"s{n}", "updatedAt": n, "text": 'x"\\\n' * (size // 4)}
        for n in range(count)
    }
    return json.dumps(entries, **(layout or {"indent": 2})).encode()


def spans(data: bytes) -> list[tuple[str, int, int]]:
    return [(e.key, e.start, e.end) for e in read_sessions_file(io.BytesIO(data), len(data), "main").table]


@pytest.mark.parametrize("seed", range(40))
def test_a_cut_leaves_every_entry_before_it(seed: int) -> None:
    data = store()
    at = random.Random(seed).randrange(len(data))
    assert keys(salvaged(data[:at])) == [key for key, _, end in spans(data) if end <= at]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"a", b"\n"])
def test_overwriting_spoils_only_what_it_touches(seed: int, fill: bytes) -> None:
    data = store()
    draw = random.Random(seed)
    begin = draw.randrange(len(data))
    end = min(len(data), begin + draw.randrange(1, 3000))
    broken = data[:begin] + fill * (end - begin) + data[end:]
    untouched = [key for key, start, stop in spans(data) if stop <= begin or start - 3 >= end]
    found = keys(salvaged(broken))
    assert [key for key in found if key in untouched] == untouched
    # A string of which only the inside was overwritten may still be legal, so a touched entry may be whole.
    assert len(found) <= len(untouched) + 2 + (fill == b"a")


@pytest.mark.parametrize("seed", range(40))
def test_a_lost_front_leaves_every_entry_behind_it(seed: int) -> None:
    data = store()
    at = random.Random(seed).randrange(1, len(data))
    assert keys(salvaged(data[at:])) == [key for key, start, _ in spans(data) if start - 3 >= at]


@pytest.mark.parametrize("seed", range(20))
def test_another_layout_is_taken_up_again_behind_the_damage(seed: int) -> None:
    data = store(separators=(",", ":"))
    draw = random.Random(seed)
    begin = draw.randrange(len(data))
    end = min(len(data), begin + draw.randrange(1, 1000))
    found = keys(salvaged(data[:begin] + bytes(end - begin) + data[end:]))
    assert found == [key for key, start, stop in spans(data) if stop <= begin or start - 1 >= end]


def test_a_brace_that_is_lost_does_not_swallow_the_rest() -> None:
    data = store()
    lines = data.split(b"\n  },")
    broken = b"\n  },".join(lines[:10]) + b"," + b"\n  },".join(lines[10:])
    assert len(keys(salvaged(broken))) == 49


def test_blocks_of_another_file_are_no_sessions() -> None:
    alien = b'\n  "version": 1,\n  "jobs": [\n    1\n  ],\n  "gateway": {\n    "port": 1\n  },'
    data = store(4)
    at = data.index(b'\n  "agent:main:direct:p2')
    broken = data[: at - 40] + alien + data[at:]
    assert keys(salvaged(broken)) == [f"agent:main:direct:p{n}" for n in (0, 2, 3)]


def test_spans_are_those_of_the_file() -> None:
    data = store()
    broken = data[:3000] + bytes(500) + data[3500:]
    for entry in salvaged(broken).table:
        value = json.loads(broken[entry.value_start : entry.end])
        assert value["sessionId"] == entry.session_id
        assert json.loads(broken[entry.start : entry.value_start].rstrip(b": ")) == entry.key


def test_an_entry_larger_than_memory_allows_is_found_by_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    large = CHUNK * 2
    for module in (cut_module, __import__("gatewaydoctor.storage.files.salvage", fromlist=["x"])):
        monkeypatch.setattr(module, "LARGEST_ENTRY", CHUNK)
    entries = {f"agent:main:direct:p{n}": {"updatedAt": n, "text": "y" * (large if n == 1 else 9)} for n in range(4)}
    data = json.dumps(entries, indent=2).encode()
    found = salvaged(data[:-20])
    assert keys(found) == [f"agent:main:direct:p{n}" for n in range(3)]
    big = found.table[1]
    assert json.loads(data[big.value_start : big.end])["updatedAt"] == 1
    torn = data[: data.index(b'"agent:main:direct:p2') - 30]
    assert keys(salvaged(torn)) == ["agent:main:direct:p0"]


@given(st.dictionaries(st.text(max_size=8), st.dictionaries(st.text(max_size=5), VALUE), max_size=6), st.data())
def test_never_more_than_was_there(entries: dict, choice: st.DataObject) -> None:
    named = {f"agent:a:{key}": value for key, value in entries.items()}
    data = json.dumps(named, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    at = choice.draw(st.integers(0, len(data)))
    whole = [key for key, _, end in spans(data) if end <= at]
    assert keys(salvaged(data[:at])) == whole
