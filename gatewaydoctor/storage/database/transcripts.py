"""The transcript of one session as its database keeps it: events, archived ones included, zstd unpacked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.storage.database.select import integer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.storage.sqlite.pages import Value

LARGEST_EVENT = 64 * 1024 * 1024
"""Bytes that one event or archive may unpack to. The gateway compresses events of a KiB and more; a picture in one
takes some MB."""

LARGEST_WINDOW = 64 * 1024 * 1024
"""Bytes that unpacking may look back on, which is the memory it takes."""

_CHUNK = 1 << 17


class Event(Struct, frozen=True):
    """One event: its JSON as the gateway wrote it, or why it could not be unpacked."""

    seq: int
    json: bytes
    problem: str | None = None


class Transcripts:
    """Reads transcripts of one database, an event at a time. `fault` is set where one ended early."""

    def __init__(self, database: Opened) -> None:
        self._database = database
        self.fault: DatabaseFault | None = None

    def sessions(self) -> Iterator[str]:
        """Ids of all sessions with events, in the order of the index."""
        for (session_id,) in self._rows("SELECT DISTINCT session_id FROM transcript_events"):
            if isinstance(session_id, str):
                yield session_id

    def events(self, session_id: str) -> Iterator[Event]:
        """The events of a session in order. Compressed ones are unpacked; one that cannot be comes with a
        `problem`."""
        columns = self._database.columns("transcript_events")
        packed = "event_zstd" if "event_zstd" in columns else "NULL"
        statement = (
            f"SELECT seq, CAST(event_json AS BLOB), {packed} FROM transcript_events WHERE session_id = ? ORDER BY seq"
        )
        for seq, plain, compressed in self._rows(statement, session_id):
            yield _event(integer(seq) or 0, plain, compressed)

    def archived(self, session_id: str) -> Iterator[bytes]:
        """The lines of a deleted or reaped session's transcript, newest archive first; none without one."""
        if "session_transcript_archives" not in self._database.tables:
            return
        statement = (
            "SELECT archive_blob, encoding FROM session_transcript_archives WHERE session_id = ? "
            "ORDER BY created_at DESC LIMIT 1"
        )
        for blob, encoding in self._rows(statement, session_id):
            content = blob if encoding != "zstd" else unpacked(blob) if isinstance(blob, bytes) else None
            if isinstance(content, bytes):
                yield from (line for line in content.split(b"\n") if line)
            else:
                reason = f"the archive of a session cannot be unpacked: {content}"
                self.fault = DatabaseFault(DatabaseFaultKind.DAMAGED, self._database.path, reason)

    def _rows(self, statement: str, *values: Value) -> Iterator[tuple[Value, ...]]:
        rows = self._database.rows(statement, values)
        yield from rows
        if rows.fault is not None:
            self.fault = rows.fault


def _event(seq: int, plain: Value, compressed: Value) -> Event:
    if isinstance(plain, bytes):
        return Event(seq, plain)
    if not isinstance(compressed, bytes):
        return Event(seq, b"", "it has neither text nor a compressed one")
    content = unpacked(compressed)
    return Event(seq, content) if isinstance(content, bytes) else Event(seq, b"", content)


def unpacking(packed: BinaryIO) -> BinaryIO:
    """What zstd packed in a file, as a stream of its own; closing it closes both. Damage raises OSError while it is
    read. Raises OSError where the package zstandard is not installed."""
    try:
        import zstandard  # rarely needed
    except ImportError:
        packed.close()
        raise OSError("the package zstandard is not installed") from None
    reader = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(packed, closefd=True)
    return io.BufferedReader(_Unpacking(reader, zstandard.ZstdError), _CHUNK)


class _Unpacking(io.RawIOBase):
    """Turns what zstd raises into OSError."""

    def __init__(self, reader: Any, failure: type[Exception]) -> None:
        self._reader = reader
        self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._reader.readinto(buffer))
        except self._failure as error:
            raise OSError(f"it is not valid zstd data: {error}") from error

    def close(self) -> None:
        self._reader.close()
        super().close()


def unpacked(data: bytes) -> bytes | str:
    """What zstd packed, or why it cannot be unpacked. At most LARGEST_EVENT bytes are made of it."""
    try:
        import zstandard  # rarely needed
    except ImportError:
        return "the package zstandard is not installed"
    try:
        stream = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).stream_reader(data)
        content = stream.read(LARGEST_EVENT + 1)
    except zstandard.ZstdError as error:
        return f"it is not valid zstd data: {error}"
    if len(content) > LARGEST_EVENT:
        return f"it unpacks to more than {LARGEST_EVENT >> 20} MiB"
    return content
