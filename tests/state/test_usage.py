from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.config import Policy
from gatewaydoctor.model.gateway.usage import UsageLoad
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.usage import count_lines, counted_load, usage_files, usage_load
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
    found = usage_files(list_files(OsReadFs(), tmp_path).files, policy)
    assert {record.name for record in found} == set(names)


def test_the_load_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n2\n3")
    (tmp_path / "b.jsonl").write_bytes(b"1\n")
    (tmp_path / "c.jsonl").write_bytes(b"1\n")
    (tmp_path / ".usage-cost-cache.json").write_bytes(b"{}")
    files = list_files(OsReadFs(), tmp_path).files
    assert usage_load(files) == UsageLoad(3, 9, 5, cache_bytes=2)
    (tmp_path / "c.jsonl").unlink()
    assert counted_load(OsReadFs(), tmp_path, files) == UsageLoad(3, 9, 5, lines=4, unread=1, cache_bytes=2)


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_lines_are_counted_as_they_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, large: bool
) -> None:
    data = data + b"x" * 1_048_570 * large + data
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(data)
    assert count_lines(OsReadFs(), path) == len(data.removesuffix(b"\n").split(b"\n")) - (not data)


def test_what_cannot_be_read_has_no_count(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert count_lines(OsReadFs(), tmp_path / "fifo") is None
    assert count_lines(OsReadFs(), tmp_path / "none") is None
