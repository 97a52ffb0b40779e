"""Several questions about a transcript cost one open, and are answered as if each had opened the file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.examine.sessions.files import transcript_facts
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.readonce import HELD, ReadOnce
from gatewaydoctor.state.history.references import References
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

HEADER = b'{"type":"session","version":3,"id":"a"}\n'
HUMAN = b'{"type":"message","message":{"role":"user","content":"good morning"}}\n'
MACHINE = b'{"type":"message","message":{"role":"assistant","content":"%s"}}\n'


class _Counting(OsReadFs):
    """Counts how often each file is opened."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()

    def _descriptor(self, path: Path) -> int:
        self.opened[path.name] += 1
        return super()._descriptor(path)


@given(
    st.sampled_from([0, 1, 100, HELD - 1, HELD, HELD + 1, 3 * HELD]),
    st.integers(0, 2 * HELD),
    st.integers(0, 2 * HELD),
)
def test_answers_are_those_of_the_file_system(
    tmp_path_factory: pytest.TempPathFactory, size: int, head: int, tail: int
) -> None:
    path = tmp_path_factory.mktemp("once") / "a"
    path.write_bytes(bytes(number % 251 for number in range(size)))
    reads, expected = ReadOnce(OsReadFs()), OsReadFs().head_and_tail(path, head, tail)
    assert reads.head_and_tail(path, head, tail) == expected
    assert reads.head_and_tail(path, head, tail) == expected
    with reads.open(path) as stream:
        assert stream.read() == path.read_bytes()
    assert reads.head_and_tail(path, head, tail) == expected
    reads.close()


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    reads = ReadOnce(OsReadFs())
    with pytest.raises(FileNotFoundError):
        reads.open(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        reads.head_and_tail(tmp_path, 1, 1)
    (tmp_path / "a").write_bytes(b"x")
    assert reads.open(tmp_path / "a").read() == b"x"


def test_each_transcript_is_opened_once(tmp_path: Path) -> None:
    long = HEADER + MACHINE % (b"x" * 2 * HELD) + HUMAN
    contents = {
        "person": HEADER + HUMAN,
        "machine": HEADER + MACHINE % b"x",
        "long": long,
        "empty": b"",
        "none": b"hello",
    }
    for owner in ("kept", "orphan"):
        for name, content in contents.items():
            (tmp_path / f"{owner}-{name}.jsonl").write_bytes(content)
    references = References()
    for name in contents:
        references.add("main", f"kept-{name}")
    fs = _Counting()
    facts = transcript_facts(fs, tmp_path, list_files(fs, tmp_path), references, read_orphans_up_to=None)
    assert facts.files == facts.checked == 2 * len(contents)
    assert len(facts.orphans) == len(contents)
    assert set(fs.opened.values()) == {1}
