"""What the state database holds of the gateway itself: who has the directory, how the last starts ended, which cron
jobs are filed under the path of another directory. Nothing is judged."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.database.health import Lease
from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.cron import parked_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.database.health import Health
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.storage.sqlite.pages import Value
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes

_MAINTENANCE = "core:agent-database-maintenance"


def with_state(found: Health, fs: ReadFs, processes: Processes, path: Path, store_key: str) -> Health:
    """The same facts, with those of the state database at `path`. Where it cannot be opened there are none. The
    gateway runs the cron jobs that are filed under `store_key`, the path of its cron store."""
    from gatewaydoctor.state.databases.cron import FILED_HERE
    from gatewaydoctor.storage.sqlite.opened import open_database

    match open_database(fs, path):
        case DatabaseFault():
            return found
        case database:
            with database:
                counted = f"SELECT store_key, count(*), {FILED_HERE} FROM cron_jobs GROUP BY store_key"
                jobs = database.all(counted, (store_key,))
                boots = database.all(
                    "SELECT started_at_ms, completed_at_ms, outcome FROM gateway_boot_lifecycle "
                    "ORDER BY started_at_ms DESC LIMIT 10"
                )
                leases = (
                    *_owner_leases(database, processes),
                    *_database_leases(database, processes),
                    *_maintenance_leases(database),
                )
    own, elsewhere = 0, {}
    for key, count, here in () if isinstance(jobs, DatabaseFault) else jobs:
        if here:
            own += number(count) or 0
            continue
        if str(key) == parked_key(store_key):
            continue  # told as parked
        lacking = lacking_jobs(fs, path, str(key), store_key)
        if isinstance(lacking, DatabaseFault):
            if lacking.kind is DatabaseFaultKind.CHANGED:  # else the finding of the damage tells
                elsewhere[str(key)] = number(count) or 0
        elif lacking:
            elsewhere[str(key)] = len(lacking)
    rows = () if isinstance(boots, DatabaseFault) else boots
    last = None
    if rows:
        started, completed, outcome = rows[0]
        last = (number(started) or 0, number(completed), None if outcome is None else str(outcome))
    unclean = sum(outcome not in ("clean_stop", "forced_stop") for _, _, outcome in rows)
    return replace(
        found, leases=leases, jobs_elsewhere=elsewhere, own_jobs=own, last_boot=last, unclean_boots=unclean
    )


def _owner_leases(database: Opened, processes: Processes) -> Iterable[Lease]:
    told = "CASE WHEN json_valid(payload_json) THEN payload_json ELSE '{}' END"
    statement = (
        f"SELECT json_extract({told}, '$.owner.pid'), json_extract({told}, '$.owner.host'), "
        f"json_extract({told}, '$.owner.startedAt'), expires_at FROM state_leases "
        "WHERE scope = 'gateway-owner' AND lease_key = 'global'"
    )
    for pid, host, started, expires in database.rows(statement):
        if not number(pid) or not isinstance(host, str):  # the next start waits for it all the same
            yield Lease("gateway", "an owner without a name", None, None, None, number(expires))
            continue
        yield _lease(processes, "gateway", number(pid), host, number(started), number(expires))


def _database_leases(database: Opened, processes: Processes) -> Iterable[Lease]:
    statement = "SELECT DISTINCT owner_pid, owner_start_time FROM agent_database_leases"
    for pid, started in database.rows(statement):
        yield _lease(processes, "database", number(pid), None, number(started), None)


def _maintenance_leases(database: Opened) -> Iterable[Lease]:
    statement = f"SELECT owner, expires_at FROM state_leases WHERE scope = '{_MAINTENANCE}'"
    for _, expires in database.rows(statement):
        yield Lease("maintenance", "the maintenance of databases", None, None, None, number(expires))


def _lease(
    processes: Processes, kind: str, pid: int | None, host: str | None, started: int | None, expires: int | None
) -> Lease:
    elsewhere = host is not None and host != socket.gethostname()
    holder = f"pid {pid}" + (f" on {host}" if elsewhere else "")
    alive = None if elsewhere else _runs(processes, pid, started)
    return Lease(kind, holder, pid, host, alive, expires)


def _runs(processes: Processes, pid: int | None, started: int | None) -> bool | None:
    """Whether that process runs; None where its start time cannot be compared."""
    if pid is None or not processes.exists(pid):
        return False
    info = processes.info(pid)
    if info is None or info.start_time is None or started is None:
        return None
    return info.start_time == started and not info.zombie


def lacking_jobs(fs: ReadFs, state: Path, before: str, store_key: str) -> tuple[str, ...] | DatabaseFault:
    """Ids of cron jobs filed under the store path `before` that the gateway does not have under its own, `store_key`,
    neither by id nor as the same declared job; why they cannot be read."""
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    def read(database: Opened) -> tuple[str, ...]:
        same = "own.job_id = cron_jobs.job_id"
        if "declaration_key" in database.columns("cron_jobs"):
            same = f"({same} OR own.declaration_key = cron_jobs.declaration_key)"
        statement = (
            "SELECT job_id FROM cron_jobs WHERE store_key = ?1 "
            f"AND NOT EXISTS (SELECT 1 FROM cron_jobs own WHERE own.store_key = ?2 AND {same})"
        )
        return tuple(str(job) for (job,) in database.rows(statement, (before, store_key)))

    return read_database_once(fs, state, read)


def number(value: Value) -> int | None:
    """A column's value where it is a whole number."""
    return value if isinstance(value, int) else None
