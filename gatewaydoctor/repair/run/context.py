"""A run at work: what the steps of an apply, an undo and a resume share, and a run taken up again from what its
directory says, within the bounds that hold for a new one."""

from __future__ import annotations

import stat as stat_module
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from gatewaydoctor.model.repair.plan import Move
from gatewaydoctor.model.repair.receipt import Manifest, Receipt
from gatewaydoctor.repair.run.staging import Staged
from gatewaydoctor.repair.vault.catalog import list_runs
from gatewaydoctor.repair.vault.codec import read_part, read_plan
from gatewaydoctor.repair.vault.journal import Journal, Line, latest, read_journal, times_under
from gatewaydoctor.repair.vault.layout import stored_name
from gatewaydoctor.repair.writing.errors import BadPlan, InputChanged, OutOfBounds, VaultDamaged
from gatewaydoctor.repair.writing.guard import check_inside, lstat_or_none, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import FileStat


class RunContext(Struct, frozen=True):
    """A run whose vault is filled and whose new files are staged. `databases` are the mtimes (ns), by
    path, that databases had which it leaves as they are while their -wal, -shm or -journal changes."""

    tools: Tools
    place: RunPlace
    plan: Plan
    manifest: Manifest
    staged: Mapping[int, Staged]
    journal: Journal
    databases: Mapping[str, int] = {}
    operator_says_stopped: bool = False
    told: tuple[str, ...] = ()

    def target(self, number: int) -> Path:
        return self.place.at(target_of(self.plan.acts[number], self.plan))


_SET_ID = stat_module.S_ISUID | stat_module.S_ISGID


def load_run(tools: Tools, place: RunPlace, *, as_it_stands: bool = False) -> RunContext:
    """A run that had begun to act. What its new files were is told by its journal or else its receipt; with
    `as_it_stands` it may remain unknown. Raises VaultDamaged, OutOfBounds and OSError."""
    try:
        plan = read_plan(tools.fs, place.plan)
    except BadPlan as error:
        raise VaultDamaged(error.message, place.by_hand) from None
    manifest = read_part(tools.fs, place.manifest, Manifest)
    lines = read_journal(tools.fs, place.journal)
    staged = _staged(tools, place, plan, lines)
    if staged is None and as_it_stands:
        staged = {}
    if not _fit(plan, manifest) or staged is None:
        raise VaultDamaged(f"The parts of run {place.run_id} do not belong together.", place.by_hand)
    check_inside(tools.fs, place.state_dir, (target_of(act, plan) for act in plan.acts))
    _check_modes(tools, place, manifest)
    journal = Journal(tools.fs, place.journal, tools.clock)
    return RunContext(tools, place, plan, manifest, staged, journal, times_under(lines, "databases"))


def later_run(context: RunContext, path: Path) -> RunInfo | None:
    """The other run that put there what is at `path` now, as far as the vaults that are at hand tell."""
    fs, place = context.tools.fs, context.place
    stat = lstat_or_none(fs, path)
    runs = list_runs(fs, context.tools.processes, place.state_dir, place.directory.parent.parent) if stat else ()
    for run in runs:
        if run.run_id == place.run_id or run.state.over or run.problem:
            continue
        with suppress(OSError):
            made = _from_journal(read_journal(fs, run.place.journal)) or {}
            if stat and any((new.dev, new.ino) == (stat.dev, stat.ino) for new in made.values()):
                return run
    return None


def changed_by(target: str, later: RunInfo) -> InputChanged:
    """The refusal to go back over what a later run made."""
    message = f"{target} was changed by the later run {later.run_id}."
    return InputChanged(message, f"Undo that one first: `{later.place.command('undo')}`.")


def _fit(plan: Plan, manifest: Manifest) -> bool:
    """Whether item n is of act n's target, and in the vault under that number."""
    return (
        manifest.plan_id == plan.plan_id
        and len(manifest.items) == len(plan.acts)
        and all(
            kept is None or (kept.path == target_of(act, plan) and kept.stored == stored_name(number))
            for number, (act, kept) in enumerate(zip(plan.acts, manifest.items, strict=True))
        )
    )


def _check_modes(tools: Tools, place: RunPlace, manifest: Manifest) -> None:
    """A file comes back with set-id bits only if it has them now, or if whoever wrote the manifest could have given
    them: the vault may belong to another user than the one who takes a run back. Raises OutOfBounds."""
    for kept in manifest.items:
        if kept is None or not kept.mode & _SET_ID:
            continue
        writer, now = tools.fs.lstat(place.manifest), lstat_or_none(tools.fs, place.at(kept.path))
        if writer.uid and not _owned_alike(writer, kept) and not (now and _same_bits(now, kept)):
            raise OutOfBounds(
                f"{kept.path} would come back with set-id bits, and nothing proves that it had them.",
                place.by_hand,
            )


def _owned_alike(stat: FileStat, kept: Kept) -> bool:
    return (stat.uid, stat.gid) == (kept.uid, kept.gid)


def _same_bits(stat: FileStat, kept: Kept) -> bool:
    return stat.is_file and _owned_alike(stat, kept) and stat.mode & _SET_ID == kept.mode & _SET_ID


def _staged(tools: Tools, place: RunPlace, plan: Plan, lines: tuple[Line, ...]) -> dict[int, Staged] | None:
    """The new file of each rewrite by act number; None where that is not known of all."""
    rewrites = [number for number, act in enumerate(plan.acts) if not isinstance(act, Move)]
    found = _from_journal(lines)
    if found is None and lstat_or_none(tools.fs, place.receipt) is not None:
        results = read_part(tools.fs, place.receipt, Receipt).results
        if len(results) == len(plan.acts):
            # Device and inode are no longer known: 0 is that of no file.
            found = {number: Staged(results[number].sha256, results[number].bytes, 0, 0) for number in rewrites}
    return found if found is not None and sorted(found) == rewrites else None


def _from_journal(lines: tuple[Line, ...]) -> dict[int, Staged] | None:
    try:
        given = msgspec.convert(latest(lines, "new"), dict[str, tuple[str, int, int, int]])
        aside = msgspec.convert(latest(lines, "aside") or [], frozenset[int])
        return {int(number): Staged(*fields, aside=int(number) in aside) for number, fields in given.items()}
    except ValueError:
        return None
