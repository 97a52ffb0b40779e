"""Every verb on a directory of each era, in a process that lacks something: memory, room, rights, a clock, a stream.

python -m tests.torture.limits [WORD ...] [--record]

WORDs choose limits by name. Some need root. Each command must end with one of its exit codes, without a traceback;
one that changes the directory has done so or left it, and what it did can be undone once the limit is gone. Ends
with 1 otherwise. With --record the table goes into docs/robustness.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.repair.scene import tree
from tests.repair.test_every_repair import prepared
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ERAS = {"files": "trim", "databases": "trim_in_a_database"}
LOOKS = (
    *("scan", "check --json", "forecast", "status", "cron", "stuck", "migration", "orphans", "subagents", "usage"),
    *("sessions --format ndjson", "gate", "explain", "repair", "runs list", "undo --dry-run", "after", "park {key}"),
    *("scan --format html", "fixtures list", "integrate systemd", "completions bash", "--help"),
)
ACTS = ("repair trim --apply", "park {key} --apply", "snapshot {out}")
KEY = "agent:main:main"
CODES = (0, 1, 2, 3, 4, 5, 78)
NOBODY = 65534
MIB = 1 << 20


@dataclass(frozen=True)
class Limit:
    """`before` runs in the child before the program; `env` is laid over its environment, None takes a name away;
    `shell` is what sh adds to the command; `on` gives the directory a place of its own for a while."""

    before: Callable[[], None] | None = None
    env: dict[str, str | None] = field(default_factory=dict)
    shell: str = ""
    user: int | None = None
    on: Callable[[Path], object] | None = None
    root: bool = False


def _set(kind: int, amount: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (amount, amount))


@contextmanager
def _mounted(root: Path, *words: str) -> Iterator[None]:
    subprocess.run(["mount", *words, str(root)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(root)], check=True)


@contextmanager
def _read_only(root: Path, source: Path | None = None) -> Iterator[None]:
    """`source`, or what is there, mounted at `root` so that nothing can be written or removed by that name."""
    with _mounted(root, "--bind", str(source or root)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(root)], check=True)
        yield


@contextmanager
def _small_disk(root: Path) -> Iterator[None]:
    """A disk with 32 KiB of room. What is left on it is put back in the end."""
    kept = root.with_name("kept")
    size = sum((path.lstat().st_size | 4_095) + 1 for path in root.rglob("*")) + 32_768
    root.rename(kept)
    root.mkdir(mode=0o700)
    with _mounted(root, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs"):
        shutil.copytree(kept, root, symlinks=True, dirs_exist_ok=True)
        try:
            yield
        finally:
            shutil.rmtree(kept)
            shutil.copytree(root, kept, symlinks=True)
    root.rmdir()
    kept.rename(root)


@contextmanager
def _modes(root: Path, directories: int, files: int) -> Iterator[None]:
    """Every directory and file with these modes for a while."""
    kept = {path: path.stat().st_mode for path in (root, *root.rglob("*"))}
    for path in reversed(kept):
        path.chmod(directories if path.is_dir() else files)
    try:
        yield
    finally:
        for path, mode in kept.items():
            path.chmod(mode)


def _clock(seconds: int, jump: int = 0) -> Limit:
    return Limit(env={"TORTURE_SHIFT": str(seconds), "TORTURE_JUMP": str(jump), "LD_PRELOAD": "{clock}"})


def limits() -> dict[str, Limit]:
    now = int(time.time())
    return {
        "200 MB of address space": Limit(_set(resource.RLIMIT_AS, 200 * MIB)),
        "64 descriptors": Limit(_set(resource.RLIMIT_NOFILE, 64)),
        "16 descriptors": Limit(_set(resource.RLIMIT_NOFILE, 16)),
        "files of at most 1 KB": Limit(_set(resource.RLIMIT_FSIZE, 1_024)),
        "a disk with 32 KB of room": Limit(on=_small_disk, root=True),
        "a read-only mount": Limit(on=_read_only, root=True),
        "another user": Limit(user=NOBODY, on=lambda root: _modes(root, 0o700, 0o600), root=True),
        "another user, who may read": Limit(user=NOBODY, on=lambda root: _modes(root, 0o755, 0o644), root=True),
        "another user, who may list": Limit(user=NOBODY, on=lambda root: _modes(root, 0o755, 0o600), root=True),
        "another user, who may write": Limit(user=NOBODY, on=lambda root: _modes(root, 0o777, 0o666), root=True),
        "LC_ALL=C, no UTF-8 mode": Limit(env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        "the year 1970": _clock(86_400 - now),
        "the year 2100": _clock(4_102_444_800 - now),
        "a clock that jumps by a day": _clock(0, -86_400),
        "stdout closed": Limit(shell=">&-"),
        "stderr closed": Limit(shell="2>&-"),
        "all streams closed": Limit(shell="<&- >&- 2>&-"),
        "stdout full": Limit(shell=">/dev/full"),
        "no HOME, no TERM, no PATH": Limit(env={"HOME": None, "TERM": None, "PATH": None}),
        "COLUMNS=0": Limit(env={"COLUMNS": "0", "LINES": "0"}),
        "COLUMNS=no number": Limit(env={"COLUMNS": "wide", "TERM": "no-such"}),
        "umask 777": Limit(lambda: os.umask(0o777) and None),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Every verb, lacking something.")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    lines, lost = (
        ["| limit | commands tried | done | refused or failed, and said so | lost |", "|---|---|---|---|---|"],
        0,
    )
    with tempfile.TemporaryDirectory(prefix="limits-") as place:
        Path(place).chmod(0o755)
        clock = Path(place) / "clock.so"
        source = Path(__file__).with_name("clock.c")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(clock), str(source), "-ldl"], check=True)
        for name, limit in limits().items():
            if asked.words and not any(word in name for word in asked.words):
                continue
            if limit.root and os.geteuid():
                print(f"{name}: not run, needs root")
                continue
            with _python(limit.user, Path(place)) as python:
                if python is None:
                    print(f"{name}: not run, that user cannot start {sys.executable}")
                    continue
                done, refused, wrong = _tried(limit, Path(place), clock, python)
            lines.append(f"| {name} | {done + refused + len(wrong)} | {done} | {refused} | {len(wrong)} |")
            print(lines[-1], *wrong, sep="\n  ", flush=True)
            lost += len(wrong)
    if asked.record and not lost:
        from tests.torture.__main__ import record

        words = "".join(f" {word}" for word in asked.words)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        record("limits", [f"`python -m tests.torture.limits{words}`, {day}:", "", *lines])
    return int(lost > 0)


@dataclass(frozen=True)
class Python:
    """How the program is started, and what its environment needs for that."""

    path: str
    env: dict[str, str]


@contextmanager
def _python(user: int | None, place: Path) -> Iterator[Python | None]:
    """This Python. Where its directory is closed to `user`, it is mounted a second time at an open one; None where
    that does not help."""
    own = Python(sys.executable, {"PYTHONPATH": str(Path.cwd())})
    if user is None or _can_start(own, user):
        yield own
        return
    (place / "python").mkdir()
    packages = sysconfig.get_path("purelib")
    with _read_only(place / "python", Path(sys.base_prefix)):
        path = place / "python/bin" / f"python{sysconfig.get_python_version()}"
        env = {"PYTHONPATH": f"{Path.cwd()}:{packages}", "LD_LIBRARY_PATH": str(place / "python/lib")}
        again = Python(str(path), env)
        yield again if _can_start(again, user) else None
    (place / "python").rmdir()


def _as(user: int | None) -> dict[str, Any]:
    """Without the groups of this process, too."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": ()}


