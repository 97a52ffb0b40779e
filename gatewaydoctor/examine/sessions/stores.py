"""One session store with everything that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, assert_never

from msgspec import Struct

from gatewaydoctor.examine.cron.jobs import JobCollector, JobRuns
from gatewaydoctor.examine.sessions.stuck import RunningRows, StuckSummary
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.soundness import Absent, Damaged, Sound, TooLarge, Unread
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.storage.files.cut import LARGEST_ENTRY
from gatewaydoctor.storage.files.sessions import FileSessions, read_sessions_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatewaydoctor.examine.sessions.activity import TranscriptSigns
    from gatewaydoctor.examine.sessions.copies import StoreCopy
    from gatewaydoctor.examine.sessions.eviction import Eviction, EvictionCollector
    from gatewaydoctor.examine.sessions.files import PointerCollector, PointerFacts, TranscriptFacts
    from gatewaydoctor.examine.sessions.rowfaults import RowFault, RowFaultCollector
    from gatewaydoctor.examine.sessions.stuck import RunningEntry, Signs
    from gatewaydoctor.model.gateway.cron import Cron
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import Era
    from gatewaydoctor.model.gateway.files import ClassTotals, FileClass, Listing, Unreadable
    from gatewaydoctor.model.gateway.place import StoreRef
    from gatewaydoctor.model.gateway.soundness import Soundness
    from gatewaydoctor.model.gateway.store import StoreReading
    from gatewaydoctor.model.gateway.usage import UsageLoad
    from gatewaydoctor.state.history.references import References
    from gatewaydoctor.storage.entries.sessionset import SessionSet
    from gatewaydoctor.system.fs import FileStat, ReadFs


class StoreRead(Struct, frozen=True):
    """What reading the store file gave. `sessions` is None where there is no file or it could not be read: then
    `problem` says why. `changed` is True where size or mtime moved while it was read, `barren` where the file is
    damaged and holds no complete session, before the damage or behind it."""

    ref: StoreRef
    stat: FileStat | None
    sessions: FileSessions | None
    problem: Unreadable | None
    changed: bool = False
    barren: bool = False

    @property
    def soundness(self) -> Soundness:
        """How the gateway takes it."""
        if self.sessions is None:
            return Absent() if self.problem is None else Unread(self.problem)
        reading = self.sessions.reading
        if reading.fault is not None:
            return Damaged(reading.fault)
        return TooLarge(reading.bytes) if reading.too_large else Sound()

    @property
    def whole(self) -> bool:
        """Whether every row of the store is known. A store that is not there has none."""
        match self.soundness:
            case Absent():
                return not self.ref.exists
            case Unread() | Damaged():
                return False
            case Sound() | TooLarge():
                return not self.gaps
            case _:
                assert_never(self.soundness)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why rows of a store that was read may be unknown, damage aside; each a sentence without its full stop."""
        if self.sessions is None:
            return ()
        unread = self.sessions.unread
        found = (
            (unread > 0, f"{unread:,} entries of more than {LARGEST_ENTRY >> 20} MiB were not examined"),
            (self.changed, "it changed while it was read; scan again"),
        )
        return tuple(text for holds, text in found if holds)


class RowFacts(Struct, frozen=True):
    """What follows from the rows of a store once liveness and files are known. `running` lists every row with status
    `running`, `aborted` every other one with abortedLastRun. `eviction` is what an enforced save would drop, None
    where the store is not over its cap."""

    running: RunningRows
    aborted: RunningRows
    jobs: tuple[JobRuns, ...]
    pointers: PointerFacts | None
    faults: tuple[RowFault, ...]
    eviction: Eviction | None


class SessionFacts(Struct, frozen=True):
    """What a store of sessions tells of its rows, whichever engine keeps them. `facts` is None where there are no
    rows to be had: then there is nothing of any kind. `oldest_updated` and `newest_updated` are epoch ms."""

    facts: RowFacts | None
    oldest_updated: int | None
    newest_updated: int | None

    @property
    def running(self) -> Sequence[RunningEntry]:
        return self.facts.running if self.facts else ()

    @property
    def aborted(self) -> Sequence[RunningEntry]:
        return self.facts.aborted if self.facts else ()

    @property
    def stuck(self) -> Sequence[RunningEntry]:
        return self.facts.running.stuck() if self.facts else ()

    @property
    def stuck_summary(self) -> StuckSummary:
        return self.facts.running.summary if self.facts else StuckSummary()

    @property
    def jobs(self) -> tuple[JobRuns, ...]:
        return self.facts.jobs if self.facts else ()

    @property
    def faults(self) -> tuple[RowFault, ...]:
        return self.facts.faults if self.facts else ()

    @property
    def pointers(self) -> PointerFacts | None:
        return self.facts.pointers if self.facts else None

    @property
    def eviction(self) -> Eviction | None:
        return self.facts.eviction if self.facts else None


