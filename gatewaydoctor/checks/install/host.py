"""Rules about what lies under the files: owners and modes, links, room, and which directory it is at all."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import directories
from gatewaydoctor.checks.stores.healthrules import refuses, start_over
from gatewaydoctor.model.database.refusals import NEWEST, Damage
from gatewaydoctor.model.gateway.transcript import TranscriptState
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.units import DAY_MS
from gatewaydoctor.model.words import duration, plural, size
from gatewaydoctor.state.place.census import KEPT, hard_linked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.gateway.place import Barred, Stranger
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.system.fs import DiskSpace

PERMISSIONS = Rule(
    id="permissions",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="Wrong owners or permissions",
    meaning="Some paths belong to a different user than most of the directory, or their own owner may "
    "not read and write them, or others may read files with secrets, or gatewaydoctor could not "
    "read something. Each is a finding of its own.",
    cause="A command or doctor run as root, a container with another uid, a copy without -p, or a permissive umask.",
    gateway="It cannot save or read what its user may not: sessions then stay in memory only, and a "
    "store it cannot read counts as empty.",
    remedy="Return the paths to the owner of the directory (chown), and remove other users' access to "
    "secrets (chmod go-rwx); `gatewaydoctor scan --verbose` lists them. Do not force 0600 on a "
    "directory that a group shares.",
)

HARDLINKED = Rule(
    id="hardlinked",
    family=Family.OTHERS,
    severity=Severity.INFO,
    title="Stores or transcripts with a second hard link",
    meaning="These files also exist under another name. Warning if a release with databases has written here.",
    cause="A backup made with hard links (cp -al, rsync --link-dest, snapshots by name).",
    gateway="Releases up to 2026.5.22 append to transcripts in place, so the backup changes too. The "
    "migration to databases refuses files with more than one link.",
    remedy="Replace each file with a private copy: copy it next to the original, compare, rename over the original.",
)

DISK = Rule(
    id="disk-space",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="The volume is almost full",
    meaning="The volume of the state directory has less than a gigabyte free, or few inodes. Error if "
    "less is free than the largest store takes: each save writes a complete new file next to the "
    "old one.",
    cause="Transcripts, archives, sidecars and logs that nothing prunes, or other users of the volume.",
    gateway="A save that does not fit fails and leaves a temp file; a line that does not fit leaves a "
    "cut transcript.",
    remedy="Free space before any repair: `gatewaydoctor repair space --vault DIR`, with DIR on another volume, "
    "moves there what can be made again; then logs, and archives you have copied elsewhere. Do not rewrite anything "
    "on the full volume.",
)

SEVERAL = Rule(
    id="multiple-state-dirs",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="Other state directories exist",
    meaning="There are more directories with session stores in places the gateway knows: legacy names, "
    "profiles, one inside the other. Info only if none of them was used about as recently as "
    "this one.",
    cause="A second profile, a move from .clawdbot, a service with a different HOME than the shell, or "
    "a nested .openclaw/.openclaw.",
    gateway="It uses exactly one of them, chosen by its own environment. That may not be the one examined here.",
    remedy="Find out which one the gateway uses: its service unit, its environment, its open files. "
    "Pass that one with --state-dir. Repairing another one has no effect on the gateway.",
)

CLOCK = Rule(
    id="clock-behind",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="The clock is earlier than the newest file",
    meaning="A store, or a file next to one, was written more than a day after what this machine's clock "
    "shows now. A clock fixed with --now is not checked.",
    cause="A machine without a battery or time service after a power cut, a restored virtual machine, or files that "
    "were copied with wrong times.",
    gateway="It uses the same clock: rows it writes now count as older than those that are there, and nothing "
    "counts as old enough to be cleaned up.",
    remedy="Set the clock (timedatectl, chronyc) before anything is started or repaired. If the file's time is wrong "
    "instead, correct it with touch.",
)

_BOOT_LINKED = NextBoot(
    v3_28="appends to them in place, so the file under the other name changes too",
    v9_6="refuses to migrate them",
    unknown="Up to 2026.5.22 they are appended to in place; the migration of later releases refuses them.",
)


@REGISTRY.check(PERMISSIONS)
def permissions(x: Examination, t: Thresholds) -> Iterator[Finding]:
    census = x.census
    if census.foreign:
        yield PERMISSIONS.finding(
            f"{plural(census.foreign, 'path belongs', 'paths belong')} to a different user than the rest.",
            "If the gateway runs as the owner of the rest, it may fail to save them.",
            count=census.foreign,
            path=census.strangers[0].path if census.strangers else x.place.state_dir,
            evidence={"majorityUid": census.majority, "paths": _owned(census.strangers)},
        )
    if census.closed:
        yield PERMISSIONS.finding(
            f"{_at_least(census.closed)} not readable and writable by the owner.",
            "The gateway fails to save them, unless it runs as root.",
            count=len(census.closed),
            path=census.closed[0].path,
            evidence={"paths": _owned(census.closed)},
        )
    if census.exposed:
        yield PERMISSIONS.finding(
            f"{_at_least(census.exposed, 'file with secrets', 'files with secrets')} readable by anyone.",
            "A start changes nothing about this. Parent directories may still keep others out.",
            count=len(census.exposed),
            path=census.exposed[0].path,
            evidence={"paths": _owned(census.exposed)},
        )
    yield from _open_directory(x)
    yield from _read_only(x)
    yield from _unreadable(x)


def _open_directory(x: Examination) -> Iterator[Finding]:
    """The state directory itself: every release starts with it open to others, and 2026.5.22 opens it (0755)."""
    mode = x.place.mode
    if x.place.store is not None or not mode & 0o007:
        return
    writable = bool(mode & 0o002)
    state_dir = quote(str(x.place.state_dir))
    yield PERMISSIONS.finding(
        f"The state directory is open to every user (mode {mode & 0o7777:04o})"
        + (": anybody may replace its files." if writable else ": anybody may list it."),
        "2026.5.22 sets the mode of the state directory to 0755 at start; other releases leave it."
        if not writable
        else "A start changes nothing about this.",
        brief=f"the directory is open to all ({mode & 0o7777:04o})",
        severity=None if writable else Severity.INFO,
        path=x.place.state_dir,
        evidence={"mode": f"{mode & 0o7777:04o}"},
        by_hand=f"If no other user needs it: chmod 700 {state_dir}.",
    )


def _read_only(x: Examination) -> Iterator[Finding]:
    """Where databases are: 2026.9.6 was seen to refuse. The gateway may have another mount of the same volume."""
    for path, space in x.volumes:
        if space.read_only and path == x.place.state_dir and x.eras.has_databases:
            yield PERMISSIONS.finding(
                "The volume of the state directory is mounted read-only here.",
                f"A {NEWEST} gateway that has it so refuses to start (exit 1).",
                path=path,
                evidence={"readOnlyMount": True},
                by_hand=f"See how the gateway has it (findmnt -T {quote(str(path))}), and mount it for writing. If "
                "the system made it read-only after an error, check the disk first.",
            )


def _unreadable(x: Examination) -> Iterator[Finding]:
    rows = [(each.path, each.reason) for each in x.census.unreadable if not each.missing]
    rows += [
        (store.read.ref.sessions_dir / fault.record.name, fault.check.reason or "it cannot be read")
        for store in directories(x)
        for fault in store.transcripts.faults
        if fault.check.verdict is TranscriptState.UNREADABLE
    ]
    if not rows:
        return
    yield PERMISSIONS.finding(
        f"{plural(len(rows), 'directory or transcript', 'directories or transcripts')} could not "
        f"be read, and {'was' if len(rows) == 1 else 'were'} not examined.",
        "If the gateway cannot read them either, their sessions start with an empty history.",
        count=len(rows),
        path=rows[0][0],
        evidence={"paths": [{"path": str(path), "reason": reason} for path, reason in rows[:EXAMPLES]]},
        by_hand="Scan again as the user the gateway runs as.",
    )


def _at_least(found: Sequence[Stranger], one: str = "path", many: str = "paths") -> str:
    """The census keeps the first of them only."""
    return f"{'At least ' if len(found) >= KEPT else ''}{plural(len(found), one, many)}"


def _owned(paths: Sequence[Stranger]) -> list[dict[str, object]]:
    return [{"path": str(each.path), "uid": each.uid, "mode": f"{each.mode:04o}"} for each in paths[:EXAMPLES]]


@REGISTRY.check(unread.DENIED)
def permission_denied(x: Examination, t: Thresholds) -> Iterator[Finding]:
    """What the user who owns most of the tree may not read or write, whoever runs this."""
    if not x.barred:
        return
    user = x.barred[0].user
    read = [each for each in x.barred if each.verb == "read"]
    write = [each for each in x.barred if each.verb == "write"]
    parts = [f"may not read {_named(read)}"] if read else []
    parts += [f"may not write to {_named(write)}"] if write else []
    why = _refused(x)
    steps = _steps(user, x.barred[:EXAMPLES])
    yield unread.DENIED.finding(
        f"The user who owns most of the tree (uid {user}) {' and '.join(parts)}.",
        f"A gateway of that user refuses to start: it cannot {why}."
        if why
        else "A gateway of that user begins without what it cannot read."
        if read
        else "A gateway of that user starts, and can save nothing there.",
        brief=f"{plural(len(x.barred), 'path')} that uid {user} may not use",
        count=len(x.barred),
        severity=Severity.ERROR if read or why else Severity.WARNING,
        path=x.barred[0].path,
        evidence={
            "uid": user,
            "startRefused": why,
            "command": str(steps[0]),
            "paths": [
                {"path": str(each.path), "uid": each.owner, "mode": f"{each.mode:04o}", "denied": each.verb}
                for each in x.barred[:EXAMPLES]
            ],
        },
        by_hand=f"Let that user read and write them: {'; '.join(map(str, steps))}. "
        f"To see what it can read: {unread.scan_as(x, user)}.",
        access=steps[0],
    )


def _steps(user: int, found: Sequence[Barred]) -> list[Command]:
    """The commands that let the user read and write these paths: chown for those of others, chmod for its own, and
    for those that not even their owner may use."""
    foreign = [each.path for each in found if each.owner != user]
    closed = [each.path for each in found if each.mode & 0o600 != 0o600]
    chown = [unread.give_to(user, dict.fromkeys(foreign))] if foreign else []
    return chown + ([unread.open_to_owner(dict.fromkeys(closed))] if closed else [])


def _refused(x: Examination) -> str | None:
    """What keeps a gateway of that user from starting, as the end of "it cannot"; None where it starts anyway
    (each tried with the release)."""
    if any(each.path == x.config.path and each.verb == "read" for each in x.barred):
        return "read its config"
    if not x.config.release.behaviour.refuses_unwritable:
        return None
    others = [each for each in x.barred if each.path != x.config.cron.store.value]
    return f"{others[0].verb} {others[0].role}".replace("write ", "write to ") if others else None


def _named(found: Sequence[Barred]) -> str:
    roles = list(dict.fromkeys(each.role for each in found))
    return " and ".join(roles)


@REGISTRY.check(HARDLINKED)
def hardlinked(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        found = sorted(hard_linked(store.listing.files), key=lambda record: record.name)
        if not found:
            continue
        yield HARDLINKED.finding(
            f"{plural(len(found), 'file has', 'files have')} more than one hard link.",
            _BOOT_LINKED.of(x),
            brief=f"{plural(len(found), 'file')} with a second hard link",
            count=len(found),
            severity=Severity.WARNING if x.eras.sqlite_release else None,
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir / found[0].name,
            evidence={"files": [{"name": record.name, "links": record.links} for record in found[:EXAMPLES]]},
        )


@REGISTRY.check(DISK)
def disk_space(x: Examination, t: Thresholds) -> Iterator[Finding]:
    largest = max((store.read.stat.size for store in x.stores if store.read.stat), default=0)
    for path, space in x.volumes:
        few = space.inodes is not None and space.inodes < t.disk_inodes
        if space.available >= max(t.disk_bytes, largest) and not few:
            continue
        start = start_over(x, Damage.DISK_FULL) if _stops(x, path, space) else None
        yield DISK.finding(
            f"{size(space.available)} of {size(space.total)} free"
            + (
                f", and {plural(space.inodes or 0, 'inode')}."
                if few
                else f"; the largest store takes {size(largest)}."
            ),
            refuses(start)
            if start
            else "The next save of a store needs room for a complete second copy."
            if not _full(space, largest)
            else "The next save of the largest store fails, and leaves a temp file.",
            brief=f"{size(space.available)} free of {size(space.total)}",
            severity=Severity.ERROR if _full(space, largest) else None,
            path=path,
            evidence={
                "availableBytes": space.available,
                "totalBytes": space.total,
                "inodes": space.inodes,
                "largestStoreBytes": largest,
                "startRefused": start is not None,
            },
        )


def _stops(x: Examination, path: Path, space: DiskSpace) -> bool:
    """Whether nothing can be written in the state directory at all: no byte is left, or no inode."""
    return path == x.place.state_dir and x.eras.has_databases and 0 in (space.available, space.inodes)


def _full(space: DiskSpace, largest: int) -> bool:
    return space.available <= largest or space.inodes == 0


@REGISTRY.check(CLOCK)
def clock_behind(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if not x.machine_clock:
        return
    newest = max(_written(x), default=None)
    if newest is None or newest[0] <= x.now + DAY_MS:
        return
    yield CLOCK.finding(
        f"This machine's clock is {duration(newest[0] - x.now)} earlier than the newest file.",
        "All ages are measured by this clock, and the gateway uses it too.",
        brief=f"the clock is {duration(newest[0] - x.now)} behind",
        path=newest[1],
        evidence={"now": x.now, "newestMtime": newest[0], "behindMs": newest[0] - x.now},
        by_hand="Set the clock, or correct the time of that file with touch, then scan again.",
    )


def _written(x: Examination) -> Iterator[tuple[int, str]]:
    """When each store and each file next to one was written."""
    for store in x.stores:
        if store.read.stat is not None:
            yield store.read.stat.mtime, str(store.read.ref.path)
        for record in store.listing.files:
            yield record.mtime, str(store.listing.directory / record.name)


@REGISTRY.check(SEVERAL)
def several_state_dirs(x: Examination, t: Thresholds) -> Iterator[Finding]:
    others = x.place.others
    if not others:
        return
    live = sum(candidate.looks_live for candidate in others)
    yield SEVERAL.finding(
        f"{plural(len(others), 'other directory holds', 'other directories hold')} session stores"
        + (f"; {plural(live, 'was', 'were')} used as recently as this one." if live else "; none was used recently."),
        "The gateway uses only one of them; make sure it is the one examined here.",
        brief=f"{plural(len(others), 'other state directory', 'other state directories')}",
        count=len(others),
        severity=None if live else Severity.INFO,
        path=others[0].path,
        evidence={
            "examined": str(x.place.state_dir),
            "chosenBy": x.place.source.value,
            "others": [
                {
                    "path": str(candidate.path),
                    "option": candidate.option,
                    "stores": candidate.stores,
                    "newestMtime": candidate.newest,
                    "looksLive": candidate.looks_live,
                }
                for candidate in others[:EXAMPLES]
            ],
        },
    )
