"""Mtimes that a run found. Those of the directories it changes names in undo gives back where nothing else changed
them; those of databases tell whether they were written since."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.repair.vault.journal import latest, read_journal, times_under
from gatewaydoctor.repair.writing.guard import database_of, lstat_or_none, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import ReadFs


def directory_times(tools: Tools, plan: Plan) -> dict[str, int]:
    """mtime in ns by path, spelled as plans do: of the state directory and of every directory with a target."""
    state_dir = Path(plan.state_dir)
    parents = {Path(target_of(act, plan)).parent.as_posix() for act in plan.acts}
    return _times(tools.fs, state_dir, {".", *parents})


def times_of_databases(fs: ReadFs, plan: Plan) -> dict[str, int]:
    """The same of databases that are left as they are while their -wal, -shm or -journal changes."""
    targets = {target_of(act, plan) for act in plan.acts}
    mains = {main for target in targets if (main := database_of(target))} - targets
    stats = ((path, lstat_or_none(fs, Path(plan.state_dir) / path)) for path in sorted(mains))
    return {path: stat.mtime_ns for path, stat in stats if stat is not None}


def times_now(context: RunContext) -> dict[str, int]:
    """The same as they are now."""
    return _times(context.tools.fs, context.place.state_dir, context.manifest.directories)


def _times(fs: ReadFs, state_dir: Path, paths: Iterable[str]) -> dict[str, int]:
    stats = ((path, lstat_or_none(fs, state_dir / path)) for path in sorted(paths))
    return {path: stat.mtime_ns for path, stat in stats if stat is not None and stat.is_dir}


def unchanged(context: RunContext) -> dict[str, int]:
    """The directories to give their mtime back, with that mtime: those that have the one the run left. What an undo
    that broke off found counts for the one that goes on."""
    lines = read_journal(context.tools.fs, context.place.journal)
    if isinstance(latest(lines, "restore"), dict):
        return times_under(lines, "restore")
    left = latest(lines, "directories")
    now = times_now(context)
    if not isinstance(left, dict):
        return {}
    return {path: mtime for path, mtime in context.manifest.directories.items() if left.get(path) == now.get(path)}


def give_back(tools: Tools, state_dir: Path, times: Mapping[str, int]) -> None:
    """A directory whose mtime cannot be set keeps the one it has."""
    for path, mtime_ns in times.items():
        with suppress(OSError):
            tools.fs.set_mtime(state_dir / path, mtime_ns)
            tools.fs.fsync_dir(state_dir / path)
