"""What was not looked into is never taken for known: no transcript is called unreferenced behind its back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.storage.files import cut, reader
from tests.world import RoomyFs, StateDir, row

if TYPE_CHECKING:
    from pathlib import Path


class Closed(RoomyFs):
    """Says of one path and everything below it that it may not be read."""

    def __init__(self, closed: Path) -> None:
        super().__init__()
        self.closed = closed

    def _refuse(self, path: Path) -> None:
        if path == self.closed or path.is_relative_to(self.closed):
            raise PermissionError(13, "Permission denied", str(path))

    def lstat(self, path: Path):  # type: ignore[no-untyped-def]
        if path != self.closed:
            self._refuse(path)
        return super().lstat(path)

    def stat(self, path: Path):  # type: ignore[no-untyped-def]
        if path != self.closed:
            self._refuse(path)
        return super().stat(path)

    def names(self, directory: Path):  # type: ignore[no-untyped-def]
        self._refuse(directory)
        return super().names(directory)

    def entries(self, directory: Path):  # type: ignore[no-untyped-def]
        self._refuse(directory)
        return super().entries(directory)


def test_an_entry_too_large_to_read_leaves_references_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "LARGEST_ENTRY", 2_000)
    monkeypatch.setattr(reader, "CHUNK", 500)
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1, status="running", blob="x" * 5_000), "agent:main:direct:2": row(2)})
    state.transcript(1)
    x = state.judge().examination
    (store,) = x.stores
    assert store.sessions is not None
    assert store.sessions.unread == 1
    assert not store.read.whole
    assert not store.transcripts.referenced_known
    assert any("were not examined" in reason for _, reason in x.skipped)


@pytest.mark.parametrize("closed", ["agents/b/sessions", "agents"])
def test_a_directory_that_may_not_be_read_is_not_an_absent_store(tmp_path: Path, closed: str) -> None:
    state = StateDir(tmp_path)
    state.store({"agent:main:main": row(1)})
    other = state.root / "agents" / "b" / "sessions"
    other.mkdir(parents=True)
    (other / "sessions.json").write_text(json.dumps({"agent:b:main": row(2)}))
    x = state.judge(fs=Closed(state.root / closed)).examination
    assert all(not store.transcripts.referenced_known for store in x.stores)
    assert not x.complete
    assert x.skipped
