"""leftover: of a sessions.json beside a database only what that lacks stays, or the file goes to the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.health import Leftover
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def plan(draft: Draft, *, named: bool) -> None:
    """An import replaces the database's row by the file's, however old that is: no such key may stay in the file."""
    for leftover in draft.x.health.leftovers:
        store = next((each for each in draft.stores if each.path == leftover.path), None)
        if store is None:
            continue
        if not (leftover.compared and store.opened):
            if named:
                why = "Its rows, or those of the database, are not all known."
                draft.refuse(Repair.LEFTOVER, store.path, OutOfReach(why, "gatewaydoctor scan says what is damaged."))
            continue
        _lighten(draft, store, leftover)


def _lighten(draft: Draft, store: StoreDraft, leftover: Leftover) -> None:
    wanted = set(leftover.missing) | {each.key for each in leftover.replaced if not each.older}
    refused = set(leftover.null_entries) | set(leftover.unsafe_ids)
    staying = [entry for _, entry in store.entries() if entry.key in wanted and entry.key not in refused]
    leaving = [(place, entry) for place, entry in store.entries() if entry not in staying]
    if not leaving:
        return
    entries = [entry for _, entry in leaving]
    about = of_people(entry for entry in entries if entry.key in refused) | {"agent_id": store.agent_id}
    names = [entry.key for entry in entries]
    if not staying:
        size = draft.move(store.path)
        if size is not None:
            reason = "an import source whose every row the database has, or a start refuses"
            draft.step(Repair.LEFTOVER, "move to the vault", store.path, reason, names, size, **about)
        return
    for place, _ in leaving:
        store.drop(place)
    reason = "rows that the database has newer or the same, or a start refuses"
    size = sum(entry.bytes for entry in entries)
    draft.step(Repair.LEFTOVER, "remove", store.path, reason, names, size, **about)
