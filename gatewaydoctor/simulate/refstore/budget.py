"""The disk budget: which files and rows go when a sessions directory outgrows maxDiskBytes (gateway.md section 5)."""

# The gateway resolves paths as text; Path would tidy them on the way.
# ruff: noqa: PTH108, PTH113, PTH116
from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatewaydoctor.simulate.refstore import files, js
from gatewaydoctor.simulate.refstore.archive import identity
from gatewaydoctor.simulate.refstore.maintain import is_preserved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gatewaydoctor.simulate.refstore.files import SessionsDir


@dataclass(frozen=True, slots=True)
class DirFile:
    """A regular file of the directory. mtime in ns, size in bytes."""

    path: str
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """Bytes before and after, the files deleted and the keys dropped."""

    bytes_before: int
    bytes_after: int
    over: bool
    removed_files: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()


@dataclass(slots=True)
class _Spending:
    """The running total while things go; `dry` deletes nothing."""

    total: int
    target: int
    dry: bool
    files: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        return self.total <= self.target

    def delete(self, path: str) -> None:
        self.total -= _delete(path, self.files, dry=self.dry)


def enforce_budget(
    folder: SessionsDir,
    store: dict[str, Any],
    store_path: str,
    *,
    max_bytes: int,
    high_water: int,
    active_key: str | None = None,
    preserve: Collection[str] = (),
    warn_only: bool = False,
    dry: bool = False,
) -> BudgetReport:
    """Delete the oldest unreferenced files, then the oldest rows with their transcripts, down to `high_water`.

    Rows leave `store` in place, also when `dry`. The store counts at the size it would be written with.
    Raises GatewayTypeError on a null row or a malformed checkpoint, as the release does.
    """
    listed = list_files(folder.path)
    projected = len(js.stringify(store).encode())
    store_now = sum(item.size for item in listed if files.real(item.path) == files.real(store_path))
    before = sum(item.size for item in listed) - store_now + projected
    if before <= max_bytes or warn_only:
        return BudgetReport(before, before, over=before > max_bytes)
    spending = _Spending(before, high_water, dry)
    referenced = referenced_files(folder, store)
    for item in sorted(listed, key=lambda item: item.mtime_ns):
        if spending.enough:
            break
        if files.is_archive(item.name) or is_unreferenced(folder, item, referenced):
            spending.delete(item.path)
    if not spending.enough:
        _drop_rows(folder, store, projected, spending, active_key, preserve)
    return BudgetReport(before, spending.total, True, tuple(spending.files), tuple(spending.keys))


def referenced_files(folder: SessionsDir, store: Mapping[str, Any]) -> set[str]:
    """Real paths of every transcript, trajectory and checkpoint the rows name."""
    found: set[str] = set()
    for entry in store.values():
        found.update(files.real(path) for path in artifact_files(folder, entry))
        if folder.policy.checkpoints:
            found.update(_checkpoint_files(folder, entry))
    return found


def artifact_files(folder: SessionsDir, entry: Any) -> list[str]:
    """The transcript of a row, with its trajectory files where the release knows them; empty if outside."""
    if entry is None:
        raise js.GatewayTypeError("cannot read properties of null")
    session_id = js.get(entry, "sessionId")
    if not js.truthy(session_id):
        return []
    try:
        transcript = files.real(folder.session_file(session_id, js.get(entry, "sessionFile")))
    except (files.PathRefused, js.GatewayTypeError):
        return []
    if not folder.contains(transcript):
        return []
    return [transcript, *(files.trajectory_files(transcript) if folder.policy.trajectories else ())]


def is_unreferenced(folder: SessionsDir, item: DirFile, referenced: Collection[str]) -> bool:
    """Whether the release takes the file for a session file that no row names."""
    if files.real(item.path) in referenced:
        return False
    policy = folder.policy
    return (
        files.is_primary(item.name, policy)
        or (policy.checkpoints and files.is_checkpoint(item.name))
        or (policy.trajectories and files.is_trajectory(item.name))
    )


