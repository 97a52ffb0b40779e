"""Which files a usage call reads, and how much is in them (docs/gateway.md section 10)."""

from __future__ import annotations

import json
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.gateway.files import FileClass, NodeKind
from gatewaydoctor.model.gateway.release import UNKNOWN
from gatewaydoctor.model.gateway.usage import PAGE, UsageFile, UsageLoad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.system.fs import ReadFs

BLOCK = 1024 * 1024

SAMPLE: Final = 64 * 1024
SAMPLED: Final = 16
"""An estimate reads the first SAMPLE bytes of SAMPLED files in a directory and takes the rest to be like them."""

_LARGEST_CACHE: Final = 32 * BLOCK
_CACHE_VERSION: Final = 3

_ARCHIVED = frozenset({FileClass.ARCHIVE_DELETED, FileClass.ARCHIVE_RESET})


def usage_files(
    files: Iterable[FileRecord], classes: frozenset[FileClass] = UNKNOWN.usage_classes
) -> tuple[FileRecord, ...]:
    """The files one usage call opens. Of archives only those of transcripts count, not a set-aside store."""
    return tuple(
        record
        for record in files
        if record.cls in classes
        and record.node is NodeKind.FILE
        and (record.cls not in _ARCHIVED or ".jsonl." in record.name)
    )


class LineCount(Struct, frozen=True):
    """Lines of a file, an unterminated last one included, how many of them a usage call prices, and bytes read."""

    lines: int
    usage_lines: int
    bytes: int


