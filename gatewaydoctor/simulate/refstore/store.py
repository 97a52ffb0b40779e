"""A session store as one release of the gateway keeps it: load, save with maintenance, `sessions cleanup`."""

# The gateway resolves paths as text; Path would tidy them on the way.
# ruff: noqa: PTH103, PTH104, PTH105, PTH108, PTH116, PTH119, PTH120, PTH208
from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import archive, files, js
from gatewaydoctor.simulate.refstore.budget import BudgetReport, enforce_budget, prune_unreferenced
from gatewaydoctor.simulate.refstore.files import SessionsDir
from gatewaydoctor.simulate.refstore.maintain import cap, preserved_keys, prune
from gatewaydoctor.simulate.refstore.normalise import migrate, normalise
from gatewaydoctor.simulate.refstore.policy import Mode, Rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from gatewaydoctor.simulate.refstore.policy import Maintenance, Policy

MAX_BACKUPS: Final = 3


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What one save did. Paths are absolute; `written` is the file's new size in bytes, None if left as it was."""

    rows_before: int
    rows_after: int
    pruned: tuple[str, ...] = ()
    capped: tuple[str, ...] = ()
    archived: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rotated_to: str | None = None
    budget: BudgetReport | None = None
    written: int | None = None


class ReferenceStore:
    """`sessions.json` at `path`, kept as `policy` keeps it under `maintenance`. `clock` gives epoch ms.

    Times, names and bytes on disk are the release's own; so are its faults: an unreadable file loads as empty and
    is overwritten by the next save.
    """

    def __init__(
        self, path: Path, policy: Policy, maintenance: Maintenance, clock: Callable[[], int] | None = None
    ) -> None:
        self.path = files.resolve(str(path))
        self.policy = policy
        self.maintenance = maintenance
        self.clock = clock or _now_ms
        self.folder = SessionsDir(os.path.dirname(self.path), policy)
        self._serialized: str | None = None

    def load(self) -> dict[str, Any]:
        """The rows as the gateway sees them; empty where it cannot read the file.

        Raises RecursionError on rows nested deeper than about 900 levels, which the gateway still reads.
        """
        store, self._serialized = self._read()
        migrated = migrate(store)
        if self.policy.load_normalises and (normalise(store, self.policy) or migrated) and self.policy.typed_entries:
            self._serialized = None
        settings = self.maintenance
        enforcing = self.policy.load_maintains and settings.mode is Mode.ENFORCE
        if enforcing and len(store) > settings.max_entries:
            self._prune_and_cap(store, settings, preserve=frozenset(), force=True)
            self._serialized = None
        return store

    def save(self, store: dict[str, Any], *, active_key: str | None = None, mode: Mode | None = None) -> SaveReport:
        """Maintain and write `store`, which is changed in place. `mode` overrides the settings and forces the cap.

        Raises GatewayTypeError on rows the release itself trips over: the store's bytes stay, though transcripts may
        be archived by then.
        """
        report = self._maintained(store, active_key, mode)
        return replace(report, written=self._write(js.stringify(store)))

    def update(self, change: Callable[[dict[str, Any]], None], *, active_key: str | None = None) -> SaveReport:
        """Load, change, save: what the gateway does for every new session and every finished turn."""
        steps = self.update_in_steps(change, active_key=active_key)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                report: SaveReport = end.value
                return report

    def update_in_steps(
        self, change: Callable[[dict[str, Any]], None], *, active_key: str | None = None
    ) -> Generator[None, None, SaveReport]:
        """The same with a pause between reading, maintaining, serialising and writing. `change` comes after the first
        pause, so that rows which arrive meanwhile can join."""
        with self._lock():
            store = self.load()
            yield
            change(store)
            report = self._maintained(store, active_key, None)
            yield
            text = js.stringify(store)
            yield
            return replace(report, written=self._write(text))

    def cleanup(self, *, enforce: bool, active_key: str | None = None) -> SaveReport:
        """`openclaw sessions cleanup [--enforce]`: a preview, which may throw, then one forced save."""
        mode = Mode.ENFORCE if enforce else self.maintenance.mode
        self._preview(self.load(), active_key)
        with self._lock():
            report = self.save(self.load(), active_key=active_key, mode=mode)
        if not (self.policy.cleanup_prunes_files and mode is Mode.ENFORCE):
            return report
        pruned = prune_unreferenced(
            self.folder, self.load(), now_ms=self.clock(), max_age_ms=self.maintenance.prune_after_ms
        )
        return replace(report, deleted=(*report.deleted, *pruned))

    def _maintained(self, store: dict[str, Any], active_key: str | None, mode: Mode | None) -> SaveReport:
        normalise(store, self.policy)
        settings = replace(self.maintenance, mode=mode) if mode else self.maintenance
        if settings.mode is not Mode.WARN:
            return self._maintain(store, settings, active_key, force=mode is not None)
        budget = self._budget(store, settings, active_key, warn_only=True)
        return SaveReport(len(store), len(store), budget=budget)

    def _read(self) -> tuple[dict[str, Any], str | None]:
        try:
            with open(self.path, "rb") as file:
                data = file.read()
            raw = data.decode("utf-8", "replace")
            store = js.parse(raw) if len(raw) <= js.MAX_STRING_UNITS else None
        except (OSError, ValueError):
            return {}, None
        if not isinstance(store, dict) or js.units(raw) > js.MAX_STRING_UNITS:
            return {}, None
        return store, raw if len(data) <= self.policy.serialized_cache_bytes else None

    def _preview(self, store: dict[str, Any], active_key: str | None) -> None:
        preserve = preserved_keys(self.policy, active_key if self.policy.typed_entries else None)
        self._prune_and_cap(store, self.maintenance, preserve=preserve, force=True)
        self._budget(store, self.maintenance, active_key, dry=True)
        if self.policy.cleanup_prunes_files:
            prune_unreferenced(self.folder, store, now_ms=self.clock(), max_age_ms=0, dry=True)

    def _maintain(
        self, store: dict[str, Any], settings: Maintenance, active_key: str | None, *, force: bool
    ) -> SaveReport:
        rows_before = len(store)
        preserve = preserved_keys(self.policy, active_key)
        pruned, capped = self._prune_and_cap(store, settings, preserve=preserve, force=force)
        archived, deleted = self._put_files_away((*pruned.values(), *filter(js.truthy, capped.values())), store)
        rotated_to = self._rotate(settings.rotate_bytes)
        budget = self._budget(store, settings, active_key)
        return SaveReport(
            rows_before,
            len(store),
            tuple(pruned),
            tuple(capped),
            tuple(archived),
            (*deleted, *(budget.removed_files if budget else ())),
            rotated_to,
            budget,
        )

    def _prune_and_cap(
        self, store: dict[str, Any], settings: Maintenance, *, preserve: frozenset[str], force: bool
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        pruned = prune(store, self.policy, now_ms=self.clock(), max_age_ms=settings.prune_after_ms, preserve=preserve)
        due = force or len(store) >= settings.cap_trigger(self.policy)
        capped = cap(store, self.policy, max_entries=settings.max_entries, preserve=preserve) if due else {}
        return pruned, capped

    def _put_files_away(self, removed: tuple[Any, ...], store: dict[str, Any]) -> tuple[list[str], list[str]]:
        now, settings = self.clock(), self.maintenance
        remembered = archive.remembered_files(removed)
        archived = archive.archive_transcripts(self.folder, remembered, store, now)
        deleted = archive.remove_trajectories(self.folder, remembered, store) if self.policy.trajectories else []
        retention = settings.reset_archive_retention_ms
        if archived or retention is not None:
            directories = [os.path.dirname(path) for path in archived] or [self.folder.path]
            deleted += archive.delete_old_archives(
                directories, "deleted", now_ms=now, max_age_ms=settings.prune_after_ms
            )
            if retention is not None:
                deleted += archive.delete_old_archives(directories, "reset", now_ms=now, max_age_ms=retention)
        return archived, deleted

    def _rotate(self, limit: int) -> str | None:
        """Set a too large live file aside. By renaming, 2026.3.28 leaves a moment without any store."""
        try:
            size = os.stat(self.path).st_size
        except OSError:
            return None
        if self.policy.rotation is Rotation.NONE or size <= limit:
            return None
        backup = f"{self.path}.bak.{self.clock()}"
        if self.policy.rotation is Rotation.RENAME:
            os.rename(self.path, backup)
        else:
            shutil.copyfile(self.path, backup)
        prefix = f"{os.path.basename(self.path)}.bak."
        names = [name for name in os.listdir(self.folder.path) if name.startswith(prefix)]
        for name in sorted(names, key=js.utf16_order, reverse=True)[MAX_BACKUPS:]:
            os.unlink(f"{self.folder.path}/{name}")
        return backup

    def _budget(
        self,
        store: dict[str, Any],
        settings: Maintenance,
        active_key: str | None,
        *,
        warn_only: bool = False,
        dry: bool = False,
    ) -> BudgetReport | None:
        if settings.max_disk_bytes is None or settings.high_water_bytes is None:
            return None
        return enforce_budget(
            self.folder,
            store,
            self.path,
            max_bytes=settings.max_disk_bytes,
            high_water=settings.high_water_bytes,
            active_key=active_key,
            preserve=preserved_keys(self.policy, active_key),
            warn_only=warn_only,
            dry=dry,
        )

    def _write(self, text: str) -> int | None:
        if text == self._serialized:
            return None
        data = text.encode()
        os.makedirs(self.folder.path, exist_ok=True)
        temp = self._temp_name()
        try:
            descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if self.policy.durable_write:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temp, self.path)
        finally:
            if os.path.lexists(temp):
                os.unlink(temp)
        if self.policy.durable_write:
            _sync_directory(self.folder.path)
        self._serialized = text if len(data) <= self.policy.serialized_cache_bytes else None
        return len(data)

    def _temp_name(self) -> str:
        if self.policy.durable_write:
            return f"{self.path}.{uuid.uuid4()}.tmp"
        return f"{self.folder.path}/.fs-safe-replace.{os.getpid()}.{uuid.uuid4()}.tmp"

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold sessions.json.lock where the release does; its bytes count in the disk budget.

        Raises FileExistsError where someone else holds it.
        """
        if not self.policy.lock_file:
            yield
            return
        os.makedirs(self.folder.path, exist_ok=True)
        path = f"{self.path}.lock"
        payload = {"pid": os.getpid(), "createdAt": _iso(self.clock()), "starttime": _start_time()}
        with open(path, "x", encoding="utf-8") as file:
            file.write(json.dumps(payload, indent=2))
        try:
            yield
        finally:
            os.unlink(path)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _iso(now_ms: int) -> str:
    date, _, moment = files.stamp(now_ms).partition("T")
    return f"{date}T{moment.replace('-', ':')}"


def _start_time() -> int:
    """Start time of this process in clock ticks since boot, as the lock payload carries it."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
