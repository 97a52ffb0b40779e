from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.usage import LineCount, count_lines, counted_load, usage_files, usage_load
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
STAMP = "2026-03-20T10-11-12.345Z"
ALWAYS = ["a.jsonl", "a-topic-1.jsonl", f"b.jsonl.reset.{STAMP}", f"c.jsonl.deleted.{STAMP}"]
NEVER = ["sessions.json", f"d.jsonl.bak.{STAMP}", f"sessions.json.deleted.{STAMP}", "e.jsonl.lock", "f.txt"]
CHECKPOINT, TRAJECTORY = f"a.checkpoint.{UUID}.jsonl", "a.trajectory.jsonl"


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        (Policy.V2026_3_28, [*ALWAYS, CHECKPOINT, TRAJECTORY]),
        (Policy.V2026_4_25, [*ALWAYS, TRAJECTORY]),
        (Policy.V2026_5_22, ALWAYS),
        (Policy.V2026_9_6, []),
    ],
)
def test_what_a_release_counts(tmp_path: Path, policy: Policy, names: list[str]) -> None:
    for name in [*ALWAYS, *NEVER, CHECKPOINT, TRAJECTORY]:
        (tmp_path / name).touch()
    found = usage_files(list_files(OsReadFs(), tmp_path).files, BEHAVIOURS[policy].usage_classes)
    assert {record.name for record in found} == set(names)


USED = b'{"message": {"role": "assistant", "usage": {"input": 1}}}'


def test_the_load_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n" + USED + b"\n3")
    (tmp_path / "b.jsonl").write_bytes(USED + b"\n")
    (tmp_path / "c.jsonl").write_bytes(b"1\n")
    (tmp_path / ".usage-cost-cache.json").write_bytes(b"{}")
    files = list_files(OsReadFs(), tmp_path).files
    size = len(USED)
    load = usage_load(OsReadFs(), tmp_path, files)
    assert (load.files, load.bytes, load.largest, load.cache_bytes) == (3, 2 * size + 7, size + 4, 2)
    assert sum(each.usage_lines for each in load.newest) == 2
    assert not any(each.estimated for each in load.newest)
    (tmp_path / "c.jsonl").unlink()
    counted = counted_load(OsReadFs(), tmp_path, files)
    assert (counted.lines, counted.usage_lines, counted.unread) == (4, 2, 1)


@pytest.mark.parametrize(
    ("line", "priced"),
    [
        (USED, 1),
        (b'{"message": {"role": "user", "usage": {"total": 0}}}', 1),
        (b'{"usage": {"output": 2}, "message": {"role": "assistant"}}', 1),
        (b'{"message": {"role": "assistant", "usage": {"input": 1}, "t": "\\ud800 \xff"}}', 1),
        (b'{"message": {"role": "toolResult", "usage": {"input": 1}}}', 0),
        (b'{"message": {"role": "assistant", "usage": {}}}', 0),
        (b'{"message": {"role": "assistant", "usage": {"input": true}}}', 0),
        (b'{"message": {"role": "assistant", "usage": [1]}}', 0),
        (b'{"message": {"role": "assistant", "text": "\\"usage\\""}}', 0),
        (b'{"message": "usage", "usage": {"input": 1}}', 0),
        (b'{"message": {"role": "assistant", "usage": {"input": 1}', 0),
        (b'["usage"]', 0),
    ],
)
def test_which_lines_a_call_prices(tmp_path: Path, line: bytes, priced: int) -> None:
    (tmp_path / "a").write_bytes(line)
    assert count_lines(OsReadFs(), tmp_path / "a") == LineCount(1, priced, len(line) + 1)


@given(st.binary(max_size=200), st.booleans())
def test_lines_are_counted_as_they_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, large: bool
) -> None:
    data = data + b"x" * 1_048_570 * large + data
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(data)
    found = count_lines(OsReadFs(), path)
    assert found is not None
    assert found.lines == len(data.removesuffix(b"\n").split(b"\n")) - (not data)


def test_an_estimate_reads_the_beginning_and_takes_the_rest_to_be_like_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes((USED + b"\n") * 4000 + b"x" * 200_000)
    files = list_files(OsReadFs(), tmp_path).files
    (found,) = usage_load(OsReadFs(), tmp_path, files).newest
    assert found.estimated
    assert found.usage_lines == pytest.approx(files[0].size / (len(USED) + 1), rel=0.01)
    (counted,) = counted_load(OsReadFs(), tmp_path, files).newest
    assert (counted.usage_lines, counted.estimated) == (4000, False)


def test_what_cannot_be_read_has_no_count(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert count_lines(OsReadFs(), tmp_path / "fifo") is None
    assert count_lines(OsReadFs(), tmp_path / "none") is None
