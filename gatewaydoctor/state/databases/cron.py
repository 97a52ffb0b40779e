"""Cron in the state database: jobs by store path, quarantined ones, receipts, run history."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import CronReceipt, Partition, QuarantinedJob, RunHistory
from gatewaydoctor.model.gateway.cron import JobProblem, ParkedJob, Schedule, parked_key
from gatewaydoctor.state.cron.jobids import job_id_of, string
from gatewaydoctor.state.cron.jobs import TURNED_OFF, read_jobs
from gatewaydoctor.state.databases.acceptance import AS_NOW, faults
from gatewaydoctor.storage.database.select import Tables, integer, text
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal, TooMuch

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.model.gateway.era import Database
    from gatewaydoctor.state.databases.acceptance import JobFault
    from gatewaydoctor.storage.sqlite.pages import Value
    from gatewaydoctor.system.fs import ReadFs

QUARANTINE = "cron.quarantine:"
FILED_HERE = (
    "(store_key = ? OR store_key <> '' AND instr(store_key, '/') = 0 AND instr(store_key, char(92)) = 0 "
    "AND NOT EXISTS (SELECT 1 FROM pragma_table_info('cron_jobs') WHERE name = 'payload_kind'))"
)
"""Which jobs a gateway runs from here: 2026.9.6 compares the texts, so that those of a path of Windows, of a path
spelled in another way or of a plain word do not run (seen). A table without the columns of 2026.7.1 and later was
written by a release that was not seen; a word in it is taken for this directory."""
_LEVELS = 10_000
"""Of nesting that is read of a job."""
MOST_JOBS = 20_000
MOST_RUNNING = 1_000
MOST_RUNS = 20_000


def partitions(tables: Tables) -> tuple[Partition, ...]:
    """Jobs by store path, most first."""
    counts: dict[str, Counter[str]] = {}
    for store_key, enabled, managed in tables.rows("cron_jobs", ("store_key", "enabled", "declaration_key")):
        found = counts.setdefault(text(store_key) or "", Counter())
        found["jobs"] += 1
        found["enabled"] += bool(enabled)
        found["managed"] += managed is not None
    return tuple(
        Partition(key, found["jobs"], found["enabled"], found["managed"])
        for key, found in sorted(counts.items(), key=lambda item: (-item[1]["jobs"], item[0]))
    )


def job_ids(tables: Tables) -> frozenset[str]:
    """The ids of all jobs, whatever their store path."""
    found = (text(job_id) for (job_id,) in tables.rows("cron_jobs", ("job_id",), rest=f"LIMIT {MOST_JOBS}"))
    return frozenset(job_id for job_id in found if job_id)


def kept_store(fs: ReadFs, state: Database | None) -> Path | None:
    """The path of the cron store that the state database keeps. 2026.9.6 takes `cron.store` out of the config at a
    start and keeps it there; from then on it counts, also where the config names another (docs/database.md section
    2). None where it keeps none, or cannot be read."""
    if state is None or state.newer_schema:
        return None
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    rest = "WHERE state_key = 'cron.store'"
    found = read_database_once(
        fs, state.path, lambda opened: list(Tables(opened).rows("config_machine_state", ("value_json",), rest=rest))
    )
    value = parsed(found[0][0]) if isinstance(found, list) and found else None
    return Path(value) if isinstance(value, str) and value.startswith("/") else None


def jobs_of(tables: Tables, store_key: str) -> tuple[tuple[CronJob, ...], tuple[JobProblem, ...]]:
    """The jobs the gateway would run, in its order, and what 2026.9.6 makes of those that are not as it writes them.
    The state column counts, not the state inside the job; of the other columns only those of the mixed era, whose
    definitions are columns, too (docs/database.md, section 2)."""
    columns = ("job_id", "job_json", "state_json", "name", "enabled")
    order = "sort_order, job_id" if tables.has("cron_jobs", "sort_order") else "job_id"
    own = f"WHERE {FILED_HERE}" if tables.has("cron_jobs", "store_key") else "WHERE ?1 IS NOT NULL"
    rest = f"{own} ORDER BY {order} LIMIT {MOST_JOBS}"
    by_columns = tables.has("cron_jobs", "schedule_kind")
    raw_jobs: list[object] = []
    found: list[list[JobFault]] = []
    states: dict[str, object] = {}
    for job_id, job, state, name, enabled in tables.rows("cron_jobs", columns, rest=rest, values=(store_key,)):
        raw, kept = parsed(job), parsed(state)
        found.append([] if job is None else faults(raw, {} if state is None else kept))
        of_columns = {"id": job_id, "name": name, "enabled": enabled is None or bool(enabled)}
        if not isinstance(raw, dict):
            raw = of_columns
        elif by_columns:
            raw |= of_columns
        raw_jobs.append(raw | {"id": job_id})
        key = text(job_id)
        if key is not None:
            states[key] = {"state": kept or {}}
    jobs, _ = read_jobs(raw_jobs, states, AS_NOW)
    return jobs, tuple(_problem(job, fault) for job, its in zip(jobs, found, strict=True) for fault in its)


def _problem(job: CronJob, fault: JobFault) -> JobProblem:
    gave_up = not job.enabled and job.state.schedule_errors >= TURNED_OFF
    return JobProblem(job.index, job.job_id, fault.field, fault.reason, fault.fate, job.name, job.enabled, gave_up)


def parked_jobs(tables: Tables, store_key: str) -> tuple[ParkedJob, ...]:
    """Jobs that this program filed where no gateway runs them."""
    if not tables.has("cron_jobs", "store_key"):
        return ()
    rest = f"WHERE store_key = ? ORDER BY job_id LIMIT {MOST_JOBS}"
    rows = list(tables.rows("cron_jobs", ("job_id", "job_json"), rest=rest, values=(parked_key(store_key),)))
    raw = [(text(job_id), parsed(job)) for job_id, job in rows]
    jobs, _ = read_jobs([(job if isinstance(job, dict) else {}) | {"id": job_id} for job_id, job in raw], {})
    by_id = {job.job_id: job for job in jobs}
    found = ((at, job_id, by_id.get(job_id or "")) for at, (job_id, _) in enumerate(raw))
    name = tables.database.path.name
    return tuple(
        ParkedJob(name, at, job_id, job.name if job else None, job.schedule if job else Schedule(None))
        for at, job_id, job in found
    )


def quarantined(tables: Tables) -> tuple[QuarantinedJob, ...]:
    """Malformed jobs that 2026.8.1 and later set aside, of every store path."""
    if not tables.has("diagnostic_events", "scope", "payload_json"):
        return ()
    rest = "WHERE scope >= ? AND scope < ? ORDER BY created_at"
    bounds = (QUARANTINE, QUARANTINE[:-1] + chr(ord(QUARANTINE[-1]) + 1))
    columns = ("scope", "payload_json", "created_at")
    return tuple(
        _quarantined(text(scope) or "", parsed(payload), integer(at))
        for scope, payload, at in tables.rows("diagnostic_events", columns, rest=rest, values=bounds)
    )


def _quarantined(scope: str, payload: object, at: int | None) -> QuarantinedJob:
    found = payload if isinstance(payload, dict) else {}
    job = found.get("job")
    name = job.get("name") if isinstance(job, dict) else None
    reason = string(found.get("reason")) or "no reason is recorded"
    return QuarantinedJob(scope.removeprefix(QUARANTINE), job_id_of(job), string(name), reason, at)


def receipts(tables: Tables) -> tuple[Counter[str], tuple[CronReceipt, ...]]:
    """How many receipts have which status, and the running ones."""
    counts: Counter[str] = Counter()
    statement = "SELECT status, count(*) FROM cron_run_receipts GROUP BY 1"
    for status, count in tables.ask("cron_run_receipts", statement):
        counts[text(status) or ""] += integer(count) or 0
    columns = ("job_id", "store_key", "status", "owner_pid", "owner_start_time", "started_at_ms", "finished_at_ms")
    rest = f"WHERE status = 'running' LIMIT {MOST_RUNNING}"
    running = tuple(
        CronReceipt(
            text(job_id) or "",
            text(store_key) or "",
            text(status) or "",
            integer(pid),
            integer(start),
            integer(started),
            integer(finished),
        )
        for job_id, store_key, status, pid, start, started, finished in tables.rows(
            "cron_run_receipts", columns, rest=rest
        )
    )
    return counts, running


def history(tables: Tables) -> RunHistory:
    """Run history: task_runs of 2026.8.1 and later, and cron_run_logs of the mixed era."""
    by_status: Counter[tuple[str, str]] = Counter()
    imported_ok, newest = 0, None
    detail = tables.has("task_runs", "detail_json")
    recorded = "detail_json" if detail else "NULL"
    statement = (
        "SELECT runtime, status, "
        f"sum(status = 'failed' AND task_id LIKE 'cron-runlog-import:%' AND {recorded} LIKE '%\"status\":\"ok\"%'), "
        "count(*), max(created_at) FROM task_runs GROUP BY 1, 2"
    )
    for runtime, status, imported, count, last in tables.ask("task_runs", statement):
        number = integer(count) or 0
        by_status[text(runtime) or "", text(status) or ""] += number
        imported_ok += integer(imported) or 0
        newest = _later(newest, integer(last))
    statement = "SELECT status, count(*), max(ts) FROM cron_run_logs GROUP BY 1"
    if "cron_run_logs" in tables.database.tables:
        # The mixed era writes each cron run in both tables.
        by_status = Counter({key: count for key, count in by_status.items() if key[0] != "cron"})
    for status, count, last in tables.ask("cron_run_logs", statement):
        by_status["cron", text(status) or ""] += integer(count) or 0
        newest = _later(newest, integer(last))
    return RunHistory(by_status, imported_ok, _times(tables), newest)


def _times(tables: Tables) -> dict[str, tuple[int, ...]]:
    """When the latest runs of each job started; the mixed era has them in its run logs."""
    if tables.has("cron_run_logs", "ts"):
        rows = tables.rows("cron_run_logs", ("job_id", "run_at_ms", "ts"), rest=f"ORDER BY ts DESC LIMIT {MOST_RUNS}")
    elif tables.has("task_runs", "runtime", "created_at"):
        rest = f"WHERE runtime = 'cron' ORDER BY created_at DESC LIMIT {MOST_RUNS}"
        rows = tables.rows("task_runs", ("source_id", "started_at", "created_at"), rest=rest)
    else:
        return {}
    found: dict[str, list[int]] = {}
    for job_id, started, recorded in rows:
        at = integer(started) if integer(started) is not None else integer(recorded)
        if isinstance(job_id, str) and at is not None:
            found.setdefault(job_id, []).append(at)
    return {job_id: tuple(sorted(times, reverse=True)) for job_id, times in found.items()}


def _later(first: int | None, second: int | None) -> int | None:
    return max((time for time in (first, second) if time is not None), default=None)


def parsed(value: Value) -> object:
    """The JSON of a column; None where it is none. A job nested 3,000 levels deep was seen to run."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    if not isinstance(data, bytes):
        return None
    try:
        return parse(data)
    except TooMuch:
        return _deep(data)
    except Illegal:
        return None


def _deep(data: bytes) -> object:
    from gatewaydoctor.storage.jsontext.json5text import read_json5  # hardly ever needed

    try:
        return read_json5(data.decode("utf-8", "replace"), _LEVELS)
    except Illegal:
        return None
