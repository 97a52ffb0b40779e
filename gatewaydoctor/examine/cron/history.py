"""Jobs that the run history of the state database shows started again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.cron.jobs import is_rapid
from gatewaydoctor.examine.cron.ticks import Ticks, ticks
from gatewaydoctor.model.units import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import CronJob

LATEST = 20
"""Runs that tell how a job does now: one that was repaired since its burst has others."""


class Retried(Struct, frozen=True):
    """`runs` are the latest of the job in the last day of its history, `span` is ms from the first to the last."""

    job: CronJob
    runs: int
    span: int
    ticks: Ticks


def retried(x: Examination) -> Iterator[Retried]:
    """Enabled jobs of the state database that start again and again. Rows of sessions are not asked: a release with
    databases keeps one for each job."""
    if x.state_rows is None:
        return
    times_of = x.state_rows.history.times_of
    for job in x.jobs.jobs:
        times = times_of.get(job.job_id, ()) if job.enabled else ()
        late = [at for at in times[:LATEST] if at > times[0] - DAY_MS]
        grouped = ticks(late)
        if is_rapid(grouped, job):
            yield Retried(job, len(late), late[0] - late[-1], grouped)
