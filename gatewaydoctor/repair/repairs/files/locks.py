"""locks: lock files whose owner is proven dead go to the vault. Not by default: from 2026.4.25 on a start learns from
them which sessions to take up (docs/gateway.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.options import Repair

if TYPE_CHECKING:
    from gatewaydoctor.repair.drafting.draft import Draft


def plan(draft: Draft, *, named: bool) -> None:
    if not named:
        return
    dead = [lock for lock in draft.x.locks if lock.liveness is Liveness.DEAD and lock.age is not None]
    for lock in dead:
        size = draft.move(lock.path)
        if size is not None:
            draft.step(Repair.LOCKS, TO_VAULT, lock.path, lock.reason, [lock.path.name], size)
    running = _running(draft)
    needed = [lock.path.name for lock in dead if lock.path.name.removesuffix(".jsonl.lock") in running]
    if needed:
        draft.caution(
            f"{plural(len(needed), 'of these locks belongs', 'of these locks belong')} to "
            "sessions that stay marked running: from 2026.4.25 on the next start resumes such a "
            "session only because of its lock.",
            needed,
        )


def _running(draft: Draft) -> set[str | None]:
    return {
        entry.session_id
        for store in draft.stores
        if store.opened
        for position, entry in store.entries()
        if entry.status is Status.RUNNING and "status" not in store.edits_of(position)
    }
