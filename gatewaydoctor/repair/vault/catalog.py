"""The runs of a state directory: which there are, how far each came, and what its vault still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, Manifest, RunState
from gatewaydoctor.repair.vault.codec import read_part, read_plan
from gatewaydoctor.repair.vault.journal import Line, latest, read_journal, state_of
from gatewaydoctor.repair.vault.layout import ELSEWHERE, RUNS, RunPlace, begun_at, vault_of
from gatewaydoctor.repair.vault.ownership import foreign_directories, notes, own_runs, settled
from gatewaydoctor.repair.writing.errors import BadPlan, NoSuchRun, RunPending, VaultDamaged
from gatewaydoctor.repair.writing.guard import is_of_database, lstat_or_none, target_of
from gatewaydoctor.repair.writing.stream import content_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes


class RunInfo(Struct, frozen=True):
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
    notes in its own vault name. Writes nothing. Raises OSError where a vault cannot be read."""
    found: dict[str, RunInfo] = {}
    told = list(notes(fs, state_dir))
    for root in dict.fromkeys(_real(fs, each) for each in (*_roots(state_dir, vault), *(each[1] for each in told))):
        for place in own_runs(fs, state_dir, root):
            found.setdefault(place.run_id, _info(fs, processes, place))
    for name, root, word in told:
        if name not in found:
            state = RunState.DONE if settled(word) else RunState.ACTING
            place = RunPlace(root / RUNS / name, state_dir)
            found[name] = RunInfo(place, state, None, None, None, _why_missing(fs, root))
    return tuple(sorted(found.values(), key=lambda run: (run.started_at or begun_at(run.run_id), run.run_id)))


def _why_missing(fs: ReadFs, root: Path) -> str:
    there = lstat_or_none(fs, root / RUNS) is not None
    return f"it is no longer in its vault {root}" if there else f"its vault {root} is missing"


def no_runs(fs: ReadFs, state_dir: Path, vault: Path | None = None) -> tuple[Path, ...]:
    """What lies among the runs and is none: nothing here takes notice of it. Raises OSError."""
    roots = dict.fromkeys(_real(fs, root) for root in _roots(state_dir, vault))
    return tuple(path for root in roots for path in foreign_directories(fs, root))


def _roots(state_dir: Path, vault: Path | None) -> tuple[Path, ...]:
    return (vault_of(state_dir),) if vault is None else (vault_of(state_dir), vault)


def _real(fs: ReadFs, root: Path) -> Path:
    try:
        return fs.realpath(root)
    except (OSError, RuntimeError):  # a loop of links
        return root


def interrupted_runs(
    fs: ReadFs, processes: Processes, state_dir: Path, vault: Path | None = None
) -> tuple[RunInfo, ...]:
    """Runs that are neither finished nor undone: for every later command to name. Never raises for want of a
    vault, and costs one directory listing where there is none."""
    return tuple(run for run in list_runs(fs, processes, state_dir, vault) if run.pending)


def halfway(fs: ReadFs, run: RunInfo) -> bool:
    """Whether the run began to change a database or its log, or to move them, and has not come to an end, forth or
    back: the database may be missing, or be without its log. Where its plan cannot be read, nothing is known of it:
    False."""
    if run.state not in (RunState.ACTING, RunState.PUTTING_BACK, RunState.UNDOING):
        return False
    try:
        plan = read_plan(fs, run.place.plan)
    except (BadPlan, OSError):
        return False
    return any(is_of_database(target_of(act, plan)) for act in plan.acts)


def _info(fs: ReadFs, processes: Processes, place: RunPlace) -> RunInfo:
    try:
        lines = read_journal(fs, place.journal)
        state = _state(fs, place, lines)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return RunInfo(place, RunState.PREPARING, None, None, None, reason)
    work = latest(lines, "work")
    if isinstance(work, str) and work.startswith("/") and "\0" not in work:
        place = replace(place, work=place.directory / work)
    first, last = (lines[0].at, lines[-1].at) if lines else (None, None)
    return RunInfo(place, state, first, last, _worker(processes, lines))


