"""Where sessions, transcripts and jobs of the file era are now. Turns of people are counted, no text is kept."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class EventsIn(StrEnum):
    """`database`: every event of it is there. `archive-row`: the database keeps it as the archive of a session that
    was removed. `partly`: some of its events are in the database. `file`: none is. `unread`: not known."""

    DATABASE = "database"
    ARCHIVE_ROW = "archive-row"
    PARTLY = "partly"
    FILE = "file"
    UNREAD = "unread"


class SourceKind(StrEnum):
    """What kind of file it is: one an import retired, one in the sessions directory, or an archive of a reset or a
    deletion there."""

    IMPORTED = "imported"
    ACTIVE = "active"
    RESET = "reset"
    DELETED = "deleted"


class TranscriptPlace(Struct, frozen=True):
    """One transcript file that is not wholly in a database. `events` and `contained` count lines with an event;
    `people` turns of people among those that are missing, `undecided` lines in which a person may speak. `broken_at`
    is the number of the first line that is not JSON. `header` is whether the first one is a header. `reason` says why
    it was not read. `waiting`: what an import retired is in the sessions directory again, for the next start to
    take; `homeless`: that is no directory."""

    agent_id: str
    path: Path
    session_id: str
    source: SourceKind
    place: EventsIn
    events: int = 0
    contained: int = 0
    people: int = 0
    undecided: int = 0
    broken_at: int | None = None
    header: bool = True
    bytes: int = 0
    reason: str | None = None
    waiting: bool = False
    homeless: bool = False

    @property
    def waits_at(self) -> Path:
        """Where a start looks for the transcript of an archive."""
        return self.path.parent.with_name("sessions") / f"{self.session_id}.jsonl"

    @property
    def missing(self) -> int:
        return self.events - self.contained

    def is_left_again(self, other: TranscriptPlace) -> bool:
        """Whether the other one is an archive of the same transcript, of which a start took as little."""
        mine, theirs = ((each.agent_id, each.session_id, each.events, each.contained) for each in (self, other))
        return self.path != other.path and mine == theirs

    @property
    def holds_people(self) -> bool:
        return self.people > 0 or self.undecided > 0


class RowIn(StrEnum):
    """Where an entry of a sessions.json is. `window`: its transcript is one of another session. `archived`: removed
    since, its transcript kept. `left-out`: the import passes over entries without a session id. `absent`: nowhere."""

    DATABASE = "database"
    WINDOW = "window"
    ARCHIVED = "archived"
    LEFT_OUT = "left-out"
    ABSENT = "absent"


class LostRow(Struct, frozen=True):
    """An entry of an old store, and where it is now. `span` is where its value is in the file, in bytes."""

    agent_id: str
    key: str
    session_id: str | None
    place: RowIn
    path: Path
    span: tuple[int, int] = (0, 0)


class JobPlace(StrEnum):
    """`elsewhere`: filed under the path of another directory. `quarantined`: set aside as malformed. `file`: only
    files have it."""

    DATABASE = "database"
    ELSEWHERE = "elsewhere"
    QUARANTINED = "quarantined"
    FILE = "file"


class JobWhere(Struct, frozen=True):
    """A job that a file or the quarantine names. `files` are the names of those that have it; `namesake`: another
    job of that name is in the database."""

    job_id: str
    name: str | None
    place: JobPlace
    files: tuple[str, ...] = ()
    reason: str | None = None
    enabled: bool = True
    namesake: bool = False


class ImportRun(Struct, frozen=True):
    """The receipt of an import. Dates as written. `planned` and `moved` count files, `issues` what it noted by
    code. `superseded`: a later run of the same agents was completed."""

    run_id: str
    path: Path
    agents: tuple[str, ...] = ()
    started: str | None = None
    completed: str | None = None
    planned: int = 0
    moved: int = 0
    issues: Counter[str] = field(default_factory=Counter)
    superseded: bool = False
    reason: str | None = None

    @property
    def unfinished(self) -> bool:
        return self.reason is None and self.completed is None and not self.superseded


DEFERRED = "deferred-plugin-session-import"
"""The kind of a receipt that keeps its sources for a plugin whose own migration is not done."""


class RetainedSource(Struct, frozen=True):
    """A source of an import that was to stay: `recorded` is its SHA-256 in the receipt, `found` that of the file now,
    None where it is gone or was not hashed. `original` is an archive with the recorded bytes. `moved`: the database
    or one of the sources is another file than the receipt names. `files` are the transcripts that came with it,
    `changed` those of them that have other bytes now, or are gone."""

    kind: str
    path: Path
    status: str
    recorded: str
    found: str | None = None
    gone: bool = False
    rewritten_at: int | None = None
    original: Path | None = None
    reason: str | None = None
    moved: bool = False
    files: tuple[Path, ...] = ()
    changed: tuple[Path, ...] = ()

    @property
    def contradicted(self) -> bool:
        """A start refuses. It passes over a source that is gone."""
        rewritten = self.found is not None and self.found != self.recorded
        return not self.gone and (rewritten or bool(self.changed))

    @property
    def waits_for_plugin(self) -> bool:
        """Whether it stays for a plugin whose own migration is not done: a start imports it no second time."""
        there = not (self.gone or self.contradicted or self.reason)
        return there and self.kind == DEFERRED


class AgentMigration(Struct, frozen=True):
    """One agent. `database` is None where it has none; `problem` says why it could not be read. `rows` counts the
    entries of its old stores by where they are, `files` its transcript files. `committed` is (rows in the database,
    rows of a store that waits next to it), None without such a store. Lists hold only what is not in a database."""

    agent_id: str
    database: Path | None
    problem: str | None = None
    sources: tuple[Path, ...] = ()
    rows: Mapping[RowIn, int] = field(default_factory=dict)
    lost_rows: tuple[LostRow, ...] = ()
    files: Mapping[tuple[SourceKind, EventsIn], int] = field(default_factory=dict)
    transcripts: tuple[TranscriptPlace, ...] = ()
    committed: tuple[int, int] | None = None

    def of(self, *places: EventsIn) -> tuple[TranscriptPlace, ...]:
        return tuple(each for each in self.transcripts if each.place in places)

    @property
    def only_in_files(self) -> tuple[TranscriptPlace, ...]:
        """Transcripts, or parts of them, that no database has, people's first."""
        found = self.of(EventsIn.PARTLY, EventsIn.FILE)
        return tuple(sorted(found, key=lambda each: (-each.people, -each.undecided, -each.missing, str(each.path))))


