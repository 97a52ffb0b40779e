"""A run at work: what the steps of an apply, an undo and a resume share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.repair.guard import target_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.plan import Plan
    from gatewaydoctor.model.receipt import Manifest
    from gatewaydoctor.repair.journal import Journal
    from gatewaydoctor.repair.places import RunPlace
    from gatewaydoctor.repair.staging import Staged
    from gatewaydoctor.repair.tools import Tools


@dataclass(frozen=True, slots=True)
class Work:
    """A run whose vault is filled and whose new files are staged."""

    tools: Tools
    place: RunPlace
    plan: Plan
    manifest: Manifest
    staged: Mapping[int, Staged]
    journal: Journal
    stopped_by_word: bool = False

    def target(self, number: int) -> Path:
        return self.place.at(target_of(self.plan.acts[number], self.plan))
