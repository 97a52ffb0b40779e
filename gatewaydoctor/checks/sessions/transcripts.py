"""Rules about transcripts: those nothing reaches, and those that are damaged, huge, or in a loop."""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NOTHING_BY_ITSELF, NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import directories
from gatewaydoctor.checks.stores.reading import emptied
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.files import PRIMARY, NodeKind
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.gateway.transcript import ContentClass, TranscriptState
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import plural, size
from gatewaydoctor.state.history.references import References

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.files import Orphan, TranscriptFault
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.model.outcome.finding import Finding

SETTLED_MS = 60_000
"""A transcript written to more recently may be in the middle of a write while a gateway is live."""

UNINDEXED = Rule(
    id="transcript-unindexed",
    family=Family.TRANSCRIPTS,
    severity=Severity.INFO,
    title="Unindexed transcripts",
    meaning="No session, checkpoint or topic of any agent points to these files. They are sorted by "
    "content: conversations, machine messages only, header only, or not a transcript. They are "
    "evidence of history; do not treat them as rubbish.",
    cause="A session was reset, restarted or dropped by the cap, and its file stayed. Cap and prune at "
    "load (2026.4.25) leave thousands of them.",
    gateway="It never shows them. Its `doctor --fix` and cleanup rename or delete them, and a disk "
    "budget deletes them first. Every usage call reads them.",
    remedy="Leave conversations where they are. Files with only a header or only machine messages can "
    "be moved away; keep a list of what you move.",
    repair="orphans",
)

TORN = Rule(
    id="transcript-torn-tail",
    family=Family.TRANSCRIPTS,
    severity=Severity.WARNING,
    title="Transcripts whose end is damaged",
    meaning="The last line is not valid JSON, the file ends in NUL bytes, or the last line is complete "
    "but has no newline. Info only for unindexed files.",
    cause="A crash, a power cut or a full disk while a line was appended.",
    gateway="It drops a cut line before the next run. It does not repair a complete last line without a "
    "newline: the next append is joined to it and both records are lost. A 2026.9.6 import takes "
    "only what comes before the first malformed line.",
    remedy="On a copy, remove the cut or NUL tail at the offset shown, or add the missing newline. Do "
    "this before upgrading to a release that uses databases.",
    repair="transcripts",
)

BAD_HEADER = Rule(
    id="transcript-bad-header",
    family=Family.TRANSCRIPTS,
    severity=Severity.ERROR,
    title="Transcripts without a valid header",
    meaning="The first readable line is not a session header with an id, but more lines follow. Info "
    "only for unindexed files; warning if gatewaydoctor could not read every index.",
    cause="The first line was damaged or cut off: a manual edit, `tail -n` used to shorten the file, a bad block.",
    gateway="At the session's next turn it truncates the file and writes a new header: the session's "
    "whole history is lost.",
    remedy="Before any start, copy the file to a safe place. Then prepend a header line: type session, "
    "version 3, the id in the file name, and the time of its first record.",
    repair="transcripts",
)

HUGE = Rule(
    id="transcript-huge",
    family=Family.TRANSCRIPTS,
    severity=Severity.WARNING,
    title="Transcripts large enough to freeze the gateway",
    meaning="The gateway reads all of such a transcript for one message or one usage call. Files of 11 "
    "to 444 MB are known to have frozen a gateway.",
    cause="A long-lived session without compaction, or tool output with megabytes per line.",
    gateway="At the next message in such a session it reads and parses the whole file on the event loop "
    "and answers nothing else meanwhile.",
    remedy="Reset the session (its file stays as an archive), or hide it with `gatewaydoctor park KEY`; "
    "`gatewaydoctor unpark KEY` restores it. Do not shorten the file with tail: that removes the header.",
)

BOOT_LOOP = Rule(
    id="transcript-boot-loop",
    family=Family.TRANSCRIPTS,
    severity=Severity.ERROR,
    title="Transcripts that end in repeated restarts",
    meaning="The transcript ends with nothing but the prompts and context lines that a gateway start "
    "writes, with no other turn in between.",
    cause="The gateway starts, resumes this session, crashes on it, and starts again.",
    gateway="It resumes the session once more. Each start adds lines and can cost a model turn.",
    remedy="With the gateway stopped, hide this one session with `gatewaydoctor park KEY`, then start. Once you "
    "know the cause, `gatewaydoctor unpark KEY` restores it.",
)

_BOOT_TORN = NextBoot(
    v3_28="drops cut lines before the session's next run, and loses a last line without a newline at the next append",
    v9_6="imports only what comes before the first malformed line",
    unknown="Releases up to 2026.5.22 drop cut lines, and lose a last line without a newline at the next "
    "append; 2026.9.6 imports only what comes before.",
)
_KINDS = (
    (ContentClass.HUMAN, "with a conversation"),
    (ContentClass.MACHINE, "with machine messages only"),
    (ContentClass.HEADER_ONLY, "with a header only"),
    (ContentClass.NOT_TRANSCRIPT, "not a transcript"),
    (None, "not read"),
)