class Migration(Struct, frozen=True):
    """`whole` is False where only what receipts name was compared. `discarded` are sources that were neither imported
    nor kept: (path, SHA-256). `failed_history` counts successful runs of the file era that were imported as
    failed."""

    agents: tuple[AgentMigration, ...] = ()
    jobs: tuple[JobWhere, ...] = ()
    runs: tuple[ImportRun, ...] = ()
    retained: tuple[RetainedSource, ...] = ()
    discarded: tuple[tuple[str, str], ...] = ()
    failed_history: int = 0
    whole: bool = False

    @property
    def unfinished(self) -> tuple[ImportRun, ...]:
        return tuple(run for run in self.runs if run.unfinished)

    @property
    def kept_for_plugins(self) -> frozenset[Path]:
        """Files that a start compares with a receipt, byte for byte, and does not read otherwise."""
        waiting = (each for each in self.retained if each.kind == DEFERRED and not each.gone)
        return frozenset(path for each in waiting for path in (each.path, *each.files))

    @property
    def losses(self) -> tuple[TranscriptPlace, ...]:
        """What only files have of transcripts that an import took, people's turns in it."""
        return tuple(
            each
            for agent in self.agents
            if agent.database is not None and agent.problem is None
            for each in agent.only_in_files
            if each.source is SourceKind.IMPORTED and each.holds_people
        )

    @property
    def returnable(self) -> tuple[TranscriptPlace, ...]:
        """Those of them that a start can be given: not what waits for it, nor what one has retired twice with as
        little of it taken, nor one of which only lines that are not JSON are missing. Next to files that an import
        keeps for a plugin a start refuses any other transcript."""
        kept = {path.parent for path in self.kept_for_plugins}
        return tuple(
            each
            for each in self.losses
            if not each.waiting and each.missing and not any(each.is_left_again(other) for other in self.losses)
            if each.waits_at.parent not in kept
        )
