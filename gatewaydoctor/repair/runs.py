"""The runs of a state directory: which there are, how far each came, and what its vault still holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.receipt import Manifest, RunState
from gatewaydoctor.repair.codec import read_part
from gatewaydoctor.repair.errors import NoSuchRun, RunPending, VaultDamaged
from gatewaydoctor.repair.guard import lstat_or_none
from gatewaydoctor.repair.journal import Line, latest, read_journal, state_of
from gatewaydoctor.repair.places import ELSEWHERE, RUNS, SETTLED, WORKING, RunPlace, vault_of
from gatewaydoctor.repair.rundir import remove_run
from gatewaydoctor.repair.stream import content_of
from gatewaydoctor.state.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.receipt import Kept
    from gatewaydoctor.repair.tools import Tools
    from gatewaydoctor.state.fs import ReadFs
    from gatewaydoctor.state.processes import Processes

_LONGEST_NOTE = 4096


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run. `started_at` and `last_at` are epoch ms, None where the journal was not begun. `worker` is the pid of
    the process that is at work on it now. `problem` says why its journal cannot be read."""

    place: RunPlace
    state: RunState
    started_at: int | None
    last_at: int | None
    worker: int | None
    problem: str | None = None

    @property
    def run_id(self) -> str:
        return self.place.run_id

    @property
    def pending(self) -> bool:
        return not self.state.settled


def list_runs(fs: ReadFs, processes: Processes, state_dir: Path, vault: Path | None = None) -> tuple[RunInfo, ...]:
    """Every run of this state directory, oldest first: those in its own vault, in `vault`, and in the vaults that
    notes in its own vault name. Looks only. Raises OSError where the own vault cannot be read."""
    found: dict[str, RunInfo] = {}
    for root in {vault_of(state_dir), vault or vault_of(state_dir)}:
        for name in _names(fs, root / RUNS):
            found.setdefault(name, _info(fs, processes, RunPlace(root / RUNS / name, state_dir)))
    for name, root, word in _notes(fs, vault_of(state_dir) / ELSEWHERE):
        place = RunPlace(root / RUNS / name, state_dir)
        if name in found:
            continue
        if name in _names(fs, root / RUNS):
            found[name] = _info(fs, processes, place)
        elif word != SETTLED:
            found[name] = RunInfo(place, RunState.ACTING, None, None, None, f"its vault {root} is not there")
    return tuple(sorted(found.values(), key=lambda run: (run.started_at or 0, run.run_id)))


def interrupted_runs(
    fs: ReadFs, processes: Processes, state_dir: Path, vault: Path | None = None
) -> tuple[RunInfo, ...]:
    """Runs that are neither finished nor taken back: for every later command to name. Never raises for want of a
    vault, and costs one directory listing where there is none."""
    return tuple(run for run in list_runs(fs, processes, state_dir, vault) if run.pending)


