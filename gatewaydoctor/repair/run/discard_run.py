"""Ending a run that had changed nothing. Its directory goes only where it holds the last copy of nothing."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.run.directory_times import give_back
from gatewaydoctor.repair.run.putback import abandon
from gatewaydoctor.repair.vault.codec import read_plan
from gatewaydoctor.repair.vault.directory import refusal, remove_run
from gatewaydoctor.repair.vault.journal import Journal, read_journal, times_under
from gatewaydoctor.repair.vault.layout import stored_name
from gatewaydoctor.repair.writing.errors import BadPlan, InputChanged, OutOfBounds, VaultDamaged
from gatewaydoctor.repair.writing.guard import before, check_inside, is_same, lstat_or_none, target_of
from gatewaydoctor.repair.writing.stream import content_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools


def drop(run: RunInfo, tools: Tools) -> None:
    """Take away a run that by its journal had changed nothing. Where something is not as the run found it that it has
    a copy of, either the journal lies or another process wrote there since: the copies stay. Raises InputChanged and
    VaultDamaged with nothing changed."""
    place = run.place
    plan = _plan_or_none(tools, place)
    missed = None if plan is None else needed(tools, place, plan)
    kept = lstat_or_none(tools.fs, place.manifest) is not None
    if (plan is None and _holds_files(tools, place)) or (missed and not kept and not _there(tools, missed)):
        raise VaultDamaged(f"Run {place.run_id} is damaged: cannot tell what it changed.", place.by_hand)
    if missed and kept:
        raise InputChanged(
            f"{missed} is not as run {place.run_id} found it, and the run's journal does not show why.",
            f"Restore only what is missing: `{place.command('undo', options=('--merge',))}`.",
        )
    try:
        if missed:
            Journal(tools.fs, place.journal, tools.clock).say(RunState.PUT_BACK)
            return
        times = _times(tools, place, plan)
        if plan is None:
            remove_run(tools.fs, place)
            give_back(tools, place.state_dir, times)
        else:
            abandon(tools, place, plan, times)
    except OSError as error:
        raise refusal(error, f"The traces of run {place.run_id} could not be removed") from error


def _times(tools: Tools, place: RunPlace, plan: Plan | None) -> dict[str, int]:
    """The mtimes that the run found, of the state directory and of directories that its plan has a target in."""
    targets = () if plan is None else (target_of(act, plan) for act in plan.acts)
    ours = {".", *(PurePosixPath(target).parent.as_posix() for target in targets)}
    found = times_under(read_journal(tools.fs, place.journal), "before")
    return {path: mtime_ns for path, mtime_ns in found.items() if path in ours}


def needed(tools: Tools, place: RunPlace, plan: Plan) -> Path | None:
    """The first target that is not as the run found it although the run has something of it; None where all that
    the run holds is also in its place."""
    fs = tools.fs
    for number, act in enumerate(plan.acts):
        target, seen = place.at(target_of(act, plan)), before(act, plan)
        stored = place.directory / stored_name(number)
        beside = (place.new_file(target, number), place.old_file(target, number))
        ours = any(lstat_or_none(fs, path) is not None for path in (stored, *beside))
        stat = lstat_or_none(fs, target)
        if seen is None:
            if stat is not None and not ours:
                return target
        elif ours and (stat is None or not (is_same(stat, seen) or _copied(tools, target, stored))):
            return target
    return None


def _copied(tools: Tools, target: Path, stored: Path) -> bool:
    """Whether the vault's copy is one of what is there now, as after the directory was moved or mounted again."""
    one, other = lstat_or_none(tools.fs, target), lstat_or_none(tools.fs, stored)
    if one is None or other is None or not one.is_file or not other.is_file or one.size != other.size:
        return False
    return content_of(tools.fs, target) == content_of(tools.fs, stored)


def _there(tools: Tools, path: Path) -> bool:
    return lstat_or_none(tools.fs, path) is not None


def _holds_files(tools: Tools, place: RunPlace) -> bool:
    return _there(tools, place.files) and any(True for _ in tools.fs.names(place.files))


def _plan_or_none(tools: Tools, place: RunPlace) -> Plan | None:
    """The plan as far as it was written: a torn one means that nothing was kept yet. One that leaves the directory is
    none of ours."""
    try:
        plan = read_plan(tools.fs, place.plan)
        check_inside(tools.fs, place.state_dir, (target_of(act, plan) for act in plan.acts))
    except (BadPlan, OutOfBounds):
        return None
    return plan
