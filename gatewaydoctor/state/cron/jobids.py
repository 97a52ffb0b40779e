"""The jobs in the JSON of a cron store, and their ids: what is told without knowing a job (gateway.md section 7)."""

from __future__ import annotations


def jobs_list(document: object) -> list[object] | None:
    """The list of jobs in a document: `{jobs: []}`, or since 2026.5.22 a bare list. None for any other shape."""
    if isinstance(document, list):
        return document
    jobs = document.get("jobs") if isinstance(document, dict) else None
    return jobs if isinstance(jobs, list) else None


def job_id_of(raw: object) -> str | None:
    """The id, also under its old name `jobId`; a number as text. None where there is none."""
    if not isinstance(raw, dict):
        return None
    number = raw.get("id")
    spelled = str(number) if isinstance(number, int) and not isinstance(number, bool) else None
    return string(raw.get("id")) or string(raw.get("jobId")) or spelled


def string(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
