"""cron where the jobs are in the state database: they are parked, put back, disabled and enabled. A start settles
their marks."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.cron import parked_key, word_for
from gatewaydoctor.model.repair.plan import MoveJobs, SetEnabled
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import DISABLE
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob, ParkedJob
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.repairs.cron.choice import JobChanges


def plan_in_database(draft: Draft, changes: JobChanges, state: Path) -> None:
    """The jobs that were named, by their ids under the store path of this directory. A parked one is filed under
    another path, with its scratch and its receipts, and comes back from there as it was."""
    for job in (*changes.unpark, *changes.drop):
        if job.file == state.name:
            continue
        if job in changes.unpark:
            hint = f"Add it again with openclaw cron add; cron/{job.file} has its definition."
            reason = f"Jobs are in a database now, and {job.label} was parked from jobs.json."
            draft.refuse(Repair.CRON, state, OutOfReach(reason, hint))
    for job in changes.drop:
        if job.file == state.name:
            hint = f"Put it back (--unpark {quote(job.label)}), then remove it with openclaw cron remove."
            draft.refuse(Repair.CRON, state, OutOfReach(f"{job.label} is parked in a database.", hint))
    park = [job for job in (draft.x.jobs or draft.x.cron).jobs if changes.park.get(job.index) == "named"]
    back = [job for job in changes.unpark if job.file == state.name]
    off, on = list(changes.disable), list(changes.enable)
    _file(draft, state, park, [job for job in back if job.job_id])
    _set(draft, state, off, enabled=False)
    _set(draft, state, on, enabled=True)
    if changes.untouched:
        draft.caution("Named, and nothing is done:", changes.untouched)


def _file(draft: Draft, state: Path, park: list[CronJob], back: list[ParkedJob]) -> None:
    own = str(draft.state_dir / "cron" / "jobs.json")
    edits = draft.edits.setdefault(state, []) if park or back else []
    if park:
        ids = tuple(job.job_id for job in park)
        edits.append(MoveJobs(before=own, after=parked_key(own), jobs=ids))
        reason = f"{plural(len(park), 'job')} out of the gateway's sight, in the database"
        draft.step(Repair.CRON, "park", state, reason, [job.label for job in park], 0)
        stop = [f"{job.label}: {job.schedule.words}" for job in park]
        draft.caution("Parked jobs do not run. They come back with repair cron --unpark JOB:", stop, keep=len(stop))
    if back:
        ids = tuple(job.job_id for job in back if job.job_id)
        edits.append(MoveJobs(before=parked_key(own), after=own, jobs=ids))
        draft.step(Repair.CRON, "put back", state, "parked jobs", [job.label for job in back], 0)


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
    state, jobs = draft.x.eras.state, draft.x.jobs
    if jobs is None or state is None or state.path != jobs.store.path:
        return draft.cron_jobs
    wanted = {
        job: edit.enabled
        for edit in draft.edits.get(state.path, ())
        if isinstance(edit, SetEnabled)
        for job in edit.jobs
    }
    return tuple(replace(job, enabled=wanted.get(job.job_id, job.enabled)) for job in jobs.jobs)
