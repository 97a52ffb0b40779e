"""Subagent rows that the registry still needs: without them the next start drops the run and deletes its attachments
(facts.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.subagents import RegistryRead
from gatewaydoctor.repair.registryfile import read_runs

if TYPE_CHECKING:
    from gatewaydoctor.model.entry import Entry
    from gatewaydoctor.repair.draft import Draft
    from gatewaydoctor.repair.registryfile import Run


def needed_children(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of children whose run has not ended or has attachments."""
    return frozenset(
        run.child_key.lower() for run in _runs(draft) if run.child_key and (run.ended_at is None or run.attachments)
    )


def all_children(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of the children of all runs."""
    return frozenset(run.child_key.lower() for run in _runs(draft) if run.child_key)


def may_go(draft: Draft, entry: Entry, needed: frozenset[str]) -> bool:
    """Whether the row is no child of a run that needs it. Says so in the plan where a row that was named is."""
    if entry.key.lower() not in needed:
        return True
    draft.caution(
        "A row that was named stays: its subagent run goes on or has attachments, which the next start would delete.",
        [entry.key],
    )
    return False


def _runs(draft: Draft) -> tuple[Run, ...]:
    registry = draft.x.subagents
    # A torn one counts too: it may be rebuilt by this plan or a later one.
    read = registry.read in (RegistryRead.OK, RegistryRead.GATEWAY_EMPTY)
    found = read_runs(draft.fs, registry.path) if read else None
    return found.runs if found else ()
