"""The move from files to databases, audited: what is in a database, what only files have, what is nowhere.

An examination compares what the receipts of imports name. With `whole` every transcript file is opened once and
compared event by event. Nothing is judged, and no text is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.examine.databases.retained import ARCHIVED_STORE, retained
from gatewaydoctor.model.database.migration import (
    AgentMigration,
    EventsIn,
    ImportRun,
    JobPlace,
    JobWhere,
    LostRow,
    Migration,
    RowIn,
    SourceKind,
    TranscriptPlace,
)
from gatewaydoctor.model.database.reading import DatabaseFault, StateRows
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.files import PRIMARY, FileClass, NodeKind
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.databases.imported import Imported
from gatewaydoctor.state.databases.receipts import read_run
from gatewaydoctor.state.history.events import compare
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.names import parse_name
from gatewaydoctor.storage.open import open_sessions
from gatewaydoctor.system.fs import is_directory, is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from gatewaydoctor.model.database.health import ComparedLeftover
    from gatewaydoctor.model.gateway.cron import Cron
    from gatewaydoctor.model.gateway.era import AgentEra, Eras
    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.system.fs import ReadFs

MOST_RUNS = 50
"""Receipts that are read, newest first: a start that refuses leaves some with each attempt."""

MOST_LOST_ROWS = 10_000
MOST_NAMED = 200
"""Transcripts that receipts name and an examination compares."""

ARCHIVE = "session-sqlite-import-archive"
_TRANSCRIPT = regex(r"(?:.*\.)?([^.]+)\.jsonl\.imported-[0-9]+", re.DOTALL)
_SOURCES = {
    FileClass.ARCHIVE_RESET: SourceKind.RESET,
    FileClass.ARCHIVE_DELETED: SourceKind.DELETED,
    **dict.fromkeys(PRIMARY, SourceKind.ACTIVE),
}


class _File(Struct, frozen=True):
    path: Path
    session_id: str
    source: SourceKind


def audit(
    fs: ReadFs,
    state_dir: Path,
    eras: Eras,
    state: StateRows | DatabaseFault | None,
    cron: Cron,
    main_key: str,
    leftovers: Iterable[ComparedLeftover] = (),
    *,
    whole: bool,
    wanted: Callable[[str], bool] = lambda _: True,
    progress: Callable[[int], None] = lambda _: None,
) -> Migration:
    """Facts about the move; empty where no database has been here. Never raises. `wanted` chooses agents."""
    rows = state if isinstance(state, StateRows) else None
    if not (eras.sqlite_release or eras.state or any(agent.database for agent in eras.agents)):
        return Migration(whole=whole)
    runs = _runs(fs, eras)
    auditor = _Auditor(fs, state_dir, main_key, runs[1], whole=whole, progress=progress)
    compared = {each.path: each for each in leftovers}
    return Migration(
        tuple(auditor.agent(agent, compared) for agent in eras.agents if wanted(agent.agent_id)),
        tuple(_jobs(cron, rows)) if rows is not None and not rows.faults else (),
        runs[0],
        tuple(retained(fs, state_dir, rows, eras, whole=whole)) if rows is not None else (),
        tuple(_discarded(rows)) if rows is not None else (),
        rows.history.imported_ok if rows is not None else 0,
        whole,
    )


class _Auditor:
    def __init__(
        self,
        fs: ReadFs,
        state_dir: Path,
        main_key: str,
        named: frozenset[str],
        *,
        whole: bool,
        progress: Callable[[int], None],
    ) -> None:
        self.fs = fs
        self.state_dir = state_dir
        self.main_key = main_key
        self.named = named
        self.whole = whole
        self.progress = progress

    def agent(self, agent: AgentEra, leftovers: Mapping[Path, ComparedLeftover]) -> AgentMigration:
        """With the database held open for as long as its agent's files are read."""
        stores = self._old_stores(agent)
        database = agent.database if agent.era.sessions_in_database else None
        left = leftovers.get(agent.legacy_store.path) if agent.legacy_store else None
        found = AgentMigration(
            agent.agent_id, database.path if database else None, sources=stores, committed=_committed(left)
        )
        if database is None:
            return self._compared(found, None) if self.whole else found
        if database.newer_schema:
            return replace(found, problem=f"its schema {database.user_version} is newer than any known here")
        from gatewaydoctor.storage.sqlite.opened import open_database  # brings in apsw

        match open_database(self.fs, database.path):
            case DatabaseFault() as fault:
                return replace(found, problem=fault.reason)
            case opened:
                with opened:
                    imported = Imported(opened)
                    told = self._compared(found, imported)
                    return replace(told, problem=imported.problem)

    def _compared(self, found: AgentMigration, imported: Imported | None) -> AgentMigration:
        counts: Counter[tuple[SourceKind, EventsIn]] = Counter()
        kept: list[TranscriptPlace] = []
        for file in self._files(found.agent_id, imported is not None):
            told = self._transcript(found.agent_id, file, imported)
            counts[told.source, told.place] += 1
            if told.place not in (EventsIn.DATABASE, EventsIn.ARCHIVE_ROW):
                kept.append(told)
        rows: Counter[RowIn] = Counter()
        lost: list[LostRow] = []
        if self.whole and imported is not None:
            for row in self._rows(found, imported):
                rows[row.place] += 1
                if row.place in (RowIn.LEFT_OUT, RowIn.ABSENT) and len(lost) < MOST_LOST_ROWS:
                    lost.append(row)
        return replace(found, files=counts, transcripts=tuple(kept), rows=rows, lost_rows=tuple(lost))

    def _rows(self, found: AgentMigration, imported: Imported) -> Iterator[LostRow]:
        """Every key once, as the newest of its stores has it."""
        seen: set[str] = set()
        for path in reversed(found.sources):
            for entry in open_sessions(self.fs, Era.FILES, path, self.main_key).entries():
                if entry.key not in seen:
                    seen.add(entry.key)
                    place = imported.place(entry.key, entry.session_id)
                    span = entry.value_start, entry.end
                    yield LostRow(found.agent_id, entry.key, entry.session_id, place, path, span)

    def _old_stores(self, agent: AgentEra) -> tuple[Path, ...]:
        """Stores an import retired, oldest first, and the one next to the database."""
        retired = [each.path for each in agent.leftovers if ARCHIVED_STORE.fullmatch(each.path.name)]
        beside = [agent.legacy_store.path] if agent.legacy_store else []
        return (*sorted(retired, key=lambda path: path.name), *beside)

    def _files(self, agent_id: str, in_database: bool) -> Iterator[_File]:
        home = self.state_dir / "agents" / agent_id
        taken = 0
        for record in _plain(self.fs, home / ARCHIVE):
            match = _TRANSCRIPT.fullmatch(record.name)
            if match is not None and (self.whole or (match[1] in self.named and taken < MOST_NAMED)):
                taken += 1
                yield _File(home / ARCHIVE / record.name, match[1], SourceKind.IMPORTED)
        if not self.whole:
            return
        for record in _plain(self.fs, home / "sessions"):
            name = parse_name(record.name.removesuffix(".zst").rpartition("Z.")[0] + "Z") if _packed(record) else None
            name = name or parse_name(record.name)
            source = _SOURCES.get(name.cls)
            if (
                source is not None
                and name.session_id is not None
                and (in_database or source is not SourceKind.ACTIVE)
            ):
                yield _File(home / "sessions" / record.name, name.session_id, source)

    def _transcript(self, agent_id: str, file: _File, imported: Imported | None) -> TranscriptPlace:
        told = TranscriptPlace(agent_id, file.path, file.session_id, file.source, EventsIn.FILE)
        archived: frozenset[str] | None = None
        known: Callable[[str, str | None], bool] = _nothing
        if imported is not None:
            imported.start(file.session_id)
            archived = None if imported.has_transcript(file.session_id) else imported.archived_events(file.session_id)
            known = _knows(imported, file.session_id, archived or frozenset())
        try:
            with open_transcript(self.fs, file.path) as stream:
                found = compare(stream, known)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
            return replace(told, place=EventsIn.UNREAD, reason=reason)
        self.progress(1)
        place = EventsIn.FILE if not found.contained else EventsIn.PARTLY
        if found.events and found.contained == found.events and not found.undecided:
            place = EventsIn.ARCHIVE_ROW if archived else EventsIn.DATABASE
        return replace(
            told,
            place=place,
            events=found.events,
            contained=found.contained,
            people=found.people,
            undecided=found.undecided,
            broken_at=found.broken_at,
            header=found.header,
            bytes=found.size,
            waiting=file.source is SourceKind.IMPORTED and is_there(self.fs, told.waits_at),
            homeless=file.source is SourceKind.IMPORTED and not is_directory(self.fs, told.waits_at.parent),
        )


