"""Attacks on what is around a repair: disks of its vault, of its copies and of the files, mounts that nobody may
write to, a second name outside, a vault that is pruned half-way, a log that its owner swaps all the time. Part of
tests.torture.attacks."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.repair.kill_loop import inside, killed, pending, scene
from tests.repair.scene import contents
from tests.torture.limits import NOBODY, _mounted, _read_only

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.repair.kill_loop import Ground

OUTSIDE = b"of somebody else"
LOG = "openclaw-agent.sqlite-wal"
TYPED, LEFT_HALFWAY = 4, 5
"""Commands after which a run has ended, or never will; the exit code of an act that was not put back."""
Where = "Callable[[Path, Path], AbstractContextManager[tuple[str, ...]]]"
Told = "Iterator[tuple[str, str | None]]"


def _files(root: Path) -> Path:
    """The directory of the files that a scene is about: the deepest one of the agent."""
    places = [root / "agents/main/agent", root / "agents/main/sessions", root / "agents"]
    return next((each for each in places if each.is_dir()), root)


@contextmanager
def _far(far: Path, *options: str, size: str = "64m") -> Iterator[tuple[str, ...]]:
    far.mkdir(exist_ok=True)
    with _mounted(far, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs"):
        for option in options:
            (far / option).mkdir(mode=0o700)
        yield tuple(word for option in options for word in (option, str(far / option)))


@contextmanager
def _own_disk(root: Path, _far: Path) -> Iterator[tuple[str, ...]]:
    """The files are on a disk of their own, the vault is not."""
    place = _files(root)
    kept = root.parent / "kept-files"
    shutil.copytree(place, kept, symlinks=True)
    with _mounted(place, "-t", "tmpfs", "-o", f"size=64m,mode={place.stat().st_mode & 0o7777:o}", "tmpfs"):
        shutil.copytree(kept, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(kept)
        yield ()


@contextmanager
def _may_not_be_written(root: Path, _far: Path) -> Iterator[tuple[str, ...]]:
    with _read_only(_files(root)):
        yield ()


@contextmanager
def _vault_may_not_be_written(_root: Path, far: Path) -> Iterator[tuple[str, ...]]:
    far.mkdir(exist_ok=True)
    with _read_only(far):
        yield ("--vault", str(far / "vault"))


@contextmanager
def _second_name(root: Path, far: Path) -> Iterator[tuple[str, ...]]:
    """Each file has another name outside, which keeps its bytes."""
    far.mkdir(exist_ok=True)
    names = [each for each in _files(root).iterdir() if each.is_file() and not each.is_symlink()]
    for each in names:
        (far / each.name).hardlink_to(each)
    held = {each.name: (far / each.name).read_bytes() for each in names}
    yield ()
    assert {each.name: each.read_bytes() for each in far.iterdir()} == held, "changed outside"


PLACES: dict[str, Where] = {
    "vault on another disk": lambda _, far: _far(far, "--vault"),
    "copies on another disk": lambda _, far: _far(far, "--work-dir"),
    "both on another disk": lambda _, far: _far(far, "--vault", "--work-dir"),
    "vault on a disk that fills": lambda _, far: _far(far, "--vault", size="24k"),
    "copies on a disk that fills": lambda _, far: _far(far, "--work-dir", size="24k"),
    "files on a disk of their own": _own_disk,
    "files nobody may write": _may_not_be_written,
    "a vault nobody may write": _vault_may_not_be_written,
    "a second name outside": _second_name,
}


def places(ground: Path, name: str, most: int, chance: random.Random) -> Told:
    made = scene(ground, name)
    for how in chance.sample(list(PLACES), min(most, len(PLACES))):
        made.fresh()
        far = ground / "far"
        shutil.rmtree(far, ignore_errors=True)
        lost = None
        before = contents(made.state)
        try:
            with PLACES[how](made.state, far) as more:
                done = inside(made.state, *made.words, *more)
                now = contents(made.state)
                lost = _judged(made, before, now, done.code)
                if done.code == 0 and not lost:
                    vault = [word for pair in itertools.pairwise(more) if pair[0] == "--vault" for word in pair]
                    back = inside(made.state, "undo", "--yes", "--gateway-stopped", *vault)
                    if back.code or contents(made.state) != before:
                        lost = f"not as before after undo, exit {back.code}"
        except AssertionError as error:
            lost = str(error)
        yield f"{how}: {done.code}", lost and f"{how}: {lost}"


def _judged(made: Ground, before: dict[str, object], now: dict[str, object], code: int | None) -> str | None:
    if code == 0:
        return None if now == made.expected else "done, and not as planned"
    if code in (2, 3, 4):
        return None if now == before else f"exit {code}, and not as before"
    return f"exit {code}"


def pruned(ground: Path, name: str, most: int, chance: random.Random) -> Told:
    """A run is killed, its vault pruned before anything else is done, and then what is named for it is typed."""
    made = scene(ground, name)
    for _ in range(most):
        made.fresh()
        before = contents(made.state)
        killed(made, chance.random() * made.longest)
        stopped = bool(pending(made.state))
        asked = inside(made.state, "runs", "prune", "--yes")
        verbs, lost = _ended(made.state)
        now = contents(made.state)
        lost = lost or (None if now in (before, made.expected) else "neither as before nor as planned")
        yield f"{'stopped' if stopped else 'over'}, prune {asked.code}, {verbs or 'nothing'}", lost


def _ended(state: Path) -> tuple[str, str | None]:
    """What `scan` names is typed while a run is pending: the verbs, and what went wrong."""
    verbs: list[str] = []
    while pending(state):
        words = shlex.split(inside(state, "scan").document["next"]["command"] or "")
        words = words[words.index("gatewaydoctor") + 1 :] if "gatewaydoctor" in words else words[1:]
        verbs.append(" ".join(each for each in words if each in ("undo", "repair", "--merge", "--resume")))
        words = [each for at, each in enumerate(words) if "--state-dir" not in words[max(at - 1, 0) : at + 1]]
        if (done := inside(state, *words, "--yes", "--gateway-stopped")).code or len(verbs) > TYPED:
            return verbs[-1], f"{' '.join(words)} ends with {done.code}: {done.out[:300]}"
    return ", ".join(verbs), None


SWAPS = f"""
import os, sys
log, outside = sys.argv[1:]
os.setgid({NOBODY}); os.setuid({NOBODY})
ways = (lambda: os.symlink(outside, log), lambda: os.link(outside, log), lambda: os.mkfifo(log),
        lambda: open(log, "wb").write(b"7" * 9000), lambda: os.mkdir(log), lambda: None)
