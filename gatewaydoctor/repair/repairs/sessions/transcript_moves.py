"""Transcripts of rows that leave a store go to the vault, unless something that stays still reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, SIDECARS, FileRecord, NodeKind
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.state.history.names import parse_name, topic_owners
from gatewaydoctor.state.history.references import References, basename
from gatewaydoctor.storage.files.sessions import read_sessions_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def move_transcripts(draft: Draft, store: StoreDraft) -> None:
    """Never to a `.deleted.` name: the gateway's reaper deletes those after a day (docs/gateway.md section 5)."""
    moved = [
        (record.name, size)
        for record in transcripts_left(draft, store, store.dropped())
        if (size := draft.move(store.path.parent / record.name)) is not None
    ]
    if moved:
        draft.step(
            Repair.TRIM,
            TO_VAULT,
            store.path.parent,
            "transcripts of the removed rows",
            [name for name, _ in moved],
            sum(size for _, size in moved),
            agent_id=store.facts.agent_id,
        )


def transcripts_left(draft: Draft, store: StoreDraft, leaving: Iterable[Entry]) -> list[FileRecord]:
    """Transcripts and their sidecars that only these rows reach, which leave the store."""
    files = transcripts_named(store, leaving)
    if not files:
        return []
    found: list[FileRecord] = []
    if draft.x.complete:
        kept = _kept_references(draft)
        found = [each for each in files if not kept.reaches(each.name) and not kept.owns(each.name)]
    else:
        draft.caution(
            "The transcripts of the removed rows stay: not every store of this directory was "
            "read completely, and another one may point to them."
        )
    gone = {record.name for record in found}
    draft.depends_on(*(store.path.parent / record.name for record in files if record.name not in gone))
    return found


def transcripts_named(store: StoreDraft, rows: Iterable[Entry]) -> list[FileRecord]:
    """Transcripts and their sidecars next to the store that these rows name, whoever else does."""
    ids, names = _named_by(rows)
    return [
        record
        for record in store.facts.listing.files
        if record.cls in PRIMARY | SIDECARS and record.node is NodeKind.FILE and _is_of(record, ids, names)
    ]


def _named_by(rows: Iterable[Entry]) -> tuple[set[str], set[str]]:
    ids: set[str] = set()
    names: set[str] = set()
    for entry in rows:
        if entry.session_id:
            ids.add(entry.session_id)
        if entry.session_file:
            names.add(basename(entry.session_file))
    return ids, names


def _is_of(record: FileRecord, ids: set[str], names: set[str]) -> bool:
    if record.name in names:
        return True
    return parse_name(record.name).session_id in ids or any(owner in ids for owner in topic_owners(record.name))


def _kept_references(draft: Draft) -> References:
    """What the rows that stay reach, in all stores."""
    references = References()
    for store in draft.stores:
        for entry in store.kept() if store.opened else ():
            references.add(store.facts.agent_id, entry.session_id, entry.session_file)
        _add_checkpoints(draft, store, references)
    return references


def _add_checkpoints(draft: Draft, store: StoreDraft, references: References) -> None:
    """Rows keep the names of their checkpoints in a field that the table does not hold: read the store again, which
    is only necessary where some row has it."""
    found = store.facts.sessions
    if found is None or not (found.field_counts["compactionCheckpoints"] or not store.opened):
        return
    dropped = {entry.start for entry in store.dropped()} if store.opened and not store.rebuilt else set()

    def refer(entry: Entry, checkpoints: tuple[str, ...]) -> None:
        if entry.start not in dropped:
            references.add(store.facts.agent_id, entry.session_id, entry.session_file, checkpoints)

    with draft.fs.open(store.path) as stream:
        read_sessions_file(stream, found.reading.bytes, draft.x.config.main_key.value, refer)
