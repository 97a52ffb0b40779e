"""subagents/runs.json as spans: every run with the bytes it is in, as a stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from msgspec import Struct

from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.files.cut import Cut, Rest, cuts
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

CHUNK = 1024 * 1024
_RUNS_FOLLOWS = re.compile(rb'[ \t\n\r]*+[{,][ \t\n\r]*+"runs"[ \t\n\r]*+:[ \t\n\r]*+(?=\{)')
_WINDOW = 4096


class Run(NamedTuple):
    """One run. `start` is its key's quote, `end` exclusive; times in epoch ms."""

    run_id: str
    start: int
    end: int
    child_key: str | None
    requester_key: str | None
    controller_key: str | None
    spawn_mode: str
    cleanup: str
    ended_at: int | None
    archive_at: int | None
    completed_at: int | None
    attachments: bool

    @property
    def never_archived(self) -> bool:
        """It ended, and up to 2026.3.28 no sweep will ever take it (docs/gateway.md section 8)."""
        return self.ended_at is not None and self.archive_at is None


class RunsFile(Struct, frozen=True):
    """`opened` is where the object of the runs begins. `whole` is False where the file breaks off or is not JSON from
    some byte on; then `runs` are those before."""

    opened: int
    runs: tuple[Run, ...]
    whole: bool


def read_runs(fs: ReadFs, path: Path) -> RunsFile | None:
    """Every whole run of the registry; None where it has no object of runs. Raises OSError."""
    with fs.open(path) as stream:
        place = _runs_object(stream)
        if place is None:
            return None
        opened, end = place
        runs: list[Run] = []
        whole = end is not None
        try:
            runs += (_run(cut) for cut in cuts(Rest(b"", opened, True), _between(stream, opened, end)))
        except Illegal:
            whole = False
        return RunsFile(opened, tuple(runs), whole)


def _runs_object(stream: BinaryIO) -> tuple[int, int | None] | None:
    """Where the value of `runs` begins and ends; the end is None where the document is damaged."""
    reached = 0
    found: tuple[int, int] | None = None
    try:
        for cut in cuts(Rest(b"", 0, True), _between(stream, 0, None)):
            reached = cut.end
            if decode.text(cut.key) == "runs":
                found = (cut.value_start, cut.end)
    except Illegal:
        pass
    else:
        return found
    if found is not None:
        return found[0], None
    stream.seek(reached)
    follows = _RUNS_FOLLOWS.match(stream.read(_WINDOW))
    return (reached + follows.end(), None) if follows else None


def _between(stream: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
    stream.seek(start)
    left = end - start if end is not None else None
    while chunk := stream.read(CHUNK if left is None else min(CHUNK, left)):
        if left is not None:
            left -= len(chunk)
        yield chunk


def _run(cut: Cut) -> Run:
    fields = cut.fields or {}

    def text(name: str) -> str | None:
        value = decode.scalar(fields.get(name))
        return value if isinstance(value, str) and value else None

    return Run(
        decode.text(cut.key),
        cut.start,
        cut.end,
        text("childSessionKey"),
        text("requesterSessionKey"),
        text("controllerSessionKey"),
        text("spawnMode") or "run",
        text("cleanup") or "keep",
        decode.time(fields.get("endedAt")),
        decode.time(fields.get("archiveAtMs")),
        decode.time(fields.get("cleanupCompletedAt")),
        text("attachmentsDir") is not None,
    )
