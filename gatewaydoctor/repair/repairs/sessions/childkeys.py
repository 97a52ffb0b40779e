"""Subagent rows that the registry still needs: without them the next start drops the run and deletes its attachments
(docs/gateway.md section 8)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import DISPOSABLE_WHEN_NAMED
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.registry.registryfile import read_runs
from gatewaydoctor.repair.writing.errors import OutOfReach

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.repairs.registry.registryfile import Run


class NeededChildren:
    """The rows of children whose run has not ended or has attachments. The registry is read when the first child is
    asked about; where it cannot be, it may need every child, and the plan says so."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def __contains__(self, entry: Entry) -> bool:
        if entry.kind not in DISPOSABLE_WHEN_NAMED:
            return False
        return self.keys is None or entry.key.lower() in self.keys

    @cached_property
    def keys(self) -> frozenset[str] | None:
        """In lower case; None where they are not known."""
        registry = self._draft.x.subagents
        if registry.read is RegistryRead.UNREADABLE:
            said = OutOfReach(
                f"It cannot be read ({registry.reason}), so no subagent or ACP session is "
                "removed: its run may still be going or have attachments.",
                "For details: `gatewaydoctor explain subagents-unreadable`.",
            )
            if all(refusal.reason != said.message for refusal in self._draft.refusals):
                self._draft.refuse(Repair.TRIM, registry.path, said)
            return None
        return frozenset(
            run.child_key.lower()
            for run in _runs(self._draft)
            if run.child_key and (run.ended_at is None or run.attachments)
        )


def all_children(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of the children of all runs."""
    return frozenset(run.child_key.lower() for run in _runs(draft) if run.child_key)


def dropped_children(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of the subagent and ACP rows that leave stores of files."""
    return frozenset(
        entry.key.lower() for store in draft.stores if store.opened for entry in store.dropped(DISPOSABLE_WHEN_NAMED)
    )


def may_go(draft: Draft, entry: Entry, needed: NeededChildren) -> bool:
    """Whether the row is not a child of a run that needs it. Says so in the plan where a row that was named is."""
    if entry not in needed:
        return True
    if needed.keys is not None:
        draft.caution(
            "A session you named stays: its subagent run is still going, or has attachments that "
            "the next start would delete.",
            [entry.key],
        )
    return False


def _runs(draft: Draft) -> tuple[Run, ...]:
    registry = draft.x.subagents
    # A torn one counts too: it may be rebuilt by this plan or a later one.
    read = registry.read in (RegistryRead.OK, RegistryRead.GATEWAY_EMPTY)
    found = read_runs(draft.fs, registry.path) if read else None
    return found.runs if found else ()
