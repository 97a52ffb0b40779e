"""What a sessions.json and its directory tell once the rest of the tree is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.sessions.activity import ListedTimes, TranscriptSigns
from gatewaydoctor.examine.sessions.copies import StoreCopy, conversations_in_copies
from gatewaydoctor.examine.sessions.eviction import EvictionCollector
from gatewaydoctor.examine.sessions.files import PointerCollector, TranscriptFacts, transcript_facts
from gatewaydoctor.examine.sessions.rowfaults import RowFaultCollector
from gatewaydoctor.examine.sessions.stores import RowFacts, StoreFacts, StoreRead, row_facts
from gatewaydoctor.model.gateway.soundness import Sound
from gatewaydoctor.state.history.files import seen_by, totals
from gatewaydoctor.state.history.pointers import tree_pointers
from gatewaydoctor.state.history.usage import usage_load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gatewaydoctor.examine.world import Depth, Progress
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.cron import Cron
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.model.gateway.files import Listing
    from gatewaydoctor.model.gateway.transcript import PathMap
    from gatewaydoctor.state.history.references import References
    from gatewaydoctor.storage.entries.sessionset import SessionSet
    from gatewaydoctor.system.fs import ReadFs


class Tree(Struct, frozen=True, kw_only=True):
    """What every store is seen against. `known`: the rows of all stores are, so that a transcript no row refers to is
    unindexed. `is_known` tells whether any store has a key. `live`: the gateway is running."""

    config: Config
    eras: Eras
    cron: Cron
    references: References
    stores: tuple[Path, ...]
    listings: Mapping[Path, Listing]
    times: ListedTimes
    maps: tuple[PathMap, ...]
    known: bool
    is_known: Callable[[str], bool]
    live: bool


def store_facts(fs: ReadFs, read: StoreRead, tree: Tree, depth: Depth, now: int, progress: Progress) -> StoreFacts:
    """One store as part of its tree. `now` is in epoch ms. Nothing is raised: what cannot be read is in the facts."""
    directory = read.ref.sessions_dir
    listing = seen_by(tree.listings[directory], read.ref.path.name)
    behaviour = tree.config.release.behaviour
    progress.phase("checking transcripts", None)
    transcripts = transcript_facts(
        fs,
        directory,
        listing,
        tree.references,
        read_orphans_up_to=depth.read_orphans_up_to,
        referenced_known=tree.known,
        maintenance=tree.config.maintenance if behaviour.deletes_archives else None,
        progress=progress.advance,
    )
    pointers = tree_pointers(fs, tree.listings.values(), directory, tree.maps)
    signs = TranscriptSigns(fs, tree.times, pointers)
    era, sessions = tree.eras.of(read.ref.agent_id), read.sessions
    collector = PointerCollector(pointers, now, transcripts.loose, in_database=era.sessions_in_database)
    oldest, newest = sessions.table.updated_span(frozenset(sessions.hidden)) if sessions else (None, None)
    return StoreFacts(
        facts=_rows(sessions, signs, collector, tree, depth, now) if sessions else None,
        oldest_updated=oldest,
        newest_updated=newest,
        read=read,
        era=era,
        listing=listing,
        classes=totals(listing.files),
        transcripts=transcripts,
        usage=usage_load(fs, directory, listing.files, behaviour.usage_classes),
        signs=signs,
        copies=_copies(fs, read, listing, transcripts, tree) if depth.copies else (),
    )


def _copies(
    fs: ReadFs, read: StoreRead, listing: Listing, transcripts: TranscriptFacts, tree: Tree
) -> tuple[StoreCopy, ...]:
    """Of a sound store with rows in it; what an empty or a damaged one has lost is told otherwise."""
    sessions = read.sessions
    if sessions is None or not sessions.entries or not isinstance(read.soundness, Sound):
        return ()
    if not tree.known or tree.eras.of(read.ref.agent_id).sessions_in_database:
        return ()
    alone = sum(store.parent == read.ref.path.parent for store in tree.stores) == 1
    return conversations_in_copies(
        fs, read.ref, listing, sessions, transcripts.orphans, tree.is_known, tree.config.main_key.value, alone=alone
    )


def _rows(
    sessions: SessionSet, signs: TranscriptSigns, pointers: PointerCollector, tree: Tree, depth: Depth, now: int
) -> RowFacts:
    config = tree.config
    over_cap = sessions.entries > config.maintenance.max_entries.value
    return row_facts(
        sessions,
        signs,
        pointers,
        tree.cron,
        RowFaultCollector(config.release, config.maintenance, now),
        EvictionCollector(config.maintenance, config.release.behaviour, now) if over_cap else None,
        now=now,
        stuck_after=depth.stuck_after,
        gateway_live=tree.live,
    )
