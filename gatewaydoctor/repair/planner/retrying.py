"""Jobs that started again and again are disabled in the run that removes what they left behind."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.jobs import JobCollector
from gatewaydoctor.model.gateway.cron import word_for
from gatewaydoctor.repair.drafting.options import CronOptions
from gatewaydoctor.repair.repairs.cron import cron

if TYPE_CHECKING:
    from gatewaydoctor.examine.jobs import JobRuns
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def retrying(draft: Draft) -> tuple[CronJob, ...]:
    """Enabled jobs that retry without end and of whose runs this plan removes some, in the order of the file."""
    removed = {
        entry.job_id.lower()
        for store in draft.stores
        if store.opened
        for entry in store.dropped()
        if entry.job_id is not None
    }
    found = {
        each.job.index: each.job
        for store in draft.stores
        for each in _runs(draft, store)
        if each.rapid and each.job is not None and each.job.enabled and each.job_id.lower() in removed
    }
    return tuple(found[index] for index in sorted(found))


def _runs(draft: Draft, store: StoreDraft) -> tuple[JobRuns, ...]:
    """What its rows tell of each job; of a store that salvage rebuilt, the rows that came back."""
    if not store.rebuilt:
        return store.facts.jobs
    collector = JobCollector(store.facts.signs, draft.x.now)
    for entry in chain(store.dropped(), (entry for _, entry in store.entries())):
        collector.take(entry, 0, stuck=False)
    return collector.result(draft.x.cron)


def disable_retrying(draft: Draft, *, also_cron: bool) -> None:
    """Plan to disable them, as `repair cron --disable` does. Where the plan edits jobs.json for other reasons, a
    caution says that they stay enabled."""
    jobs = retrying(draft)
    if not jobs:
        return
    if also_cron:
        names = [word_for(job, draft.x.cron.jobs) for job in jobs]
        draft.caution("These jobs retry without end and stay enabled; disable them in a run of their own.", names)
        return
    options = draft.options
    draft.options = replace(
        options, cron=CronOptions(disable=frozenset(word_for(job, draft.x.cron.jobs) for job in jobs))
    )
    cron.plan(draft, named=True)


def still_retrying(draft: Draft) -> tuple[str, ...]:
    """Such jobs that stay enabled when the plan is done, each by the word that `repair cron` takes for it."""
    enabled = {job.index for job in draft.cron_jobs if job.enabled}
    return tuple(word_for(job, draft.x.cron.jobs) for job in retrying(draft) if job.index in enabled)
