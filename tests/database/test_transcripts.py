"""Transcripts in databases: plain and compressed events, archives, and what cannot be unpacked."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import zstandard

from gatewaydoctor.state.databases.agent import read_agent
from gatewaydoctor.storage.database import transcripts
from gatewaydoctor.storage.database.transcripts import Event, Transcripts, unpacked

from .made import AGENT, Made, connect, insert
from .test_facts import opened

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def message(role: str, text: str) -> bytes:
    return json.dumps({"type": "message", "id": "m", "message": {"role": role, "content": text}}).encode()


def packed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def test_events_come_in_order_plain_or_compressed(tmp_path: Path) -> None:
    path = Made(tmp_path / "a.sqlite", AGENT, 23).path
    with closing(connect(path)) as connection:
        insert(connection, "transcript_events", session_id="s", seq=2, event_zstd=packed(b"second" * 500))
        insert(connection, "transcript_events", session_id="s", seq=1, event_json="first")
        insert(connection, "transcript_events", session_id="s", seq=3, event_zstd=b"no zstd")
        insert(connection, "transcript_events", session_id="other", seq=1, event_json="x")
    with opened(path) as database:
        reader = Transcripts(database)
        first, second, third = reader.events("s")
        assert (first, second) == (Event(1, b"first"), Event(2, b"second" * 500))
        assert third.problem is not None and third.problem.startswith("it is not valid zstd data")
        assert sorted(reader.sessions()) == ["other", "s"]
        assert list(reader.events("nobody")) == []
        assert reader.fault is None


def test_the_layout_before_compression_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(connect(path)) as connection:
        connection.execute(
            "CREATE TABLE transcript_events(session_id TEXT, seq INT, event_json TEXT, created_at INT)"
        )
        insert(connection, "transcript_events", session_id="s", seq=1, event_json="first")
    with opened(path) as database:
        assert list(Transcripts(database).events("s")) == [Event(1, b"first")]


def test_archives_are_unpacked(tmp_path: Path) -> None:
    path = Made(tmp_path / "a.sqlite", AGENT, 23).path
    with closing(connect(path)) as connection:
        connection.execute("ALTER TABLE session_transcript_archives ADD COLUMN encoding TEXT")
        connection.execute("ALTER TABLE session_transcript_archives ADD COLUMN created_at INT")
        for at, blob in ((1, b"old\n"), (2, b"one\ntwo\n")):
            values = {"session_id": "s", "archive_blob": packed(blob), "encoding": "zstd", "created_at": at}
            insert(connection, "session_transcript_archives", **values)
        insert(connection, "session_transcript_archives", session_id="bad", archive_blob=b"xxxx", encoding="zstd")
    with opened(path) as database:
        reader = Transcripts(database)
        assert list(reader.archived("s")) == [b"one", b"two"]
        assert reader.fault is None
        assert list(reader.archived("bad")) == []
        assert reader.fault is not None


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "LARGEST_EVENT", 1 << 20)
    found = unpacked(packed(bytes(20 << 20)))
    assert found == "it unpacks to more than 1 MiB"
    assert unpacked(packed(bytes(1 << 20))) == bytes(1 << 20)
    assert unpacked(packed(b"torn" * 1000)[:-8]) != b"torn" * 1000


def test_whose_words_a_transcript_of_no_session_holds(tmp_path: Path) -> None:
    path = Made(tmp_path / "a.sqlite", AGENT, 23).path
    with closing(connect(path)) as connection:
        said = message("user", "where is my order? " * 100)
        insert(connection, "transcript_events", session_id="person", seq=0, event_zstd=packed(said))
        machine = message("assistant", "done").decode()
        insert(connection, "transcript_events", session_id="machine", seq=0, event_json=machine)
        insert(connection, "transcript_events", session_id="unknown", seq=0, event_zstd=b"damaged")
    with opened(path) as database:
        found = read_agent(database)
    assert (found.lost_events, found.lost_of_people) == (3, 2)