class StoreFacts(SessionFacts, frozen=True):
    """A sessions.json with its directory. `signs` tells when a row's transcript was written to. `copies` are files
    next to it that know more conversations."""

    read: StoreRead
    era: Era
    listing: Listing
    classes: dict[FileClass, ClassTotals]
    transcripts: TranscriptFacts
    usage: UsageLoad
    signs: TranscriptSigns
    copies: tuple[StoreCopy, ...] = ()

    @property
    def agent_id(self) -> str:
        return self.read.ref.agent_id

    @property
    def sessions(self) -> FileSessions | None:
        return self.read.sessions

    @property
    def reading(self) -> StoreReading | None:
        """What the file is, None where it was not read."""
        return self.read.sessions.reading if self.read.sessions else None

    @property
    def soundness(self) -> Soundness:
        return self.read.soundness

    @property
    def path(self) -> Path:
        return self.read.ref.path

    @property
    def inode(self) -> tuple[int, int] | None:
        """(device, inode), None where it was not seen."""
        return (self.read.stat.dev, self.read.stat.ino) if self.read.stat else None

    @property
    def whole(self) -> bool:
        """Whether every row is known."""
        return self.read.whole


MOST_READS = 3
"""Times that a store is read which changes again and again."""


def read_store(
    fs: ReadFs,
    ref: StoreRef,
    references: References,
    main_key: str,
    progress: Callable[[int], None] | None,
    *,
    hashed: bool = True,
) -> StoreRead:
    """Read one store to its end, feeding what its rows reference to `references`. One that changes meanwhile is read
    again: what a writer has half done looks like damage. Nothing is raised."""
    if not ref.exists:
        return StoreRead(ref, None, None, None)
    for _ in range(MOST_READS - 1):
        read = _read_once(fs, ref, references, main_key, progress, hashed=hashed)
        if not read.changed:
            return read
    return _read_once(fs, ref, references, main_key, progress, hashed=hashed)


def _read_once(
    fs: ReadFs,
    ref: StoreRef,
    references: References,
    main_key: str,
    progress: Callable[[int], None] | None,
    *,
    hashed: bool,
) -> StoreRead:

    def refer(entry: Entry, checkpoints: tuple[str, ...]) -> None:
        references.add(ref.agent_id, entry.session_id, entry.session_file, checkpoints)

    try:
        before = fs.stat(ref.path)
        with fs.open(ref.path) as stream:
            found = read_sessions_file(stream, before.size, main_key, refer, progress, hashed=hashed)
            barren = _is_barren(stream, found, main_key)
        after = fs.stat(ref.path)
    except OSError as error:
        return StoreRead(ref, None, None, unreadable(ref.path, error))
    changed = (before.size, before.mtime_ns, before.ino) != (after.size, after.mtime_ns, after.ino)
    return StoreRead(ref, before, found, None, changed, barren)


def _is_barren(stream: BinaryIO, found: FileSessions, main_key: str) -> bool:
    if found.reading.fault is None or found.reading.entries:
        return False
    from gatewaydoctor.storage.files.salvage import salvage  # rarely needed

    return not len(salvage(stream, found, main_key).table)


def row_facts(
    sessions: SessionSet,
    signs: Signs,
    pointers: PointerCollector | None,
    cron: Cron,
    faults: RowFaultCollector | None = None,
    eviction: EvictionCollector | None = None,
    *,
    now: int,
    stuck_after: int,
    gateway_live: bool,
) -> RowFacts:
    """One walk over the rows the gateway sees. `pointers` is None where transcripts are not files."""
    table = sessions.table
    jobs = JobCollector(signs, now)
    running, aborted = (
        RunningRows(table, signs, (), now=now, stuck_after=stuck_after, gateway_live=gateway_live) for _ in range(2)
    )
    for row, entry in sessions.rows():
        stuck = False
        if entry.status is Status.RUNNING:
            stuck = running.take(entry, row)
        elif entry.aborted_last_run:
            aborted.take(entry, row)
        jobs.take(entry, row, stuck=stuck)
        if pointers is not None:
            pointers.take(row, entry)
        if faults is not None:
            faults.take(entry)
        if eviction is not None:
            eviction.take(row, entry)
    return RowFacts(
        running,
        aborted,
        jobs.result(cron),
        pointers.result() if pointers is not None else None,
        faults.result() if faults is not None else (),
        eviction.result() if eviction is not None else None,
    )
