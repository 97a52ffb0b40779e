from __future__ import annotations

import tracemalloc
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.files import FileRecord, NodeKind
from gatewaydoctor.state.history.names import classify
from gatewaydoctor.state.history.references import References, basename, unindexed, unowned

SID = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455"
OTHER = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
CHECKPOINT = f"{OTHER}.checkpoint.{OTHER}.jsonl"


def record(name: str, node: NodeKind = NodeKind.FILE) -> FileRecord:
    return FileRecord(name, classify(name), 1, 0, None, node, 1)


REACHED = [
    ("by its id", (SID, None, ()), f"{SID}.jsonl", True),
    ("a topic of the session", (SID, None, ()), f"{SID}-topic-9.jsonl", True),
    ("a fork of the session", (SID, None, ()), f"2026-03-20T10-11-12-345Z_{SID}.jsonl", True),
    ("a fork of another", (SID, None, ()), f"2026-03-20T10-11-12-345Z_{OTHER}.jsonl", False),
    ("an id with topic in it", ("a-topic-b", None, ()), "a-topic-b-topic-1.jsonl", True),
    ("by sessionFile", (None, f"/s/{OTHER}.jsonl", ()), f"{OTHER}.jsonl", True),
    ("by a relative sessionFile", (SID, "my talk.jsonl", ()), "my talk.jsonl", True),
    ("by another host's path", (SID, f"/Users/u/agents/a/sessions/{OTHER}.jsonl", ()), f"{OTHER}.jsonl", True),
    ("by a Windows path", (SID, f"C:\\Users\\u\\sessions\\{OTHER}.jsonl", ()), f"{OTHER}.jsonl", True),
    ("its own name beside a sessionFile", (SID, "other.jsonl", ()), f"{SID}.jsonl", True),
    ("by a checkpoint", (SID, None, (f"/x/{CHECKPOINT}",)), CHECKPOINT, True),
    ("a checkpoint nobody names", (SID, None, ()), f"{SID}.checkpoint.{OTHER}.jsonl", False),
    ("another session", (SID, None, ()), f"{OTHER}.jsonl", False),
    ("a longer name", (SID, None, ()), f"{SID}.jsonl.jsonl", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "name", "reached"), [case[1:] for case in REACHED], ids=[case[0] for case in REACHED]
)
def test_what_an_entry_reaches(
    entry: tuple[str | None, str | None, tuple[str, ...]], name: str, reached: bool
) -> None:
    references = References()
    references.add("main", *entry)
    assert references.reaches(name) is reached


def test_any_agents_entry_counts() -> None:
    references = References()
    references.add("main", SID)
    references.add("work", OTHER)
    files = [record(f"{SID}.jsonl"), record(f"{OTHER}.jsonl"), record("lost.jsonl"), record("sessions.json")]
    assert [found.name for found in unindexed(files, references)] == ["lost.jsonl"]
    assert references.agents == {"main", "work"}


def test_only_regular_primary_files_are_unindexed() -> None:
    files = [
        record("a.jsonl", NodeKind.SYMLINK),
        record("b.jsonl", NodeKind.DIRECTORY),
        record("c.trajectory.jsonl"),
        record("d.jsonl.deleted.2026-03-20T10-11-12Z"),
        record("e.jsonl"),
    ]
    assert [found.name for found in unindexed(files, References())] == ["e.jsonl"]


def test_sidecars_belong_to_their_session() -> None:
    references = References()
    references.add("main", SID)
    files = [
        record(f"{SID}.trajectory.jsonl"),
        record(f"{SID}-topic-4.trajectory-path.json"),
        record(f"{SID}.checkpoint.{OTHER}.jsonl"),
        record(f"{OTHER}.trajectory.jsonl"),
        record(f"{OTHER}.jsonl"),
    ]
    assert [found.name for found in unowned(files, references)] == [f"{OTHER}.trajectory.jsonl"]
    assert references.owns(f"{SID}.jsonl.deleted.2026-03-20T10-11-12Z")
    assert not references.owns(f"{OTHER}.jsonl.lock")


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_file_named_by_an_entry_is_reached(session_id: str, session_file: str) -> None:
    references = References()
    references.add("main", session_id, session_file)
    name = basename(session_file)
    assert not name or len(name) > 255 or references.reaches(name)
    assert not session_id or len(session_id) > 249 or references.reaches(f"{session_id}.jsonl")


def test_memory_stays_below_24_bytes_an_entry() -> None:
    tracemalloc.start()
    references = References()
    for number in range(20_000):
        session_id = str(uuid.UUID(int=number))
        references.add("main", session_id, f"/state/agents/main/sessions/{session_id}.jsonl")
    assert references.knows(session_id)
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert current / 20_000 < 24
