"""Where each entry of a store comes from, read off the plan itself: no list of its own has to be kept."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from gatewaydoctor.model.repair.plan import Copy, Plan, Rewrite, Segment
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.files.reader import StoreReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.system.fs import ReadFs


def provenance(
    fs: ReadFs, plan: Plan, target: str, place_of: Callable[[int], Path] | None = None
) -> Iterator[tuple[str, str]]:
    """(key, path of the file it is copied from, as the plan spells it) for each entry that `target` gets by the plan,
    in the new order; nothing where the plan does not write it. `place_of` tells where a source lies by now, for a
    plan that was applied. Raises OSError."""
    act = next((act for act in plan.acts if isinstance(act, Rewrite) and act.target == target), None)
    if act is None:
        return
    state_dir = Path(plan.state_dir)
    where = place_of or (lambda number: state_dir / plan.fingerprints[number].path)
    ends = list(accumulate(_size(segment) for segment in act.segments))
    with _Spliced(fs, act.segments, where) as stream:
        for cut in StoreReader(cast("BinaryIO", stream), act.size):
            segment = act.segments[bisect_right(ends, cut.start)]
            if isinstance(segment, Copy):
                yield decode.text(cut.key), plan.fingerprints[segment.source].path


def _size(segment: Segment) -> int:
    return segment.end - segment.start if isinstance(segment, Copy) else len(segment.data)


class _Spliced:
    """Reads segments as if they were a file already."""

    def __init__(self, fs: ReadFs, segments: tuple[Segment, ...], where: Callable[[int], Path]) -> None:
        self._fs = fs
        self._segments = iter(segments)
        self._where = where
        self._open: dict[int, BinaryIO] = {}
        self._waiting: tuple[int, int, int] | None = None

    def __enter__(self) -> _Spliced:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._open.values():
            stream.close()

    def read(self, count: int) -> bytes:
        """About `count` bytes, at least one unless all is read."""
        parts: list[bytes] = []
        while count > 0 and (part := self._next(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _next(self, count: int) -> bytes:
        if self._waiting is None:
            segment = next(self._segments, None)
            if not isinstance(segment, Copy):
                return segment.data if segment else b""
            self._waiting = segment.source, segment.start, segment.end
        source, start, end = self._waiting
        stop = min(end, start + count)
        self._waiting = (source, stop, end) if stop < end else None
        if source not in self._open:
            self._open[source] = self._fs.open(self._where(source))
        stream = self._open[source]
        stream.seek(start)
        return stream.read(stop - start)
