"""What is tortured: each act that writes, on a directory that gives it something to do, and what may be there
afterwards."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run, interrupted_runs, list_runs
from gatewaydoctor.repair.vault.pruning import prune
from tests.repair.scene import DEAD, contents, tools, tree
from tests.repair.test_every_repair import MORE, OPTIONS, SCENES, made
from tests.torture.faults import outcome
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.faults import Outcome

    Verdict = Callable[[dict[str, object], Path, Outcome, dict[str, object]], str | None]

CLOCK = ("--now", str(NOW))
PRUNE = ("runs", "prune", "--older-than", "0s", "--yes")
SURE = ("--yes", "--gateway-stopped", *CLOCK)


SHARED_MEMORY = Path("/dev/shm")


@cache
def _other_disk() -> tempfile.TemporaryDirectory[str] | None:
    """A directory on another file system, where `space` has its vault; None where there is none."""
    here = Path(tempfile.gettempdir()).stat().st_dev
    if not SHARED_MEMORY.is_dir() or SHARED_MEMORY.stat().st_dev == here:
        return None
    return tempfile.TemporaryDirectory(prefix="torture-", dir=SHARED_MEMORY)


@dataclass(frozen=True)
class Act:
    """`prepare` makes the directory and gives it back; `words` are the command for it. `verdict`
    takes the directory as it was, the directory, what the command came to and what it holds after a run without a
    fault, and says what is wrong, None where nothing is lost."""

    name: str
    prepare: Callable[[Path], Path]
    words: Callable[[Path], tuple[str, ...]]
    verdict: Verdict


def _made(scene: str, place: Path) -> Path:
    return made(place, scene).state.root


def _made_beside_a_vault(vault: Path, place: Path) -> Path:
    shutil.rmtree(vault, ignore_errors=True)
    return _made(Repair.SPACE, place)


def _words(scene: str) -> tuple[str, ...]:
    repair, _, options = MORE.get(scene, (Repair(scene) if scene not in MORE else None, None, OPTIONS.get(scene)))
    names = sorted(options.names) if options else []
    jobs = sorted(options.cron.disable) if options else []
    if repair in (Repair.PARK, Repair.UNPARK):
        return repair, *names, "--apply"
    return "repair", str(repair), "--apply", *_each("--name", names), *_each("--disable", jobs)


def _each(option: str, values: list[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))


def _unharmed(words: tuple[str, ...], root: Path) -> None:
    done = outcome((*words, "--state-dir", str(root), *SURE), root, None, 0, root.parent / "note")
    if done.code:
        raise SystemExit(f"{' '.join(words)} ended with {done.code} without a fault: {done.said}")


def _applied(scene: str, place: Path) -> Path:
    root = _made(scene, place)
    _unharmed(_words(scene), root)
    return root


def _settle(root: Path) -> bool:
    """Undo what is left of a run. Whether there was something."""
    left = list(interrupted_runs(tools().fs, tools().processes, root))
    for each in left:
        undo(each, tools(), DEAD)
    return bool(left)


def _after_repair(old: dict[str, object], root: Path, done: Outcome, new: dict[str, object]) -> str | None:
    pending = bool(list(interrupted_runs(tools().fs, tools().processes, root)))
    if done.code == 0 and (pending or contents(root) != new):
        return "it says done and is not"
    if done.code in (3, 4) and (pending or tree(root) != old):
        return f"it ended with {done.code} and the directory is not as before"
    if done.code not in (None, 0, 3, 4, 5):
        return f"it ended with {done.code}: {done.said[-300:]}"
    settled = _settle(root)
    if tree(root) == old or (not settled and contents(root) == new):
        return None
    return "neither old nor new after undo" if settled else "neither old nor new, and no run is named"


def _after_undo(old: dict[str, object], root: Path, done: Outcome, new: dict[str, object]) -> str | None:
    if done.code == 0 and contents(root) != new:
        return "it says undone and is not"
    if done.code not in (None, 0, 3, 4, 5):
        return f"it ended with {done.code}: {done.said[-300:]}"
    if contents(root) != new:
        undo(find_run(tools(), root, None, None), tools(), DEAD)
    return None if contents(root) == new else "a second undo does not bring it back"


def _after_prune(old: dict[str, object], root: Path, done: Outcome, new: dict[str, object]) -> str | None:
    if tree(root) != old:
        return "it changed what the run had left"
    if done.code not in (None, 0, 2, 3, 4, 5):
        return f"it ended with {done.code}: {done.said[-300:]}"
    runs = list_runs(tools().fs, tools().processes, root)
    if any(run.pending for run in runs):
        return "a finished run became an unfinished one"
    prune(tools(), [run for run in runs if run.state.over])
    return None if tree(root) == old else "a second prune changed what the run had left"


def _after_snapshot(old: dict[str, object], root: Path, done: Outcome, new: dict[str, object]) -> str | None:
    if tree(root) != old:
        return "it changed the directory"
    if done.code not in (None, 0, 1, 2, 3, 4, 5):
        return f"it ended with {done.code}: {done.said[-300:]}"
    return None


def _resumable(scene: str, place: Path) -> Path:
    """A repair that was killed half-way through its calls."""
    from tests.torture.faults import Fault

    root = _made(scene, place)
    _ORIGINAL[root] = tree(root)
    words = (*_words(scene), "--state-dir", str(root), *SURE)
    note = root.parent / "note"
    calls = _CALLS.get(scene)
    if calls is None:
        calls = outcome(words, root, None, 0, note).calls or 0
        _CALLS[scene] = calls
        undo(find_run(tools(), root, None, None), tools(), DEAD)
        prune(tools(), list_runs(tools().fs, tools().processes, root))
    outcome(words, root, Fault.KILL_AFTER, calls * 2 // 3, note)
    return root


_CALLS: dict[str, int] = {}
_ORIGINAL: dict[Path, dict[str, object]] = {}
"""What a directory held before the repair that was killed."""


def _after_resume(old: dict[str, object], root: Path, done: Outcome, new: dict[str, object]) -> str | None:
    if done.code == 0 and contents(root) != new:
        return "it says done and is not"
    if done.code not in (None, 0, 3, 4, 5):
        return f"it ended with {done.code}: {done.said[-300:]}"
    settled = _settle(root)
    if tree(root) == _ORIGINAL[root] or (not settled and contents(root) == new):
        return None
    return "neither as before the repair nor as after it"


def acts() -> tuple[Act, ...]:
    """Every repair; and on one scene of each era undo, resume, prune and a snapshot."""
    found = [
        _act("", each, _made, (*_words(each), *SURE), _after_repair)
        for each in (*map(str, SCENES), *MORE)
        if each != Repair.SPACE
    ]
    if disk := _other_disk():
        vault = Path(disk.name) / "vault"
        words = (*_words(Repair.SPACE), *SURE, "--vault", str(vault))
        prepare = partial(_made_beside_a_vault, vault)
        found.append(Act("space", prepare, lambda root: (*words, "--state-dir", str(root)), _after_repair))
    for each in ("trim", "schema"):
        found += [
            _act("undo of ", each, _applied, ("undo", *SURE), _after_undo),
            Act(f"resume of {each}", partial(_resumable, each), _resume_words, _after_resume),
            _act("prune after ", each, _applied, (*PRUNE, *CLOCK), _after_prune),
            _act("snapshot of ", each, _made, ("snapshot", *CLOCK), _after_snapshot),
        ]
    return tuple(found)


def _act(name: str, scene: str, make: Callable[[str, Path], Path], words: tuple[str, ...], verdict: Verdict) -> Act:
    return Act(f"{name}{scene}", partial(make, scene), lambda root: (*words, "--state-dir", str(root)), verdict)


def _resume_words(root: Path) -> tuple[str, ...]:
    (run,) = interrupted_runs(tools().fs, tools().processes, root)
    return "repair", "--resume", run.run_id, "--state-dir", str(root), *SURE
