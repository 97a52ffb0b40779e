"""Rules about files that pile up next to the transcripts: archives, sidecars, temp files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot, a_gateway
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import directories
from gatewaydoctor.model.gateway.files import ARCHIVES, SIDECARS, TEMPS, FileClass, NodeKind
from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding

ARCHIVE = Rule(
    id="archive-growth",
    family=Family.TRANSCRIPTS,
    severity=Severity.WARNING,
    title="Archives fill the sessions directory",
    meaning="Transcripts that the gateway set aside (.deleted., .reset., .bak.) and backups from its "
    "transcript repair take up much space. They are archives of conversations; do not treat them "
    "as rubbish.",
    cause="Resets and removed sessions, with a retention that is long, disabled, or skipped in mode "
    "warn. No clean-up rule matches repair backups (.jsonl.bak-<pid>-<ms>).",
    gateway="In mode enforce a save deletes .deleted. and .reset. archives older than the retention, by "
    "the time in their names; in mode warn none. In the directories it handles, the cron reaper "
    "deletes every .deleted. archive older than cron.sessionRetention (24 h). Up to 2026.4.25 "
    "each save lists the whole directory, so many files slow every save.",
    remedy="Copy what matters elsewhere, oldest first. Keep the .reset. archives of conversations: they "
    "are the only copy.",
)

HISTORY = Rule(
    id="archived-history",
    family=Family.TRANSCRIPTS,
    severity=Severity.INFO,
    title="Archives with people's history that the gateway will delete",
    meaning="Transcripts that a reset or a removed session left as .reset. or .deleted. archives hold "
    "conversations. Nothing in them is lost yet. Archives with only machine messages are not "
    "counted.",
    cause="A session was reset, by command, by a new day or by a restart, or its row was removed. Its history is "
    "in the archive and nowhere else.",
    gateway="In mode enforce a save deletes .reset. archives older than session.maintenance.resetArchiveRetention "
    "and .deleted. archives older than pruneAfter, by the time in their name. The cron reaper deletes .deleted. "
    "archives older than cron.sessionRetention (24 h) in directories it works on.",
    remedy="Copy those that matter to a safe place, or set session.maintenance.resetArchiveRetention to false, which "
    "keeps them all.",
)

SIDECAR = Rule(
    id="sidecar-growth",
    family=Family.TRANSCRIPTS,
    severity=Severity.WARNING,
    title="Checkpoints and trajectories fill the sessions directory",
    meaning="Compaction checkpoints, trajectories and their pointers take up much space. Those whose "
    "session is no longer in any index are counted separately.",
    cause="Each compaction keeps a copy of up to 64 MiB, 25 per session; every run writes a trajectory.",
    gateway="Releases up to 2026.5.22 do not prune them by age. 2026.4.25 treats a trajectory as an "
    "unindexed transcript: a disk budget deletes it, and usage calls read it.",
    remedy="First move away those without a session. A session is restored from its checkpoints, so "
    "keep those of sessions in use.",
)

TEMP = Rule(
    id="temp-leftover",
    family=Family.TRANSCRIPTS,
    severity=Severity.INFO,
    title="Temp files left by interrupted writes",
    meaning="Files that are normally renamed within seconds are still here. They are rubbish only if the "
    "file they belong to is sound.",
    cause="The gateway or another tool was killed between writing and renaming, or the disk was full.",
    gateway="It ignores them and deletes none.",
    remedy="Keep them while the store next to them is damaged: one may hold the only copy. Otherwise "
    "move them away once the gateway is stopped.",
    repair="temps",
)

_ARCHIVED = ARCHIVES | {FileClass.REPAIR_BACKUP}
_BOOT_ARCHIVES = NextBoot(
    v3_28="keeps them in mode warn; in mode enforce a save deletes those past the retention, after listing them all",
    v5_22="deletes those past the retention at a save, unless mode is warn",
    v9_6="keeps them by default",
    unknown="Mode enforce deletes those past the retention at a save; mode warn keeps them all.",
)
_BOOT_SIDECARS = NextBoot(
    v3_28="does not know either kind and counts both as transcripts",
    v4_25="keeps them all, and reads trajectories in usage calls",
    v5_22="removes them only together with their transcript",
    unknown="No release prunes them by age; a disk budget deletes those without an owner first.",
)


@REGISTRY.check(ARCHIVE)
def archive_growth(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        files, count = _total(store, _ARCHIVED)
        if not files or (count < t.archive_bytes and files < t.archive_files):
            continue
        yield ARCHIVE.finding(
            f"{plural(files, 'archived file')} of {size(count)} in the sessions directory.",
            _BOOT_ARCHIVES.of(x),
            brief=f"{plural(files, 'archive')}, {size(count)}",
            count=files,
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir,
            evidence={
                "files": files,
                "bytes": count,
                "classes": _classes(store, _ARCHIVED),
                "retentionMs": x.config.maintenance.reset_archive_retention.value,
                "mode": x.config.maintenance.mode.value,
            },
        )


@REGISTRY.check(HISTORY)
def archived_history(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        kept = [each for each in store.transcripts.archives if each.content is ContentClass.HUMAN]
        found = sorted((each.until, each.record.name, each) for each in kept if each.until is not None)
        if not found:
            continue
        resets = sum(each.record.cls is FileClass.ARCHIVE_RESET for _, _, each in found)
        count = sum(each.record.size for _, _, each in found)
        first = found[0][0]
        when = f"in {duration(first - x.now)}" if first > x.now else "at its next save"
        yield HISTORY.finding(
            f"{plural(len(found), 'archive')} of {size(count)} with people's history, {resets:,} of them of resets. "
            "None of it is lost yet.",
            f"{a_gateway(x)} deletes {'it' if len(found) == 1 else 'the first'} {when}.",
            brief=f"{plural(len(found), 'archive')} with people's history, {size(count)}",
            count=len(found),
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir,
            evidence={
                "resets": resets,
                "bytes": count,
                "deletedFrom": first,
                "files": [
                    {"name": name, "bytes": each.record.size, "at": each.record.at, "deletedFrom": until}
                    for until, name, each in found[:EXAMPLES]
                ],
            },
        )


@REGISTRY.check(SIDECAR)
def sidecar_growth(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        files, count = _total(store, SIDECARS)
        if count < t.sidecar_bytes or not files:
            continue
        facts = store.transcripts
        unowned = f"; {facts.unowned_sidecars:,} ({size(facts.unowned_bytes)}) no longer belong to a session"
        yield SIDECAR.finding(
            f"{plural(files, 'checkpoint or trajectory file')} of {size(count)}"
            + (f"{unowned}." if facts.referenced_known and facts.unowned_sidecars else "."),
            _BOOT_SIDECARS.of(x),
            brief=f"{plural(files, 'file')}, {size(count)}",
            count=files,
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir,
            evidence={
                "files": files,
                "bytes": count,
                "classes": _classes(store, SIDECARS),
                "unowned": facts.unowned_sidecars if facts.referenced_known else None,
                "unownedBytes": facts.unowned_bytes if facts.referenced_known else None,
            },
        )


@REGISTRY.check(TEMP)
def temp_leftover(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        rows = [
            (record.name, record.size, x.now - record.mtime)
            for record in store.listing.files
            if record.cls in TEMPS and record.node is NodeKind.FILE
        ]
        yield from _temps(rows, t, store.agent_id, store.read.ref.sessions_dir, damaged=not store.read.whole)
    cron = [(record.name, record.size, x.now - record.mtime) for record in x.cron.temps]
    yield from _temps(cron, t, None, x.cron.store.path.parent, damaged=x.cron.store.reason is not None)


def _temps(
    rows: list[tuple[str, int, int]], t: Thresholds, agent_id: str | None, directory: object, *, damaged: bool
) -> Iterator[Finding]:
    old = sorted((row for row in rows if row[2] >= t.temp_age_ms), key=lambda row: (-row[1], row[0]))
    if not old:
        return
    yield TEMP.finding(
        f"{plural(len(old), 'temp file')} ({size(sum(row[1] for row in old))}), the newest "
        f"{duration(min(row[2] for row in old))} old."
        + (" The file they belong to is damaged: one of them may hold the only copy." if damaged else ""),
        "The gateway ignores them and does not delete them.",
        brief=f"{plural(len(old), 'temp file')}, {size(sum(row[1] for row in old))}",
        count=len(old),
        agent_id=agent_id,
        path=directory,
        evidence={
            "bytes": sum(row[1] for row in old),
            "files": [{"name": name, "bytes": count, "ageMs": age} for name, count, age in old[:EXAMPLES]],
        },
        repair=None if damaged else TEMP.repair,
    )


def _total(store: StoreFacts, classes: Iterable[FileClass]) -> tuple[int, int]:
    found = [store.classes[cls] for cls in classes if cls in store.classes]
    return sum(each.count for each in found), sum(each.bytes for each in found)


def _classes(store: StoreFacts, classes: Iterable[FileClass]) -> dict[str, object]:
    return {
        cls.value: {"files": store.classes[cls].count, "bytes": store.classes[cls].bytes}
        for cls in sorted(classes)
        if cls in store.classes
    }
