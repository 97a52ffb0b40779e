"""Names and jobs that the operator gave, and whether there is anything of the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.cron import CronRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.files.table import EntryTable


def unknown_names(x: Examination, names: frozenset[str]) -> frozenset[str]:
    """Those that are not session key and no file next to a store; none where a store could not be read whole."""
    if not names or not _all_read(x):
        return frozenset()
    files = {record.name for store in x.stores for record in store.listing.files}
    files |= {record.name for record in x.cron.temps}
    return names - files - {key for table in _tables(x) for key in table.all_keys() if key in names}


def unknown_jobs(x: Examination, jobs: frozenset[str]) -> frozenset[str]:
    """Those, by id in lower case, that neither jobs.json nor any row has; none where that could not all be read."""
    if not jobs or not _all_read(x) or x.cron.store.read not in (CronRead.OK, CronRead.MISSING):
        return frozenset()
    rows = {entry.job_id.lower() for table in _tables(x) for entry in table if entry.job_id}
    return jobs - {job.job_id.lower() for job in x.cron.jobs} - rows


def _tables(x: Examination) -> Iterator[EntryTable]:
    return (store.sessions.table for store in x.session_stores if store.sessions)


def _all_read(x: Examination) -> bool:
    problems = (store.listing.problem for store in x.stores)
    return all(store.whole for store in x.session_stores) and all(each is None or each.missing for each in problems)


def say_unused(draft: Draft) -> None:
    """A name to which nothing is done must not pass for one that was taken."""
    names, jobs = draft.options.names, draft.options.trim.jobs
    if names:
        gone = {entry.key for store in draft.opened for entry in store.dropped()}
        gone |= {draft.fingerprints[act.source].path.rpartition("/")[2] for act in draft.moves}
        if unused := sorted(names - gone):
            draft.caution(
                "You named it, but no chosen repair applies to it. trim and missing take session "
                "keys; orphans and temps take file names.",
                unused,
            )
    if unknown := sorted(unknown_jobs(draft.x, jobs)):
        draft.caution("No cron job and no row has this id or name.", unknown)
