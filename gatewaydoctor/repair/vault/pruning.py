"""Deleting runs with the originals they keep: the only thing here that destroys anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.receipt import RunState
from gatewaydoctor.repair.vault.catalog import check_idle
from gatewaydoctor.repair.vault.directory import remove_empty_vault, remove_run
from gatewaydoctor.repair.vault.journal import Journal, ignoring_full_disk
from gatewaydoctor.repair.vault.layout import vault_of
from gatewaydoctor.repair.writing.errors import LeftHalfway, NotWritable, RunPending, Stopped
from gatewaydoctor.repair.writing.guard import lstat_or_none

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import ReadFs


def prunable(runs: tuple[RunInfo, ...], before: int) -> tuple[RunInfo, ...]:
    """Runs whose vault may go: those that can be read, are settled, and ended before then (epoch ms)."""
    return tuple(
        run
        for run in runs
        if not run.pending and run.problem is None and run.last_at is not None and run.last_at < before
    )


def prune(tools: Tools, runs: tuple[RunInfo, ...], state_dir: Path | None = None) -> int:
    """Delete these runs with all they keep; the bytes they took. Raises RunPending for one that is not settled,
    before anything is deleted, Stopped between two runs, NotWritable for one that may not be changed, and LeftHalfway
    where deleting broke off: the run is still listed then, and can be pruned again. With `state_dir` the empty
    directories go that a prune cut off at its last step left in its own vault."""
    for run in runs:
        check_idle(run)
        if run.pending:
            raise RunPending(f"Run {run.run_id} is not finished.", f"Undo it first: `{run.place.command('undo')}`.")
    freed = 0
    for number, run in enumerate(runs):
        _or_stopped(tools, number, runs)
        try:
            with ignoring_full_disk():
                Journal(tools.fs, run.place.journal, tools.clock).say(RunState.PRUNED)
        except OSError as error:
            raise NotWritable(
                f"Cannot change run {run.run_id}: {error.strerror or type(error).__name__}.",
                f"Run as the owner of {run.place.directory}.",
            ) from error
        freed += _deleted(tools, run)
    if state_dir is not None:
        remove_empty_vault(tools.fs, state_dir, vault_of(state_dir))
    return freed


def _or_stopped(tools: Tools, done: int, runs: tuple[RunInfo, ...]) -> None:
    """Raises Stopped between two runs, where the operator asked for it."""
    try:
        tools.check_stop()
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped: {done:,} of {len(runs):,} runs are deleted, the others are as they were.",
            f"`{runs[done].place.command('runs', 'prune')}` deletes the next one.",
        ) from None


def _deleted(tools: Tools, run: RunInfo) -> int:
    try:
        size = kept_bytes(tools.fs, run.place)
        remove_run(tools.fs, run.place, all_of_it=True)
    except OSError as error:
        raise LeftHalfway(
            f"Run {run.run_id} was deleted only in part: {error.strerror or type(error).__name__}.",
            f"Fix the cause, then continue: `{run.place.command('runs', 'prune')}`.",
            run.run_id,
        ) from error
    return size


def kept_bytes(fs: ReadFs, place: RunPlace) -> int:
    """Bytes in the directory of a run."""
    there = [place.directory, *([place.files] if lstat_or_none(fs, place.files) is not None else [])]
    return sum(stat.size for directory in there for _, stat in fs.entries(directory) if stat.is_file)
