"""The vault: originals with their hashes, before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.repair.plan import Act, Fingerprint, Move, Plan, Transact
from gatewaydoctor.model.repair.receipt import Kept, Manifest
from gatewaydoctor.repair.vault.codec import encode
from gatewaydoctor.repair.vault.directory import attributes_of, existing, owner_for
from gatewaydoctor.repair.vault.layout import RunPlace, stored_name
from gatewaydoctor.repair.writing.errors import InputChanged
from gatewaydoctor.repair.writing.guard import MARGIN_BYTES, before, is_unchanged, lstat_or_none
from gatewaydoctor.repair.writing.stream import (
    Content,
    FileAttributes,
    content_of,
    copy_file,
    replace_whole,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.repair.writing.tools import Tools


def fill(tools: Tools, place: RunPlace, plan: Plan, root: Path, times: dict[str, int]) -> Manifest:
    """Copy what will be replaced, hash what will move, and check every hash the plan names. When this returns, the
    vault alone is enough to go back. `times` are the directories' mtimes. Raises InputChanged and OSError."""
    fs = tools.fs
    attributes = attributes_of(owner_for(tools, place.state_dir, root))
    write_whole(fs, place.plan, encode(plan), attributes)
    tools.progress.phase("keeping the originals", sum(_sizes(plan)))
    items: list[Kept | None] = []
    kept_sources: set[str] = set()
    for number, act in enumerate(plan.acts):
        seen = before(act, plan)
        if seen is None:
            items.append(None)
            continue
        items.append(_keep(tools, place, act, number, seen, attributes))
        kept_sources.add(seen.path)
    for seen in plan.fingerprints:
        if seen.sha256 is not None and seen.path not in kept_sources:
            _check(fs, place, seen, content_of(fs, place.at(seen.path), tools.progress.advance))
    manifest = Manifest(
        run_id=place.run_id,
        plan_id=plan.plan_id,
        state_dir=str(place.state_dir),
        created_at=tools.clock(),
        items=tuple(items),
        directories=times,
    )
    replace_whole(fs, place.manifest, encode(manifest), attributes)
    fs.fsync_dir(place.files)
    fs.fsync_dir(place.directory)
    return manifest


def _sizes(plan: Plan) -> Iterator[int]:
    touched = {seen.path for act in plan.acts if (seen := before(act, plan))}
    return (seen.size for seen in plan.fingerprints if seen.sha256 is not None or seen.path in touched)


def _moves_whole(act: Act, seen: Fingerprint, *, inside: bool, dev: int) -> bool:
    """Whether the file itself can go to a vault on device `dev`. Another name of the file would let writes through,
    so a hard-linked one is copied."""
    return isinstance(act, (Move, Transact)) and inside and seen.dev == dev and seen.nlink == 1


def _keep(
    tools: Tools, place: RunPlace, act: Act, number: int, seen: Fingerprint, attributes: FileAttributes
) -> Kept:
    fs, path = tools.fs, place.at(seen.path)
    inside = place.directory.is_relative_to(place.state_dir)
    moved = _moves_whole(act, seen, inside=inside, dev=fs.stat(place.directory).dev)
    if moved:
        content = content_of(fs, path, tools.progress.advance)
    else:
        attributes = replace(attributes, mtime_ns=seen.mtime_ns)
        if attributes.uid not in (None, seen.uid):
            # The state directory's owner may not have been able to read it: the copy stays with the file's owner.
            attributes = replace(attributes, uid=seen.uid, gid=seen.gid, mode=0o600)
        content = copy_file(fs, path, place.directory / stored_name(number), attributes, tools.progress.advance)
    _check(fs, place, seen, content)
    return Kept(
        path=seen.path,
        stored=stored_name(number),
        sha256=content.sha256,
        size=content.size,
        mode=seen.mode,
        uid=seen.uid,
        gid=seen.gid,
        mtime_ns=seen.mtime_ns,
        dev=seen.dev,
        ino=seen.ino,
        moved=moved,
        attributes={} if isinstance(act, Move) and moved else fs.attributes(path),
    )


def _check(fs: WriteFs, place: RunPlace, seen: Fingerprint, content: Content) -> None:
    stat = lstat_or_none(fs, place.at(seen.path))
    same = stat is not None and is_unchanged(stat, seen) and content.size == seen.size
    if not same or seen.sha256 not in (None, content.sha256):
        raise InputChanged(f"{seen.path} changed while it was read.", "Make a new plan and apply that.")


class Room(Struct, frozen=True):
    """Bytes a run writes, at most: (directory that exists, bytes); reflinks may make it less. The new files of
    the acts `aside` wait in the vault, as there is no room for them next to the old ones: what one of them takes on
    top of the old one is asked for once it is made."""

    needs: tuple[tuple[Path, int], ...]
    aside: frozenset[int] = frozenset()


def room_for(tools: Tools, state_dir: Path, root: Path, plan: Plan, work: Path | None = None) -> Room:
    """What a run needs where. `work` is the directory for private copies, None for the vault."""
    fs = tools.fs
    vault = existing(fs, root)
    inside, dev = root.is_relative_to(state_dir), fs.stat(vault).dev
    kept = sum(
        seen.size
        for act in plan.acts
        if (seen := before(act, plan)) and not _moves_whole(act, seen, inside=inside, dev=dev)
    )
    new = sum(act.size for act in plan.acts if not isinstance(act, Move))
    # Databases are worked on one after the other, each as a private copy and what comes of it.
    private = max((_private(act, plan) for act in plan.acts if isinstance(act, Transact)), default=0)
    own = (vault, kept + len(encode(plan)) * 2), (work or vault, private)
    free = fs.space(state_dir).available
    if dev == fs.stat(state_dir).dev or free >= new + MARGIN_BYTES:
        return Room((*own, (state_dir, new)))
    swapped = {n: act for n, act in enumerate(plan.acts) if isinstance(act, Transact) and act.replaces is not None}
    later = sum(act.size for act in swapped.values())
    return Room((*own, (vault, later), (state_dir, new - later)), frozenset(swapped))


def growth(act: Transact, plan: Plan, size: int) -> int:
    """Bytes that a new database of that size needs on top of what its old one and the log take now."""
    return max(size - sum(plan.fingerprints[number].size for number in act.concerned), 0)


def _private(act: Transact, plan: Plan) -> int:
    return sum(plan.fingerprints[number].size for number in act.concerned) + act.size
