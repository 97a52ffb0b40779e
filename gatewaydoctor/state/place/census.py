"""Who owns what below a state directory, what is hard-linked, how much room is left. Names and stats only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, FileClass, NodeKind, OwnerMode, Unreadable
from gatewaydoctor.model.gateway.place import Barred, Census, Stranger
from gatewaydoctor.state.history.files import unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.model.gateway.files import FileRecord, Listing
    from gatewaydoctor.model.gateway.place import Place, StoreRef
    from gatewaydoctor.system.fs import DiskSpace, FileStat, ReadFs

KEPT = 100
MOST_ENTRIES = 1_000_000
_SKIPPED = frozenset({".gatewaydoctor", "node_modules", "workspace"})
_SECRET_DIRECTORIES = frozenset({"credentials", "identity"})
_SECRET_NAMES = frozenset({"auth-profiles.json", "openclaw.json", "paired.json"})


def take_census(fs: ReadFs, state_dir: Path, listed: Mapping[Path, Listing] | None = None) -> Census:
    """Look at every path below `state_dir`, links not followed, workspaces and gatewaydoctor's own vault left out.
    `listed` are directories that were listed already: those in which nothing stands out are counted by their listing
    and not walked again. Nothing is raised."""
    plain = {directory: found for directory, found in (listed or {}).items() if _is_plain(found)}
    owners: Counter[tuple[int, int, int, bool]] = Counter()
    seen: dict[int, list[Stranger]] = {}
    exposed: list[Stranger] = []
    closed: list[Stranger] = []
    problems: list[Unreadable] = []
    for directory, name, stat in _walk(fs, state_dir, problems, plain.keys()):
        owners[stat.uid, stat.gid, stat.mode & 0o7777, stat.is_dir] += 1
        for kept, wanted in (
            (seen.setdefault(stat.uid, []), True),
            (exposed, stat.is_file and stat.mode & 0o007 and _is_secret(directory, name)),
            (closed, not stat.is_symlink and stat.mode & 0o600 != 0o600),
        ):
            if wanted and len(kept) < KEPT:
                kept.append(Stranger(directory / name, stat.uid, stat.gid, stat.mode & 0o7777))
    for found in plain.values():
        for each in found.owners:
            owners[each.uid, each.gid, each.mode, False] += each.count
            _keep_some(seen.setdefault(each.uid, []), found, each)
    counts = tuple(OwnerMode(*key, count) for key, count in owners.most_common())
    majority = _majority(counts)
    return Census(
        counts,
        majority,
        foreign=sum(each.count for each in counts if each.uid != majority),
        strangers=tuple(each for uid, paths in seen.items() if uid != majority for each in paths),
        exposed=tuple(exposed),
        closed=tuple(closed),
        unreadable=tuple(problems),
    )


def barred(fs: ReadFs, census: Census, wanted: Iterable[tuple[Path, str, str]]) -> tuple[Barred, ...]:
    """Which of these paths (with role and verb) the user who owns most of the tree may not read or write. Root may
    all; a group that owns the path and grants it may well have that user in it."""
    user = census.majority
    if not user:
        return ()
    found = []
    for path, role, verb in wanted:
        try:
            stat = fs.stat(path)
        except OSError:
            continue
        need = {"read": 0o4, "write": 0o3}[verb] if stat.is_dir else {"read": 0o4, "write": 0o2}[verb]
        bits = stat.mode >> 6 if stat.uid == user else stat.mode | stat.mode >> 3
        if bits & need != need:
            found.append(Barred(path, role, verb, user, stat.uid, stat.mode & 0o7777))
    return tuple(found)


def needed(place: Place, config: Config, refs: tuple[StoreRef, ...], eras: Eras) -> Iterator[tuple[Path, str, str]]:
    """What a gateway must be able to read or write, each with what it is and which of both."""
    yield config.path, "the config", "read"
    yield place.state_dir, "the state directory", "write"
    yield config.cron.store.value, "cron's jobs", "read"
    for ref in refs:
        yield ref.path, "a session store", "read"
        yield ref.sessions_dir, "a sessions directory", "write"
    if eras.has_databases:
        yield place.state_dir / "agents", "the agents' directories", "write"
    for database in (eras.state, *(agent.database for agent in eras.agents)):
        if database is not None:
            yield database.path.parent, "the directory of a database", "write"
            yield database.path, "a database", "read"
            yield database.path, "a database", "write"


def hard_linked(files: Iterable[FileRecord]) -> Iterator[FileRecord]:
    """Stores and transcripts with a second name somewhere: the migration to SQLite refuses them (docs/gateway.md,
    failure 30)."""
    for record in files:
        if record.links > 1 and record.node is NodeKind.FILE and record.cls in PRIMARY | {FileClass.STORE}:
            yield record


def disk_space(fs: ReadFs, paths: Iterable[Path]) -> dict[int, tuple[Path, DiskSpace]]:
    """Room left on each volume that the paths are on, by device number; paths that do not exist are left out."""
    volumes: dict[int, tuple[Path, DiskSpace]] = {}
    for path in paths:
        try:
            device = fs.stat(path).dev
            if device not in volumes:
                volumes[device] = path, fs.space(path)
        except OSError:
            continue
    return volumes


def _is_plain(listing: Listing) -> bool:
    """One owner, everything open to it, no directory and no secret: a check of each path would add nothing."""
    return (
        listing.problem is None
        and len({each.uid for each in listing.owners}) == 1
        and all(each.mode & 0o600 == 0o600 and not each.directory for each in listing.owners)
        and _SECRET_NAMES.isdisjoint(record.name for record in listing.files)
    )


def _keep_some(kept: list[Stranger], listing: Listing, owner: OwnerMode) -> None:
    room = max(0, KEPT - len(kept))
    files = listing.files[:room]
    kept += [Stranger(listing.directory / each.name, owner.uid, owner.gid, owner.mode) for each in files]


def _walk(
    fs: ReadFs, root: Path, problems: list[Unreadable], known: Collection[Path]
) -> Iterator[tuple[Path, str, FileStat]]:
    waiting, left = [root], MOST_ENTRIES
    while waiting and left > 0:
        directory = waiting.pop()
        try:
            for name, stat in fs.entries(directory):
                left -= 1
                if name in _SKIPPED:
                    continue
                yield directory, name, stat
                if stat.is_dir and directory / name not in known:
                    waiting.append(directory / name)
        except OSError as error:
            problems.append(unreadable(directory, error))


def _majority(owners: Iterable[OwnerMode]) -> int | None:
    by_uid: Counter[int] = Counter()
    for each in owners:
        by_uid[each.uid] += each.count
    return by_uid.most_common(1)[0][0] if by_uid else None


def _is_secret(directory: Path, name: str) -> bool:
    return name in _SECRET_NAMES or not _SECRET_DIRECTORIES.isdisjoint(directory.parts[-2:])
