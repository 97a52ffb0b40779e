"""Repairs of databases that do not concern session rows: logs, quarantine records, schema, cron jobs, space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.health import is_sister
from gatewaydoctor.examine.health import lacking_jobs, same_place
from gatewaydoctor.model.gateway.database import Fault, FaultKind
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.gateway.health import (
    BrokenPages,
    ForeignLog,
    OrphanRows,
    OtherOwner,
    Quarantined,
    SchemaDrift,
    Unopened,
)
from gatewaydoctor.model.repair.plan import DropIndexes, DropOrphans, DropRecords, MoveJobs, SetTrigger
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.storage.database.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.health import DatabaseHealth
    from gatewaydoctor.model.repair.plan import Edit
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.database.opened import Opened

_GARBAGE = frozenset({FaultKind.NOT_A_DATABASE, FaultKind.DAMAGED, FaultKind.EMPTY, FaultKind.SCHEMA})


def plan_logs(draft: Draft, *, named: bool) -> None:
    """A -wal of another database goes before a start writes it into this one."""
    del named
    for health in draft.x.health.databases:
        if any(isinstance(problem, ForeignLog) for problem in health.problems):
            _move(draft, Repair.LOGS, health.path, ("-wal", "-shm"), "the log of another database")


def _move(draft: Draft, repair: Repair, path: Path, suffixes: tuple[str, ...], reason: str) -> None:
    files = [path.with_name(path.name + suffix) for suffix in suffixes]
    moved = [(file.name, size) for file in files if (size := draft.move(file)) is not None]
    if moved:
        names = [name for name, _ in moved]
        draft.step(repair, "move to the vault", path.parent, reason, names, sum(size for _, size in moved))


def plan_quarantine(draft: Draft, *, named: bool) -> None:
    """Records of databases in which a full check finds nothing, and a store of records that cannot be read."""
    del named
    store = draft.x.eras.quarantine
    if store is None:
        return
    for health in draft.x.health.databases:
        garbage = any(isinstance(each, Unopened) and each.fault.kind in _GARBAGE for each in health.problems)
        if health.role is DatabaseRole.QUARANTINE and garbage:
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
    if isinstance(rows, Fault):
        return
    paths = [str(path) for (path,) in rows if any(same_place(str(path), each) for each in refuted)]
    if paths:
        draft.edits.setdefault(store.path, []).append(DropRecords(paths=tuple(paths)))
        reason = "quarantine records of databases in which a full check finds nothing"
        draft.step(Repair.QUARANTINE, "remove", store.path, reason, paths, 0)


def plan_schema(draft: Draft, *, named: bool) -> None:
    """What a start refuses in an otherwise sound database. Rows that go stay in the vault, with the old file."""
    del named
    for health in draft.x.health.databases:
        if any(isinstance(each, Unopened | OtherOwner | ForeignLog) or _broken(each) for each in health.problems):
            continue
        for problem in health.problems:
            match problem:
                case OrphanRows(counts=counts):
                    count = sum(counts.values())
                    draft.edits.setdefault(health.path, []).append(DropOrphans(count=count))
                    names = [table for (table, _), rows in counts.items() for _ in range(rows)]
                    reason = "rows that refer to rows that are gone"
                    draft.step(Repair.SCHEMA, "remove", health.path, reason, names, 0, agent_id=health.agent_id)
                case SchemaDrift():
                    _mend(draft, health, problem)
                case _:
                    pass


def _broken(problem: object) -> bool:
    return isinstance(problem, BrokenPages) and not problem.index_only


def _mend(draft: Draft, health: DatabaseHealth, drift: SchemaDrift) -> None:
    triggers = (*drift.missing_triggers, *drift.changed_triggers)
    known = _triggers_of_sister(draft, health) if triggers else {}
    if drift.unexpected_triggers or drift.missing_columns:
        foreign = drift.unexpected_triggers
        what = (
            f"The trigger {foreign[0]} is not the gateway's."
            if foreign
            else f"{drift.missing_columns[0]} is missing."
        )
        hint = "Restore the set of databases from a backup."
        draft.refuse(Repair.SCHEMA, health.path, OutOfReach(what, hint))
        return
    lost = [name for name in triggers if name not in known]
    if lost or drift.missing_tables:
        what = f"The trigger {lost[0]}" if lost else f"The table {drift.missing_tables[0]}"
        hint = "Restore the set of databases from a backup."
        error = OutOfReach(f"{what} is in no sound database of the same release here.", hint)
        draft.refuse(Repair.SCHEMA, health.path, error)
        return
    edits: list[Edit] = [SetTrigger(name=name, sql=known[name]) for name in triggers]
    if drift.unexpected_unique:
        edits.insert(0, DropIndexes(names=drift.unexpected_unique))
        reason = "unique indexes that are not the gateway's; no row goes"
        names = list(drift.unexpected_unique)
        draft.step(Repair.SCHEMA, "drop", health.path, reason, names, 0, agent_id=health.agent_id)
    if triggers:
        reason = "triggers of its release, as another database here has them"
        draft.step(Repair.SCHEMA, "put back", health.path, reason, list(triggers), 0, agent_id=health.agent_id)
    draft.edits.setdefault(health.path, []).extend(edits)


def _triggers_of_sister(draft: Draft, health: DatabaseHealth) -> dict[str, str]:
    """Name -> statement, from a database of the same kind and version whose schema is as its release writes it."""
    for other in draft.x.health.databases:
        if is_sister(health, other):
            found = read_database_once(draft.fs, other.path, _triggers)
            if not isinstance(found, Fault):
                draft.judge_by(other.path)
                return found
    return {}


def _triggers(opened: Opened) -> dict[str, str]:
    return {item.name: item.sql for item in opened.schema if item.kind == "trigger" and item.sql}


def plan_jobs(draft: Draft, *, named: bool) -> None:
    """Jobs filed under another path: those that this path does not have."""
    state = draft.x.eras.state
    if not named or state is None:
        return
    own = str(draft.state_dir / "cron" / "jobs.json")
    taken: set[str] = set()
    for before in draft.x.health.jobs_elsewhere:
        jobs = [job for job in lacking_jobs(draft.fs, state.path, before, draft.state_dir) if job not in taken]
        taken.update(jobs)
        if jobs:
            draft.edits.setdefault(state.path, []).append(MoveJobs(before=before, after=own))
            draft.step(Repair.JOBS, "file", state.path, "cron jobs under the path of this directory", jobs, 0)


def plan_compact(draft: Draft, *, named: bool) -> None:
    """Databases with free pages or a log, made again."""
    if not named:
        return
    for path in _sound(draft):
        free = read_database_once(draft.fs, path, lambda opened: opened.bytes_free)
        log = _size(draft, path.with_name(f"{path.name}-wal"))
        if isinstance(free, Fault) or not (free or log):
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
