"""jobs.json and the files next to it: how changes of jobs become new bytes, every job that stays byte for byte."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.checks import unread
from gatewaydoctor.model.gateway.cron import CronFile, CronRead
from gatewaydoctor.model.repair.plan import Copy, NewBytes, Segment
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.cron.spans import Span, elements, member_of, members
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.cron.cron import LARGEST
from gatewaydoctor.storage.files.edit import edit
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from gatewaydoctor.repair.drafting.draft import Draft

MARK = "runningAtMs"
_BY_HAND = "Correct it by hand with the gateway stopped: `gatewaydoctor explain cron-store-unparseable`."
_GAP = b",\n    "

Piece = Span | bytes
"""A range of the file's own bytes, or new bytes."""


class OpenedFile(Struct, frozen=True):
    """A cron file whose bytes can be edited. `jobs` is where its list of jobs, or its rows by job id, stand."""

    path: Path
    data: bytes
    jobs: Span

    def places(self) -> list[Span]:
        """Where each job of the list stands. Raises Illegal where the bytes are not JSON."""
        return elements(self.data, self.jobs)

    def text(self, place: Span) -> bytes:
        return self.data[slice(*place)]


def open_file(draft: Draft, file: CronFile) -> OpenedFile | None:
    """None where it is missing, or cannot be edited: then that is among the refusals."""
    if file.read is CronRead.MISSING:
        return None
    try:
        if file.problem is not None:
            raise OutOfReach(f"Cannot read it: {file.problem.reason}.", unread.by_hand(file.problem))
        if file.reason is not None:
            raise OutOfReach(f"It has an error: {file.reason}.", _BY_HAND)
        return _opened(draft, file.path)
    except FileNotFoundError:
        return None
    except Illegal:
        reason = "It contains comments or other JSON5, which gatewaydoctor cannot edit."
        draft.refuse(Repair.CRON, file.path, OutOfReach(reason, "Edit it by hand."))
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.CRON, file.path, error)
    return None


def open_beside(draft: Draft, path: Path) -> OpenedFile | None:
    """A file of this program next to jobs.json, in the same way."""
    return open_file(draft, CronFile(path, CronRead.OK))


def _opened(draft: Draft, path: Path) -> OpenedFile | None:
    draft.reach(path)
    data = read_up_to(draft.fs, path, LARGEST)
    whole = Span(len(data) - len(data.removeprefix(BOM_UTF8).lstrip()), len(data))
    inside = members(data, whole)
    jobs = whole if data[whole.start : whole.start + 1] == b"[" else inside.get("jobs")
    return OpenedFile(path, data, jobs) if jobs else None


def rewrite_list(
    draft: Draft,
    file: OpenedFile,
    changed: Mapping[int, bytes],
    removed: Set[int] = frozenset(),
    added: Sequence[bytes] = (),
) -> None:
    """Give the file's list of jobs new bytes for the jobs `changed`, without those `removed`, and with others at its
    end. Jobs are named by their place in the list."""
    if changed or removed or added:
        _write(draft, file, list(_list_pieces(file, file.places(), changed, removed, added)))


def _list_pieces(
    file: OpenedFile, places: list[Span], changed: Mapping[int, bytes], removed: Set[int], added: Sequence[bytes]
) -> Iterator[Piece]:
    if not places:
        yield Span(0, file.jobs.start)
        yield b"[\n    " + _GAP.join(added) + b"\n  ]"
        yield Span(file.jobs.end, len(file.data))
        return
    kept = [index for index in range(len(places)) if index not in removed]
    yield Span(0, places[0].start)
    for index in kept:
        if index != kept[0]:
            # A job that goes takes what separates it from the one before.
            yield Span(places[index - 1].end, places[index].start)
        yield changed.get(index, places[index])
    gap = file.data[places[-2].end : places[-1].start] if len(places) > 1 else _GAP
    for number, job in enumerate(added):
        if kept or number:
            yield gap
        yield job
    yield Span(places[-1].end, len(file.data))


def rewrite_spans(draft: Draft, file: OpenedFile, changed: Mapping[Span, bytes]) -> None:
    """Give these ranges of the file new bytes."""
    bounds = sorted(changed)
    gaps = zip([0, *(each.end for each in bounds)], [*(each.start for each in bounds), len(file.data)], strict=True)
    _write(draft, file, [changed.get(span, span) for span in sorted([Span(*gap) for gap in gaps] + bounds)])


def _write(draft: Draft, file: OpenedFile, pieces: Iterable[Piece]) -> None:
    import hashlib

    number = draft.fingerprint(file.path, hashlib.sha256(file.data).hexdigest())
    segments: list[Segment] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            segments.append(NewBytes(piece))
        elif segments and isinstance(last := segments[-1], Copy) and last.end == piece.start:
            segments[-1] = Copy(number, last.start, piece.end)
        elif piece.start != piece.end:
            segments.append(Copy(number, *piece))
    size = sum(each.end - each.start if isinstance(each, Copy) else len(each.data) for each in segments)
    draft.rewrite(number, tuple(segments), size)


def without_mark(data: bytes, place: Span) -> bytes | None:
    """The job, or the row of the state file, without the mark in its `state`; None where there is none."""
    state = member_of(data, place, "state")
    if state is None or MARK not in members(data, state):
        return None
    return data[place.start : state.start] + edited(data[slice(*state)], {MARK: None}) + data[state.end : place.end]


def edited(value: bytes, edits: Mapping[str, bytes | None]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else value[slice(*piece)] for piece in edit(value, edits))


def list_of(jobs: Iterable[bytes]) -> bytes:
    """A file of the same form that holds these jobs."""
    return b'{\n  "version": 1,\n  "jobs": [\n    ' + _GAP.join(jobs) + b"\n  ]\n}\n"


def note_text(job_id: str | None, name: str | None, at: int | None) -> bytes:
    """One disabled job as it is kept next to jobs.json."""
    said = {"id": job_id, "name": name, "disabledAtMs": at}
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()