class Reach(Enum):
    """Whether an entry leads to a file: `UNKNOWN` where none that was read does, and not all were read."""

    INDEXED = auto()
    UNKNOWN = auto()
    NONE = auto()


_IF_USED = {Reach.INDEXED: "", Reach.UNKNOWN: "If a session uses such a file: "}
_BOOT_HEADLESS = {
    Reach.INDEXED: "The next turn of each session truncates its file and starts an empty history.",
    Reach.UNKNOWN: "If a session uses such a file, its next turn truncates it and starts an empty history.",
    Reach.NONE: "No session opens them, so nothing truncates them.",
}
_SEVERITY = {Reach.INDEXED: Severity.ERROR, Reach.UNKNOWN: Severity.WARNING, Reach.NONE: Severity.INFO}
_PART = "Copy the file, and in the copy put each record of the last line on its own line."
_TAILS = frozenset({TranscriptState.TORN_TAIL, TranscriptState.NUL_TAIL, TranscriptState.NO_NEWLINE})


@REGISTRY.check(UNINDEXED)
def unindexed(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        orphans = store.transcripts.orphans
        # Where a store is damaged or empty, its own finding concerns them.
        if not orphans or not store.transcripts.referenced_known or emptied(x, store):
            continue
        counts = Counter(orphan.content for orphan in orphans)
        sorts = ", ".join(f"{counts[kind]:,} {words}" for kind, words in _KINDS if counts[kind])
        yield UNINDEXED.finding(
            f"{plural(len(orphans), 'unindexed transcript')} ({size(store.transcripts.orphan_bytes)}): {sorts}.",
            _AHEAD[store.era.sessions_in_database],
            brief=f"{plural(len(orphans), 'transcript')}, {size(store.transcripts.orphan_bytes)}, in no index",
            count=len(orphans),
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir,
            evidence={
                "bytes": store.transcripts.orphan_bytes,
                "content": {kind.value if kind else "not-read": counts[kind] for kind, _ in _KINDS if counts[kind]},
                "files": [_orphan(orphan) for orphan in orphans[:EXAMPLES]],
            },
            repair=UNINDEXED.repair if _disposable(counts) and not store.era.sessions_in_database else None,
        )


def unindexed_conversations(finding: Finding) -> int:
    """How many of the transcripts that a finding calls unindexed surely hold a conversation."""
    content = finding.evidence.get("content") if finding.rule == UNINDEXED.id else None
    return content.get(ContentClass.HUMAN.value, 0) if isinstance(content, dict) else 0


_AHEAD = {
    False: "The gateway does not show or change them, but counts them in usage; its `doctor "
    "--fix` renames or deletes them.",
    True: "They are not in the database. A start that migrates sessions may take them as sessions of their own.",
}


def _disposable(counts: Mapping[ContentClass | None, int]) -> int:
    return counts[ContentClass.MACHINE] + counts[ContentClass.HEADER_ONLY]


def _orphan(orphan: Orphan) -> dict[str, object]:
    content = orphan.content.value if orphan.content else "not-read"
    return {"name": orphan.record.name, "bytes": orphan.record.size, "content": content}


@REGISTRY.check(TORN)
def torn_tail(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        for faults, reach in _by_reference(x, store):
            found = [fault for fault in faults if fault.check.verdict in _TAILS]
            if not found:
                continue
            counts = Counter(fault.check.verdict for fault in found)
            glued = sum(fault.check.glued for fault in found)
            parts = (
                (counts[TranscriptState.TORN_TAIL] - glued, "with a cut last line"),
                (glued, "with joined records in the last line"),
                (counts[TranscriptState.NUL_TAIL], "with NUL bytes at the end"),
                (counts[TranscriptState.NO_NEWLINE], "without a final newline"),
            )
            sorts = ", ".join(f"{count:,} {words}" for count, words in parts if count)
            yield TORN.finding(
                f"{_how_many(found, reach)}: {sorts}.",
                NOTHING_BY_ITSELF if reach is Reach.NONE else _IF_USED[reach] + _BOOT_TORN.of(x),
                brief=f"{plural(len(found), 'transcript')} cut in the last line",
                harms={Harm.CUT: len(found)},
                count=len(found),
                severity=Severity.INFO if reach is Reach.NONE else None,
                agent_id=store.agent_id,
                path=store.read.ref.sessions_dir / found[0].record.name,
                evidence={"files": [_tail(fault) for fault in found[:EXAMPLES]]},
                repair=TORN.repair if glued < len(found) else None,
                by_hand=_PART if glued == len(found) else None,
            )


def _tail(fault: TranscriptFault) -> dict[str, object]:
    return {
        "name": fault.record.name,
        "verdict": fault.check.verdict.value,
        "bytes": fault.check.size,
        "soundEnd": fault.check.sound_end,
        "nulStart": fault.check.nul_start,
    }


@REGISTRY.check(BAD_HEADER)
def bad_header(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        for faults, reach in _by_reference(x, store):
            headless = [fault for fault in faults if fault.check.verdict is TranscriptState.HEADER_INVALID]
            # What no session uses and is not a transcript is told as that, among the files no index points to.
            found = [
                fault
                for fault in headless
                if reach is not Reach.NONE or fault.content is not ContentClass.NOT_TRANSCRIPT
            ]
            if not found:
                continue
            talks = sum(fault.content in (ContentClass.HUMAN, ContentClass.MACHINE) for fault in found)
            yield BAD_HEADER.finding(
                f"{_how_many(found, reach)} without a valid header line.",
                _BOOT_HEADLESS[reach],
                brief=f"{plural(len(found), 'transcript')} without a header",
                harms={Harm.NO_HEADER: len(found)},
                count=len(found),
                severity=_SEVERITY[reach],
                agent_id=store.agent_id,
                path=store.read.ref.sessions_dir / found[0].record.name,
                evidence={
                    "files": [{"name": fault.record.name, "bytes": fault.check.size} for fault in found[:EXAMPLES]],
                    "withoutMessages": len(found) - talks,
                },
                repair=BAD_HEADER.repair if talks else None,
                by_hand=None
                if talks
                else "Copy them to a safe place before any start, and find out what wrote them: they "
                "hold no message, so there is nothing to put a header on.",
            )


def _how_many(found: Sequence[TranscriptFault], reach: Reach) -> str:
    if reach is Reach.UNKNOWN:
        return f"{plural(len(found), 'transcript')} not in any index that could be read"
    return plural(len(found), "transcript" if reach is Reach.INDEXED else "unindexed transcript")


def _by_reference(x: Examination, store: StoreFacts) -> Iterator[tuple[list[TranscriptFault], Reach]]:
    """Faulty transcripts that an index reaches, then the others. While a gateway may write, the newest are left out.
    Where some store could not be read whole, any file may be reached. A file that an import keeps for a plugin is no
    transcript any more."""
    kept, directory = x.migration.kept_for_plugins, store.read.ref.sessions_dir
    stopped = x.gateway.liveness is Liveness.DEAD
    known = store.transcripts.referenced_known
    settled = [
        fault
        for fault in store.transcripts.faults
        if (stopped or abs(x.now - fault.record.mtime) >= SETTLED_MS) and directory / fault.record.name not in kept
    ]
    yield [fault for fault in settled if fault.referenced], Reach.INDEXED
    yield [fault for fault in settled if not fault.referenced], Reach.NONE if known else Reach.UNKNOWN


@REGISTRY.check(HUGE)
def huge(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        found = [
            record
            for record in store.listing.files
            if record.size >= t.transcript_bytes and record.cls in PRIMARY and record.node is NodeKind.FILE
        ]
        if not found:
            continue
        found.sort(key=lambda record: (-record.size, record.name))
        yield HUGE.finding(
            f"{plural(len(found), 'transcript')} of {size(t.transcript_bytes)} or more, the largest "
            f"{size(found[0].size)}.",
            (
                "The gateway answers the next message in such a session only after it has read the whole "
                "file on the event loop."
            ),
            brief=f"{plural(len(found), 'transcript')}, the largest {size(found[0].size)}",
            count=len(found),
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir / found[0].name,
            key=_key(store, found[0]),
            evidence={"files": [{"name": record.name, "bytes": record.size} for record in found[:EXAMPLES]]},
        )


def _key(store: StoreFacts, record: FileRecord) -> str | None:
    """The session that this is the transcript of; None where no row that was read leads to it."""
    for _, entry in store.sessions.rows() if store.sessions else ():
        references = References()
        references.add(store.agent_id, entry.session_id, entry.session_file)
        if references.reaches(record.name):
            return entry.key
    return None


@REGISTRY.check(BOOT_LOOP)
def boot_loop(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store in directories(x):
        found = [(record, markers) for record, markers in store.transcripts.boot_loops if markers >= t.boot_markers]
        if not found:
            continue
        found.sort(key=lambda row: (-row[1], row[0].name))
        key = _key(store, found[0][0])
        yield BOOT_LOOP.finding(
            f"{plural(len(found), 'transcript ends', 'transcripts end')} in boot prompts only, up "
            f"to {found[0][1]:,} in a row.",
            "The gateway is likely to resume the session and crash again.",
            brief=f"{plural(len(found), 'transcript')}, up to {found[0][1]:,} starts in a row",
            count=len(found),
            agent_id=store.agent_id,
            path=store.read.ref.sessions_dir / found[0][0].name,
            key=key,
            evidence={
                "files": [{"name": record.name, "bootMarkers": markers} for record, markers in found[:EXAMPLES]]
            },
            by_command=typed("park", key) if key else None,
        )
