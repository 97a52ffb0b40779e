"""Rules about stores that the gateway reads as empty, and about what is left to repair them with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.gateway.files import FileClass, NodeKind, Obstacle
from gatewaydoctor.model.gateway.soundness import Absent, Damaged, Sound, TooLarge, Unread
from gatewaydoctor.model.gateway.store import UNREADABLE_FROM_BYTES, JsonFaultKind
from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.regex import regex
from gatewaydoctor.model.words import capital, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.files import Orphan
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.files import FileRecord, Unreadable
    from gatewaydoctor.model.gateway.store import JsonFault, StoreReading
    from gatewaydoctor.model.outcome.finding import Finding

READ_AS_EMPTY = NextBoot(
    v3_28="silently loads it as an empty store, keeps no copy, and overwrites the file at its next save",
    v9_6="refuses to start (exit 78)",
    unknown="Releases up to 2026.5.22 load it as an empty store and overwrite the file at the next save; "
    "2026.9.6 refuses to start (exit 78).",
)
_COPY_FIRST = "Do not start the gateway. First copy the file to a safe place"

UNPARSEABLE = Rule(
    id="store-unparseable",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="The session store is damaged",
    meaning="sessions.json is empty, cut short, or stops being valid JSON at some byte. The offset is "
    "the first invalid byte, or the end of the file if it ends too early. Rules about sessions, "
    "sizes and unindexed transcripts skip a damaged store until it is repaired.",
    cause="A crash, a full disk or a power cut during a write, or a manual edit. 2026.3.13, and again "
    "releases since 2026.5.12, write the store without fsync, so a power cut can leave an empty "
    "file.",
    gateway="Releases up to 2026.5.22 silently load the file as an empty store, keep no copy, and "
    "overwrite it with a nearly empty store at the next save. 2026.9.6 refuses to start (exit "
    "78) until the file is repaired.",
    remedy=f"{_COPY_FIRST}, together with every sessions.json.* next to it. The complete sessions before "
    "the damage, and often some after it, can be recovered into a new file; backups and temp "
    "files next to it may hold more.",
    repair="salvage",
    start_loses=True,
)

TOO_LARGE = Rule(
    id="store-too-large-for-gateway",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="The session store is larger than the gateway can read",
    meaning=f"sessions.json is valid, but is {UNREADABLE_FROM_BYTES:,} bytes (0x1fffffe8) or larger. The "
    "gateway's runtime cannot read a text file of that size.",
    cause="While maintenance only warns, nothing removes the run rows of isolated cron jobs, and each "
    "holds its own copy of the skills prompt.",
    gateway="Reading fails with ERR_STRING_TOO_LONG. Releases up to 2026.5.22 treat that like a missing "
    "file: they load an empty store, and the next save overwrites the file. 2026.9.6 refuses to "
    "start (exit 78).",
    remedy=f"{_COPY_FIRST}. Then remove finished and stuck cron runs, and the fields the gateway "
    "rebuilds, until the store is small enough.",
    repair="trim",
    start_loses=True,
)

NOT_OBJECT = Rule(
    id="store-not-object",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="The session store is not a JSON object",
    meaning="The top level of sessions.json is an array, a string, a number or a literal. The gateway "
    "accepts only an object with one value per session key.",
    cause="Another program wrote the file, or a manual repair changed its structure.",
    gateway="Releases up to 2026.5.22 load it as an empty store and overwrite it at the next save. "
    "2026.9.6 refuses to start (exit 78).",
    remedy=f"{_COPY_FIRST}. Then restore a backup with the right structure, or rebuild the object from this file.",
    repair="salvage",
    start_loses=True,
)

EMPTIED = Rule(
    id="store-empty-beside-transcripts",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="The session store is empty or missing, but its transcripts remain",
    meaning="sessions.json is missing or has no sessions, but its directory holds transcripts that no "
    "index points to. Their history still exists, but no session shows it. Critical if any of "
    "them holds a conversation.",
    cause="A gateway loaded a damaged store as empty and saved it. Or, in releases up to 2026.4.23, a "
    "rotation renamed the store to sessions.json.bak.<ms> and the gateway exited before it wrote "
    "the new one.",
    gateway="It starts with no sessions and creates new ones. Each save makes the old index harder to "
    "restore, and rotation up to 2026.4.25 keeps only the three newest backups.",
    remedy="Do not start the gateway. Copy sessions.json.bak.* and *.tmp files to a safe place, then "
    "restore the best of them as sessions.json. If there is none, the transcripts can be listed "
    "and registered again under new keys.",
    repair="salvage",
    start_loses=True,
)

CANDIDATES = Rule(
    id="backup-candidates",
    family=Family.STORE,
    severity=Severity.INFO,
    title="Files that may hold the lost sessions",
    meaning="Next to a store that loads as empty there are temp files, rotated backups or import "
    "archives. Any of them may hold the missing sessions.",
    cause="A gateway that exits between writing and renaming leaves a temp file; rotation up to "
    "2026.4.25 keeps three backups; a 2026.9.6 import keeps the whole old store.",
    gateway="It ignores them. A rotation deletes all but the three newest sessions.json.bak.* files, and "
    "a clean-up of temp files may delete the only copy.",
    remedy="Copy them to a safe place before you start anything. Prefer one that parses completely, "
    "then the most sessions, then the newest updatedAt.",
    repair="salvage",
)

COPY_HAS_MORE = Rule(
    id="store-copy-has-more",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A file next to the store has conversations that it lacks",
    meaning="The store is sound, but a temp file or rotated backup next to it has conversations that no store has, "
    "and their transcripts are there without an index. Such files are read only if more unindexed transcripts may "
    "hold conversations than the store has conversations. Or a database that was renamed to .corrupt-* has "
    "conversations that the agent's database lacks.",
    cause="A gateway loaded a damaged or missing store as empty, went on with an empty one and saved it; or the "
    "recovery of its doctor renamed a damaged database and started with an empty one.",
    gateway="It goes on without these conversations. Rotation up to 2026.4.25 deletes all but the three newest "
    "sessions.json.bak.* files, and a clean-up may delete temp files; then nothing brings the conversations back.",
    remedy="Copy these files to a safe place. Then, with the gateway stopped, add their conversations to the store. "
    "If they were deleted on purpose since a database was renamed, move the renamed one away.",
    repair="salvage",
)

_NO_COPY = (
    "There is no backup or temp file next to the store. Look for one in the machine's backups "
    "before the gateway starts. Without one, a start loses nothing more; transcripts can be "
    "registered again under new keys."
)
_LOADS_EMPTY = "a release up to 2026.5.22 loads it as empty and overwrites it"
_MAY_NOT_SAVE = "a release up to 2026.5.22 starts with no sessions and may be unable to save new ones"
_TALKS = frozenset({ContentClass.HUMAN, ContentClass.MACHINE, None})
"""What an unindexed file may be so that its loss is a loss; None is one that was not read."""


@REGISTRY.check(UNPARSEABLE, TOO_LARGE, NOT_OBJECT)
def reads_as_empty(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in x.stores:
        match store.soundness:
            case Unread(problem):
                yield from _unread(x, store, problem)
            case Damaged(fault) if store.reading is not None:
                yield _damaged(x, store, store.reading, fault)
            case TooLarge() if store.reading is not None:
                yield _too_large(x, store, store.reading)


def _unread(x: Examination, store: StoreFacts, problem: Unreadable) -> Iterator[Finding]:
    if problem.missing:
        return
    if problem.obstacle is Obstacle.FORBIDDEN:
        yield unread.denied(x, problem, "The store", _LOADS_EMPTY, store.agent_id)
        return
    yield UNPARSEABLE.finding(
        f"Cannot read the store: {problem.reason}.",
        unread.consequence(problem, _MAY_NOT_SAVE if problem.obstacle is Obstacle.NOT_A_FILE else _LOADS_EMPTY),
        severity=Severity.ERROR,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={"reason": problem.reason, "transcriptsBeside": store.transcripts.files},
        repair=None,
        by_hand=unread.by_hand(problem),
    )


_KEEP_SOURCE = (
    "Copy the directory first (`gatewaydoctor snapshot`), and keep this file: the receipt of its import names other "
    "bytes, and no change of it ends the refusal to start. See `gatewaydoctor migration`."
)
_STOP_WRITER = "Scan again once nothing writes there; fuser and lsof name what does."


def _damaged(x: Examination, store: StoreFacts, reading: StoreReading, fault: JsonFault) -> Finding:
    rule = NOT_OBJECT if fault.kind is JsonFaultKind.NOT_OBJECT else UNPARSEABLE
    beside = _beside_database(x, store)
    worth = beside or not store.read.barren or _candidates(x, store)
    rows = (
        plural(reading.entries, "complete session", "complete sessions") if reading.entries else "No complete session"
    )
    changing = store.read.ref.path in x.unsettled
    meanwhile = " It was written to meanwhile: scan again." if changing else ""
    by_hand = _STOP_WRITER if changing else None if worth else _NO_COPY
    kept = any(each.path == store.read.ref.path and each.contradicted for each in x.migration.retained)
    if kept and not changing:
        by_hand = _KEEP_SOURCE
    return rule.finding(
        f"{capital(fault.sentence)}. {rows} before the damage.{meanwhile}",
        READ_AS_EMPTY.of(x),
        brief="not a JSON object"
        if rule is NOT_OBJECT
        else f"{plural(reading.entries, 'complete session')} before the damage",
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={
            "fault": fault.kind.value,
            "offset": fault.offset,
            "bytes": reading.bytes,
            "wholeEntries": reading.entries,
            "lastGoodEnd": reading.last_good_end,
            "transcriptsBeside": store.transcripts.files,
            "sha256": reading.sha256,
            **({unread.CHANGING: True} if changing else {}),
        },
        severity=Severity.ERROR if changing else None,
        repair=("leftover" if beside else rule.repair) if worth and not changing and not kept else None,
        by_hand=by_hand,
    )


def _beside_database(x: Examination, store: StoreFacts) -> bool:
    """Whether an import would lay the file over a database. Only what that lacks may come back: `leftover`."""
    return any(each.path == store.read.ref.path and each.compared for each in x.health.leftovers)


def _too_large(x: Examination, store: StoreFacts, reading: StoreReading) -> Finding:
    return TOO_LARGE.finding(
        f"The store is {reading.bytes:,} bytes; the gateway's runtime reads only files below "
        f"{UNREADABLE_FROM_BYTES:,}. It holds {plural(reading.entries, 'session', 'sessions')} "
        "and is not damaged.",
        READ_AS_EMPTY.of(x),
        brief=f"{size(reading.bytes)}, {plural(reading.entries, 'session')}",
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={
            "limit": UNREADABLE_FROM_BYTES,
            "bytes": reading.bytes,
            "entries": reading.entries,
        },
        # Where rows that trim keeps are most of it, only slim makes it small.
        repair="trim slim",
    )


def emptied(x: Examination, store: StoreFacts) -> tuple[Orphan, ...]:
    """The transcripts a store should know and does not, where it has no entries at all; none for any other store."""
    directory = store.read.ref.sessions_dir
    shared = any(not _blank(each) for each in x.stores if each.read.ref.sessions_dir == directory)
    if shared or store.era.sessions_in_database:
        return ()
    return tuple(orphan for orphan in store.transcripts.orphans if orphan.content in _TALKS)


def _blank(store: StoreFacts) -> bool:
    """Whether a store is sound and without entries, or not there."""
    match store.soundness:
        case Absent():
            return True
        case Sound():
            return store.reading is not None and not store.reading.entries
        case _:
            return False


@REGISTRY.check(EMPTIED)
def empty_beside_transcripts(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in x.stores:
        lost = emptied(x, store)
        if not lost:
            continue
        copies = _candidates(x, store)
        people = sum(orphan.content is not ContentClass.MACHINE for orphan in lost)
        unread = sum(orphan.content is None for orphan in lost)
        state = "The store has no sessions" if store.sessions else "There is no store"
        yield EMPTIED.finding(
            (f"{state}, but {plural(len(lost), 'unindexed transcript remains', 'unindexed transcripts remain')}")
            + (
                f"; {people:,} with conversations{' or not read' if unread else ''}."
                if people
                else ", none with a conversation."
            ),
            "The gateway starts with no sessions; every later save makes the old index harder to restore.",
            brief=f"no session, but {plural(len(lost), 'transcript')}",
            count=len(lost),
            severity=None if people else Severity.WARNING,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "exists": store.sessions is not None,
                "transcripts": len(lost),
                "withPeoplesWords": people - unread,
                "notRead": unread,
                "bytes": sum(orphan.record.size for orphan in lost),
                "files": [orphan.record.name for orphan in lost[:EXAMPLES]],
            },
            repair=EMPTIED.repair if copies else None,
            by_hand=None if copies else _NO_COPY,
        )


@REGISTRY.check(CANDIDATES)
def backup_candidates(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in x.stores:
        damaged = isinstance(store.soundness, Damaged)
        found = _candidates(x, store) if damaged or emptied(x, store) else ()
        if not found:
            continue
        newest = max(found, key=lambda each: each[2])
        yield CANDIDATES.finding(
            f"{plural(len(found), 'file')} next to the store may hold its sessions: "
            f"{size(sum(each[1] for each in found))} in total, the largest "
            f"{size(max(each[1] for each in found))}.",
            "The gateway ignores them, and later saves may delete them by rotation.",
            brief=f"{plural(len(found), 'file')} may hold the lost sessions",
            count=len(found),
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "newest": {"name": newest[0], "bytes": newest[1], "mtimeMs": newest[2]},
                "files": [{"name": name, "bytes": count, "mtimeMs": at} for name, count, at in found[:EXAMPLES]],
            },
            repair=None if _beside_database(x, store) else CANDIDATES.repair,
        )


@REGISTRY.check(COPY_HAS_MORE)
def copy_has_more(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in x.session_stores:
        copies = [copy for copy in store.copies if copy.keys]
        keys = dict.fromkeys(key for copy in copies for key in copy.keys)
        health = x.health.of(store.path)
        # What a damaged database lacks is told with the damage.
        if not keys or (health is not None and health.problems):
            continue
        in_database = store.era.sessions_in_database
        files = plural(len(copies), "file next to it has", "files next to it have")
        lacks = f"The {'database' if in_database else 'store'} lacks {plural(len(keys), 'conversation')} that {files}"
        ahead = "The gateway goes on without them"
        yield COPY_HAS_MORE.finding(
            f"{lacks}." if in_database else f"{lacks}; the transcripts are there.",
            f"{ahead}." if in_database else f"{ahead}; rotation and clean-up may delete the files.",
            brief=f"{plural(len(keys), 'conversation')} only in a copy",
            count=len(keys),
            agent_id=store.agent_id,
            path=store.path,
            evidence={
                "files": [{"name": copy.path.name, "conversations": len(copy.keys)} for copy in copies[:EXAMPLES]],
                "keys": list(keys)[:EXAMPLES],
            },
        )


def _candidates(x: Examination, store: StoreFacts) -> tuple[tuple[str, int, int], ...]:
    """Name, bytes and mtime of files that may hold a copy of the store, newest first."""
    beside = [
        (record.name, record.size, record.at)
        for record in store.listing.files
        if _may_hold_a_store(record, store.read.ref.path.name)
    ]
    archived = [
        (str(leftover.path), leftover.size, leftover.mtime)
        for agent in x.eras.agents
        if agent.agent_id in store.read.ref.agent_ids
        for leftover in agent.leftovers
        if leftover.kind == "import-archive"
    ]
    return tuple(sorted((*beside, *archived), key=lambda row: (-row[2], row[0])))


_SAYS_COPY = regex(r"bak|back-?up|old|orig|copy|save|good|[0-9]{6}", re.IGNORECASE)
"""What the name of a copy made by hand tells; a `sessions.json.<x>.json` without it holds something else."""

_LEAST = 20
"""Bytes of the smallest store with a row in it."""


def _may_hold_a_store(record: FileRecord, store_name: str) -> bool:
    if record.node is not NodeKind.FILE or record.size < _LEAST or record.cls is FileClass.LOCK:
        return False
    if record.cls is FileClass.STORE_TEMP:
        return True
    more = record.name.removeprefix(f"{store_name}.")
    side_file = more.endswith(".json") and not _SAYS_COPY.search(more)
    return more != record.name and not side_file
