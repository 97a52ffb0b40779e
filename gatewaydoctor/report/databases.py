"""What databases hold, as JSON: the details of `status`, `cron`, `subagents` and `stuck`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.database.reading import DatabaseFault, bytes_by_owner

if TYPE_CHECKING:
    from collections import Counter

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.reading import AgentRows, DatabaseBytes, LogFacts, StateRows, Stored

TABLES = 40
"""Tables of a database that are listed by bytes."""


def database_details(facts: DatabaseFacts) -> dict[str, Any]:
    """One agent's database."""
    head: dict[str, Any] = {"agentId": facts.agent_id, "path": str(facts.path)}
    if isinstance(facts.read, DatabaseFault):
        return head | {"read": False, "fault": facts.read.kind.value, "reason": facts.read.reason}
    read = facts.read
    return head | {
        "read": True,
        "whole": facts.whole,
        "sessions": read.sessions.entries if read.sessions else None,
        "log": _log(read.log),
        "hotJournal": read.journal is not None and read.journal.hot,
        **_agent(read.rows),
        "bytes": _bytes(read.weight),
    }


def _agent(rows: AgentRows) -> dict[str, Any]:
    return {
        "owner": rows.owner,
        "appVersion": rows.app_version,
        "schemaVersion": rows.schema,
        "windows": {
            "count": rows.windows.count,
            "former": rows.windows.former,
            "formerRunning": rows.windows.running_former,
            "status": {word or "unknown": count for word, count in rows.windows.by_status.items()},
        },
        "events": {
            "sessions": rows.events.sessions,
            "count": rows.events.count,
            "bytes": rows.events.bytes,
            "compressed": rows.events.compressed,
            "large": rows.events.large,
            "largeBytes": rows.events.large_bytes,
            "newestAtMs": rows.events.newest,
        },
        "archives": _stored(rows.archives),
        "coldArchives": _stored(rows.cold),
        "trajectories": _stored(rows.trajectories),
        "pendingInputs": dict(rows.inputs),
        "withoutTranscript": rows.silent,
        "eventsWithoutWindow": rows.lost_events,
        "eventsWithoutWindowOfPeople": rows.lost_of_people,
        "notValidated": rows.unjudged,
        "cleared": rows.cleared,
    }


def state_details(x: Examination) -> dict[str, Any] | None:
    """The state database; None without one."""
    match x.state:
        case None:
            return None
        case DatabaseFault() as fault:
            return {"path": str(fault.path), "read": False, "fault": fault.kind.value, "reason": fault.reason}
        case rows:
            path = str(x.eras.state.path) if x.eras.state else None
            return {"path": path, "read": True, **_state(rows), "bytes": _bytes(x.state_bytes)}


def _state(rows: StateRows) -> dict[str, Any]:
    return {
        "startedBy": rows.started,
        "appVersion": rows.app_version,
        "schemaVersion": rows.schema,
        "cron": cron_details(rows),
        "queues": [
            {"queue": each.queue, "status": each.status, "count": each.count, "oldestAtMs": each.oldest}
            for each in rows.queues
        ],
        "subagents": {"runs": rows.subagents.count, "state": dict(rows.subagents.by_state)},
        "leases": [
            {
                "scope": each.scope,
                "owner": each.owner,
                "pid": each.pid,
                "host": each.host,
                "expiresAtMs": each.expires_at,
                "heartbeatAtMs": each.heartbeat_at,
            }
            for each in rows.leases
        ],
        "databaseLeases": [
            {"agentId": each.agent_id, "path": each.path, "pid": each.pid, "openedAtMs": each.opened_at}
            for each in rows.database_leases
        ],
        "placements": rows.placements,
        "openTurns": [{"sessionKey": each.session_key, "claimedAtMs": each.claimed_at} for each in rows.open_turns],
        "boots": [
            {
                "pid": each.pid,
                "startedAtMs": each.started_at,
                "completedAtMs": each.completed_at,
                "outcome": each.outcome,
                "reason": each.reason,
            }
            for each in rows.boots
        ],
        "migrations": [
            {"kind": each.kind, "source": each.source, "status": each.status, "records": each.records}
            for each in rows.migrations
        ],
        "databases": [
            {"agentId": each.agent_id, "path": each.path, "schemaVersion": each.schema} for each in rows.databases
        ],
    }


def cron_details(rows: StateRows) -> dict[str, Any]:
    """Jobs by store path, what was set aside, receipts and run history."""
    return {
        "partitions": [
            {"storeKey": each.store_key, "jobs": each.jobs, "enabled": each.enabled, "managed": each.managed}
            for each in rows.partitions
        ],
        "quarantined": [
            {
                "storeKey": each.store_key,
                "jobId": each.job_id,
                "name": each.name,
                "reason": each.reason,
                "atMs": each.at,
            }
            for each in rows.quarantined
        ],
        "receipts": dict(rows.receipts),
        "history": _history(rows.history.by_status),
        "importedAsFailed": rows.history.imported_ok,
    }


def _history(found: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    words: dict[str, dict[str, int]] = {}
    for (runtime, status), count in found.most_common():
        words.setdefault(runtime or "unknown", {})[status or "unknown"] = count
    return words


def _bytes(found: DatabaseBytes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "main": found.main,
        "wal": found.wal,
        "live": found.live,
        "free": found.freelist,
        "owners": {each.owner: each.bytes for each in bytes_by_owner(found)},
        "tables": {each.name: each.total for each in found.tables[:TABLES]},
    }


def _log(log: LogFacts | None) -> dict[str, Any] | None:
    if log is None:
        return None
    return {
        "bytes": log.bytes,
        "frames": log.frames,
        "commits": log.commits,
        "uncommittedFrames": log.tail,
        "verified": log.verified,
        "reason": log.reason,
    }


def _stored(found: Stored) -> dict[str, int]:
    return {"count": found.count, "bytes": found.bytes}