def prune_unreferenced(
    folder: SessionsDir, store: Mapping[str, Any], *, now_ms: int, max_age_ms: int, dry: bool = False
) -> list[str]:
    """Delete unreferenced session files last written `max_age_ms` ago or earlier; returns their real paths."""
    deleted: list[str] = []
    referenced = referenced_files(folder, store)
    for item in list_files(folder.path):
        if item.mtime_ns <= (now_ms - max_age_ms) * 1_000_000 and is_unreferenced(folder, item, referenced):
            _delete(item.path, deleted, dry=dry)
    return deleted


def list_files(directory: str) -> list[DirFile]:
    """The regular files of a directory by name, links left out; empty where it cannot be listed."""
    try:
        with os.scandir(directory) as found:
            items = [item for item in found if item.is_file(follow_symlinks=False)]
    except OSError:
        return []
    items.sort(key=lambda item: os.fsencode(item.name))
    return [
        DirFile(item.path, item.name, stat.st_size, stat.st_mtime_ns)
        for item in items
        if (stat := item.stat(follow_symlinks=False))
    ]


def _delete(path: str, deleted: list[str], *, dry: bool) -> int:
    """Delete a file not deleted before and note its real path; bytes freed. Empty files go unnoted."""
    real = files.real(path)
    if real in deleted or not os.path.isfile(path):
        return 0
    size = os.stat(path).st_size
    if not dry:
        os.unlink(path)
    if size > 0:
        deleted.append(real)
    return size


def _drop_rows(
    folder: SessionsDir,
    store: dict[str, Any],
    projected: int,
    spending: _Spending,
    active_key: str | None,
    preserve: Collection[str],
) -> None:
    active = js.lower_text(active_key)
    holders = _count_holders(store.values())
    for key in js.by_number(store, key=lambda key: _finite_age(store[key]), descending=False):
        if spending.enough:
            return
        entry = store[key]
        if (active and js.lower_text(key) == active) or not js.truthy(entry):
            continue
        if is_preserved(key, entry, folder.policy, preserve):
            continue
        del store[key]
        spending.keys.append(key)
        smaller = max(2, projected - _row_bytes(key, entry) - 2)
        spending.total += smaller - projected
        projected = smaller
        session_id = js.get(entry, "sessionId")
        if not js.truthy(session_id):
            continue
        mark = identity(session_id)
        holders[mark] -= 1
        if holders[mark] == 0:
            for path in artifact_files(folder, entry):
                spending.delete(path)


def _row_bytes(key: str, entry: Any) -> int:
    """Bytes of one row's lines in the written store, without the comma and newline that part it from the next."""
    return len(js.stringify({key: entry}).encode()) - 4


def _count_holders(entries: Iterable[Any]) -> dict[tuple[str, Any], int]:
    counts: dict[tuple[str, Any], int] = {}
    for entry in entries:
        session_id = js.get(entry, "sessionId")
        if js.truthy(session_id):
            counts[identity(session_id)] = counts.get(identity(session_id), 0) + 1
    return counts


def _finite_age(entry: Any) -> float:
    updated_at = js.get(entry, "updatedAt")
    return float(updated_at) if js.is_finite(updated_at) else 0.0


def _checkpoint_files(folder: SessionsDir, entry: Any) -> list[str]:
    checkpoints = js.get(entry, "compactionCheckpoints")
    if js.is_nullish(checkpoints):
        return []
    if not isinstance(checkpoints, (list, str)):
        raise js.GatewayTypeError("compactionCheckpoints is not iterable")
    found: list[str] = []
    for checkpoint in checkpoints:
        before = js.get(checkpoint, "preCompaction")
        if js.is_nullish(before):
            raise js.GatewayTypeError("cannot read properties of undefined")
        named = js.get(before, "sessionFile")
        path = "" if js.is_nullish(named) else js.trim(named)
        if path and folder.contains(path):
            found.append(files.real(path))
    return found
