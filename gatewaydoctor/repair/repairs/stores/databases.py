"""Repairs of databases that do not concern session rows: logs, quarantine records, schema, cron jobs, space."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.checks.stores.schemas import has_tables_elsewhere
from gatewaydoctor.examine.databases.inventory import NODES, WINDOWS
from gatewaydoctor.examine.databases.records import same_place
from gatewaydoctor.examine.databases.state import lacking_jobs
from gatewaydoctor.model.database.health import (
    BrokenPages,
    ForeignLog,
    HotJournal,
    OrphanRows,
    OtherOwner,
    Quarantined,
    SchemaDrift,
    Unopened,
    VersionsDiffer,
)
from gatewaydoctor.model.database.reading import UNOPENABLE, DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.cron import parked_key
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, STATUS_BY_WORD, Status, parse_key
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.repair.edits import (
    DropIndexes,
    DropOrphans,
    DropRecords,
    DropTriggers,
    GiveOwners,
    MoveJobs,
    SetOwner,
    SetTrigger,
    SetVersion,
)
from gatewaydoctor.model.repair.plan import RECOVER, REMOVE, TO_VAULT, Copy, NewBytes
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.databases.owners import LOST_ROWS, LOST_WINDOWS, UNOWNED, recovered_key
from gatewaydoctor.repair.databases.sessions import quoted
from gatewaydoctor.repair.drafting.databases import LOG_LOST, without_log
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.databases.cron import jobs_of
from gatewaydoctor.storage.database.select import Tables
from gatewaydoctor.storage.sqlite.opened import header_of_log, read_database_once

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.model.database.health import DatabaseHealth
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.model.repair.edits import Edit
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.sqlite.opened import Opened

_HOLDS_NOTHING = UNOPENABLE | {DatabaseFaultKind.EMPTY}
"""What is wrong with a file whose records no gateway can read."""


def plan_logs(draft: Draft, *, named: bool) -> None:
    """A -wal of another database goes before a start writes it into this one, and one of which just the header is
    damaged gets that again. A transaction that a rollback journal undoes is undone."""
    del named
    for health in draft.x.health.databases:
        foreign = next((problem for problem in health.problems if isinstance(problem, ForeignLog)), None)
        if foreign is not None:
            reason = "the rollback journal of another database" if foreign.journal else "the log of another database"
            _move(draft, Repair.LOGS, health.path, (foreign.suffix, "-shm"), reason)
    for health in draft.x.health.databases:
        if any(isinstance(each, HotJournal) for each in health.problems):
            _undo_journal(draft, health)
    for health in without_log(draft):
        try:
            _give_header(draft, health)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.LOGS, health.path, error)


def _undo_journal(draft: Draft, health: DatabaseHealth) -> None:
    """The database is made again as SQLite leaves it for one who may write."""
    if any(_broken(each) or isinstance(each, Unopened | OtherOwner) for each in health.problems):
        return
    draft.edits.setdefault(health.path, [])
    reason = "an unfinished transaction, with its rollback journal"
    draft.step(Repair.LOGS, "undo", health.path, reason, [health.path.name], 0, agent_id=health.agent_id)


def _give_header(draft: Draft, health: DatabaseHealth) -> None:
    """The header of a log is rebuilt. Its frames stay as they are, and so does the database."""
    log = health.path.with_name(f"{health.path.name}-wal")
    found = header_of_log(draft.fs, health.path)
    if found is None:
        return
    head, facts = found
    number = draft.fingerprint(log)
    segments = (NewBytes(head), Copy(number, len(head), facts.bytes))
    if draft.rewrite(number, segments, facts.bytes, keep_mtime=True):
        draft.depends_on(health.path)
        reason = f"of the log, from its frames: {plural(facts.commits, 'commit counts', 'commits count')} again"
        draft.step(Repair.LOGS, "rebuild the header", log, reason, [log.name], 0, agent_id=health.agent_id)


def _move(draft: Draft, repair: Repair, path: Path, suffixes: tuple[str, ...], reason: str) -> None:
    files = [path.with_name(path.name + suffix) for suffix in suffixes]
    moved = [(file.name, size) for file in files if (size := draft.move(file)) is not None]
    if moved:
        names = [name for name, _ in moved]
        draft.step(repair, TO_VAULT, path.parent, reason, names, sum(size for _, size in moved))


def plan_quarantine(draft: Draft, *, named: bool) -> None:
    """Records of databases in which a full check finds nothing, and a store of records that cannot be read."""
    del named
    store = draft.x.eras.quarantine
    if store is None:
        return
    for health in draft.x.health.databases:
        kinds = {each.fault.kind for each in health.problems if isinstance(each, Unopened)}
        if health.role is DatabaseRole.QUARANTINE and kinds & _HOLDS_NOTHING:
            reason = "quarantine records that cannot be read; the gateway makes a new file"
            _move(draft, Repair.QUARANTINE, health.path, ("", "-wal", "-shm", "-journal"), reason)
            return
    refuted = [
        health.path
        for health in draft.x.health.databases
        if any(isinstance(problem, Quarantined) and problem.refuted for problem in health.problems)
    ]
    statement = "SELECT path FROM quarantined_databases"
    rows = read_database_once(draft.fs, store.path, lambda opened: opened.all(statement)) if refuted else ()
    if isinstance(rows, DatabaseFault):
        return
    paths = [str(path) for (path,) in rows if any(same_place(str(path), each) for each in refuted)]
    if paths:
        draft.edits.setdefault(store.path, []).append(DropRecords(paths=tuple(paths)))
        reason = "quarantine records of databases in which a full check finds nothing"
        draft.step(Repair.QUARANTINE, REMOVE, store.path, reason, paths, 0)


def plan_schema(draft: Draft, *, named: bool) -> None:
    """What a start refuses in an otherwise sound database. Rows that go stay in the vault, with the old file."""
    for health in draft.x.health.databases:
        if not named and health.log_lost:
            _leave(draft, health)
            continue
        lost = (isinstance(each, Unopened | ForeignLog) or _broken(each) for each in health.problems)
        if health.of_another or any(lost):
            continue
        # Rows whose parents' table is missing are not in the way alone.
        missing_tables = any(isinstance(each, SchemaDrift) and each.lost_tables for each in health.problems)
        for problem in health.problems:
            match problem:
                case OrphanRows() if not missing_tables:
                    _orphans(draft, health, problem)
                case SchemaDrift() if not problem.mends_itself:
                    _mend(draft, health, problem)
                case OtherOwner(record_wrong=True) if health.user_version is not None:
                    draft.edits.setdefault(health.path, []).append(
                        SetOwner(agent_id=health.agent_id, version=health.user_version)
                    )
                    reason = "the record of whose it is, as its place and all its rows have it"
                    names = [health.path.name]
                    draft.step(Repair.SCHEMA, "set", health.path, reason, names, 0, agent_id=health.agent_id)
                case VersionsDiffer(fits=int(version)):
                    draft.edits.setdefault(health.path, []).append(SetVersion(version=version))
                    reason = f"schema version {version} in its header and its records, as its tables are"
                    names = [health.path.name]
                    draft.step(Repair.SCHEMA, "set", health.path, reason, names, 0, agent_id=health.agent_id)
                case _:
                    pass


def _leave(draft: Draft, health: DatabaseHealth) -> None:
    if any(isinstance(each, OrphanRows | VersionsDiffer | SchemaDrift) for each in health.problems):
        draft.refuse(Repair.SCHEMA, health.path, OutOfReach(LOG_LOST, "Run `gatewaydoctor repair schema`."))


def _orphans(draft: Draft, health: DatabaseHealth, problem: OrphanRows) -> None:
    """Transcripts stay: their session row or window is made again. Other rows that refer to nothing go."""
    counts = dict(problem.counts)
    database = next((each for each in draft.databases if each.path == health.path), None)
    given: _Given | DatabaseFault = _Given()
    if database is not None:
        ask = partial(_given, agent_id=health.agent_id, pairs=counts)
        given = read_database_once(draft.fs, health.path, ask)
    if isinstance(given, DatabaseFault):
        hint = "`gatewaydoctor scan` shows what is wrong with it."
        draft.refuse(Repair.SCHEMA, health.path, OutOfReach(f"{given.reason}.", hint))
        return
    edits = draft.edits.setdefault(health.path, [])
    if database is not None and given.keys:
        there = {entry.key for _, entry in database.entries()} if database.opened else set()
        database.remade = {key: given.keys[key] for key in sorted(set(given.keys) - there)}
        edits.append(GiveOwners(agent_id=health.agent_id))
        reason = "sessions whose row or window is lost, with their transcripts"
        keys = sorted(given.keys)
        people = sum(parse_key(key).kind not in MACHINE_KINDS for key in keys)
        about = {"agent_id": health.agent_id, "conversations": people}
        draft.step(Repair.SCHEMA, RECOVER, health.path, reason, keys, 0, **about)
    left = {pair: rows - given.rows.get(pair, 0) for pair, rows in counts.items()}
    names = [table for (table, _), rows in left.items() for _ in range(rows)]
    if names:
        edits.append(DropOrphans(count=len(names)))
        reason = "rows that refer to rows that are gone"
        draft.step(Repair.SCHEMA, REMOVE, health.path, reason, names, 0, agent_id=health.agent_id)


class _Given(Struct, frozen=True):
    """Sessions that get a row or a window again with the status that the row then has, and how many rows of each
    (table, parent) then have what they refer to."""

    keys: Mapping[str, Status] = {}
    rows: Mapping[tuple[str, str], int] = {}


def _given(opened: Opened, agent_id: str | None, pairs: Iterable[tuple[str, str]]) -> _Given | DatabaseFault:
    """Raises nothing; what the first statement that cannot be asked has to say."""
    keys: dict[str, dict[str, Status]] = {NODES: {}, WINDOWS: {}}
    for statement in (LOST_ROWS, LOST_WINDOWS, UNOWNED):
        found = opened.all(statement)
        if isinstance(found, DatabaseFault):
            return found
        for key, session_id, status in (row if len(row) == 3 else (None, *row, None) for row in found):
            known = STATUS_BY_WORD.get(str(status), Status.UNKNOWN)
            keys[WINDOWS][str(session_id)] = known
            keys[NODES][recovered_key(agent_id, str(session_id)) if key is None else str(key)] = known
    rows: dict[tuple[str, str], int] = {}
    for table, parent in pairs:
        column = {NODES: "session_key", WINDOWS: "session_id"}.get(parent)
        if column not in opened.columns(table):
            continue
        counted = opened.all(
            f"SELECT count(*) FROM {quoted(table)} WHERE {column} NOT IN (SELECT {column} FROM {parent}) "
            f"AND {column} IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(keys[parent])),),
        )
        if isinstance(counted, DatabaseFault):
            return counted
        rows[table, parent] = int(str(counted[0][0]))
    return _Given(keys[NODES], rows)


def _broken(problem: object) -> bool:
    return isinstance(problem, BrokenPages) and not problem.index_only


def _mend(draft: Draft, health: DatabaseHealth, drift: SchemaDrift) -> None:
    triggers = (*drift.missing_triggers, *drift.changed_triggers)
    known = _triggers_of_sister(draft, health) if triggers else {}
    elsewhere = has_tables_elsewhere(draft.x, health)
    salvage, by_hand = "Run `gatewaydoctor repair salvage`.", "See `gatewaydoctor explain database-schema --found`."
    hint = salvage if elsewhere else by_hand
    if drift.missing_columns or drift.changed_tables:
        what = (
            f"{drift.missing_columns[0]} is missing."
            if drift.missing_columns
            else f"{drift.changed_tables[0]} is not as its release makes it."
        )
        draft.refuse(Repair.SCHEMA, health.path, OutOfReach(what, hint))
        return
    lost = [name for name in triggers if name not in known]
    if lost or drift.lost_tables:
        what = (
            f"The trigger {lost[0]} is in no sound database of the same release here."
            if lost
            else f"The table {drift.lost_tables[0]} is missing."
            if elsewhere
            else f"The table {drift.lost_tables[0]} is missing, and no other database here has its definition."
        )
        draft.refuse(Repair.SCHEMA, health.path, OutOfReach(what, hint))
        return
    edits: list[Edit] = [SetTrigger(name=name, sql=known[name]) for name in triggers]
    if drift.unexpected_unique:
        edits.insert(0, DropIndexes(names=drift.unexpected_unique))
        reason = "unique indexes that are not the gateway's; no row goes"
        names = list(drift.unexpected_unique)
        draft.step(Repair.SCHEMA, "drop", health.path, reason, names, 0, agent_id=health.agent_id)
    if drift.unexpected_triggers:
        # First of all: none of them may answer to what else is edited.
        draft.edits.setdefault(health.path, []).insert(0, DropTriggers(names=drift.unexpected_triggers))
        reason = "triggers that are not the gateway's; no row goes"
        names = list(drift.unexpected_triggers)
        draft.step(Repair.SCHEMA, "drop", health.path, reason, names, 0, agent_id=health.agent_id)
    if triggers:
        reason = "triggers of its release, as another database here has them"
        draft.step(Repair.SCHEMA, "put back", health.path, reason, list(triggers), 0, agent_id=health.agent_id)
    draft.edits.setdefault(health.path, []).extend(edits)


def _triggers_of_sister(draft: Draft, health: DatabaseHealth) -> dict[str, str]:
    """Name -> statement, from a database of the same kind and version whose schema is as its release writes it."""
    wanted = (health.role, health.path, health.user_version)
    sisters = [other.path for other in draft.x.health.databases if other.lends(*wanted)]
    for path in (*sisters, *([health.lender] if health.lender else ())):
        found = read_database_once(draft.fs, path, _triggers)
        if not isinstance(found, DatabaseFault):
            draft.depends_on(path)
            return found
    return {}


def _triggers(opened: Opened) -> dict[str, str]:
    return {item.name: item.sql for item in opened.schema if item.kind == "trigger" and item.sql}


def plan_jobs(draft: Draft, *, named: bool) -> None:
    """Jobs filed under another path: those that this path does not have."""
    state = draft.x.eras.state
    if not named or state is None:
        return
    own = str(draft.x.config.cron.store.value)
    taken: set[str] = set()
    for before in draft.x.health.jobs_elsewhere:
        lacking = lacking_jobs(draft.fs, state.path, before, own)
        if isinstance(lacking, DatabaseFault):
            draft.refuse(Repair.JOBS, state.path, OutOfReach(f"{lacking.reason}.", "Run the same command again."))
            continue
        jobs = [job for job in lacking if job not in taken]
        taken.update(jobs)
        if jobs:
            # What was parked before the move stays parked.
            after = parked_key(own) if before.endswith(parked_key("")) else own
            draft.edits.setdefault(state.path, []).append(MoveJobs(before=before, after=after))
            draft.step(Repair.JOBS, "file", state.path, "cron jobs under the path of this directory", jobs, 0)
            if after == own:
                draft.filed += _as_filed(draft, state.path, before, jobs)


def _as_filed(draft: Draft, state: Path, before: str, jobs: Container[str]) -> Iterator[CronJob]:
    """The jobs under the path `before` with these ids."""

    def read(opened: Opened) -> tuple[CronJob, ...]:
        return jobs_of(Tables(opened), before)[0]

    found = read_database_once(draft.fs, state, read)
    return (job for job in (() if isinstance(found, DatabaseFault) else found) if job.job_id in jobs)


def plan_compact(draft: Draft, *, named: bool) -> None:
    """Databases with free pages or a log, made again."""
    if not named:
        return
    for path in _sound(draft):
        free = read_database_once(draft.fs, path, lambda opened: opened.bytes_free)
        log = _size(draft, path.with_name(f"{path.name}-wal"))
        if isinstance(free, DatabaseFault) or not (free or log):
            continue
        draft.edits.setdefault(path, [])
        reason = "without free pages and log; no row changes"
        draft.step(Repair.COMPACT, "rebuild", path, reason, [path.name], free + log)


def _sound(draft: Draft) -> Iterator[Path]:
    return (each.path for each in draft.x.health.databases if not each.problems)


def _size(draft: Draft, path: Path) -> int:
    try:
        return draft.fs.stat(draft.real(path)).size
    except OSError:
        return 0