def _can_start(python: Python, user: int) -> bool:
    try:
        words = [python.path, "-m", "gatewaydoctor", "--version"]
        ran = subprocess.run(words, **_as(user), env=os.environ | python.env, capture_output=True, check=False)
        return not ran.returncode
    except PermissionError:
        return False


def _tried(limit: Limit, place: Path, clock: Path, python: Python) -> tuple[int, int, list[str]]:
    done, refused, wrong = 0, 0, []
    for era, scene in ERAS.items():
        for act in (*LOOKS, *ACTS):
            ground = place / "ground"
            shutil.rmtree(ground, ignore_errors=True)
            ground.mkdir()
            root, _ = prepared(ground, scene)
            before = tree(root)
            (ground / "taken").mkdir()
            (ground / "taken").chmod(0o777)
            words = act.format(key=KEY, out=ground / "taken/copy").split()
            if act in ACTS:
                words += ["--yes", "--gateway-stopped"] if "snapshot" not in act else []
            code, said = _limited(limit, words, root, clock, python)
            problem = _problem(code, said) or _loss(act in ACTS, code, before, root)
            if problem:
                wrong.append(f"{era}: {act}: {problem}")
            elif code in (0, 1):
                done += 1
            else:
                refused += 1
    return done, refused, wrong


def _limited(limit: Limit, words: list[str], root: Path, clock: Path, python: Python) -> tuple[int, str]:
    program = [python.path, "-m", "gatewaydoctor", *words]
    if words[0] not in ("fixtures", "integrate", "completions", "--help"):
        program += ["--state-dir", str(root)] + ([] if "LD_PRELOAD" in limit.env else ["--now", str(NOW)])
    if limit.shell:
        program = ["sh", "-c", f'"$@" {limit.shell}', "sh", *program]
    env: dict[str, str] = {**os.environ, "COLUMNS": "80", **python.env}
    for name, value in limit.env.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value.format(clock=clock)
    with limit.on(root) if limit.on else _nothing():  # type: ignore[attr-defined]
        ran = subprocess.run(
            program,
            env=env,
            preexec_fn=limit.before,
            **_as(limit.user),
            capture_output=True,
            check=False,
            timeout=120,
        )
    return ran.returncode, (ran.stdout + ran.stderr).decode(errors="replace")


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _problem(code: int, said: str) -> str | None:
    if code not in CODES or "Traceback" in said or "A bug in gatewaydoctor" in said:
        return f"exit code {code}: {said[-400:]!r}"
    return None


def _loss(changes: bool, code: int, before: dict[str, object], root: Path) -> str | None:
    """What is neither as it was nor can be undone."""
    if tree(root) == before:
        return None
    if not changes or code in (2, 3, 4):
        return f"exit code {code}, and the directory is not as it was"
    undo = [sys.executable, "-m", "gatewaydoctor", "undo", "--yes", "--gateway-stopped", "--state-dir", str(root)]
    ran = subprocess.run(undo, capture_output=True, text=True, check=False)
    return None if tree(root) == before else f"not undone: exit code {ran.returncode}: {ran.stderr[-300:]}"


if __name__ == "__main__":
    sys.exit(main())
