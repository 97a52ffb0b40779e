"""Making snippets, programs that misbehave, and running what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.harness import Ran, run, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent.parent
STATES = ROOT / "fixtures"
HOSTILE = 'it\'s "a" 100% $HOME $$(id) `id` ä;&|<b> {{ x }} ${{ y }} #!~*\\n'
"""A directory name with something for every kind of file to trip over."""
SHELLS = {
    "sh": ["/bin/sh"],
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh": ["ksh"],
    "yash": ["yash"],
}
PRESENT = list(
    {os.path.realpath(path): name for name, argv in SHELLS.items() if (path := shutil.which(argv[0]))}.values()
)
"""Each shell once, whatever names it has."""
LIMIT_S = 60
"""Plenty, on a slow machine."""


def snippet(*arguments: str, **environment: str) -> str:
    """What `integrate` prints on stdout, which must be all there is but warnings."""
    ran = spawn("integrate", *arguments, **environment)
    assert ran.code == 0, ran.err
    return ran.out


def refused(*arguments: str, **environment: str) -> str:
    """What `integrate` says where it prints nothing."""
    ran = run("integrate", *arguments, env=environment)
    assert (ran.code, ran.out) == (2, "")
    return ran.err


def execute(argv: Sequence[str], scratch: Path, env: Mapping[str, str] | None = None) -> Ran:
    """A command in a directory of its own. Its output goes to files, which a child that lives on does not hold up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCLAW_", "GATEWAYDOCTOR_"))}
    kept |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    out, err = scratch / "stdout", scratch / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        code = subprocess.run(argv, cwd=scratch, env=kept, stdout=stdout, stderr=stderr, timeout=60, check=False)
    return Ran(code.returncode, out.read_text(), err.read_text())


def state(name: str, directory: Path) -> str:
    """A copy of the state directory of a fixture."""
    shutil.copytree(STATES / name / "state", directory)
    return str(directory)


def program(path: Path, body: str = f'exec "{sys.executable}" -m gatewaydoctor "$@"') -> str:
    """A program of this name; by default it is gatewaydoctor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@dataclass(frozen=True)
class Scene:
    """A state directory and a program, what then becomes of a start, and what is said about it."""

    fixture: str
    body: str | None = None
    starts: bool = True
    said: str = ""
    gate: str | None = None

    def program(self, path: Path) -> str:
        return program(path) if self.body is None else program(path, self.body)

    @property
    def code(self) -> int:
        return 0 if self.starts else STOPPED

    @property
    def env(self) -> dict[str, str]:
        return {} if self.gate is None else {"GATEWAYDOCTOR_GATE": self.gate}


STOPPED = 78
SCENES = {
    "healthy": Scene("healthy"),
    "would-lose-data": Scene("store-unparseable", starts=False, said="gate: not starting"),
    "warnings-alone": Scene("store-bloat", said="gate: ok"),
    "switched-off": Scene("store-unparseable", gate="off", said="switched off by GATEWAYDOCTOR_GATE"),
    "switched-on": Scene("store-unparseable", gate="on", starts=False, said="repair salvage --state-dir"),
    "broken": Scene("store-unparseable", body="exit 1"),
    "usage-error": Scene("store-unparseable", body="exit 2"),
    "bug": Scene("store-unparseable", body="exit 70"),
    "missing": Scene("store-unparseable", body="exit 127"),
    "not-executable": Scene("store-unparseable", body="exit 126"),
    "killed": Scene("store-unparseable", body="kill -9 $$"),
    "nothing-left-to-lose": Scene("damage-empty", starts=False, said="explain store-unparseable"),
    "gateway-refuses-by-itself": Scene("era-sqlite-torn-leftover", starts=False, said="refuses to start (exit 78)"),
    "nothing-can-mend-it": Scene("store-not-object", starts=False, said="start anyway: GATEWAYDOCTOR_GATE=off"),
}
SOME = {name: SCENES[name] for name in ("healthy", "would-lose-data", "switched-off", "broken", "killed")}
"""One for each way the gate can go, for those who only pass it on."""