def _state(fs: ReadFs, place: RunPlace, lines: tuple[Line, ...]) -> RunState:
    """How far the run came by its journal, unless what else is there contradicts that."""
    told = state_of(lines)
    if not lines and lstat_or_none(fs, place.plan) is None and lstat_or_none(fs, place.manifest) is None:
        return RunState.PUT_BACK  # nothing but the directory, of a run that was just begun or is almost gone
    if told in BEFORE_ACTING:
        # A receipt is written before the journal's end: that journal is not whole.
        return RunState.DONE if lstat_or_none(fs, place.receipt) is not None else told
    if not told.settled and lstat_or_none(fs, place.manifest) is None:
        kept = lstat_or_none(fs, place.files) is not None and any(True for _ in fs.names(place.files))
        return told if kept else RunState.PREPARING  # it is almost gone: there is nothing left to give back
    return told


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


def check_alone(tools: Tools, place: RunPlace, vault: Path) -> None:
    """Raises RunPending where another run has begun too. Each looks after it has told of itself, so that of two that
    begin at one moment at least one sees the other."""
    for run in interrupted_runs(tools.fs, tools.processes, place.state_dir, vault):
        if run.run_id != place.run_id:
            raise RunPending(
                f"Run {run.run_id} began at the same moment.",
                "Nothing was changed. Wait until that run has finished, then run the same command again.",
            )


def check_idle(run: RunInfo) -> None:
    """Raises RunPending where another process works on the run, and as `check_readable`."""
    if run.worker is not None:
        raise RunPending(f"Process {run.worker} is working on run {run.run_id}.", "Wait until it has finished.")
    check_readable(run)


def check_readable(run: RunInfo) -> None:
    """Raises VaultDamaged where the run cannot be looked into."""
    if run.problem is not None:
        raise VaultDamaged(
            f"Cannot read run {run.run_id}: {run.problem}.",
            f"Make {run.place.directory} readable first: mount its disk, or run as its owner. If "
            "it is gone for good, delete "
            f"{vault_of(run.place.state_dir) / ELSEWHERE / run.run_id}.",
        )


def find_run(tools: Tools, state_dir: Path, vault: Path | None, asked: str | None) -> RunInfo:
    """The run of that id, or of an id that begins like that; without an id the last one that is not undone.
    Raises NoSuchRun."""
    runs = list_runs(tools.fs, tools.processes, state_dir, vault)
    hint = "See `gatewaydoctor runs list`."
    if asked is None:
        left = [run for run in runs if not run.state.over]
        if not left:
            raise NoSuchRun("There is no run to undo.", hint)
        return left[-1]
    fitting = [run for run in runs if run.run_id == asked] or [run for run in runs if run.run_id.startswith(asked)]
    if len(fitting) != 1:
        count = "No run is" if not fitting else f"{len(fitting)} runs are"
        raise NoSuchRun(f"{count} called {asked}.", hint)
    return fitting[0]


class KeptCheck(Struct, frozen=True):
    """One file of the vault. `problem` is None where it is as the manifest says."""

    path: str
    stored: str
    problem: str | None


def verify_run(tools: Tools, run: RunInfo) -> tuple[KeptCheck, ...]:
    """Hash everything the vault holds for the run. Files that an undo has moved back are not expected there. Raises
    VaultDamaged where the manifest cannot be read. A run that was interrupted before it kept anything has none."""
    if run.state is RunState.PREPARING and lstat_or_none(tools.fs, run.place.manifest) is None:
        return ()
    manifest = read_part(tools.fs, run.place.manifest, Manifest)
    items = [
        item
        for number, item in enumerate(manifest.items)
        if item is not None and not (run.state is not RunState.DONE and _went_back(tools, run, number, item))
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


def _went_back(tools: Tools, run: RunInfo, number: int, item: Kept) -> bool:
    """Whether the vault does not have it because it is in its place again, on its way there, or still there."""
    target = run.place.at(item.path)
    elsewhere = (target, run.place.old_file(target, number))
    return lstat_or_none(tools.fs, run.place.directory / item.stored) is None and (
        run.state.over or any(lstat_or_none(tools.fs, path) is not None for path in elsewhere)
    )
