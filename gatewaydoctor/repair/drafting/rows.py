"""The rows of one store while a plan is made: where each comes from, whether it stays, and what changes in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Status, parse_key
from gatewaydoctor.model.gateway.store import Layout
from gatewaydoctor.storage.files.edit import edit
from gatewaydoctor.storage.files.splice import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.entry import Entry, Kind
    from gatewaydoctor.storage.database.sessions import DatabaseSessions
    from gatewaydoctor.storage.entries.table import EntryTable


class Source:
    """A file that rows come from, with the number of its fingerprint. `canonical`: laid out as the gateway does."""

    def __init__(self, number: int, table: EntryTable, *, canonical: bool) -> None:
        self.number = number
        self.table = table
        self.canonical = canonical


class RowsDraft:
    """Rows of one engine or the other. They are known by their position, from 0 on in the order in which they shall
    stand. A row that a later one of the same key hides from the gateway is none of the rows here: it stays and goes
    with that one."""

    def __init__(self, path: Path, agent_id: str) -> None:
        self.path = path
        self.agent_id = agent_id
        self.sources: list[Source] = []
        self._order: Sequence[tuple[int, int]] | None = None
        self._gone = bytearray()
        self._hidden: defaultdict[str, list[int]] = defaultdict(list)
        self._out = bytearray()
        self._edits: dict[int, dict[str, bytes | None]] = {}
        self._added = False
        self.rebuilt = False

    @property
    def opened(self) -> bool:
        return bool(self.sources)

    @property
    def changed(self) -> bool:
        return self.rebuilt or self._added or any(self._gone) or bool(self._edits)

    def rebuild(self, sources: list[Source], order: Sequence[tuple[int, int]]) -> None:
        """Take rows from several files instead: `order` holds (index of the source, row)."""
        self.sources = sources
        self._order = order
        self._gone = bytearray(len(order))
        self._out = bytearray(len(order))
        self.rebuilt = True

    def add(self, source: Source, rows: Sequence[int]) -> None:
        """Rows of another file come after those that are here."""
        own = [(0, row) for row in range(len(self._out))] if self._order is None else self._order
        self._order = [*own, *((len(self.sources), row) for row in rows)]
        self.sources.append(source)
        self._gone.extend(bytes(len(rows)))
        self._out.extend(bytes(len(rows)))
        self._added = True

    def __len__(self) -> int:
        """Rows that stay."""
        return len(self._out) - sum(self._out)

    def _where(self, position: int) -> tuple[Source, int]:
        if self._order is None:
            return self.sources[0], position
        source, row = self._order[position]
        return self.sources[source], row

    def source_of(self, position: int) -> int:
        """Index of the file a row comes from."""
        return 0 if self._order is None else self._order[position][0]

    def span_of(self, position: int) -> tuple[int, int, int]:
        """Fingerprint number, and the bytes of the row's value in that file."""
        source, row = self._where(position)
        entry = source.table[row]
        return source.number, entry.value_start, entry.end

    def entry(self, position: int) -> Entry:
        source, row = self._where(position)
        return source.table[row]

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Rows that stay, with their positions."""
        for position, out in enumerate(self._out):
            if not out:
                yield position, self.entry(position)

    def protected(self, disposable: Container[Kind]) -> Iterator[Entry]:
        """Rows that stay and are pinned or of another kind."""
        for position, out in enumerate(self._out):
            source, row = self._where(position)
            if not out and (source.table.kind(row) not in disposable or source.table.pinned(row)):
                yield source.table[row]

    def kept(self) -> Iterator[Entry]:
        """Rows that stay in the file, hidden ones too."""
        return (self.entry(position) for position, gone in enumerate(self._gone) if not gone)

    def dropped(self, kinds: Container[Kind] | None = None) -> Iterator[Entry]:
        """Rows that leave, of these kinds only. A row of another kind is not made, which is most of the cost."""
        for position in self._dropped():
            source, row = self._where(position)
            if kinds is None or source.table.kind(row) in kinds:
                yield source.table[row]

    def dropped_keys(self) -> Iterator[str]:
        return (source.table.key(row) for source, row in map(self._where, self._dropped()))

    def dropped_count(self) -> int:
        return sum(self._gone)

    def dropped_size(self) -> int:
        """Size of the rows that leave, keys and values."""
        return sum(map(self._size_of, self._dropped()))

    def _dropped(self) -> Iterator[int]:
        return (position for position, gone in enumerate(self._gone) if gone)

    def drop(self, position: int) -> None:
        self._gone[position] = self._out[position] = 1
        for hidden in self._hidden.get(self.entry(position).key, ()) if self._hidden else ():
            self._gone[hidden] = 1

    def edit(self, position: int, field: str, raw: bytes | None) -> None:
        """Set a field of a row to these JSON bytes, or remove it."""
        self._edits.setdefault(position, {})[field] = raw

    def size(self) -> int:
        """Size of the rows that stay, keys and values."""
        return sum(self._size_of(position) for position, out in enumerate(self._out) if not out)

    def _size_of(self, position: int) -> int:
        source, row = self._where(position)
        return source.table.size(row)

    def edited(self) -> Iterator[tuple[str, dict[str, bytes | None]]]:
        """Rows that stay and change: the key, and the fields as `edit` was told of them."""
        for position, fields in sorted(self._edits.items()):
            if not self._out[position]:
                source, row = self._where(position)
                yield source.table.key(row), fields

    def edits_of(self, position: int) -> dict[str, bytes | None]:
        return self._edits.get(position, {})

    def last_sign(self, entry: Entry) -> int | None:
        """When the row last showed a sign of life, epoch ms; None where nothing tells."""
        raise NotImplementedError

    def transcripts_of(self, entry: Entry) -> Iterator[Path]:
        """Files whose age `last_sign` has taken for the row's."""
        raise NotImplementedError

    def is_stuck(self, entry: Entry, now: int, stuck_after: int) -> bool:
        """Whether a running row shows no sign of life. Nothing is planned for a live gateway."""
        sign = self.last_sign(entry)
        return sign is None or now - sign >= stuck_after

    def rows(self, read: Callable[[int, int, int], bytes]) -> Iterator[Row]:
        """Rows that stay, ready to be spliced. `read` gives bytes of a file by fingerprint, start and end."""
        for position, gone in enumerate(self._gone):
            if gone:
                continue
            source, row = self._where(position)
            entry = source.table[row]
            edits = self._edits.get(position)
            edited = edit(read(source.number, entry.value_start, entry.end), edits) if edits else None
            yield Row(source.number, entry.start, entry.value_start, entry.end, edited)

    def counts(self, end_as: Status) -> Counter[tuple[Kind, Status]]:
        """Rows that stay by kind and status, as they will be."""
        found: Counter[tuple[Kind, Status]] = Counter()
        for position, out in enumerate(self._out):
            if out:
                continue
            source, row = self._where(position)
            status = end_as if "status" in self._edits.get(position, ()) else source.table.status(row)
            found[source.table.kind(row), status] += 1
        return found


