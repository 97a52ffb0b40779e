"""What the next start of the gateway will do with the repaired directory (docs/gateway.md sections 3, 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.model.repair.plan import UNTIL_FOUND, Note
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.planner.notes import note
from gatewaydoctor.repair.planner.resumed import running_notes, validated
from gatewaydoctor.repair.repairs.sessions.childkeys import all_children, dropped_children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.repair.drafting.draft import Draft


def forecast(draft: Draft) -> tuple[Note, ...]:
    """In the order in which an operator would want to know."""
    return (*running_notes(draft), *_cron(draft), *_subagents(draft), *_imports(draft), *validated(draft))


def _policy(draft: Draft) -> Policy | None:
    return draft.x.config.release.policy


def _cron(draft: Draft) -> Iterator[Note]:
    """Jobs as the plan leaves them, every one by name."""
    x = draft.x
    if x.eras.cron_in_database and not x.cron.jobs:
        return
    if not x.config.cron.enabled.value:
        if x.cron.jobs:
            yield note("Cron is disabled in the config: no job fires, and the start clears no running mark.", ())
        return
    held = {job.index for job in x.cron.jobs if job.state.running_at is not None}
    freed = [job for job in draft.cron_jobs if job.index in held and job.state.running_at is None and job.enabled]
    yield from _freed(freed, x.now, _policy(draft))
    due = [job for job in draft.cron_jobs if _is_due(job, x.now) and job.index not in held]
    if due:
        yield _jobs_note(
            f"{plural(len(due), 'cron job is', 'cron jobs are')} past due and will fire soon after the start.", due
        )
    yield from _marked([job for job in draft.cron_jobs if job.state.running_at is not None], _policy(draft))
    enabled = {job.job_id for job in draft.cron_jobs if job.enabled}
    again = [
        job
        for store in x.stores
        for job in store.jobs
        if job.rapid and (job.known is None if job.job is None else job.job.job_id in enabled)
    ]
    if again:
        these = "it" if len(again) == 1 else "them"
        yield _jobs_note(
            f"{plural(len(again), 'job')} that piled up runs will run again. Disable {these} in the same run, "
            f"with --disable-retrying, {UNTIL_FOUND}",
            again,
        )


def _jobs_note(text: str, jobs: Iterable[CronJob | JobRuns]) -> Note:
    return Note(text=text, names=tuple(job.name or job.job_id for job in jobs))


def _freed(jobs: list[CronJob], now: int, policy: Policy | None) -> Iterator[Note]:
    """Jobs that lose their mark by this plan. Seen with the real 2026.3.28 and 2026.9.6: those past due fire at
    start, and a cron expression where a time of it lies after the last run; with the mark they would not."""
    due = [job for job in jobs if _is_due(job, now)]
    rest = [job for job in jobs if not _is_due(job, now)]
    perhaps = [job for job in rest if _caught_up(job)]
    later = [job for job in rest if not _caught_up(job)]
    fires = "will fire soon after the start"
    because = "because this plan clears the mark"
    if due:
        otherwise = "" if policy is None else "; with the mark they would not"
        yield _jobs_note(f"{plural(len(due), 'cron job')} past due {fires}, {because}{otherwise}.", due)
    if perhaps:
        yield _jobs_note(f"{plural(len(perhaps), 'cron job')} {fires} if a run was missed, {because}.", perhaps)
    if later:
        lose = plural(len(later), "cron job loses its mark and runs", "cron jobs lose their mark and run")
        yield _jobs_note(f"{lose} when next due.", later)


def _caught_up(job: CronJob) -> bool:
    """Whether the start looks for times of the schedule since the last run."""
    return job.schedule.kind == "cron" and job.state.last_run_at is not None


def _marked(jobs: list[CronJob], policy: Policy | None) -> Iterator[Note]:
    """Jobs whose mark stays."""
    if not jobs:
        return
    these, them = ("This job is", "it") if len(jobs) == 1 else ("These jobs are", "them")
    yield _jobs_note(f"{these} marked as running: {_MARKED[policy].format(them=them)}", jobs)
    once = [job for job in jobs if job.schedule.kind == "at" and job.enabled]
    if once and (policy is None or BEHAVIOURS[policy].reruns_one_shots):
        yield _jobs_note(f"{plural(len(once), 'one-shot job')} among them may still fire again.", once)


_INTERRUPTED = "the start records the run as interrupted and disables one-shot jobs."
_MARKED = {
    Policy.V2026_3_28: "the start clears the mark and leaves {them} out of its catch-up.",
    Policy.V2026_4_25: _INTERRUPTED,
    Policy.V2026_5_22: _INTERRUPTED,
    # Seen with a real 2026.9.6 for marks of 1 h and of 29 h, in jobs.json, jobs-state.json and the database.
    Policy.V2026_9_6: "the start records the run as interrupted and computes the next one.",
    None: "every release deals with that at start, 2026.4.25 and 2026.5.22 by recording an interrupted run.",
}


def _is_due(job: CronJob, now: int) -> bool:
    return (
        job.enabled
        and job.state.running_at is None
        and job.state.next_run_at is not None
        and job.state.next_run_at <= now
    )


def _subagents(draft: Draft) -> Iterator[Note]:
    gone = dropped_children(draft)
    lost = sorted(gone & all_children(draft)) if gone else []
    if lost:
        one = len(lost) == 1
        yield note(
            f"{plural(len(lost), 'run loses its session', 'runs lose their sessions')}: the start "
            f"drops {'it' if one else 'them'} from the registry. "
            f"{'It has' if one else 'They have'} ended and have no attachments.",
            lost,
        )
    yield from _archived(draft, gone)


def _archived(draft: Draft, gone: frozenset[str]) -> Iterator[Note]:
    """The sweep that starts with the gateway. Up to 2026.3.28 it does not ask whether the run has ended."""
    registry, behaviour = draft.x.subagents, draft.x.config.release.behaviour
    rebuilt = draft.taken(registry.path)
    if behaviour.sessions_in_database or not (registry.read is RegistryRead.OK or rebuilt):
        return
    going_on = frozenset() if behaviour.sweeps_open_runs else registry.open_children
    over = sorted(registry.overdue_children - going_on - gone)
    if over:
        sessions = "its session with the transcript" if len(over) == 1 else "their sessions with the transcripts"
        yield note(
            f"{plural(len(over), 'subagent run is', 'subagent runs are')} past the archive date: within a minute the "
            f"gateway deletes {sessions}.",
            over,
        )


def _imports(draft: Draft) -> Iterator[Note]:
    stores = [store for store in draft.stores if store.opened and store.facts.era.sessions_in_database]
    if stores or (
        draft.x.config.release.behaviour.sessions_in_database and any(store.changed for store in draft.stores)
    ):
        yield note("2026.9.6 imports the store at start, row by row, and sets the file aside.", ())
