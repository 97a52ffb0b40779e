"""Scanning is read-only (promise P1), and it takes little memory (P2)."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.fixtures import make
from tests.cli import scenes
from tests.cli.harness import EXAMINING, NOW_MS, command, process_env, run, spawn

if TYPE_CHECKING:
    from pathlib import Path

SCENES = (scenes.busy, scenes.damaged, scenes.databases, scenes.mixed)
VERBS = (*EXAMINING, "check", "repair")

CHANGES = (
    *(
        "creat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "mkdirat",
        "unlink",
        "unlinkat",
        "rmdir",
        "link",
        "linkat",
    ),
    *("symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat"),
    *("utime", "utimes", "futimesat", "truncate", "ftruncate", "fallocate", "mknod", "mknodat", "setxattr"),
    *("fsetxattr", "lsetxattr", "removexattr", "flock", "write", "pwrite64", "writev", "pwritev", "sendfile"),
    *("copy_file_range", "splice"),
)
"""System calls that change or lock what they name; they may not name anything in the state directory."""
WRITING_FLAGS = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
LOCKING = re.compile(r"F_(OFD_)?SETLKW?\b|F_SETLEASE|F_NOTIFY")


def state_of(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything about every path that a change would show in; not a directory's atime, which listing moves."""
    told: dict[str, tuple[object, ...]] = {}
    for path in sorted([root, *root.rglob("*")]):
        at = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(at.st_mode) else ""
        times = (at.st_mtime_ns, at.st_ctime_ns)
        told[str(path.relative_to(root))] = (
            at.st_mode,
            at.st_ino,
            at.st_nlink,
            at.st_uid,
            at.st_size,
            *times,
            content,
        )
    return told


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_nothing_changes_by_looking(scene: scenes.Maker, tmp_path: Path) -> None:
    root = scene(tmp_path / "state").root
    before = state_of(root)
    for verb in VERBS:
        assert run(verb, "--state-dir", str(root)).code in (0, 1), verb
        assert run(verb, "--all", "--verbose", "--json", "--state-dir", str(root)).code in (0, 1), verb
        assert state_of(root) == before, verb
    assert run("sessions", "--format", "ndjson", "--state-dir", str(root)).code == 0
    assert state_of(root) == before
    assert not list(root.rglob("*-shm"))


def test_reading_leaves_no_trace_in_access_times(tmp_path: Path) -> None:
    root = scenes.busy(tmp_path / "state").root
    files = [path for path in root.rglob("*") if path.is_file()]
    skip_without_access_times(tmp_path / "control")
    for path in files:
        _set_atime(path)
    before = {path: path.stat().st_atime_ns for path in files}
    for verb in VERBS:
        run(verb, "--state-dir", str(root))
    assert {path: path.stat().st_atime_ns for path in files} == before


def skip_without_access_times(control: Path) -> None:
    """Where a volume keeps none, the test could not fail."""
    control.write_bytes(b"x")
    _set_atime(control)
    before = control.stat().st_atime_ns
    control.read_bytes()
    if control.stat().st_atime_ns == before:
        pytest.skip("this volume keeps no access times")


def _set_atime(path: Path) -> None:
    """Older than the mtime, so that a read is recorded also on a volume mounted with relatime."""
    modified = path.stat().st_mtime_ns
    os.utime(path, ns=(modified - 10**12, modified))


ALL_VERBS = """
import sys
from gatewaydoctor.cli.shell.main import main
for root in sys.argv[1].split(":"):
    for verb in sys.argv[2:]:
        assert main([verb, "--state-dir", root]) in (0, 1), verb
"""
LOCKED = """
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("select count(*) from session_nodes").fetchone()
"""


