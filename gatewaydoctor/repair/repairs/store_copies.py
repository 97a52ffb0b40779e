"""Which files are copies of a store, and what of them counts. A name alone does not tell: 2026.5.22 gives all JSON
files it writes temp files of one kind of name (gateway.md section 2), and several stores may lie in one directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.agents import StoreOrigin
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.files import FileClass, NodeKind, TempFamily
from gatewaydoctor.state.history.names import parse_name
from gatewaydoctor.storage.files.plausibility import Look, look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft
    from gatewaydoctor.storage.files.table import EntryTable


def candidates(draft: Draft, store: StoreDraft) -> Iterator[Path]:
    """Temp files of the store, rotated backups, and, where the agent has no database, what an import set aside."""
    for record in sorted(store.facts.listing.files, key=lambda each: each.name):
        copy = record.cls in (FileClass.STORE_TEMP, FileClass.STORE_BACKUP) and record.node is NodeKind.FILE
        if copy and record.size:
            yield store.path.parent / record.name
    for agent in draft.x.eras.agents:
        if agent.agent_id in store.facts.read.ref.agent_ids and agent.era is not Era.SQLITE:
            yield from (
                each.path
                for each in agent.leftovers
                if each.kind == "import-archive" and ".jsonl." not in each.path.name
            )


def counts(entry: Entry) -> bool:
    """Whether a member of a copy may become an entry of the store."""
    return look(entry) is not Look.NONE


def is_copy(draft: Draft, store: StoreDraft, path: Path, table: EntryTable, primary: EntryTable | None) -> bool:
    """Whether the file is a copy of this store: most of its members look like entries and, where its name does not
    tell whose it is, surely are entries of this store's agents. `primary` is what the store itself holds."""
    if 2 * sum(map(counts, table)) <= len(table):
        return False
    if parse_name(path.name, store.path.name).family is not TempFamily.FS_SAFE:
        return True
    agents = _agents(draft, store, primary)
    own = sum(look(entry) is Look.SURE and entry.agent_id in agents for entry in table)
    return 2 * own > len(table)


def _agents(draft: Draft, store: StoreDraft, primary: EntryTable | None) -> frozenset[str | None]:
    """Whose sessions the store holds. Keys that name no agent (None) are its own where no other store lies next to
    it; of a file named by --store alone its own rows tell."""
    ref = store.facts.read.ref
    if ref.origin is StoreOrigin.OPTION:
        return frozenset(entry.agent_id for entry in primary or ())
    alone = all(each is store or each.path.parent != store.path.parent for each in draft.stores)
    return frozenset((*ref.agent_ids, None) if alone else ref.agent_ids)