def _names(fs: ReadFs, directory: Path) -> list[str]:
    try:
        return sorted(name for name in fs.names(directory) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _notes(fs: ReadFs, directory: Path) -> Iterator[tuple[str, Path, str]]:
    """Run id, its vault, and the last word on it."""
    for name in _names(fs, directory):
        text = read_up_to(fs, directory / name, _LONGEST_NOTE).decode(errors="surrogateescape")
        root, *words = text.splitlines() or [""]
        if root.startswith("/"):
            yield name, Path(root), words[-1] if words else WORKING


def _info(fs: ReadFs, processes: Processes, place: RunPlace) -> RunInfo:
    try:
        lines = read_journal(fs, place.journal)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return RunInfo(place, RunState.PREPARING, None, None, None, reason)
    first, last = (lines[0].at, lines[-1].at) if lines else (None, None)
    return RunInfo(place, state_of(lines), first, last, _worker(processes, lines))


def _worker(processes: Processes, lines: tuple[Line, ...]) -> int | None:
    pid, started = latest(lines, "pid"), latest(lines, "startTime")
    if not isinstance(pid, int) or state_of(lines).settled:
        return None
    info = processes.info(pid)
    runs = info is not None and not info.zombie and info.start_time == started
    return pid if runs and pid != processes.own_pid else None


def own_mark(tools: Tools) -> dict[str, object]:
    """What a journal line says of the process that works."""
    own = tools.processes.info(tools.processes.own_pid)
    return {"pid": tools.processes.own_pid, "startTime": own.start_time if own else None}


def check_none_pending(tools: Tools, state_dir: Path, vault: Path) -> None:
    """Raises RunPending where an earlier run left the directory between two states."""
    for run in interrupted_runs(tools.fs, tools.processes, state_dir, vault):
        check_idle(run)
        raise RunPending(
            f"The run {run.run_id} was interrupted.",
            f"Finish it with gatewaydoctor repair --resume {run.run_id}, "
            f"or take it back with gatewaydoctor undo {run.run_id}.",
        )


def check_idle(run: RunInfo) -> None:
    """Raises RunPending where another process works on the run."""
    if run.worker is not None:
        raise RunPending(f"Process {run.worker} is at work on run {run.run_id}.", "Wait until it is done.")
    if run.problem is not None:
        raise VaultDamaged(f"Run {run.run_id} cannot be looked into: {run.problem}.", "Mend that first.")


def find_run(tools: Tools, state_dir: Path, vault: Path | None, asked: str | None) -> RunInfo:
    """The run of that id, or of an id that begins like that; without an id the last one that is not taken back.
    Raises NoSuchRun."""
    runs = list_runs(tools.fs, tools.processes, state_dir, vault)
    hint = "gatewaydoctor runs list shows them."
    if asked is None:
        left = [run for run in runs if run.state not in (RunState.UNDONE, RunState.PUT_BACK)]
        if not left:
            raise NoSuchRun("There is no run to take back.", hint)
        return left[-1]
    fitting = [run for run in runs if run.run_id == asked] or [run for run in runs if run.run_id.startswith(asked)]
    if len(fitting) != 1:
        count = "No run is" if not fitting else f"{len(fitting)} runs are"
        raise NoSuchRun(f"{count} called {asked}.", hint)
    return fitting[0]


@dataclass(frozen=True, slots=True)
class KeptCheck:
    """One file of the vault. `problem` is None where it is as the manifest says."""

    path: str
    stored: str
    problem: str | None


def verify_run(tools: Tools, run: RunInfo) -> tuple[KeptCheck, ...]:
    """Hash everything the vault holds for the run. Files that an undo has moved back are not expected there. Raises
    VaultDamaged where the manifest cannot be read."""
    manifest = read_part(tools.fs, run.place.manifest, Manifest)
    items = [
        item
        for item in manifest.items
        if item is not None
        and not (run.state in (RunState.UNDONE, RunState.PUT_BACK) and _went_back(tools, run, item))
    ]
    tools.progress.phase("verifying", sum(item.size for item in items))
    checks = []
    for item in items:
        problem = None
        try:
            content = content_of(tools.fs, run.place.directory / item.stored, tools.progress.advance)
            if content.sha256 != item.sha256:
                problem = "its bytes have changed"
        except OSError as error:
            problem = error.strerror or type(error).__name__
        checks.append(KeptCheck(item.path, item.stored, problem))
    return tuple(checks)


def _went_back(tools: Tools, run: RunInfo, item: Kept) -> bool:
    """Whether an undo took the file itself, not a copy of it."""
    return item.moved or lstat_or_none(tools.fs, run.place.directory / item.stored) is None


def prunable(
    runs: tuple[RunInfo, ...], now: int, *, keep: int | None = None, older_than: int | None = None
) -> tuple[RunInfo, ...]:
    """Runs whose vault may go: settled ones beyond the newest `keep`, if given, that ended more than `older_than` ms
    ago, if given. One that was interrupted never is. A run taken back needs its vault no more and counts first."""
    settled = [run for run in runs if not run.pending and run.problem is None]
    done = [run for run in settled if run.state is RunState.DONE]
    newest = set(done[len(done) - keep :]) if keep else set()
    return tuple(
        run for run in settled if run not in newest and (older_than is None or now - (run.last_at or 0) > older_than)
    )


def prune(tools: Tools, runs: tuple[RunInfo, ...]) -> int:
    """Delete these runs with all they keep; the bytes they took. Raises RunPending for one that is not settled,
    before anything is deleted, and OSError."""
    for run in runs:
        check_idle(run)
        if run.pending:
            raise RunPending(f"The run {run.run_id} is not finished.", "Finish it or take it back first.")
    freed = 0
    for run in runs:
        freed += kept_bytes(tools.fs, run.place)
        remove_run(tools.fs, run.place, all_of_it=True)
    return freed


def kept_bytes(fs: ReadFs, place: RunPlace) -> int:
    """Bytes in the directory of a run."""
    return sum(
        stat.size for directory in (place.directory, place.files) for _, stat in fs.entries(directory) if stat.is_file
    )
