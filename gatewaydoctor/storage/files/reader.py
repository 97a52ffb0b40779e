"""Read one sessions.json once: entries as they pass, hash and verdict at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.model.gateway.store import (
    UNREADABLE_FROM_BYTES,
    JsonFault,
    JsonFaultKind,
    Layout,
    Readable,
    StoreReading,
)
from gatewaydoctor.storage.files.cut import Cut, Rest, cuts
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

CHUNK = 128 * 1024
"""Bytes read at a time. Larger pieces are not faster, and several of them wait to be hashed."""
_BOM = b"\xef\xbb\xbf"
_SPACES = b" \t\n\r"
_THREAD_FROM = 8 * 1024 * 1024


class StoreReader:
    """Iterate once over the entries; then `reading` holds what the file is. The stream is read to its end whatever is
    wrong with it, so size and hash are always those of the whole file. OSError passes through.

    `progress` is called with the number of bytes of each chunk read. `size` is what the file is expected to hold.
    Hashing takes a sixth of the time, so it is left out unless `hashed`.
    """

    def __init__(
        self, stream: BinaryIO, size: int, progress: Callable[[int], None] | None = None, *, hashed: bool = True
    ) -> None:
        self._stream = stream
        self._progress = progress
        self._hasher = _Hasher(threaded=size >= _THREAD_FROM) if hashed else None
        self._bytes = 0
        self._reading: StoreReading | None = None

    @property
    def reading(self) -> StoreReading:
        if self._reading is None:
            raise RuntimeError("the store was not read completely")
        return self._reading

    def __iter__(self) -> Iterator[Cut]:
        entries, last_end, canonical = 0, 0, True
        fault: JsonFault | None = None
        chunks = self._chunks()
        try:
            for cut in cuts(self._opened(chunks), chunks):
                entries += 1
                last_end = cut.end
                canonical = canonical and cut.own_line
                yield cut
        except Illegal as illegal:
            fault = illegal.fault
        for _ in chunks:
            pass
        broken = fault is not None or self._bytes >= UNREADABLE_FROM_BYTES
        self._reading = StoreReading(
            Readable.GATEWAY_EMPTY if broken else Readable.YES,
            Layout.CANONICAL if canonical and entries else Layout.OTHER,
            self._bytes,
            self._hasher.hexdigest() if self._hasher else None,
            entries,
            fault,
            last_end,
        )

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._stream.read(CHUNK):
            self._bytes += len(chunk)
            if self._hasher:
                self._hasher.update(chunk)
            if self._progress:
                self._progress(len(chunk))
            yield chunk

    def _opened(self, chunks: Iterator[bytes]) -> Rest:
        """The document from its opening brace on. Raises Illegal where it does not start with one."""
        offset = 0
        for chunk in chunks:
            body = chunk.lstrip(_SPACES)
            if body:
                offset += len(chunk) - len(body)
                _check_opening(body, offset)
                return Rest(body, offset, True)
            offset += len(chunk)
        detail = "the file is empty: no JSON" if offset == 0 else "the file holds only white space, ending"
        raise Illegal(JsonFault(JsonFaultKind.EMPTY, offset, detail))


def _check_opening(body: bytes, offset: int) -> None:
    if body[:1] == b"{":
        return
    if offset == 0 and body.startswith(_BOM):
        raise Illegal(JsonFault(JsonFaultKind.BOM, 0, "byte order mark before the JSON"))
    word = _top_level_word(body)
    if word is not None:
        raise Illegal(JsonFault(JsonFaultKind.NOT_OBJECT, offset, f"the top level is {word}, not an object,"))
    automaton = Automaton(start=offset)
    automaton.feed(body)
    automaton.finish()


def _top_level_word(body: bytes) -> str | None:
    """What the document is instead of an object, where its first bytes are sound JSON."""
    if body[:1] == b"[":
        return "an array"
    try:
        automaton = Automaton()
        automaton.feed(body)
        automaton.finish()
    except Illegal:
        return None
    if body[:1] == b'"':
        return "a string"
    literals = {b"null": "null", b"true": "true", b"false": "false"}
    return literals.get(body.rstrip(_SPACES), "a number")


class _Hasher:
    """sha256 of what passes, on a thread of its own where that pays: hashing lets go of the interpreter lock."""

    def __init__(self, *, threaded: bool) -> None:
        import hashlib

        self._hash = hashlib.sha256()
        self._queue: SimpleQueue[bytes | None] | None = None
        if threaded:
            import threading
            from queue import SimpleQueue

            self._queue = SimpleQueue()
            self._room = threading.Semaphore(4)
            self._thread = threading.Thread(target=self._work, args=(self._queue,), daemon=True)
            self._thread.start()

    def _work(self, waiting: SimpleQueue[bytes | None]) -> None:
        while (chunk := waiting.get()) is not None:
            self._hash.update(chunk)
            self._room.release()

    def update(self, chunk: bytes) -> None:
        if self._queue is None:
            self._hash.update(chunk)
            return
        self._room.acquire()
        self._queue.put(chunk)

    def hexdigest(self) -> str:
        if self._queue is not None:
            self._queue.put(None)
            self._thread.join()
            self._queue = None
        return self._hash.hexdigest()