def usage_load(
    fs: ReadFs, directory: Path, files: Iterable[FileRecord], classes: frozenset[FileClass] = UNKNOWN.usage_classes
) -> UsageLoad:
    """Files and bytes, and of the newest files the usage lines, estimated from the beginnings of some of them."""
    listed = tuple(files)
    counted = usage_files(listed, classes)
    newest = _newest(counted)
    every = max(1, -(-len(newest) // SAMPLED))
    samples = {record.name: count_lines(fs, directory / record.name, limit=SAMPLE) for record in newest[::every]}
    found = [sample for sample in samples.values() if sample is not None]
    share = sum(each.usage_lines for each in found) / max(1, sum(each.bytes for each in found))

    def lines(record: FileRecord, start: int) -> tuple[int, bool]:
        sample = samples.get(record.name)
        if sample is not None and record.size <= SAMPLE and not start:
            return sample.usage_lines, False
        own = sample.usage_lines / max(1, sample.bytes) if sample is not None else share
        return round(own * (record.size - start)), True

    return _load(fs, directory, listed, counted, newest, lines)


def counted_load(
    fs: ReadFs, directory: Path, files: Iterable[FileRecord], classes: frozenset[FileClass] = UNKNOWN.usage_classes
) -> UsageLoad:
    """The same with every line counted, which reads every counted file. Files that cannot be read are counted as
    such."""
    listed = tuple(files)
    counted = usage_files(listed, classes)
    counts = {record.name: count_lines(fs, directory / record.name) for record in counted}
    known = [count for count in counts.values() if count is not None]

    def lines(record: FileRecord, start: int) -> tuple[int, bool]:
        count = count_lines(fs, directory / record.name, start) if start else counts[record.name]
        return (count.usage_lines, False) if count is not None else (0, True)

    load = _load(fs, directory, listed, counted, _newest(counted), lines)
    return replace(
        load,
        lines=sum(each.lines for each in known),
        unread=len(counts) - len(known),
        usage_lines=sum(each.usage_lines for each in known),
    )


def count_lines(fs: ReadFs, path: Path, start: int = 0, limit: int | None = None) -> LineCount | None:
    """Lines from byte `start` on, of the first `limit` bytes if given; a line that the limit cuts is not counted.
    None where the file cannot be read."""
    lines = priced = count = 0
    try:
        with fs.open(path) as stream:
            stream.seek(start)
            for line in _lines(stream, limit):
                lines, count = lines + 1, count + len(line) + 1
                priced += is_priced(line)
    except OSError:
        return None
    return LineCount(lines, priced, count)


def cached_sizes(fs: ReadFs, path: Path) -> Mapping[str, tuple[int, int]]:
    """Size and mtime (epoch ms) by file name, as the usage cache of 2026.5.22 knows them; empty where it is missing,
    larger than 32 MB, damaged or of another version, which that release takes for empty, too."""
    try:
        with fs.open(path) as stream:
            text = stream.read(_LARGEST_CACHE + 1)
        cache = msgspec.json.decode(text, type=_Cache) if len(text) <= _LARGEST_CACHE else _Cache()
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
    if cache.version != _CACHE_VERSION:
        return {}
    return {
        name.replace("\\", "/").rpartition("/")[2]: (int(e.size), int(e.mtimeMs)) for name, e in cache.files.items()
    }


class _Cached(msgspec.Struct):
    size: float = 0
    mtimeMs: float = 0


class _Cache(msgspec.Struct):
    version: int = 0
    files: dict[str, _Cached] = {}


class _Message(msgspec.Struct):
    role: Any = None
    usage: Any = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    usage: Any = None


def _load(
    fs: ReadFs,
    directory: Path,
    listed: tuple[FileRecord, ...],
    counted: tuple[FileRecord, ...],
    newest: list[FileRecord],
    lines: Callable[[FileRecord, int], tuple[int, bool]],
) -> UsageLoad:
    cache = next((record for record in listed if record.cls is FileClass.USAGE_CACHE), None)
    cached = cached_sizes(fs, directory / cache.name) if cache else {}
    sizes = [record.size for record in counted]
    return UsageLoad(
        len(counted),
        sum(sizes),
        max(sizes, default=0),
        cache_bytes=cache.size if cache else None,
        newest=tuple(_usage_file(record, cached.get(record.name), lines) for record in newest),
    )


def _usage_file(
    record: FileRecord, cached: tuple[int, int] | None, lines: Callable[[FileRecord, int], tuple[int, bool]]
) -> UsageFile:
    """What the cache does not know of this file: nothing, what was appended since, or all of it."""
    if cached == (record.size, record.mtime):
        return UsageFile(record.mtime, record.size, 0, 0)
    start = cached[0] if cached and cached[0] < record.size and cached[1] <= record.mtime else 0
    count, estimated = lines(record, start)
    return UsageFile(record.mtime, record.size, record.size - start, count, estimated)


def _newest(counted: Iterable[FileRecord]) -> list[FileRecord]:
    return nsmallest(PAGE, counted, key=lambda record: (-record.mtime, record.name))


def _lines(stream: BinaryIO, limit: int | None) -> Iterator[bytes]:
    """Lines without their ends; with a limit only those that lie within it whole, or reach the file's end."""
    parts: list[bytes] = []
    left = limit
    while block := stream.read(BLOCK if left is None else left):
        first, *rest = block.split(b"\n")
        parts.append(first)
        for line in rest:
            yield b"".join(parts)
            parts = [line]
        if left is not None:
            left -= len(block)
            if left <= 0:
                if not stream.read(1) and any(parts):
                    yield b"".join(parts)
                return
    if any(parts):
        yield b"".join(parts)


def is_priced(line: bytes) -> bool:
    """Whether a usage call looks up a price for this line: a message of a person or a model with token counts."""
    if b'"usage"' not in line:
        return False
    try:
        entry = msgspec.json.decode(line, type=_Line)
    except msgspec.ValidationError:
        return False
    except msgspec.DecodeError:
        # The gateway also takes bytes that are not UTF-8 and lone surrogates.
        try:
            entry = msgspec.convert(json.loads(line.decode("utf-8", "replace")), type=_Line)
        except (ValueError, RecursionError):
            return False
    if entry.message is None or entry.message.role not in ("user", "assistant"):
        return False
    usage = entry.message.usage if entry.message.usage is not None else entry.usage
    return isinstance(usage, dict) and any(type(n) in (int, float) for n in usage.values())
