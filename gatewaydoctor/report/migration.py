"""The audit of the move to databases, as JSON: the details of `migration`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.database.migration import JobPlace

if TYPE_CHECKING:
    from gatewaydoctor.model.database.migration import AgentMigration, JobWhere, Migration, TranscriptPlace


def migration_details(found: Migration, cap: int | None) -> dict[str, Any]:
    """Everything is counted; lists show the first `cap`."""
    return {
        "agents": [_agent(agent, cap) for agent in found.agents],
        "jobs": {
            "named": len(found.jobs),
            **{place.value: sum(job.place is place for job in found.jobs) for place in JobPlace},
            "missing": [_job(job) for job in missing_jobs(found)[:cap]],
        },
        "runs": [
            {
                "runId": run.run_id,
                "path": str(run.path),
                "agents": list(run.agents),
                "startedAt": run.started,
                "completedAt": run.completed,
                "planned": run.planned,
                "moved": run.moved,
                "issues": dict(run.issues),
                "unfinished": run.unfinished,
                "reason": run.reason,
            }
            for run in found.runs[:cap]
        ],
        "retainedSources": [
            {
                "kind": each.kind,
                "path": str(each.path),
                "status": each.status,
                "recordedSha256": each.recorded,
                "sha256": each.found,
                "contradicted": each.contradicted,
                "changedFiles": [str(path) for path in each.changed[:cap]],
                "gone": each.gone,
                "rewrittenAtMs": each.rewritten_at,
                "original": str(each.original) if each.original else None,
                "reason": each.reason,
            }
            for each in found.retained[:cap]
        ],
        "discardedSources": [{"path": path, "sha256": digest} for path, digest in found.discarded[:cap]],
        "runHistoryImportedAsFailed": found.failed_history,
    }


def missing_jobs(found: Migration) -> list[JobWhere]:
    """Jobs that the gateway does not run from here."""
    return [job for job in found.jobs if job.place is not JobPlace.DATABASE]


def _agent(agent: AgentMigration, cap: int | None) -> dict[str, Any]:
    only = agent.only_in_files
    return {
        "agentId": agent.agent_id,
        "database": str(agent.database) if agent.database else None,
        "problem": agent.problem,
        "oldStores": [str(path) for path in agent.sources],
        "rows": {place.value: count for place, count in agent.rows.items()},
        "lostRows": [
            {"key": row.key, "sessionId": row.session_id, "place": row.place.value, "path": str(row.path)}
            for row in agent.lost_rows[:cap]
        ],
        "files": [
            {"source": source.value, "place": place.value, "count": count}
            for (source, place), count in sorted(agent.files.items())
        ],
        "peoplesTurnsOnlyInFiles": sum(each.people for each in only),
        "transcripts": [_transcript(each) for each in only[:cap]],
        "committed": list(agent.committed) if agent.committed else None,
    }


def _transcript(each: TranscriptPlace) -> dict[str, Any]:
    return {
        "sessionId": each.session_id,
        "path": str(each.path),
        "source": each.source.value,
        "place": each.place.value,
        "events": each.events,
        "inDatabase": each.contained,
        "peoplesTurns": each.people,
        "undecidedLines": each.undecided,
        "brokenLine": each.broken_at,
        "header": each.header,
        "bytes": each.bytes,
    }


def _job(job: JobWhere) -> dict[str, Any]:
    return {
        "jobId": job.job_id,
        "name": job.name,
        "place": job.place.value,
        "files": list(job.files),
        "reason": job.reason,
        "enabled": job.enabled,
        "namesake": job.namesake,
    }
