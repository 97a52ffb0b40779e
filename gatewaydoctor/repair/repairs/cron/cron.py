"""cron: marks of runs that do not run are cleared, and jobs are parked, put back, disabled and enabled. Only on
request: every release that keeps jobs in files deals with the marks itself at start (docs/gateway.md)."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.cron import UNDEFINED, CronRead, parked_key, word_for
from gatewaydoctor.model.repair.edits import MoveJobs, SetEnabled
from gatewaydoctor.model.repair.plan import DISABLE
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.repair.drafting.draft import literal
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.cron.choice import JobChanges, choose, jobs_of
from gatewaydoctor.repair.repairs.cron.jobsfile import (
    OpenedFile,
    edited,
    list_of,
    note_text,
    open_beside,
    open_file,
    rewrite_list,
    rewrite_spans,
    without_mark,
)
from gatewaydoctor.repair.repairs.cron.spans import Span, members
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.repair.writing.guard import lstat_or_none
from gatewaydoctor.state.cron.cron import disabled_path, parked_path
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob, DisabledJob, ParkedJob
    from gatewaydoctor.repair.drafting.draft import Draft


def plan_in_database(draft: Draft, changes: JobChanges, state: Path) -> None:
    """The jobs that were named, by their ids under the store path of this directory. A parked one is filed under
    another path, with its scratch and its receipts, and comes back from there as it was."""
    for job in (*changes.unpark, *changes.drop):
        if job.file == state.name:
            continue
        if job in changes.unpark:
            hint = f"Add it again with `openclaw cron add`; cron/{job.file} has its definition."
            reason = f"Jobs are in a database now, and {job.label} was parked from jobs.json."
            draft.refuse(Repair.CRON, state, OutOfReach(reason, hint))
    for job in changes.drop:
        if job.file == state.name:
            hint = f"Put it back (--unpark {quote(job.label)}), then remove it with openclaw cron remove."
            draft.refuse(Repair.CRON, state, OutOfReach(f"{job.label} is parked in a database.", hint))
    park = [job for job in draft.x.jobs.jobs if changes.park.get(job.index) == "named"]
    back = [job for job in changes.unpark if job.file == state.name]
    off, on = list(changes.disable), list(changes.enable)
    _file(draft, state, park, [job for job in back if job.job_id])
    _set(draft, state, off, enabled=False)
    _set(draft, state, on, enabled=True)
    if changes.untouched:
        draft.caution("Nothing to do for these jobs:", changes.untouched)


def _file(draft: Draft, state: Path, park: list[CronJob], back: list[ParkedJob]) -> None:
    own = str(draft.x.config.cron.store.value)
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
    known = draft.x.jobs.jobs
    labels = {job.job_id: word_for(job, known) for job in jobs}
    if not labels:
        return
    own = str(draft.x.config.cron.store.value)
    draft.edits.setdefault(state, []).append(SetEnabled(store_key=own, jobs=tuple(labels), enabled=enabled))
    count = plural(len(labels), "job")
    if enabled:
        draft.step(Repair.CRON, "enable", state, "jobs that run again when next due", list(labels.values()), 0)
    else:
        draft.step(Repair.CRON, DISABLE, state, count, list(labels.values()), 0)


def planned_jobs(draft: Draft) -> tuple[CronJob, ...]:
    """The jobs of whichever era as the plan leaves them."""
    state, jobs = draft.x.eras.state, draft.x.jobs
    if state is None or state.path != jobs.store.path:
        return draft.cron_jobs
    wanted = {
        job: edit.enabled
        for edit in draft.edits.get(state.path, ())
        if isinstance(edit, SetEnabled)
        for job in edit.jobs
    }
    every = (*jobs.jobs, *(replace(job, index=len(jobs.jobs) + at) for at, job in enumerate(draft.filed)))
    return tuple(replace(job, enabled=wanted.get(job.job_id, job.enabled)) for job in every)


def plan(draft: Draft, *, named: bool) -> None:
    """Jobs come before their state: a one-shot job without the mark would fire again, so it is off before the mark
    goes."""
    if not named:
        return
    state = draft.x.eras.state
    jobs = jobs_of(draft.x)
    if state is not None and state.path == jobs.store.path:
        changes = choose(jobs, draft.options.cron)
        plan_in_database(draft, changes, state.path)
        changes = JobChanges(drop=changes.drop, forget=changes.forget)
        _Files(draft, changes, None, None).plan()
        return
    changes = choose(draft.x.cron, draft.options.cron)
    listed, kept = open_file(draft, draft.x.cron.store), open_file(draft, draft.x.cron.state)
    try:
        _Files(draft, changes, listed, kept).plan()
    except (OutOfReach, OSError, Illegal) as error:
        reason = OutOfReach("It is not plain JSON.", "Edit it by hand.") if isinstance(error, Illegal) else error
        draft.refuse(Repair.CRON, draft.x.cron.store.path, reason)


class _Files:
    """The changes as edits of files."""

    def __init__(self, draft: Draft, changes: JobChanges, listed: OpenedFile | None, kept: OpenedFile | None) -> None:
        self.draft = draft
        self.changes = changes
        self.listed = listed
        self.kept = kept
        self.store = draft.x.cron.store.path
        self.places = listed.places() if listed else []
        self.changed: dict[int, bytes] = {}
        self.parked = {index: why for index, why in changes.park.items() if index < len(self.places)}

    def plan(self) -> None:
        marked = self._marked()
        rows = self._rows_without_mark(marked)
        beside = {job.index for job in marked if job.job_id in rows}
        inside = self._clear_inside(marked)
        once = [job for job in marked if _once(job) and job.enabled and job.index in inside | beside]
        off = [*once, *(job for job in self.changes.disable if job.index < len(self.places))]
        on = [job for job in self.changes.enable if job.index < len(self.places)]
        for job in off:
            self._edit(job, {"enabled": b"false"})
        for job in on:
            self._edit(job, {"enabled": b"true"})
        back = self._put_back()
        if self.listed:
            rewrite_list(self.draft, self.listed, self.changed, frozenset(self.parked), back)
        self._say_cleared(self.store, [job for job in marked if job.index in inside])
        self._say_disabled(once, off)
        self._say("enable", self.store, "jobs that run again when next due", [job.label for job in on])
        self._park()
        self._notes(off, on)
        if self.kept and rows:
            rewrite_spans(self.draft, self.kept, dict(rows.values()))
            told = {job.job_id: job for job in marked if job.index in beside}
            self._say_cleared(self.kept.path, list(told.values()))
        self._leave(inside | beside, {job.index for job in off}, {job.index for job in on})

    def _marked(self) -> list[CronJob]:
        """Jobs that lose their mark: none where the file with the marks that count cannot be edited, and no one-shot
        job that could not be disabled."""
        if self.kept is None and self.draft.x.cron.state.read in (CronRead.OK, CronRead.UNREADABLE):
            return []
        jobs = [job for job in self.changes.clear if job.index not in self.parked]
        return jobs if self.listed else [job for job in jobs if not _once(job)]

    def _rows_without_mark(self, marked: list[CronJob]) -> dict[str, tuple[Span, bytes]]:
        """Rows of the file that keeps run state since 2026.4.20: where each stands, and it without its mark."""
        if self.kept is None:
            return {}
        rows = members(self.kept.data, self.kept.jobs)
        return {
            job.job_id: (row, value)
            for job in marked
            if (row := rows.get(job.job_id)) and (value := without_mark(self.kept.data, row)) is not None
        }

    def _clear_inside(self, marked: list[CronJob]) -> set[int]:
        """Which jobs lose a mark that is in jobs.json itself."""
        cleared = set()
        for job in marked:
            if self.listed is None or job.index >= len(self.places):
                continue
            if (value := without_mark(self.listed.data, self.places[job.index])) is not None:
                self.changed[job.index] = value
                cleared.add(job.index)
        return cleared

    def _edit(self, job: CronJob, edits: dict[str, bytes | None]) -> None:
        assert self.listed is not None
        before = self.changed.get(job.index) or self.listed.text(self.places[job.index])
        self.changed[job.index] = edited(before, edits)

    def _put_back(self) -> list[bytes]:
        """The bytes of the parked jobs that return to the list; those and the dropped ones leave their files."""
        back: list[bytes] = []
        if self.listed is None and self.changes.unpark:
            reason = OutOfReach(
                "There is no jobs.json to put jobs back into.", "Start the gateway once, or restore it."
            )
            self.draft.refuse(Repair.CRON, self.store, reason)
            return back
        going = (*self.changes.unpark, *self.changes.drop)
        for name in sorted({job.file for job in going}):
            file = open_beside(self.draft, self.store.with_name(name))
            if file is None:
                continue
            gone = {job.index for job in going if job.file == name}
            back += [file.text(file.places()[job.index]) for job in self.changes.unpark if job.file == name]
            if gone == set(range(len(file.places()))):
                self.draft.move(file.path)
            else:
                rewrite_list(self.draft, file, {}, gone)
        self._say("put back", self.store, "parked jobs", [job.label for job in self.changes.unpark])
        self._say_dropped(self.changes.drop)
        self._warn_of_unrunnable(self.changes.unpark)
        return back

    def _say_dropped(self, jobs: Iterable[ParkedJob]) -> None:
        for job in jobs:
            self._say("drop", self.store.with_name(job.file), "a parked job, to the vault", [job.label])

    def _warn_of_unrunnable(self, jobs: Iterable[ParkedJob]) -> None:
        names = [job.label for job in jobs]
        if names:
            text = "A job that is put back unchanged runs only once its fault is corrected: scan afterwards."
            self.draft.caution(text, names)

    def _park(self) -> None:
        """The parked jobs go, byte for byte, into a file that no release reads."""
        if not self.parked or self.listed is None:
            return
        number = self.draft.fingerprint(self.store)
        target = _free(self.draft, self.store)
        texts = [self.listed.text(self.places[index]) for index in self.parked]
        self.draft.create(target, *literal(list_of(texts)), like=number)
        jobs = {job.index: job for job in self.draft.x.cron.jobs}
        labels = [jobs[index].label if index in jobs else f"#{index + 1}" for index in self.parked]
        reasons = sorted(set(self.parked.values()) - {"named"})[:3]
        why = f"; each {'; or '.join(reasons)}" if reasons else ""
        self.draft.step(
            Repair.CRON, "park", target, f"{_jobs(len(labels))} out of jobs.json{why}", labels, sum(map(len, texts))
        )
        running = [jobs[index] for index in self.parked if index in jobs]
        stop = [f"{job.label}: {job.schedule.words}" for job in running]
        these = "This schedule stops" if len(labels) == 1 else "These schedules stop"
        self.draft.caution(
            f"Parked jobs do not run. {these} until the job is corrected, given an id where it has none, and put "
            f"back with repair cron --unpark JOB{':' if stop else '.'}",
            stop,
            keep=len(stop),
        )

    def _notes(self, off: list[CronJob], on: list[CronJob]) -> None:
        """Which jobs this program disabled is kept next to jobs.json, so that it is told until it is settled."""
        path = disabled_path(self.store)
        before = self.draft.x.cron.disabled
        settled = {(job.job_id, job.name) for job in on} | {_note_key(note) for note in self.changes.forget}
        stay = [note for note in before if _note_key(note) not in settled]
        new = [(None if job.job_id == UNDEFINED else job.job_id, job.name, self.draft.x.now) for job in off]
        if not new and len(stay) == len(before):
            return
        notes = [note_text(note.job_id, note.name, note.at) for note in stay] + [note_text(*each) for each in new]
        self._say(
            "forget", path, "notes of disabled jobs", [each.name or each.job_id or "" for each in self.changes.forget]
        )
        if lstat_or_none(self.draft.fs, self.draft.real(path)) is None:
            self.draft.create(path, *literal(list_of(notes)), like=self.draft.fingerprint(self.store))
        elif notes:
            self.draft.rewrite(self.draft.fingerprint(path), *literal(list_of(notes)))
        else:
            self.draft.move(path)

    def _say(self, action: str, target: Path, reason: str, names: list[str]) -> None:
        if names:
            self.draft.step(Repair.CRON, action, target, reason, names, 0)

    def _say_cleared(self, path: Path, cleared: list[CronJob]) -> None:
        if not cleared:
            return
        age = duration(max(0, max(self.draft.x.now - (job.state.running_at or 0) for job in cleared)))
        left = (
            f"left by a run that began {age} ago" if len(cleared) == 1 else f"left by runs that began up to {age} ago"
        )
        self._say("clear the mark", path, left, [job.job_id for job in cleared])

    def _say_disabled(self, once: list[CronJob], off: list[CronJob]) -> None:
        if once:
            what = "a one-shot job" if len(once) == 1 else "one-shot jobs"
            self._say(
                DISABLE,
                self.store,
                f"{what} that would fire again once the mark is cleared",
                [word_for(job, self.draft.x.cron.jobs) for job in once],
            )
        named = [job for job in off if job not in once]
        words = [word_for(job, self.draft.x.cron.jobs) for job in named]
        self._say(DISABLE, self.store, _jobs(len(named)), words)

    def _leave(self, cleared: set[int], off: set[int], on: set[int]) -> None:
        """Tell the draft how the plan leaves the jobs."""

        def after(job: CronJob) -> CronJob:
            state = replace(job.state, running_at=None) if job.index in cleared else job.state
            return replace(job, state=state, enabled=(job.enabled or job.index in on) and job.index not in off)

        self.draft.unlisted = frozenset(self.parked)
        self.draft.cron_jobs = tuple(after(job) for job in self.draft.cron_jobs if job.index not in self.parked)
        if self.changes.untouched:
            self.draft.caution("Nothing to do for these jobs:", self.changes.untouched)


def _once(job: CronJob) -> bool:
    return job.schedule.kind == "at"


def _jobs(count: int) -> str:
    return plural(count, "job")


def _note_key(note: DisabledJob) -> tuple[str, str | None]:
    return note.job_id or UNDEFINED, note.name


def _free(draft: Draft, store: Path) -> Path:
    number = 1
    while lstat_or_none(draft.fs, draft.real(parked_path(store, number))) is not None:
        number += 1
    return parked_path(store, number)
