"""A run taken up again from what its directory says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.receipt import Manifest
from gatewaydoctor.repair.acts import Work
from gatewaydoctor.repair.codec import read_part, read_plan
from gatewaydoctor.repair.errors import VaultDamaged
from gatewaydoctor.repair.journal import Journal, Line, latest, read_journal
from gatewaydoctor.repair.staging import Staged

if TYPE_CHECKING:
    from gatewaydoctor.repair.places import RunPlace
    from gatewaydoctor.repair.tools import Tools


def load_work(tools: Tools, place: RunPlace) -> Work:
    """A run that had begun to act. Raises VaultDamaged, BadPlan and OSError."""
    plan = read_plan(tools.fs, place.plan)
    manifest = read_part(tools.fs, place.manifest, Manifest)
    lines = read_journal(tools.fs, place.journal)
    staged = _staged(lines)
    if manifest.plan_id != plan.plan_id or len(manifest.items) != len(plan.acts) or staged is None:
        raise VaultDamaged(
            f"The parts of run {place.run_id} do not belong together.",
            f"Its files are in {place.files}; manifest.json says what each was.",
        )
    return Work(tools, place, plan, manifest, staged, Journal(tools.fs, place.journal, tools.clock))


def _staged(lines: tuple[Line, ...]) -> dict[int, Staged] | None:
    new = latest(lines, "new")
    if not isinstance(new, dict):
        return None
    return {int(number): Staged(*fields) for number, fields in new.items()}


def workers(lines: tuple[Line, ...]) -> frozenset[int]:
    """Pids of every process that has worked on the run."""
    return frozenset(pid for line in lines if isinstance(pid := line.facts.get("pid"), int))
