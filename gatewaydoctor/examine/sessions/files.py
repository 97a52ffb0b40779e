"""The files of one sessions directory against what the indexes of all agents reach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.files import PRIMARY, FileClass, NodeKind
from gatewaydoctor.model.gateway.transcript import (
    ContentClass,
    PointerKind,
    Presence,
    Resolution,
    TranscriptCheck,
    TranscriptState,
)
from gatewaydoctor.state.history.content import boot_markers_at_tail, content_class
from gatewaydoctor.state.history.names import classify, parse_name
from gatewaydoctor.state.history.pathmap import MapEvidence
from gatewaydoctor.state.history.readonce import ReadOnce
from gatewaydoctor.state.history.references import LooseThreads, unowned
from gatewaydoctor.state.history.transcripts import check_transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Maintenance
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.files import FileRecord, Listing
    from gatewaydoctor.model.gateway.transcript import DerivedMap
    from gatewaydoctor.state.history.pointers import Pointers
    from gatewaydoctor.state.history.readonce import Reads
    from gatewaydoctor.state.history.references import References
    from gatewaydoctor.system.fs import ReadFs

HUGE_BYTES = 50 * 1024 * 1024
BOOT_MARKERS = 10
"""Boot and resume prompts since the last other turn that make a loop; two ordinary restarts leave up to four."""
TOLD_AT_ONCE = 100
"""Files after which progress is told."""
KEPT = 1000
"""How many rows of a kind are kept for listing; everything is counted."""

_SET_ASIDE = frozenset({FileClass.ARCHIVE_RESET, FileClass.ARCHIVE_DELETED})
_FAULTY = frozenset(
    {
        TranscriptState.HEADER_INVALID,
        TranscriptState.NUL_TAIL,
        TranscriptState.TORN_TAIL,
        TranscriptState.NO_NEWLINE,
        TranscriptState.UNREADABLE,
    }
)


class EntryPointer(Struct, frozen=True):
    """A row whose transcript is not where its pointer says, or whose path is another host's."""

    entry: Entry
    row: int
    resolution: Resolution


class PointerFacts(Struct, frozen=True):
    """Where the rows of a store point. `missing` counts rows whose transcript is gone and has no excuse; of these
    `missing_people` are not disposable kinds. `misplaced` counts rows whose transcript lies next to the store under a
    name their pointer does not give. `unlinked` counts rows of threads without a session whose topic transcript lies
    next to the store. `foreign` counts absolute paths that lead out of this tree. `listed` keeps the
    first rows of any sort."""

    presence: Counter[Presence]
    missing: int
    missing_people: int
    foreign: int
    listed: tuple[EntryPointer, ...]
    derived: DerivedMap | None
    misplaced: int = 0
    unlinked: int = 0


class Orphan(Struct, frozen=True):
    """A transcript no index points to, and what it is to people; None where it was not read."""

    record: FileRecord
    content: ContentClass | None


class Archive(Struct, frozen=True):
    """A transcript that was set aside (.reset, .deleted), and what it is to people; None where it was not read. A
    save of the gateway deletes it once it is older than `until` (epoch ms), None where no release is known to."""

    record: FileRecord
    content: ContentClass | None
    until: int | None


class TranscriptFault(Struct, frozen=True):
    """`content` is what a file without a header is to people; None for other faults, and where it was not read."""

    record: FileRecord
    check: TranscriptCheck
    referenced: bool
    content: ContentClass | None = None


class TranscriptFacts(Struct, frozen=True):
    """Primary transcripts of one directory. `orphans` are listed in full; `referenced_known` is False where some
    store could not be read whole, so that nothing can be called unreferenced with certainty. `unowned_sidecars` are
    checkpoints and trajectories of sessions no index names any more."""

    files: int
    bytes: int
    referenced: int
    orphans: tuple[Orphan, ...]
    faults: tuple[TranscriptFault, ...]
    huge: tuple[FileRecord, ...]
    boot_loops: tuple[tuple[FileRecord, int], ...]
    header_only: int
    checked: int
    referenced_known: bool = True
    unowned_sidecars: int = 0
    unowned_bytes: int = 0
    archives: tuple[Archive, ...] = ()

    @property
    def loose(self) -> frozenset[str]:
        """Names of transcripts with a sound header that surely no index points to."""
        if not self.referenced_known:
            return frozenset()
        headless = {
            fault.record.name for fault in self.faults if fault.check.verdict is TranscriptState.HEADER_INVALID
        }
        return frozenset(orphan.record.name for orphan in self.orphans) - headless

    @property
    def orphan_bytes(self) -> int:
        return sum(orphan.record.size for orphan in self.orphans)


class _Tally(Struct):
    files: int = 0
    bytes: int = 0
    referenced: int = 0
    header_only: int = 0
    orphans: list[Orphan] = field(default_factory=list)
    faults: list[TranscriptFault] = field(default_factory=list)
    huge: list[FileRecord] = field(default_factory=list)
    boot_loops: list[tuple[FileRecord, int]] = field(default_factory=list)


