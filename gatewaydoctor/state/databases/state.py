"""The state database as facts (schemas 1 to 18, the mixed era's included)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import (
    Boot,
    DatabaseLease,
    Lease,
    MigratedSource,
    OpenTurn,
    QueueRows,
    ReceiptFile,
    RegisteredDatabase,
    SeenConfig,
    StateRows,
    SubagentRows,
)
from gatewaydoctor.state.cron.jobs import whole_number
from gatewaydoctor.state.databases.cron import (
    history,
    job_ids,
    jobs_of,
    parked_jobs,
    parsed,
    partitions,
    quarantined,
    receipts,
)
from gatewaydoctor.state.registry.subagents import LISTED, subagent_run
from gatewaydoctor.storage.database.select import Tables, integer, text
from gatewaydoctor.storage.jsontext.gateway_json import as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatewaydoctor.model.gateway.subagents import SubagentRun
    from gatewaydoctor.storage.sqlite.opened import Opened

ASKED_FOR = ("node-desktop-stream-pairing-defaults-v1",)
"""Runs of migrations whose status 2026.9.6 asks for at a start; of others it passes over it."""
MOST_BOOTS = 50
MOST_LEASES = 1_000
MOST_MIGRATIONS = 1_000

_SUBAGENT_COLUMNS = {
    "child_session_key": "childSessionKey",
    "requester_session_key": "requesterSessionKey",
    "spawn_mode": "spawnMode",
    "cleanup": "cleanup",
    "created_at": "createdAt",
    "ended_at": "endedAt",
    "archive_at_ms": "archiveAtMs",
    "cleanup_completed_at": "cleanupCompletedAt",
}


def read_state(database: Opened, store_key: str, is_known: Callable[[str], bool]) -> StateRows:
    """Everything the state database tells. `store_key` is the path of the cron store whose jobs the gateway would
    run; `is_known` says whether any store has a session key. What could not be read is in `faults`."""
    tables = Tables(database)
    app_version, started, migrated, schema, migrated_at = _meta(tables)
    jobs, problems = jobs_of(tables, store_key)
    parked = parked_jobs(tables, store_key)
    counts, running = receipts(tables)
    placements, turns = _placements(tables)
    return StateRows(
        app_version,
        started,
        schema,
        partitions(tables),
        job_ids(tables),
        jobs,
        problems,
        quarantined(tables),
        counts,
        running,
        history(tables),
        _queues(tables),
        _subagents(tables, is_known),
        tuple(_leases(tables)),
        tuple(_database_leases(tables)),
        placements,
        turns,
        tuple(_boots(tables)),
        tuple(_migrations(tables)),
        tuple(_databases(tables)),
        tuple(tables.faults),
        parked,
        migrated,
        migrated_at,
        tuple(_configs(tables)),
        tuple(_unfinished(tables)),
        tables.has("cron_jobs", "payload_kind"),
    )


def _meta(tables: Tables) -> tuple[str | None, str | None, str | None, int | None, int | None]:
    """The creator's or last migrator's release, the one that last started, the one whose migrations of the state are
    done, the schema, and when those migrations were recorded as done."""
    app_version = schema = recorded = None
    done: dict[str, str | None] = {}
    columns = ("meta_key", "app_version", "schema_version", "updated_at")
    for key, version, number, at in tables.rows("schema_meta", columns):
        if key in ("primary", None):
            app_version, schema = text(version), integer(number)
        elif isinstance(key, str) and isinstance(version, str):
            done[key] = version.partition("\n")[0].strip()[:40] or None
            recorded = max((each for each in (recorded, integer(at)) if each is not None), default=None)
    return app_version, done.get("startup-migrations"), done.get("state-migrations"), schema, recorded


def _unfinished(tables: Tables) -> Iterator[str]:
    for run_id, status in tables.rows("migration_runs", ("id", "status")):
        if run_id in ASKED_FOR and status != "completed":
            yield str(run_id)


def _configs(tables: Tables) -> Iterator[SeenConfig]:
    if not tables.has("config_health_entries", "config_path", "last_known_good_json"):
        return
    for path, seen in tables.rows("config_health_entries", ("config_path", "last_known_good_json")):
        found = parsed(seen)
        digest = found.get("hash") if isinstance(found, dict) else None
        if isinstance(found, dict) and isinstance(digest, str):
            yield SeenConfig(text(path) or "", digest, whole_number(found.get("mtimeMs")))


def _queues(tables: Tables) -> tuple[QueueRows, ...]:
    counted = "SELECT queue_name, status, count(*), min(enqueued_at) FROM delivery_queue_entries"
    statement = f"{counted} GROUP BY 1, 2 ORDER BY 1, 2"
    return tuple(
        QueueRows(text(queue) or "", text(status) or "", integer(count) or 0, integer(oldest))
        for queue, status, count, oldest in tables.ask("delivery_queue_entries", statement)
    )


def _subagents(tables: Tables, is_known: Callable[[str], bool]) -> SubagentRows:
    states: Counter[str] = Counter()
    rows: list[SubagentRun] = []
    columns = ("run_id", "payload_json", *_SUBAGENT_COLUMNS)
    for run_id, payload, *values in tables.rows("subagent_runs", columns):
        run = subagent_run(text(run_id) or "", _subagent(parsed(payload), values), is_known)
        states[run.state.value] += 1
        if len(rows) < LISTED:
            rows.append(run)
    return SubagentRows(states.total(), states, tuple(rows))


def _subagent(payload: object, values: Sequence[object]) -> Mapping[str, object]:
    """One run in the words of runs.json: the payload, and the columns of the mixed era where it has none."""
    found = dict(payload) if isinstance(payload, dict) else {}
    for name, value in zip(_SUBAGENT_COLUMNS.values(), values, strict=True):
        if value is not None:
            found[name] = value
    return found


def _leases(tables: Tables) -> Iterator[Lease]:
    columns = ("scope", "lease_key", "owner", "expires_at", "heartbeat_at", "payload_json")
    for scope, key, owner, expires, heartbeat, payload in tables.rows(
        "state_leases", columns, rest=f"LIMIT {MOST_LEASES}"
    ):
        found = parsed(payload)
        document = found if isinstance(found, dict) else {}
        inner = document.get("owner")
        process = inner if isinstance(inner, dict) else {}
        host, port = process.get("host"), document.get("port")
        yield Lease(
            text(scope) or "",
            text(key) or "",
            text(owner),
            integer(expires),
            integer(heartbeat),
            _number(process.get("pid")),
            host if isinstance(host, str) else None,
            _number(process.get("startedAt")),
            _number(port),
        )


def _database_leases(tables: Tables) -> Iterator[DatabaseLease]:
    columns = ("agent_id", "path", "owner_pid", "owner_start_time", "opened_at")
    for agent_id, path, pid, start, opened in tables.rows(
        "agent_database_leases", columns, rest=f"LIMIT {MOST_LEASES}"
    ):
        yield DatabaseLease(text(agent_id) or "", text(path) or "", integer(pid), integer(start), integer(opened))


def _placements(tables: Tables) -> tuple[int, tuple[OpenTurn, ...]]:
    total = next(tables.ask("worker_session_placements", "SELECT count(*) FROM worker_session_placements"), (0,))[0]
    if not tables.has("worker_session_placements", "turn_claim_id"):
        return integer(total) or 0, ()
    rest = f"WHERE turn_claim_id IS NOT NULL LIMIT {MOST_LEASES}"
    turns = tables.rows("worker_session_placements", ("session_key", "turn_claim_owner", "updated_at_ms"), rest=rest)
    return integer(total) or 0, tuple(OpenTurn(text(key) or "", text(owner), integer(at)) for key, owner, at in turns)


def _boots(tables: Tables) -> Iterator[Boot]:
    columns = ("pid", "started_at_ms", "completed_at_ms", "outcome", "startup_reason", "reason")
    rest = f"ORDER BY started_at_ms DESC LIMIT {MOST_BOOTS}"
    for pid, started, completed, outcome, startup, reason in tables.rows(
        "gateway_boot_lifecycle", columns, rest=rest
    ):
        yield Boot(integer(pid), integer(started), integer(completed), text(outcome), text(startup), text(reason))


def _migrations(tables: Tables) -> Iterator[MigratedSource]:
    columns = (
        "migration_kind",
        "source_path",
        "target_table",
        "status",
        "source_record_count",
        "source_sha256",
        "removed_source",
        "imported_at",
        "report_json",
    )
    for kind, source, target, status, records, sha256, removed, at, report in tables.rows(
        "migration_sources", columns, rest=f"LIMIT {MOST_MIGRATIONS}"
    ):
        told = as_object(parsed(report))
        yield MigratedSource(
            text(kind) or "",
            text(source) or "",
            text(target) or "",
            text(status) or "",
            integer(records),
            text(sha256),
            bool(removed),
            integer(at),
            "discarded" in str(told.get("decision", "")),
            str(told["databaseIdentity"]) if "databaseIdentity" in told else None,
            _files(told.get("sources")),
        )


def _files(sources: object) -> dict[str, ReceiptFile]:
    found = {}
    for each in map(as_object, sources if isinstance(sources, list) else ()):
        known, path = as_object(each.get("identity")), each.get("path")
        dev, ino, mtime, size = (_whole(known.get(name)) for name in ("dev", "ino", "mtimeNs", "size"))
        identity = (dev, ino) if dev is not None and ino is not None else None
        if isinstance(path, str):
            sha256 = known.get("sha256")
            found[path] = ReceiptFile(identity, mtime, size, sha256 if isinstance(sha256, str) else None)
    return found


def _whole(value: object) -> int | None:
    """A whole number, also one that is spelled out, as what no JSON number holds exactly."""
    spelled = value if isinstance(value, str) else str(value)
    return int(spelled) if spelled.isdecimal() and len(spelled) < 25 else None


def _databases(tables: Tables) -> Iterator[RegisteredDatabase]:
    columns = ("agent_id", "path", "schema_version", "size_bytes", "last_seen_at")
    for agent_id, path, schema, size, seen in tables.rows("agent_databases", columns):
        yield RegisteredDatabase(
            text(agent_id) or "", text(path) or "", integer(schema), integer(size), integer(seen)
        )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
