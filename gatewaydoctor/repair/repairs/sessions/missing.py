"""missing: rows whose transcript is elsewhere in the directory are pointed there, rows of threads
without a session too; rows without one are listed, and dropped only where they are named."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.transcript import PointerKind, Presence
from gatewaydoctor.model.repair.plan import REMOVE
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.sessions.childkeys import NeededChildren, may_go
from gatewaydoctor.state.history.pointers import tree_pointers
from gatewaydoctor.state.history.references import LooseThreads, basename, is_transcript_of

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.transcript import Resolution
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft
    from gatewaydoctor.state.history.pointers import Pointers
    from gatewaydoctor.state.history.references import Match


def plan(draft: Draft, *, named: bool) -> None:
    for store in draft.stores:
        pressing = named or store.rebuilt or draft.found("session-missing-transcript", store=store.facts)
        # In the sqlite era files are not where sessions live.
        if store.opened and pressing and not store.facts.era.sessions_in_database:
            _missing(draft, store, named=named)


def pointers_of(draft: Draft, store: StoreDraft) -> Pointers:
    listings = [each.facts.listing for each in draft.stores]
    return tree_pointers(draft.fs, listings, store.path.parent, draft.options.path_maps)


def _missing(draft: Draft, store: StoreDraft, *, named: bool) -> None:
    pointers = pointers_of(draft, store)
    needed = NeededChildren(draft)
    claims = Counter(_claim(entry) for _, entry in store.entries())
    pointed: list[Entry] = []
    threads: LooseThreads[int] = LooseThreads(store.facts.transcripts.loose)
    dropped: list[Entry] = []
    left: list[Entry] = []
    for position, entry in store.entries():
        if not entry.valid:
            continue
        threads.take(entry, position)
        resolution = pointers.resolve(entry, draft.x.now)
        if target := _elsewhere(entry, resolution, claims):
            # A name alone is right in every place the tree is seen from: the gateway takes it from its directory.
            store.edit(position, "sessionFile", json.dumps(target).encode())
            draft.depends_on(store.path.parent / target)
            pointed.append(entry)
        elif resolution.missing and entry.key in draft.options.names and may_go(draft, entry, needed):
            store.drop(position)
            dropped.append(entry)
        elif resolution.missing:
            left.append(entry)
    _say(draft, store, "point to the file that is there", "sessions whose sessionFile does not exist", pointed)
    linked = [_link(draft, store, position, match) for position, match in threads.matches()]
    _say(draft, store, "point to the transcript of their thread", "they have no sessionId", linked)
    _say(draft, store, REMOVE, "sessions you named, without a transcript", dropped)
    if named and left:
        people = sum(entry.kind not in MACHINE_KINDS for entry in left)
        draft.caution(
            f"{plural(len(left), 'row without a transcript stays', 'rows without a transcript stay')}, "
            f"including {plural(people, 'conversation')}. To remove any of them, pass --name KEY.",
            [entry.key for entry in left],
        )


def _link(draft: Draft, store: StoreDraft, position: int, match: Match) -> Entry:
    store.edit(position, "sessionId", json.dumps(match.session_id).encode())
    store.edit(position, "sessionFile", json.dumps(match.name).encode())
    draft.depends_on(store.path.parent / match.name)
    return store.entry(position)


def _claim(entry: Entry) -> str:
    """The name a row means by itself."""
    return basename(entry.session_file) if entry.session_file else f"{entry.session_id}.jsonl"


def _elsewhere(entry: Entry, resolution: Resolution, claims: Counter[str]) -> str | None:
    """The transcript's name, where it is surely this row's: of its own session, and claimed by no other row."""
    found = resolution.found
    if resolution.presence is not Presence.ELSEWHERE or resolution.pointer is PointerKind.FOREIGN or found is None:
        return None
    named = (f"{entry.session_id}.jsonl", basename(entry.session_file or ""))
    own = PurePosixPath(found).name in named or is_transcript_of(found, entry.session_id, entry.key)
    others = claims[found] - (found == _claim(entry))
    return found if own and not others else None


def _say(draft: Draft, store: StoreDraft, action: str, reason: str, entries: list[Entry]) -> None:
    if entries:
        draft.step(
            Repair.MISSING,
            action,
            store.path,
            reason,
            [entry.key for entry in entries],
            sum(entry.bytes for entry in entries) if action == REMOVE else 0,
            agent_id=store.facts.agent_id,
            **of_people(entries),
        )
