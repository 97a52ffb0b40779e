"""Moving bytes: copies and new files are hashed as they pass and synced before they count."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from gatewaydoctor.model.repair.plan import Copy, Segment
from gatewaydoctor.repair.writing.errors import InputChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.system.fs import ReadFs

BLOCK = 1024 * 1024
_ZEROS = bytes(BLOCK)


class Content(Struct, frozen=True):
    """What a file holds."""

    sha256: str
    size: int


class FileAttributes(Struct, frozen=True):
    """Permission bits, owner, mtime and extended attributes of a new file; None leaves what making it gives."""

    mode: int = 0o600
    uid: int | None = None
    gid: int | None = None
    mtime_ns: int | None = None
    extended: Mapping[str, bytes] | None = None


def nothing(_amount: int) -> None:
    """Progress that is not shown."""


def content_of(
    fs: ReadFs, path: Path, advance: Callable[[int], None] = nothing, *, first: int | None = None
) -> Content:
    """Hash and size of a file, or of its `first` bytes, read in blocks."""
    digest, size = hashlib.sha256(), 0
    with fs.open(path) as stream:
        while block := stream.read(BLOCK if first is None else min(BLOCK, first - size)):
            digest.update(block)
            size += len(block)
            advance(len(block))
    return Content(digest.hexdigest(), size)


def write_whole(fs: WriteFs, path: Path, data: bytes, attributes: FileAttributes) -> None:
    """A new file with this content, synced. FileExistsError where there is one."""
    with _new_file(fs, path, attributes) as descriptor:
        _Sink(fs, descriptor).finish(data)


def replace_whole(fs: WriteFs, path: Path, data: bytes, attributes: FileAttributes) -> None:
    """As `write_whole`, but a file of this name is always whole: it is written next to and renamed."""
    beside = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        fs.unlink(beside)
    write_whole(fs, beside, data, attributes)
    fs.rename(beside, path)
    fs.fsync_dir(path.parent)


def write_pieces(fs: WriteFs, path: Path, pieces: Iterable[bytes], attributes: FileAttributes) -> None:
    """The same with content that comes piece by piece."""
    with _new_file(fs, path, attributes) as descriptor:
        sink = _Sink(fs, descriptor)
        for piece in pieces:
            sink.put(piece)
        sink.finish()


def copy_file(
    fs: WriteFs, source: Path, target: Path, attributes: FileAttributes, advance: Callable[[int], None] = nothing
) -> Content:
    """A private copy of `source` at the new path `target`, synced; by reflink where the filesystem can, with holes
    for blocks of zeros where not. The hash is that of what the copy holds."""
    with _new_file(fs, target, attributes) as descriptor:
        shared = fs.reflink(source, descriptor)
        if not shared:
            with fs.open(source) as stream:
                sink = _Sink(fs, descriptor)
                while block := stream.read(BLOCK):
                    sink.put(block)
                    advance(len(block))
                return sink.finish()
    return content_of(fs, target, advance)


def write_segments(
    fs: WriteFs,
    target: Path,
    segments: Iterable[Segment],
    sources: Callable[[int], BinaryIO],
    attributes: FileAttributes,
    advance: Callable[[int], None] = nothing,
) -> Content:
    """A new file of these segments, synced. `sources` gives the open file for a source number. Raises InputChanged
    where a source ends before a range does."""
    with _new_file(fs, target, attributes) as descriptor:
        sink = _Sink(fs, descriptor)
        for segment in segments:
            match segment:
                case Copy(source=source, start=start, end=end):
                    for block in _range(sources(source), start, end):
                        sink.put(block)
                        advance(len(block))
                case _:
                    sink.put(segment.data)
        return sink.finish()


def _range(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end:
        block = stream.read(min(BLOCK, end - start))
        if not block:
            raise InputChanged("A file became shorter while it was copied.", "Make a new plan and apply that.")
        start += len(block)
        yield block


@contextmanager
def _new_file(fs: WriteFs, path: Path, attributes: FileAttributes) -> Iterator[int]:
    descriptor = fs.create(path)
    try:
        try:
            yield descriptor
            fs.apply_attributes(descriptor, attributes.mode, attributes.uid, attributes.gid, attributes.mtime_ns)
            if attributes.extended is not None:
                # After the permission bits: an access list sets them again.
                fs.set_attributes(descriptor, attributes.extended)
            fs.fsync(descriptor)
        finally:
            fs.close(descriptor)
    except BaseException:
        # No half of a file stays.
        with suppress(OSError):
            fs.unlink(path)
        raise


class _Sink:
    """Gathers small pieces into blocks, hashes them, writes them, and leaves blocks of zeros out."""

    def __init__(self, fs: WriteFs, descriptor: int) -> None:
        self._fs = fs
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._size = 0

    def put(self, data: bytes) -> None:
        if not self._waiting and len(data) >= BLOCK:
            self._write(data)
            return
        self._waiting += data
        if len(self._waiting) >= BLOCK:
            self._flush()

    def finish(self, data: bytes = b"") -> Content:
        self.put(data)
        self._flush()
        # A hole at the end only becomes part of the file like this.
        self._fs.truncate(self._descriptor, self._size)
        return Content(self._digest.hexdigest(), self._size)

    def _flush(self) -> None:
        if self._waiting:
            self._write(bytes(self._waiting))
            self._waiting.clear()

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)
        if len(data) >= 4096 and data == _ZEROS[: len(data)]:
            self._fs.skip(self._descriptor, len(data))
            return
        left = memoryview(data)
        while left:
            left = left[self._fs.write(self._descriptor, left) :]
