"""queues: messages that have waited for too long go to the vault before a start sends them. Only where it is named: a
late message may still be wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.database.reading import DatabaseFault, QueueRows
from gatewaydoctor.model.gateway.queues import STALE_MS, Delivery, DeliveryQueue, QueueCount
from gatewaydoctor.model.repair.edits import DropDeliveries
from gatewaydoctor.model.repair.plan import REMOVE, TO_VAULT
from gatewaydoctor.model.words import duration
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.registry.queues import read_queues
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from gatewaydoctor.repair.drafting.draft import Draft

_OLD = (
    "SELECT queue_name, id, length(entry_json) FROM delivery_queue_entries "
    "WHERE status = 'pending' AND enqueued_at <= ? ORDER BY enqueued_at, queue_name, id"
)
_REST = (
    "SELECT queue_name, status, count(*), min(enqueued_at) FROM delivery_queue_entries "
    "WHERE NOT (status = 'pending' AND enqueued_at <= ?) GROUP BY 1, 2"
)


def plan(draft: Draft, *, named: bool) -> None:
    """Those older than a day, or than was said. What was given up is not sent again, and stays."""
    if not named:
        return
    least = STALE_MS if draft.options.older_than is None else draft.options.older_than
    reason = f"messages that have waited for more than {duration(least)}; they are not sent"
    found = read_queues(draft.fs, draft.x.place.state_dir, sample=sys.maxsize)
    draft.queues = tuple(_files(draft, queue, draft.x.now - least, reason) for queue in found)
    _rows(draft, draft.x.now - least, reason)


def _files(draft: Draft, queue: DeliveryQueue, before: int, reason: str) -> DeliveryQueue:
    """The queue without the messages that the plan moves."""
    moved: dict[str, int] = {}
    for each in queue.sample:
        if each.readable and _queued_at(draft, queue, each) <= before:
            size = draft.move(queue.path / each.name)
            if size is not None:
                moved[each.name] = size
    if not moved:
        return queue
    total = sum(moved.values())
    draft.step(Repair.QUEUES, TO_VAULT, queue.path, reason, list(moved), total)
    stay = tuple(each for each in queue.sample if each.name not in moved)
    oldest = min((_queued_at(draft, queue, each) for each in stay), default=None)
    pending = QueueCount(queue.pending.files - len(moved), queue.pending.bytes - total, oldest)
    return replace(queue, pending=pending, sample=stay)


def _queued_at(draft: Draft, queue: DeliveryQueue, delivery: Delivery) -> int:
    """When it was queued (epoch ms): by its record, else by its mtime; now for one that is gone."""
    if delivery.enqueued_at is not None:
        return delivery.enqueued_at
    try:
        return draft.fs.lstat(draft.real(queue.path / delivery.name)).mtime_ns // 1_000_000
    except OSError:
        return draft.x.now


def _rows(draft: Draft, before: int, reason: str) -> None:
    state, rows = draft.x.eras.state, draft.x.state_rows
    if state is None or (rows is not None and not any(each.status == "pending" for each in rows.queues)):
        return
    found = read_database_once(
        draft.fs, state.path, lambda opened: (opened.all(_OLD, (before,)), opened.all(_REST, (before,)))
    )
    old, rest = found if isinstance(found, tuple) else (found, found)
    if rows is None or isinstance(old, DatabaseFault) or isinstance(rest, DatabaseFault):
        why = OutOfReach("The state database cannot be read.", "Run `gatewaydoctor scan`.")
        draft.refuse(Repair.QUEUES, state.path, why)
        return
    if old:
        ids = [(str(queue), str(name)) for queue, name, _ in old]
        draft.edits.setdefault(state.path, []).append(DropDeliveries(rows=tuple(ids)))
        total = sum(size for _, _, size in old if isinstance(size, int))
        draft.step(Repair.QUEUES, REMOVE, state.path, reason, [name for _, name in ids], total)
        left = (
            QueueRows(str(queue), str(status), _whole(count) or 0, _whole(at)) for queue, status, count, at in rest
        )
        draft.state = replace(rows, queues=tuple(left))


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
