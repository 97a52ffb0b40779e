"""A run at work: what the steps of an apply, an undo and a resume share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.repair.writing.guard import target_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.model.repair.receipt import Manifest
    from gatewaydoctor.repair.run.staging import Staged
    from gatewaydoctor.repair.vault.journal import Journal
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools


class Work(Struct, frozen=True):
    """A run whose vault is filled and whose new files are staged."""

    tools: Tools
    place: RunPlace
    plan: Plan
    manifest: Manifest
    staged: Mapping[int, Staged]
    journal: Journal
    stopped_by_word: bool = False
    told: tuple[str, ...] = ()

    def target(self, number: int) -> Path:
        return self.place.at(target_of(self.plan.acts[number], self.plan))
