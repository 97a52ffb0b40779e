"""orphans: transcripts no index points to, of machines or without any message, go to the vault. People's words only
where the file is named. Never by default: unreachable is not broken."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.model.units import HOUR_MS
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.state.history.content import content_class

if TYPE_CHECKING:
    from gatewaydoctor.examine.sessions.files import Orphan
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft

FRESH_MS = HOUR_MS
"""A younger file may belong to a row that is still to be written."""

_REASONS = {
    ContentClass.HEADER_ONLY: "unindexed transcripts without a message",
    ContentClass.MACHINE: "unindexed transcripts without a conversation",
}


def plan(draft: Draft, *, named: bool) -> None:
    if not named:
        return
    done = set()
    for store in draft.stores:
        directory = store.path.parent
        if directory in done:
            continue
        done.add(directory)
        if why := _not_here(store):
            draft.caution(why)
        else:
            _orphans(draft, store)


def _not_here(store: StoreDraft) -> str | None:
    if store.facts.era.sessions_in_database:
        return "Transcripts of an agent whose sessions are in a database are not examined."
    if not store.facts.transcripts.referenced_known:
        return "A store could not be read completely, so no transcript counts as unindexed. Repair the store first."
    return None


def _orphans(draft: Draft, store: StoreDraft) -> None:
    directory = store.path.parent
    groups: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    touched: Counter[str] = Counter()
    people = fresh = 0
    for orphan in store.facts.transcripts.orphans:
        content = _content(draft, store, orphan)
        reason = _REASONS.get(content)
        if orphan.record.name in draft.options.names:
            reason = "named one by one"
        elif draft.x.now - orphan.record.mtime < FRESH_MS:
            fresh += reason is not None
            reason = None
        people += reason is None and content is ContentClass.HUMAN
        if reason and (size := draft.move(directory / orphan.record.name)) is not None:
            groups[reason].append((orphan.record.name, size))
            touched[reason] += content is ContentClass.HUMAN
    for reason, moved in groups.items():
        draft.step(
            Repair.ORPHANS,
            TO_VAULT,
            directory,
            reason,
            [name for name, _ in moved],
            sum(size for _, size in moved),
            agent_id=store.facts.agent_id,
            conversations=touched[reason],
        )
    if fresh:
        stay = plural(fresh, "unindexed transcript stays", "unindexed transcripts stay")
        draft.caution(f"{stay}: younger than {duration(FRESH_MS)}, and a row may still be written for it.")
    if people:
        stay = plural(people, "unindexed transcript", "unindexed transcripts")
        draft.caution(f"{stay} with conversations {'stays where it is' if people == 1 else 'stay where they are'}.")


def _content(draft: Draft, store: StoreDraft, orphan: Orphan) -> ContentClass:
    if orphan.content is not None:
        return orphan.content
    return content_class(draft.fs, store.path.parent / orphan.record.name) or ContentClass.HUMAN
