"""SQLite files read by hand: opening one, even read-only, could create or change its -wal and -shm
(database.md section 1).

The layouts are those of sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.model.gateway.era import Database, DatabaseRole, SqliteHeader

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

HEADER_BYTES = 100
MAGIC = b"SQLite format 3\0"
_WAL_MAGICS = (0x377F0682, 0x377F0683)
_WAL_HEADER = struct.Struct(">8I")
_FRAME_HEADER = struct.Struct(">6I")
MAX_FRAMES = 20_000
"""Frames of a -wal that are examined: the 64 MiB the gateway lets it keep, and some more."""


def read_database(fs: ReadFs, path: Path, role: DatabaseRole) -> Database | None:
    """A database and its siblings; None where there is no such file. Never raises for what the file holds; one that
    may not be read comes with a `problem`."""
    try:
        stat = fs.stat(path)
    except OSError:
        return None
    wal_size, shm_size, journal_size = (_size(fs, path, suffix) for suffix in ("-wal", "-shm", "-journal"))
    header, problem = None, None
    try:
        header, problem = parse_header(fs.head_and_tail(path, HEADER_BYTES, 0)[0])
    except OSError as error:
        problem = f"no permission to read it: {error.strerror or error}"
    version = header.user_version if header else None
    if wal_size:
        version = _version_in_wal(fs, path.with_name(f"{path.name}-wal"), version)
    sizes = (stat.size, stat.mtime, wal_size, shm_size, journal_size)
    return Database(role, path, *sizes, header, version, problem, (stat.dev, stat.ino))


def parse_header(data: bytes) -> tuple[SqliteHeader | None, str | None]:
    """The header in the first 100 bytes, or why there is none."""
    if not data:
        return None, "it is empty"
    if len(data) < HEADER_BYTES:
        return None, "it is shorter than a database header"
    if not data.startswith(MAGIC):
        return None, "its first page is zeroed" if not any(data) else "it does not start as a database does"
    page_size = int.from_bytes(data[16:18])
    page_size = 65536 if page_size == 1 else page_size
    if page_size < 512 or page_size & (page_size - 1):
        return None, "its header names an impossible page size"
    return SqliteHeader(
        page_size,
        user_version=_integer(data, 60),
        application_id=_integer(data, 68),
        wal=data[18] == 2 and data[19] == 2,
        pages=_integer(data, 28),
        write_version=data[18],
    ), None


def _integer(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4])


def _version_in_wal(fs: ReadFs, wal: Path, version: int | None) -> int | None:
    """The schema version of the last committed first page in a -wal, else `version`.

    Frames are followed by their salts, not by their checksums: a torn last commit is taken for a whole one.
    """
    try:
        with fs.open(wal) as stream:
            page = _last_first_page(stream)
    except OSError:
        return version
    header, _ = parse_header(page)
    return header.user_version if header else version


def _last_first_page(stream: BinaryIO) -> bytes:
    head = stream.read(_WAL_HEADER.size)
    if len(head) < _WAL_HEADER.size:
        return b""
    magic, _, page_size, _, salt1, salt2, _, _ = _WAL_HEADER.unpack(head)
    if magic not in _WAL_MAGICS or not 512 <= page_size <= 65536:
        return b""
    committed = pending = b""
    for index in range(MAX_FRAMES):
        stream.seek(_WAL_HEADER.size + index * (_FRAME_HEADER.size + page_size))
        frame = stream.read(_FRAME_HEADER.size + HEADER_BYTES)
        if len(frame) < _FRAME_HEADER.size + HEADER_BYTES:
            break
        number, size_after_commit, frame_salt1, frame_salt2, _, _ = _FRAME_HEADER.unpack_from(frame)
        if (frame_salt1, frame_salt2) != (salt1, salt2):
            break  # left over from before the last checkpoint
        if number == 1:
            pending = frame[_FRAME_HEADER.size :]
        if size_after_commit:
            committed = pending
    return committed


def _size(fs: ReadFs, path: Path, suffix: str) -> int | None:
    try:
        return fs.stat(path.with_name(path.name + suffix)).size
    except OSError:
        return None