def transcript_facts(
    fs: ReadFs,
    directory: Path,
    listing: Listing,
    references: References,
    *,
    read_orphans_up_to: int | None,
    referenced_known: bool = True,
    maintenance: Maintenance | None = None,
    progress: Callable[[int], None] | None = None,
) -> TranscriptFacts:
    """Check both ends of every transcript and classify those nothing reaches. `read_orphans_up_to` is the size in
    bytes above which an orphan's content is not read (None: read all). `referenced_known` says whether `references`
    hold every row of every store; `maintenance` is that of the release in use, None where it deletes no archive.
    Files that vanish meanwhile are left out."""
    tally, reads = _Tally(), ReadOnce(fs)
    primary = [record for record in listing.files if record.cls in PRIMARY and record.node is NodeKind.FILE]
    for start in range(0, len(primary), TOLD_AT_ONCE):
        some = primary[start : start + TOLD_AT_ONCE]
        for record in some:
            path = directory / record.name
            check = check_transcript(reads, path)
            if check is not None:
                referenced = references.reaches(record.name, record.cls)
                _take(tally, reads, path, record, check, referenced, read_orphans_up_to)
        if progress:
            progress(len(some))
    reads.close()
    sidecars = [record.size for record in unowned(listing.files, references)]
    return TranscriptFacts(
        tally.files,
        tally.bytes,
        tally.referenced,
        tuple(_largest_first(tally.orphans)),
        tuple(tally.faults),
        tuple(tally.huge),
        tuple(tally.boot_loops),
        tally.header_only,
        tally.files,
        referenced_known,
        len(sidecars),
        sum(sidecars),
        tuple(_archives(fs, listing, maintenance, read_orphans_up_to)),
    )


def _largest_first(orphans: list[Orphan]) -> list[Orphan]:
    """And by name where the size is the same. Two sorts by one value are faster than one by a pair."""
    by_name = sorted(orphans, key=lambda orphan: orphan.record.name)
    return sorted(by_name, key=lambda orphan: orphan.record.size, reverse=True)


def _archives(
    fs: ReadFs, listing: Listing, maintenance: Maintenance | None, read_up_to: int | None
) -> Iterator[Archive]:
    for record in listing.files:
        if record.cls not in _SET_ASIDE or record.node is not NodeKind.FILE:
            continue
        if classify(parse_name(record.name).base) not in PRIMARY:
            continue
        read = read_up_to is None or record.size <= read_up_to
        content = content_class(fs, listing.directory / record.name) if read else None
        yield Archive(record, content, _until(record, maintenance))


def _until(record: FileRecord, maintenance: Maintenance | None) -> int | None:
    """In mode warn nothing is deleted; a name without a time is none that a release knows."""
    if maintenance is None or maintenance.mode.value != "enforce" or record.stamp is None:
        return None
    reset = record.cls is FileClass.ARCHIVE_RESET
    kept = maintenance.reset_archive_retention.value if reset else maintenance.prune_after.value
    return None if kept is None or maintenance.reset_archive_retention.value is None else record.stamp + kept


def _take(
    tally: _Tally,
    fs: Reads,
    path: Path,
    record: FileRecord,
    check: TranscriptCheck,
    referenced: bool,
    read_up_to: int | None,
) -> None:
    tally.files += 1
    tally.bytes += record.size
    tally.referenced += referenced
    verdict = check.verdict
    tally.header_only += verdict is TranscriptState.HEADER_ONLY
    if verdict in _FAULTY:
        headless = verdict is TranscriptState.HEADER_INVALID
        content = _content(fs, path, record, verdict, read_up_to) if headless else None
        tally.faults.append(TranscriptFault(record, check, referenced, content))
    if record.size >= HUGE_BYTES:
        tally.huge.append(record)
    if referenced and (markers := boot_markers_at_tail(fs, path)) >= BOOT_MARKERS:
        tally.boot_loops.append((record, markers))
    if not referenced:
        tally.orphans.append(Orphan(record, _content(fs, path, record, verdict, read_up_to)))


def _content(
    fs: Reads, path: Path, record: FileRecord, verdict: TranscriptState, read_up_to: int | None
) -> ContentClass | None:
    if verdict is TranscriptState.HEADER_ONLY:
        return ContentClass.HEADER_ONLY
    if read_up_to is not None and record.size > read_up_to:
        return None
    return content_class(fs, path)


class PointerCollector:
    """Takes the rows of a store one by one and resolves where they point."""

    def __init__(self, pointers: Pointers, now: int, loose: Iterable[str] = (), *, in_database: bool) -> None:
        """`loose` are transcripts of the store's directory that surely no index points to."""
        self._pointers = pointers
        self._evidence = MapEvidence(pointers.directories, pointers.store_dir)
        self._now = now
        self._in_database = in_database
        self._presence: Counter[Presence] = Counter()
        self._listed: list[EntryPointer] = []
        self._threads: LooseThreads[tuple[int, Entry]] = LooseThreads(loose)
        self._missing = self._missing_people = self._misplaced = self._foreign = 0

    def take(self, row: int, entry: Entry) -> None:
        """Rows that are not objects point nowhere and are passed over."""
        if not entry.valid:
            return
        self._threads.take(entry, (row, entry))
        resolution = self._pointers.resolve(
            entry, self._now, cli_backed=entry.cli_backed, in_database=self._in_database
        )
        self._presence[resolution.presence] += 1
        foreign = resolution.pointer is PointerKind.FOREIGN
        if foreign:
            self._foreign += 1
            self._evidence.add(entry.session_file or "")
        if resolution.missing:
            self._missing += 1
            self._missing_people += entry.kind not in MACHINE_KINDS
        misplaced = resolution.presence is Presence.ELSEWHERE and not foreign
        self._misplaced += misplaced
        if (foreign or misplaced or resolution.missing) and len(self._listed) < KEPT:
            self._listed.append(EntryPointer(entry, row, resolution))

    def result(self) -> PointerFacts:
        unlinked = 0
        for (row, entry), match in self._threads.matches():
            unlinked += 1
            if len(self._listed) < KEPT:
                found = Resolution(PointerKind.NONE, Presence.ELSEWHERE, match.name)
                self._listed.append(EntryPointer(entry, row, found))
        return PointerFacts(
            self._presence,
            self._missing,
            self._missing_people,
            self._foreign,
            tuple(self._listed),
            self._evidence.best(),
            self._misplaced,
            unlinked,
        )
