"""System calls of whole runs over databases: nothing below the state directory is created, changed or locked."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .cutoff import stats
from .made import AGENT, STATE, Made, connect, insert, node

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_796_000_000_000
STRACE = shutil.which("strace")
NOBODY = 65534
CHANGING = (
    "creat|mkdir|mkdirat|mknod|mknodat|unlink|unlinkat|rmdir|rename|renameat|renameat2|link|linkat|symlink|symlinkat|"
    "truncate|ftruncate|fallocate|chmod|fchmod|fchmodat|chown|fchown|lchown|fchownat|utime|utimes|utimensat|futimesat|"
    "setxattr|fsetxattr|removexattr|pwrite64|pwritev|write|writev|sendfile|copy_file_range|flock|fcntl|open|openat|"
    "mmap|msync|ioctl"
)
_CALL = re.compile(r"\b(\w+)\(")
_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE")
_LOCKING = re.compile(r"F_SETLK|F_OFD_SETLK|F_SETLEASE")
VERBS = (
    ("scan",),
    ("check", "--verify"),
    ("status",),
    ("cron",),
    ("stuck",),
    ("sessions",),
    ("forecast",),
    ("migration",),
    ("scan", "--json", "--redact"),
)


def wrong_calls(trace: str, below: str) -> list[str]:
    """Lines of a trace with paths of every descriptor that change, create or lock something below a directory."""
    return [line for line in trace.splitlines() if below in line and _changes(line, below)]


def _changes(line: str, below: str) -> bool:
    call = _CALL.search(line)
    match call[1] if call else "":
        case "open" | "openat":
            return bool(_WRITING.search(line))
        case "fcntl":
            return bool(_LOCKING.search(line))
        case "mmap":
            return "PROT_WRITE, MAP_SHARED" in line
        case "write" | "writev":  # what is printed may name the directory
            return bool(re.search(rf"\((\d+)<{re.escape(below)}", line))
        case "execve" | "ioctl" | "":
            return False
        case _:
            return True


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory).resolve()


@pytest.fixture(params=["stopped", "crashed", "running"])
def state(request: pytest.FixtureRequest, open_path: Path) -> Path:
    """A directory whose gateway closed its databases, was killed over full logs, or has them open."""
    root = open_path / "state-dir"
    (root / "agents/main/sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"mode": "local"}}')
    paths = [root / "agents/main/agent/openclaw-agent.sqlite", root / "state/openclaw.sqlite"]
    Made(paths[0], AGENT, 17)
    Made(paths[1], STATE, 12)
    writers = [connect(path) for path in paths]
    for writer in writers:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
    for number in range(30):
        node(writers[0], f"agent:main:telegram:direct:{number}", "done", at=NOW)
    insert(writers[1], "schema_meta", meta_key="primary", role="global", schema_version=12)
    if request.param == "crashed":
        for path in paths:
            for suffix in ("", "-wal", "-shm"):
                shutil.copyfile(f"{path}{suffix}", f"{path}{suffix}.kept")
    if request.param != "running":
        for writer in writers:
            writer.close()
    if request.param == "crashed":
        for kept in root.rglob("*.kept"):
            kept.replace(kept.with_suffix(""))
    else:
        request.addfinalizer(lambda: [writer.close() for writer in writers])
    return root


def test_the_test_sees_what_sqlite_itself_does(state: Path) -> None:
    """A connection of SQLite leaves calls that are found: else these tests could not fail."""
    if STRACE is None:
        pytest.skip("strace is not here")
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    read = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('SELECT count(*) FROM session_nodes').fetchall()"
    assert wrong_calls(_traced([sys.executable, "-c", read], state.parent, None), str(state))


@pytest.mark.parametrize("user", [None, NOBODY])
def test_no_run_changes_creates_or_locks_anything(state: Path, user: int | None) -> None:
    if STRACE is None:
        pytest.skip("strace is not here")
    python = sys.executable if user is None else _open_to_all(state)
    for verb in VERBS if user is None else VERBS[:2]:
        before = _stats(state)
        command = [python, "-m", "gatewaydoctor", *verb, "--state-dir", str(state), "--now", str(NOW)]
        trace = _traced(command, state.parent, user)
        assert "gatewaydoctor" in trace
        assert wrong_calls(trace, str(state)) == [], verb
        assert _stats(state) == before, verb


def _traced(command: list[str], scratch: Path, user: int | None) -> str:
    out = scratch / "trace.txt"
    out.unlink(missing_ok=True)
    assert STRACE is not None
    traced = [STRACE, "-f", "-y", "-s", "4096", "-o", str(out), "-e", f"trace={CHANGING.replace('|', ',')},execve"]
    if user is not None:
        out.touch()
        out.chmod(0o666)
    done = subprocess.run(
        [*traced, *command], env=_env(scratch), capture_output=True, text=True, check=False, user=user
    )
    if "ptrace" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode in (0, 1), done.stderr
    return out.read_text(errors="replace")


def _open_to_all(state: Path) -> str:
    """Let another user read everything; gives a Python that user can run this checkout with."""
    if os.geteuid() != 0:
        pytest.skip("only root can run this as another user")
    for path in (state, *state.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        probe = [python, "-c", "import gatewaydoctor, apsw, msgspec, typer"]
        with suppress(OSError):
            if subprocess.run(probe, user=NOBODY, env=_env(state.parent), check=False).returncode == 0:
                return python
    pytest.skip("another user cannot run this checkout")


def _env(scratch: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path, "HOME": str(scratch)}


def _stats(state: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    return {str(path): stats(path) for path in (state, *state.rglob("*")) if path.is_dir()}


def test_a_database_that_is_open_stays_usable(state: Path) -> None:
    """No lock is left behind that would keep a gateway from writing."""
    path = state / "agents/main/agent/openclaw-agent.sqlite"
    command = [sys.executable, "-m", "gatewaydoctor", "scan", "--state-dir", str(state), "--now", str(NOW)]
    subprocess.run(command, check=True, capture_output=True)
    with closing(sqlite3.connect(path, timeout=0)) as database:
        assert database.execute("DELETE FROM session_nodes").rowcount == 30
