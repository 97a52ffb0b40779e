"""Jobs that started again and again are disabled in the run that removes what they left behind."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.cron.jobs import JobCollector
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.cron import word_for
from gatewaydoctor.model.gateway.entry import parse_key
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.options import CronOptions, Repair
from gatewaydoctor.repair.repairs.cron import cron
from gatewaydoctor.repair.repairs.cron.choice import jobs_of
from gatewaydoctor.repair.repairs.cron.cron import planned_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def retrying(draft: Draft) -> tuple[CronJob, ...]:
    """Enabled jobs that retry without end and of whose runs this plan removes some, in the order of the list."""
    found = {each.job.index: each.job for each in _rapid(draft) if each.job is not None and each.job.enabled}
    return tuple(found[index] for index in sorted(found))


def _rapid(draft: Draft) -> Iterator[JobRuns]:
    """Jobs that piled up runs of which some go, or that the plan may file under the path of this directory."""
    runs = chain(
        (each for store in draft.stores for each in _runs(draft, store)),
        (each for database in draft.databases for each in database.facts.jobs),
    )
    rapid = [each for each in runs if each.rapid]
    removed = _of_removed(draft, {each.job_id.lower() for each in rapid})
    filing = any(step.repair == Repair.JOBS for step in draft.steps)
    return (each for each in rapid if each.job_id.lower() in removed or (filing and each.job is None))


def _of_removed(draft: Draft, jobs: set[str]) -> set[str]:
    """Those of the jobs, ids in lower case, of which rows leave."""
    found: set[str] = set()
    for key in chain.from_iterable(store.dropped_keys() for store in draft.opened):
        if found == jobs:
            break  # the other rows, often thousands, change nothing
        found |= jobs & {(parse_key(key).job_id or "").lower()}
    return found


def say_elsewhere(draft: Draft) -> None:
    """Jobs under another path do not run, whatever else the plan does."""
    count = sum(draft.x.health.jobs_elsewhere.values())
    if count and not any(step.repair == Repair.JOBS for step in draft.steps):
        draft.caution(
            f"{plural(count, 'cron job is', 'cron jobs are')} filed under another directory and would not run. "
            "Afterwards file them here:",
            todo=typed("repair", "jobs"),
        )


def _runs(draft: Draft, store: StoreDraft) -> tuple[JobRuns, ...]:
    """What its rows tell of each job; of a store that salvage rebuilt, the rows that came back."""
    if not store.rebuilt:
        return store.facts.jobs
    collector = JobCollector(store.facts.signs, draft.x.now)
    for entry in chain(store.dropped(), (entry for _, entry in store.entries())):
        collector.take(entry, 0, stuck=False)
    return collector.result(jobs_of(draft.x))


def disable_retrying(draft: Draft, *, also_cron: bool) -> None:
    """Plan to disable them, as `repair cron --disable` does. Where the plan edits jobs for other reasons, a caution
    says that they stay enabled."""
    jobs = retrying(draft)
    if not jobs:
        return
    words = [word_for(job, jobs_of(draft.x).jobs) for job in jobs]
    if also_cron:
        draft.caution("These jobs retry without end and stay enabled; disable them in a run of their own.", words)
        return
    draft.options = replace(draft.options, cron=CronOptions(disable=frozenset(words)))
    cron.plan(draft, named=True)


def still_retrying(draft: Draft) -> tuple[str, ...]:
    """Such jobs that stay enabled when the plan is done, each by the word that `repair cron` takes for it; where jobs
    are filed under another path also those that may be among them, by id."""
    enabled = {job.index for job in planned_jobs(draft) if job.enabled}
    known = jobs_of(draft.x).jobs
    words = [word_for(job, known) for job in retrying(draft) if job.index in enabled]
    if draft.x.health.jobs_elsewhere:
        words += [each.job_id for each in _rapid(draft) if each.job is None]
    return tuple(dict.fromkeys(words))
