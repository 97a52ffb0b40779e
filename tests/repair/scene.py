"""A small state directory, a plan that uses every primitive on it, and what it must look like before and after."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from gatewaydoctor.examine.world import NoProgress
from gatewaydoctor.model.gateway.liveness import GatewayState, Liveness
from gatewaydoctor.model.repair.plan import Copy, Fingerprint, Move, NewBytes, Plan, Rewrite, Step, Summary
from gatewaydoctor.repair.drafting.summary import summarise
from gatewaydoctor.repair.vault.codec import with_id
from gatewaydoctor.repair.writing.tools import Permission, Tools
from gatewaydoctor.storage.files.sessions import read_sessions_file
from gatewaydoctor.storage.files.splice import Row, splice
from gatewaydoctor.system.processes import LinuxProcesses
from tests.repair.faults import FaultFs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Segment
    from gatewaydoctor.repair.writing.fs import OsWriteFs

DEAD = Permission(lambda: GatewayState(Liveness.DEAD, ()))
SESSIONS = "agents/main/sessions"
NOW = 1_775_000_000_000
_CLOCK = count(NOW)


class Alone(LinuxProcesses):
    """Nobody else has anything open. To ask every process of the machine, a thousand times a test, takes more time
    than the repairs."""

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        return iter(())


def tools(fs: OsWriteFs | None = None) -> Tools:
    return Tools(fs or FaultFs(), Alone(), lambda: next(_CLOCK), NoProgress())


def canonical(entries: dict[str, object]) -> bytes:
    """As the gateway writes a store."""
    return json.dumps(entries, indent=2, ensure_ascii=False).encode()


def tree(root: Path, *, vault: bool = False) -> dict[str, object]:
    """Names, bytes, modes and (for files) mtimes below a directory; without the vault unless asked."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not vault and name.split("/")[0] == ".gatewaydoctor":
            continue
        stat = path.lstat()
        if path.is_dir() and not path.is_symlink():
            found[name] = stat.st_mode
        else:
            content = (
                str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else "no file"
            )
            found[name] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def contents(root: Path) -> dict[str, object]:
    """The same without mtimes, and without what a run may have left beside its targets."""
    return _without_times(tree(root))


def _without_times(found: dict[str, object]) -> dict[str, object]:
    return {
        name: (value[0], value[2]) if isinstance(value, tuple) else value
        for name, value in found.items()
        if not name.rpartition("/")[2].startswith(".gatewaydoctor.")
    }


def fingerprint(root: Path, name: str, *, hashed: bool = True) -> Fingerprint:
    path = root / name
    stat = path.lstat()
    return Fingerprint(
        path=name,
        dev=stat.st_dev,
        ino=stat.st_ino,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        mode=stat.st_mode,
        uid=stat.st_uid,
        gid=stat.st_gid,
        nlink=stat.st_nlink,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest() if hashed else None,
    )


@dataclass(frozen=True)
class Scene:
    root: Path
    plan: Plan
    before: dict[str, object]
    after: dict[str, object]


STORE = canonical(
    {f"agent:main:cron:j:run:{n}": {"sessionId": f"r{n}", "updatedAt": n, "pad": "x" * 300} for n in range(40)}
    | {"agent:main:direct:ann": {"sessionId": "ann", "updatedAt": 5}}
)
TRIMMED = canonical({key: value for key, value in json.loads(STORE).items() if "run" not in key})


def make(root: Path) -> Scene:
    """Rewrites a store, cuts a transcript, makes a file, and moves three, of which one has a second name."""
    sessions = root / SESSIONS
    sessions.mkdir(parents=True)
    _write(sessions / "sessions.json", STORE, 0o640)
    _write(sessions / "ann.jsonl", b'{"type":"session","id":"ann"}\n{"torn', 0o600)
    for name in ("a", "b", "linked"):
        _write(sessions / f"{name}.jsonl", name.encode() * 50, 0o644)
    os.link(sessions / "linked.jsonl", root / "other-name")
    before = tree(root)
    return Scene(root, _plan(root), before, _after(before))


def _write(path: Path, data: bytes, mode: int) -> None:
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(NOW * 10**6 - 123_456_789, NOW * 10**6 - 987_654_321))


@cache
def _rewritten(name: str) -> tuple[tuple[Segment, ...], int, Summary, Summary]:
    """How the store becomes the trimmed one, its new size, and what both hold: the same for every scene."""
    read, trimmed = (read_sessions_file(io.BytesIO(each), len(each), "main") for each in (STORE, TRIMMED))
    kept = [entry for entry in read.table if entry.job_id is None]
    segments, size = splice((Row(0, e.start, e.value_start, e.end) for e in kept), {0})
    before, after = (Summary(stores=(summarise(each, name, "main"),)) for each in (read, trimmed))
    return segments, size, before, after


def _plan(root: Path) -> Plan:
    names = [f"{SESSIONS}/{name}" for name in ("sessions.json", "ann.jsonl")]
    moved = [f"{SESSIONS}/{name}.jsonl" for name in ("a", "b", "linked")]
    prints = [fingerprint(root, name) for name in names] + [fingerprint(root, name, hashed=False) for name in moved]
    segments, size, before, after = _rewritten(names[0])
    sound = len(b'{"type":"session","id":"ann"}\n')
    return with_id(
        Plan(
            created_at=NOW,
            state_dir=str(root),
            repairs=("trim",),
            fingerprints=tuple(prints),
            acts=(
                Rewrite(target=names[0], segments=segments, size=size, replaces=0, like=0),
                Rewrite(
                    target=names[1], segments=(Copy(1, 0, sound),), size=sound, replaces=1, like=1, keep_mtime=True
                ),
                Rewrite(target=f"{SESSIONS}/parked.json", segments=(NewBytes(b"[]\n"),), size=3, replaces=None),
                Move(source=2),
                Move(source=3),
                Move(source=4),
            ),
            steps=(Step(repair="trim", action="remove", target=names[0], reason="finished", bytes=9, count=40),),
            before=before,
            after=after,
        )
    )


def _after(before: dict[str, object]) -> dict[str, object]:
    found = _without_times(before)
    for name in ("a", "b", "linked"):
        del found[f"{SESSIONS}/{name}.jsonl"]
    mode = found[f"{SESSIONS}/sessions.json"][0]
    found[f"{SESSIONS}/sessions.json"] = (mode, TRIMMED)
    found[f"{SESSIONS}/ann.jsonl"] = (found[f"{SESSIONS}/ann.jsonl"][0], b'{"type":"session","id":"ann"}\n')
    found[f"{SESSIONS}/parked.json"] = (0o100600, b"[]\n")
    return found


def its_process_is_gone(root: Path) -> None:
    """The runs say that a process was at work on them that is no more: not this one, which only played its part."""
    for journal in (root / ".gatewaydoctor/runs").glob("*/journal"):
        journal.write_bytes(re.sub(rb'"pid":\d+', b'"pid":999999999', journal.read_bytes()))
