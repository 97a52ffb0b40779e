"""What `repair trim` would find to remove: a finding names it only where there is something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.examine.cron.jobs import QUIET_MS
from gatewaydoctor.model.gateway.entry import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.examination import Examination


def is_over(x: Examination, job: JobRuns) -> bool:
    """Whether all run rows of a job go when trim is named: all are older than the retention, and quiet. A transcript
    that was written later than its row makes that one younger."""
    retention = x.config.cron.session_retention.value
    last = latest(job.last_at, job.quiet_since)
    old = last is not None and retention is not None and x.now - last > max(retention, QUIET_MS)
    return old and job.base_key is None and job.runs > 0 and job.quiet >= min(job.runs, 2)


def ends_stuck(jobs: Iterable[JobRuns]) -> bool:
    """Whether stuck run rows go when trim is named: more of them than the one a job row may be a copy of."""
    return any(job.stuck > int(job.base_key is not None) for job in jobs)


def trims(x: Examination, jobs: Iterable[JobRuns]) -> bool:
    """Whether rows of these jobs go when trim is named: stuck ones, and of those quiet for an hour the ones that are
    older than the retention or not the newest of their job. The run that a job's job row is a copy of stays."""
    retention = x.config.cron.session_retention.value
    for job in jobs:
        kept = int(job.base_key is not None)
        age = None if job.first_at is None else x.now - job.first_at
        old = age is not None and retention is not None and age > max(retention, QUIET_MS)
        if job.stuck > kept or (job.quiet > kept and (old or job.runs > 1)):
            return True
    return False


def waits(jobs: Iterable[JobRuns]) -> bool:
    """Whether run rows are there that trim leaves alone because they are not quiet."""
    return any(job.quiet < min(job.runs, 2) for job in jobs)
