"""What a plan does to databases: which of them it may take up, and the act that its edits make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.health import BrokenPages, LogGone, SchemaDrift
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.repair.edits import (
    BringSessions,
    DropFields,
    DropSessions,
    EndedSession,
    EndSessions,
    GiveOwners,
    SetTrigger,
)
from gatewaydoctor.model.repair.plan import Move, Transact
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.model.database.health import DatabaseHealth
    from gatewaydoctor.model.repair.edits import Edit
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft

_CORE = frozenset({"schema_meta", "session_nodes", "session_windows", "transcript_events", "cron_jobs"})
"""Tables without which no repair works on rows."""
_LOG = ("-wal", "-journal")
_GROUP = (*_LOG, "-shm")
"""What belongs to a database besides its main file."""


def open_databases(draft: Draft, asked: str, *, named: bool) -> None:
    """Take up the rows of every database that is known whole. `asked` is the repair that a refusal names, `named`
    whether one that works on rows was named."""
    for facts in draft.x.databases if named else ():
        if facts.gaps and facts.path not in draft.rebuilt:
            hint = "`gatewaydoctor scan` shows what is wrong with it."
            draft.refuse(asked, facts.path, OutOfReach(f"Not all of it is known: {facts.gaps[0]}.", hint))
    lacking = {
        health.path: table
        for health in draft.x.health.databases
        for each in health.problems
        if isinstance(each, SchemaDrift)
        for table in sorted(_CORE.intersection(each.missing_tables), reverse=True)
    }
    waiting = {each.path: (_NO_LOG, "Run `gatewaydoctor repair logs`.") for each in without_log(draft)}
    waiting |= dict.fromkeys(draft.x.health.beside_foreign_logs, (_FOREIGN_LOG, "Run `gatewaydoctor repair logs`."))
    waiting |= {each.path: (_UNFIT, "Run `gatewaydoctor repair salvage`.") for each in _unfit(draft)}
    lost = () if named else {health.path for health in draft.x.health.databases if health.log_lost}
    for database in draft.databases:
        if database.facts.gaps or database.path in draft.rebuilt or database.path in lost:
            continue
        if database.path in waiting:
            if named:
                draft.refuse(asked, database.path, OutOfReach(*waiting[database.path]))
            continue
        if database.path in lacking:
            why = OutOfReach(f"The table {lacking[database.path]} is missing.", "Run `gatewaydoctor repair salvage`.")
            draft.refuse(asked, database.path, why)
            continue
        try:
            database.open(draft.fingerprint(database.path))
            for path in beside_of(draft, database.path):
                draft.fingerprint(path)
        except (OutOfReach, OSError) as error:
            draft.refuse(asked, database.path, error)


def without_log(draft: Draft) -> Iterator[DatabaseHealth]:
    """Databases whose last commits count again once the header of their log is rebuilt: no row is known before."""
    for health in draft.x.health.databases:
        if any(isinstance(each, LogGone) and each.commits for each in health.problems):
            yield health


LOG_LOST = "What its log held is lost, and once the database is rebuilt no file shows that. Look for its -wal first."
_NO_LOG = "The header of its log has to be rebuilt first."
_FOREIGN_LOG = "Its log is another database's and has to go first."
_UNFIT = "Rows of it break a constraint of their table: no edit of it passes SQLite's checks."


def _unfit(draft: Draft) -> Iterator[DatabaseHealth]:
    for health in draft.x.health.databases:
        if any(isinstance(each, BrokenPages) and each.constraints for each in health.problems):
            yield health


def write_databases(draft: Draft) -> None:
    """The acts for all databases that the plan changes. The log goes before the database: a new database would take
    the old one's log for its own."""
    others = dict(draft.edits)
    for database in draft.databases:
        more = others.pop(database.path, None) if database.opened else None
        if database.opened and (database.changed or more is not None):
            size = _at_most(draft, database, more or ())
            database.at_most, database.compacted = size, True
            sources = tuple(number for number, _ in database.brought)
            transact(draft, database.path, (*(more or ()), *_edits(database)), size, len(database), sources)
    for path, edits in others.items():
        try:
            in_use, page = _in_use(draft, path)
            transact(draft, path, tuple(edits), in_use + _growth(edits, page))
        except (OutOfReach, OSError) as error:
            draft.refuse("databases", path, error)