at = 0
while True:
    at += 1
    try:
        os.rmdir(log) if os.path.isdir(log) and not os.path.islink(log) else os.unlink(log)
    except OSError:
        pass
    try:
        ways[at % len(ways)]()
    except OSError:
        pass
"""


def busy(ground: Path, name: str, most: int, chance: random.Random) -> Told:
    """Root repairs what another user owns, and that user swaps the log of a database all the time. What is outside
    stays as it is and is taken in by nobody; the database is old or new."""
    made = scene(ground, name)
    log = made.state / _log(made)
    outside = ground / "outside"
    outside.write_bytes(OUTSIDE)
    outside.chmod(0o600)
    for _ in range(most):
        made.fresh()
        for path in (made.state, *made.state.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        for path in (ground, ground.parent, *made.state.parents):
            if path.is_relative_to(ground):
                path.chmod(0o755)
        before = contents(made.state)
        attacker = subprocess.Popen([sys.executable, "-c", SWAPS, str(log), str(outside)])
        try:
            done = inside(made.state, *made.words)
        finally:
            attacker.kill()
            attacker.wait()
        lost = _taken_in(made, before, outside, done.code)
        told = f"exit {done.code}"
        if done.code == LEFT_HALFWAY:
            shutil.rmtree(log) if log.is_dir() and not log.is_symlink() else log.unlink(missing_ok=True)
            verbs, wrong = _ended(made.state)
            told, lost = f"{told}, then {verbs}", lost or wrong or _taken_in(made, before, outside, 0)
        yield told, lost


def _taken_in(made: Ground, before: dict[str, object], outside: Path, code: int | None) -> str | None:
    """What the owner's swaps cost besides the log, which is his to lose."""
    # Until a run is over an original may lie next to its target.
    held = [each.read_bytes() for each in made.state.rglob(".gatewaydoctor*/**/*") if _is_plain(each)]
    held += [each.read_bytes() for each in made.state.rglob(".gatewaydoctor.*") if _is_plain(each)]
    now, stat = contents(made.state), outside.stat()
    if outside.read_bytes() != OUTSIDE or stat.st_uid == NOBODY or stat.st_mode & 0o777 != 0o600:
        return "changed outside"
    if any(OUTSIDE in each for each in held):
        return "taken in"
    for name, was in before.items():
        mine = isinstance(was, tuple) and isinstance(was[1], bytes) and name != _log(made)
        if mine and now.get(name) != was and was[1] not in held:
            return f"the old {name} is nowhere"
    if code in (3, 4) and any(now.get(name) != was for name, was in before.items() if name != _log(made)):
        return f"exit {code}, and not as before"
    return None if code in (0, 2, 3, 4, 5) else f"exit {code}"


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _log(made: Ground) -> str:
    return f"{_files(made.pattern).relative_to(made.pattern)}/{LOG}"