def test_the_kernel_is_asked_for_no_change(tmp_path: Path) -> None:
    roots = [scene(tmp_path / "states" / scene.__name__).root for scene in SCENES]
    named = traced(tmp_path, tmp_path / "states", ALL_VERBS, ":".join(map(str, roots)), *VERBS)
    opened = [line for line in named if call_of(line).startswith("open")]
    assert any("sessions.json" in line for line in opened), "the trace shows nothing of the work"
    assert any("mixed/state/openclaw.sqlite" in line for line in opened), "the trace shows nothing of the databases"
    assert changes(named) == []


def test_the_trace_would_show_a_change(tmp_path: Path) -> None:
    root = scenes.databases(tmp_path / "state").root
    written = traced(tmp_path, root, "import sys; open(sys.argv[1], 'a').write('x')", str(root / "new"))
    assert {call_of(line) for line in changes(written)} == {"openat", "write"}
    locked = traced(tmp_path, root, LOCKED, str(root / "agents/archive/agent/openclaw-agent.sqlite"))
    assert any(call_of(line) == "fcntl" for line in changes(locked))


def traced(tmp_path: Path, root: Path, program: str, *arguments: str) -> list[str]:
    """System calls of a Python program that name a path below `root`; descriptors are shown with their paths."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "trace"
    wanted = ",".join(f"?{call}" for call in ("open", "openat", "openat2", "fcntl", *CHANGES))
    strace = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={wanted}"]
    line = [*strace, sys.executable, "-c", program, *arguments]
    done = subprocess.run(line, capture_output=True, env=process_env(), timeout=60, check=False)
    if not log.exists() or "ptrace" in done.stderr.decode():
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr.decode()
    return [line for line in log.read_text().splitlines() if str(root) in line]


def call_of(line: str) -> str:
    found = re.match(r"(?:\d+\s+)?(\w+)\(", line)
    return found[1] if found else ""


def changes(lines: list[str]) -> list[str]:
    """The calls that write, create, rename or lock."""
    return [
        line
        for line in lines
        if call_of(line) in CHANGES
        or (call_of(line).startswith("open") and WRITING_FLAGS.search(line))
        or (call_of(line) == "fcntl" and LOCKING.search(line))
    ]


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("storm") / "D"
    made = make("issue-61633", root, now=NOW_MS)
    assert made.entries == 6_539
    return root


MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def peak_kb(*arguments: str) -> int:
    """Peak resident memory of one command line, in kB (macOS tells bytes)."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command(*arguments)], capture_output=True, env=process_env(), check=True
    )
    code, peak = map(int, re.findall(r"\d+", done.stdout.decode()))
    assert code == 0
    return peak // 1024 if sys.platform == "darwin" else peak


@pytest.mark.parametrize("verb", ["scan", "status"])
def test_185_mb_are_examined_in_60_mb(verb: str, storm: Path) -> None:
    assert peak_kb(verb, "--state-dir", str(storm)) < 60_000


def test_the_incident_is_told(storm: Path) -> None:
    """Acceptance 2 of the first issue: the figures of docs/incidents.md 61633, in the right cells."""
    document = spawn("scan", "--json", "--state-dir", str(storm)).document
    store = document["stores"][0]
    assert (store["entries"], store["readable"], store["layout"]) == (6_539, "yes", "canonical")
    jobs = {job["name"]: job for job in store["cron"]}
    assert {name: (job["runs"], job["status"]["running"]) for name, job in jobs.items() if job["runs"] > 1} == {
        "git-backup-night": (2_236, 2_085),
        "SSL price check": (2_211, 0),
        "morning-sleep-report": (2_075, 2_016),
    }
    assert jobs["git-backup-night"]["status"]["failed"] == 151
    assert jobs["morning-sleep-report"]["status"]["unknown"] == 59
    assert jobs["SSL price check"]["status"]["unknown"] == 2_211
    found = {finding["rule"]: finding for finding in document["findings"]}
    assert {"session-stuck-running", "cron-rapid-retry"} <= found.keys()
    assert found["session-stuck-running"]["consequence"]
