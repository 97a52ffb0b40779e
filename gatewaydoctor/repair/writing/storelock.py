"""The gateway's own locks (gateway.md section 6): of a store, as 2026.3.13 to 4.25 take it, and of a transcript."""

from __future__ import annotations

import errno
import json
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.repair.writing.errors import LockUnknown, StoreLocked
from gatewaydoctor.repair.writing.guard import lstat_or_none, target_of
from gatewaydoctor.repair.writing.stream import FileAttributes, write_whole
from gatewaydoctor.state.alive.locks import MAX_LOCK_BYTES, LockJudge, parse_payload
from gatewaydoctor.system.fs import can_exist
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.gateway.liveness import LockVerdict
    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.repair.writing.tools import Tools


TRANSCRIPT = ".jsonl"


def lock_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")


@contextmanager
def holding(
    tools: Tools, store: Path, beside: Path, *, going_back: bool, operator_says_stopped: bool
) -> Iterator[None]:
    """Hold the store's lock while its file is swapped; `next to` is a free name for making it, so that half a lock is
    never seen. A lock whose owner is dead, proven or by the operator's word, keeps nothing out: it stays where it is.
    Raises StoreLocked for any other. On the way back a lock that cannot be made, on a full disk for one, is done
    without, and one whose name no file can have is none: no gateway can take it either."""
    if not can_exist(lock_of(store)):
        yield
        return
    try:
        taken = _take(tools, lock_of(store), beside, operator_says_stopped=operator_says_stopped)
    except OSError:
        if not going_back:
            raise
        taken = False
    try:
        yield
    finally:
        if taken:
            tools.fs.unlink(lock_of(store))


def check_locks(tools: Tools, plan: Plan, *, operator_says_stopped: bool) -> None:
    """Raises StoreLocked where a process holds a store or a transcript that the plan changes, before anything is
    written."""
    judge = LockJudge(tools.fs, tools.processes, tools.clock())
    for path in _locked_by(plan):
        if _is_there(tools, path):
            _keeps_out(tools, judge.judge(path), operator_says_stopped=operator_says_stopped)


def _is_there(tools: Tools, path: Path) -> bool:
    """Whether there is such a lock. One of a store behind a symbolic link does not matter: no plan changes that."""
    try:
        return lstat_or_none(tools.fs, path) is not None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def _locked_by(plan: Plan) -> Iterator[Path]:
    state_dir = Path(plan.state_dir)
    if plan.lock_stores:
        yield from (lock_of(state_dir / store.path) for store in plan.after.stores)
    targets = (target_of(act, plan) for act in plan.acts)
    yield from (lock_of(state_dir / target) for target in targets if target.endswith(TRANSCRIPT))


def _keeps_out(tools: Tools, verdict: LockVerdict, *, operator_says_stopped: bool) -> None:
    """Raises StoreLocked for a lock whose owner lives, and for one that cannot be checked without the operator's
    assertion."""
    if verdict.pid == tools.processes.own_pid:
        return
    if verdict.liveness is Liveness.LIVE:
        raise StoreLocked(f"{verdict.path} is held: {verdict.reason}.", "Stop whatever holds it first.")
    if verdict.liveness is Liveness.UNKNOWN and not operator_says_stopped:
        raise LockUnknown(
            f"Cannot tell whether {verdict.path} is held: {verdict.reason}.",
            "If you know nothing uses it, add --gateway-stopped.",
        )


def _take(tools: Tools, path: Path, beside: Path, *, operator_says_stopped: bool) -> bool:
    with suppress(FileNotFoundError):
        tools.fs.unlink(beside)  # a crash left it
    write_whole(tools.fs, beside, _payload(tools), FileAttributes())
    try:
        tools.fs.rename_new(beside, path)
    except FileExistsError:
        tools.fs.unlink(beside)
        verdict = LockJudge(tools.fs, tools.processes, tools.clock()).judge(path)
        _keeps_out(tools, verdict, operator_says_stopped=operator_says_stopped)
        # Our own, which could not be removed before, or one that no process holds.
        return verdict.payload is not None and verdict.pid == tools.processes.own_pid
    return True


def _payload(tools: Tools) -> bytes:
    own = tools.processes.info(tools.processes.own_pid)
    created = datetime.fromtimestamp(tools.clock() / 1000, UTC).isoformat(timespec="milliseconds")
    value = {"pid": tools.processes.own_pid, "createdAt": created.replace("+00:00", "Z")}
    if own is not None and own.start_time is not None:
        value["starttime"] = own.start_time
    return json.dumps(value).encode()


def drop_leftover(tools: Tools, store: Path, pids: frozenset[int]) -> None:
    """Remove a lock that this run left: it names one of `pids`, and that process is gone or is this one."""
    path = lock_of(store)
    with suppress(FileNotFoundError):
        payload = parse_payload(read_up_to(tools.fs, path, MAX_LOCK_BYTES))
        if payload is None or payload.pid not in pids:
            return
        verdict = LockJudge(tools.fs, tools.processes, tools.clock()).judge(path)
        if verdict.liveness is Liveness.DEAD or verdict.pid == tools.processes.own_pid:
            tools.fs.unlink(path)
