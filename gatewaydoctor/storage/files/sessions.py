"""The session rows of a sessions.json, gathered in the single pass that reads it; or one by one."""

from __future__ import annotations

from array import array
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.entries.sessionset import SessionSet
from gatewaydoctor.storage.entries.table import EntryTable
from gatewaydoctor.storage.entries.tally import Tally
from gatewaydoctor.storage.files.reader import StoreReader
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.store import StoreReading
    from gatewaydoctor.storage.files.cut import Cut
    from gatewaydoctor.system.fs import ReadFs


T = TypeVar("T", bound="Hashable")

_PARTS = 32
"""Into which the hashes of keys are parted."""


class FileSessions(SessionSet, frozen=True, kw_only=True):
    """The rows of a sessions.json, in file order. `repeated` are keys that appear more than once, letter for letter;
    `variants` are groups of keys that differ in case only. Both are taken together by the gateway (docs/gateway.md
    sections 4 and 5). `unread` counts rows too large to be looked into: of those nothing but the key is known.
    `hidden` are the rows that a later one of the same key hides, `hidden_bytes` the size of their keys and values."""

    reading: StoreReading
    repeated: tuple[str, ...]
    variants: tuple[tuple[str, ...], ...]
    unscoped: tuple[str, ...]
    deepest: int = 0
    unread: int = 0
    hidden_bytes: int = 0


def _read_again(stream: BinaryIO, entry: Entry) -> decode.Fields | None:
    """The fields of a row, None where it has none or the file changed since."""
    stream.seek(entry.value_start)
    try:
        return decode.fields(memoryview(stream.read(entry.end - entry.value_start)), entry.value_start)
    except Illegal:
        return None


def entries(reader: StoreReader, main_key: str) -> Iterator[tuple[Entry, decode.Fields | None]]:
    """Each row as a value next to its raw fields, which are valid until the next one is asked for."""
    for cut in reader:
        yield as_entry(cut, main_key), cut.fields


def as_entry(cut: Cut, main_key: str) -> Entry:
    """One cut as a row."""
    return decode.entry(decode.text(cut.key), cut.start, cut.value_start, cut.end, cut.fields, main_key, cut.value)


def read_sessions_file(
    stream: BinaryIO,
    size: int,
    main_key: str,
    on_entry: Callable[[Entry, tuple[str, ...]], None] | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    hashed: bool = True,
) -> FileSessions:
    """Read the store to its end. `on_entry` gets each row with the transcript paths of its compaction checkpoints.
    OSError passes through."""
    reader = StoreReader(stream, size, progress, hashed=hashed)
    table, tally = EntryTable(), Tally()
    hashes = [array("q") for _ in range(_PARTS)]
    unscoped: list[str] = []
    deepest = unread = 0
    for cut in reader:
        unread += cut.unread
        fields = cut.fields
        entry = as_entry(cut, main_key)
        if isinstance(fields, decode.Unusual):
            deepest = max(deepest, decode.depth(cut.value))
        tally.take(len(table), entry, fields)
        table.add(entry)
        folded = entry.key.lower()
        hashed_key = hash(folded)
        hashes[hashed_key % _PARTS].append(hashed_key)
        if not folded.startswith("agent:"):
            unscoped.append(entry.key)
        if on_entry is not None:
            on_entry(entry, decode.checkpoint_files(fields) if fields and "compactionCheckpoints" in fields else ())
    repeated, variants = _same_keys(table, hashes)
    hidden = tuple(_hidden(table.all_keys(), frozenset(repeated))) if repeated else ()
    hidden_bytes = tally.leave_out(table, hidden, partial(_read_again, stream)) if hidden else 0
    return FileSessions(
        reading=reader.reading,
        table=table,
        counts=tally.counts,
        weights=tally.weights,
        field_bytes=tally.field_bytes,
        field_counts=tally.field_counts,
        invalid=tally.invalid,
        biggest=tally.largest(),
        hidden=hidden,
        repeated=repeated,
        variants=variants,
        unscoped=tuple(unscoped),
        deepest=deepest,
        unread=unread,
        hidden_bytes=hidden_bytes,
    )


def _same_keys(
    table: EntryTable, hashes: Iterable[array[int]]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """`hashes` are those of the keys in lower case, in parts: a set of all would take much memory."""
    doubled: set[int] = set()
    for part in hashes:
        if len(set(part)) < len(part):
            doubled.update(a for a, b in pairwise(sorted(part)) if a == b)
    if not doubled:
        return (), ()
    groups: dict[str, Counter[str]] = {}
    for key in table.all_keys():
        lowered = key.lower()
        if hash(lowered) in doubled:
            groups.setdefault(lowered, Counter())[key] += 1
    repeated = tuple(key for group in groups.values() for key, count in group.items() if count > 1)
    variants = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    return repeated, variants


def hidden_rows(reader: StoreReader) -> tuple[int, ...]:
    """Places of the rows that a later one of the same key hides, of a file that is read for nothing else."""
    keys = [hash(decode.text(cut.key)) for cut in reader]
    ordered = sorted(keys)
    repeated = frozenset(a for a, b in pairwise(ordered) if a == b)
    return tuple(_hidden(keys, repeated)) if repeated else ()


def _hidden(keys: Iterable[T], repeated: frozenset[T]) -> Iterator[int]:
    """Of rows with one key all but the last, which is the one that JSON.parse keeps."""
    last: dict[T, int] = {}
    for row, key in enumerate(keys):
        if key in repeated:
            if key in last:
                yield last[key]
            last[key] = row


class FileStore:
    """The rows the gateway sees, in file order. `opened` and `problem` are known once they were asked for."""

    def __init__(self, fs: ReadFs, path: Path, main_key: str) -> None:
        self.path = path
        self.opened = False
        self.problem: str | None = None
        self._fs = fs
        self._main_key = main_key

    def entries(self) -> Iterator[Entry]:
        try:
            with self._fs.open(self.path) as stream:
                self.opened = True
                size = self._fs.stat(self.path).size
                hidden = frozenset(hidden_rows(StoreReader(stream, size)))
                stream.seek(0)
                reader = StoreReader(stream, size)
                rows = enumerate(entries(reader, self._main_key))
                yield from (entry for row, (entry, _) in rows if row not in hidden)
                fault = reader.reading.fault
        except OSError as error:
            self.problem = f"could not be read: {error.strerror or type(error).__name__}"
            return
        if fault is not None:
            self.problem = f"{fault.sentence}; only the sessions before the damage are listed"
