"""New files are written whole, next to their targets, before the first target is touched."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from gatewaydoctor.model.repair.plan import Plan, Rewrite, Transact
from gatewaydoctor.repair.writing.errors import BadPlan, InputChanged
from gatewaydoctor.repair.writing.guard import before, is_unchanged, lstat_or_none, new_plan
from gatewaydoctor.repair.writing.stream import FileAttributes, write_segments

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from gatewaydoctor.model.repair.receipt import Kept, Manifest
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import ReadFs


class Staged(Struct, frozen=True):
    """A new file that waits next to its target, by content and by inode. `aside`: it waits in the vault, as there is
    room for it only where the old one is."""

    sha256: str
    size: int
    dev: int
    ino: int
    aside: bool = False


def stage(
    tools: Tools, place: RunPlace, plan: Plan, manifest: Manifest, aside: Container[int] = ()
) -> dict[int, Staged]:
    """Write and sync the new file of every rewrite and of every database; by act number. Those of acts `aside` wait
    in the vault. Raises InputChanged, BadPlan, Refused where a database does not come out as planned, and OSError."""
    fs = tools.fs
    rewrites = [(number, act) for number, act in enumerate(plan.acts) if isinstance(act, Rewrite)]
    tools.progress.phase("writing", sum(act.size for _, act in rewrites))
    staged: dict[int, Staged] = {}
    with ExitStack() as open_files:
        sources = _Sources(fs, place, plan, manifest, open_files)
        for number, act in rewrites:
            target = place.at(act.target)
            path = place.new_file(target, number)
            attributes = _attributes(act, plan, tools, target, manifest.items[number])
            content = write_segments(fs, path, act.segments, sources.get, attributes, tools.progress.advance)
            if content.size != act.size:
                raise BadPlan(
                    f"{act.target} should be {act.size:,} bytes according to the plan, but is {content.size:,}.",
                    new_plan(plan),
                )
            stat = fs.lstat(path)
            staged[number] = Staged(content.sha256, content.size, stat.dev, stat.ino)
        sources.check_unchanged()
    staged |= _transact(tools, place, plan, manifest, aside)
    for directory in {place.at(act.target).parent for act in plan.acts if isinstance(act, (Rewrite, Transact))}:
        fs.fsync_dir(directory)
    return staged


def _transact(
    tools: Tools, place: RunPlace, plan: Plan, manifest: Manifest, aside: Container[int]
) -> dict[int, Staged]:
    acts = [(number, act) for number, act in enumerate(plan.acts) if isinstance(act, Transact)]
    if not acts:
        return {}
    from gatewaydoctor.repair.databases.making import make  # brings in apsw

    staged: dict[int, Staged] = {}
    for number, act in acts:
        target = place.at(act.target)
        if number in aside:
            staged[number] = _beside_originals(tools, place, plan, act, number)
            continue
        path = place.new_file(target, number)
        attributes = _database_attributes(act, plan, tools, target, manifest.items[number])
        content = make(tools, place, plan, act, path, attributes)
        stat = tools.fs.lstat(path)
        staged[number] = Staged(content.sha256, content.size, stat.dev, stat.ino)
    return staged


def _beside_originals(tools: Tools, place: RunPlace, plan: Plan, act: Transact, number: int) -> Staged:
    from gatewaydoctor.repair.databases.making import make

    if lstat_or_none(tools.fs, place.waiting) is None:
        tools.fs.mkdir(place.waiting)
    content = make(tools, place, plan, act, place.waiting_file(number), FileAttributes())
    for directory in (place.waiting, place.directory):
        tools.fs.fsync_dir(directory)
    return Staged(content.sha256, content.size, 0, 0, aside=True)


def _database_attributes(act: Transact, plan: Plan, tools: Tools, target: Path, kept: Kept | None) -> FileAttributes:
    if act.replaces is None:
        return _new_attributes(tools, target)
    seen = plan.fingerprints[act.replaces]
    return FileAttributes(seen.mode, seen.uid, seen.gid, None, kept.attributes if kept else None)


def _new_attributes(tools: Tools, target: Path) -> FileAttributes:
    if tools.processes.own_uid != 0:
        return FileAttributes()
    owner = tools.fs.stat(target.parent)
    return FileAttributes(uid=owner.uid, gid=owner.gid)


def _attributes(act: Rewrite, plan: Plan, tools: Tools, target: Path, kept: Kept | None) -> FileAttributes:
    if act.like is None:
        return _new_attributes(tools, target)
    like = plan.fingerprints[act.like]
    mtime_ns = like.mtime_ns if act.keep_mtime else None
    return FileAttributes(like.mode, like.uid, like.gid, mtime_ns, kept.attributes if kept else None)


class _Sources:
    """The files that segments copy from: the vault's verified copy where there is one, else the file itself."""

    def __init__(self, fs: ReadFs, place: RunPlace, plan: Plan, manifest: Manifest, open_files: ExitStack) -> None:
        self._fs = fs
        self._place = place
        self._plan = plan
        self._open_files = open_files
        self._copies = {
            seen.path: place.directory / kept.stored
            for act, kept in zip(plan.acts, manifest.items, strict=True)
            if (seen := before(act, plan)) and kept is not None and not kept.moved
        }
        self._streams: dict[int, BinaryIO] = {}

    def get(self, source: int) -> BinaryIO:
        if source not in self._streams:
            path = self._plan.fingerprints[source].path
            stream = self._fs.open(self._copies.get(path, self._place.at(path)))
            self._streams[source] = self._open_files.enter_context(stream)
        return self._streams[source]

    def check_unchanged(self) -> None:
        for source in self._streams:
            seen = self._plan.fingerprints[source]
            if seen.path not in self._copies and not is_unchanged(self._fs.lstat(self._place.at(seen.path)), seen):
                raise InputChanged(f"{seen.path} changed while it was copied.", "Make a new plan and apply that.")