def _nothing(event_id: str, session: str | None) -> bool:
    del event_id, session
    return False


def _knows(imported: Imported, session_id: str, archived: frozenset[str]) -> Callable[[str, str | None], bool]:
    """Whether an event is there under the session of the file's name, or of its header."""

    def known(event_id: str, header: str | None) -> bool:
        if event_id in archived or imported.has_event(session_id, event_id):
            return True
        return header is not None and header != session_id and imported.has_event(header, event_id)

    return known


@contextmanager
def knowledge_of(fs: ReadFs, agent: AgentMigration) -> Iterator[Callable[[str], Callable[[str, str | None], bool]]]:
    """What the database of an agent knows of a session's events; nothing where there is none or it cannot be read."""
    from gatewaydoctor.storage.sqlite.opened import open_database  # brings in apsw

    opened = open_database(fs, agent.database) if agent.database else None
    if opened is None or isinstance(opened, DatabaseFault):
        yield lambda _: _nothing
        return
    with opened:
        imported = Imported(opened)

        def known(session_id: str) -> Callable[[str, str | None], bool]:
            imported.start(session_id)
            archived = frozenset() if imported.has_transcript(session_id) else imported.archived_events(session_id)
            return _knows(imported, session_id, archived)

        yield known


def open_transcript(fs: ReadFs, path: Path) -> BinaryIO:
    """A transcript, unpacked where it is one packed by zstd. Raises OSError, also while it is read."""
    if not path.name.endswith(".zst"):
        return fs.open(path)
    from gatewaydoctor.storage.database.transcripts import unpacking  # brings in zstandard

    return unpacking(fs.open(path))


