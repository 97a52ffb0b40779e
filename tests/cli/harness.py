"""Running the command line, in this process or as one of its own, on a machine whose facts the test decides."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from unittest.mock import patch

from gatewaydoctor.cli.shell.main import main
from gatewaydoctor.system.fs import DiskSpace, FileStat, OsReadFs
from tests.state.fakes import FakeProcesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOW = "2026-04-02T09:00:00Z"
NOW_MS = 1_775_120_400_000
EXAMINING = ("scan", "status", "cron", "stuck", "migration", "orphans", "subagents", "usage", "sessions")
"""Verbs that look at a state directory and take no argument of their own."""


@dataclass(frozen=True)
class Ran:
    """What a run left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


class PlainFs(OsReadFs):
    """The real file system on a disk of a fixed size, without the gateway locks of whoever else uses this machine."""

    def names(self, directory: Path) -> Iterator[str]:
        if directory.name.startswith("openclaw-") and directory.parent == Path("/tmp"):
            raise FileNotFoundError(2, "No such file or directory", str(directory))
        return super().names(directory)

    def space(self, path: Path) -> DiskSpace:
        super().space(path)
        return DiskSpace(500_000_000_000, 120_000_000_000, 30_000_000)


class ElsewhereFs(PlainFs):
    """Shows the tree below `real` as if it stood at `shown`, so that output does not depend on where a test runs."""

    def __init__(self, real: Path, shown: Path) -> None:
        self.real = real.resolve()
        self.shown = shown

    def _real(self, path: Path) -> Path:
        return self.real / path.relative_to(self.shown) if path.is_relative_to(self.shown) else path

    def stat(self, path: Path) -> FileStat:
        return super().stat(self._real(path))

    def lstat(self, path: Path) -> FileStat:
        return super().lstat(self._real(path))

    def names(self, directory: Path) -> Iterator[str]:
        return super().names(self._real(directory))

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        return iter(sorted(super().entries(self._real(directory)), key=lambda row: row[0]))

    def open(self, path: Path) -> BinaryIO:
        return super().open(self._real(path))

    def readlink(self, path: Path) -> str:
        return super().readlink(self._real(path))

    def realpath(self, path: Path) -> Path:
        found = super().realpath(self._real(path))
        return self.shown / found.relative_to(self.real) if found.is_relative_to(self.real) else found

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        return super().head_and_tail(self._real(path), head, tail)

    def space(self, path: Path) -> DiskSpace:
        return super().space(self._real(path))


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@dataclass
class Machine:
    """`terminal`: stdout claims to be one that takes colours. `width` is COLUMNS."""

    fs: OsReadFs = field(default_factory=PlainFs)
    processes: FakeProcesses = field(default_factory=FakeProcesses)
    listening: bool = False
    width: int = 80
    terminal: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None

    def run(self, *arguments: str) -> Ran:
        """One command line through main(), as the console script calls it."""
        out = (_Terminal if self.terminal else io.TextIOWrapper)(io.BytesIO(), encoding="utf-8", newline="")
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        env = {"HOME": "/home/operator", "PATH": os.environ["PATH"], "COLUMNS": str(self.width), "TERM": "xterm"}
        env |= self.env
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, env, clear=True))
            # The command that applies a plan is shown as it was typed, and its length decides what fits the screen.
            stack.enter_context(patch.object(sys, "argv", ["gatewaydoctor", *arguments]))
            stack.enter_context(patch("gatewaydoctor.cli.shell.run.OsReadFs", lambda: self.fs))
            stack.enter_context(patch("gatewaydoctor.cli.shell.run.machine_now", lambda: NOW_MS))
            # The files of a test may be newer than its clock.
            stack.enter_context(patch("gatewaydoctor.cli.shell.examining.goes_by_machine", lambda _: False))
            stack.enter_context(patch("gatewaydoctor.cli.shell.examining.system_processes", lambda: self.processes))
            stack.enter_context(patch("gatewaydoctor.cli.shell.examining.host_memory", lambda: self.memory))
            stack.enter_context(patch("gatewaydoctor.cli.shell.examining.probe_port", lambda _: self.listening))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            code = main(list(arguments))
        return Ran(int(code), _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8")


def run(*arguments: str, **machine: Any) -> Ran:
    """One command line on an ordinary machine without a gateway."""
    return Machine(**machine).run(*arguments)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gatewaydoctor", *arguments]


def process_env(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCLAW_", "GATEWAYDOCTOR_"))}
    return kept | {"COLUMNS": "80", **more}


def spawn(*arguments: str, **more: str) -> Ran:
    """One command line in a process of its own."""
    done = subprocess.run(command(*arguments), capture_output=True, env=process_env(**more), timeout=60, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
