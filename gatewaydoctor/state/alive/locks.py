"""Judging lock files: does the process that made one still run? (gateway.md section 6; gateway.md, failures 9
and 10)"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.liveness import Liveness, LockPayload, LockVerdict
from gatewaydoctor.state.alive.programs import is_openclaw, is_runtime
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes, ProcessInfo

MAX_LOCK_BYTES = 64 * 1024
SLACK_MS = 2_000
"""Dates are compared with this tolerance: the boot time is known to the second, and clocks are corrected."""

# Other machines may write to these, so an owner that is not here may be there.
_NETWORK_TYPES: tuple[str, ...] = (
    *("nfs", "cifs", "smb", "ceph", "gluster", "lustre", "afs", "fuse."),
    *("9p", "virtiofs", "fakeowner", "vboxsf", "prl_fs", "drvfs"),  # shared with the host of a virtual machine
)


def parse_payload(data: bytes) -> LockPayload | None:
    """What a lock file says; None unless it is a JSON object. 2026.9.6 puts blanks behind the object."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return LockPayload(
        pid=_whole(value.get("pid")) or None,
        # Gateway locks write startTime, transcript locks starttime.
        start_time=_whole(value.get("startTime", value.get("starttime"))),
        created_at=_iso_ms(value.get("createdAt")),
        config_path=_text(value.get("configPath")),
        state_dir=_text(value.get("stateDir")),
        port=_whole(value.get("port")),
        role=_text(value.get("role")),
    )


def read_payload(fs: ReadFs, path: Path) -> LockPayload | None:
    """What the lock file there says; None where it cannot be read or names nothing."""
    try:
        return parse_payload(read_up_to(fs, path, MAX_LOCK_BYTES))
    except (OSError, ValueError):
        return None


_Judgement = tuple[Liveness, str, int | None]  # with the reason, and a live owner's pid


class LockJudge(Struct, dict=True):
    """Judges transcript, store and gateway locks against one reading of the process table, taken when first
    needed."""

    fs: ReadFs
    processes: Processes
    now: int

    def judge(self, path: Path) -> LockVerdict:
        """Live, dead or unknown by the owner's pid and start time. Age proves nothing: holds of many minutes are
        legal. Only an owner that cannot run any more, here or elsewhere, makes a lock dead. Never raises."""
        try:
            made_at = self.fs.lstat(path).mtime
            payload = parse_payload(read_up_to(self.fs, path, MAX_LOCK_BYTES))
        except FileNotFoundError:
            return LockVerdict(path, Liveness.DEAD, "it is gone")
        except OSError as error:
            return LockVerdict(path, Liveness.UNKNOWN, f"it cannot be read: {error.strerror or error}")
        if payload and payload.created_at is not None:
            made_at = payload.created_at
        liveness, reason, pid = self.owner(path, payload, made_at)
        return LockVerdict(path, liveness, reason, payload, self.now - made_at, pid)

    def owner(self, path: Path, payload: LockPayload | None, made_at: int) -> _Judgement:
        """The same of whatever names its owner, such as a row of the database at `path`."""
        absent = "it names no process"
        if payload and payload.pid is not None:
            absent = f"its owner, process {payload.pid}, has ended"
            info = self.processes.info(payload.pid)
            if info and (verdict := self._held_by(info, payload, made_at)):
                return verdict
            if pid := self._inner_owners.get((payload.pid, payload.start_time)):
                return Liveness.LIVE, f"its owner runs in a container: process {payload.pid} there, {pid} here", pid
            if info is None and self.processes.exists(payload.pid):
                return Liveness.UNKNOWN, f"process {payload.pid} exists and may not be inspected", None
        point, kind = mount_of(path, self.processes)
        if kind.startswith(_NETWORK_TYPES):
            return Liveness.UNKNOWN, f"its owner may run on another machine: it lies on a {kind} file system", None
        if self.processes.boot_time is not None and made_at < self.processes.boot_time - SLACK_MS:
            return Liveness.DEAD, "it was made before this machine last booted", None
        if payload is None or payload.pid is None:
            return Liveness.UNKNOWN, absent, None
        # In a container its own root is private to it; any other mount may be shared with one that cannot be seen.
        if not self.processes.first_namespace and point != "/":
            return Liveness.UNKNOWN, f"its owner, process {payload.pid}, may run in another container", None
        return Liveness.DEAD, absent, None

    def _held_by(self, info: ProcessInfo, payload: LockPayload, made_at: int) -> _Judgement | None:
        """The verdict where the present holder of the pid settles it; None where it cannot have made the lock."""
        if payload.start_time is not None and info.start_time is not None:
            if payload.start_time != info.start_time:
                return None
            if info.zombie:
                return Liveness.DEAD, f"its owner, process {info.pid}, has ended (zombie)", None
            return Liveness.LIVE, f"its owner, process {info.pid}, runs", info.pid
        # Locks made before 2026.3.2, and those of systems without /proc, have no start time: dates have to do.
        if info.zombie or (info.started_at is not None and info.started_at > made_at + SLACK_MS):
            return None
        argv = next((words for pid, words in self._command_lines if pid == info.pid), None)
        if argv and is_openclaw(argv):
            return Liveness.LIVE, f"process {info.pid} is OpenClaw and older than the lock", info.pid
        return Liveness.UNKNOWN, f"process {info.pid} is older than the lock and not known to be OpenClaw", None

    @cached_property
    def _command_lines(self) -> tuple[tuple[int, tuple[str, ...] | None], ...]:
        try:
            return tuple(self.processes.command_lines())
        except OSError:
            return ()

    @cached_property
    def _inner_owners(self) -> Mapping[tuple[int, int | None], int]:
        """Processes that have other pids in their containers: from inner pid and start time to the pid here."""
        found: dict[tuple[int, int | None], int] = {}
        for pid, argv in self._command_lines:
            if argv is None or not (is_runtime(argv) or is_openclaw(argv)):
                continue
            info = self.processes.info(pid)
            if info and info.start_time is not None and not info.zombie:
                found |= {(inner, info.start_time): pid for inner in self.processes.inner_pids(pid)[1:]}
        return found


def mount_of(path: Path, processes: Processes) -> tuple[str, str]:
    """Mount point and file system type a path lies on; ("/", "") where the mounts cannot be told."""
    inside = [row for row in processes.mounts if path.is_relative_to(row[0])]
    return max(reversed(inside), key=lambda row: len(row[0]), default=("/", ""))


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _iso_ms(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int(moment.timestamp() * 1000) if moment.tzinfo else None
