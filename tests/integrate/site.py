"""Making snippets, programs that misbehave, and running what came out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.harness import Ran, spawn

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
LIMIT_S = 1


def snippet(*arguments: str, **environment: str) -> str:
    """What `integrate` prints on stdout, which must be all there is but warnings."""
    ran = spawn("integrate", *arguments, **environment)
    assert ran.code == 0, ran.err
    return ran.out


def refused(*arguments: str, **environment: str) -> str:
    """What `integrate` says where it prints nothing."""
    ran = spawn("integrate", *arguments, **environment)
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
    def limit(self) -> int:
        """Seconds: few where there is nothing to wait for, plenty on a slow machine."""
        return LIMIT_S if self.body and "sleep" in self.body else 30

    @property
    def env(self) -> dict[str, str]:
        return {} if self.gate is None else {"GATEWAYDOCTOR_GATE": self.gate}


SCENES = {
    "healthy": Scene("healthy"),
    "would-lose-data": Scene("store-unparseable", starts=False, said="a start now would lose data"),
    "warnings-alone": Scene("store-bloat"),
    "switched-off": Scene("store-unparseable", gate="off", said="GATEWAYDOCTOR_GATE=off, starting without a check"),
    "switched-on": Scene("store-unparseable", gate="on", starts=False, said="repair --state-dir"),
    "broken": Scene("store-unparseable", body="exit 1", said="is broken"),
    "usage-error": Scene("store-unparseable", body="exit 2", said="exit code 2"),
    "bug": Scene("store-unparseable", body="exit 70", said="exit code 70"),
    "missing": Scene("store-unparseable", body="exit 127", said="cannot be run"),
    "not-executable": Scene("store-unparseable", body="exit 126", said="cannot be run"),
    "hangs": Scene("store-unparseable", body="exec sleep 50", said=f"no answer within {LIMIT_S} seconds"),
    "hangs-the-second-time": Scene(
        "store-unparseable", body='case "$*" in *--help) exec sleep 50 ;; esac; exit 1', said="is broken"
    ),
    "killed-the-second-time": Scene(
        "store-unparseable", body='case "$*" in *--help) kill -9 $$ ;; esac; exit 1', said="is broken"
    ),
    "nothing-left-to-lose": Scene("damage-empty", starts=False, said="if it recovers nothing:"),
    "gateway-refuses-by-itself": Scene(
        "era-sqlite-torn-leftover", starts=False, said="or the gateway would refuse it"
    ),
    "nothing-can-mend-it": Scene("store-not-object", starts=False, said="and start all the same:"),
    "hangs-in-a-child": Scene("store-unparseable", body="sleep 5; exit 1", said=f"within {LIMIT_S} seconds"),
}
SOME = {name: SCENES[name] for name in ("healthy", "would-lose-data", "switched-off", "broken", "hangs")}
"""One for each way the gate can go, for those who only pass it on."""