def transact(
    draft: Draft,
    path: Path,
    edits: tuple[Edit, ...],
    size: int,
    sessions: int | None = None,
    sources: tuple[int, ...] = (),
    *,
    there: bool = True,
) -> bool:
    """Add the acts that edit one database, or that make one where none is `there`. False where the plan already does
    something to it. Raises OutOfReach and OSError."""
    number = draft.fingerprint(path) if there else None
    if draft.taken(path):
        return False
    beside = [draft.fingerprint(each) for each in beside_of(draft, path)]
    log = tuple(each for each in beside if draft.fingerprints[each].path.endswith(_LOG))
    target = spell(draft.real(path), draft.state_dir)
    for each in beside:
        draft.act(draft.fingerprints[each].path, Move(source=each))
    return draft.act(
        target,
        Transact(target=target, replaces=number, log=log, sources=sources, edits=edits, size=size, sessions=sessions),
    )


def beside_of(draft: Draft, path: Path) -> Iterator[Path]:
    """The files of a database besides its main file."""
    for suffix in _GROUP:
        beside = path.with_name(path.name + suffix)
        try:
            draft.fs.lstat(draft.real(beside))
        except FileNotFoundError:
            continue
        yield beside


def _edits(database: DatabaseDraft) -> Iterator[Edit]:
    keys = tuple(database.dropped_keys())
    if keys:
        yield DropSessions(keys=keys)
    endings: dict[str, list[EndedSession]] = {}
    dropped: dict[tuple[str, ...], list[str]] = {}
    for key, changes in database.edited():
        status, ended = changes.get("status"), changes.get("endedAt")
        if status is not None and ended is not None:
            endings.setdefault(status.decode().strip('"'), []).append(EndedSession(key, int(ended)))
        fields = tuple(sorted(name for name, raw in changes.items() if raw is None))
        if fields:
            dropped.setdefault(fields, []).append(key)
    for word, sessions in endings.items():
        yield EndSessions(status=word, sessions=tuple(sessions))
    for names, of_these in dropped.items():
        yield DropFields(fields=names, keys=tuple(of_these))
    for at, (_, key) in enumerate(database.brought):
        yield BringSessions(source=at, keys=(key,))


def _at_most(draft: Draft, database: DatabaseDraft, more: Iterable[Edit]) -> int:
    """Bytes the new file will have at most: what is in use now without the rows that leave, and what `more` edits
    add. The rows' transcripts, and what is lost between rows, come on top of what is saved."""
    in_use, page = _in_use(draft, database.path)
    in_use += sum(draft.fingerprints[number].size for number, _ in database.brought)
    saved = database.dropped_size() + database.saved
    return max(in_use - saved // page * page, page) + _growth(more, page)


def _in_use(draft: Draft, path: Path) -> tuple[int, int]:
    """Bytes of the pages that hold something, the log laid over, and of one page. Raises OSError."""
    found = read_database_once(draft.fs, path, lambda opened: (opened.bytes_in_use, opened.page_size))
    return (draft.fs.stat(draft.real(path)).size, _PAGE) if isinstance(found, DatabaseFault) else found


_PAGE = 4096
"""Of a database that cannot be read: the size of the gateway's own."""
_OWNERS = 16
"""Pages for session rows and windows that are made again, with what their indexes take."""


def _growth(edits: Iterable[Edit], page: int) -> int:
    """Bytes that edits may add to a database with pages of that size."""
    pages = 0
    for edit in edits:
        match edit:
            case SetTrigger(sql=sql):
                pages += len(sql) // page + 2
            case GiveOwners():
                pages += _OWNERS
            case _:
                pass
    return pages * page
