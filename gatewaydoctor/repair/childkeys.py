"""Subagent rows that the registry still needs: without them the next start drops the run and deletes its attachments
(facts.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.subagents import RegistryRead
from gatewaydoctor.repair.registryfile import read_runs

if TYPE_CHECKING:
    from gatewaydoctor.repair.draft import Draft


def needed_children(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of children whose run has not ended or has attachments."""
    registry = draft.x.subagents
    found = read_runs(draft.fs, registry.path) if registry.read is RegistryRead.OK else None
    runs = found.runs if found else ()
    return frozenset(
        run.child_key.lower() for run in runs if run.child_key and (run.ended_at is None or run.attachments)
    )
