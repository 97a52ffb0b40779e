"""Files next to a store that are copies of it, and the conversations that only they know.

Which files are copies, a name alone does not tell: 2026.5.22 gives all JSON files it writes temp files of one kind of
name (docs/gateway.md section 2), and several stores may lie in one directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.files import FileClass, NodeKind, TempFamily
from gatewaydoctor.model.gateway.place import StoreOrigin
from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.state.history.names import parse_name
from gatewaydoctor.state.history.references import basename
from gatewaydoctor.storage.files.evidence import Look, look
from gatewaydoctor.storage.files.sessions import read_sessions_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.sessions.files import Orphan
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.files import FileRecord, Listing
    from gatewaydoctor.model.gateway.place import StoreRef
    from gatewaydoctor.storage.entries.sessionset import SessionSet
    from gatewaydoctor.storage.entries.table import EntryTable
    from gatewaydoctor.system.fs import ReadFs


class LostRow(Struct, frozen=True):
    """A conversation of a copy: its key, and the name of its transcript next to the store, None where a database has
    both."""

    key: str
    transcript: str | None = None


class StoreCopy(Struct, frozen=True):
    """A temp file, a rotated backup or a renamed database of a store. `rows` are its conversations, one for each key,
    that no store has any more; those of a file have a transcript that no index names. `gap` is why it may have more,
    None where all of it was read."""

    path: Path
    rows: tuple[LostRow, ...]
    gap: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)


_LOST = frozenset({ContentClass.HUMAN, None})
"""What an unindexed transcript may be that a person would miss; None is one that was not read."""


def conversations_in_copies(
    fs: ReadFs,
    ref: StoreRef,
    listing: Listing,
    sessions: SessionSet,
    orphans: tuple[Orphan, ...],
    is_known: Callable[[str], bool],
    main_key: str,
    *,
    alone: bool,
) -> tuple[StoreCopy, ...]:
    """The copies of a store that know more conversations than it. Copies may be as large as the store was: they are
    read only where more unindexed transcripts may hold conversations than the store has of them. Copies that cannot
    be read are among them, with the reason. `alone`: no other store is in the directory."""
    unindexed = {orphan.record.name for orphan in orphans if orphan.content in _LOST}
    talks = sum(count for (kind, _), count in sessions.counts.items() if kind not in MACHINE_KINDS)
    if len(unindexed) <= talks:
        return ()
    found = []
    for record in listing.files:
        if not is_store_copy(record):
            continue
        path = listing.directory / record.name
        try:
            with fs.open(path) as stream:
                read = read_sessions_file(stream, record.size, main_key, hashed=False)
        except OSError as error:
            found.append(StoreCopy(path, (), error.strerror or type(error).__name__))
            continue
        fault = read.reading.fault
        gap = fault.sentence if fault else None
        if is_copy(ref, path, read.table, sessions.table, alone=alone):
            rows = {row.key: row for row in _lost(read.table, unindexed, is_known)}
            if rows or gap:
                found.append(StoreCopy(path, tuple(rows.values()), gap))
        elif gap and not read.entries:
            found.append(StoreCopy(path, (), gap))
    return tuple(found)


def _lost(table: EntryTable, unindexed: set[str], is_known: Callable[[str], bool]) -> Iterator[LostRow]:
    for entry in (table[row] for row in range(len(table))):
        if entry.kind in MACHINE_KINDS or look(entry) is not Look.SURE or is_known(entry.key):
            continue
        name = basename(entry.session_file) if entry.session_file else f"{entry.session_id}.jsonl"
        if name in unindexed:
            yield LostRow(entry.key, name)


def is_store_copy(record: FileRecord) -> bool:
    """Whether the file may be a copy of the store that it lies next to, as its name tells: one of the gateway's temp
    files, or a rotated backup."""
    return (
        record.cls in (FileClass.STORE_TEMP, FileClass.STORE_BACKUP)
        and record.node is NodeKind.FILE
        and record.size > 0
    )


def may_be_entry(entry: Entry) -> bool:
    """Whether a member of a copy may become an entry of the store."""
    return look(entry) is not Look.NONE


def is_copy(ref: StoreRef, path: Path, table: EntryTable, own: EntryTable | None, *, alone: bool) -> bool:
    """Whether the file is a copy of this store: most of its members look like entries and, where its name does not
    tell whose it is, surely are entries of this store's agents. `own` is what the store itself holds."""
    if 2 * sum(map(may_be_entry, table)) <= len(table):
        return False
    if parse_name(path.name, ref.path.name).family is not TempFamily.FS_SAFE:
        return True
    agents = _agents(ref, own, alone=alone)
    surely = sum(look(entry) is Look.SURE and entry.agent_id in agents for entry in table)
    return 2 * surely > len(table)


def _agents(ref: StoreRef, own: EntryTable | None, *, alone: bool) -> frozenset[str | None]:
    """Whose sessions the store holds. Keys that name no agent (None) are its own where no other store lies next to
    it; of a file named by --store alone its own rows tell."""
    if ref.origin is StoreOrigin.OPTION:
        return frozenset(entry.agent_id for entry in own or ())
    return frozenset((*ref.agent_ids, None) if alone else ref.agent_ids)
