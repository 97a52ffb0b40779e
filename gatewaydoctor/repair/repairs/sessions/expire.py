"""expire: rows that stay and are stuck get a terminal status, and those that a start would resume for their run lose
abortedLastRun, so that no start resumes them and no cron run copies their `running` (gateway.md sections 3 and 8)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.entry import DISPOSABLE_WHEN_NAMED, Kind, Status
from gatewaydoctor.model.words import duration
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.rows import StoreDraft

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import RowsDraft


_ROWS = {Kind.CRON_BASE: "stuck job rows", Kind.CRON_RUN: "stuck run rows"}


def plan(draft: Draft, *, named: bool) -> None:
    """Set status and endedAt, and abortedLastRun to false where it is true. `endedAt` is the last sign of life."""
    del named  # the same either way: only rows without a sign of life
    resumption = Resumption(draft.x)
    for store in draft.opened:
        _expire(draft, store)
        if isinstance(store, StoreDraft):
            _unmark(draft, store, resumption)


def _expire(draft: Draft, store: RowsDraft) -> None:
    x, word = draft.x, draft.options.end_as.value
    groups: defaultdict[Kind, list[Entry]] = defaultdict(list)
    for position, entry in store.entries():
        if entry.status is not Status.RUNNING or not store.is_stuck(entry, x.now, x.depth.stuck_after):
            continue
        if entry.kind in DISPOSABLE_WHEN_NAMED and not isinstance(store, StoreDraft):
            continue  # a release with databases ends these at its start
        store.edit(position, "status", json.dumps(word).encode())
        store.edit(position, "endedAt", str(_ended(store, entry, x.now)).encode())
        if entry.aborted_last_run:
            store.edit(position, "abortedLastRun", b"false")
        draft.depends_on(*store.transcripts_of(entry))
        groups[entry.kind].append(entry)
    for kind, entries in groups.items():
        draft.step(
            Repair.EXPIRE,
            f"mark as {word}",
            store.path,
            f"{_ROWS.get(kind, f'stuck {kind.value} sessions')}, no sign of life for {duration(x.depth.stuck_after)}",
            [entry.key for entry in entries],
            0,
            agent_id=store.agent_id,
            **of_people(entries),
        )


def _unmark(draft: Draft, store: StoreDraft, resumption: Resumption) -> None:
    """Rows that are not marked running but are resumed anyway."""
    x = draft.x
    unmarked: list[Entry] = []
    for position, entry in store.entries() if resumption.children else ():
        if entry.status is Status.RUNNING or not resumption.takes_up_child(entry):
            continue
        if store.is_stuck(entry, x.now, x.depth.stuck_after):
            store.edit(position, "abortedLastRun", b"false")
            unmarked.append(entry)
    if unmarked:
        draft.step(
            Repair.EXPIRE,
            "clear abortedLastRun of",
            store.path,
            "rows that the next start would resume for their subagent run",
            [entry.key for entry in unmarked],
            0,
            agent_id=store.agent_id,
            **of_people(unmarked),
        )


def _ended(store: RowsDraft, entry: Entry, now: int) -> int:
    sign = store.last_sign(entry)
    return now if sign is None else sign
