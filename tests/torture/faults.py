"""The faults of faults.c, and one command line with one of them, in a process of its own."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.harness import run

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).with_name("faults.c")


class Fault(IntEnum):
    """What becomes of the call whose turn it is; of all that need room, from it on, where the disk stays full."""

    EIO = 1
    ENOSPC = 2
    EROFS = 3
    EINTR = 4
    SHORT_WRITE = 5
    KILL_BEFORE = 6
    KILL_AFTER = 7
    STAYS_FULL = 8


@dataclass(frozen=True)
class Outcome:
    """`code` is the exit code, None where the process was killed. `calls` that changed files below the directory,
    None where it did not live to tell. `met`: whether the fault came up. `said` is all that was printed."""

    code: int | None
    calls: int | None
    met: bool
    said: str


def built(directory: Path) -> Path:
    """faults.c as a library. Raises CalledProcessError without a C compiler."""
    library = directory / "faults.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-Wall", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True
    )
    return library


def outcome(words: Sequence[str], root: Path, fault: Fault | None, number: int, note: Path) -> Outcome:
    """One command line with the fault at its call `number`, counted from 1, below `root`. This process must have
    been started with the library in LD_PRELOAD. The child tells its end through the file `note`."""
    note.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        _in_child(words, root, fault, number, note)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Outcome(None, None, True, "")
    told = json.loads(note.read_bytes()) if note.exists() else {}
    return Outcome(
        told.get("code", 70), told.get("calls"), bool(told.get("met")), told.get("said", f"exit status {status}")
    )


def _in_child(words: Sequence[str], root: Path, fault: Fault | None, number: int, note: Path) -> None:
    library = ctypes.CDLL(None)
    library.torture_count.restype = ctypes.c_long
    library.torture_arm(os.fsencode(root), ctypes.c_long(number if fault else 0), ctypes.c_int(fault or 0))
    try:
        ran = run(*words)
        calls, met = library.torture_count(), bool(library.torture_met())
        library.torture_arm(b"", ctypes.c_long(0), ctypes.c_int(0))
        note.write_text(json.dumps({"code": ran.code, "calls": calls, "met": met, "said": ran.out + ran.err}))
    finally:
        os._exit(0)