class StoreDraft(RowsDraft):
    """The rows of a sessions.json. As long as `open` was not called the store is not part of the plan."""

    def __init__(self, facts: StoreFacts) -> None:
        super().__init__(facts.read.ref.path, facts.agent_id)
        self.facts = facts
        self._listed = frozenset(record.name for record in facts.listing.files)

    @property
    def whole(self) -> bool:
        """Whether every row of the store is known, by itself or by salvage."""
        return self.rebuilt or (self.facts.sessions is not None and self.facts.read.whole)

    def open(self, number: int) -> None:
        """Take the rows as the store has them; `number` is its fingerprint."""
        sessions = self.facts.sessions
        assert sessions is not None
        if not self.sources:
            canonical = sessions.reading.layout is Layout.CANONICAL
            self.sources = [Source(number, sessions.table, canonical=canonical)]
            self._gone = bytearray(len(sessions.table))
            self._out = bytearray(len(sessions.table))
            for row in sessions.hidden:
                self._hidden[sessions.table.key(row)].append(row)
                self._out[row] = 1

    def last_sign(self, entry: Entry) -> int | None:
        """Newest of the row's own times and its transcript's mtime (docs/architecture.md section 6)."""
        signs = (entry.last_sign, self.facts.signs.newest(entry))
        return max((sign for sign in signs if sign is not None), default=None)

    def transcripts_of(self, entry: Entry) -> Iterator[Path]:
        """Files next to the store whose age `last_sign` has taken for the row's."""
        return (self.path.parent / name for name in entry.transcript_names if name in self._listed)


class DatabaseDraft(RowsDraft):
    """The session rows of an agent's database. As long as `open` was not called it is not part of the plan.
    `compacted`: it is made again even where no row changes. `saved` are the bytes of fields that leave, `at_most`
    what the new file may have."""

    def __init__(self, facts: DatabaseFacts, sessions: DatabaseSessions) -> None:
        super().__init__(facts.path, facts.agent_id)
        self.facts = facts
        self.sessions = sessions
        self.compacted = False
        self.saved = 0
        self.at_most = 0
        self.brought: list[tuple[int, str]] = []
        """Databases (fingerprint) that hold one session each, which comes from there, with its key."""
        self.remade: dict[str, Status] = {}
        """Rows that are lost and made again, by key."""
        self._written = {sessions.table.key(row): written for row, written in sessions.written.items()}

    def open(self, number: int) -> None:
        """Take the rows as the database has them; `number` is its fingerprint."""
        if not self.sources:
            self.sources = [Source(number, self.sessions.table, canonical=False)]
            self._gone = bytearray(len(self.sessions.table))
            self._out = bytearray(len(self.sessions.table))

    @property
    def number(self) -> int:
        """The database's fingerprint."""
        return self.sources[0].number

    @property
    def changed(self) -> bool:
        return self.compacted or bool(self.brought) or bool(self.remade) or super().changed

    def __len__(self) -> int:
        return super().__len__() + len(self.remade)

    def counts(self, end_as: Status) -> Counter[tuple[Kind, Status]]:
        found = super().counts(end_as)
        found.update((parse_key(key).kind, status) for key, status in self.remade.items())
        return found

    def bring(self, source: Source) -> None:
        """The only session of another database comes from there."""
        self.add(source, [0])
        self.brought.append((source.number, source.table.key(0)))

    def last_sign(self, entry: Entry) -> int | None:
        """Newest of the row's own times and what its window says of the transcript."""
        signs = (entry.last_sign, self._written.get(entry.key))
        return max((sign for sign in signs if sign is not None), default=None)

    def transcripts_of(self, entry: Entry) -> Iterator[Path]:
        """None: transcripts are in the same file."""
        del entry
        return iter(())
