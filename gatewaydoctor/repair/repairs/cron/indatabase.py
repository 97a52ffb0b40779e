"""cron where the jobs are in the state database: they are disabled and enabled. A start settles their marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.cron import word_for
from gatewaydoctor.model.repair.plan import SetEnabled
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import DISABLE
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.repairs.cron.choice import JobChanges


def plan_in_database(draft: Draft, changes: JobChanges, state: Path) -> None:
    """The jobs that were named, by their ids under the store path of this directory."""
    if draft.options.cron.park:
        hint = "Run `gatewaydoctor repair cron --disable JOB`."
        draft.refuse(Repair.CRON, state, OutOfReach("A job in a database stays there, and can be disabled.", hint))
    for job in changes.unpark:
        hint = f"Add it again with openclaw cron add; cron/{job.file} has its definition."
        reason = f"Jobs are in a database now, and {job.label} was parked from jobs.json."
        draft.refuse(Repair.CRON, state, OutOfReach(reason, hint))
    off, on = list(changes.disable), list(changes.enable)
    _set(draft, state, off, enabled=False)
    _set(draft, state, on, enabled=True)
    if changes.untouched:
        draft.caution("Named, and nothing is done:", changes.untouched)


def _set(draft: Draft, state: Path, jobs: Iterable[CronJob], *, enabled: bool) -> None:
    known = (draft.x.jobs or draft.x.cron).jobs
    labels = {job.job_id: word_for(job, known) for job in jobs}
    if not labels:
        return
    own = str(draft.state_dir / "cron" / "jobs.json")
    draft.edits.setdefault(state, []).append(SetEnabled(store_key=own, jobs=tuple(labels), enabled=enabled))
    count = plural(len(labels), "job")
    if enabled:
        draft.step(Repair.CRON, "enable", state, "jobs that run again when next due", list(labels.values()), 0)
    else:
        draft.step(Repair.CRON, DISABLE, state, f"{count} that were named", list(labels.values()), 0)


def planned_jobs(draft: Draft) -> tuple[CronJob, ...]:
    """The jobs of whichever era as the plan leaves them."""
    state = draft.x.eras.state
    if draft.x.jobs is None:
        return draft.cron_jobs
    wanted = {
        job: edit.enabled
        for edit in (draft.edits.get(state.path, ()) if state is not None else ())
        if isinstance(edit, SetEnabled)
        for job in edit.jobs
    }
    return tuple(replace(job, enabled=wanted.get(job.job_id, job.enabled)) for job in draft.x.jobs.jobs)