def _packed(record: FileRecord) -> bool:
    return record.name.endswith(".zst")


def _plain(fs: ReadFs, directory: Path) -> Iterator[FileRecord]:
    return (record for record in list_files(fs, directory).files if record.node is NodeKind.FILE)


def _committed(left: ComparedLeftover | None) -> tuple[int, int] | None:
    if left is None or left.entries is None or not left.compared:
        return None
    passed = left.skipped + len(left.null_entries) + len(left.unsafe_ids)
    total = left.entries - passed
    return total - len(left.missing), total


def _runs(fs: ReadFs, eras: Eras) -> tuple[tuple[ImportRun, ...], frozenset[str]]:
    """Receipts of imports, newest first, and the session ids their issues name."""
    found: list[ImportRun] = []
    named: set[str] = set()
    done: set[str] = set()
    receipts = [each for each in eras.leftovers if each.kind == "migration-run"]
    for each in sorted(receipts, key=lambda each: (each.mtime, each.path.name), reverse=True)[:MOST_RUNS]:
        run, sessions = read_run(fs, each.path)
        named |= sessions
        if run.completed is not None:
            done.update(run.agents)
        found.append(
            replace(run, superseded=run.completed is None and bool(run.agents) and done.issuperset(run.agents))
        )
    return tuple(found), frozenset(named)


def _jobs(cron: Cron, state: StateRows) -> Iterator[JobWhere]:
    """Jobs that files or the quarantine name, by whether the gateway runs them."""
    files: dict[str, tuple[str | None, tuple[str, ...], bool]] = {}
    if cron.store.read is CronRead.OK:
        files |= {job.job_id: (job.name, (cron.store.path.name,), job.enabled) for job in cron.jobs}
    for job in cron.lost:
        if job.sources == (cron.state.path.name,):
            continue  # it has no definition there
        files.setdefault(job.job_id, (job.name, job.sources, True))
    for aside in cron.set_aside:
        name, sources, enabled = files.get(aside.job_id, (aside.name, (), True))
        files[aside.job_id] = (name or aside.name, (*sources, *aside.sources), enabled)
    reasons = {each.job_id: each for each in state.quarantined if each.job_id is not None}
    for job_id, each in reasons.items():
        files.setdefault(job_id, (each.name, (), True))
    names = {job.name for job in state.jobs if job.name}
    own = {job.job_id for job in state.jobs} | {each.job_id for each in state.problems}
    elsewhere = state.job_ids - own
    for job_id, (name, sources, enabled) in files.items():
        reason = None
        if job_id in own:
            place = JobPlace.DATABASE
        elif job_id in elsewhere:
            place = JobPlace.ELSEWHERE
        elif job_id in reasons or any("quarantine" in source for source in sources):
            place = JobPlace.QUARANTINED
            reason = reasons[job_id].reason if job_id in reasons else None
        else:
            place = JobPlace.FILE
        yield JobWhere(job_id, name, place, sources, reason, enabled, namesake=job_id not in own and name in names)


def _discarded(state: StateRows) -> Iterator[tuple[str, str]]:
    """Sources that were removed although none of their records was taken."""
    for row in state.migrations:
        if row.removed and row.discarded and row.sha256 is not None:
            yield row.source, row.sha256
